"""Elaboration that remembers what numbers are made of: `types.derivations` filled in from the syntax.

Source is printed from a program that was elaborated by this evaluator; counting uses the plain one. Formulas of what an
author wrote are translated from the syntax, so that they read as written and hold the arm that was not taken. At the
entry of a block everything is renamed: inside, a number is the parameter `width`, whatever the caller made it of, and
the call keeps the caller's formula (`Call.given`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.values import BlockDef, Closure, Given, OperatorRef, Scope, Static, is_list, length
from archdsl.ir.program import Call, Value
from archdsl.records import record
from archdsl.syntax import ast
from archdsl.types.derivations import (
    FUNCTIONS,
    MAX_SIZE,
    Derivation,
    TracedFloat,
    TracedInt,
    bare,
    collected,
    combined,
    constant,
    formula_of,
    substituted,
    traced,
)
from archdsl.types.tensor import TensorType


@record
class Remembered(Static):
    """A static value bound to a name, with the formula that a bool or a list cannot hold itself."""

    formula: Derivation | None = None


class Remembering(Evaluator):
    """An evaluator whose numbers are traced."""

    def __init__(self, report: Reporter, resolve_callable: Callable[[str], OperatorRef | BlockDef | None]) -> None:
        super().__init__(report, resolve_callable)
        self._open = 0

    def evaluate(self, expr: ast.Expr, scope: Scope) -> Any:
        """The value of an expression; a number gets the formula of the whole expression."""
        self._open += 1
        try:
            value = super().evaluate(expr, scope)
        finally:
            self._open -= 1
        chooses = isinstance(expr, (ast.CallExpr, ast.Conditional, ast.Match))
        if (self._open and not chooses) or isinstance(value, bool) or not isinstance(value, (int, float)):
            return value  # inside another expression arithmetic carries formulas along
        formula = _translated(expr, scope)
        if formula is None and chooses:
            return bare(value)  # one arm's formula would be taken for all of them
        return value if formula is None else traced(value, formula)

    def formula(self, expr: ast.Expr | None, scope: Scope) -> Derivation | None:
        return None if expr is None else _translated(expr, scope)

    def bound(self, value: Any, formula: Derivation | None) -> Static:
        return (
            Static(value)
            if formula is None or isinstance(value, (TracedInt, TracedFloat))
            else Remembered(value, formula)
        )

    def under(self, outer: Derivation | None, tested: Sequence[tuple[Derivation | None, bool]]) -> Derivation | None:
        """The condition of an arm: those before it failed, and its own holds."""
        parts = [] if outer is None else [outer]
        for formula, holds in tested:
            if formula is None:
                return constant(None)  # a condition there is, and nobody knows it
            parts.append(formula if holds else _denied(formula))
        return parts[0] if len(parts) == 1 else combined("and", *parts)

    def numbered(self, label: ast.String, scope: Scope) -> tuple[str, int] | None:
        *before, last = label.parts or [""]
        if isinstance(last, str) or not all(isinstance(part, str) for part in before):
            return None
        number = self.evaluate(last, scope)
        is_number = isinstance(number, int) and not isinstance(number, bool)
        return ("".join(map(str, before)), bare(number)) if is_number and number >= 0 else None

    def times(self, expr: ast.Expr, items: "tuple[Any, ...] | range", scope: Scope) -> int:
        formula = None
        if isinstance(expr, ast.Range):
            ends = _all([expr.stop, expr.start], scope)
            formula = None if ends is None else collected(Derivation("-", *ends))
        return traced(length(items), formula)

    # ------------------------------------------------------------------------------------------------ boundaries

    def given(self, scope: Scope) -> dict[str, Derivation] | None:
        found: dict[str, Derivation] = {}
        for name, bound in scope.names.items():
            if isinstance(bound, Static):
                formula = _formula_of(bound)
                if formula is not None:
                    found[name] = formula
        return found

    def written(self, given: Mapping[str, Given]) -> Mapping[str, Derivation]:
        return {name: each.formula for name, each in given.items() if each.formula is not None}

    def enter(self, scope: Scope, inputs: Sequence[Value], origin: "ast.Block | ast.Model | Closure") -> None:
        owner = id(origin.body if isinstance(origin, Closure) else origin)
        names: dict[tuple[int, int], Derivation] = {}
        if not isinstance(origin, Closure):
            for name, bound in scope.names.items():
                if isinstance(bound, Static):
                    formula = Derivation("name", name, owner)
                    scope.names[name] = Remembered(_renamed(bound.value, formula), formula)
            if isinstance(origin, ast.Block) and origin.signature is not None:
                names = _signature_names(origin.signature, inputs, owner)
        for position, value in enumerate(inputs):
            rank = value.type.rank
            dims = [
                traced(dim, names.get((position, axis)) or _channels(position, axis, rank, owner))
                for axis, dim in enumerate(value.type.dims)
            ]
            value.type = TensorType(tuple(dims), value.type.dtype)

    def leave(self, node: Call, given: Mapping[str, Derivation] | None, origin: "ast.Block | Closure") -> None:
        owner = id(origin if isinstance(origin, ast.Block) else origin.body)
        atoms: dict[Derivation, Derivation | None] = {}
        for position, value in enumerate(node.inputs):
            for axis, dim in enumerate(value.type.dims):
                if axis in (1, value.type.rank - 1):
                    atoms[Derivation("axis", position, axis, owner)] = formula_of(dim) if isinstance(dim, int) else None
        for name, formula in (given or {}).items():
            atoms[Derivation("name", name, owner)] = formula
        known = ((atom, formula) for atom, formula in atoms.items() if formula is not None)
        node.given = {Derivation(atom.head, *atom.parts[:-1], 0): formula for atom, formula in known}
        for value in node.outputs:
            dims = [
                traced(dim, _outside(dim.formula, atoms, owner)) if isinstance(dim, TracedInt) else dim
                for dim in value.type.dims
            ]
            value.type = TensorType(tuple(dims), value.type.dtype)


def _channels(position: int, axis: int, rank: int, owner: int) -> Derivation | None:
    """What the channels or features of an input are called; its other sizes are numbers like those in the text."""
    return Derivation("axis", position, axis, owner) if axis == 1 or (axis == rank - 1 and rank < 4) else None


def _outside(formula: Derivation, atoms: Mapping[Derivation, Derivation | None], owner: int) -> Derivation | None:
    """What a callee's formula is to its caller; None where the caller does not know a part of it."""
    if any(atom.parts[-1] == owner and atom not in atoms for atom in formula.atoms()):
        return None
    found = substituted(formula, atoms)
    return None if found is None else collected(found)


def _renamed(value: Any, formula: Derivation) -> Any:
    """A parameter's value as its own block knows it; the items of a list are its items."""
    if is_list(value):
        return tuple(traced(item, Derivation("index", formula, constant(k))) for k, item in enumerate(value))
    return traced(value, formula)


def _formula_of(bound: Static) -> Derivation | None:
    if isinstance(bound, Remembered) and bound.formula is not None:
        return bound.formula
    value = bound.value
    if not is_list(value):
        return formula_of(value)
    items = [formula_of(item) for item in value[: MAX_SIZE + 1]]
    known = [item for item in items if item is not None]
    return Derivation("list", *known) if len(known) == len(value) else None


def _signature_names(
    signature: ast.Signature, inputs: Sequence[Value], owner: int
) -> dict[tuple[int, int], Derivation]:
    """Which axis of which input a signature gives a name."""
    found: dict[tuple[int, int], Derivation] = {}
    for position, (declared, value) in enumerate(zip(signature.inputs, inputs, strict=False)):
        items = declared.shape.dims
        axis = 0
        for item in items:
            if isinstance(item, ast.Rest):
                axis += value.type.rank - len(items) + 1
                continue
            if isinstance(item, ast.Name):
                found[position, axis] = Derivation("name", item.id, owner)
            axis += 1
    return found


# --------------------------------------------------------------------------------------------------------- translation


def _translated(expr: ast.Expr, scope: Scope) -> Derivation | None:
    """An expression as a formula; None where one of its names or functions has none. Nothing is evaluated."""
    formula = _TRANSLATIONS.get(type(expr), _unknown)(expr, scope)
    return None if formula is None or formula.size > MAX_SIZE else formula


def _unknown(expr: Any, scope: Scope) -> None:
    return None


def _literal(expr: Any, scope: Scope) -> Derivation:
    return constant(expr.value)


def _string(expr: ast.String, scope: Scope) -> Derivation | None:
    return constant(expr.parts[0]) if len(expr.parts) == 1 and isinstance(expr.parts[0], str) else None


def _name(expr: ast.Name, scope: Scope) -> Derivation | None:
    bound = scope.lookup(expr.id)
    return _formula_of(bound) if isinstance(bound, Static) else None


def _all(exprs: Sequence[ast.Expr], scope: Scope) -> "list[Derivation] | None":
    found = [_translated(each, scope) for each in exprs]
    known = [each for each in found if each is not None]
    return known if len(known) == len(found) else None


def _list(expr: ast.ListExpr | ast.TupleExpr, scope: Scope) -> Derivation | None:
    parts = _all(expr.items, scope)
    return None if parts is None else Derivation("list", *parts)


def _arithmetic(expr: ast.Arithmetic, scope: Scope) -> Derivation | None:
    parts = _all(expr.operands, scope)
    if parts is None:
        return None
    total = parts[0]
    for symbol, part in zip(expr.operators, parts[1:], strict=True):
        total = combined(symbol, total, part)
    return total


def _comparison(expr: ast.Comparison, scope: Scope) -> Derivation | None:
    parts = _all(expr.operands, scope)
    if parts is None:
        return None
    pairs = zip(expr.operators, parts, parts[1:], strict=False)
    found = [combined(symbol, left, right) for symbol, left, right in pairs]
    return found[0] if len(found) == 1 else combined("and", *found)


def _boolean(expr: ast.Boolean, scope: Scope) -> Derivation | None:
    parts = _all(expr.operands, scope)
    return None if parts is None else combined(expr.operator, *parts)


def _not(expr: ast.Not, scope: Scope) -> Derivation | None:
    part = _translated(expr.operand, scope)
    return None if part is None else _denied(part)


_DENIED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _denied(formula: Derivation) -> Derivation:
    if formula.head in _DENIED:
        return Derivation(_DENIED[formula.head], *formula.parts)
    return formula.parts[0] if formula.head == "not" else combined("not", formula)


def _negative(expr: ast.Negative, scope: Scope) -> Derivation | None:
    part = _translated(expr.operand, scope)
    return None if part is None else combined("negative", part)


def _conditional(expr: ast.Conditional, scope: Scope) -> Derivation | None:
    parts = [_translated(each, scope) for each in (expr.condition, expr.then, expr.otherwise)]
    if parts[0] is None:
        return None
    return _choice(parts[0], parts[1], parts[2], (expr.then, expr.otherwise))


def _choice(
    condition: Derivation, then: Derivation | None, otherwise: Derivation | None, arms: Sequence[ast.Expr]
) -> Derivation | None:
    """`then if condition else otherwise`; an arm that refuses (`error(...)`) leaves the other."""
    if condition.is_constant:
        return then if condition.parts[0] else otherwise
    for arm, other in zip(arms, (otherwise, then), strict=False):
        if isinstance(arm, ast.CallExpr) and arm.callee.id == "error":
            return other
    return None if then is None or otherwise is None else Derivation("if", condition, then, otherwise)


def _match(expr: ast.Match, scope: Scope) -> Derivation | None:
    subject = _translated(expr.subject, scope)
    if subject is None:
        return None
    arms = [arm for arm in expr.arms if not (isinstance(arm.value, ast.CallExpr) and arm.value.callee.id == "error")]
    total: Derivation | None = None
    for arm in reversed(arms):
        value = _translated(arm.value, scope)
        patterns = _all(arm.patterns, scope)
        if value is None or patterns is None:
            return None
        if total is None or not patterns:
            total = value  # the last one stands for all that is left
            continue
        tests = [combined("==", subject, pattern) for pattern in patterns]
        total = _choice(tests[0] if len(tests) == 1 else combined("or", *tests), value, total, ())
    return total


def _index(expr: ast.Index, scope: Scope) -> Derivation | None:
    if isinstance(expr.index, ast.Range):
        return None
    base, index = _translated_list(expr.base, scope), _translated(expr.index, scope)
    if base is None or index is None:
        return None
    if base.head == "list" and index.is_constant and type(index.parts[0]) is int:
        return base.parts[index.parts[0]] if -len(base.parts) <= index.parts[0] < len(base.parts) else None
    return Derivation("index", base, index)


def _translated_list(expr: ast.Expr, scope: Scope) -> Derivation | None:
    """A list that is only looked into may be long."""
    return _TRANSLATIONS.get(type(expr), _unknown)(expr, scope)


def _call(expr: ast.CallExpr, scope: Scope) -> Derivation | None:
    name = expr.callee.id
    if name not in FUNCTIONS or scope.lookup(name) is not None:
        return None
    values = [argument.value for argument in expr.arguments if argument.name is None and argument.value is not None]
    parts = _all(values, scope) if len(values) == len(expr.arguments) else None
    return None if parts is None else combined(name, *parts)


_TRANSLATIONS: dict[type, Callable[[Any, Scope], Derivation | None]] = {
    ast.Int: _literal,
    ast.Float: _literal,
    ast.Bool: _literal,
    ast.NoneLiteral: lambda expr, scope: constant(None),
    ast.String: _string,
    ast.Name: _name,
    ast.ListExpr: _list,
    ast.TupleExpr: _list,
    ast.Arithmetic: _arithmetic,
    ast.Comparison: _comparison,
    ast.Boolean: _boolean,
    ast.Not: _not,
    ast.Negative: _negative,
    ast.Conditional: _conditional,
    ast.Index: _index,
    ast.CallExpr: _call,
    ast.Match: _match,
}
