"""Slips: what authors type, each with all that is said about it and what its edits make of it.

The files in `slips/` hold short texts with the answers below them, in lines that start with `|`. A line `@@` says what
stands around the texts that follow, with `§` in their place; their lines are indented as that is. `⏎` is a line break
where a line of the file cannot end. `pytest tests/syntax/test_slips.py --update-golden` writes the answers anew; read
the diff.
"""

from pathlib import Path

import pytest

from archdsl.diagnostics.edits import applied, together
from archdsl.diagnostics.finding import in_order
from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.source import Source, Span
from archdsl.syntax.parser import parse

FILES = sorted((Path(__file__).parent / "slips").glob("*.txt"))


def diagnose(text: str) -> tuple[Source, list[Diagnostic]]:
    source, sink = Source("slip.arch", text), Sink()
    parse(source, sink)
    return source, in_order(sink.found)


def mended(text: str) -> str:
    """The text after the edits of all its diagnostics that can be made in one go."""
    source, found = diagnose(text)
    return applied(text, [edit for each in together(found, source) for edit in each.edits])


def within(frame: str, text: str) -> str:
    """A text in what stands around it, whose lines are indented as it is there."""
    before, _, after = frame.replace("⏎", "\n").partition("§")
    margin = before.rpartition("\n")[2]
    return before + text.replace("⏎", "\n").replace("\n", f"\n{margin}") + after


def answers(frame: str, slip: str) -> list[str]:
    """All that is said about a slip, places counted from where it starts."""
    text = within(frame, slip)
    first = frame.replace("⏎", "\n").partition("§")[0].count("\n")
    said: list[str] = []

    def place(span: object) -> str:
        line, column = repr(span).split(":")[1:]
        return f"{int(line) - first}:{column}"

    def under(span: Span) -> str:
        return span.source.text[span.start : span.end].replace("\n", "⏎")

    for found in diagnose(text)[1]:
        assert found.span is not None
        said.append(f"{found.code} {place(found.span)} `{under(found.span)}` {found.message} ({found.label})")
        said += [f"  at {place(label.span)} `{under(label.span)}`: {label.text}" for label in found.related]
        said += [f"  note: {note}" for note in found.notes]
        said += [f"  help: {found.help}"] if found.help else []
    after = mended(text)
    if after != text:
        whole, lines = text.split("\n"), after.split("\n")
        while whole and lines and whole[0] == lines[0]:
            del whole[0], lines[0]
        while whole and lines and whole[-1] == lines[-1]:
            del whole[-1], lines[-1]
        said += [f"  mended: {line}" for line in lines] or ["  mended: removed"]
    return said or ["nothing"]


def slips(path: Path) -> list[tuple[str, str]]:
    """The slips of a file, each with what stands around it."""
    frame, found, lines = "§", list[tuple[str, str]](), list[str]()
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if line.startswith("@@"):
            frame = line[3:]
        elif line and not line.startswith("|"):
            lines.append(line)
        elif lines:
            found.append((frame, "\n".join(lines)))
            lines = []
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_said_about_each_slip_is_what_was_read(path: Path, update_golden: bool) -> None:
    parts: list[str] = []
    around = ""
    for frame, slip in slips(path):
        if frame != around:
            parts.append(f"@@ {frame}\n")
            around = frame
        parts.append("\n".join([slip, *(f"| {line}" for line in answers(frame, slip))]) + "\n")
    if update_golden:
        path.write_text("\n".join(parts), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "\n".join(parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_slip_whose_errors_all_carry_edits_can_be_read_after_them(path: Path) -> None:
    for frame, slip in slips(path):
        text = within(frame, slip)
        rounds = 0
        while (found := diagnose(text)[1]) and all(each.edits for each in found):
            text, rounds = mended(text), rounds + 1
            assert rounds < 10, text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_slip_is_written_twice(path: Path) -> None:
    assert len(set(slips(path))) == len(slips(path))
