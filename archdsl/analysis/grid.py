"""Tables for terminals: columns aligned, text wrapped to the width there is, nothing cut, no line too wide.

A table takes the first of these forms in which it fits without breaking a word, and in which its rows are not too tall:

1. everything side by side;
2. figures beside the first text, other texts under their row;
3. figures alone side by side, all texts of a row above them;
4. records, one under another: a line for each figure with its name before it.

The cells that text columns share go where they save most lines. Only a word that is wider than the line is broken, and
then behind a sign like `.` or `_` if it has one. The work is proportional to the text.
"""

from collections import Counter
from collections.abc import Sequence

from archdsl.diagnostics.terminal import width
from archdsl.diagnostics.wrapping import WIDTH, packed, wrapped
from archdsl.records import record

_GAP = 2
_HANG = 2
"""By how much the lines of a text after its first are set in."""
_INSET = 4
"""By how much what stands under another line of its row is set in."""
_NARROWEST = 8
"""A narrower terminal breaks the lines itself."""
_COMFORTABLE = 20
"""Text that wraps in less than this is hard to read."""
_COMFORTABLE_FORMULA = 16
_FORMULA = 4
"""Texts that may wrap to keep one formula on its line."""
_TALL = 3
"""Rows that take more lines than this in the mean are read better in another form."""


def grid(
    head: Sequence[str],
    body: Sequence[Sequence[str]],
    foot: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    most: int = WIDTH,
) -> list[str]:
    """Lines of a table, none wider than `most` cells: numbers to the right, text to the left, a rule under the head and
    over the foot. `numeric` says which columns hold figures."""
    most = max(most, _NARROWEST)
    rows = [*body, *foot]
    columns = [_Column(head[index], [row[index] for row in rows], number) for index, number in enumerate(numeric)]
    figures = [index for index, number in enumerate(numeric) if number]
    forms: list[list[str]] = []
    tried: list[list[int]] = [[]]
    for beside in [list(range(len(columns))), [0, *(index for index in figures if index)], figures]:
        sizes = None if beside in tried else _sizes([columns[index] for index in beside], most)
        tried.append(beside)
        if sizes is None:
            continue
        lines = _side_by_side(columns, beside, sizes, len(body), most)
        if len(lines) <= _TALL * (len(rows) + 1) + 2:
            return lines
        forms.append(lines)
    if forms:
        return min(forms, key=len)
    return _records(columns, len(body), most)


# ---------------------------------------------------------------------------------------------------------- columns


@record
class _Column:
    """A column: its heading, its cells from the top, and whether they are figures."""

    head: str
    cells: list[str]
    numeric: bool

    def natural(self) -> int:
        """Its width where nothing is broken."""
        return max(map(width, (self.head, *self.cells)))

    def lengths(self) -> Counter[int]:
        """How often there is a text of each width. A formula counts for several: it is better kept whole."""
        found = Counter(map(width, self.cells))
        if self.numeric:
            found = Counter({length: _FORMULA * many for length, many in found.items()})
        found[width(self.head)] += 1
        return found

    def floor(self, natural: int) -> int:
        """The least width in which no word is broken, and in which text is comfortable to read."""
        texts = set(self.cells)
        least = max(map(width, self.head.split()), default=0)
        breakable = False
        for text in texts:
            words = text.split()
            if len(words) < 2:
                least = max(least, width(text))
                continue
            breakable = True
            longest = max(map(width, words))
            start = len(text) - len(text.lstrip(" "))
            # As `wrapped` does, which sets no line in by much more than a quarter.
            least = max(least, min(longest + start + _HANG, (4 * longest + 11) // 3))
        comfortable = _COMFORTABLE_FORMULA if self.numeric else _COMFORTABLE
        return min(natural, max(least, comfortable if breakable else 0))


def _sizes(columns: Sequence[_Column], most: int) -> list[int] | None:
    """Widths of columns side by side, that no line is wider than `most`; None where that breaks words.

    Each column starts at its least width. What is left over goes, jump by jump, to the column where it saves most lines
    for each cell.
    """
    naturals = [column.natural() for column in columns]
    left = most - _total(naturals)
    if left >= 0:
        return naturals
    sizes = [column.floor(natural) for column, natural in zip(columns, naturals, strict=True)]
    left = most - _total(sizes)
    if left < 0:
        return None
    heights = [
        _heights(column.lengths(), size, min(natural, size + left))
        for column, size, natural in zip(columns, sizes, naturals, strict=True)
    ]
    floors = list(sizes)
    while left:
        best, chosen, jump = 0.0, -1, 0
        for index, lines in enumerate(heights):
            at = sizes[index] - floors[index]
            for step in range(1, min(left, len(lines) - 1 - at) + 1):
                saved = (lines[at] - lines[at + step]) / step
                if saved > best:
                    best, chosen, jump = saved, index, step
        if chosen < 0:
            break
        sizes[chosen] += jump
        left -= jump
    for index, natural in enumerate(naturals):  # the estimate is of lines that are full
        more = min(left, natural - sizes[index])
        sizes[index] += more
        left -= more
    return sizes


def _heights(lengths: Counter[int], low: int, high: int) -> list[int]:
    """About how many lines texts of these lengths take in each width from `low` to `high`."""
    found: list[int] = []
    for size in range(low, high + 1):
        room = max(size - _HANG, 1)
        found.append(sum(many * (1 + max(0, -((size - length) // room))) for length, many in lengths.items()))
    return found


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + _GAP * (len(sizes) - 1)


# ------------------------------------------------------------------------------------------------------------ forms


def _side_by_side(
    columns: Sequence[_Column],
    beside: Sequence[int],
    sizes: Sequence[int],
    body: int,
    most: int,
) -> list[str]:
    """Some columns side by side; the texts of the others under their row, or above it where the first is one of
    them."""
    apart = [index for index in range(len(columns)) if index not in beside]
    heads = [wrapped(columns[index].head, size, hang=0) for index, size in zip(beside, sizes, strict=True)]
    parts = [[wrapped(cell, size) for cell in columns[index].cells] for index, size in zip(beside, sizes, strict=True)]
    # Lines broken between words leave room at their ends.
    widths = [
        max(width(line) for lines in (top, *below) for line in lines) for top, below in zip(heads, parts, strict=True)
    ]
    right = [columns[index].numeric for index in beside]
    above = 0 in apart
    inset = " " * (min(_INSET, most - _total(widths)) if above else 0)
    rule = inset + (" " * _GAP).join("-" * size for size in widths)

    def row(texts: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
        aligned = [f"{inset}{line}" for line in _aligned(cells, widths, right)]
        if above:
            return [*wrapped(texts[0], most), *_details(texts[0], texts[1:], most), *aligned]
        return [*aligned, *_details(cells[0][0], texts, most)]

    lines = [*row([columns[index].head for index in apart], heads), rule]
    for position in range(len(columns[0].cells)):
        if position == body and body:
            lines.append(rule)
        lines += row([columns[index].cells[position] for index in apart], [column[position] for column in parts])
    return lines


def _aligned(cells: Sequence[Sequence[str]], sizes: Sequence[int], right: Sequence[bool]) -> list[str]:
    """One row of wrapped cells, on as many lines as the tallest needs."""
    lines: list[str] = []
    for level in range(max(map(len, cells))):
        line: list[str] = []
        for cell, size, number in zip(cells, sizes, right, strict=True):
            text = cell[level] if level < len(cell) else ""
            pad = " " * (size - width(text))
            line.append(pad + text.lstrip(" ") if number else text + pad)
        lines.append((" " * _GAP).join(line).rstrip())
    return lines


def _details(name: str, texts: Sequence[str], most: int) -> list[str]:
    """The texts under the name of a row, set in further than it."""
    return packed(texts, most, " " * (len(name) - len(name.lstrip(" ")) + _INSET))


def _records(columns: Sequence[_Column], body: int, most: int) -> list[str]:
    """Each row as a block of lines, `name  value`; where that is too wide, a value under its name."""
    labels = max(width(column.head) for column in columns)
    floors = [column.floor(column.natural()) for column in columns]
    widest = max(floor if floor <= most - _HANG else _COMFORTABLE for floor in floors)
    beside = labels + _GAP + widest <= most
    room = most - (labels + _GAP if beside else _HANG)
    plain = [width(cell) for column in columns if column.numeric for cell in column.cells if " " not in cell]
    numbers = min(max(plain, default=0), room)
    lines: list[str] = []
    for position in range(len(columns[0].cells)):
        lines += ["-" * min(labels, most)] if position == body and body else [""] if position else []
        for column in columns:
            cell = column.cells[position]
            if not cell:
                continue
            value = wrapped(cell, room)
            if column.numeric and len(value) == 1:
                value = [" " * (numbers - width(cell)) + cell]
            if beside:
                names = [column.head + " " * (labels - width(column.head)), *[" " * labels] * (len(value) - 1)]
                lines += [f"{name}{' ' * _GAP}{line}" for name, line in zip(names, value, strict=True)]
            else:
                lines += [*wrapped(column.head, most, hang=0), *(" " * _HANG + line for line in value)]
    return lines
