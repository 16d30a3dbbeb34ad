"""What a run of mutants found, as a table on disk, so that after new tests only the survivors need be run again."""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mutators import Mutant

COLUMNS = ("stratum", "path", "line", "column", "place", "kind", "before", "after", "verdict", "how", "seconds")

UNSETTLED = ("survived", "undecided")
"""Verdicts that more tests may change."""

Verdict = tuple[Mutant, str, str, float]


def settled(
    judge: Callable[[list[Mutant], int, float], Iterator[Verdict]], chosen: list[Mutant], jobs: int
) -> Iterator[Verdict]:
    """Verdicts, where those by time are given once more, of one mutant after another with twice the limit: on a loaded
    machine a test may be slow though nothing hangs."""
    doubtful: list[Mutant] = []
    for verdict in judge(chosen, jobs, 1.0):
        if verdict[2] == "time":
            doubtful.append(verdict[0])
        else:
            yield verdict
    if doubtful:
        yield from judge(doubtful, 1, 2.0)


class Results:
    """The table of a run. With `again`, rows of the last run stay as they are, but for those of survivors, and of what
    was left undecided, whose stratum or path contains `only`; with `more`, all do."""

    def __init__(self, path: Path, again: bool = False, only: str = "", more: bool = False) -> None:
        self.path = path
        self.kept: list[dict[str, str]] = []
        self.old: list[dict[str, str]] = []
        """Survivors of the last run, to be run again."""
        self._rows: dict[Mutant, dict[str, str]] = {}
        """Those of them that are mutants of today's text."""
        if again or more:
            for row in self.rows():
                chosen = not more and row["verdict"] in UNSETTLED and only in f"{row['stratum']} {row['path']}"
                (self.old if chosen else self.kept).append(row)

    def survivors(self, mutants: list[Mutant]) -> list[Mutant]:
        """The survivors of the last run as they are in today's text: of several that are named alike, the nearest to
        where it was. What is no mutant of today's text any more counts no more, whatever its verdict was."""
        named: dict[tuple[str, ...], list[Mutant]] = defaultdict(list)
        for mutant in mutants:
            named[mutant.key].append(mutant)
        self.kept = [row for row in self.kept if (row["path"], row["place"], row["before"], row["after"]) in named]
        found: list[Mutant] = []
        for row in self.old:
            alike = named[row["path"], row["place"], row["before"], row["after"]]
            if alike:
                line, column = int(row["line"]), int(row["column"])
                nearest = min(alike, key=lambda mutant: (abs(mutant.line - line), abs(mutant.column - column)))
                alike.remove(nearest)
                found.append(nearest)
                self._rows[nearest] = row
        return found

    def missing(self, drawn: list[Mutant]) -> list[Mutant]:
        """Of a sample, the mutants that an interrupted run did not come to."""
        judged = Counter((row["path"], row["place"], row["before"], row["after"]) for row in self.kept)
        found: list[Mutant] = []
        for mutant in drawn:
            if not judged[mutant.key]:
                found.append(mutant)
            judged[mutant.key] -= 1
        return found

    @contextmanager
    def written(self) -> Iterator[Callable[[Mutant, str, str, str, float], None]]:
        """Write verdicts as they come. Those of the last run are given up only for others: where this run ends early,
        what it did not come to stays as it was."""
        now = self.path.with_name("again.csv") if self.old or self.kept else self.path
        with now.open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, COLUMNS)
            table.writeheader()
            table.writerows(self.kept)

            def write(mutant: Mutant, stratum: str, verdict: str, how: str, seconds: float) -> None:
                self._rows.pop(mutant, None)
                row = {name: getattr(mutant, name, "") for name in COLUMNS}
                found = {"stratum": stratum, "verdict": verdict, "how": how, "seconds": f"{seconds:.1f}"}
                table.writerow({**row, **found})
                stream.flush()

            try:
                yield write
            finally:
                table.writerows(self._rows.values())
                stream.flush()
                os.replace(now, self.path)

    def rows(self) -> list[dict[str, str]]:
        with self.path.open(newline="", encoding="utf-8") as stream:
            return [*csv.DictReader(stream)]

    def tally(self) -> dict[str, dict[str, int]]:
        """How many of each stratum have each verdict; what is undecided has survived so far."""
        found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in self.rows():
            found[row["stratum"]]["survived" if row["verdict"] in UNSETTLED else row["verdict"]] += 1
        return found
