"""Diagnostics for programs: JSON of our own schema, SARIF 2.1.0, and GitHub workflow commands.

All are `in_order`. Lines and columns count from 1, columns in Unicode characters; an `end` is the place just after
the last character.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics.finding import in_order
from archdsl.diagnostics.model import Diagnostic
from archdsl.diagnostics.terminal import printable
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.diagnostics.codes import CodePage

SCHEMA = 1


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """One object: `{"schema": 1, "diagnostics": [{code, severity, message, file, start, end, label, related,
    trace, notes, help, edits}]}`; `file`, `start` and `end` are null for a finding about no place in a source. `edits`
    are `{file, start, end, replacement}`, applied together."""
    return json.dumps({"schema": SCHEMA, "diagnostics": [_record(d) for d in in_order(diagnostics)]}, indent=2)


def _record(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place(diagnostic.span),
        "label": diagnostic.label,
        "related": [{"text": label.text, **_place(label.span)} for label in diagnostic.related],
        "trace": [{"text": frame.text, **_place(frame.span)} for frame in diagnostic.trace],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "edits": [{**_place(edit.span), "replacement": edit.replacement} for edit in diagnostic.edits],
    }


def _place(span: Span | None) -> dict[str, object]:
    if span is None:
        return {"file": None, "start": None, "end": None}
    line, column = span.source.line_column(span.start)
    end_line, end_column = span.source.line_column(span.end)
    return {
        "file": span.source.name,
        "start": {"line": line, "column": column},
        "end": {"line": end_line, "column": end_column},
    }


def render_sarif(diagnostics: Sequence[Diagnostic], codes: "Mapping[str, CodePage]", version: str) -> str:
    """A SARIF 2.1.0 log of one run, as GitHub code scanning and editors read it. `codes` describes the
    rules."""
    used = sorted({diagnostic.code for diagnostic in diagnostics})
    rules = [{"id": code, **_rule(codes[code])} if code in codes else {"id": code} for code in used]
    driver = {"name": "archdsl", "version": version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, used) for diagnostic in in_order(diagnostics)],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: "CodePage") -> dict[str, object]:
    return {
        "name": code.name,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.explanation},
    }


def _result(diagnostic: Diagnostic, used: list[str]) -> dict[str, object]:
    text = "\n".join(filter(None, (diagnostic.message, diagnostic.label, *diagnostic.notes, diagnostic.help)))
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": used.index(diagnostic.code),
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [_location(diagnostic.span, "")] if diagnostic.span else [],
    }
    others = [(label.span, label.text) for label in diagnostic.related]
    others += [(frame.span, frame.text) for frame in diagnostic.trace]
    if others:
        result["relatedLocations"] = [_location(span, note) for span, note in others]
    if diagnostic.edits:
        result["fixes"] = [_fix(diagnostic)]
    return result


def _fix(diagnostic: Diagnostic) -> dict[str, object]:
    changes: dict[str, list[object]] = {}
    for edit in diagnostic.edits:
        inserted = {"text": edit.replacement}
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": inserted}
        changes.setdefault(_uri(edit.span), []).append(replacement)
    return {
        "description": {"text": diagnostic.help or diagnostic.message},
        "artifactChanges": [
            {"artifactLocation": {"uri": uri}, "replacements": replacements} for uri, replacements in changes.items()
        ],
    }


def _location(span: Span, text: str) -> dict[str, object]:
    physical = {"artifactLocation": {"uri": _uri(span)}, "region": _region(span)}
    location: dict[str, object] = {"physicalLocation": physical}
    if text:
        location["message"] = {"text": text}
    return location


def _region(span: Span) -> dict[str, int]:
    line, column = span.source.line_column(span.start)
    end_line, end_column = span.source.line_column(span.end)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _uri(span: Span) -> str:
    from urllib.parse import quote

    return quote(span.source.name.replace("\\", "/"), safe="/", errors="backslashreplace")


def render_github(diagnostics: Sequence[Diagnostic]) -> str:
    """One workflow command a line (`::error file=...,line=...::message`), which GitHub Actions shows on the
    changed lines."""
    return "\n".join(_command(diagnostic) for diagnostic in in_order(diagnostics))


def _command(diagnostic: Diagnostic) -> str:
    properties: dict[str, object] = {}
    if span := diagnostic.span:
        line, column = span.source.line_column(span.start)
        end_line, end_column = span.source.line_column(max(span.start, span.end - 1))
        properties = {"file": span.source.name, "line": line, "endLine": end_line}
        if line == end_line:  # GitHub rejects columns on an annotation of several lines
            properties |= {"col": column, "endColumn": end_column}
    properties["title"] = diagnostic.code
    given = ",".join(f"{name}={_property(printable(str(value)))}" for name, value in properties.items())
    lines = [diagnostic.message, diagnostic.label, *diagnostic.notes, diagnostic.help]
    shown = "\n".join(printable(line) for text in lines for line in text.split("\n") if line)
    return f"::{diagnostic.severity} {given}::{_data(shown)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
