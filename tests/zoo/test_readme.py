"""specs/README.md is what specs/readme.py writes, and names every spec."""

import csv
import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

import pytest
from zoo_specs import ROOT, SPECS


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("specs_readme", ROOT / "specs" / "readme.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_specs_is_current_and_complete() -> None:
    module = script()
    assert {entry[0] for entry in module.ROWS} == set(SPECS)
    assert (ROOT / "specs" / "README.md").read_text(encoding="utf-8") == module.readme(), "run: python specs/readme.py"


def test_lines_of_code_are_neither_blank_nor_comments_nor_docstrings() -> None:
    imports = '"""Doc.\n\nMore."""\n\nimport a  # why\n\n# so\n'
    listed = "class B(WeightsEnum):\n    c = 1\n\n"
    function = 'def f():\n    "d"\n    s = """x\n\n    """\n    return s\n'
    text = imports + listed + function
    assert script().python_lines(text) == 1 + 1 + 3 + 1


def test_the_counts_of_torchvisions_files_are_those_of_its_files() -> None:
    with open(ROOT / "specs" / "pytorch_files.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if "/pytorch/vision/" in row["file"]]
    package = importlib.util.find_spec("torchvision")
    if package is None or not package.origin:
        pytest.skip("torchvision is not installed; the Makefile says how it is")
    try:
        installed = version("torchvision").partition("+")[0]
    except PackageNotFoundError:
        installed = "unknown"
    for row in rows:
        if f"/blob/v{installed}/" not in row["file"]:
            pytest.skip(f"torchvision {installed} is not the version that was counted")
        path = Path(package.origin).parent / "models" / row["file"].rpartition("/")[2]
        assert script().python_lines(path.read_text(encoding="utf-8")) == int(row["lines"]), row["file"]
