"""Diagnostics as the compiler makes, collects and raises them; printed, one is the text that a person reads."""

from collections.abc import Iterable

from archdsl.diagnostics.finding import Edit as Edit
from archdsl.diagnostics.finding import Finding, in_order
from archdsl.diagnostics.finding import Frame as Frame
from archdsl.diagnostics.finding import Label as Label
from archdsl.diagnostics.finding import Severity as Severity
from archdsl.records import field, record


@record
class Diagnostic(Finding):
    """One finding, which prints itself."""

    def __str__(self) -> str:
        from archdsl.diagnostics.text import render_text

        return render_text([self])


class ArchError(Exception):
    """A spec was rejected. Carries every diagnostic that was found, `in_order`; printing it prints them as text."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(in_order(diagnostics))
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from archdsl.diagnostics.text import render_text

        return render_text(self.diagnostics)

    @property
    def is_limit(self) -> bool:
        """Whether a limit was hit (exit code 4) rather than a rule of the language broken."""
        return any(d.code.startswith("E09") for d in self.diagnostics)


@record
class Sink:
    """Collects diagnostics in the order they are found; a mistake found twice at one place is kept once.

    A block with a mistake in its body may be elaborated for several argument tuples; the reader wants it once.
    """

    found: list[Diagnostic] = field(default_factory=list[Diagnostic])
    _seen: set[tuple[str, int, int, int, str]] = field(default_factory=set[tuple[str, int, int, int, str]])

    def add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        key = (
            diagnostic.code,
            id(span.source) if span else 0,
            span.start if span else 0,
            span.end if span else 0,
            diagnostic.message,
        )
        if key not in self._seen:
            self._seen.add(key)
            self.found.append(diagnostic)

    @property
    def has_errors(self) -> bool:
        return any(d.severity == "error" for d in self.found)

    def raise_errors(self) -> None:
        """Raise `ArchError` with everything found, if any of it is an error."""
        if self.has_errors:
            raise ArchError(self.found)
