"""Exact formulas of a network's figures in its parameters, found by counting it at some values.

Nothing is derived from the spec: the network is counted at as many values of a parameter as a polynomial of its degree
needs, the polynomial through them is exact (fractions, never floats), and it is believed only after it gave the figures
of further values, some of them far away. So a formula says at which values it was verified. Figures that depend on
symbolic dimensions are fitted coefficient by coefficient.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import lcm

from archdsl.analysis.figures import number_text
from archdsl.records import field, record
from archdsl.types.dims import Dim, Expr, Monomial, evaluate, require_whole, symbol

FIGURES = ("params", "buffers", "macs", "flops", "activations")

Count = Callable[[Mapping[str, int]], Mapping[str, Dim] | None]
"""The figures of the network under some values of the parameters; None where it rejects them."""

Powers = tuple[int, ...]
Vector = dict[Monomial, Fraction]
"""Coefficients of one figure by the symbolic dimensions they belong to."""

MOST_COUNTED = 600
"""Networks counted for one set of formulas."""
_MOST_DEGREE = 8
_TRIED = 48
"""Values tried, from 1 on, to see which a parameter takes."""
_POINTS = 16
CHECKS = 3
"""Values beyond those that determine a polynomial, before it is believed."""
_FAR = (24, 40, 150, 1000)
_PERIODS = (2, 3, 4, 6, 8)


class TooManyCounted(Exception):
    """`MOST_COUNTED` networks were not enough, or took too long to count."""


@record
class Formula:
    """A polynomial with rational coefficients: powers of the parameters and symbolic dimensions to a coefficient."""

    names: Sequence[str]
    terms: dict[tuple[Powers, Monomial], Fraction]

    @property
    def denominator(self) -> int:
        """The common denominator: every coefficient is a whole multiple of one over it."""
        return lcm(*(coefficient.denominator for coefficient in self.terms.values())) if self.terms else 1

    @property
    def whole(self) -> Dim:
        """The polynomial times its denominator."""
        total: Dim = 0
        for (powers, monomial), coefficient in self.terms.items():
            term: Dim = int(coefficient * self.denominator)
            for name, power in zip(self.names, powers, strict=True):
                for _ in range(power):
                    term = term * symbol(name)
            for atom in monomial:
                term = term * (symbol(atom) if isinstance(atom, str) else Expr((((atom,), 1),)))
            total = total + term
        return total

    def at(self, values: Sequence[int]) -> Vector:
        """The coefficients at some values of the parameters."""
        found: Vector = {}
        for (powers, monomial), coefficient in self.terms.items():
            for value, power in zip(values, powers, strict=True):
                coefficient *= value**power
            found[monomial] = found.get(monomial, Fraction(0)) + coefficient
        return _clean(found)

    def __str__(self) -> str:
        text = number_text(self.whole)
        return text if self.denominator == 1 else f"({text}) / {self.denominator}"


@record
class Progression:
    """Evenly spaced values of a parameter, without end."""

    name: str
    first: int
    step: int

    def __contains__(self, value: int) -> bool:
        return value >= self.first and (value - self.first) % self.step == 0

    def __str__(self) -> str:
        return f"{self.name} = {self.first}, {self.first + self.step}, {self.first + 2 * self.step}, ..."


@record
class FoundFormula:
    """The form of one figure: a formula from certain values of the parameters on, or formulas that hold for
    evenly spaced values (`pieces`), or neither. `checked` counts the values at which it
    was verified besides those that it was made from."""

    formula: Formula | None = None
    start: tuple[int, ...] = ()
    checked: int = 0
    pieces: dict[Progression, Formula] = field(default_factory=dict[Progression, Formula])

    def at(self, point: Sequence[int]) -> Formula | None:
        """The formula that holds for some values of the parameters."""
        if self.formula is None:
            return next((formula for values, formula in self.pieces.items() if point[0] in values), None)
        reached = all(value >= first for value, first in zip(point, self.start, strict=False))
        return self.formula if reached else None

    @property
    def formula_is_constant(self) -> bool:
        return self.formula is not None and not any(any(powers) for powers, _ in self.formula.terms)


@record
class ParameterAxis:
    """The values a parameter was found to take: `values`, `step` apart if they are evenly spaced; `ends` if the network
    rejects the next one."""

    name: str
    values: list[int]
    step: int | None
    ends: bool = False

    def at(self, index: int) -> int | None:
        """The value of an index, also beyond those counted."""
        if index < len(self.values):
            return self.values[index]
        return self.values[0] + index * self.step if self.step else None

    def __str__(self) -> str:
        if self.step and not self.ends:
            return f"{self.name} = {self.values[0]}, {self.values[1]}, {self.values[2]}, ..."
        return f"{self.name} = {', '.join(map(str, self.values))}"


@record
class ClosedForm:
    """Formulas of a network in some of its parameters; `checked` are all values it was counted at."""

    axes: list[ParameterAxis]
    findings: dict[str, FoundFormula]
    counted: list[tuple[int, ...]]

    def __repr__(self) -> str:
        names = ", ".join(axis.name for axis in self.axes)
        return f"<formulas of {', '.join(self.findings)} in {names}, counted at {len(self.counted)} values>"

    def evaluate(self, figure: str, **values: int) -> int:
        """One of `FIGURES` at some values of the parameters and sizes of the symbolic dimensions.

        Raises `ValueError` for a figure that there is not, or of which no formula was found, and for values that are
        missing or that its formula does not hold for.
        """
        if figure not in self.findings:
            raise ValueError(f"no figure {figure!r}; figures are {', '.join(self.findings)}")
        missing = [axis.name for axis in self.axes if axis.name not in values]
        if missing:
            raise ValueError(f"no value is given for {', '.join(missing)}")
        for axis in self.axes:
            require_whole(axis.name, values[axis.name])
        point = [values[axis.name] for axis in self.axes]
        formula = self.findings[figure].at(point)
        value, rest = (0, 1) if formula is None else divmod(evaluate(formula.whole, values), formula.denominator)
        if rest:
            shown = ", ".join(f"{axis.name} = {value}" for axis, value in zip(self.axes, point, strict=True))
            raise ValueError(f"no formula for {figure} holds for {shown}")
        return value


def closed_form(count: Count, base: Mapping[str, int], choices: Mapping[str, Sequence[int]]) -> ClosedForm:
    """Formulas in the parameters named in `base`, which holds a value of each that the network takes.

    `choices` holds the values of parameters that take no others. Raises `TooManyCounted`.
    """
    search = _Search(count, base)
    search.at(search.base)
    axes = [search.axis(index, choices.get(name)) for index, name in enumerate(base)]
    findings = {figure: search.find(figure, axes) for figure in FIGURES}
    counted = sorted(point for point, figures in search.known.items() if figures is not None)
    return ClosedForm(axes, findings, counted)


class _Search:
    def __init__(self, count: Count, base: Mapping[str, int]) -> None:
        self.names = tuple(base)
        self.base = tuple(base.values())
        self.known: dict[tuple[int, ...], dict[str, Vector] | None] = {}
        self._count = count

    def at(self, point: tuple[int, ...]) -> dict[str, Vector] | None:
        """The figures of one network, counted once."""
        if point not in self.known:
            if len(self.known) >= MOST_COUNTED:
                raise TooManyCounted
            figures = self._count(dict(zip(self.names, point, strict=True)))
            self.known[point] = None if figures is None else {name: _vector(figures[name]) for name in FIGURES}
        return self.known[point]

    def along(self, index: int, value: int) -> tuple[int, ...]:
        """The base with one parameter moved."""
        return (*self.base[:index], value, *self.base[index + 1 :])

    # ------------------------------------------------------------------------------------------ values of a parameter

    def axis(self, index: int, choices: Sequence[int] | None) -> ParameterAxis:
        """The values that a parameter takes, found by trying."""
        name = self.names[index]
        if choices is not None:
            return ParameterAxis(
                name, [value for value in sorted(choices) if self.at(self.along(index, value)) is not None], None
            )
        found = self._admissible(index, range(1, _TRIED + 1))
        if len(found) < 3:
            near = range(self.base[index], self.base[index] + 2 * _TRIED)
            found = sorted({*found, *self._admissible(index, near)})
        steps = {later - earlier for earlier, later in pairwise(found)}
        if len(steps) != 1:
            return ParameterAxis(name, found, None)
        (step,) = steps
        while len(found) < _POINTS and self.at(self.along(index, found[-1] + step)) is not None:
            found.append(found[-1] + step)
        return ParameterAxis(name, found, step, len(found) < _POINTS)

    def _admissible(self, index: int, values: range) -> list[int]:
        found: list[int] = []
        for value in values:
            if self.at(self.along(index, value)) is not None:
                found.append(value)
            if len(found) == _POINTS:
                break
        return found

    # ------------------------------------------------------------------------------------------------------- formulas

    def find(self, figure: str, axes: list[ParameterAxis]) -> FoundFormula:
        """The formula of one figure."""
        spans: list[tuple[int, int]] = []
        for index, axis in enumerate(axes):
            span = _span(axis.values, [self._figure(figure, self.along(index, value)) for value in axis.values])
            if span is None:
                return self._late(figure, axis) if len(axes) == 1 else FoundFormula()
            spans.append(span)
        grid = [axis.values[start : start + degree + 1] for axis, (start, degree) in zip(axes, spans, strict=True)]
        formula = self._through(figure, grid)
        start = tuple(values[0] for values in grid)
        if formula is None:
            return FoundFormula()
        checked = self._verified(figure, axes, spans, formula, start)
        return FoundFormula(formula, start, checked) if checked >= CHECKS else FoundFormula()

    def _figure(self, figure: str, point: tuple[int, ...]) -> Vector:
        known = self.at(point)
        return {} if known is None else known[figure]

    def _through(self, figure: str, grid: list[list[int]]) -> Formula | None:
        """The polynomial through all points of a grid; None where the network rejects one of them."""
        # Interpolated along one parameter after the other, the last one first.
        layer: dict[tuple[int, ...], dict[tuple[Powers, Monomial], Fraction]] = {}
        for point in product(*grid):
            known = self.at(point)
            if known is None:
                return None
            layer[point] = {((), monomial): value for monomial, value in known[figure].items()}
        for values in reversed(grid):
            weights = _lagrange(values)
            merged: dict[tuple[int, ...], dict[tuple[Powers, Monomial], Fraction]] = {}
            for point, terms in layer.items():
                into = merged.setdefault(point[:-1], {})
                for power, weight in enumerate(weights[point[-1]]):
                    for (powers, monomial), value in terms.items():
                        key = ((power, *powers), monomial)
                        into[key] = into.get(key, Fraction(0)) + weight * value
            layer = merged
        (terms,) = layer.values()
        return Formula(self.names, {key: value for key, value in terms.items() if value})

    def _verified(
        self,
        figure: str,
        axes: list[ParameterAxis],
        spans: list[tuple[int, int]],
        formula: Formula,
        start: tuple[int, ...],
    ) -> int:
        """At how many points outside the grid the formula holds; 0 if it fails at one."""
        farther = [[value for far in _FAR if (value := axis.at(far)) is not None] for axis in axes]
        beyond = [axis.values[begin + degree + 1 :] for axis, (begin, degree) in zip(axes, spans, strict=True)]
        for index, values in enumerate(farther):
            for value in values:
                self.at(self.along(index, value))
        if len(axes) > 1:  # together, not only one at a time
            for points in (zip(*beyond, strict=False), zip(*farther, strict=False)):
                for point in list(points)[:4]:
                    self.at(tuple(point))
        spanned = [axis.values[begin : begin + degree + 1] for axis, (begin, degree) in zip(axes, spans, strict=True)]
        inside = set(product(*spanned))
        checked = 0
        for point, known in self.known.items():
            if known is None or point in inside or any(value < low for value, low in zip(point, start, strict=True)):
                continue
            if formula.at(point) != known[figure]:
                return 0
            checked += 1
        return checked

    def _late(self, figure: str, axis: ParameterAxis) -> FoundFormula:
        """A formula for each remainder of the value, where a figure rounds, or one where these are the same: it holds
        from a value on that is far out."""
        pieces, start = self._pieces(figure, axis)
        if len({frozenset(formula.terms.items()) for formula in pieces.values()}) != 1:
            return FoundFormula(pieces=pieces)
        first = next(iter(pieces.values()))
        compared = [point for point, known in self.known.items() if known is not None and point[0] >= start]
        return FoundFormula(first, (start,), len(compared))

    def _pieces(self, figure: str, axis: ParameterAxis) -> tuple[dict[Progression, Formula], int]:
        """Formulas of remainders, the least number of them that fits, and the value from which on they all hold."""
        if not axis.step:
            return {}, 0
        for period in _PERIODS:
            found: dict[Progression, Formula] = {}
            latest = 0
            for offset in range(period):
                step = axis.step * period
                first = axis.values[0] + axis.step * offset
                values = [first + step * index for index in range(_POINTS // 2 + 2)]
                vectors = [self.at((value,)) for value in values]
                if any(vector is None for vector in vectors):
                    break
                span = _span(values, [vector[figure] for vector in vectors if vector is not None])
                formula = self._through(figure, [values[span[0] : span[0] + span[1] + 1]]) if span else None
                if span is None or formula is None:
                    break
                begin = values[span[0]]
                for index in _FAR:
                    self.at((first + step * index,))
                alike = [(point, known) for point, known in self.known.items() if (point[0] - first) % step == 0]
                if any(known and point[0] >= begin and formula.at(point) != known[figure] for point, known in alike):
                    break
                latest = max(latest, begin - axis.step * (period - 1))
                found[Progression(axis.name, begin, step)] = formula
            if len(found) == period:
                return found, latest
        return {}, 0


def _vector(figure: Dim) -> Vector:
    if isinstance(figure, int):
        return {(): Fraction(figure)} if figure else {}
    return {monomial: Fraction(coefficient) for monomial, coefficient in figure.terms}


def _clean(vector: Vector) -> Vector:
    return {monomial: value for monomial, value in vector.items() if value}


def _span(values: Sequence[int], vectors: Sequence[Vector]) -> tuple[int, int] | None:
    """Where a polynomial begins to fit, as an index, and its degree; None where none does with values to spare."""
    for start in range(max(len(values) // 2, 1)):
        for degree in range(min(_MOST_DEGREE, len(values) - start - CHECKS - 1) + 1):
            if _fits(values[start:], vectors[start:], degree):
                return start, degree
    return None


def _fits(values: Sequence[int], vectors: Sequence[Vector], degree: int) -> bool:
    """Whether the polynomial through the first `degree` + 1 points goes through all."""
    names = {monomial for vector in vectors for monomial in vector}
    first = values[: degree + 1]
    weights = _lagrange(first)
    for monomial in names:
        figures = [vector.get(monomial, Fraction(0)) for vector in vectors]
        powers = [
            sum((weights[value][power] * figure for value, figure in zip(first, figures, strict=False)), Fraction(0))
            for power in range(degree + 1)
        ]
        for value, figure in zip(values[degree + 1 :], figures[degree + 1 :], strict=True):
            if sum(coefficient * value**power for power, coefficient in enumerate(powers)) != figure:
                return False
    return True


def _lagrange(values: Sequence[int]) -> dict[int, list[Fraction]]:
    """For each value the coefficients of the polynomial that is 1 there and 0 at the others, constant first."""
    found: dict[int, list[Fraction]] = {}
    for value in values:
        powers = [Fraction(1)]
        for other in values:
            if other != value:
                shifted = [Fraction(0), *powers]
                for power, coefficient in enumerate(powers):
                    shifted[power] -= other * coefficient
                powers = [coefficient / (value - other) for coefficient in shifted]
        found[value] = powers
    return found
