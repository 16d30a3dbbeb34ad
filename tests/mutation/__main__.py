"""`make mutants`: change the code in a thousand places, one at a time, and see whether the suite notices.

A sample is drawn for every stratum (a package, or one rule of the operators, such as `work`), by a seed. Each mutant
lives in a forked process with torch and onnx loaded, where one module is imported from its changed text; nothing on
disk changes. The tests that ran the changed lines are run, the likeliest to notice first. A mutant is killed by
the first failure, by an error and by too much time, twice, the second time alone. Those that survive and change
nothing that anyone could see are listed in `equivalent.csv`, with the reason.
"""

import argparse
import csv
import datetime
import itertools
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from mutators import Mutant, mutants, valid  # noqa: E402
from results import Results, settled  # noqa: E402
from selection import FOLDER, ROOT, Selection, record  # noqa: E402
from trial import verdict  # noqa: E402

STRATA = ("types", "ir", "elaborate", "syntax", "analysis", "backends/torch", "backends/onnx", "weights")
RULES = ("infer", "weights", "work", "reach", "reads", "autograd", "torch", "onnx")
FEWEST = 40
"""Mutants of each stratum, where there are as many."""


def stratum(mutant: Mutant) -> str:
    """Which stratum a mutant counts in: its package, or for an operator the rule that it is in."""
    if mutant.path.startswith("archdsl/ops/"):
        rule = next((name for name in reversed(mutant.place.split(".")) if name in RULES), "")
        return f"ops: {rule or 'declarations and helpers'}"
    return next((name for name in STRATA if mutant.path.startswith(f"archdsl/{name}/")), "")


def everything() -> dict[str, list[Mutant]]:
    """Every mutant of the core, by stratum."""
    found: dict[str, list[Mutant]] = defaultdict(list)
    for path in sorted((ROOT / "archdsl").rglob("*.py")):
        for mutant in mutants(path, path.relative_to(ROOT).as_posix()):
            if stratum(mutant):
                found[stratum(mutant)].append(mutant)
    return found


def sample(strata: dict[str, list[Mutant]], size: int, seed: int) -> list[Mutant]:
    """A share of every stratum in proportion to its mutants, but at least `FEWEST`."""
    chance = random.Random(seed)
    total = sum(map(len, strata.values()))
    drawn: list[Mutant] = []
    for name in sorted(strata):
        wanted = max(FEWEST, round(size * len(strata[name]) / total))
        order = chance.sample(strata[name], len(strata[name]))
        fitting = (mutant for mutant in order if valid(mutant, (ROOT / mutant.path).read_text(encoding="utf-8")))
        drawn += itertools.islice(fitting, wanted)
    return drawn


def equivalents() -> dict[tuple[str, str, str, str], str]:
    """Mutants that change nothing anyone could see, by what names them, with the reason."""
    with (HERE / "equivalent.csv").open(newline="", encoding="utf-8") as stream:
        return {
            (row["path"], row["place"], row["before"], row["after"]): row["reason"] for row in csv.DictReader(stream)
        }


# ----------------------------------------------------------------------------------------------------------- all


def judge(chosen: list[Mutant], jobs: int, patience: float) -> Iterator[tuple[Mutant, str, str, float]]:
    """Verdicts on mutants, as they come, from so many processes side by side."""
    import multiprocessing
    from multiprocessing.connection import Connection, wait

    selection = Selection()
    context = multiprocessing.get_context("fork")

    def work(share: list[Mutant], pipe: "Connection") -> None:
        for mutant in share:
            pipe.send((mutant, *verdict(mutant, selection, patience)))
        pipe.close()

    pipes: list[Connection] = []
    for number in range(jobs):
        ours, theirs = context.Pipe(duplex=False)
        context.Process(target=work, args=(chosen[number::jobs], theirs)).start()
        theirs.close()
        pipes.append(ours)
    while pipes:
        for pipe in wait(pipes):
            assert isinstance(pipe, Connection)
            try:
                yield pipe.recv()
            except EOFError:
                pipes.remove(pipe)


def preload() -> None:
    """Load what every test loads, once for all children; of the package itself nothing."""
    import numpy  # noqa: F401
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
    import pytest  # noqa: F401
    import torch

    torch.set_num_threads(1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/mutation", description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=1000, help="mutants to draw (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="strata or paths that contain this text")
    parser.add_argument("--record", action="store_true", help="run the suite again to learn what each test runs")
    parser.add_argument("--again", action="store_true", help="the survivors of the last run; the rest of it stands")
    parser.add_argument("--save", action="store_true", help="write the table to report.md")
    options = parser.parse_args()
    if options.record or not any(FOLDER.glob("lines.*")):
        record(options.jobs)
    strata = everything()
    results = Results(FOLDER / "results.csv", options.again, options.only)
    if options.again:
        chosen = results.survivors([mutant for found in strata.values() for mutant in found])
    else:
        drawn = sample(strata, options.sample, options.seed)
        chosen = [mutant for mutant in drawn if options.only in f"{stratum(mutant)} {mutant.path}"]
    known = equivalents()
    random.Random(0).shuffle(chosen)  # so that what is done so far is a sample too
    preload()
    with results.written() as write:
        for number, (mutant, result, how, seconds) in enumerate(settled(judge, chosen, options.jobs), 1):
            if result == "survived" and mutant.key in known:
                result = "equivalent"
            write(mutant, stratum(mutant), result, how, seconds)
            if result == "survived":
                print(f"{mutant.path}:{mutant.line} {mutant.place} [{mutant.kind}]", flush=True)
                print(f"    {mutant.before!r} -> {mutant.after!r}   ({how})", flush=True)
            if number % 50 == 0:
                print(f"... {number} of {len(chosen)}", file=sys.stderr, flush=True)
    tally = results.tally()
    text = report(tally)
    print(text)
    if options.save:
        today = datetime.date.today().isoformat()
        head = f"# Mutants of {today}, seed {options.seed}\n\n`make mutants` draws them again.\n\n"
        (HERE / "report.md").write_text(head + text + "\n", encoding="utf-8")
    return int(any(share(row) < 0.95 for row in tally.values()) or share(total(tally)) < 0.97)


def total(tally: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: sum(row[name] for row in tally.values()) for name in ("killed", "survived", "equivalent")}


def share(row: dict[str, int]) -> float:
    """Killed, of those that change something."""
    real = row["killed"] + row["survived"]
    return row["killed"] / real if real else 1.0


def report(tally: dict[str, dict[str, int]]) -> str:
    lines = ["| stratum | mutants | killed | equivalent | survived | share killed |", "|---|---|---|---|---|---|"]
    for name, row in [*sorted(tally.items()), ("all", total(tally))]:
        count = row["killed"] + row["survived"] + row["equivalent"]
        figures = (name, count, row["killed"], row["equivalent"], row["survived"], f"{100 * share(row):.1f} %")
        lines.append(f"| {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
