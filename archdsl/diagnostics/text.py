"""Diagnostics as text, in the layout of rustc: header, place, source lines with carets, then notes.

```
error[E0302]: unknown operator `cnov`
  --> specs/x.arch:12:5
   |
12 |     cnov(64, 3) -> bn
   |     ^^^^ no operator or block has this name
   |
   = in: block `bottleneck`, layer3[i=2], from line 31
   = help: did you mean `conv`?
```

Every annotation has a marker row of its own below its line, the diagnostic's own (`^`) before the related
ones (`-`), so labels never collide. No markup engine touches the text: what an author wrote is printed
character by character.
"""

from collections.abc import Sequence

from archdsl.diagnostics.finding import Finding, Label, in_order
from archdsl.diagnostics.terminal import cells, printable, styled, width
from archdsl.diagnostics.wrapping import with_code
from archdsl.records import record
from archdsl.source import Source, Span

LINE_CELLS = 120
"""A source line wider than this is shown in part, around its annotations."""
_LEAD_CELLS = 30
"""The cells that are kept before an annotation in a trimmed line."""
_NEAR = 5 * LINE_CELLS
"""Characters around an annotation that are looked at in a very long line."""
_NARROWEST = 20
"""The least room that a sentence is broken to fit in."""
_ELLIPSIS = "..."
_BODY_LINES = 6
"""A longer multi-line span is shown by its first lines and its last one."""
_TRACE_HEAD, _TRACE_TAIL = 8, 3
"""Frames shown of a long chain of calls, innermost and outermost."""


@record
class _Mark:
    """An annotation placed in its source: lines from 1, columns from 0 in characters, `end_column`
    exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    primary: bool

    def moved(self, base: int, length: int) -> "_Mark":
        """The mark in a stretch of its line that begins at `base`."""
        column, end = (min(max(at - base, 0), length) for at in (self.column, self.end_column))
        return _Mark(self.line, column, self.end_line, end, self.text, self.primary)


def render_text(diagnostics: Sequence[Finding], color: bool = False, most: int | None = None) -> str:
    """All diagnostics `in_order`, a blank line between two, without a final line break. Sentences are broken into lines
    of at most `most` cells; lines of a source stay whole."""
    return "\n\n".join(_render(diagnostic, color, most) for diagnostic in in_order(diagnostics))


def _render(diagnostic: Finding, color: bool, most: int | None) -> str:
    title = f"{diagnostic.severity}[{diagnostic.code}]"
    head = styled(title, diagnostic.severity, color)
    first, *rest = _broken(f"{title}: {printable(diagnostic.message)}", "  ", most)
    lines = [head + styled(first.removeprefix(title), "bold", color), *(styled(line, "bold", color) for line in rest)]
    span = diagnostic.span
    labels = ([Label(span, diagnostic.label)] if span else []) + list(diagnostic.related)
    margin = max((len(str(_last_line(label.span))) for label in labels), default=1)
    for position, source in enumerate(_sources(labels)):
        here = [label for label in labels if label.span.source is source]
        lines.extend(_snippet(source, here, span, margin, position == 0, color, diagnostic.severity))
    bar = styled("=", "frame", color)
    tail = [("in", text) for text in _trace(diagnostic)]
    tail += [("note", note) for note in diagnostic.notes]
    if help := _help(diagnostic):
        tail.append(("help", help))
    if tail and labels:
        lines.append(" " * (margin + 1) + styled("|", "frame", color))
    for kind, text in tail:
        first, *rest = text.split("\n")
        title = styled(f"{kind}:", "bold", color)
        indent = " " * (margin + 1 + 2 + len(kind) + 2)
        first, *further = _broken(printable(first), indent, most, len(indent))
        lines.append(f"{' ' * (margin + 1)}{bar} {title} {first}")
        lines.extend([*further, *(f"{indent}{printable(line)}" for line in rest)])
    return "\n".join(lines)


def _broken(text: str, indent: str, most: int | None, taken: int = 0) -> list[str]:
    """A sentence on lines of at most `most` cells, those after the first set in. Of the first, `taken` are taken."""
    if most is None or taken + width(text) <= most:
        return [text]
    room = max(most - max(taken, len(indent)), _NARROWEST)
    first, *rest = with_code(text, room)
    return [first, *(indent + line.lstrip(" ") for line in rest)]


def _help(diagnostic: Finding) -> str:
    """The help, and below it the line as its edits leave it, unless the help itself says what they write."""
    if not diagnostic.edits or all(f"`{edit.replacement}`" in diagnostic.help for edit in diagnostic.edits):
        return diagnostic.help
    from archdsl.diagnostics.edits import mended_line

    line = mended_line(diagnostic.edits)
    if not line or line in diagnostic.help or width(line) > LINE_CELLS:
        return diagnostic.help
    return f"{diagnostic.help}\n{line}" if diagnostic.help else f"write `{line}`"


def _sources(labels: list[Label]) -> list[Source]:
    found: list[Source] = []
    for label in labels:
        if label.span.source not in found:
            found.append(label.span.source)
    return found


def _last_line(span: Span) -> int:
    return span.source.line_column(max(span.start, min(span.end, len(span.source.text)) - 1))[0]


def _trace(diagnostic: Finding) -> list[str]:
    """One line a frame, innermost first; equal frames in a row are one line, a long chain loses its middle."""
    runs: list[tuple[str, int]] = []
    for frame in diagnostic.trace:
        same = diagnostic.span is not None and frame.span.source is diagnostic.span.source
        place = f"line {frame.span.line}" if same else f"{frame.span.source.name}:{frame.span.line}"
        text = f"{frame.text.removeprefix('in ')}, from {place}"
        if runs and runs[-1][0] == text:
            runs[-1] = (text, runs[-1][1] + 1)
        else:
            runs.append((text, 1))
    texts = [text if count == 1 else f"{text} ({count} times)" for text, count in runs]
    hidden = sum(count for _, count in runs[_TRACE_HEAD : len(runs) - _TRACE_TAIL])
    if len(runs) > _TRACE_HEAD + _TRACE_TAIL + 1:
        texts[_TRACE_HEAD:-_TRACE_TAIL] = [f"... {hidden} more calls"]
    return texts


def _snippet(
    source: Source,
    labels: list[Label],
    span: Span | None,
    margin: int,
    first: bool,
    color: bool,
    severity: str,
) -> list[str]:
    """The annotated lines of one source, in order of their lines."""
    marks = [_place(label, label.span is span) for label in labels]
    arrow = styled("-->" if first else ":::", "frame", color)
    head = marks[0]
    gutter = " " * (margin + 1) + styled("|", "frame", color)
    lines = [
        f"{' ' * margin}{arrow} {printable(source.name)}:{head.line}:{head.column + 1}",
        gutter,
    ]
    painter = _Painter(source, margin, color, severity)
    single: dict[int, list[_Mark]] = {}
    blocks: list[tuple[int, int, list[str]]] = []
    for mark in marks:
        if mark.line == mark.end_line:
            single.setdefault(mark.line, []).append(mark)
        else:
            blocks.append((mark.line, mark.end_line, painter.several_lines(mark)))
    blocks.extend((line, line, painter.one_line(line, found)) for line, found in single.items())
    blocks.sort(key=lambda block: block[:2])
    previous: int | None = None
    for start, end, text in blocks:
        if previous is not None and start != previous + 1:
            lines.append(styled(_ELLIPSIS, "frame", color))
        lines.extend(text)
        previous = end
    return lines


def _place(label: Label, primary: bool) -> _Mark:
    source, length = label.span.source, len(label.span.source.text)
    start = min(max(label.span.start, 0), length)
    end = min(max(label.span.end, start), length)
    line, column = source.line_column(start)
    end_line, end_column = source.line_column(max(start, end - 1))
    column = min(column - 1, len(source.line_text(line)))
    # A span that takes in a line break ends where the text of its last line does.
    end_column = min(end_column if end > start else end_column - 1, len(source.line_text(end_line)))
    return _Mark(line, column, end_line, end_column, label.text, primary)


class _Painter:
    """Source lines and marker rows of one source."""

    def __init__(self, source: Source, margin: int, color: bool, severity: str) -> None:
        self.source = source
        self.margin = margin
        self.color = color
        self.severity = severity

    def row(self, text: str, line: int | None = None) -> str:
        number = "" if line is None else str(line)
        return (styled(f"{number:>{self.margin}} |", "frame", self.color) + f" {text}").rstrip()

    def stretch(self, line: int, focus: int) -> tuple[str, int]:
        """The text of a line and where it begins in it: of a very long line what is near the character `focus`, which
        is more than fits on the screen. A file may have its quarter of a megabyte on one line and many mistakes."""
        text = self.source.line_text(line)
        if len(text) <= 3 * _NEAR:
            return text, 0
        base = max(focus - _NEAR, 0)
        return text[base : focus + _NEAR], base

    def mark(self, text: str, primary: bool) -> str:
        return styled(text, self.severity if primary else "frame", self.color)

    def label(self, mark: _Mark) -> str:
        return f" {printable(mark.text)}" if mark.text else ""

    def one_line(self, line: int, marks: list[_Mark]) -> list[str]:
        chosen = next((mark for mark in marks if mark.primary), marks[0])
        text, base = self.stretch(line, chosen.column)
        marks = [mark.moved(base, len(text)) for mark in marks]
        forms, starts = cells(text)
        low, high = _window(starts, marks)
        text, offset = _cut(forms, starts, low, high)
        rows = [self.row(text, line)]
        # The diagnostic's own marker first, then the others from left to right.
        for mark in sorted(marks, key=lambda mark: (not mark.primary, mark.column, mark.end_column)):
            begin = min(max(starts[mark.column], starts[low]), starts[high])
            stop = min(max(starts[mark.end_column], begin + 1), max(starts[high], begin + 1))
            sign = ("^" if mark.primary else "-") * (stop - begin)
            pad = " " * (begin - starts[low] + offset)
            rows.append(self.row(f"{pad}{self.mark(sign + self.label(mark), mark.primary)}"))
        return rows

    def several_lines(self, mark: _Mark) -> list[str]:
        """A bar along the left of the lines, opened at the start of the span and closed under its end."""
        bar = self.mark("|", mark.primary)
        sign = "^" if mark.primary else "-"
        text, base = self.stretch(mark.line, mark.column)
        forms, starts = cells(text)
        column = mark.column - base
        opens_line = not base and not "".join(forms[:column]).strip()
        low, high = _window(starts, [_Mark(0, column, 0, len(forms), "", True)])
        text, offset = _cut(forms, starts, low, high)
        rows = [self.row(f"{self.mark('/', mark.primary) if opens_line else ' '} {text}", mark.line)]
        if not opens_line:
            reach = "_" * (starts[column] - starts[low] + offset + 1)
            rows.append(self.row(f" {self.mark(reach + sign, mark.primary)}"))
        inner = list(range(mark.line + 1, mark.end_line))
        hidden = len(inner) + 2 > _BODY_LINES
        for line in inner[: _BODY_LINES - 3] if hidden else inner:
            forms, starts = cells(self.stretch(line, 0)[0])
            text, _ = _cut(forms, starts, 0, _fit(starts, 0))
            rows.append(self.row(f"{bar} {text}", line))
        if hidden:
            rows.append(styled(_ELLIPSIS.ljust(self.margin + 3), "frame", self.color) + bar)
        last = max(mark.end_column - 1, 0)
        text, base = self.stretch(mark.end_line, last)
        forms, starts = cells(text)
        last -= base
        low, high = _window(starts, [_Mark(0, last, 0, last + 1, "", True)])
        text, offset = _cut(forms, starts, low, high)
        rows.append(self.row(f"{bar} {text}", mark.end_line))
        reach = "_" * (starts[last] - starts[low] + offset + 1)
        rows.append(self.row(f"{self.mark(f'|{reach}{sign}{self.label(mark)}', mark.primary)}"))
        return rows


def _fit(starts: list[int], low: int) -> int:
    """The last character such that the text from `low` to it fits in a line."""
    high = low
    while high + 1 < len(starts) and starts[high + 1] - starts[low] <= LINE_CELLS:
        high += 1
    return high


def _window(starts: list[int], marks: list[_Mark]) -> tuple[int, int]:
    """The characters of a line to show: all if they fit, else a stretch in which the first annotation
    starts."""
    if starts[-1] <= LINE_CELLS:
        return 0, len(starts) - 1
    chosen = next((mark for mark in marks if mark.primary), marks[0])
    low = 0
    if starts[min(chosen.end_column, len(starts) - 1)] > LINE_CELLS:
        low = chosen.column
        while low > 0 and starts[chosen.column] - starts[low - 1] <= _LEAD_CELLS:
            low -= 1
    return low, _fit(starts, low)


def _cut(forms: list[str], starts: list[int], low: int, high: int) -> tuple[str, int]:
    """The shown part of a line, with ellipses where something is missing, and the cells its left ellipsis
    takes."""
    left = _ELLIPSIS if low > 0 else ""
    right = _ELLIPSIS if high < len(forms) else ""
    return left + "".join(forms[low:high]) + right, len(left)
