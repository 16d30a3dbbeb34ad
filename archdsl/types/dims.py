"""Exact symbolic dimensions.

A dimension is an `int` or an `Expr`: a polynomial with integer coefficients over *atoms*, where an atom is a symbol
(`N`, `H`) or the floor of such a polynomial divided by a positive integer. Every symbol stands for an integer >= 1.

Expressions are kept in one canonical form, so equality is structural:

- terms are sorted, like terms are collected, a polynomial without atoms is an `int` and never an `Expr`;
- inside `floor(p / n)` every coefficient lies in `0 .. n-1` (whole multiples are taken out), common factors are
  cancelled, and a floor of a floor is one floor: `floor((floor(x/a) + b) / c) = floor((x + a*b) / (a*c))`.

The last rule is what keeps a deep convolutional network readable: five stride-2 layers of an `H`-high image give
`(H + 31) // 32`, not five nested floors.
"""

from collections.abc import Iterable, Mapping
from math import gcd

from archdsl.internal import InternalError

MAX_TERMS = 256
"""A polynomial with more terms than this is refused (`DimTooLarge`): no network needs one, an expansion bomb does."""

MAX_DEGREE = 32
"""No product has more factors than this."""
MAX_FLOOR_TEXT = 4096
"""A floor of a floor of products doubles its text at every step; a longer one is refused."""


class DimTooLarge(Exception):
    """A symbolic dimension outgrew its bounds. The elaborator turns this into a limit diagnostic."""


class Floor:
    """The atom `floor(numerator / divisor)`, already canonical. Made only by `floordiv`."""

    __slots__ = ("_hash", "_key", "divisor", "numerator")

    def __init__(self, numerator: "Expr", divisor: int) -> None:
        self.numerator = numerator
        self.divisor = divisor
        text = str(numerator)
        self._key = f"({text}) // {divisor}" if numerator.needs_parentheses else f"{text} // {divisor}"
        if len(self._key) > MAX_FLOOR_TEXT:
            raise DimTooLarge
        self._hash = hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Floor) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return self._key


Atom = str | Floor
Monomial = tuple[Atom, ...]
"""Atoms with repetition, sorted by their text; `()` is the constant term."""


def _order(term: tuple[Monomial, int]) -> tuple[int, str]:
    """Highest degree first, then alphabetical; the constant comes last."""
    return (-len(term[0]), "*".join(map(str, term[0])))


class Expr:
    """A polynomial that is not a constant. Built by arithmetic on symbols, never directly."""

    __slots__ = ("_hash", "_text", "terms")

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self.terms = terms
        self._hash = hash(terms)
        self._text = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and self._hash == other._hash and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Expr({self})"

    @property
    def needs_parentheses(self) -> bool:
        """Whether the text must be wrapped before `*` or `//` may follow it."""
        atoms, coefficient = self.terms[0]
        return len(self.terms) > 1 or coefficient != 1 or len(atoms) > 1

    def __str__(self) -> str:
        if not self._text:
            self._text = _render(self.terms)
        return self._text

    def evaluate(self, **sizes: int) -> int:
        """Its value for some sizes of its symbols: `(4*H*W).evaluate(H=2, W=3)` is 24. Sizes of other symbols are
        passed over. Raises `ValueError` where one is missing or less than 1."""
        return evaluate(self, sizes)

    def __add__(self, other: "Dim") -> "Dim":
        collected = dict(self.terms)
        for monomial, coefficient in _terms(other):
            collected[monomial] = collected.get(monomial, 0) + coefficient
        return _in_order(collected) if len(collected) == len(self.terms) else _build(collected)

    __radd__ = __add__

    def __neg__(self) -> "Dim":
        return _in_order({monomial: -coefficient for monomial, coefficient in self.terms})

    def __sub__(self, other: "Dim") -> "Dim":
        return self + -other

    def __rsub__(self, other: int) -> "Dim":
        return -self + other

    def __mul__(self, other: "Dim") -> "Dim":
        if isinstance(other, int):
            return _in_order({monomial: coefficient * other for monomial, coefficient in self.terms})
        collected: dict[Monomial, int] = {}
        right = _terms(other)
        for left_atoms, left in self.terms:
            for right_atoms, coefficient in right:
                if len(left_atoms) + len(right_atoms) > MAX_DEGREE:
                    raise DimTooLarge
                atoms = tuple(sorted(left_atoms + right_atoms, key=str))
                collected[atoms] = collected.get(atoms, 0) + left * coefficient
            if len(collected) > MAX_TERMS:
                raise DimTooLarge
        return _build(collected)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> "Dim":
        return floordiv(self, divisor)

    def __mod__(self, divisor: int) -> "Dim":
        return self - floordiv(self, divisor) * divisor


Dim = int | Expr


def symbol(name: str) -> Expr:
    """The dimension named `name`: some integer >= 1 that is bound at run time."""
    return Expr((((name,), 1),))


def floordiv(numerator: Dim, divisor: int) -> Dim:
    """`floor(numerator / divisor)` for a positive integer divisor, in canonical form."""
    if isinstance(numerator, int):
        return numerator // divisor
    if divisor == 1:
        return numerator
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in numerator.terms:
        quotient, remainder = divmod(coefficient, divisor)
        if quotient:
            whole[monomial] = quotient
        if remainder:
            rest[monomial] = remainder
    return _build(whole) + _floor(rest, divisor)


def ceildiv(numerator: Dim, divisor: int) -> Dim:
    """`ceil(numerator / divisor)` for a positive integer divisor."""
    return floordiv(numerator + (divisor - 1), divisor)


def _floor(rest: dict[Monomial, int], divisor: int) -> Dim:
    """`floor` of a remainder polynomial whose coefficients lie in `1 .. divisor - 1`."""
    constant = rest.pop((), 0)
    if not rest:
        return 0
    common = divisor
    for coefficient in rest.values():
        common = gcd(common, coefficient)
    if common > 1:
        # floor((g*x + b) / (g*n)) = floor((x + floor(b/g)) / n) for whole x.
        rest = {monomial: coefficient // common for monomial, coefficient in rest.items()}
        constant, divisor = constant // common, divisor // common
        if divisor == 1:
            return _build(rest) + constant
    if len(rest) == 1:
        (atoms, coefficient), *_ = rest.items()
        if coefficient == 1 and len(atoms) == 1 and isinstance(atoms[0], Floor):
            inner = atoms[0]
            return floordiv(inner.numerator + inner.divisor * constant, inner.divisor * divisor)
    if constant:
        rest[()] = constant
    numerator = _build(rest)
    if not isinstance(numerator, Expr):
        raise InternalError("the symbolic part of a numerator is a number")
    return Expr((((Floor(numerator, divisor),), 1),))


def exact_div(numerator: Dim, divisor: Dim) -> Dim | None:
    """The quotient when the division leaves no remainder for any value of the symbols, else None.

    A symbolic divisor must be a single product (`3*T`); that covers what reshapes need.
    """
    if isinstance(divisor, int):
        if divisor == 0:
            return None
        if isinstance(numerator, int):
            return numerator // divisor if numerator % divisor == 0 else None
        quotients = {m: c // divisor for m, c in numerator.terms if c % divisor == 0}
        return _build(quotients) if len(quotients) == len(numerator.terms) else None
    if numerator == divisor:
        return 1
    if len(divisor.terms) != 1:
        return None
    atoms, scale = divisor.terms[0]
    quotients: dict[Monomial, int] = {}
    for monomial, coefficient in _terms(numerator):
        remaining = list(monomial)
        for atom in atoms:
            if atom not in remaining:
                return None
            remaining.remove(atom)
        if coefficient % scale:
            return None
        quotients[tuple(remaining)] = coefficient // scale
    return _build(quotients)


def bounds(dim: Dim) -> tuple[int | None, int | None]:
    """A lower and an upper bound that hold for every value >= 1 of every symbol; None where there is none."""
    if isinstance(dim, int):
        return dim, dim
    low: int | None = 0
    high: int | None = 0
    for monomial, coefficient in dim.terms:
        term_low, term_high = _monomial_bounds(monomial)
        if coefficient < 0:
            term_low, term_high = term_high, term_low
        low = None if low is None or term_low is None else low + coefficient * term_low
        high = None if high is None or term_high is None else high + coefficient * term_high
    return low, high


def _monomial_bounds(monomial: Monomial) -> tuple[int | None, int | None]:
    low: int | None = 1
    for atom in monomial:
        atom_low = 1
        if isinstance(atom, Floor):
            inner = bounds(atom.numerator)[0]
            if inner is None or inner < 0:
                return None, None
            atom_low = inner // atom.divisor
        low *= atom_low
    return low, None if monomial else 1


def equal(left: Dim, right: Dim) -> bool | None:
    """Whether two dimensions are equal for every value of the symbols; None if that depends on the values."""
    difference = left - right
    if isinstance(difference, int):
        return difference == 0
    low, high = bounds(difference)
    if (low is not None and low > 0) or (high is not None and high < 0):
        return False
    return None


def at_least(left: Dim, right: Dim) -> bool | None:
    """Whether `left >= right` for every value of the symbols; None if that depends on the values."""
    if left == right:
        return True
    low, high = bounds(left - right)
    if low is not None and low >= 0:
        return True
    if high is not None and high < 0:
        return False
    return None


def symbols(dim: Dim) -> set[str]:
    """Names of the symbols a dimension depends on."""
    found: set[str] = set()
    pending = [dim]
    while pending:
        current = pending.pop()
        if isinstance(current, Expr):
            for monomial, _ in current.terms:
                for atom in monomial:
                    if isinstance(atom, str):
                        found.add(atom)
                    else:
                        pending.append(atom.numerator)
    return found


def substitute(dim: Dim, values: Mapping[str, Dim]) -> Dim:
    """The dimension with the given symbols replaced; an `int` if none is left."""
    if isinstance(dim, int):
        return dim
    found: list[Dim] = []
    for monomial, coefficient in dim.terms:
        product: Dim = coefficient
        for atom in monomial:
            if isinstance(atom, str):
                product = product * values.get(atom, symbol(atom))
            else:
                product = product * floordiv(substitute(atom.numerator, values), atom.divisor)
        found.append(product)
    return total_of(found)


def total_of(dims: Iterable[Dim]) -> Dim:
    """The sum of dimensions. Adding them one after the other would look through the sum so far again and again."""
    number = 0
    collected: dict[Monomial, int] = {}
    for dim in dims:
        if isinstance(dim, int):
            number += dim
        else:
            for monomial, coefficient in dim.terms:
                collected[monomial] = collected.get(monomial, 0) + coefficient
            if len(collected) > 2 * MAX_TERMS:  # some may cancel each other
                collected = {monomial: each for monomial, each in collected.items() if each}
                if len(collected) > MAX_TERMS:
                    raise DimTooLarge
    if not collected:
        return number
    collected[()] = collected.get((), 0) + number
    return _build(collected)


def terms_of(dim: Dim) -> int:
    """How long a dimension is: its terms, and what is written in its floors; 0 of a number."""
    if isinstance(dim, int):
        return 0
    length = len(dim.terms)
    for monomial, _ in dim.terms:
        for atom in monomial:
            if isinstance(atom, Floor):
                length += len(str(atom)) // 16
    return length


def evaluate(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The value of a dimension for some sizes of its symbols. Raises `ValueError` where one is missing or less than
    1."""
    needed = sorted(symbols(dim))
    missing = [name for name in needed if name not in sizes]
    if missing:
        raise ValueError(f"{dim} depends on {', '.join(needed)}, and no size is given for {', '.join(missing)}")
    for name in needed:
        require_whole(name, sizes[name])
        if sizes[name] < 1:
            raise ValueError(f"a size is at least 1, and {name} is {sizes[name]}")
    value = substitute(dim, sizes)
    if not isinstance(value, int):
        raise InternalError("a symbol was not replaced")
    return value


def require_whole(name: str, value: object) -> None:
    """Raise `TypeError` for a size, or for a value of a parameter, that is no int."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is a whole number, not {value!r}")


def product(dims: Iterable[Dim]) -> Dim:
    """The number of elements of a shape; 1 for a scalar's empty shape."""
    result: Dim = 1
    for dim in dims:
        result = result * dim
    return result


def _terms(dim: Dim) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(dim, int):
        return (((), dim),) if dim else ()
    return dim.terms


def _build(collected: dict[Monomial, int]) -> Dim:
    terms = [term for term in collected.items() if term[1]]
    if not terms:
        return 0
    if len(terms) == 1 and not terms[0][0]:
        return terms[0][1]
    if len(terms) > MAX_TERMS:
        raise DimTooLarge
    terms.sort(key=_order)
    return Expr(tuple(terms))


def _in_order(collected: dict[Monomial, int]) -> Dim:
    """The dimension that `_build` gives for terms that are in order already, which sorting would find out slowly."""
    terms = tuple([term for term in collected.items() if term[1]])
    if not terms:
        return 0
    return Expr(terms) if terms[0][0] else terms[0][1]


def _render(terms: tuple[tuple[Monomial, int], ...]) -> str:
    pieces: list[str] = []
    for monomial, coefficient in terms:
        factors = [str(abs(coefficient))] if abs(coefficient) != 1 or not monomial else []
        position = 0
        while position < len(monomial):
            atom = monomial[position]
            power = 1
            while position + power < len(monomial) and monomial[position + power] == atom:
                power += 1
            alone = len(terms) == 1 and len(monomial) == power == 1 and coefficient == 1
            text = str(atom) if isinstance(atom, str) or alone else f"({atom})"
            factors.append(text if power == 1 else f"{text}**{power}")
            position += power
        text = "*".join(factors)
        if pieces:
            pieces.append(f" - {text}" if coefficient < 0 else f" + {text}")
        else:
            pieces.append(f"-{text}" if coefficient < 0 else text)
    return "".join(pieces)
