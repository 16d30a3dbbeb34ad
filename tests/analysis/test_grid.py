"""Tables at every width of a terminal: what any table has to keep, whatever its texts are."""

import re
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archdsl.analysis.grid import grid
from archdsl.diagnostics.terminal import width
from archdsl.diagnostics.wrapping import prose, wrapped

WORDS = st.one_of(
    st.text("abcdefgh_.", min_size=1, max_size=14),
    st.sampled_from(["=", "畳み込み", "réseau", "e\u0301te\u0301", "[N,", "2048,", "7]", "plan", "!bias)", "x" * 60]),
)


def joined(words: list[str]) -> str:
    return " ".join(words)


INDENTS = st.integers(0, 9).map(lambda start: " " * start)
TEXTS = st.tuples(INDENTS, st.lists(WORDS, min_size=1, max_size=12).map(joined)).map("".join)
NUMBERS = st.integers(0, 10**12).map(lambda number: f"{number:,}") | st.just("-")
TERMS = st.tuples(st.integers(1, 10**6), st.sampled_from(["H", "H*W", "T**2", "(H // 2)"]))
FORMULAS = st.lists(TERMS, min_size=1, max_size=5).map(lambda terms: " + ".join(f"{a}*{b}" for a, b in terms))
HEADS = st.lists(st.sampled_from(["params", "MACs", "conv", "linear", "peak", "kept", "層"]), min_size=1, max_size=3)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]], list[list[str]], list[bool]]:
    numeric = draw(st.lists(st.booleans(), min_size=1, max_size=9))
    head = [" ".join(words) for words in draw(st.lists(HEADS, min_size=len(numeric), max_size=len(numeric)))]
    cells = [draw(st.sampled_from([NUMBERS, NUMBERS | FORMULAS])) if number else TEXTS for number in numeric]
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=6))
    foot = draw(st.integers(0, 1))
    return head, rows[: len(rows) - foot], rows[len(rows) - foot :], numeric


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def is_inside(text: str, whole: str) -> bool:
    """Whether the signs of a text stand in another one in their order, others between them."""
    found = iter(whole)
    return all(sign in found for sign in squeezed(text))


@given(tables(), st.integers(20, 300))
@settings(max_examples=400)
@example((["a", "b"], [["x" * 90, "1"]], [], [False, True]), 20)
def test_a_table_keeps_its_words_and_figures_and_fits_at_every_width(
    table: tuple[list[str], list[list[str]], list[list[str]], list[bool]], most: int
) -> None:
    head, body, foot, numeric = table
    rows = [*body, *foot]
    lines = grid(head, body, foot, numeric, most)
    assert max(map(width, lines)) <= most
    assert not any(line != line.rstrip() for line in lines)
    shown = " ".join(lines).split()
    for row in rows:
        for cell, number in zip(row, numeric, strict=True):
            if number and " " not in cell:
                assert cell in shown, "a figure is never broken"
            for word in cell.split():
                assert word in shown or width(word) > most - 4 - 9, "a word is broken only where a line is too short"
    for text in head:
        assert all(word in shown for word in text.split())
    # Every sign is there, as often as it was: the rules are all that is added, and headings may come again.
    expected = sorted("".join(squeezed(cell) for row in rows for cell in row))
    left = list(squeezed("".join(lines)))
    for sign in expected:
        left.remove(sign)
    whole = "".join(lines)
    for row in rows:
        assert all(is_inside(cell, whole) for cell in row)


@given(tables(), st.integers(20, 300))
@settings(max_examples=200)
def test_figures_of_a_column_end_in_one_cell(
    table: tuple[list[str], list[list[str]], list[list[str]], list[bool]], most: int
) -> None:
    """Each figure made one of its own, so that it can be found again."""
    head, body, _, numeric = table
    marked = [
        [
            f"{10_000_000 + 1000 * row + column:,}" if number else text
            for column, (text, number) in enumerate(zip(cells, numeric, strict=True))
        ]
        for row, cells in enumerate(body)
    ]
    lines = grid(head, marked, [], numeric, most)
    for column, number in enumerate(numeric):
        if number:
            cells = [row[column] for row in marked]
            ends = {width(line[: line.index(cell) + len(cell)]) for cell in cells for line in lines if cell in line}
            assert len(ends) <= 1


@given(tables())
@settings(max_examples=100)
def test_a_table_that_has_room_takes_one_line_a_row(
    table: tuple[list[str], list[list[str]], list[list[str]], list[bool]],
) -> None:
    head, body, foot, numeric = table
    lines = grid(head, body, foot, numeric, 3000)
    assert len(lines) == 2 + len(body) + len(foot) + (1 if foot and body else 0)


@pytest.mark.parametrize("most", range(1, 20))
def test_a_table_is_shown_even_where_nothing_fits(most: int) -> None:
    lines = grid(["layer", "conv MACs"], [["a_long_name words", "1,234,567,890"]], [], [False, True], most)
    assert max(map(width, lines)) <= max(most, 8)
    found = squeezed("".join(lines)).replace("-", "")
    assert all(found.count(text) == 1 for text in ("layer", "convMACs", "a_long_namewords", "1,234,567,890"))


@given(TEXTS, st.integers(8, 100), st.integers(0, 40), st.booleans())
@settings(max_examples=300)
def test_a_text_is_wrapped_between_words_where_there_is_a_way(text: str, most: int, hang: int, commas: bool) -> None:
    lines = wrapped(text, most, hang, commas)
    assert max(map(width, lines)) <= most
    assert squeezed("".join(lines)) == squeezed(text)
    assert not any(unicodedata.combining(line.lstrip(" ")[0]) for line in lines[1:])
    shown = " ".join(lines).split()
    assert all(word in shown for word in text.split() if width(word) <= most // 2)


def test_a_word_too_wide_for_a_line_is_broken_at_its_signs() -> None:
    assert wrapped("stage.first.block.second.branch", 20) == ["stage.first.block.", "  second.branch"]
    assert wrapped("x" * 25, 20) == ["x" * 20, "  " + "x" * 5]


def form(most: int, rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    head = ["layer", "operator", "params", "MACs"]
    return grid(head, [list(row) for row in rows], [], [False, False, True, True], most)


STAGE = ("stage", "features(plan = [6, 12, 24, 16], k = 32)", "6,953,856", "2,833,137,664")


def test_each_width_has_the_widest_form_that_fits_it() -> None:
    assert form(80, [STAGE])[2:] == ["stage  features(plan = [6, 12, 24, 16], k = 32)  6,953,856  2,833,137,664"]
    assert form(60, [STAGE])[2:] == [
        "stage  features(plan = [6, 12, 24,  6,953,856  2,833,137,664",
        "         16], k = 32)",
    ]
    assert form(45, [STAGE])[3:] == [
        "stage  6,953,856  2,833,137,664",
        "    features(plan = [6, 12, 24, 16], k = 32)",
    ]
    assert form(28, [STAGE])[4:] == [
        "stage",
        "    features(plan = [6, 12,",
        "      24, 16], k = 32)",
        "    6,953,856  2,833,137,664",
    ]
    assert form(22, [STAGE]) == [
        "layer",
        "  stage",
        "operator",
        "  features(plan = [6,",
        "    12, 24, 16],",
        "    k = 32)",
        "params",
        "      6,953,856",
        "MACs",
        "  2,833,137,664",
    ]


def test_cells_that_columns_share_go_where_they_save_most_lines() -> None:
    """One long title among short ones does not make a hundred middling texts wrap."""
    rows = [["a title that is long enough for several lines of its column", "short"]]
    rows += [["name", "forty cells of some text in each of them"]] * 50
    lines = grid(["layer", "operator"], rows, [], [False, False], 66)
    assert len(lines) < 60


def test_prose_breaks_between_words_alone() -> None:
    assert prose("counted by one convention, per sample (N = 1)", 30) == [
        "counted by one convention, per",
        "  sample (N = 1)",
    ]
