"""Every diagnostic code that the source can report is explained, and every explained code can be reported."""

import ast
import re
from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics.codes import all_codes, find

ROOT = Path(archdsl.__file__).parent
PATTERN = re.compile(r"[EW]\d{4}")


def used() -> dict[str, set[str]]:
    """Codes that stand in the source as string literals of their own, with the files that have them."""
    found: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        relative = path.relative_to(ROOT)
        if relative.parts[:2] == ("diagnostics", "codes") or relative.name == "exits.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and PATTERN.fullmatch(node.value):
                found.setdefault(node.value, set()).add(str(relative))
    return found


def test_every_code_in_the_source_is_explained() -> None:
    explained = {code.code for code in all_codes()}
    assert {code: files for code, files in used().items() if code not in explained} == {}


def test_every_explained_code_is_in_the_source() -> None:
    assert sorted({code.code for code in all_codes()} - set(used())) == []


@pytest.mark.parametrize("code", all_codes(), ids=lambda code: code.code)
def test_a_code_has_a_name_a_summary_and_an_explanation(code: object) -> None:
    from archdsl.diagnostics.codes import CodePage

    assert isinstance(code, CodePage)
    assert PATTERN.fullmatch(code.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code.name)
    assert code.summary
    assert not code.summary.endswith(".")
    assert len(code.explanation.split()) > 15
    assert find(code.code.lower()) is code
    assert find(code.name) is code


def test_names_of_codes_are_distinct() -> None:
    names = [code.name for code in all_codes()]
    assert len(names) == len(set(names))


LOWERED = {"E0906": {"instances": 1000}}
"""Limits under which an example is run, where under the default ones the budget of evaluation steps is spent first."""

EXAMPLES = [code for code in all_codes() if code.example.strip()]


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.code)
def test_the_example_of_a_code_makes_the_compiler_report_it(code: object, tmp_path: Path) -> None:
    from archdsl.diagnostics.codes import CodePage
    from archdsl.diagnostics.model import Sink
    from archdsl.elaborate.lint import lint
    from archdsl.elaborate.loader import load_text
    from archdsl.elaborate.model import elaborate
    from archdsl.limits import Limits
    from archdsl.spec_tests import run_tests

    assert isinstance(code, CodePage)
    sink, limits = Sink(), Limits(**LOWERED.get(code.code, {}))
    module = load_text(code.example, sink, limits, root=str(tmp_path))
    if module is not None and not sink.has_errors:
        for name in module.models:
            elaborate(module, name, {}, {}, sink, limits)
        run_tests(module, sink, limits)
        lint(module, sink, limits)
    assert code.code in {found.code for found in sink.found}


ELSEWHERE = [code.code for code in all_codes() if not code.example.strip()]
"""Codes that no spec alone makes a command report: a file that is missing, weights that do not fit."""

TESTS = Path(__file__).parents[1]


def named(code: str, texts: list[str]) -> bool:
    return any(re.search(rf"\b{code}\b", text) for text in texts)


def test_a_code_without_an_example_is_asked_for_by_a_test() -> None:
    paths = [path for path in TESTS.rglob("*.py") if path.parent.name not in ("meta", "bench")]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert [code for code in ELSEWHERE if not named(code, texts)] == []
    assert not named("E0601", ["E06012", "a file"])


def shown(pattern: str) -> list[tuple[str, str]]:
    """What pages show that a pattern finds, each with its code."""
    return [(code.code, found) for code in all_codes() for found in re.findall(pattern, code.explanation)]


def test_options_and_commands_that_a_page_shows_are_there() -> None:
    from archdsl.cli.main import COMMANDS
    from archdsl.cli.options import declared

    there = {option for command in COMMANDS for action in declared(command) for option in action.option_strings}
    options, commands = shown(r"(?<![\w-])--[a-z][a-z-]*"), shown(r"`archdsl ([a-z]+)")
    assert options and [pair for pair in options if pair[1] not in there | {"--help"}] == []
    assert commands and [pair for pair in commands if pair[1] not in COMMANDS] == []


def test_codes_that_a_page_refers_to_are_there() -> None:
    referred = shown(r"\b[EW]\d{4}\b")
    assert referred and [pair for pair in referred if find(pair[1]) is None] == []
