"""Constructor parameters: what the numbers that differ between the specialisations of a block are called.

A *column* holds one value per specialisation. A constant column is a literal. A column that always equals a static
argument of the block is that argument's name; otherwise the simplest relation to a name that holds everywhere is
used (`4 * out`, `in_channels // 2`, `out + 32`, `c + k`); otherwise the column becomes a parameter of its own,
called what PyTorch calls the argument. Numbers can agree by chance, so a relation or a condition is made of what the
block's text holds: its names, and its numbers as they are written there. One with a free constant must be confirmed by
more values than it has constants, and be the only one of its kind."""

import ast
import re
from collections.abc import Callable, Container, Iterator, Sequence

from archdsl.backends.torch.names import identifier
from archdsl.backends.torch.records import NO_DEFAULT
from archdsl.backends.torch.tree import binary, literal, name
from archdsl.ir.program import Function
from archdsl.records import field, record


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
"""Stands in a column where a specialisation has no value (the branch that it does not take)."""

Column = tuple[object, ...]


@record
class Parameter:
    """One argument of a generated constructor. `default` is a literal that callers may leave out; `module` marks one
    that takes a submodule, whose values are functions; `flag` one that callers give by name, because its value says
    little."""

    name: str
    values: Column
    default: object = NO_DEFAULT
    module: bool = False
    flag: bool = False


@record
class _Use:
    defaults: list[object] = field(default_factory=list[object])


class Parameters:
    """The parameters of one class, found while its body is written. `reserved` are names that mean something else
    in the file."""

    def __init__(self, functions: Sequence[Function], reserved: Container[str] = ()) -> None:
        self._reserved = reserved
        self._names: dict[str, Column] = _candidates(functions, reserved) if len(functions) > 1 else {}
        self._text = _Text(functions)
        self._uses: dict[str, _Use] = {}
        self._modules: dict[str, Column] = {}

    @property
    def listed(self) -> list[Parameter]:
        """The parameters that are used, those with a default last."""
        modules = [Parameter(each, column, module=True) for each, column in self._modules.items()]
        numbers = [
            Parameter(each, values, self._default(each), flag=any(v is None or isinstance(v, bool) for v in values))
            for each, values in self._names.items()
            if each in self._uses
        ]
        plain = [each for each in numbers if each.default is NO_DEFAULT]
        return plain + modules + [each for each in numbers if each.default is not NO_DEFAULT]

    @property
    def taken(self) -> set[str]:
        """Names that are parameters, or may become some."""
        return {*self._names, *self._modules}

    def _default(self, parameter: str) -> object:
        """The default that every use of a parameter has, if some specialisation takes it."""
        defaults = self._uses[parameter].defaults
        first = defaults[0]
        same = all(type(each) is type(first) and each == first for each in defaults)
        return first if same and any(_same(first, value) for value in self._names[parameter]) else NO_DEFAULT

    def express(self, column: Column, role: str, default: object = NO_DEFAULT) -> ast.expr:
        """Code for a column of literals."""
        first = next(value for value in column if value is not ABSENT)
        if all(value is ABSENT or _same(value, first) for value in column):
            return literal(first)  # type: ignore[arg-type]
        exact = self._exact(column, role)
        if exact is None:
            related = self._related(column, role)
            if related is not None:
                return related
            exact = self._new(column, role)
        self._uses.setdefault(exact, _Use()).defaults.append(default)
        return name(exact)

    def module(self, column: Column, role: str) -> ast.expr:
        """A parameter that takes a submodule."""
        parameter = identifier(identifier(role, self._reserved), self.taken)
        self._modules[parameter] = column
        return name(parameter)

    def separates(self, chosen: Sequence[bool | None]) -> ast.expr | None:
        """A condition on the parameters that is true where `chosen` is True and false where it is False."""
        for test, names_read, holds in self._conditions():
            if self._text.holds(names_read, test) and all(
                want is None or holds(s) == want for s, want in enumerate(chosen)
            ):
                self._use(*names_read)
                return test
        return None

    # ------------------------------------------------------------------------------------------------- names

    def _ordered(self) -> list[str]:
        """Candidate names, those in use first."""
        return sorted(self._names, key=lambda each: each not in self._uses)

    def _exact(self, column: Column, role: str) -> str | None:
        matches = [each for each, values in self._names.items() if _covers(values, column)]
        if role in matches:
            return role
        return min(matches, key=lambda each: each not in self._uses, default=None)

    def _new(self, column: Column, role: str) -> str:
        parameter = identifier(identifier(role or "value", self._reserved), self.taken)
        fallback = next(value for value in column if value is not ABSENT)
        self._names[parameter] = tuple(fallback if value is ABSENT else value for value in column)
        return parameter

    def _use(self, *names_read: str) -> None:
        for each in names_read:
            self._uses.setdefault(each, _Use()).defaults.append(NO_DEFAULT)

    # --------------------------------------------------------------------------------------------- relations

    def _related(self, column: Column, role: str) -> ast.expr | None:
        points = [(s, value) for s, value in enumerate(column) if value is not ABSENT]
        if all(type(value) is int for _, value in points):
            for names_read, code in self._integer_relations(points):  # type: ignore[arg-type]
                if self._text.holds(names_read, code, role):
                    self._use(*names_read)
                    return code
        if all(type(value) is float for _, value in points):
            for each in self._ordered():
                values = self._names[each]
                if all(type(v) is int and v > 0 for v in values):
                    root = binary(name(each), "**", literal(-0.5))
                    if all(values[s] ** -0.5 == value for s, value in points):  # type: ignore[operator]
                        self._use(each)
                        return root
                    if all(-(values[s] ** -0.5) == value for s, value in points):  # type: ignore[operator]
                        self._use(each)
                        return ast.UnaryOp(ast.USub(), root)
        return None

    def _integer_relations(self, points: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
        """Relations that hold, the simplest first."""
        numbers = [each for each in self._ordered() if all(type(v) is int for v in self._names[each])]

        def at(each: str) -> list[int]:
            return [self._names[each][s] for s, _ in points]  # type: ignore[misc]

        wanted = [value for _, value in points]
        many = len(set(wanted)) > 2
        for each in numbers:
            factor = _factor(at(each), wanted)
            if factor is not None:
                yield (each,), binary(literal(factor), "*", name(each))
        for each in numbers:
            divisor = _factor(wanted, at(each)) or (2 if [v // 2 for v in at(each)] == wanted else None)
            if divisor is not None:
                yield (each,), binary(name(each), "//", literal(divisor))
        for left in numbers[:8]:
            for right in numbers[:8]:
                if left < right and [a + b for a, b in zip(at(left), at(right), strict=True)] == wanted:
                    yield (left, right), binary(name(left), "+", name(right))
                if left < right and [a * b for a, b in zip(at(left), at(right), strict=True)] == wanted:
                    yield (left, right), binary(name(left), "*", name(right))
                if left != right and [a - b for a, b in zip(at(left), at(right), strict=True)] == wanted:
                    yield (left, right), binary(name(left), "-", name(right))
        moved = [(each, {value - v for v, value in zip(at(each), wanted, strict=True)}) for each in numbers]
        yield from _only([((each,), _plus(name(each), min(by))) for each, by in moved if len(by) == 1])
        lines = [(each, _line(at(each), wanted)) for each in numbers if many]
        yield from _only(
            [((each,), _plus(binary(literal(line[0]), "*", name(each)), line[1])) for each, line in lines if line]
        )
        for left in numbers[:8] if many else ():
            for right in numbers[:8]:
                rest = [value - a for a, value in zip(at(left), wanted, strict=True)]
                factor = _factor(at(right), rest)
                if left != right and factor is not None and factor > 1:
                    yield (left, right), binary(name(left), "+", binary(literal(factor), "*", name(right)))

    def _conditions(self) -> Iterator[tuple[ast.expr, tuple[str, ...], Callable[[int], bool]]]:
        """Conditions that a person might write, the most telling first."""
        ordered = self._ordered()
        for each in ordered:
            values = self._names[each]
            if all(type(v) is bool for v in values):
                yield name(each), (each,), lambda s, v=values: bool(v[s])
                yield ast.UnaryOp(ast.Not(), name(each)), (each,), lambda s, v=values: not v[s]
        numbers = [each for each in ordered if all(type(v) is int for v in self._names[each])][:8]
        for left in numbers:
            for right in numbers:
                if left == right:
                    continue
                a, b = self._names[left], self._names[right]
                for factor in (1, 2, 4):
                    other = name(right) if factor == 1 else binary(literal(factor), "*", name(right))
                    yield (
                        binary(name(left), "!=", other),
                        (left, right),
                        lambda s, a=a, b=b, k=factor: a[s] != k * b[s],  # type: ignore[operator]
                    )
                    yield (
                        binary(name(left), "==", other),
                        (left, right),
                        lambda s, a=a, b=b, k=factor: a[s] == k * b[s],  # type: ignore[operator]
                    )
        for each in numbers:
            values = self._names[each]
            for bound in sorted(set(values)):  # type: ignore[type-var]
                yield binary(name(each), "!=", literal(bound)), (each,), lambda s, v=values, b=bound: v[s] != b  # type: ignore[arg-type]
                yield binary(name(each), "==", literal(bound)), (each,), lambda s, v=values, b=bound: v[s] == b  # type: ignore[arg-type]
            for bound in sorted(set(values))[1:]:  # type: ignore[type-var]
                yield binary(name(each), ">=", literal(bound)), (each,), lambda s, v=values, b=bound: v[s] >= b  # type: ignore[arg-type,operator]
                yield binary(name(each), "<", literal(bound)), (each,), lambda s, v=values, b=bound: v[s] < b  # type: ignore[arg-type,operator]


def _only(found: Sequence[tuple[tuple[str, ...], ast.expr]]) -> Sequence[tuple[tuple[str, ...], ast.expr]]:
    """A relation that is the only one of its kind; where two names explain the same numbers, neither is sure to."""
    return found if len(found) == 1 else ()


_IMPLIED = frozenset(("in_channels", "in_features"))
"""Names that the backend gives what a block's text need not name."""


class _Text:
    """What the author of a block wrote: its names, its numbers, and the numbers that its callers always give it."""

    def __init__(self, functions: Sequence[Function]) -> None:
        first = functions[0]
        span = getattr(first.origin, "span", first.span)
        self._text = re.sub(r"#[^\n]*", "", span.text)
        numbers = re.findall(r"(?<![\w.])\d[\d_]{0,18}(?![\w.])", self._text)
        self._numbers: set[object] = {int(each.replace("_", "")) for each in numbers}
        self._growth: set[int] = set()
        for argument, value in first.arguments.items():
            if type(value) is int and all(each.arguments.get(argument) == value for each in functions):
                self._numbers.add(value)
                self._growth.add(value)

    def holds(self, names_read: Sequence[str], code: ast.expr, role: str = "") -> bool:
        """Whether a relation or a condition is made of what is written here: its numbers are, and what is compared,
        added, multiplied or subtracted stands so in the text. `kernel // 2` as a padding is an operator's own rule."""
        numbers: set[object] = {node.value for node in ast.walk(code) if isinstance(node, ast.Constant)}
        if isinstance(code, ast.BinOp) and isinstance(code.op, ast.FloorDiv) and role == "padding":
            return True
        if not (numbers <= self._numbers or self._grows(code)):
            return False
        if isinstance(code, ast.Compare) and isinstance(bound := code.comparators[0], ast.Constant):
            return re.search(rf"\b{re.escape(names_read[0])}\s*[!=<>]=?\s*{bound.value}\b", self._text) is not None
        if len(names_read) < 2 or not _IMPLIED.isdisjoint(names_read):
            return not isinstance(code, ast.BinOp) or len(names_read) < 2 or isinstance(code.op, ast.Add)
        sign = "[-+*]" if isinstance(code, ast.BinOp) else "[!=<>]=?"
        left, right = (rf"(?:\d+\s*\*\s*)?\b{re.escape(each)}\b" for each in names_read)
        return re.search(rf"{left}\s*{sign}\s*{right}|{right}\s*{sign}\s*{left}", self._text) is not None

    def _grows(self, code: ast.expr) -> bool:
        """`c + 24` in a loop whose every round adds the 12 that a block is always given."""
        if not (isinstance(code, ast.BinOp) and isinstance(code.op, ast.Add) and isinstance(code.right, ast.Constant)):
            return False
        added = code.right.value
        known = (
            isinstance(code.left, ast.Name) and isinstance(added, int) and re.search(r"\b(for|repeat)\b", self._text)
        )
        return bool(known) and any(by > 1 and added % by == 0 for by in self._growth)  # type: ignore[operator]


def _candidates(functions: Sequence[Function], reserved: Container[str]) -> dict[str, Column]:
    """Names that may stand for numbers: the input's channels, then the static arguments, where they differ at all."""
    found: dict[str, Column] = {}
    first = functions[0]
    if first.inputs and all(f.inputs[0].type.rank == first.inputs[0].type.rank for f in functions):
        rank = first.inputs[0].type.rank
        if rank > 2:
            found["in_channels"] = tuple(f.inputs[0].type.dims[1] for f in functions)
        if rank in (2, 3):
            found["in_features"] = tuple(f.inputs[0].type.dims[-1] for f in functions)
    for position, argument in enumerate(first.arguments):
        column = tuple(f.arguments.get(argument) for f in functions)
        if any(value is None for value in column):
            continue
        same = [each for each, values in found.items() if values == column and each.startswith("in_")]
        if same and position >= (len(first.arguments) if first.declared is None else first.declared):
            # A dimension that the signature names keeps its name, and its place in front.
            found = {identifier(argument, reserved) if each == same[0] else each: v for each, v in found.items()}
        else:
            found[identifier(identifier(argument, reserved), found)] = column
        for each in same:
            found.pop(each, None)
    kept = (int, float, bool, str)
    return {
        each: column
        for each, column in found.items()
        if all(isinstance(value, kept) for value in column) and len({(type(v), v) for v in column}) > 1
    }


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def _covers(values: Column, column: Column) -> bool:
    return all(wanted is ABSENT or _same(value, wanted) for value, wanted in zip(values, column, strict=True))


def _factor(small: Sequence[int], large: Sequence[int]) -> int | None:
    """k >= 2 with large = k * small everywhere."""
    if not small or small[0] <= 0 or large[0] % small[0]:
        return None
    factor = large[0] // small[0]
    return factor if factor > 1 and [factor * v for v in small] == list(large) else None


def _line(xs: Sequence[int], ys: Sequence[int]) -> tuple[int, int] | None:
    """(a, b) with y = a * x + b everywhere, for a positive whole number a."""
    pairs = sorted(set(zip(xs, ys, strict=True)))
    if len({x for x, _ in pairs}) < 3 or len({x for x, _ in pairs}) != len(pairs):
        return None
    (x0, y0), (x1, y1) = pairs[0], pairs[1]
    slope, rest = divmod(y1 - y0, x1 - x0)
    if rest or slope < 1:
        return None
    offset = y0 - slope * x0
    return (slope, offset) if all(y == slope * x + offset for x, y in pairs) else None


def _plus(code: ast.expr, offset: int) -> ast.expr:
    if offset == 0:
        return code
    return binary(code, "+" if offset > 0 else "-", literal(abs(offset)))
