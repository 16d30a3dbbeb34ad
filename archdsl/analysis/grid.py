"""Tables for terminals: columns aligned, wide text wrapped to the width there is, nothing cut."""

from collections.abc import Sequence

from archdsl.diagnostics.terminal import width

WIDTH = 110
"""Cells a line may take where no terminal says otherwise."""

_GAP = 2
_NARROWEST = 8
"""No column is made narrower than this; a terminal too narrow for that breaks the lines itself."""
_COMFORTABLE = 20
"""Text that wraps in less than this is hard to read."""
_NARROWEST_FORMULA = 16
_WIDEST = 48
"""Text beyond this wraps even where there is room: a long line of arguments would push the figures out of sight."""


def grid(
    head: Sequence[str],
    body: Sequence[Sequence[str]],
    foot: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    most: int = WIDTH,
) -> list[str]:
    """Lines of a table: numbers to the right, text to the left, a rule under the head and over the foot. Where the
    terminal is too narrow for all columns side by side, texts but the first stand under their row."""
    below: list[int] = []
    sizes = _sizes(head, [*body, *foot], numeric, most, _COMFORTABLE)
    if _total(sizes) > most:
        below = [index for index, number in enumerate(numeric) if not number and index]
    beside = [index for index in range(len(head)) if index not in below]
    if _total(sizes) > most:
        rows = [[row[index] for index in beside] for row in (*body, *foot)]
        sizes = _sizes([head[index] for index in beside], rows, [numeric[index] for index in beside], most, _NARROWEST)
    right = [numeric[index] for index in beside]
    rule = (" " * _GAP).join("-" * size for size in sizes)
    lines = [*_lines([head[index] for index in beside], sizes, right, hang=0)]
    lines += [*_details(head, below, most), rule]
    for position, row in enumerate((*body, *foot)):
        if position == len(body) and body:
            lines.append(rule)
        lines += _lines([row[index] for index in beside], sizes, right)
        lines += _details(row, below, most)
    return lines


def packed(parts: Sequence[str], most: int = WIDTH, indent: str = "") -> list[str]:
    """Texts side by side, a line broken between two of them rather than inside one."""
    lines: list[str] = []
    for part in filter(None, parts):
        if lines and width(lines[-1]) + 3 + width(part) <= most:
            lines[-1] += f"   {part}"
        else:
            lines += wrapped(indent + part, most)
    return lines


def _details(row: Sequence[str], below: Sequence[int], most: int) -> list[str]:
    """The texts under a row, set in further than its name."""
    start = len(row[0]) - len(row[0].lstrip(" "))
    return packed([row[index] for index in below], most, " " * (start + 4))


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + _GAP * (len(sizes) - 1)


def wrapped(text: str, most: int = WIDTH, hang: int = 2, commas: bool = True) -> list[str]:
    """Lines of at most `most` cells, broken after a comma if that leaves them fairly full (prose does without), else
    after a space that is not beside `=`, else anywhere; lines after the first are set in by `hang` more, if that leaves
    them half of the room."""
    start = min(len(text) - len(text.lstrip(" ")), most // 4)
    indent = " " * (start + (hang if start + hang <= most // 2 else min(2, most // 4)))
    lines: list[str] = []
    at, lead = 0, ""
    while _is_wider(text, at, most - len(lead)):
        # `_cut` looks no further than this, so long texts are wrapped in time proportional to their length.
        part = lead + text[at : at + most + 2]
        cut = _cut(part, len(indent), most, commas)
        lines.append(part[:cut].rstrip(" "))
        at += cut - len(lead)
        while text.startswith(" ", at):
            at += 1
        lead = indent
    return [*lines, lead + text[at:]]


def _is_wider(text: str, start: int, most: int) -> bool:
    """Whether a text is wider than `most` cells from a position on."""
    count = most + 1
    while width(text[start : start + count]) <= most:
        if start + count >= len(text):
            return False
        count *= 2  # some characters take no room
    return True


def prose(text: str, most: int = WIDTH) -> list[str]:
    """A sentence on lines of at most `most` cells."""
    return wrapped(text, most, commas=False)


def _cut(text: str, floor: int, most: int, commas: bool) -> int:
    """Where to break a text that is wider than `most`; always behind `floor`, so that every line gets shorter."""
    fits = min(most, len(text))
    while width(text[:fits]) > most:
        fits -= 1
    cut = text.rfind(", ", floor, fits + 1) + 1 if commas else 0
    if cut > most // 2:
        return cut
    spaces = [i for i in range(floor + 1, min(fits + 1, len(text))) if text[i] == " "]
    loose = [i for i in spaces if text[i - 1] != "=" and text[i + 1 : i + 2] != "="]
    return max([cut, *loose]) or max([0, *spaces]) or max(fits, floor + 1)


def _sizes(
    head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], most: int, least: int
) -> list[int]:
    """Widths of the columns: as wide as their text, then the widest one that can be broken made narrower until the
    line fits or no text is wider than `least`."""
    sizes: list[int] = []
    floors: list[int] = []
    for index, (name, number) in enumerate(zip(head, numeric, strict=True)):
        cells = [row[index] for row in rows]
        natural = max(len(name), *map(width, cells)) if cells else len(name)
        words = max(map(len, name.split()))
        if not number:
            sizes.append(max(len(name), min(natural, _WIDEST)))
            floors.append(min(sizes[-1], max(words, least)))
            continue
        # Figures are never broken, formulas are between their terms.
        plain = max([words, *(width(cell) for cell in cells if " " not in cell)])
        sizes.append(natural)
        floors.append(max(plain, _NARROWEST_FORMULA) if any(" " in cell for cell in cells) else plain)
    while _total(sizes) > most:
        loose = [index for index, size in enumerate(sizes) if size > floors[index]]
        if not loose:
            break
        sizes[max(loose, key=lambda index: sizes[index])] -= 1
    # Lines broken between words leave room at their ends.
    return [
        max(
            *map(width, wrapped(head[index], size, hang=0)),
            *(width(line) for row in rows for line in wrapped(row[index], size)),
            0,
        )
        for index, size in enumerate(sizes)
    ]


def _lines(cells: Sequence[str], sizes: Sequence[int], numeric: Sequence[bool], hang: int = 2) -> list[str]:
    """One row, on as many lines as its longest cell needs."""
    parts = [wrapped(cell, size, hang) for cell, size in zip(cells, sizes, strict=True)]
    lines: list[str] = []
    for level in range(max(map(len, parts))):
        line: list[str] = []
        for part, size, number in zip(parts, sizes, numeric, strict=True):
            text = part[level] if level < len(part) else ""
            pad = " " * (size - width(text))
            line.append(pad + text.lstrip(" ") if number else text + pad)
        lines.append((" " * _GAP).join(line).rstrip())
    return lines
