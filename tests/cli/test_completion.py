"""Completion: what the back end offers, and that each shell really offers it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.cli import completing, options
from archdsl.cli.main import COMMANDS
from tests.cli.cli_support import GOOD


def candidates(before: list[str], word: str) -> list[str]:
    return completing.candidates(before, word, tuple(COMMANDS))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with specs, and `archdsl` on the path."""
    (tmp_path / "mine.arch").write_text(GOOD)
    (tmp_path / "broken.arch").write_text("model {")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.arch").write_text(GOOD)
    program = tmp_path / ".bin" / "archdsl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archdsl "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(options.__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_a_command_declares_is_offered(command: str) -> None:
    declared = [name for action in options.declared(command) for name in action.option_strings if name[:2] == "--"]
    assert candidates([command], "--") == declared


@pytest.mark.parametrize("command", COMMANDS)
def test_every_choice_of_an_option_is_offered(command: str) -> None:
    for action in options.declared(command):
        if action.choices is not None and action.option_strings:
            name = action.option_strings[-1]
            assert candidates([command, name], "") == list(action.choices)
            assert candidates([command], f"{name}=") == [f"{name}={choice}" for choice in action.choices]


@pytest.mark.parametrize(
    ("before", "word", "offered"),
    [
        ([], "comp", ["compile", "completion"]),
        (["help"], "sh", ["show"]),
        (["nope"], "", []),
        (["count"], "mi", ["mine.arch"]),
        (["count"], "more/", ["more/other.arch"]),
        (["count"], "mine.arch:", ["mine.arch:tiny"]),
        (["count"], "resnet:", ["resnet:resnet"]),
        (["count"], "densenet_b", ["densenet_b", "densenet_bc"]),
        (["count"], "broken.arch:", []),
        (["count", "mine.arch", "-p"], "", ["width=", "n=", "kind="]),
        (["count", "mine.arch", "-p"], "kind=", ["kind=a", "kind=b"]),
        (["count", "-p", "n=3", "mine.arch", "--dim"], "", ["N="]),
        (["count", "mine.arch", "--symbolic"], "w", ["width"]),
        (["count", "broken.arch", "-p"], "", []),
        (["count", "missing.arch", "-p"], "", []),
        (["count", "--columns"], "params,para", []),
        (["count", "--columns"], "macs,para", ["macs,params"]),
        (["count", "--"], "--f", []),
        (["explain"], "E0601", ["E0601"]),
        (["show", "mine.arch"], "", []),
    ],
)
def test_what_could_stand_there_is_offered(here: Path, before: list[str], word: str, offered: list[str]) -> None:
    assert candidates(before, word) == offered


def test_an_option_that_was_given_is_not_offered_again_unless_it_repeats(here: Path) -> None:
    offered = candidates(["count", "mine.arch", "--format", "csv", "-p", "n=2"], "--")
    assert "--format" not in offered
    assert "--param" in offered


def _bash(line: str) -> list[str]:
    script = (
        'eval "$(archdsl completion bash)"; COMP_LINE=$1 COMP_POINT=${#1}; _archdsl; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return _shell("bash", "--norc", "-c", script, "bash", line)


def _fish(line: str) -> list[str]:
    return _shell("fish", "--no-config", "-c", "archdsl completion fish | source; complete -C $argv[1]", line)


def _shell(*arguments: str) -> list[str]:
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"{arguments[0]} is not installed")
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("shell", [_bash, _fish])
def test_a_shell_offers_what_the_back_end_says(here: Path, shell: Callable[[str], list[str]]) -> None:
    assert shell("archdsl compl") == ["completion"]
    assert shell("archdsl count --form") == ["--format"]
    assert sorted(shell("archdsl count --format ")) == ["csv", "json", "latex", "markdown", "text"]
    assert shell("archdsl count mi") == ["mine.arch"]


def test_bash_keeps_what_stands_before_a_colon_or_an_equals_sign(here: Path) -> None:
    assert _bash("archdsl count mine.arch:") == ["tiny"]
    assert _bash("archdsl count mine.arch -p kind=") == ["a", "b"]
    assert _bash("archdsl count --format=la") == ["latex"]


def test_bash_escapes_what_it_would_read_otherwise_and_nothing_else(here: Path) -> None:
    (here / "two words.arch").write_text(GOOD)
    assert " ".join(_bash("archdsl count two")) == "two\\ words.arch"
    assert _bash("archdsl count --columns macs,para") == ["macs,params"]


def test_zsh_completes_on_a_terminal(here: Path) -> None:
    typed = "archdsl count mine.arch -p wi\t4 --form\tlat\t"
    script = (
        "zmodload zsh/zpty; zpty z zsh -fi; "
        "zpty -w z 'PS1=; autoload -U compinit; compinit -u -D; eval \"$(archdsl completion zsh)\"; echo rea''dy'; "
        "zpty -r z shown '*ready*'; "
        "zpty -w -n z $1; zpty -r z shown '*latex*'; print -r -- $shown"
    )
    shown = "".join(_shell("zsh", "-f", "-c", script, "zsh", typed))
    shown = re.sub(r"\x1b\[[?0-9]*[A-Za-z]|[\x07\x08]", "", shown.rpartition("ready")[2])
    assert shown.endswith("width=4--formatlatex")


def test_completion_loads_no_framework(here: Path) -> None:
    code = (
        "import sys\nfrom archdsl.cli.main import main\n"
        "for line in (['count', ''], ['count', 'mine.arch', '-p', ''], ['run', '--'], ['verify', '--']):\n"
        "    assert main(['__complete', *line]) == 0\n"
        "assert not {'torch', 'onnx', 'onnxruntime', 'numpy', 'rich'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_sizes_are_offered_wherever_the_inputs_name_them(here: Path) -> None:
    (here / "sizes.arch").write_text(
        "model m(width = 4) {\n  let pad = 2\n"
        "  input x: f32[\n    N, width, 2*H + pad,\n  ]; input mask: f32[N, len]\n  output y = x\n}\n"
    )
    assert candidates(["count", "sizes.arch", "--dim"], "") == ["N=", "H=", "len="]
