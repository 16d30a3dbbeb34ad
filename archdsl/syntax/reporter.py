"""Where the passes of this package report to: one file's diagnostics, not more than a reader can use."""

from typing import Final

from archdsl.diagnostics.model import Diagnostic, Edit, Label, Sink
from archdsl.limits import Limits
from archdsl.source import Source, Span

MOST_ERRORS: Final = 50
"""Past this many the text is most likely not an .arch file, and each further error costs time and screen."""


class Stop(Exception):
    """The end of a parse: all that is wrong was reported; the rest of the text is not looked at. Never leaves this
    package."""


class SyntaxReporter:
    """Reports on one source."""

    def __init__(self, source: Source, sink: Sink, limits: Limits) -> None:
        self.source = source
        self.sink = sink
        self.limits = limits
        self.count = 0

    def error(
        self,
        code: str,
        message: str,
        start: int,
        end: int,
        label: str = "",
        help: str = "",
        related: tuple[tuple[int, int, str], ...] = (),
        notes: tuple[str, ...] = (),
        edits: tuple[tuple[int, int, str], ...] = (),
    ) -> None:
        """Report one mistake; raises `Stop` when there were enough."""
        mends = tuple(Edit(Span(self.source, first, last), text) for first, last, text in edits)
        labels = tuple(Label(Span(self.source, first, last), text) for first, last, text in related)
        where = Span(self.source, start, end)
        self.sink.add(Diagnostic(code, message, where, label, labels, notes, help, edits=mends))
        self.count += 1
        if self.count >= MOST_ERRORS:
            message = f"there are more than {MOST_ERRORS} syntax errors; the rest of the file was not read"
            where = Span(self.source, end, end)
            self.sink.add(Diagnostic("E0120", message, where, help="correct the first of them and check again"))
            raise Stop

    def limit(self, code: str, message: str, start: int, end: int, label: str, name: str, value: int) -> Stop:
        """Report a limit; raise what this returns. `name` and `value` are what would let the text pass."""
        self.error(code, message, start, end, label, f"raise it with --limit {name}={value}")
        return Stop()
