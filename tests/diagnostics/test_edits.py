"""Edits: what a tool writes in place of a mistake."""

import json

import pytest

from archdsl.diagnostics.edits import applied, mended_line, together
from archdsl.diagnostics.json import render_json, render_sarif
from archdsl.diagnostics.model import Diagnostic, Edit
from archdsl.diagnostics.text import render_text
from archdsl.source import Source, Span

SOURCE = Source("a b.arch", "model m {\n  名 cnov(3) -> bn\n  relu\n}\n")


def _edit(found: str, replacement: str, source: Source = SOURCE) -> Edit:
    start = source.text.index(found)
    return Edit(Span(source, start, start + len(found)), replacement)


def _mistake(*edits: Edit, help: str = "") -> Diagnostic:
    return Diagnostic("E0202", "no", edits[0].span, help=help, edits=edits)


def test_edits_are_made_whatever_their_order() -> None:
    edits = [_edit("relu", "tanh"), _edit("cnov", "conv"), Edit(Span(SOURCE, 0, 0), "# first\n")]
    assert applied(SOURCE.text, edits) == "# first\nmodel m {\n  名 conv(3) -> bn\n  tanh\n}\n"


def test_what_is_inserted_breaks_lines_as_the_text_does() -> None:
    source = Source("a", "relu\r\ntanh\r\n")
    assert applied(source.text, [_edit("tanh", "id\nbn", source)]) == "relu\r\nid\r\nbn\r\n"


def test_of_overlapping_edits_the_first_is_made_and_other_sources_are_left_alone() -> None:
    first, second, third = (
        _mistake(_edit("cnov(3)", "conv(3)")),
        _mistake(_edit("cnov", "c")),
        _mistake(_edit("bn", "x")),
    )
    elsewhere = Source("other", SOURCE.text)
    fourth = _mistake(_edit("relu", "tanh"), _edit("relu", "tanh", elsewhere))
    assert together([first, second, third, fourth, Diagnostic("E1", "m", None)], SOURCE) == [first, third]


def test_json_and_sarif_carry_edits_with_places() -> None:
    found = _mistake(_edit("cnov", "conv"), help="did you mean `conv`?")
    (record,) = json.loads(render_json([found]))["diagnostics"]
    place = {"file": "a b.arch", "start": {"line": 2, "column": 5}, "end": {"line": 2, "column": 9}}
    assert record["edits"] == [{**place, "replacement": "conv"}]
    (result,) = json.loads(render_sarif([found], {}, "1"))["runs"][0]["results"]
    region = {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 9}
    change = {
        "artifactLocation": {"uri": "a%20b.arch"},
        "replacements": [{"deletedRegion": region, "insertedContent": {"text": "conv"}}],
    }
    assert result["fixes"] == [{"description": {"text": found.help}, "artifactChanges": [change]}]


def test_a_finding_without_edits_proposes_none() -> None:
    bare = Diagnostic("E1", "m", None)
    assert json.loads(render_json([bare]))["diagnostics"][0]["edits"] == []
    assert "fixes" not in json.loads(render_sarif([bare], {}, "1"))["runs"][0]["results"][0]


@pytest.mark.parametrize(
    ("help", "shown"),
    [
        ("", "= help: write `名 conv(3) -> bn`"),
        ("it is misspelt", "= help: it is misspelt\n          名 conv(3) -> bn"),
        ("did you mean `conv`?", "= help: did you mean `conv`?"),
    ],
)
def test_the_mended_line_is_shown_below_a_help_that_does_not_say_it(help: str, shown: str) -> None:
    assert render_text([_mistake(_edit("cnov", "conv"), help=help)]).partition("  |\n  ")[2].endswith(shown)


def test_a_mend_of_several_lines_is_not_shown_as_one() -> None:
    assert mended_line([_edit("cnov", "conv"), _edit("relu", "tanh")]) == ""
    assert mended_line([_edit("relu", "tanh\nbn")]) == ""
    assert mended_line([_edit("relu\n", "tanh")]) == ""
    assert mended_line([_edit("relu", "tanh -> bn")]) == "tanh -> bn"
