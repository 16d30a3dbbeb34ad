"""Which tests may notice a mutant, from what each test ran when nothing was changed."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from coverage.numbits import numbits_to_nums
from mutators import Mutant

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "mutants"

READERS = ("tests/golden/test_vocabulary.py", "tests/contract/test_examples.py")
"""Tests that read declarations of every file, without running a line of it."""

NEARBY = {
    "archdsl/ops/": ("tests/contract/",),
    "archdsl/syntax/": ("tests/corpus/", "tests/syntax/test_slips"),
    "archdsl/elaborate/": ("tests/corpus/",),
    "archdsl/analysis/": ("tests/golden/", "tests/contract/test_counts", "tests/contract/test_autograd"),
    "archdsl/backends/torch/": ("tests/golden/", "tests/contract/test_examples"),
    "archdsl/backends/onnx/": ("tests/contract/test_examples",),
    "archdsl/ir/": ("tests/golden/", "tests/contract/test_examples"),
}
"""Tests that ask much of a package though they lie elsewhere."""

CLOSEST = 4
"""Files of tests that are tried before all others take turns: to import a file of tests takes time too."""

_WORD = re.compile(r"\w{3,}")

_QUERY = """
select context.context, line_bits.numbits from line_bits, context, file
where context.id = line_bits.context_id and file.id = line_bits.file_id and file.path = ? and context.context <> ''
"""
"""Tests and the lines of one file that they ran, as coverage stores them."""


def record(jobs: int) -> None:
    """Run the suite once and write down what each test ran. Takes about twice the suite's time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in [*FOLDER.glob("coverage*"), *FOLDER.glob("lines.*"), *FOLDER.glob("durations.*")]:
        old.unlink()
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    settings = {
        "MUTATION_FOLDER": str(FOLDER), "MUTATION_PACKAGE": str(ROOT / "archdsl"), "PYTHONPATH": paths,
        "OMP_NUM_THREADS": "1", "COVERAGE_CORE": "ctrace",
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-p", "recording", "-n", str(jobs), "-p", "no:randomly", "tests"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False)


class Selection:
    """Tests by the lines that they run, the likeliest to notice a change first."""

    def __init__(self) -> None:
        self.durations: dict[str, float] = {}
        for path in FOLDER.glob("durations.*.json"):
            for test, seconds in json.loads(path.read_text()).items():
                self.durations[test] = max(seconds, self.durations.get(test, 0.0))
        self._lines: dict[str, dict[int, list[str]]] = {}
        self._texts: dict[str, str] = {}

    def lines(self, path: str) -> dict[int, list[str]]:
        """Tests by line of a file; those that ran any of it under 0."""
        if path not in self._lines:
            found: dict[int, list[str]] = defaultdict(list)
            for database in FOLDER.glob("lines.*.sqlite"):
                with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                    for test, bits in connection.execute(_QUERY, (str(ROOT / path),)):
                        for line in numbits_to_nums(bits):
                            found[line].append(test)
            found[0] = sorted({test for tests in found.values() for test in tests})
            self._lines[path] = found
        return self._lines[path]

    def tests(self, mutant: Mutant) -> list[str]:
        """Tests that ran the changed lines; for a declaration, which runs when a file is imported, those that ran any
        line of the file, and those of `READERS`; for a file of tables alone, whose readers are elsewhere, all. Files of
        tests that speak of what was changed come first, then those near to it by name, and they take turns; of each,
        first the tests whose names speak of it, then the cheap ones."""
        lines = self.lines(mutant.path)
        found = {test for line in range(mutant.line, mutant.end_line + 1) for test in lines.get(line, [])}
        by_file: dict[str, list[str]] = defaultdict(list)
        readers = [test for test in self.durations if test.startswith(READERS)]
        for test in found or (lines[0] and {*lines[0], *readers}) or self.durations:
            if test in self.durations:
                by_file[test.partition("::")[0]].append(test)
        words = set(Path(mutant.path).with_suffix("").parts) - {"archdsl"}
        changed = {*_WORD.findall(mutant.before)} - {*_WORD.findall(mutant.after)}
        spoken = {word.lower().strip("_") for word in words | {*mutant.place.split(".")} | changed}

        nearby = next((tests for path, tests in NEARBY.items() if mutant.path.startswith(path)), ())

        def near(file: str) -> tuple[int, int, float]:
            own = len(words & set(Path(file).with_suffix("").parts))
            named = sum(word in Path(file).stem for word in words)
            said = sum(word in self.text(file) for word in changed)
            return (
                -said,
                -own - named - file.startswith(nearby),
                sum(map(self.cost, by_file[file])) / len(by_file[file]),
            )

        files = sorted(by_file, key=near)
        for tests in by_file.values():
            tests.sort(
                key=lambda test: (-sum(word in test.partition("::")[2].lower() for word in spoken), self.cost(test))
            )
        first = [test for file in files[:CLOSEST] for test in by_file[file][:25]]
        turns = dict.fromkeys(first)
        for depth in range(max(map(len, by_file.values()), default=0)):
            turns.update(dict.fromkeys(by_file[file][depth] for file in files if len(by_file[file]) > depth))
        return [*turns]

    def text(self, file: str) -> str:
        """What a file of tests says, and the data beside it."""
        if file not in self._texts:
            beside = [path for path in (ROOT / file).parent.rglob("*") if path.suffix in (".arch", ".txt", ".csv")]
            paths = [ROOT / file, *beside]
            self._texts[file] = "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())
        return self._texts[file]

    def cost(self, test: str) -> float:
        return self.durations.get(test, 1.0)
