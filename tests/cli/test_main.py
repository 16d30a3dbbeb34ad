"""The command as a whole: help, unknown commands, bugs, interruptions, closed pipes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Ran

from archdsl import cli, version
from archdsl.cli.main import COMMANDS

Archdsl = Callable[..., Ran]


def test_help_lists_every_command(archdsl: Archdsl) -> None:
    ran = archdsl("--help")
    assert ran.code == 0
    assert all(f"\n  {name}" in ran.out for name in COMMANDS)


def test_no_command_is_wrong_usage(archdsl: Archdsl) -> None:
    ran = archdsl()
    assert (ran.code, ran.out) == (2, "")
    assert "usage:" in ran.err


def test_every_module_of_a_command_is_reached_by_its_name() -> None:
    modules = Path(cli.__path__[0]).glob("*_command.py")
    assert sorted(path.stem.removesuffix("_command") for path in modules) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_describes_itself(archdsl: Archdsl, command: str) -> None:
    ran = archdsl(command, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"usage: archdsl {command}")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_wrong_usage(archdsl: Archdsl, command: str) -> None:
    ran = archdsl(command, "--no-such-option")
    assert (ran.code, ran.out) == (2, "")


def test_an_unknown_command_gets_a_suggestion(archdsl: Archdsl) -> None:
    ran = archdsl("cuont")
    assert ran.code == 2
    assert "did you mean `count`?" in ran.err


def test_the_version_is_that_of_the_package(archdsl: Archdsl) -> None:
    import archdsl as package

    assert archdsl("--version").out == f"archdsl {package.__version__}\n"


def test_a_bug_is_one_line_and_exit_code_70(archdsl: Archdsl, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("\x1b[31mboom")

    monkeypatch.setattr("archdsl.elaborate.loader.load_file", broken)
    ran = archdsl("count", spec)
    assert (ran.code, ran.out) == (70, "")
    assert ran.err.count("\n") == 1
    assert "bug in archdsl" in ran.err
    assert "\x1b" not in ran.err
    monkeypatch.setenv("ARCHDSL_DEBUG", "1")
    assert "Traceback" in archdsl("count", spec).err


def test_an_interruption_is_exit_code_130(archdsl: Archdsl, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archdsl.elaborate.loader.load_file", interrupted)
    ran = archdsl("count", spec)
    assert (ran.code, ran.out, ran.err) == (130, "", "interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_control_c_ends_a_waiting_command_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "archdsl", "count", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job has its children ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(1.5)  # until it waits for its input
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert (out, err) == ("", "interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="needs pipes that can break")
@pytest.mark.parametrize("arguments", [["ops"], ["explain"], ["--help"]])
def test_a_closed_pipe_ends_the_command_quietly(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "archdsl", *arguments], stdout=closed, stderr=subprocess.PIPE, text=True
        )
    assert done.stderr == ""
    assert done.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["ops"], ["--version"]])
def test_a_full_disk_under_the_output_is_exit_code_3_and_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archdsl", *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 3
    assert done.stderr == "error: cannot write the output: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes a stream")
def test_a_command_without_a_standard_output_does_its_work(spec: Path) -> None:
    command = f'"{sys.executable}" -m archdsl count "{spec}" >&-'
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_unicode_gets_escapes_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text("model m() {\n  # 名前\n  input x: f32[N, 3]; rleu # 名前\n  output y }\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "check", str(path)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1
    assert "\\u540d" in done.stdout


def test_help_of_a_command_is_what_the_command_itself_prints(archdsl: Archdsl) -> None:
    asked = archdsl("help", "count")
    assert asked.code == 0
    assert asked.out.startswith("usage: archdsl count")
    assert asked.out == archdsl("count", "--help").out


def test_the_version_is_printed_by_v_and_help_says_so(archdsl: Archdsl) -> None:
    printed = {archdsl(option).out for option in ("-v", "-V", "--version")}
    assert printed == {f"archdsl {version.__version__}\n"}
    assert "archdsl -v" in archdsl("--help").out
