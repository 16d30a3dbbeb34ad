"""Under `python -O`, which drops every `assert`, archdsl does what it does without: `make optimised` runs a part of the
suite so, with the asserts of test modules in force, for pytest rewrites those."""

import ast
import dis
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest

import archdsl
from archdsl.elaborate.model import elaborate

PACKAGE = Path(archdsl.__file__).parent
ROOT = Path(__file__).parents[2]


def narrows(test: ast.expr) -> bool:
    """Whether a condition is only what a type checker wants to hear: `isinstance(x, T)`, `x is not None`."""
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.And) and all(map(narrows, test.values))
    if isinstance(test, ast.Call):
        return isinstance(test.func, ast.Name) and test.func.id == "isinstance" and plain(test.args[0])
    return isinstance(test, ast.Compare) and plain(test.left) and ast.unparse(test).endswith(" is not None")


def plain(value: ast.expr) -> bool:
    """A name or an attribute, which is read without effect."""
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name)


def guards(text: str) -> list[str]:
    """The asserts of a source that do more than tell the type checker what is known."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assert)]
    return [ast.unparse(each) for each in found if each.msg is not None or not narrows(each.test)]


def test_what_guards_a_result_is_a_raise_and_no_assert() -> None:
    kept = {path.name: guards(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
    assert not {name: lines for name, lines in kept.items() if lines}


@pytest.mark.parametrize(
    "guard", ["assert a == b", "assert f(x) is not None", "assert isinstance(x, T), 'a reason'", "assert not x.orelse"]
)
def test_an_assert_that_guards_is_noticed(guard: str) -> None:
    assert guards(guard) and not guards("assert isinstance(a.b, T) and c is not None")


def code_of(module: CodeType) -> Iterator[CodeType]:
    yield module
    for constant in module.co_consts:
        if isinstance(constant, CodeType):
            yield from code_of(constant)


@pytest.mark.skipif(__debug__, reason="only what `python -O` runs can show it")
def test_this_run_has_the_asserts_of_tests_and_none_of_archdsl() -> None:
    seen = 0
    for path in PACKAGE.rglob("*.py"):
        module = SourceFileLoader(path.stem, str(path)).get_code(path.stem)
        assert module is not None
        for code in code_of(module):
            assert not has_asserts(code), code.co_qualname
            seen += 1
    assert not has_asserts(elaborate.__code__) and "assert " in inspect.getsource(elaborate)
    assert seen > 2000
    with pytest.raises(AssertionError):
        assert seen == 0


def has_asserts(code: CodeType) -> bool:
    return any(
        "ASSERTION_ERROR" in instruction.opname or instruction.argrepr == "AssertionError"
        for instruction in dis.get_instructions(code)
    )


def test_an_assert_that_is_compiled_is_seen() -> None:
    assert has_asserts(compile("assert x", "<string>", "exec", optimize=0))
    assert not has_asserts(compile("assert x", "<string>", "exec", optimize=1))


def test_the_optimised_run_is_part_of_the_suite_and_drops_the_asserts_of_archdsl() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^unit:.*\boptimised\b", makefile, re.MULTILINE)
    assert re.search(r"^optimised:.*\n\tPYTHONOPTIMIZE=1 ", makefile, re.MULTILINE)
    assert re.search(r"^OPTIMISED :=(.*\\\n)*.*\btests/meta/test_optimised\.py$", makefile, re.MULTILINE)
    if not __debug__:
        return
    chosen = f"{__file__}::{test_this_run_has_the_asserts_of_tests_and_none_of_archdsl.__name__}"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", chosen]
    environment = {**os.environ, "PYTHONOPTIMIZE": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and "1 passed" in run.stdout, run.stdout + run.stderr
