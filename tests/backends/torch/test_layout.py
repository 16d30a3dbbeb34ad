"""The printer of syntax trees: what it writes parses to the tree it was given, whatever nests in whatever."""

import ast
import itertools
import random
from collections.abc import Callable, Iterator

import pytest

from archdsl.backends.torch.layout import WIDTH, flat, render
from archdsl.internal import InternalError

WRAPPERS: dict[str, Callable[[ast.expr, ast.expr, ast.expr], ast.expr]] = {
    "if body": lambda a, b, c: ast.IfExp(b, a, c),
    "if test": lambda a, b, c: ast.IfExp(a, b, c),
    "if else": lambda a, b, c: ast.IfExp(b, c, a),
    "or": lambda a, b, c: ast.BoolOp(ast.Or(), [b, a]),
    "and": lambda a, b, c: ast.BoolOp(ast.And(), [a, b]),
    "not": lambda a, b, c: ast.UnaryOp(ast.Not(), a),
    "minus": lambda a, b, c: ast.UnaryOp(ast.USub(), a),
    "compare left": lambda a, b, c: ast.Compare(a, [ast.Lt()], [b]),
    "compare right": lambda a, b, c: ast.Compare(b, [ast.NotEq()], [a]),
    **{
        f"{kind.__name__} {side}": lambda a, b, c, kind=kind, side=side: (
            ast.BinOp(a, kind(), b) if side == "left" else ast.BinOp(b, kind(), a)
        )
        for kind in (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.MatMult, ast.Pow)
        for side in ("left", "right")
    },
    "attribute": lambda a, b, c: ast.Attribute(a, "name", ast.Load()),
    "called": lambda a, b, c: ast.Call(a, [b], [ast.keyword("key", c)]),
    "argument": lambda a, b, c: ast.Call(b, [a, c], []),
    "keyword": lambda a, b, c: ast.Call(b, [c], [ast.keyword("key", a)]),
    "spread argument": lambda a, b, c: ast.Call(b, [ast.Starred(a, ast.Load()), c], []),
    "spread element": lambda a, b, c: ast.Tuple([ast.Starred(a, ast.Load()), b], ast.Load()),
    "indexed": lambda a, b, c: ast.Subscript(a, b, ast.Load()),
    "index": lambda a, b, c: ast.Subscript(b, a, ast.Load()),
    "one index of two": lambda a, b, c: ast.Subscript(b, ast.Tuple([a, c], ast.Load()), ast.Load()),
    "index of one": lambda a, b, c: ast.Subscript(b, ast.Tuple([a], ast.Load()), ast.Load()),
    "bound": lambda a, b, c: ast.Subscript(b, ast.Slice(a, c, None), ast.Load()),
    "step": lambda a, b, c: ast.Subscript(b, ast.Slice(None, c, a), ast.Load()),
    "element": lambda a, b, c: ast.List([a, b], ast.Load()),
    "single": lambda a, b, c: ast.Tuple([a], ast.Load()),
    "key": lambda a, b, c: ast.Dict([a], [b]),
    "value": lambda a, b, c: ast.Dict([b], [a]),
    "each": lambda a, b, c: ast.ListComp(a, [ast.comprehension(ast.Name("i", ast.Store()), b, [], 0)]),
    "iterated": lambda a, b, c: ast.ListComp(b, [ast.comprehension(ast.Name("i", ast.Store()), a, [], 0)]),
}
"""Every place that an expression can stand in."""


def leaves(width: int) -> Iterator[ast.expr]:
    """Fresh names and numbers of about that many characters."""
    for number in itertools.count():
        name = f"v{number}".ljust(width, "x")
        yield ast.Name(name, ast.Load()) if number % 3 else ast.Constant(number + 10 ** max(width - 1, 0))


def statements(expression: ast.expr) -> list[ast.stmt]:
    return [
        ast.Assign([ast.Name("x", ast.Store())], expression),
        ast.Expr(ast.Call(ast.Name("f", ast.Load()), [expression], [])),
        ast.For(ast.Name("i", ast.Store()), expression, [ast.Pass()], []),
        ast.Assign([ast.Tuple([ast.Name("x", ast.Store())], ast.Store())], expression),
        ast.If(expression, [ast.Pass()], []),
    ]


def check(expression: ast.expr) -> None:
    """Rendering raises where text and tree differ; the comparison here is one of its own."""
    module = ast.Module(statements(expression), [])
    assert ast.dump(ast.parse(render(module))) == ast.dump(module)
    assert ast.dump(ast.parse(flat(expression), mode="eval").body) == ast.dump(expression)


@pytest.mark.parametrize("width", [1, 14, 40], ids=["on one line", "broken", "broken everywhere"])
def test_every_expression_in_every_place_of_every_other_keeps_its_meaning(width: int) -> None:
    for outer, inner in itertools.product(WRAPPERS.values(), WRAPPERS.values()):
        leaf = leaves(width)
        check(outer(inner(next(leaf), next(leaf), next(leaf)), next(leaf), next(leaf)))


def test_deep_random_expressions_keep_their_meaning() -> None:
    chance = random.Random(0)
    for _ in range(600):
        leaf = leaves(chance.choice([1, 6, 20]))
        pool = [next(leaf) for _ in range(3)]
        for _ in range(chance.randint(3, 9)):
            made = WRAPPERS[chance.choice(list(WRAPPERS))](*(pool.pop(chance.randrange(len(pool))) for _ in range(3)))
            pool += [made, next(leaf), next(leaf)]
        check(pool[0] if len(pool) == 1 else ast.Tuple(pool, ast.Load()))


@pytest.mark.parametrize("width", [1, 14, 40])
def test_lines_break_where_they_can(width: int) -> None:
    """The check on breaking has something to check."""
    leaf = leaves(width)
    nested = ast.IfExp(ast.IfExp(next(leaf), next(leaf), next(leaf)), next(leaf), next(leaf))
    lines = render(ast.Module([ast.Assign([ast.Name("x", ast.Store())], nested)], [])).splitlines()
    assert (len(lines) > 1) == (width > 1) and max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize(
    "expression",
    [
        ast.Constant(-1),
        ast.Constant(float("inf")),
        ast.Lambda(ast.arguments([], [], None, [], [], None, []), ast.Constant(1)),
        ast.UnaryOp(ast.Invert(), ast.Constant(1)),
        ast.JoinedStr([ast.Constant("not a name")]),
    ],
    ids=lambda node: type(node).__name__,
)
def test_what_cannot_be_said_is_refused_and_not_written_differently(expression: ast.expr) -> None:
    with pytest.raises(InternalError):
        render(ast.Module([ast.Expr(expression)], []))
