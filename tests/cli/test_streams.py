"""Standard streams that are closed, full or broken, and text that a terminal would obey."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import GOOD, Ran

Archdsl = Callable[..., Ran]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes streams")

COMMANDS = [
    ["check"],
    ["check", "--format", "json"],
    ["count"],
    ["test"],
    ["show"],
    ["show", "--stage", "ast"],
    ["compile", "-o", "out"],
    ["run"],
]
LIGHT = [["check", "--format", "json"], ["count"], ["compile", "-o", "out"]]


def shell(arguments: list[str], redirection: str, folder: Path, **given: object) -> subprocess.CompletedProcess[str]:
    command = " ".join([f'"{sys.executable}" -m archdsl', *arguments, redirection])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    return subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, cwd=folder, env=environment, timeout=120, **given
    )  # pyright: ignore[reportCallIssue, reportArgumentType]


@pytest.mark.parametrize("command", LIGHT)
@pytest.mark.parametrize("stream", ["<&-", "0> written"])
def test_a_standard_input_that_cannot_be_read_is_a_diagnostic(tmp_path: Path, command: list[str], stream: str) -> None:
    done = shell([*command, "-"], stream, tmp_path)
    assert done.returncode == 3, done.stderr
    assert "standard input cannot be read" in done.stderr + done.stdout
    assert "internal error" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_meant_for_a_closed_standard_error_does_not_go_to_standard_output(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "a.arch").write_text(GOOD)
    heard, deaf = (shell([*command, "a.arch"], stream, tmp_path) for stream in ("", "2>&-"))
    assert (heard.returncode, deaf.returncode) == (0, 0)
    steady = [[line for line in ran.stdout.split("\n") if not line.startswith("time ")] for ran in (heard, deaf)]
    assert steady[0] == steady[1]


@pytest.mark.parametrize("command", LIGHT)
@pytest.mark.parametrize("stream", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_whose_streams_are_closed_does_its_work(tmp_path: Path, command: list[str], stream: str) -> None:
    (tmp_path / "a.arch").write_text(GOOD)
    assert shell([*command, "a.arch"], stream, tmp_path).returncode == 0
    if command[0] == "compile":
        assert (tmp_path / "out" / "tiny.py").read_text().startswith('"""')


def test_a_missing_file_with_closed_streams_keeps_its_exit_code(tmp_path: Path) -> None:
    assert shell(["count", "none.arch"], ">&- 2>&-", tmp_path).returncode == 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("command", LIGHT)
@pytest.mark.parametrize("stream", ["> /dev/full", "2> /dev/full", "> /dev/full 2> /dev/full"])
def test_a_full_disk_under_a_stream_is_no_bug(tmp_path: Path, command: list[str], stream: str) -> None:
    (tmp_path / "a.arch").write_text(GOOD)
    done = shell([*command, "a.arch"], stream, tmp_path)
    assert done.returncode in (0, 3)
    assert "Traceback" not in done.stderr and "internal" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        *(["check", "--format", form] for form in ("sarif", "github")),
        *(["count", "--format", form] for form in ("json", "csv", "markdown", "latex")),
    ],
)
def test_no_escape_sequence_of_a_name_reaches_the_terminal(
    archdsl: Archdsl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = tmp_path / "\x1b[31m\x9b\udcff"
    evil.mkdir()
    (evil / "good.arch").write_text(GOOD.replace('kind: "a" | "b" = "a"', 'kind = "\x9b\u202e"'))
    (evil / "bad.arch").write_text(GOOD.replace("relu", "rleu").replace("## A unit.", "## A \x1b[31munit."))
    (evil / "none.arch").write_text("block b { relu }\n")
    for name in ("good", "bad", "none", "missing"):
        path = f"{evil.name}/{name}.arch"
        arguments = [*command[:-1], f"{evil.name}/out"] if command[-1] == "out" else command
        for last in ([path], [f"{path}:x\x1b"], [path, "-p", "kind=\x1b"], [path, "--\x1b"], [path, "--color", "\x1b"]):
            ran = archdsl(*arguments, *last)
            assert ran.code != 70, ran.err
            assert "\x1b" not in ran.out + ran.err and "\x9b" not in ran.out + ran.err


def test_a_word_that_looks_like_a_command_is_printed_harmlessly(archdsl: Archdsl) -> None:
    for arguments in (["\x1b"], ["help", "\x1b"], ["explain", "\x1b"], ["ops", "\x1b"], ["check", "a\x00b"]):
        ran = archdsl(*arguments)
        assert ran.code in (2, 3)
        assert "\x1b" not in ran.out + ran.err
