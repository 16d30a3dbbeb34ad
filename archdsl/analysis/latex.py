"""Tables in LaTeX."""

import re
from collections.abc import Sequence

from archdsl.diagnostics.terminal import printable
from archdsl.types.dims import Dim, Expr

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "[": "{[}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{sign: f"\\{sign}" for sign in "{}$&#_%"},
}


def latex_text(
    head: Sequence[str], rows: Sequence[Sequence[Expr | str]], numeric: Sequence[bool], has_total: bool = False
) -> str:
    """A `tabular` with booktabs rules; the last row is set off if it is the total of the others."""
    columns = "".join("r" if number else "l" for number in numeric)
    lines = [" & ".join(map(_cell, row)) + r" \\" for row in rows]
    if has_total:
        lines.insert(-1, r"\midrule")
    top = [
        r"% rules: \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(map(_cell, head)) + r" \\",
        r"\midrule",
    ]
    return "\n".join([*top, *lines, r"\bottomrule", r"\end{tabular}"])


class Math(str):
    """A cell that is LaTeX already."""


def formula_text(figure: Dim) -> str:
    r"""`2{,}048\,T^{2}`, for math mode."""
    return re.sub(_TOKEN, _formula_token, str(figure))


def _cell(cell: Expr | str) -> str:
    """A figure that depends on symbols is a formula."""
    if isinstance(cell, Expr):
        return f"${formula_text(cell)}$"
    if isinstance(cell, Math):
        return cell
    return "".join(_ESCAPES.get(sign, sign) for sign in printable(cell))


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
