"""A diagnostic as data, for renderers: what is wrong, where, how the compiler got there, and what to do."""

import re
from collections.abc import Iterable
from typing import Literal, TypeVar

from archdsl.records import described, record
from archdsl.source import Span

Severity = Literal["error", "warning"]


@record
class Label:
    """A place worth showing. The primary label is the diagnostic's own; the others are context."""

    span: Span
    text: str = ""

    __repr__ = described


@record
class Frame:
    """One step of the chain of block calls that led to the mistake, for example
    `in block `bottleneck`, layer3[i=2]`, with the span of the call."""

    text: str
    span: Span

    __repr__ = described


@record
class Edit:
    """A piece of a source and what to write in its place; nothing is replaced where the span is empty."""

    span: Span
    replacement: str

    __repr__ = described


@record
class Finding:
    """The fields of a diagnostic. `code` is a key of `codes.CODES`; `message` is a single terse sentence without a full
    stop.

    `span` is None only for findings about something that is no place in a source (a missing file named on the command
    line). `trace` is ordered from the innermost call outwards. `edits` mend it, all of them together, and are there
    only where no other mend is likely: tools apply them unasked.
    """

    code: str
    message: str
    span: Span | None
    label: str = ""
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    trace: tuple[Frame, ...] = ()
    severity: Severity = "error"
    edits: tuple[Edit, ...] = ()

    __repr__ = described

    def shorten(self) -> None:
        """Shorten what was quoted from the author in its texts, which may be a quarter of a megabyte."""
        self.message, self.label, self.help = shortened(self.message), shortened(self.label), shortened(self.help)
        self.notes = tuple(map(shortened, self.notes))
        for piece in (*self.related, *self.trace):
            piece.text = shortened(piece.text)


F = TypeVar("F", bound=Finding)

LONGEST_WORD = 200
LONGEST_TEXT = 2000


def shortened(text: str) -> str:
    """The text with the middle of every word left out that is longer than `LONGEST_WORD`, and cut at `LONGEST_TEXT`."""
    if len(text) <= LONGEST_WORD:
        return text
    words = re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda word: f"{word[0][:60]}...{word[0][-20:]}", text)
    return words if len(words) <= LONGEST_TEXT else f"{words[:LONGEST_TEXT].rstrip()}..."


def in_order(diagnostics: Iterable[F]) -> list[F]:
    """Diagnostics as a reader goes through them: those of one file together, by where they start.

    Whatever prints diagnostics gets them from here, so here their texts are made as short as a reader bears.

    They are found in another order: characters first, then the grammar, then model by model. Files come in the order in
    which something was first found in them; what is no place in a file keeps its own place among them.
    """
    found = list(diagnostics)
    for diagnostic in found:
        diagnostic.shorten()
    ranks: dict[int, int] = {}
    keys = {
        id(diagnostic): (ranks.setdefault(id(span.source), number), span.start) if span else (number, 0)
        for number, diagnostic in enumerate(found)
        for span in (diagnostic.span,)
    }
    return sorted(found, key=lambda diagnostic: keys[id(diagnostic)])
