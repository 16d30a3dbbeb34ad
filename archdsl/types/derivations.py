"""Numbers that remember the formula which made them.

A program that source is printed from is elaborated with numbers of this kind: `4 * width` is 256, and still knows that
it is four times the parameter `width`. A `TracedInt` is an `int` to everyone who does not ask: it compares, hashes and
prints as one, so no rule of an operator has to know of it. Arithmetic carries formulas along. What arithmetic does not
follow (a number that becomes a symbol's factor) loses them, and `max` in the rule of an operator keeps that of the
larger number: a formula is worked out again before it is printed, so it is right for all the numbers that there are.

A formula is over *atoms*: the parameters and signature dimensions of the block whose body is being elaborated, and the
sizes of its inputs (`axis`). Each atom names its block (`owner`), because a body in braces is written in one block and
runs in another."""

import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

MAX_SIZE = 40
"""Nodes of a formula; what is longer nobody reads, and a loop must not make it grow without end."""


class Derivation:
    """An immutable tree: `head` is an operator, a function, or one of `constant`, `name` and `axis`; `parts` are
    formulas, or for the last three what they stand for."""

    __slots__ = ("_hash", "head", "parts", "size")

    def __init__(self, head: str, *parts: Any) -> None:
        self.head = head
        self.parts: tuple[Any, ...] = parts
        size = 1
        for part in parts:
            if isinstance(part, Derivation):
                size += part.size
        self.size = size
        self._hash = hash((head, parts, *map(type, parts)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Derivation)
            and self._hash == other._hash
            and self.head == other.head
            and self.parts == other.parts
            and list(map(type, self.parts)) == list(map(type, other.parts))
        )

    def __hash__(self) -> int:
        return self._hash

    @property
    def is_atom(self) -> bool:
        """Whether this stands for a number of a block: a parameter, a dimension, a size of an input."""
        return self.head in ("name", "axis")

    @property
    def is_constant(self) -> bool:
        return self.head == "constant"

    def atoms(self) -> "set[Derivation]":
        """The atoms in a formula."""
        if self.is_atom:
            return {self}
        return {atom for part in self.parts if isinstance(part, Derivation) for atom in part.atoms()}

    def __repr__(self) -> str:
        return f"{self.head}({', '.join(map(repr, self.parts))})"


def constant(value: object) -> Derivation:
    return Derivation("constant", value)


class TracedInt(int):
    """An `int` with its formula."""

    formula: Derivation

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (bare(self),)  # a copy of a program forgets


class TracedBool(int):
    """A `bool` with its formula, for those who ask with `kind`: Python lets nobody derive from `bool`."""

    formula: Derivation

    def __repr__(self) -> str:
        return repr(bool(self))


class TracedFloat(float):
    """A `float` with its formula."""

    formula: Derivation

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (bare(self),)

    def __floor__(self) -> int:
        return traced(math.floor(bare(self)), Derivation("floor", self.formula))

    def __ceil__(self) -> int:
        return traced(math.ceil(bare(self)), Derivation("ceil", self.formula))


def bare(value: Any) -> Any:
    """A value without its formula."""
    if isinstance(value, TracedInt):
        return int(value)
    if isinstance(value, TracedBool):
        return bool(value)
    if isinstance(value, TracedFloat):
        return float(value)
    return value


def kind(value: object) -> type:
    """The type of a value, whether or not it remembers a formula."""
    return _KINDS.get(type(value), type(value))


_KINDS: dict[type, type] = {TracedInt: int, TracedFloat: float, TracedBool: bool}


def formula_of(value: Any) -> Derivation | None:
    """The formula of a value: its own, or the constant that a plain scalar is."""
    if isinstance(value, (TracedInt, TracedFloat, TracedBool)):
        return value.formula
    return constant(value) if value is None or isinstance(value, (bool, int, float, str)) else None


def traced(value: Any, formula: Derivation | None, *, bools: bool = False) -> Any:
    """A number that remembers a formula, unless that is a constant, is not known or is too long to read; a bool too,
    if its reader knows of `TracedBool`."""
    value = bare(value)
    if formula is None or formula.is_constant or formula.size > MAX_SIZE:
        return value
    if not isinstance(value, (int, float)) or (isinstance(value, bool) and not bools):
        return value
    made: Any = (TracedBool if isinstance(value, bool) else TracedInt if isinstance(value, int) else TracedFloat)(value)
    made.formula = formula
    return made


# ---------------------------------------------------------------------------------------------------------- evaluation


class Undecided(Exception):
    """A formula holds an atom that has no value, or an operation that has none for these values."""


def _exact(left: Any, right: Any) -> Any:
    """The language's `/`: of ints it must come out even."""
    if isinstance(left, int) and isinstance(right, int):
        quotient, rest = divmod(left, right)
        if rest:
            raise Undecided
        return quotient
    return left / right


def half_away(value: Any) -> int:
    """The language's `round` as generated code writes it. Where the language comes to another number (just below a
    half), a formula that holds it is not what its number is, and is not printed."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _exact,
    "//": lambda left, right: left // right,
    "%": operator.mod,
    "**": lambda left, right: left**right,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "index": lambda items, index: items[index],
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": half_away,
    "sqrt": math.sqrt,
    "log2": math.log2,
    "len": len,
    "sum": sum,
    "negative": operator.neg,
    "not": operator.not_,
}


def value_of(formula: Derivation, atoms: Mapping[Derivation, Any]) -> Any:
    """The value of a formula. Raises `Undecided` where an atom has no value or an operation fails. Only the arm that
    a condition chooses is looked at. As deep as formulas are, which `MAX_SIZE` bounds."""
    head, parts = formula.head, formula.parts
    if head == "constant":
        return parts[0]
    if formula.is_atom:
        if formula not in atoms:
            raise Undecided
        return atoms[formula]
    if head == "if":
        return value_of(parts[1] if value_of(parts[0], atoms) else parts[2], atoms)
    if head in ("and", "or"):
        return (
            any(value_of(part, atoms) for part in parts)
            if head == "or"
            else all(value_of(part, atoms) for part in parts)
        )
    values = [value_of(part, atoms) for part in parts]
    if head == "list":
        return tuple(values)
    try:
        return _ARITHMETIC[head](*values) if head in _ARITHMETIC else FUNCTIONS[head](*values)
    except (ArithmeticError, TypeError, ValueError, IndexError) as error:
        raise Undecided from error


def localised(formula: Derivation, owner: int) -> Derivation | None:
    """A formula with the atoms of one block freed of their owner; None if it holds others."""
    atoms = formula.atoms()
    if any(atom.parts[-1] != owner for atom in atoms):
        return None
    return substituted(formula, {atom: Derivation(atom.head, *atom.parts[:-1], 0) for atom in atoms})


def substituted(
    formula: Derivation, atoms: Mapping[Derivation, Derivation | None], *, strict: bool = False
) -> Derivation | None:
    """A formula with atoms replaced; None where one of them is not known (one that is not in `atoms` stays, or is not
    known either if that is `strict`), or where the result is too long."""
    if formula.is_atom:
        return atoms.get(formula, None if strict else formula)
    if formula.is_constant:
        return formula
    parts = [substituted(part, atoms, strict=strict) for part in formula.parts]
    if any(part is None for part in parts):
        return None
    made = combined(formula.head, *parts)  # type: ignore[arg-type]
    return made if made.size <= MAX_SIZE else None


# ------------------------------------------------------------------------------------------------------------ sums


_Terms = dict[tuple[Derivation, ...], tuple[tuple[Derivation, ...], int]]
"""A polynomial: by its factors in one fixed order, each term's factors as written and its whole coefficient."""


_NEUTRAL = {"+": 0, "-": 0, "*": 1, "//": 1, "**": 1}
"""The number that changes nothing on the right of an operator."""


def spelled(formula: Derivation, atoms: Mapping[Derivation, Derivation]) -> Derivation:
    """A formula with atoms replaced and nothing worked out: `0.02 / sqrt(2 * 12)`."""
    if formula.is_atom or formula.is_constant:
        return atoms.get(formula, formula)
    return Derivation(formula.head, *(spelled(part, atoms) for part in formula.parts))


def combined(head: str, *parts: Derivation) -> Derivation:
    """A formula of parts; one of constants alone is a constant, and a choice that is made is its arm."""
    if head == "if" and parts[0].is_constant:
        return parts[1] if parts[0].parts[0] else parts[2]
    if head in ("and", "or"):
        stop = head == "or"
        if any(part.is_constant and bool(part.parts[0]) == stop for part in parts):
            return constant(stop)
        parts = tuple(part for part in parts if not part.is_constant)
        if len(parts) < 2:
            return parts[0] if parts else constant(not stop)
    if head in ("floor", "ceil", "round") and parts[0].head == "*" and constant(1.0) in parts[0].parts:
        parts = (next(part for part in parts[0].parts if part != constant(1.0)),)
    if head in _NEUTRAL and len(parts) == 2 and parts[-1] == constant(_NEUTRAL[head]):
        return parts[0]
    if head in ("+", "*") and parts[0] == constant(_NEUTRAL[head]):
        return parts[-1]
    if all(part.is_constant for part in parts) and head not in ("list", "index"):
        try:
            return constant(value_of(Derivation(head, *parts), {}))
        except Undecided:
            pass
    return Derivation(head, *parts)


def collected(formula: Derivation) -> Derivation:
    """A sum or product with like terms together: `c + k + k` is `c + 2 * k`. Other formulas are terms of it."""
    terms = _terms(formula)
    return formula if len(terms) > MAX_SIZE else _shown(terms)


def _shown(terms: _Terms) -> Derivation:
    """A polynomial as a formula: what is added first, the number last."""
    found: Derivation | None = None
    for factors, count in sorted(terms.values(), key=lambda term: (term[1] < 0, not term[0])):
        term = _product(factors, abs(count))
        if found is None:
            found = term if count > 0 else combined("negative", term)
        else:
            found = Derivation("+" if count > 0 else "-", found, term)
    return constant(0) if found is None else found


def _product(factors: tuple[Derivation, ...], count: int) -> Derivation:
    found = constant(count) if count != 1 or not factors else None
    for factor in factors:
        found = factor if found is None else Derivation("*", found, factor)
    assert found is not None
    return found


def _terms(formula: Derivation) -> _Terms:
    """A formula as a polynomial."""
    head, parts = formula.head, formula.parts
    if head == "constant" and type(parts[0]) is int:
        return {(): ((), parts[0])} if parts[0] else {}
    if head in ("+", "-"):
        return _added(_terms(parts[0]), _terms(parts[1]), 1 if head == "+" else -1)
    if head == "negative":
        return _added({}, _terms(parts[0]), -1)
    if head == "*":
        left, right = _terms(parts[0]), _terms(parts[1])
        if len(left) * len(right) <= MAX_SIZE:
            product: _Terms = {}
            for one, count in left.values():
                by = [((*one, *other), count * each) for other, each in right.values()]
                product = _added(product, {tuple(sorted(shown, key=repr)): (shown, each) for shown, each in by}, 1)
            return product
    return {(formula,): ((formula,), 1)}


def _added(left: _Terms, right: _Terms, sign: int) -> _Terms:
    total = dict(left)
    for key, (factors, count) in right.items():
        shown, known = total.get(key, (factors, 0))
        total[key] = (shown, known + sign * count)
    return {key: term for key, term in total.items() if term[1]}


def equal_formulas(left: Derivation, right: Derivation) -> bool:
    """Whether two formulas are the same sum."""
    return left == right or not _added(_terms(left), _terms(right), -1)


# -------------------------------------------------------------------------------------------------------- arithmetic


def _operate(symbol: str, left: Any, right: Any) -> Any:
    value = _ARITHMETIC[symbol](bare(left), bare(right)) if symbol != "/" else bare(left) / bare(right)
    first, second = formula_of(left), formula_of(right)
    if first is None or second is None or first.size + second.size > 2 * MAX_SIZE:
        return value
    return traced(value, _shortened(symbol, first, second, isinstance(value, int)))


@lru_cache(maxsize=4096)
def _shortened(symbol: str, left: Derivation, right: Derivation, whole: bool) -> Derivation:
    if whole and symbol in ("+", "-", "*"):
        return collected(Derivation(symbol, left, right))
    if symbol == "//" and right.is_constant and type(by := right.parts[0]) is int and by > 0:
        terms = _terms(left)
        if all(count % by == 0 for _, count in terms.values()):
            return _shown({key: (factors, count // by) for key, (factors, count) in terms.items()})
    return combined(symbol, left, right)


def _method(symbol: str, turned: bool) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Any) -> Any:
        if isinstance(other, bool) or not isinstance(other, (int, float)):
            return NotImplemented
        return _operate(symbol, other, self) if turned else _operate(symbol, self, other)

    return operate


_METHODS = {"+": "add", "-": "sub", "*": "mul", "//": "floordiv", "%": "mod", "**": "pow", "/": "truediv"}


def _negated(self: Any) -> Any:
    return traced(-bare(self), collected(Derivation("negative", self.formula)))


for _class in (TracedInt, TracedFloat):
    for _symbol, _name in _METHODS.items():
        setattr(_class, f"__{_name}__", _method(_symbol, turned=False))
        setattr(_class, f"__r{_name}__", _method(_symbol, turned=True))
    setattr(_class, "__neg__", _negated)  # noqa: B010
