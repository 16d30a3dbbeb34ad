"""`make mutants`: change the code in a thousand places, one at a time, and see whether the suite notices.

A sample is drawn for every stratum (a package, or one rule of the operators, such as `work`), by a seed. Each mutant
lives in a forked process with torch and onnx loaded, where one module is imported from its changed text; nothing on
disk changes. The tests that ran the changed lines are run, the likeliest to notice first. A mutant is killed by
the first failure, by an error and by too much time: of the processor, or on the clock, which counts only if it happens
again with nothing beside it. Those that survive and change nothing that anyone could see are listed in
`equivalent.csv`, with the reason.
"""

import argparse
import csv
import datetime
import gc
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from mutators import Mutant  # noqa: E402
from results import UNSETTLED, Results, settled  # noqa: E402
from sampling import everything, sample, stratum  # noqa: E402
from selection import FOLDER, ROOT, Selection, record  # noqa: E402
from trial import verdict  # noqa: E402

DRAWN = FOLDER / "drawn.txt"
"""What was drawn, when and of what revision."""

NAMED = ("path", "place", "code", "turn", "before", "after")
"""Columns of `equivalent.csv` that name a mutant."""


def equivalents() -> dict[tuple[str, ...], str]:
    """Mutants that change nothing anyone could see, by what names them, with the reason."""
    with (HERE / "equivalent.csv").open(newline="", encoding="utf-8") as stream:
        return {tuple(row[column] for column in NAMED): row["reason"] for row in csv.DictReader(stream)}


# ----------------------------------------------------------------------------------------------------------- all


def judge(
    chosen: list[Mutant], jobs: int, patience: float, briefly: Callable[[Mutant], bool] = lambda _: False
) -> Iterator[tuple[Mutant, str, str, float]]:
    """Verdicts on mutants, as they come, from so many processes side by side."""
    import multiprocessing
    from multiprocessing.connection import Connection, wait

    selection = Selection()
    context = multiprocessing.get_context("fork")

    def work(share: list[Mutant], pipe: "Connection") -> None:
        for mutant in share:
            pipe.send((mutant, *verdict(mutant, selection, patience, briefly(mutant))))
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
    """Load what every test loads, once for all children; of the package itself nothing. What they compile is kept, as
    Python keeps it unless it is told otherwise."""
    sys.dont_write_bytecode = False
    import hypothesis.strategies  # noqa: F401
    import numpy  # noqa: F401
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
    import pytest  # noqa: F401
    import torch

    torch.set_num_threads(1)
    gc.freeze()  # so that no child looks through all of it


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/mutation", description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=1000, help="mutants to draw (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="strata or paths that contain this text")
    parser.add_argument("--record", action="store_true", help="run the suite again to learn what each test runs")
    parser.add_argument("--again", action="store_true", help="only what survived or was undecided; the rest stands")
    parser.add_argument("--more", action="store_true", help="what an interrupted run of this sample did not come to")
    parser.add_argument("--quick", action="store_true", help="leave undecided what minutes of tests might kill")
    parser.add_argument("--save", action="store_true", help="write the table to report.md")
    options = parser.parse_args()
    if options.record or not any(FOLDER.glob("lines.*")):
        record(options.jobs)
    strata = everything()
    results = Results(FOLDER / "results.csv", options.again, options.only, options.more)
    if options.again:
        chosen = results.survivors([mutant for found in strata.values() for mutant in found])
    else:
        drawn = sample(strata, options.sample, options.seed)
        chosen = [mutant for mutant in drawn if options.only in f"{stratum(mutant)} {mutant.path}"]
        DRAWN.write_text(f"{options.sample} mutants drawn with seed {options.seed} {now()}")
        if options.more:
            chosen = results.missing(chosen)
    known = equivalents()
    asked = partial(judge, briefly=lambda mutant: options.quick or mutant.name in known)
    random.Random(0).shuffle(chosen)  # so that what is done so far is a sample too
    preload()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with results.written() as write:
        for number, (mutant, result, how, seconds) in enumerate(settled(asked, chosen, options.jobs), 1):
            if result != "killed" and mutant.name in known:
                result = "equivalent"
            write(mutant, stratum(mutant), result, how, seconds)
            if result in UNSETTLED:
                print(f"{mutant.path}:{mutant.line} {mutant.place} [{mutant.kind}]", flush=True)
                print(f"    {mutant.before!r} -> {mutant.after!r}   ({how})", flush=True)
            if number % 50 == 0:
                print(f"... {number} of {len(chosen)}", file=sys.stderr, flush=True)
    tally = results.tally()
    print(table(tally))
    if options.save:
        (HERE / "report.md").write_text(report(tally, results.rows()), encoding="utf-8")
    return int(any(share(row) < 0.95 for row in tally.values()) or share(total(tally)) < 0.97)


def total(tally: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: sum(row[name] for row in tally.values()) for name in ("killed", "survived", "equivalent")}


def share(row: dict[str, int]) -> float:
    """Killed, of those that change something."""
    real = row["killed"] + row["survived"]
    return row["killed"] / real if real else 1.0


def table(tally: dict[str, dict[str, int]]) -> str:
    lines = ["| stratum | mutants | killed | equivalent | survived | rate |", "|---|---:|---:|---:|---:|---:|"]
    for name, row in [*sorted(tally.items()), ("all", total(tally))]:
        count = row["killed"] + row["survived"] + row["equivalent"]
        figures = (name, count, row["killed"], row["equivalent"], row["survived"], f"{100 * share(row):.1f} %")
        lines.append(f"| {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


def report(tally: dict[str, dict[str, int]], rows: list[dict[str, str]]) -> str:
    """What is kept of a run: when and of what it was, the table, and each survivor."""
    unsettled = sum(row["verdict"] == "undecided" for row in rows)
    judged = f"{len(rows)} of them are judged, {unsettled} not with every test yet, and the survivors last {now()}"
    lines = ["# Mutants", "", f"{DRAWN.read_text()}; {judged}.", ""]
    lines += [
        "Rate: killed, of those that are not equivalent (`equivalent.csv` says why each is).",
        "",
        table(tally),
        "",
    ]
    lines += ["## Survivors", ""]
    for row in sorted(rows, key=lambda row: (row["path"], int(row["line"]))):
        if row["verdict"] in UNSETTLED:
            before, after = (" ".join(row[side].split()) for side in ("before", "after"))
            change = f"`{before}` -> `{after}`" if len(before + after) < 200 else "of a table"
            lines.append(f"- {row['path']}:{row['line']} {row['place']}, {row['kind']}: {change} ({row['how']})")
    return "\n".join(lines) + "\n"


def now() -> str:
    """Today and the revision, for the report."""
    command = ["git", "describe", "--always", "--dirty"]
    revision = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    return f"on {datetime.date.today().isoformat()} at revision {revision}"


if __name__ == "__main__":
    sys.exit(main())
