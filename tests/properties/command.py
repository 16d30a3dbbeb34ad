"""Whatever the command line, the command ends with an exit code that says what happened, and prints what it should."""

import atexit
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from strategies.commands import lay_out

from archdsl.cli import exits
from archdsl.cli.main import main

CODES = {exits.FINE, exits.SPEC, exits.USAGE, exits.IO, exits.LIMIT, exits.MISSING}
STANDARD_INPUT = b"model one { input x: f32[N, 3]; linear(2); output y }\n"


@cache
def place() -> Path:
    """A folder with the files that command lines name, which goes when this process does."""
    # One level down, so that `..` holds little.
    outer = Path(tempfile.mkdtemp(prefix="archdsl-lines-"))
    folder = outer / "here"
    folder.mkdir()
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(outer, ignore_errors=True)

    atexit.register(remove)
    lay_out(folder)
    return folder


def check_in_place(arguments: Sequence[str]) -> int:
    """`check_command` where the files are."""
    before = os.getcwd()
    os.chdir(place())
    try:
        return check_command(arguments)
    finally:
        os.chdir(before)
        # What the command may have written over.
        if {"compile", "-o"} <= set(arguments) or "--fix" in arguments:
            lay_out(place())


class _Stream(io.TextIOWrapper):
    """A standard stream in memory, with the bytes below it."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(io.BytesIO(data), "utf-8")

    @property
    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8")  # pyright: ignore[reportAttributeAccessIssue]


def ran(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line, run in this process."""
    out, err, inside = _Stream(), _Stream(), _Stream(STANDARD_INPUT)
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = inside, out, err
    try:
        code = main(list(arguments))
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
    return code, out.text, err.text


def check_command(arguments: Sequence[str]) -> int:
    """In the working directory, which holds the files that it names; the exit code."""
    code, out, err = ran(arguments)
    shutil.rmtree("out", ignore_errors=True)
    assert code in CODES, f"exit code {code}\n{err}"
    assert "Traceback" not in out + err
    assert code == exits.FINE or err or arguments[:1] in (("check",), ("test",), ("verify",)), "a failure says nothing"
    helped = {"-h", "--help", "help", "-V", "-v", "--version"} & set(arguments)
    if not helped and code == exits.FINE and asked_for_json(arguments):
        json.loads(out)
    for stream in (out, err):
        plain = stream.replace("\x1b[", "") if "always" in arguments or "--color=always" in arguments else stream
        assert not [sign for sign in plain if ord(sign) < 32 and sign not in "\n\t\r"], "raw control characters"
    return code


def asked_for_json(arguments: Sequence[str]) -> bool:
    formats = [b for a, b in pairwise(arguments) if a == "--format"]
    formats += [a.partition("=")[2] for a in arguments if a.startswith("--format=")]
    return bool(formats) and formats[-1] in ("json", "sarif")
