"""Names a piece of syntax mentions, and names it binds."""

from collections.abc import Iterable
from typing import Any

from archdsl.syntax import ast


def free_names(syntax: ast.Body | ast.Expr) -> tuple[str, ...]:
    """Every name that a body or an expression may read, sorted. Names it binds itself are included: an
    over-approximation is harmless, because a name is only ever looked up in the scope around, and tensors that turn
    out unused are dropped."""
    found: set[str] = set()
    pending: list[Any] = [syntax]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, (list, tuple)):
            pending.extend(node)  # pyright: ignore[reportUnknownArgumentType]
        else:
            # The names of arguments and of weights are no names of the scope.
            skipped = ("span", "name") if isinstance(node, (ast.Argument, ast.Attribute)) else ("span",)
            for slot in getattr(node, "__slots__", ()):
                if slot not in skipped:
                    child = getattr(node, slot)
                    if not isinstance(child, (str, int, float)) and child is not None:
                        pending.append(child)
    return tuple(sorted(found))


def bound_names(statements: Iterable[ast.Statement]) -> set[str]:
    """The names that statements bind in their own scope, interpolated labels left out: what is poisoned when they
    cannot be run."""
    found: set[str] = set()
    pending: list[Any] = list(statements)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Let, ast.Bind)):
            found.update(target.id for target in node.targets)
        elif isinstance(node, ast.If):
            for _, body in node.arms:
                pending.extend(body.statements)
            if node.otherwise is not None:
                pending.extend(node.otherwise.statements)
        elif isinstance(node, ast.Shared):
            found.add(node.name.id)
        elif isinstance(node, ast.Input):
            found.add(node.name.id)
            for dim in node.shape.dims:
                if not isinstance(dim, (ast.Rest, ast.Wildcard)):
                    found.update(free_names(dim))
        if isinstance(node, (ast.FlowStatement, ast.Bind, ast.Output)) and node.flow is not None:
            for step in node.flow.steps:
                if step.label is not None and len(step.label.parts) == 1 and isinstance(step.label.parts[0], str):
                    found.add(step.label.parts[0])
    return found
