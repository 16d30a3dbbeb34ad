"""Names a body mentions without binding them: what it can see of the place where it was written."""

from typing import Any

from archdsl.syntax import ast

_CACHE: dict[int, tuple[ast.Body, tuple[str, ...]]] = {}


def free_names(body: ast.Body) -> tuple[str, ...]:
    """Every name mentioned in a body, sorted. Names the body itself binds are included: an over-approximation is harmless,
    because a name is only ever looked up in the scope around the body."""
    known = _CACHE.get(id(body))
    if known is not None and known[0] is body:
        return known[1]
    found: set[str] = set()
    pending: list[Any] = [body]
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
    names = tuple(sorted(found))
    _CACHE[id(body)] = (body, names)
    return names
