"""Any text is a program or a list of diagnostics inside the file, and nothing else."""

import json
import re

from strategies.printing import source

from archdsl.diagnostics.codes import all_codes
from archdsl.diagnostics.json import render_github, render_json, render_sarif
from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.claims import check_tests
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.names import check_names
from archdsl.limits import Limits
from archdsl.source import Source, Span
from archdsl.spec_tests import run_tests
from archdsl.syntax.dump import dump
from archdsl.syntax.parser import parse

CODES = {code.code: code for code in all_codes()}
SMALL = Limits(source_bytes=64 * 1024, steps=30_000, nesting=40, depth=40)
"""The same rules, smaller numbers: an input takes milliseconds."""


def check_text(text: str) -> bool:
    """Through everything that `check` and `test` do; whether elaboration was reached."""
    sink = Sink()
    module = load_text(text, sink, SMALL)
    if module is not None:
        for name in module.models:
            program = elaborate(module, name, {}, {}, sink, SMALL)
            assert program is None or module.sound
        check_names(module, sink, SMALL)
        check_tests(module, sink, SMALL)
        run_tests(module, sink, SMALL)
    check_diagnostics(sink.found)
    return module is not None


def check_diagnostics(found: list[Diagnostic]) -> None:
    """Each has a code that there is, something to say, and places inside its source; and all of them print."""
    for each in found:
        assert each.code in CODES, each.code
        assert each.message and "\n" not in each.message, each
        assert len(each.message) < 2_000, f"{each.code}: a message of {len(each.message)} characters"
        places = [label.span for label in each.related] + [frame.span for frame in each.trace]
        for span in [*places, *([each.span] if each.span else [])]:
            check_span(span)
    shown = found[:4]
    render_text(shown)
    if found:
        json.loads(render_json(shown))
        json.loads(render_sarif(shown, CODES, "0"))
        render_github(shown)


def check_span(span: Span) -> None:
    assert 0 <= span.start <= span.end <= len(span.source.text), span


def check_syntax(text: str) -> bool:
    """Through the parser alone; what it could read is read again from its printed tree. Whether it was read."""
    sink = Sink()
    file = parse(Source("text", text), sink)
    assert file is not None or sink.has_errors
    for each in sink.found:
        assert re.fullmatch(r"[EW]0[19]\d\d", each.code), each.code
        assert each.span is not None
    check_diagnostics(sink.found)
    if file is None or sink.has_errors:
        return False
    printed = source(file)
    again = parse(Source("printed", printed), second := Sink())
    assert again is not None and not second.found, f"{second.found}\n{printed}"
    assert dump(again) == dump(file)
    return True
