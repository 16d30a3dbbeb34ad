"""The positions of an input that a position of an output depends on, axis by axis.

A dependence is periodic: `AxisReach(axis, step, lows, highs)` says that position q * p + r of an output's axis, with
p = len(lows), reads positions q * step + lows[r] to q * step + highs[r] of an input's axis. A convolution has p = 1 and
its stride as step; enlarging twice has p = 2 and step 1. Such reaches are closed under composition and union, so blocks
and loops have them as operators do.
"""

from collections.abc import Iterable, Sequence
from math import gcd, lcm

MAX_PERIOD = 4096
"""A dependence that repeats after more positions than this counts as one on the whole axis."""


class AxisReach:
    """How an output's `axis` reads an input's axis (see above). Positions before 0 are padding."""

    __slots__ = ("axis", "highs", "lows", "step")

    def __init__(self, axis: int, step: int = 1, lows: tuple[int, ...] = (0,), highs: tuple[int, ...] = (0,)) -> None:
        self.axis = axis
        self.step = step
        self.lows = lows
        self.highs = highs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AxisReach) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"AxisReach{self._key()}"

    def _key(self) -> tuple[object, ...]:
        return self.axis, self.step, self.lows, self.highs

    @property
    def is_point(self) -> bool:
        """Whether every position reads the same position and no other."""
        return self.step == 1 and self.lows == (0,) and self.highs == (0,)

    @property
    def period(self) -> int:
        """After how many output positions the dependence repeats, `step` input positions further on."""
        return len(self.lows)

    @property
    def size(self) -> int:
        """Input positions from the first to the last that one output position reads, the most of any."""
        return max(high - low + 1 for low, high in zip(self.lows, self.highs, strict=True))

    @property
    def even(self) -> bool:
        """Whether every output position reads equally many."""
        return len({high - low for low, high in zip(self.lows, self.highs, strict=True)}) == 1

    def at(self, position: int) -> tuple[int, int]:
        """First and last input position that an output position reads."""
        turns, rest = divmod(position, len(self.lows))
        return turns * self.step + self.lows[rest], turns * self.step + self.highs[rest]


Reach = dict[int, AxisReach] | None
"""How an output depends on an input: a span for each axis of the input whose positions can be told apart, while axes
that are absent are read whole; None where it does not depend on the input's elements at all."""

Relation = tuple[tuple[Reach, ...], ...]
"""For each output, its reach of each input."""


def after(outer: Reach, inner: Reach) -> Reach:
    """The reach of a value through another one: `outer` reads the value that reads by `inner`."""
    if outer is None or inner is None:
        return None
    found: dict[int, AxisReach] = {}
    for axis, span in inner.items():
        through = outer.get(span.axis)
        composed = through and _composed(through, span)
        if composed:
            found[axis] = composed
    return found


def both(left: Reach, right: Reach) -> Reach:
    """The reach by either of two ways: from the first to the last position that one of them reads. Where their strides
    differ no window moves along, so the axis counts as read whole."""
    if left is None or right is None:
        return right if left is None else left
    found: dict[int, AxisReach] = {}
    for axis in left.keys() & right.keys():
        one, other = left[axis], right[axis]
        if one == other:
            found[axis] = one
        elif one.axis == other.axis and one.step * other.period == other.step * one.period:
            period = lcm(one.period, other.period)
            if period <= MAX_PERIOD:
                ends = [(one.at(place), other.at(place)) for place in range(period)]
                lows = [min(first[0], second[0]) for first, second in ends]
                highs = [max(first[1], second[1]) for first, second in ends]
                found[axis] = _reduced(one.axis, one.step * period // one.period, lows, highs)
    return found


Seen = dict[int, dict[int, AxisReach]]
"""The dependences of one value: its reach of each of the places that it depends on, such as the inputs of a
function."""


def through(row: Iterable[tuple[int, Reach]], inner: Sequence[Seen]) -> Seen:
    """The dependences of a value, given its reach of other values and their dependences."""
    found: dict[int, Reach] = {}
    for place, reach in row:
        if reach is not None:
            for origin, before in inner[place].items():
                found[origin] = both(found.get(origin), after(reach, before))
    return {origin: reach for origin, reach in found.items() if reach is not None}


def _composed(outer: AxisReach, inner: AxisReach) -> AxisReach | None:
    if inner.is_point:
        return outer
    if outer.is_point:
        return inner if inner.axis == outer.axis else AxisReach(outer.axis, inner.step, inner.lows, inner.highs)
    turns = inner.period // gcd(inner.period, outer.step)
    period = outer.period * turns
    if period > MAX_PERIOD:
        return None
    ends = [outer.at(place) for place in range(period)]
    lows = [inner.at(low)[0] for low, _ in ends]
    highs = [inner.at(high)[1] for _, high in ends]
    return _reduced(outer.axis, outer.step * turns // inner.period * inner.step, lows, highs)


def _reduced(axis: int, step: int, lows: list[int], highs: list[int]) -> AxisReach:
    """The span with the shortest period that says the same."""
    whole = len(lows)
    least = whole // gcd(step, whole)  # a shorter one would not move by whole positions
    for period in range(least, whole, least):
        if whole % period:
            continue
        short = step * period // whole
        if all(ends[place] == ends[place - period] + short for ends in (lows, highs) for place in range(period, whole)):
            return AxisReach(axis, short, tuple(lows[:period]), tuple(highs[:period]))
    return AxisReach(axis, step, tuple(lows), tuple(highs))
