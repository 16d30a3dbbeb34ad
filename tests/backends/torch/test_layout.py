"""The printer of syntax trees: what it writes parses to the tree it was given, whatever nests in whatever."""

import ast
import itertools
import random
import subprocess
import sys
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


STATEMENTS = (
    "x = f({a}, {b})", "x = f({a}, k={b})", "x = {a}({b}, f({a}))", "x = f({a})", "f({a}, {b})", "x = a[{a}, {b}]",
    "x = a[{a}]", "x = [{a}, {b}]", "x = {a}, {b}", "x = [{a}]", "x = ({a},)", "x = {{{a}: {b}, c: d}}",
    "x = {{{a}: {b}}}", "x = [{a} for i in {b}]", "x = [f({a}) for i in {b} for j in c]", "x = {a} if {b} else c",
    "x = {a} + {b}", "x = {a} * b + {b} * c", "x = f({a} + {b})", "x = f({a} if {b} else c)",
    "x = f({a} if {b} else c, d)", "x = f(*{a}, {b})", "x = f([{a}, {b}], c)", "x = g(f({a}, {b}), c)", "x = not {a}",
    "for i in f({a}, {b}):\n    pass", "for i, j in zip({a}, {b}):\n    pass", "def f({a}, {b}):\n    pass",
    "def f(self, {a}, k={b}):\n    pass", "def f(self, {a}, *{b}):\n    pass", "x = -{a} + {b}",
    "class A(B):\n    def f(self):\n        x = f({a}, {b})\n        return {a}, {b}", "x = f({a}, k=g({b}, d))",
    "def f(x):\n    x = {a} + {b}\n    return f(x, {a}, {b})", "x = f(a, k=[{a}, {b}])", "x = f(a, k={a} + {b})",
    "x = f(a, k={a} if {b} else c)", "x = (*{a}, {b})", "x = [*{a}, {b}]", "x = {{a: f({a}, {b}), c: d}}",
    "x = a if f({a}, {b}) else c", "x = f(({a}, {b}))", "x = f(({a}, {b}), c)", "x = {a} ** {b}", "x = {a}**2 * {b}",
)  # fmt: skip


def lengths(statement: str) -> Iterator[str]:
    """The statement with names of lengths that make its first line, and what brackets hold, just fit or just not."""
    bare = len(statement.format(a="", b="").partition("\n")[0])
    for length in (*range(76, 95), 130, *range(164, 174)):
        for part in (0.5, 0.2, 0.8):
            first = max(int((length - bare) * part), 1)
            yield statement.format(a="a" * first, b="b" * max(length - bare - first, 1))


def test_statements_of_every_length_are_laid_out_as_ruff_lays_them_out() -> None:
    """Ruff is given the text on one line each, so that it chooses by itself."""
    texts = [text for statement in STATEMENTS for text in lengths(statement)]
    mark = "\n\n\nSEPARATOR\n\n\n"
    options = ["--isolated", "--config", "format.skip-magic-trailing-comma=true", "--stdin-filename", "x.py", "-"]
    command = [sys.executable, "-m", "ruff", "format", *options]
    theirs = subprocess.run(command, input=mark.join(texts), capture_output=True, text=True, check=True).stdout
    for text, their in zip(texts, theirs.split("SEPARATOR"), strict=True):
        assert render(ast.parse(text)).strip("\n") == their.strip("\n"), text


def test_the_printer_takes_a_name_or_a_number_to_a_power_without_spaces_and_anything_else_with() -> None:
    for text in (
        "a**2",
        "a.b.c**-x",
        "-a**2",
        "2**a",
        "f(x) ** 2",
        "a ** f(x)",
        "a[0] ** 2",
        '"s" ** a',
        "(a + b) ** 2",
    ):
        assert flat(ast.parse(text, mode="eval").body) == text
