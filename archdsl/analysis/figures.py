"""Figures as people read them."""

from typing import TYPE_CHECKING, TypeAlias

from archdsl.types.dims import Dim, Expr

if TYPE_CHECKING:
    from fractions import Fraction  # which brings decimals along, a megabyte that most tables have no use for

Cell: TypeAlias = "Dim | Fraction | str | None"
"""The content of a cell: an exact figure (an integer, or an expression in the symbolic dimensions), a ratio, a text, or
None where there is nothing to say."""


def number_text(value: Dim) -> str:
    """`25,557,032`; a symbolic figure as its expression (`4,096*H*W + 10`)."""
    if isinstance(value, int):
        return f"{value:,}"
    import re

    return re.sub(r"\b\d{4,}\b", lambda found: f"{int(found.group()):,}", str(value))


def cell_text(cell: Cell) -> str:
    """A cell as a table for people prints it: thousands separated, ratios to two decimals, - for nothing."""
    if cell is None or cell == 0:
        return "-"
    if isinstance(cell, int | Expr):
        return number_text(cell)
    return cell if isinstance(cell, str) else f"{float(cell):,.2f}"


def raw(cell: Cell) -> int | float | str | None:
    """A cell as JSON and CSV hold it: a figure as it is, a formula as text, a ratio as a decimal number."""
    if isinstance(cell, Expr):
        return str(cell)
    return cell if cell is None or isinstance(cell, int | str) else float(cell)


def human(value: Dim) -> str:
    """`25.56M`: four digits and a decimal unit, as papers print; the exact text below 1 000 and for symbolic
    figures."""
    if not isinstance(value, int) or abs(value) < 1000:
        return number_text(value)
    for power, unit in ((3, "K"), (6, "M"), (9, "G"), (12, "T"), (15, "P")):
        scaled = value / 10**power
        digits = 2 if scaled < 99.995 else 1 if scaled < 999.95 else 0
        if abs(scaled) < 999.95 or unit == "P":
            break
    return f"{scaled:,.{digits}f}{unit}"  # pyright: ignore[reportPossiblyUnboundVariable]
