"""Tables in CSV and Markdown, each with its own escapes."""

from collections.abc import Sequence

from archdsl.diagnostics.terminal import printable


def csv_text(head: Sequence[str], rows: Sequence[Sequence[int | float | str | None]]) -> str:
    """RFC 4180 with line feeds; an empty field for nothing. Text that a spreadsheet would take for a formula gets an
    apostrophe in front."""
    return "\n".join(",".join(map(_csv, row)) for row in (head, *rows))


def _csv(cell: int | float | str | None) -> str:
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    text = printable(cell)
    if text[:1] in ("=", "+", "-", "@"):
        text = "'" + text
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(sign in text for sign in ',"') or text != text.strip() else text


def markdown_text(head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """A GitHub-flavoured table."""
    marks = ["---:" if number else "---" for number in numeric]
    lines = [_line(list(map(markdown_escaped, head))), _line(marks)]
    return "\n".join([*lines, *(_line([markdown_escaped(cell) for cell in row]) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def markdown_escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~$&" else sign for sign in printable(text))
