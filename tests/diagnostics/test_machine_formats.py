"""Diagnostics for programs: JSON, SARIF, GitHub."""

import json
import re

import pytest

from archdsl.diagnostics.codes import CodePage
from archdsl.diagnostics.json import render_github, render_json, render_sarif
from archdsl.diagnostics.model import ArchError, Diagnostic, Frame, Label
from archdsl.diagnostics.text import render_text
from archdsl.source import Source, Span

SOURCE = Source("specs/a b.arch", "model x {\n  名 cnov(3)\n}\n")
AT = Span(SOURCE, 14, 18)
FULL = Diagnostic(
    "E0302",
    "unknown operator `cnov`",
    AT,
    "here",
    related=(Label(Span(SOURCE, 0, 5), "in this model"),),
    notes=("50% of, all: \n errors",),
    help="did you mean `conv`?",
    trace=(Frame("block `b`", Span(SOURCE, 6, 7)),),
)
BARE = Diagnostic("E0601", "no file", None)


def test_json_gives_every_field_with_lines_and_columns_from_one() -> None:
    document = json.loads(render_json([FULL, BARE]))
    assert document["schema"] == 1
    first, second = document["diagnostics"]
    assert first == {
        "code": "E0302",
        "severity": "error",
        "message": "unknown operator `cnov`",
        "file": "specs/a b.arch",
        "start": {"line": 2, "column": 5},
        "end": {"line": 2, "column": 9},
        "label": "here",
        "related": [
            {
                "text": "in this model",
                "file": "specs/a b.arch",
                "start": {"line": 1, "column": 1},
                "end": {"line": 1, "column": 6},
            }
        ],
        "trace": [
            {
                "text": "block `b`",
                "file": "specs/a b.arch",
                "start": {"line": 1, "column": 7},
                "end": {"line": 1, "column": 8},
            }
        ],
        "notes": ["50% of, all: \n errors"],
        "help": "did you mean `conv`?",
        "edits": [],
    }
    assert (second["file"], second["start"], second["end"]) == (None, None, None)


def test_json_of_no_findings_is_an_empty_list() -> None:
    assert json.loads(render_json([])) == {"schema": 1, "diagnostics": []}


def test_sarif_names_rules_once_and_places_results() -> None:
    rule = CodePage("E0302", "unknown-operator", "summary", "explanation", "")
    log = json.loads(render_sarif([FULL, FULL, BARE], {"E0302": rule}, "1.2"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [entry["id"] for entry in run["tool"]["driver"]["rules"]] == ["E0302", "E0601"]
    result = run["results"][0]
    assert result["ruleIndex"] == 0
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "specs/a%20b.arch"
    assert location["region"] == {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 9}
    assert len(result["relatedLocations"]) == 2
    assert run["results"][2]["locations"] == []


def test_github_escapes_what_would_end_a_command_or_a_property() -> None:
    line = render_github([FULL])
    assert "\n" not in line
    assert line.startswith("::error file=specs/a b.arch,line=2,endLine=2,col=5,endColumn=8,title=E0302::")
    assert "50%25 of, all: %0A errors" in line


def test_github_file_names_cannot_add_properties() -> None:
    source = Source("a,line=9::b", "x")
    assert "file=a%2Cline=9%3A%3Ab," in render_github([Diagnostic("E1", "m", Span(source, 0, 1))])


def test_github_gives_no_columns_over_several_lines() -> None:
    line = render_github([Diagnostic("E1", "m", Span(SOURCE, 0, 20))])
    assert "col=" not in line
    assert "line=1,endLine=2" in line


@pytest.mark.parametrize("renderer", ["text", "json", "sarif", "github", "error"])
def test_findings_of_a_file_stand_in_the_order_of_its_text(renderer: str) -> None:
    first, second = Source("one.arch", "a b c d"), Source("two.arch", "e")
    found = [
        Diagnostic("E0105", "found-3", Span(first, 4, 5)),
        Diagnostic("E0601", "found-4", None),
        Diagnostic("E0101", "found-1", Span(first, 0, 1)),
        Diagnostic("E0101", "found-5", Span(second, 0, 1)),
        Diagnostic("E0101", "found-2", Span(first, 0, 1)),
    ]
    printed = {
        "text": render_text,
        "json": render_json,
        "sarif": lambda given: render_sarif(given, {}, "1"),
        "github": render_github,
        "error": lambda given: str(ArchError(given)),
    }[renderer](found)
    assert re.findall("found-.", printed) == ["found-1", "found-2", "found-3", "found-4", "found-5"]


def test_a_finding_reads_as_the_text_that_the_command_line_prints() -> None:
    found = Diagnostic("W0101", "a remark", Span(Source("one.arch", "a b"), 2, 3), severity="warning")
    assert str(found) == render_text([found])
