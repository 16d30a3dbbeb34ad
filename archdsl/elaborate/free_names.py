"""Names a piece of syntax mentions: what it can see of the place where it was written."""

from typing import Any

from archdsl.syntax import ast


def free_names(syntax: ast.Body | ast.Expr) -> tuple[str, ...]:
    """Every name mentioned in a body or an expression, sorted. Names a body itself binds are included: an over-approximation
    is harmless, because a name is only ever looked up in the scope around the body."""
    found: set[str] = set()
    pending: list[Any] = [syntax]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, (list, tuple)):
            pending.extend(node)  # pyright: ignore[reportUnknownArgumentType]
        else:
            for slot in getattr(type(node), "__slots__", ()):
                if slot != "span":
                    child = getattr(node, slot)
                    if not isinstance(child, (str, int, float)) and child is not None:
                        pending.append(child)
    return tuple(sorted(found))
