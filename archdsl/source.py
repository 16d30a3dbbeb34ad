"""Source text and positions in it: the ground floor that every other package stands on."""

from bisect import bisect_right
from functools import cached_property

from archdsl.records import record


class Source:
    """One `.arch` text. `name` is what diagnostics print (a path, `<string>`, `std/blocks.arch`).

    A `standard` one is a file of the standard library, in which an author has nothing to mend.

    Two sources are the same only if they are the same object: a file loaded twice is loaded once by the importer.
    """

    def __init__(self, name: str, text: str, standard: bool = False) -> None:
        self.name = name
        self.text = text
        self.standard = standard

    @cached_property
    def line_starts(self) -> list[int]:
        """Offsets at which each line starts; line breaks are `\\n` only (a `\\r` before one is white space)."""
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        return starts

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1, in characters."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a line (from 1), without its line break."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] - 1 if line < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@record
class Span:
    """A half-open range of character offsets in one source. Never mutated after creation."""

    source: Source
    start: int
    end: int

    def to(self, other: "Span") -> "Span":
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, other.end)

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line, counted from 1, on which the span starts."""
        return self.source.line_column(self.start)[0]

    def __repr__(self) -> str:
        line, column = self.source.line_column(self.start)
        return f"{self.source.name}:{line}:{column}"
