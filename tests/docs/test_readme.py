"""What the README shows is what the commands print."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import archdsl
from archdsl.cli.main import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```\n\$ archdsl (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "text"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_shown_command_prints_what_is_shown(command: str, text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        main(command.split())
    printed, shown = (out.getvalue() + err.getvalue()).strip(), text.strip()
    if shown.endswith("\n..."):
        assert printed.startswith(shown.removesuffix("...")) and printed != shown.removesuffix("...").strip()
    else:
        assert printed == shown, "what is left out is shown as `...`"


def test_the_spec_shown_is_the_example_file():
    assert (ROOT / "examples" / "densenet.arch").read_text(encoding="utf-8") in README


def test_the_pytorch_shown_is_what_is_generated():
    shown = re.findall(r"```python\n(class .*?)```", README, re.DOTALL)
    source = archdsl.load(str(ROOT / "examples" / "densenet.arch")).torch_source()
    assert len(shown) == 1
    assert shown[0].strip() in source


def test_the_python_shown_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "import archdsl" in block)
    assert 'device="cuda"' in code
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    exec(compile(code.replace('device="cuda"', 'device="cpu"'), "README.md", "exec"), {})
    assert (tmp_path / "resnet50.onnx").exists()
