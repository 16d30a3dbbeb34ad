"""How a submodule or parameter is stored and reached under its path segment."""

import ast

from archdsl.backends.torch.lists import Listing
from archdsl.backends.torch.names import is_attribute
from archdsl.backends.torch.tree import assign, binary, call, dotted, literal, name, self_, subscript


def item_of(each: Listing, index: int) -> ast.expr:
    """One item of a list: `self.conv[2]`, or `self.layer3` in a family."""
    if each.family is not None:
        return access(f"{each.name}{each.family + index}")
    return subscript(access(each.name), literal(index))


def store(segment: str, built: ast.expr) -> ast.stmt:
    """`self.conv = ...`, or `self.add_module("3a", ...)` for a segment that is no identifier."""
    if is_attribute(segment):
        return assign(self_(segment), built)
    parameter = isinstance(built, ast.Call) and ast.dump(built.func) == ast.dump(dotted("nn.Parameter"))
    method = "register_parameter" if parameter else "add_module"
    return ast.Expr(call(self_(method), [literal(segment), built]))


def numbered(prefix: str, index: ast.expr, offset: int) -> ast.JoinedStr:
    """`f"layer{i + 1}"`."""
    number = binary(index, "+", literal(offset)) if offset else index
    return ast.JoinedStr([ast.Constant(prefix), ast.FormattedValue(number, -1)])


def access(segment: str) -> ast.expr:
    """`self.conv`, or `getattr(self, "3a")` for a segment that is no identifier."""
    if is_attribute(segment):
        return self_(segment)
    return call(name("getattr"), [name("self"), literal(segment)])
