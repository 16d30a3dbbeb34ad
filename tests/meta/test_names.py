"""One name stands for one thing: no two modules are called alike, and no two classes."""

import ast
from collections.abc import Mapping
from pathlib import Path

import archdsl

ROOT = Path(archdsl.__file__).parent

TREE = "syntax/ast.py"
"""The classes of the syntax tree may share the name of what they become (`ast.Repeat`, a `Repeat` of a program): they
are always written with the name of their module."""

KNOWN_MODULES = {
    "calls": {"backends/torch/calls.py", "elaborate/calls.py"},
    "items": {"backends/torch/items.py", "elaborate/items.py"},
    "layout": {"backends/torch/layout.py", "ops/layout.py"},
    "model": {"diagnostics/model.py", "elaborate/model.py"},
    "names": {"backends/torch/names.py", "elaborate/names.py"},
    "records": {"backends/torch/records.py", "records.py"},
    "source": {"backends/torch/source.py", "source.py"},
}
KNOWN_CLASSES = {
    "Frame": {"diagnostics/finding.py", "elaborate/frame.py"},
    "Module": {"backends/torch/emitter.py", "elaborate/module.py"},
    "Parameter": {"backends/torch/parameters.py", "project.py"},
    "Row": {"analysis/table.py", "backends/torch/lists.py"},
    "Scope": {"backends/torch/expressions.py", "elaborate/values.py"},
    "Step": {"backends/torch/items.py", "ops/activation.py"},
    "_Model": {"elaborate/claims.py", "elaborate/model.py"},
}
"""Names that still stand for several things, each with all that it stands for. Nothing is to be added."""


def texts() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}


def clashes(named: Mapping[str, set[str]]) -> dict[str, set[str]]:
    return {name: places for name, places in named.items() if len(places) > 1}


def modules(files: Mapping[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in files:
        name = Path(path).stem
        if name not in ("__init__", "__main__"):
            found.setdefault(name, set()).add(path)
    return found


def classes(files: Mapping[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path, text in files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and path != TREE:
                found.setdefault(node.name, set()).add(path)
    return found


def loosely_named(files: Mapping[str, str]) -> list[str]:
    """Files that take a class of the syntax tree by its bare name."""
    return [
        path
        for path, text in files.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module == "archdsl.syntax.ast"
    ]


def test_no_two_modules_have_one_name() -> None:
    assert clashes(modules(texts())) == KNOWN_MODULES  # a clash that is gone leaves the list


def test_no_two_classes_have_one_name() -> None:
    assert clashes(classes(texts())) == KNOWN_CLASSES


def test_classes_of_the_syntax_tree_are_written_with_the_name_of_their_module() -> None:
    assert loosely_named(texts()) == []
    assert loosely_named({"ir/a.py": "def f():\n    from archdsl.syntax.ast import Repeat"}) == ["ir/a.py"]


def test_a_planted_clash_is_found() -> None:
    files = {"ir/a.py": "class Thing: ...", "ops/a.py": "def f():\n    class Thing: ...", TREE: "class Thing: ..."}
    assert clashes(modules(files)) == {"a": {"ir/a.py", "ops/a.py"}}
    assert clashes(classes(files)) == {"Thing": {"ir/a.py", "ops/a.py"}}
