"""The corpus: `.arch` programs that say themselves what is wrong with them, where, and in which words."""

import re
from pathlib import Path

import pytest

from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.elaborate.claims import check_tests
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.names import check_names
from archdsl.ir.verify import verify
from archdsl.limits import Limits
from archdsl.spec_tests import run_tests

HERE = Path(__file__).parent
MARK = re.compile(r"### (E\d{4}|W\d{4}) ?([^#\n]*)")


def programs() -> list[tuple[str, str]]:
    """Every program with a name that tells its file and first line."""
    found: list[tuple[str, str]] = []
    for path in sorted(HERE.glob("*.arch")):
        line = 1
        for text in path.read_text().split("\n---\n"):
            found.append((f"{path.stem}:{line}", text))
            line += text.count("\n") + 2
    return found


def expected(text: str) -> list[tuple[int, str, str]]:
    return [
        (number, code, message.strip())
        for number, line in enumerate(text.split("\n"), 1)
        for code, message in MARK.findall(line)
    ]


def diagnose(text: str) -> list[Diagnostic]:
    sink, limits = Sink(), Limits()
    module = load_text(text, sink, limits, root=str(HERE))
    if module is not None:
        for name in module.models:
            program = elaborate(module, name, {}, {}, sink, limits)
            assert program is None or verify(program) == []
        check_names(module, sink, limits)
        check_tests(module, sink, limits)
        run_tests(module, sink, limits)
    return sink.found


@pytest.mark.parametrize(("name", "text"), programs(), ids=[name for name, _ in programs()])
def test_a_program_gets_exactly_the_diagnostics_written_on_its_lines(name: str, text: str) -> None:
    wanted = expected(text)
    found = diagnose(re.sub(r" *###.*", "", text))
    shown = "\n".join(f"{d.span!r} {d.code} {d.message}" for d in found)
    places = sorted((d.span.line if d.span else 0, d.code) for d in found)
    assert places == sorted((line, code) for line, code, _ in wanted), shown
    for line, code, message in wanted:
        assert any(
            d.code == code and d.span is not None and d.span.line == line and message in d.message for d in found
        ), f"line {line}: no {code} that says {message!r}\n{shown}"


def test_the_corpus_holds_good_programs_too() -> None:
    assert sum(not expected(text) for _, text in programs()) >= 4
