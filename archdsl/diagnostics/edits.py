"""Applying edits of diagnostics to texts. Read only when there are some."""

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.finding import Edit, F
from archdsl.source import Source


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made; they do not overlap. What is inserted breaks lines as the text does."""
    parts: list[str] = []
    position = 0
    crlf = "\r\n" in text
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        written = edit.replacement.replace("\n", "\r\n") if crlf else edit.replacement
        parts += (text[position : edit.span.start], written)
        position = edit.span.end
    return "".join([*parts, text[position:]])


def together(diagnostics: Iterable[F], source: Source) -> list[F]:
    """The first diagnostics whose edits are all of this source and touch none of those chosen before: what can be
    applied in one go."""
    chosen: list[F] = []
    taken: list[tuple[int, int]] = []
    for diagnostic in diagnostics:
        spans = [(edit.span.start, edit.span.end) for edit in diagnostic.edits]
        if not spans or any(edit.span.source is not source for edit in diagnostic.edits):
            continue
        if any(start <= last and first <= end for start, end in spans for first, last in taken):
            continue
        taken += spans
        chosen.append(diagnostic)
    return chosen


def mended_line(edits: Sequence[Edit]) -> str:
    """The line that the edits are on as they leave it, without its indentation; empty where that is not one line."""
    source = edits[0].span.source
    line = source.line_column(edits[0].span.start)[0]
    start = source.line_starts[line - 1]
    end = start + len(source.line_text(line))
    one_line = all(
        edit.span.source is source
        and start <= edit.span.start <= edit.span.end <= end
        and not {"\n", "\r"} & set(edit.replacement)
        for edit in edits
    )
    return applied(source.text[:end], edits)[start:].strip() if one_line else ""
