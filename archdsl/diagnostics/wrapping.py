"""Texts broken into lines for a terminal: tables, diagnostics and lists wrap by these functions and no others."""

from bisect import bisect_right
from collections.abc import Sequence

from archdsl.diagnostics.terminal import cells as character_cells
from archdsl.diagnostics.terminal import width

WIDTH = 110
"""Cells a line may take where no terminal says otherwise."""

_HANG = 2
"""By how much the lines of a text after its first are set in."""
_BESIDE = 24
"""The least width in which a text stands beside its name."""


def packed(parts: Sequence[str], most: int = WIDTH, indent: str = "") -> list[str]:
    """Texts side by side, a line broken between two of them rather than inside one."""
    lines: list[str] = []
    for part in filter(None, parts):
        if lines and width(lines[-1]) + 3 + width(part) <= most:
            lines[-1] += f"   {part}"
        else:
            lines += wrapped(indent + part, most)
    return lines


def prose(text: str, most: int = WIDTH) -> list[str]:
    """A sentence on lines of at most `most` cells."""
    return wrapped(text, most, commas=False)


def wrapped(text: str, most: int = WIDTH, hang: int = _HANG, commas: bool = True) -> list[str]:
    """Lines of at most `most` cells, broken after a comma if that leaves them fairly full (prose does without), else
    after a space that is not beside `=`, else after any; inside a word only where it is wider than the line. Lines
    after the first are set in by `hang` more, if that leaves them half of the room and breaks no word."""
    if width(text) <= most:
        return [text]
    begin = len(text) - len(text.lstrip(" "))
    start = min(begin, most // 4)
    further = start + (hang if start + hang <= most // 2 else min(_HANG, most // 4))
    starts = range(len(text) + 1) if text.isascii() and text.isprintable() else character_cells(text)[1]
    lines: list[str] = []
    at, lead = begin, start
    while True:
        room = max(most - lead, 1)
        end = bisect_right(starts, starts[at] + room) - 1
        if end >= len(text):
            return [*lines, " " * lead + text[at:]]
        cut = max(_cut(text, at, end, commas), at + 1)
        lines.append(" " * lead + text[at:cut].rstrip(" "))
        at = cut
        while text.startswith(" ", at):
            at += 1
        if at == len(text):
            return lines
        lead = further
        stop = text.find(" ", at, at + most + 1)
        stop = stop if stop > 0 else len(text)
        if most - lead < starts[stop] - starts[at] <= most:
            lead = most - (starts[stop] - starts[at])


_SIGNS = ".,;:_-/|()[]{}=+*"


def _cut(text: str, at: int, end: int, commas: bool) -> int:
    """Where to break a text of which the characters from `at` to `end` fit."""
    cut = text.rfind(", ", at, end + 1) + 1 if commas else 0
    if cut - at > (end - at) // 2:
        return cut
    space = 0
    for index in range(end, at, -1):
        if text[index] == " ":
            if text[index - 1] != "=" and text[index + 1 : index + 2] != "=":
                return max(cut, index)
            space = space or index
    if space:
        return max(cut, space)
    for index in range(end, at + (end - at) // 2, -1):
        if text[index - 1] in _SIGNS:
            return index
    return end


def listed(name: str, text: str, column: int, most: int) -> list[str]:
    """A name and what is said of it: beside it from `column` on where there is room, else below it."""
    if most - column < _BESIDE:
        return [*wrapped(name, most), *wrapped(" " * (len(name) - len(name.lstrip(" ")) + 4) + text, most, hang=0)]
    *above, last = wrapped(name, most)
    lines = [line.lstrip(" ") for line in prose(text, most - column)]
    if width(last) + 2 <= column:
        above.append(last + " " * (column - width(last)) + lines.pop(0))
    else:
        above.append(last)
    return [line.rstrip() for line in (*above, *(" " * column + line for line in lines))]


_FIXED = "\u00a0"
"""Stands for a space at which no line is broken."""


def with_code(text: str, most: int) -> list[str]:
    """A sentence on lines of at most `most` cells; what stands between backticks stays on one line if it fits there."""
    parts = text.split("`")
    if len(parts) % 2:
        codes = parts[1::2]
        parts[1::2] = [code.replace(" ", _FIXED) if width(code) + 4 <= most else code for code in codes]
    return [line.replace(_FIXED, " ") for line in prose("`".join(parts), most)]


def reflowed(text: str, most: int) -> list[str]:
    """A text of several lines, none wider than `most` cells: paragraphs are filled anew where they do not fit, lines
    that are set in, or hold columns, are wrapped one by one."""
    found: list[str] = []
    paragraph: list[str] = []

    def end() -> None:
        fits = all(width(line) <= most for line in paragraph)
        found.extend(paragraph if fits else with_code(" ".join(paragraph), most))
        paragraph.clear()

    for line in text.split("\n"):
        if line and not line.startswith(" ") and "  " not in line:
            paragraph.append(line)
            continue
        end()
        found.extend(wrapped(line, most))
    end()
    return found
