"""Dimensions read back from what they print as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.types.dim_text import parse
from archdsl.types.dims import Dim, floordiv, symbol

LEAVES = st.one_of(st.sampled_from("NHWT").map(symbol), st.integers(0, 9))


def _combined(parts: st.SearchStrategy[Dim]) -> st.SearchStrategy[Dim]:
    return st.one_of(
        st.tuples(parts, parts).map(lambda pair: pair[0] + pair[1]),
        st.tuples(parts, parts).map(lambda pair: pair[0] - pair[1]),
        st.tuples(parts, parts).map(lambda pair: pair[0] * pair[1]),
        st.tuples(parts, st.integers(1, 7)).map(lambda pair: floordiv(*pair)),
    )


@given(st.recursive(LEAVES, _combined, max_leaves=8))
def test_a_dimension_is_what_its_text_says(dim: Dim) -> None:
    assert parse(str(dim)) == dim


@pytest.mark.parametrize(
    "text",
    [
        "", "H -", "H - (", "(H", "H)", "1.5", "H W", "H // 0", "H // W", "é", "H ** 99", "H**8**8", "((H**8)**8)**8",
        "9" * 30,
        "(" * 100 + "H" + ")" * 100, "H*" * 40 + "H", "2147483648 * 2147483648 * 8", "H; N", "H[0]", "f(H)",
        "(" * 31 + "+".join("ABCDEFGHIJ") + ")**31" + ")" * 30,
    ],
)  # fmt: skip
def test_what_is_no_dimension_is_refused_at_once(text: str) -> None:
    assert parse(text) is None


def test_a_text_of_a_megabyte_is_refused_unread() -> None:
    assert parse("H + " * 300_000 + "H") is None


def test_the_dimensions_of_other_writers_are_read() -> None:
    assert parse("2*H+1") == symbol("H") * 2 + 1
    assert parse(" ( H+1 )//2 ") == floordiv(symbol("H") + 1, 2)
    assert parse("-H + 3") == 3 - symbol("H")
