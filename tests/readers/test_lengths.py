"""Dimensions of ONNX models: arithmetic as we write it, under a budget, and nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.readers.lengths import LONGEST, evaluate, symbols


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


@pytest.mark.parametrize(
    "text",
    ["", "(", ")", "()", "H H", "H +", "* H", "H(1)", "1/0", "1 // 0", "H.real", "f(1)", "[1]", "9" * 30, "H**9",
     "H**-1", "H***H", "x" * 10_000, "(" * 190, "\ud800", "H\x00"],
)  # fmt: skip
def test_what_is_no_such_expression_has_no_value(text: str) -> None:
    assert evaluate(text, {"H": 3}) is None


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
