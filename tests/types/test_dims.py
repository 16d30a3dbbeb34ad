"""Symbolic dimensions against brute force: arithmetic, division, decisions, bounds of growth."""

import itertools
import random
from fractions import Fraction

import pytest

from archdsl.types.dims import (
    MAX_DEGREE,
    Dim,
    DimTooLarge,
    Expr,
    Floor,
    at_least,
    bounds,
    ceildiv,
    equal,
    exact_div,
    floordiv,
    product,
    substitute,
    symbol,
    symbols,
)

A, B = symbol("A"), symbol("B")
POINTS = [
    dict(zip("AB", values, strict=True)) for values in itertools.product([1, 2, 3, 4, 5, 7, 8, 31, 64, 225], repeat=2)
]


def test_a_product_has_up_to_32_factors() -> None:
    thirty_two = product([A] * 30 + [B] * 2)
    assert at(thirty_two, {"A": 2, "B": 3}) == 2**30 * 9
    with pytest.raises(DimTooLarge):
        thirty_two * A


def test_what_is_longer_by_at_least_one_is_never_equal() -> None:
    for left, right in ((A + 1, A), (A + B, A), (2 * A, A), (A * B + B, A * B), (A + floordiv(B + 1, 2), A)):
        assert (equal(left, right), equal(right, left)) == (False, False), (left, right)
        assert at_least(left, right)
    for left, right in ((A + floordiv(B, 2), A), (A * B, A), (2 * A, A + B), (A, B)):
        assert (equal(left, right), equal(right, left)) == (None, None), (left, right)


def at(dim: Dim, point: dict[str, int]) -> int:
    """The value of a dimension, by its definition."""
    if isinstance(dim, int):
        return dim
    total = 0
    for monomial, coefficient in dim.terms:
        value = coefficient
        for atom in monomial:
            value *= point[atom] if isinstance(atom, str) else at(atom.numerator, point) // atom.divisor
        total += value
    return total


def grown(source: random.Random, depth: int) -> tuple[Dim, "list[int]"]:
    """A random dimension made by the operations of the language, and its values at every point, computed with ints."""
    if depth == 0:
        name = source.choice(["A", "B", ""])
        if name:
            return symbol(name), [point[name] for point in POINTS]
        number = source.randrange(-3, 6)
        return number, [number] * len(POINTS)
    left, left_values = grown(source, depth - 1)
    kind = source.randrange(6)
    if kind < 2:
        divisor = source.randrange(1, 6)
        if kind == 0:
            return floordiv(left, divisor), [value // divisor for value in left_values]
        return left % divisor, [value % divisor for value in left_values]
    right, right_values = grown(source, depth - 1)
    pairs = list(zip(left_values, right_values, strict=True))
    if kind == 2:
        return left * right, [a * b for a, b in pairs]
    if kind == 3:
        return left - right, [a - b for a, b in pairs]
    return left + right, [a + b for a, b in pairs]


@pytest.mark.parametrize("seed", range(150))
def test_arithmetic_is_exact(seed: int) -> None:
    dim, values = grown(random.Random(seed), 4)
    assert [at(dim, point) for point in POINTS] == values
    assert [substitute(dim, point) for point in POINTS] == values
    assert symbols(dim) <= {"A", "B"}


@pytest.mark.parametrize("seed", range(150))
def test_decisions_hold_everywhere_or_are_not_made(seed: int) -> None:
    source = random.Random(seed)
    (left, left_values), (right, right_values) = grown(source, 3), grown(source, 2)
    pairs = list(zip(left_values, right_values, strict=True))
    if (decided := equal(left, right)) is not None:
        assert {a == b for a, b in pairs} == {decided}
    if (decided := at_least(left, right)) is not None:
        assert {a >= b for a, b in pairs} == {decided}
    low, high = bounds(left)
    assert low is None or low <= min(left_values)
    assert high is None or high >= max(left_values)


@pytest.mark.parametrize("seed", range(150))
def test_an_exact_quotient_is_exact_everywhere(seed: int) -> None:
    source = random.Random(seed)
    dim, values = grown(source, 3)
    divisor = source.choice([2, 3, 4, -2, A, 2 * A, A * B])
    quotient = exact_div(dim, divisor)
    if quotient is not None:
        assert [Fraction(v, at(divisor, p)) for v, p in zip(values, POINTS, strict=True)] == [
            at(quotient, p) for p in POINTS
        ]
    assert exact_div(dim * divisor, divisor) == dim


def test_equal_dimensions_are_equal_objects_whatever_made_them() -> None:
    assert (A + B) * (A - B) == A * A - B * B
    assert A - A == 0
    assert isinstance(A - A + 3, int)
    assert hash(A + B) == hash(B + A)
    assert len({A + 1, 1 + A, A}) == 2
    assert product([]) == 1
    assert product([2, A, B]) == 2 * A * B


def test_a_constant_is_never_an_expression() -> None:
    assert not isinstance(floordiv(4 * A, 4) - A, Expr)
    assert not isinstance(substitute(A + B, {"A": 1, "B": 2}), Expr)


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (A + 1, "A + 1"),
        (2 * A - B, "2*A - B"),
        (A * A * B, "A**2*B"),
        (floordiv(A + 1, 2), "(A + 1) // 2"),
        (floordiv(A, 2), "A // 2"),
        (3 * floordiv(A, 2), "3*(A // 2)"),
        (-A, "-A"),
        (ceildiv(A, 4), "(A + 3) // 4"),
    ],
)
def test_a_dimension_is_written_as_the_language_would(dim: Dim, text: str) -> None:
    assert str(dim) == text


def test_five_layers_of_stride_two_are_one_floor() -> None:
    height: Dim = A
    for _ in range(5):
        height = floordiv(height + 1, 2)
    assert str(height) == "(A + 31) // 32"


def test_whole_multiples_leave_the_floor() -> None:
    assert floordiv(4 * A + 6, 4) == A + 1
    assert floordiv(6 * A + 3, 9) == floordiv(2 * A + 1, 3)
    assert (4 * A) % 2 == 0


def test_growth_is_bounded() -> None:
    power: Dim = A
    with pytest.raises(DimTooLarge):
        for _ in range(MAX_DEGREE):
            power = power * A
    total: Dim = A
    with pytest.raises(DimTooLarge):
        for index in range(300):
            total = total + symbol(f"S{index}")
    nested: Dim = A
    with pytest.raises(DimTooLarge):
        for _ in range(99):
            nested = floordiv((nested + B) * (nested - B), 5)


def test_a_floor_is_compared_by_what_it_says() -> None:
    first, second = floordiv(A, 2), floordiv(symbol("A"), 2)
    assert isinstance(first, Expr)
    assert isinstance(second, Expr)
    assert isinstance(first.terms[0][0][0], Floor)
    assert first == second
    assert hash(first) == hash(second)
