"""Every option of every command, as the parsers themselves list them, given every kind of hostile name: whatever it is,
the answer is an exit code that means something and an error in words, and comes at once."""

import argparse
import builtins
import errno
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from alarm import alarm
from cli_support import GOOD, Ran

from archdsl.cli import exits
from archdsl.cli.main import COMMANDS, main
from archdsl.cli.options import declared

Archdsl = Callable[..., Ran]

SUFFIXES = ("", ".arch", ".onnx", ".py", ".safetensors", ".npy", ".png")
"""What a name may end in: commands look at that first."""

PATHS = {"files", "targets", "target", "output", "weights", "keys", "input"}
"""Options whose values are names of files. Of a new option that is in neither set a test asks which it is."""

TEXTS = {
    "format", "limit", "color", "param", "dim", "depth", "columns", "sort", "convention", "symbolic", "seed", "device",
    "opset", "dtype", "to", "max_memory", "max_seconds", "stage", "name", "code", "shell",
    "caption", "label",
}  # fmt: skip

MEANINGFUL = {exits.FINE, exits.SPEC, exits.USAGE, exits.IO, exits.LIMIT, exits.MISSING}

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Hung(BaseException):
    """No `Exception`: a command must not take it for a mistake of its own."""


def takes_value(action: argparse.Action) -> bool:
    return action.nargs != 0 and not isinstance(action, argparse._HelpAction)  # pyright: ignore[reportPrivateUsage]


CELLS = [(command, action) for command in COMMANDS for action in declared(command) if takes_value(action)]


def lay_out(folder: Path) -> None:
    """The files that hostile names are of."""
    (folder / "good.arch").write_text(GOOD)
    for suffix in SUFFIXES:
        (folder / f"folder{suffix}").mkdir()
        os.mkfifo(folder / f"pipe{suffix}")
        (folder / f"dangling{suffix}").symlink_to("nowhere")
        (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
        (folder / f"empty{suffix}").write_bytes(b"")
        (folder / f"null{suffix}").symlink_to("/dev/null")
        (folder / f"full{suffix}").symlink_to("/dev/full")


def hostile(action: argparse.Action) -> list[str]:
    names = [
        "", "-", "--", "\0", "/dev/null", "/dev/full", "/dev/stdin", "/proc/self/mem", "/proc/self/environ", ":", "=",
        "a=b=c", "-:\x1b",
    ]  # fmt: skip
    stems = [
        "nul\0", "folder", "pipe", "dangling", "loop", "empty", "null", "full", "n" * 5000, "d/" * 2500 + "n",
        "line\nbreak",
        "esc\x1b[31m", "bytes\udcff", "bidi\u202e", "half\ud800",
        "no/such/folder", "empty/below", "/proc/new", "/proc/self/new",
    ]  # fmt: skip
    suffixes = SUFFIXES if action.dest in PATHS else ("",)
    names += [stem + suffix for stem in stems for suffix in suffixes]
    if action.dest in {"input", "param", "dim", "limit"}:
        names += [f"{name}={stem}" for name in ("x", "width", "N", "steps") for stem in stems]
        names += [f"{stem}=1" for stem in stems]
    if action.dest in {"target", "targets"}:
        names += [f"good.arch:{stem}" for stem in stems]
    return names


def command_line(command: str, action: argparse.Action, value: str) -> list[str]:
    """A line that is right but for one value."""
    positional = [other for other in declared(command) if not other.option_strings]
    needed = ["good.arch" for other in positional if other.nargs != "?"]
    if not action.option_strings:
        return [command, "--", value] if value[:1] == "-" and value[:2] not in ("-", "-:") else [command, value]
    option = action.option_strings[-1]
    given = [f"{option}={value}"] if option.startswith("--") else [option, value]
    more = {"keys": ["--weights", "empty.safetensors"]}.get(action.dest, [])
    return [command, *needed, *more, *given]


def test_each_option_is_known_to_take_names_of_files_or_not() -> None:
    assert {action.dest for _, action in CELLS} == PATHS | TEXTS


@pytest.mark.parametrize(("command", "action"), CELLS, ids=[f"{c}-{a.dest}" for c, a in CELLS])
def test_whatever_name_an_option_is_given_the_answer_is_in_words_and_comes_at_once(
    command: str,
    action: argparse.Action,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    wrong: list[str] = []
    for value in hostile(action):
        line = command_line(command, action, value)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        try:
            with alarm(20, Hung):
                code = main(line)
        except Hung:
            code = -1
        shown = capsys.readouterr()
        about = f"{[part[:60] for part in line]} gives {code}: {(shown.err or shown.out)[:300]!r}"
        controls = _CONTROL.search(shown.out + shown.err)
        said = "error" in shown.err or (command == "check" and "error" in shown.out)
        if code not in MEANINGFUL or controls or "Traceback" in shown.err or (code != exits.FINE and not said):
            wrong.append(about)
        elif code == exits.IO and not re.search(
            r"error\[E\d{4}\]|::error|cannot write the output", shown.err + shown.out
        ):
            wrong.append(f"no code: {about}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENOSPC, errno.ELOOP])
@pytest.mark.parametrize("option", ["--output=out.onnx", "--output=out.py", "--weights=w.safetensors", "--keys=k"])
def test_what_the_system_refuses_is_told_with_its_reason(
    archdsl: Archdsl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, reason: int
) -> None:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    opened = builtins.open

    def refusing(file: Any, *arguments: Any, **more: Any) -> object:
        if str(file).endswith((".tmp", "w.safetensors", "k")):
            raise OSError(reason, os.strerror(reason), file)
        return cast("Callable[..., object]", opened)(file, *arguments, **more)

    monkeypatch.setattr(builtins, "open", refusing)
    more = ["--weights", "empty.safetensors"] if option.startswith("--keys") else []
    ran = archdsl("compile", "good.arch", *more, option)
    assert ran.code == exits.IO
    assert re.search(r"^error\[E06(03|10)\]: ", ran.err) and os.strerror(reason) in ran.err


def test_a_pipe_with_somebody_at_its_other_end_is_read_and_written(archdsl: Archdsl, tmp_path: Path) -> None:
    """As `archdsl check <(generator)` and `-o >(reader)` give them."""
    lay_out(tmp_path)
    ends = os.pipe()
    with os.fdopen(ends[1], "w") as writer:
        writer.write(GOOD)
    assert archdsl("check", f"/dev/fd/{ends[0]}").code == exits.FINE
    os.close(ends[0])
    ends = os.pipe()
    (tmp_path / "out.py").symlink_to(f"/dev/fd/{ends[1]}")
    assert archdsl("compile", tmp_path / "good.arch", "-o", tmp_path / "out.py").code == exits.FINE
    os.close(ends[1])
    with os.fdopen(ends[0]) as reader:
        assert "class Tiny" in reader.read()


def test_a_pipe_with_nobody_at_its_other_end_is_refused_in_words(archdsl: Archdsl, tmp_path: Path) -> None:
    lay_out(tmp_path)
    ran = archdsl("check", tmp_path / "pipe.arch")
    assert ran.code == exits.IO and "is a pipe that nothing writes into" in ran.out + ran.err
    ran = archdsl("compile", tmp_path / "good.arch", "-o", tmp_path / "pipe.py")
    assert ran.code == exits.IO and "nobody reads this pipe" in ran.err


@pytest.mark.parametrize("command", ["compile", "run", "verify"])
def test_an_empty_name_of_a_file_is_not_taken_for_none(archdsl: Archdsl, spec: Path, command: str) -> None:
    assert "error[E0601]: there is no file ``" in archdsl(command, spec, "--weights", "").err


def test_an_empty_output_and_an_empty_column_are_refused(archdsl: Archdsl, spec: Path) -> None:
    assert "error[E0607]: `-o` takes a folder or a file" in archdsl("compile", spec, "-o", "").err
    assert "error[E0607]: there is no column ``" in archdsl("count", spec, "--sort", "").err


def test_two_dashes_are_a_value_where_they_follow_an_equals_sign(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "--dim=--")
    assert ran.code == exits.USAGE and "`--dim` takes NAME=VALUE" in ran.err
    assert archdsl("count", spec, "--format=--").code == exits.USAGE


def test_a_nul_in_an_argument_is_refused_before_a_process_is_started(archdsl: Archdsl, spec: Path) -> None:
    model = spec.with_suffix(".onnx")
    assert archdsl("compile", spec, "-o", model).code == exits.FINE
    ran = archdsl("run", model, "--input", "a\0b")
    assert ran.code == exits.USAGE and "NUL" in ran.err
