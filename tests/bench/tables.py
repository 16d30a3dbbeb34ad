"""What a section of the bench reports: tables, targets and remarks, as text or as markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; the first column is text, the others are figures."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        rule = tuple("-" * width for width in widths)
        lines = [_line(row, widths) for row in (self.header, rule, *self.rows)]
        return "\n".join([self.title, "", *lines])

    def markdown(self) -> str:
        rule = ("---", *("--:" for _ in self.header[1:]))
        lines = [f"| {' | '.join(row)} |" for row in (self.header, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures = cells
    line = first.ljust(widths[0])
    return line + "".join(f"  {cell.rjust(width)}" for cell, width in zip(figures, widths[1:], strict=True))


@dataclass(frozen=True)
class Target:
    """A bound on a measured ratio: at most `bound`, or at least it."""

    what: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        side = "at least" if self.at_least else "at most"
        verdict = "met" if self.met else "MISSED"
        return f"{verdict}: {self.what}: {self.measured:.2f}x, {side} {self.bound:g}x wanted"


@dataclass
class Report:
    """A section: what it measured, or `skipped` with the reason."""

    title: str
    tables: list[Table] = field(default_factory=list[Table])
    targets: list[Target] = field(default_factory=list[Target])
    remarks: list[str] = field(default_factory=list[str])
    skipped: str = ""

    def text(self) -> str:
        return self._joined(self.title.upper(), [table.text() for table in self.tables])

    def markdown(self) -> str:
        return self._joined(f"## {self.title}", [table.markdown() for table in self.tables])

    def _joined(self, title: str, tables: list[str]) -> str:
        parts = [title, *([f"skipped: {self.skipped}"] if self.skipped else tables)]
        parts += ["\n".join(self.remarks)] if self.remarks else []
        parts += ["\n".join(f"- {target}" for target in self.targets)] if self.targets else []
        return "\n\n".join(parts)
