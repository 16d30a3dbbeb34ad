"""Short names for building Python syntax trees."""

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from archdsl.records import record
from archdsl.types.derivations import bare

Scalar = int | float | bool | str | None
"""What a literal may be."""

_Definition = TypeVar("_Definition", ast.FunctionDef, ast.ClassDef)

_OPERATORS: Mapping[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "@": ast.MatMult,
    "**": ast.Pow,
}
_COMPARISONS: Mapping[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


def name(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Load())


def target(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Store())


def attribute(owner: ast.expr, *names: str) -> ast.expr:
    for each in names:
        owner = ast.Attribute(owner, each, ast.Load())
    return owner


def dotted(text: str) -> ast.expr:
    """`nn.init.zeros_` as a tree."""
    first, *rest = text.split(".")
    return attribute(name(first), *rest)


def self_(*names: str) -> ast.expr:
    return attribute(name("self"), *names)


def literal(value: Scalar) -> ast.expr:
    """A constant; a negative number is a minus sign before one, and what has no literal is `float("inf")`."""
    value = bare(value)
    if isinstance(value, float) and not math.isfinite(value):
        return call(name("float"), [ast.Constant(str(value))])
    if isinstance(value, int | float) and not isinstance(value, bool) and math.copysign(1, value) < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def call(function: ast.expr, args: Iterable[ast.expr] = (), options: Iterable[tuple[str, ast.expr]] = ()) -> ast.Call:
    return ast.Call(function, list(args), [ast.keyword(key, value) for key, value in options])


def binary(left: ast.expr, operator: str, right: ast.expr) -> ast.expr:
    """An arithmetic operation or a comparison."""
    if operator in _COMPARISONS:
        return ast.Compare(left, [_COMPARISONS[operator]()], [right])
    return ast.BinOp(left, _OPERATORS[operator](), right)


def subscript(value: ast.expr, index: ast.expr) -> ast.Subscript:
    return ast.Subscript(value, index, ast.Load())


def sequence(items: Sequence[ast.expr], *, brackets: bool = False) -> ast.expr:
    return ast.List(list(items), ast.Load()) if brackets else ast.Tuple(list(items), ast.Load())


def comprehension(element: ast.expr, variable: ast.expr, iterable: ast.expr) -> ast.ListComp:
    return ast.ListComp(element, [ast.comprehension(variable, iterable, [], 0)])


def range_(count: ast.expr) -> ast.Call:
    return call(name("range"), [count])


def assign(place: ast.expr, value: ast.expr) -> ast.Assign:
    """`place = value`; `place` is built for loading and turned round here."""
    stored = ast.Attribute(place.value, place.attr, ast.Store()) if isinstance(place, ast.Attribute) else place
    return ast.Assign([stored], value)


@record
class Taken:
    """An argument of a method: its name (`*rest` takes all others), its type, its default."""

    name: str
    type: str
    default: ast.expr | None = None


def method(identifier: str, arguments: Iterable[Taken], body: list[ast.stmt], returns: str) -> ast.FunctionDef:
    """`def identifier(self, ...) -> returns`; arguments with a default come last, `*rest` after them."""
    listed = list(arguments)
    positional = [ast.arg(each.name, annotation(each.type)) for each in listed if each.name[0] != "*"]
    rest = next((ast.arg(each.name[1:], annotation(each.type)) for each in listed if each.name[0] == "*"), None)
    defaults = [each.default for each in listed if each.default is not None]
    given = ast.arguments([], [ast.arg("self"), *positional], rest, [], [], None, defaults)
    return _without_type_parameters(ast.FunctionDef(identifier, given, body, [], annotation(returns)))


def annotation(text: str) -> ast.expr:
    """A type that our own code spells."""
    return ast.parse(text, mode="eval").body


def class_(identifier: str, base: str, body: list[ast.stmt]) -> ast.ClassDef:
    return _without_type_parameters(ast.ClassDef(identifier, [dotted(base)], [], body, []))


def _without_type_parameters(node: _Definition) -> _Definition:
    """Python 3.12 added a field that a tree must have to equal a parsed one."""
    if "type_params" in node._fields:
        node.type_params = []  # type: ignore[attr-defined]
    return node
