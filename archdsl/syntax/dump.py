"""The tree as text, for `archdsl show --stage ast`, golden files and comparing two trees.

Printed with a stack of its own: nodes nest as deep as the text does, and printing must not be what breaks on
a deep one.
"""

from collections.abc import Iterable
from typing import cast

from archdsl.records import field_names
from archdsl.source import Span
from archdsl.syntax import ast


def dump(file: ast.File, spans: bool = False) -> str:
    """One line for each node and each list, indented by depth; `spans` adds `@start-end` in characters.

    Two files with equal dumps say the same thing, however they are laid out.
    """
    lines: list[str] = []
    stack: list[tuple[int, str, object]] = [(0, "", file)]
    while stack:
        depth, label, value = stack.pop()
        indent = "  " * depth + label
        if isinstance(value, list | tuple):
            items = list[object](cast(Iterable[object], value))
            if not items:
                lines.append(f"{indent}[]")
                continue
            lines.append(indent.rstrip() if label else f"{indent}-")
            stack.extend((depth + 1, "", item) for item in reversed(items))
        elif isinstance(value, ast.Name):
            lines.append(f"{indent}{value.id}{_where(value) if spans else ''}")
        elif slots := _slots(value):
            here = [type(value).__name__]
            below: list[tuple[int, str, object]] = []
            for name in slots:
                part: object = getattr(value, name)
                if name in ("span", "target", "source") and not isinstance(part, ast.CallExpr):
                    continue
                if isinstance(part, str | int | float | bool) or part is None:
                    here.append(f"{name}={part!r}")
                else:
                    below.append((depth + 1, f"{name}: ", part))
            lines.append(indent + " ".join(here) + (_where(value) if spans else ""))
            stack.extend(reversed(below))
        else:
            lines.append(f"{indent}{value!r}")
    return "\n".join(lines) + "\n"


def _slots(value: object) -> tuple[str, ...]:
    """The fields of a node; none for anything else."""
    return field_names(type(value))


def _where(node: object) -> str:
    span = getattr(node, "span", None)
    return f" @{span.start}-{span.end}" if isinstance(span, Span) else ""
