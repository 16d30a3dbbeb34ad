"""Docstrings begin with what they are about, a noun or a verb, and not with a question."""

import ast
from collections.abc import Mapping
from pathlib import Path

import archdsl

ROOT = Path(archdsl.__file__).parent

QUESTIONS = (["What"], ["Which"])

KNOWN = {"backends/torch", "elaborate"}
"""Packages in which some docstrings still do. Nothing is to be added."""


def texts() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}


def questions(files: Mapping[str, str]) -> dict[str, list[str]]:
    """By package, the docstrings that begin with a question, those below names included."""
    found: dict[str, list[str]] = {}
    for path, text in files.items():
        for node in ast.walk(ast.parse(text)):
            # Strings that stand alone: of modules, classes and functions, and those that explain the name above them.
            match node:
                case ast.Expr(ast.Constant(str(words))) if words.split()[:1] in QUESTIONS:
                    found.setdefault(path.rpartition("/")[0], []).append(f"{path}:{node.lineno}")
                case _:
                    pass
    return found


def test_docstrings_begin_with_what_they_are_about() -> None:
    found = questions(texts())
    assert {package: places for package, places in found.items() if package not in KNOWN} == {}
    assert set(found) == KNOWN  # a package that has none left leaves the list


def test_a_planted_question_is_found_wherever_it_stands() -> None:
    text = '"""Which one."""\nA = 1\n"""What it is."""\ndef f():\n    """What it does."""\n    """Whatever."""'
    assert questions({"ir/a.py": text}) == {"ir": ["ir/a.py:1", "ir/a.py:3", "ir/a.py:5"]}
