"""Calls of constructors: submodules of PyTorch with their numbers filled in, and the classes of other blocks."""

import ast
from collections.abc import Iterable, Sequence

from archdsl.backends.torch.expressions import Expressions, Scope
from archdsl.backends.torch.klass import IDENTITY, Klass, NeedsSplit, Registry, Target
from archdsl.backends.torch.lists import Row
from archdsl.backends.torch.parameters import ABSENT, Column, Parameters
from archdsl.backends.torch.records import NO_DEFAULT, Built, Code, Leaf, Submodule
from archdsl.backends.torch.tree import call, dotted, name
from archdsl.internal import InternalError
from archdsl.ir.program import Function, Value
from archdsl.types.derivations import Derivation, kind, localised, substituted

INJECTION_DEPTH = 3
"""Constructor calls inside one another, at most, that hand submodules to submodules."""


class Calls:
    """Writes constructor calls for one class; `parameters` grows as numbers are expressed."""

    def __init__(self, registry: Registry, parameters: Parameters) -> None:
        self.registry = registry
        self.parameters = parameters
        self.injectable = False
        """Whether a submodule may become a parameter: not in a list, where it would be one module several times."""
        self.depth = 0
        """How deep this class hands submodules to submodules."""

    def row(self, rows: Sequence[Row], role: str) -> ast.expr:
        """Code for what rows of all specialisations hold."""
        template = rows[0]
        columns: list[Column] = list(zip(*(row.values for row in rows), strict=True))
        if isinstance(template.code, Built):
            return self.construct(columns[0], role)
        return self.filled(template.code, iter([(column, None) for column in columns]))

    def construct(self, column: Column, role: str) -> ast.expr:
        """Code that builds the submodule running a column's function, in every specialisation."""
        targets = [None if value is ABSENT else self.registry.target(value) for value in column]
        distinct = list(dict.fromkeys(each for each in targets if each is not None))
        if len(distinct) == 1:
            return self._construct_one(distinct[0], column)
        if len(distinct) == 2:
            body, other = (distinct[1], distinct[0]) if distinct[0] is IDENTITY else distinct
            chosen = [None if each is None else each is body for each in targets]
            test = self.parameters.condition(chosen, [_condition(value, column) for value in column])
            if test is not None:
                ways = [
                    self._construct_one(
                        way, tuple(v if t is way else ABSENT for t, v in zip(targets, column, strict=True))
                    )
                    for way in (body, other)
                ]
                return ast.IfExp(test, ways[0], ways[1])
        depth = 1 + max(each.depth for each in distinct if isinstance(each, Klass))
        bodies = all(isinstance(value, Submodule) and not value.function.arguments for value in column)
        if not self.injectable or not bodies or depth > INJECTION_DEPTH:
            raise NeedsSplit([id(each) for each in targets])
        self.depth = max(self.depth, depth)
        return self.parameters.module(column, role)

    def _construct_one(self, way: Target, column: Column) -> ast.expr:
        if not isinstance(way, Klass):
            return call(dotted("nn.Identity"))
        rows = [None if value is ABSENT else way.arguments(value) for value in column]
        self.depth = max(self.depth, way.depth)
        columns: list[Column] = [
            tuple(ABSENT if row is None else row[j] for row in rows) for j in range(len(way.parameters))
        ]
        return self.of_class(way, [(column, None) for column in columns])

    def of_class(self, klass: Klass, arguments: Sequence[tuple[Column, ast.expr | None]]) -> ast.expr:
        """`Klass(a, b, stride=2)`: numbers that have a default, flags and submodules are given by name."""
        args: list[ast.expr] = []
        options: list[tuple[str, ast.expr]] = []
        for parameter, (column, code) in zip(klass.parameters, arguments, strict=True):
            if code is None and not parameter.module and _always(column, parameter.default):
                continue
            if code is None and parameter.module:
                code = self.construct(column, parameter.name)
            elif code is None:
                code = self.parameters.express(column, parameter.name, parameter.default)
            if options or parameter.module or parameter.default is not NO_DEFAULT or parameter.flag:
                options.append((parameter.name, code))
            else:
                args.append(code)
        return call(name(klass.name), args, options)

    def filled(self, code: Code, arguments: "Iterable[tuple[Column, ast.expr | None]]") -> ast.expr:
        """A construction with its leaves filled in, in the order of `signature`."""
        pending = iter(arguments)

        def leaf(each: Leaf, optional: bool) -> ast.expr | None:
            column, given = next(pending)
            return given or self.literal(column, each, optional=optional)

        def value(_: Value) -> ast.expr:
            raise InternalError("a constructor reads no tensor")

        return Expressions({}, leaf).write(code, value, Scope())

    def literal(self, column: Column, leaf: Leaf, *, optional: bool) -> ast.expr | None:
        """Code for a literal; None for an option that is always what it is when left out."""
        if optional and _always(column, leaf.default):
            return None
        return self.parameters.express(column, leaf.role, leaf.default)


def _condition(value: object, column: Column) -> Derivation | None:
    """The caller's formula of the condition under which any of the functions of a column does something."""
    inside = [_common_condition(each.function) for each in column if isinstance(each, Submodule)]
    known = {each for each in inside if each is not None}
    if not isinstance(value, Submodule) or len(known) != 1:
        return None
    return substituted(known.pop(), value.given, strict=True)


def _common_condition(function: Function) -> Derivation | None:
    """The condition that all nodes of a function exist under, over what its block knows by name."""
    found = {node.condition for node in function.nodes}
    condition = found.pop() if len(found) == 1 else None
    return None if condition is None else localised(condition, id(function.origin))


def _always(column: Column, default: object) -> bool:
    return default is not NO_DEFAULT and all(
        value is ABSENT or (kind(value) is kind(default) and value == default) for value in column
    )
