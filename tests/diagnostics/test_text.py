"""Diagnostics as text: what a person sees under the offending line."""

import pytest

from archdsl.diagnostics.model import Diagnostic, Frame, Label
from archdsl.diagnostics.terminal import printable, width
from archdsl.diagnostics.text import LINE_CELLS, render_text
from archdsl.source import Source, Span


def span(source: Source, text: str, nth: int = 0) -> Span:
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return Span(source, start, start + len(text))


def render(text: str, at: str | Span, label: str = "here", **rest: object) -> list[str]:
    source = at.source if isinstance(at, Span) else Source("x.arch", text)
    where = at if isinstance(at, Span) else span(source, at)
    return render_text([Diagnostic("E0302", "message", where, label, **rest)]).split("\n")  # type: ignore[arg-type]


def marked(lines: list[str]) -> list[str]:
    """The pieces of source text that carets stand under, cell by cell."""
    found: list[str] = []
    shown = ""
    for line in lines:
        body = line.partition("| ")[2]
        if body.lstrip().startswith("^"):
            start = body.index("^")
            found.append(shown[start : start + body.count("^")])
        elif "-->" not in line:
            shown = body
    return found


def test_layout_is_that_of_rustc() -> None:
    source = Source("specs/x.arch", "model x {\n  cnov(64, 3)\n  bn\n}\n")
    call = span(source, "bn")
    diagnostic = Diagnostic(
        "E0302",
        "unknown operator `cnov`",
        span(source, "cnov"),
        "no operator has this name",
        notes=("a note",),
        help="did you mean `conv`?",
        trace=(Frame("block `bottleneck`, layer3[i=2]", call),),
    )
    assert render_text([diagnostic]) == "\n".join(
        [
            "error[E0302]: unknown operator `cnov`",
            " --> specs/x.arch:2:3",
            "  |",
            "2 |   cnov(64, 3)",
            "  |   ^^^^ no operator has this name",
            "  |",
            "  = in: block `bottleneck`, layer3[i=2], from line 3",
            "  = note: a note",
            "  = help: did you mean `conv`?",
        ]
    )


@pytest.mark.parametrize(
    "line",
    ["a bad b", "\ta\tbad", "名前 bad", "é\u0301e bad", "\x1b[31m bad", "a\u202eb bad", "bad", "🙂🙂bad"],
)
def test_carets_stand_exactly_under_the_span(line: str) -> None:
    source = Source("x", f"first\n{line}\nlast")
    lines = render("", span(source, "bad"))
    row, marks = lines[3].partition("| ")[2], lines[4].partition("| ")[2]
    before = row[: row.index("bad")]
    assert width(before) == marks.index("^")
    assert marks.split()[0] == "^^^"


def test_a_wide_character_is_underlined_over_both_its_cells() -> None:
    source = Source("x", "名前 = 1")
    assert "^^^^ here" in render("", Span(source, 0, 2))[4]


def test_windows_line_breaks_leave_no_trace() -> None:
    lines = render("a {\r\nbad\r\n}\r\n", "bad")
    assert lines[1] == " --> x.arch:2:1"
    assert lines[3:5] == ["2 | bad", "  | ^^^ here"]


def test_the_end_of_the_file_can_be_marked() -> None:
    source = Source("x", "model x {")
    assert render("", Span(source, 9, 9))[3:5] == ["1 | model x {", "  |          ^ here"]


def test_an_empty_file_can_be_marked() -> None:
    assert render("", Span(Source("x", ""), 0, 0))[3:5] == ["1 |", "  | ^ here"]


def test_a_long_line_is_trimmed_around_the_span() -> None:
    lines = render("x" * 500 + " bad " + "y" * 500, "bad")
    assert marked(lines) == ["bad"]
    assert all(width(line) < LINE_CELLS + 20 for line in lines)
    assert lines[3].count("...") == 2


def test_a_span_longer_than_the_line_shown_is_marked_as_far_as_it_is_shown() -> None:
    lines = render("x" * 5000, "x" * 4000)
    assert all(width(line) < LINE_CELLS + 20 for line in lines)


def test_a_span_of_several_lines_is_bracketed() -> None:
    lines = render("add {\n  a\n}\n", "add {\n  a\n}")
    assert lines[3:] == ["1 | / add {", "2 | |   a", "3 | | }", "  | |_^ here"]


def test_a_span_that_starts_inside_a_line_is_opened_under_its_start() -> None:
    lines = render("x = add {\n  a\n}\n", "add {\n  a\n}")
    assert lines[3:] == ["1 |   x = add {", "  |  _____^", "2 | |   a", "3 | | }", "  | |_^ here"]


def test_a_span_of_many_lines_is_shown_by_its_ends() -> None:
    body = "\n".join(["a {", *("  x" for _ in range(50)), "}"])
    lines = render(body, body)
    assert len(lines) < 12
    assert lines[-2:] == ["52 | | }", "   | |_^ here"]
    assert any(line.startswith("...") for line in lines)


def test_related_places_stand_in_the_order_of_their_lines_with_dashes() -> None:
    source = Source("x", "one\ntwo\nthree\nfour\n")
    related = (Label(span(source, "one"), "first"), Label(span(source, "four"), "last"))
    diagnostic = Diagnostic("E1", "m", span(source, "two"), "here", related=related)
    assert render_text([diagnostic]).split("\n")[1:] == [
        " --> x:2:1",
        "  |",
        "1 | one",
        "  | --- first",
        "2 | two",
        "  | ^^^ here",
        "...",
        "4 | four",
        "  | ---- last",
    ]


def test_a_related_place_in_another_file_is_shown_under_that_file() -> None:
    here, there = Source("a", "bad\n"), Source("b", "\ngood\n")
    related = (Label(span(there, "good"), "defined here"),)
    text = render_text([Diagnostic("E1", "m", span(here, "bad"), "", related=related)])
    assert " ::: b:2:1" in text
    assert "2 | good\n  | ---- defined here" in text


def test_a_finding_without_a_place_prints_its_help_alone() -> None:
    assert render_text([Diagnostic("E0601", "no file", None, help="try")]) == "error[E0601]: no file\n  = help: try"


def test_escape_sequences_of_an_author_never_reach_the_terminal() -> None:
    evil = "\x1b]0;title\x07 \u202e \x9b31m"
    source = Source(evil, f"bad {evil}")
    diagnostic = Diagnostic(
        "E1", evil, span(source, "bad"), evil, notes=(evil,), help=evil, trace=(Frame(evil, span(source, "bad")),)
    )
    text = render_text([diagnostic])
    assert not any(sign in text for sign in "\x1b\x07\u202e\x9b")
    assert printable(evil) in text


def test_square_brackets_are_printed_as_they_are() -> None:
    assert "[batch, 3]" in render_text([Diagnostic("E1", "shape [batch, 3]", None)])


def test_a_long_chain_of_calls_is_shortened_in_the_middle() -> None:
    source = Source("x", "bad")
    frames = tuple(Frame(f"block `b{i}`", span(source, "bad")) for i in range(100))
    lines = render("", span(source, "bad"), trace=frames)
    chain = [line for line in lines if "= in:" in line]
    assert len(chain) == 12
    assert "`b0`" in chain[0]
    assert "`b99`" in chain[-1]
    assert "... 89 more calls" in chain[8]


def test_a_recursion_is_one_line_of_the_chain() -> None:
    source = Source("x", "bad\nmain")
    inner, outer = Frame("`loop`", span(source, "bad")), Frame("`loop`", span(source, "main"))
    lines = render("", span(source, "bad"), trace=(*[inner] * 200, outer))
    assert [line for line in lines if "= in:" in line] == [
        "  = in: `loop`, from line 1 (200 times)",
        "  = in: `loop`, from line 2",
    ]


def test_colour_changes_nothing_but_escape_sequences() -> None:
    import re

    source = Source("x", "x = add {\n  a\n}\nbad")
    diagnostics = [
        Diagnostic("E1", "m", span(source, "add {\n  a\n}"), "l", help="h"),
        Diagnostic("W1", "m", span(source, "bad"), "l", severity="warning"),
    ]
    colored = render_text(diagnostics, color=True)
    assert colored != render_text(diagnostics)
    plain = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", colored).split("\n"))
    assert plain == render_text(diagnostics)
