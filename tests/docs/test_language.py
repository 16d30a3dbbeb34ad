"""The language reference is true: every example runs, or is refused with the code it states."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from archdsl.diagnostics.json import render_json
from archdsl.diagnostics.model import Diagnostic, Edit, Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.claims import check_tests
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.names import check_names
from archdsl.ir.verifier import verify
from archdsl.limits import Limits, limit_names
from archdsl.source import Source, Span
from archdsl.spec_tests import run_tests
from archdsl.syntax.tokens import KEYWORDS

PAGE = resources.files("archdsl").joinpath("LANGUAGE.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```arch([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str, str]]:
    """Every example: where it starts, the code it must give (empty for none), its text."""
    found: list[tuple[str, str, str]] = []
    for match in FENCE.finditer(PAGE):
        line = PAGE.count("\n", 0, match.start()) + 1
        info = match.group(1).strip()
        found.append((f"line {line}", info.removeprefix("error="), match.group(2)))
    return found


@pytest.mark.parametrize(("place", "code", "text"), examples(), ids=[place for place, _, _ in examples()])
def test_an_example_does_what_the_page_says(place: str, code: str, text: str, tmp_path: Path) -> None:
    sink, limits = Sink(), Limits()
    module = load_text(text, sink, limits, root=str(tmp_path))
    assert module is not None, render_text(sink.found)
    assert module.models
    for name in module.models:
        program = elaborate(module, name, {}, {}, sink, limits)
        assert program is not None or code, render_text(sink.found)
        assert program is None or verify(program) == []
    check_names(module, sink, limits)
    check_tests(module, sink, limits)
    results = run_tests(module, sink, limits)
    assert [found.code for found in sink.found] == ([code] if code else []), render_text(sink.found)
    failed = [(check.text, check.computed) for result in results for check in result.checks if not check.passed]
    assert failed == []


def test_every_fence_of_the_page_is_run() -> None:
    assert len(examples()) == PAGE.count("\n```arch") >= 20
    assert PAGE.count("\n```") == 2 * len(examples())


def test_the_contents_name_every_section() -> None:
    listed = re.findall(r"^- \[(.+)\]\(#(.+)\)$", PAGE, re.MULTILINE)
    sections = re.findall(r"^## (.+)$", FENCE.sub("", PAGE), re.MULTILINE)
    assert [name for name, _ in listed] == sections
    anchors = {name.lower().replace(" ", "-") for name in sections}
    assert {anchor for _, anchor in listed} == anchors
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


def test_the_page_lists_every_reserved_word() -> None:
    listed = re.search(r"Reserved: `([^`]+)`", PAGE)
    assert listed is not None
    assert set(listed.group(1).split()) == set(KEYWORDS)


def test_the_page_states_the_limits_in_force() -> None:
    limits = Limits()
    stated = {name: default for default, name in re.findall(r"^\| [^|]+ \| ([^|]+) \| `(\w+)` \|$", PAGE, re.MULTILINE)}
    assert set(stated) == set(limit_names())
    units = {"256 KiB": 256 * 1024, "1 MiB": 1 << 20, "below 2**63": 63}
    for name, text in stated.items():
        assert units.get(text) or int(text.replace(" ", "")) == getattr(limits, name), name
        assert units.get(text, getattr(limits, name)) == getattr(limits, name), name


def test_the_keys_of_a_diagnostic_in_json_are_those_that_are_written() -> None:
    section = (
        PAGE.split("`archdsl check --format json` prints")[1].split("\n\n`edits` are")[0].split("\n\nLines and")[0]
    )
    told = {key for row in re.findall(r"^\| (`.+?) \| ", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    span = Span(Source("a.arch", "model"), 0, 5)
    (written,) = json.loads(render_json([Diagnostic("E0101", "no", span, edits=(Edit(span, "m"),))]))["diagnostics"]
    assert told == set(written)
    assert set(written["edits"][0]) == {"file", "start", "end", "replacement"}
