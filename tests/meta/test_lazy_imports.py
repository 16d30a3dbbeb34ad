"""Checking and counting import no framework, and the package itself imports next to nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "onnx", "onnxruntime", "numpy", "safetensors", "sympy", "rich", "click", "PIL", "lark"}
"""lark builds the tables; a user's run never needs it."""

SPEC = """
block unit(c) { conv(c, 3) -> bn -> relu }
model m() { input x: f32[N, 3, 8, 8]
  repeat 3 { conv(3, 3) }
  unit(4) -> global_avg_pool -> linear(10)
  output y }
test m { params > 0 }
"""


def imported(code: str) -> set[str]:
    """Top-level modules loaded in a fresh interpreter after `code`."""
    script = f"import sys\n{code}\nprint()\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.strip().split("\n")[-1].split())


def command(*arguments: str) -> str:
    return f"from archdsl.cli.main import main\nassert main({list(arguments)!r}) == 0"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "m.arch"
    path.write_text(SPEC)
    return str(path)


@pytest.mark.parametrize("name", ["check", "count", "show", "test"])
def test_commands_that_only_look_import_no_framework(name: str, spec: str) -> None:
    assert not imported(command(name, spec)) & HEAVY


@pytest.mark.parametrize("name", ["check", "count", "show"])
def test_commands_that_only_look_load_neither_backends_nor_what_runs_them(name: str, spec: str) -> None:
    imported(
        f"{command(name, spec)}\n"
        "above = ('backends', 'weights', 'runtime', 'feeds', 'readers', 'verify', 'spec_tests')\n"
        "assert not [name for name in sys.modules if name.startswith('archdsl.') and name.split('.')[1] in above]"
    )


@pytest.mark.parametrize("name", ["check", "count"])
def test_commands_that_only_look_make_no_dataclasses(name: str, spec: str) -> None:
    assert not imported(command(name, spec)) & {"dataclasses", "inspect"}


@pytest.mark.parametrize("arguments", [["ops"], ["ops", "conv"], ["explain"], ["--help"]])
def test_reference_commands_import_no_framework(arguments: list[str]) -> None:
    assert not imported(command(*arguments)) & HEAVY


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = "import archdsl\nassert not [n for n in sys.modules if n.startswith('archdsl.')], sys.modules"
    assert "archdsl" in imported(code)


def test_counting_from_python_imports_no_framework() -> None:
    assert not imported(f"import archdsl\nassert archdsl.load({SPEC!r}).cost().params") & HEAVY


def test_a_correct_spec_loads_neither_explanations_nor_renderers(spec: str) -> None:
    loaded = (
        f"{command('check', spec)}\n"
        "bad = ('archdsl.diagnostics.text', 'archdsl.diagnostics.json', 'archdsl.diagnostics.codes', 'difflib',\n"
        "       'archdsl.diagnostics.edits', 'archdsl.elaborate.advice', 'archdsl.elaborate.written',\n"
        "       'archdsl.elaborate.advice_arguments', 'archdsl.syntax.explain',\n"
        "       'archdsl.syntax.foreign', 'archdsl.ops.synonyms', 'archdsl.cli.mending')\n"
        "assert not [name for name in bad if name in sys.modules], sys.modules"
    )
    imported(loaded)


def test_the_probe_can_fail(spec: str) -> None:
    pytest.importorskip("numpy")
    assert "numpy" in imported(f"{command('check', spec)}\nimport numpy")
