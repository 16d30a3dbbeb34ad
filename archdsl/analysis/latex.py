"""Tables in LaTeX, as a paper takes them: rules of booktabs, figures in the S columns of siunitx, in units that the
heading names."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics.terminal import printable
from archdsl.records import record
from archdsl.types.dims import Dim, Expr

if TYPE_CHECKING:
    from archdsl.analysis.figures import Cell

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "[": "{[}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",  # which babel makes a command in some languages
    "`": "{`}",  # after ! or ? it turns these upside down
    "*": "{*}",  # at the start of a row it would belong to the \\ before it
    **{sign: f"\\{sign}" for sign in "{}$&#_%"},
}

DIGITS = 4
"""Significant digits of the largest figure of a column; the others have as many decimals."""

_DECIMAL = 1000
_BINARY = 1 << 10
# From which figure on a column is printed in a unit: a network of 0.8 M parameters is one of 0.8 M, as papers have it.
_UNITS: dict[str, tuple[tuple[int, int, str], ...]] = {
    "scalars": ((10**10, _DECIMAL**3, "B"), (10**5, _DECIMAL**2, "M")),
    "MACs": ((10**13, _DECIMAL**4, "T"), (10**9, _DECIMAL**3, "G"), (10**5, _DECIMAL**2, "M")),
    "FLOPs": ((10**13, _DECIMAL**4, "T"), (10**9, _DECIMAL**3, "G"), (10**5, _DECIMAL**2, "M")),
    "bytes": ((10 * _BINARY**3, _BINARY**3, "GiB"), (10**5, _BINARY**2, "MiB"), (0, 1, "bytes")),
}


class Math(str):
    """A cell that is LaTeX already."""


NOTHING = Math("--")
"""The cell of a layer that has none of what its column counts."""


@record
class TableFloat:
    """The float around a table: caption and label, both LaTeX, each left out where it is empty."""

    caption: str = ""
    label: str = ""


def latex_text(
    head: Sequence[str],
    rows: "Sequence[Sequence[Cell]]",
    units: Sequence[str],
    around: TableFloat,
    has_total: bool = False,
    exact: bool = False,
) -> str:
    """A table, its last row set off if it is the total of the others. `units` says what the figures of each column
    count, "" for texts. Figures are rounded to a unit of their column unless `exact`."""
    columns = [
        _figures(heading, [row[index] for row in rows], unit, exact) if unit else _texts(heading, rows, index)
        for index, (heading, unit) in enumerate(zip(head, units, strict=True))
    ]
    lines = [" & ".join(cells) + r" \\" for cells in zip(*(column.cells for column in columns), strict=True)]
    lines.insert(1, r"\midrule")
    if has_total:
        lines.insert(-1, r"\midrule")
    kinds = "".join(column.kind for column in columns)
    table = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}"]
    if around.caption or around.label:
        above = [rf"\caption{{{around.caption}}}"] if around.caption else []
        above += [rf"\label{{{around.label}}}"] if around.label else []
        table = [r"\begin{table}[tb]", r"\centering", *above, *table, r"\end{table}"]
    packages = r"\usepackage{booktabs}" + r" \usepackage{siunitx}" * any(column.kind[0] == "S" for column in columns)
    rounded = any(column.is_rounded for column in columns)
    notes = ["% rounded; --exact prints every figure to the unit"] if rounded else []
    return "\n".join([f"% needs {packages}", *notes, *table])


def text(cell: str) -> str:
    """A text as LaTeX shows it: `3 x 5` has a sign of multiplication, and hyphens make no dashes."""
    shown = "".join(_ESCAPES.get(sign, sign) for sign in printable(cell))
    shown = re.sub(r"(?<=\d) x (?=[\d{-])", r" $\\times$ ", shown)
    shown = re.sub(r"(?<![\w\\}-])-(?=\d)", "$-$", shown)
    return re.sub(r"-(?=-)", "-{}", shown)


def formula_text(figure: Dim) -> str:
    r"""`2{,}048\,T^{2}`, for math mode."""
    return re.sub(_TOKEN, _formula_token, str(figure))


def is_balanced(latex: str) -> bool:
    """Whether what an author wrote as LaTeX can stand in the braces of a command: it closes no brace but its own, and
    has no comment that would hide the closing one."""
    depth = 0
    for sign in re.sub(r"\\.", "", latex):
        depth += (sign == "{") - (sign == "}")
        if depth < 0 or sign in "%\\":
            return False
    return depth == 0


# --------------------------------------------------------------------------------------------------------- columns


@record
class _LatexColumn:
    """A column with its heading: `kind` is what the preamble of a `tabular` says of it."""

    kind: str
    cells: list[str]
    is_rounded: bool = False


def _texts(heading: str, rows: "Sequence[Sequence[Cell]]", index: int) -> _LatexColumn:
    return _LatexColumn("l", [text(heading), *(_text(row[index]) for row in rows)])


def _text(cell: "Cell") -> str:
    """A figure that depends on symbols is a formula."""
    if isinstance(cell, Expr):
        return f"${formula_text(cell)}$"
    if isinstance(cell, Math):
        return cell
    return "" if cell is None else text(str(cell))


def _figures(heading: str, cells: "Sequence[Cell]", unit: str, exact: bool) -> _LatexColumn:
    """A column of numbers; of formulas and words as well, which go in braces. With a formula among them, figures are
    exact as it is."""
    figures = [abs(cell) for cell in cells if not isinstance(cell, str | Expr | None)]
    whole = all(isinstance(cell, int | str | None) for cell in cells)
    size, name = 1, ""
    if not exact and not any(isinstance(cell, Expr) for cell in cells):
        largest = max(figures, default=0)
        size, name = next((found[1:] for found in _UNITS.get(unit, ()) if largest >= found[0]), (1, ""))
    elif unit == "bytes":
        name = unit
    decimals = 0 if whole else 2
    if size > 1:
        above = int(max(figures) // size)
        decimals = max(DIGITS - (len(str(above)) if above else 0), 0)
    numbers = [_number(cell, size, decimals) for cell in cells]
    heading = heading if name in ("", heading) else f"{heading} ({name})"
    if not any(number[:1] not in ("", "{") for number in numbers):
        return _LatexColumn("r", [text(heading), *(_bare(number) for number in numbers)])
    kind = _format([number for number in numbers if number[:1] not in ("", "{")])
    return _LatexColumn(kind, [f"{{{text(heading)}}}", *numbers], size > 1)


def _number(cell: "Cell", size: int, decimals: int) -> str:
    """A cell of an S column: digits that siunitx reads, or something in braces."""
    if cell is None or isinstance(cell, str | Expr):
        plain = isinstance(cell, str) and re.fullmatch(r"-?\d+(\.\d+)?", cell)
        shown = _text(cell)
        return str(cell) if plain else f"{{{shown}}}" if shown else ""
    rounded = rounded_text(cell, size, decimals)
    if cell != 0 and size > 1 and not rounded.strip("-0."):
        least = "1" if not decimals else f"0.{1:0{decimals}}"
        return f"{{$<{least}$}}"
    return rounded


def rounded_text(figure: "Cell", size: int, decimals: int) -> str:
    """A figure in units of `size` with so many decimals, computed in whole numbers: the nearest, of two the larger."""
    if figure is None or isinstance(figure, str | Expr):
        raise TypeError(f"{figure!r} is no number")
    scaled = int((2 * abs(figure) * 10**decimals + size) // (2 * size))
    digits = f"{scaled:0{decimals + 1}}"
    shown = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{shown}" if figure < 0 and scaled else shown


def _bare(number: str) -> str:
    return number[1:-1] if number[:1] == "{" else number


def _format(numbers: Sequence[str]) -> str:
    """The S column that holds these numbers, its digits in groups of three from the fourth on."""
    before = max(len(number.lstrip("-").partition(".")[0]) for number in numbers)
    after = max(len(number.partition(".")[2]) for number in numbers)
    sign = "-" if any(number[0] == "-" for number in numbers) else ""
    groups = ", group-digits=integer, group-minimum-digits=4, group-separator={,}" if before > 3 else ""
    return f"S[table-format={sign}{before}.{after}{groups}]"


# -------------------------------------------------------------------------------------------------------- formulas

_TOKEN = r"\*\*\d+|\d+|[A-Za-z_]\w*| // |\*"


def _formula_token(found: re.Match[str]) -> str:
    text = found[0]
    if text.startswith("**"):
        return f"^{{{text[2:]}}}"
    if text.isdigit():
        return f"{int(text):,}".replace(",", "{,}")
    if text == "*":
        return r"\,"
    if text == " // ":
        return r" \mathbin{/\!/} "
    # A name of several letters would be set as a product of them.
    return text if len(text) == 1 and text != "_" else rf"\mathit{{{text}}}".replace("_", r"\_")
