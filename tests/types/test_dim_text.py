"""Dimensions read back from what they print as, or evaluated as arithmetic: under a budget, and nothing else."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archdsl.types import dims
from archdsl.types.dim_text import LONGEST, evaluate, parse, symbols
from archdsl.types.dims import Dim, floordiv, product, symbol

LEAVES = st.one_of(st.sampled_from("NHWT").map(symbol), st.integers(0, 9))


def _combined(parts: st.SearchStrategy[Dim]) -> st.SearchStrategy[Dim]:
    return st.one_of(
        st.tuples(parts, parts).map(lambda pair: pair[0] + pair[1]),
        st.tuples(parts, parts).map(lambda pair: pair[0] - pair[1]),
        st.tuples(parts, parts).map(lambda pair: pair[0] * pair[1]),
        st.tuples(parts, st.integers(1, 7)).map(lambda pair: floordiv(*pair)),
    )


@given(st.recursive(LEAVES, _combined, max_leaves=8))
@example(-floordiv(symbol("N"), 2))
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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("H", 33),
        ("H - 100", -67),
        ("2*(H + 31) // 32 - N**2", 3),
        ("-H + 40", 7),
        ("H // 2 // 2", 8),
        ("2**N**2", 2),
        ("-2**2", -4),
        ("(H)", 33),
        ("H - 1 - 1", 31),
    ],
)
def test_texts_have_the_value_that_python_gives_them(text: str, value: int) -> None:
    assert evaluate(text, {"H": 33, "N": 1}) == value


@given(
    st.recursive(
        st.sampled_from(["H", "W", "2", "31"]),
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "//"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        max_leaves=8,
    )
)
def test_any_expression_has_the_value_that_python_gives_it(text: str) -> None:
    sizes = {"H": 33, "W": 7}
    try:
        expected = eval(text, {}, dict(sizes))
    except ZeroDivisionError:
        expected = None
    if len(text) <= LONGEST:
        assert evaluate(text, sizes) == expected


def test_a_power_has_up_to_32_factors() -> None:
    assert parse("H ** 32") == product([symbol("H")] * 32)
    assert parse("2 ** 32") == 2**32
    assert (parse("H ** 0"), parse("H ** 1")) == (1, symbol("H"))
    assert parse("1 ** 33") is None


@pytest.mark.parametrize(
    "text",
    ["", "(", ")", "()", "H H", "H +", "* H", "H(1)", "1/0", "1 // 0", "H.real", "f(1)", "[1]", "9" * 30, "H**33",
     "H**-1", "H***H", "x" * 10_000, "(" * 190, "\ud800", "H\x00"],
)  # fmt: skip
def test_what_is_no_such_expression_has_no_value(text: str) -> None:
    assert evaluate(text, {"H": 3}) is None


@given(st.recursive(LEAVES, _combined, max_leaves=8), st.tuples(*[st.integers(1, 99)] * 4))
def test_a_dimension_and_its_text_have_one_value(dim: Dim, values: tuple[int, ...]) -> None:
    sizes = dict(zip("NHWT", values, strict=True))
    if len(str(dim)) <= LONGEST and abs(dims.evaluate(dim, sizes)) < 2**40:
        assert evaluate(str(dim), sizes) == dims.evaluate(dim, sizes)
        assert set(symbols(str(dim))) == dims.symbols(dim)


def test_a_high_power_is_read_as_it_is_printed() -> None:
    power = parse("H**9")
    assert power is not None and str(power) == "H**9"
    assert evaluate(str(power), {"H": 3}) == 3**9


@pytest.mark.parametrize("text", ["(A+B+C+D+E+F)**4*" * 900 + "A", "((A+B)//3+1)//2+" * 900 + "A", "-" * 16_000 + "A"])
def test_a_long_text_costs_no_more_than_its_length(text: str) -> None:
    start = time.perf_counter()
    parse(text)
    assert time.perf_counter() - start < 2


def test_powers_of_powers_cost_nothing() -> None:
    text = "(" * 10 + "H" + "**8)" * 10
    start = time.perf_counter()
    for size in range(2, 1000):
        assert evaluate(text, {"H": size}) is None
    assert time.perf_counter() - start < 2
    assert evaluate(text, {"H": 1}) == 1


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_none(text: str) -> None:
    assert isinstance(evaluate(text, {"H": 3}), int | None)
    assert all(name.isidentifier() for name in symbols(text))
