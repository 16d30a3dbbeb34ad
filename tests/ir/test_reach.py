"""Spans with periods say of every position what composing and uniting them one position at a time says."""

import random
from itertools import count

import pytest

from archdsl.ir.reach import MAX_PERIOD, AxisReach, after, both

PLACES = range(-30, 60)


def some_span(chance: random.Random) -> AxisReach:
    """A window that moves on by `step` every few positions, as an operator may have it."""
    period = chance.choice((1, 1, 2, 3, 4, 6))
    step = chance.choice((1, 2, 3, 4))
    lows = sorted(chance.randint(-3, step) for _ in range(period))
    return AxisReach(0, step, tuple(lows), tuple(low + chance.randint(0, 3) for low in lows))


def shortest(span: AxisReach) -> int:
    """The least period that repeats the positions read, found by trying."""
    return next(
        period
        for period in count(1)
        if len({(span.at(p + period)[0] - span.at(p)[0], span.at(p + period)[1] - span.at(p)[1]) for p in PLACES}) == 1
        and span.at(period)[0] - span.at(0)[0] == span.at(period)[1] - span.at(0)[1]
    )


@pytest.mark.parametrize("seed", range(40))
def test_composed_spans_read_what_each_reads_of_the_other(seed: int) -> None:
    chance = random.Random(seed)
    outer, inner = some_span(chance), some_span(chance)
    found = after({0: outer}, {0: inner})
    assert found is not None
    for place in PLACES:
        low, high = outer.at(place)
        assert found[0].at(place) == (inner.at(low)[0], inner.at(high)[1])


@pytest.mark.parametrize("step", [1, 2])
def test_only_a_span_that_reads_its_own_position_alone_changes_nothing(step: int) -> None:
    """Two windows of two see three positions, two shifts by one a shift by two."""
    for low in (-1, 0, 1):
        for high in range(low, 3):
            span = AxisReach(0, step, (low,), (high,))
            assert span.is_point == (step == 1 and low == high == 0)
            assert after({0: span}, {0: span}) == {
                0: AxisReach(0, step * step, (low * (step + 1),), (high * (step + 1),))
            }


@pytest.mark.parametrize("seed", range(150))
def test_composed_spans_have_the_shortest_period(seed: int) -> None:
    chance = random.Random(seed)
    outer, inner = some_span(chance), some_span(chance)
    found = after({0: outer}, {0: inner})
    if found and not outer.is_point and not inner.is_point:
        assert found[0].period == shortest(found[0])


@pytest.mark.parametrize("seed", range(60))
def test_united_spans_read_from_the_first_to_the_last_of_either(seed: int) -> None:
    chance = random.Random(seed)
    left, right = some_span(chance), some_span(chance)
    found = both({0: left}, {0: right})
    alike = left.step * right.period == right.step * left.period
    assert found is not None
    assert (0 in found) == alike
    for place in PLACES if alike else ():
        ends = left.at(place), right.at(place)
        assert found[0].at(place) == (min(low for low, _ in ends), max(high for _, high in ends))
    if alike and left != right:
        assert found[0].period == shortest(found[0])


def test_a_period_up_to_the_bound_is_kept_and_a_longer_one_is_the_whole_axis() -> None:
    def cut(parts: int) -> AxisReach:
        """Enlarged `parts` times: that many neighbours read one position."""
        return AxisReach(0, 1, (0,) * parts, (0,) * parts)

    window = AxisReach(0, 1, (0,), (1,))
    kept = after({0: cut(MAX_PERIOD)}, {0: window})
    assert kept is not None
    assert kept[0].period == MAX_PERIOD
    assert after({0: cut(MAX_PERIOD // 2)}, {0: cut(3)}) == {}
    widened = AxisReach(0, 1, (0,) * MAX_PERIOD, (*(0,) * (MAX_PERIOD - 1), 1))
    assert both({0: cut(MAX_PERIOD)}, {0: widened}) == {0: widened}
    assert both({0: cut(MAX_PERIOD // 2)}, {0: cut(MAX_PERIOD // 2)}) == {0: cut(MAX_PERIOD // 2)}
    assert both({0: AxisReach(0, 2, (0,) * 4096, (0,) * 4096)}, {0: AxisReach(0, 3, (0,) * 6144, (0,) * 6144)}) == {}


@pytest.mark.parametrize(
    ("span", "size", "even"),
    [
        (AxisReach(0, 1, (-1,), (1,)), 3, True),
        (AxisReach(0, 1, (-1, 0), (0, 1)), 2, True),
        (AxisReach(0, 3, (0, 2), (1, 4)), 3, False),
        (AxisReach(0, 3, (2, 0), (4, 1)), 3, False),
    ],
)
def test_the_size_is_of_the_widest_window_and_even_where_all_are_alike(span: AxisReach, size: int, even: bool) -> None:
    assert (span.size, span.even) == (size, even)
