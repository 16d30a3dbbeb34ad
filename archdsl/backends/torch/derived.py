"""Formulas as Python expressions."""

import ast
from collections.abc import Mapping, Sequence

from archdsl.backends.torch.tree import attribute, binary, call, literal, name
from archdsl.types.derivations import Derivation, Undecided, kind, value_of

_MATH = ("floor", "ceil", "sqrt", "log2")


def formula_code(
    formula: Derivation, names: Mapping[Derivation, str], environments: Sequence[Mapping[Derivation, object]]
) -> ast.expr | None:
    """The code of a formula whose atoms have `names`; None where Python says it otherwise. `environments` are the
    values of the atoms: whether `/` is of whole numbers is seen there. As deep as formulas are."""

    def values(each: Derivation) -> list[object]:
        found: list[object] = []
        for atoms in environments:
            try:
                found.append(value_of(each, atoms))
            except Undecided:
                continue
        return found

    def whole(each: Derivation) -> bool:
        found = values(each)
        return bool(found) and all(kind(value) is int for value in found)

    def code(each: Derivation) -> ast.expr | None:
        head = each.head
        if each.is_constant:
            return literal(each.parts[0])
        if each.is_atom:
            return name(names[each]) if each in names else None
        if head in _MATH or head == "round":
            if head in ("floor", "ceil", "round") and whole(each.parts[0]):
                return code(each.parts[0])
            if head == "round" and not all(isinstance(value, float) and value >= 0 for value in values(each.parts[0])):
                return None
        written: list[ast.expr] = []
        for part in each.parts:
            inner = code(part)
            if inner is None:
                return None
            written.append(inner)
        if head == "if":
            return ast.IfExp(written[0], written[1], written[2])
        if head in ("and", "or"):
            return ast.BoolOp(ast.And() if head == "and" else ast.Or(), written)
        if head == "not":
            return ast.UnaryOp(ast.Not(), written[0])
        if head == "negative":
            return ast.UnaryOp(ast.USub(), written[0])
        if head in ("min", "max"):
            return call(name(head), written)
        if head == "round":
            return call(attribute(name("math"), "floor"), [binary(written[0], "+", literal(0.5))])
        if head in _MATH:
            return call(attribute(name("math"), head), written)
        if head in ("index", "list", "len", "sum"):
            return None
        if head == "/" and all(map(whole, each.parts)):
            head = "//"
        return binary(written[0], head, written[1])

    return code(formula)
