"""Counting against depth: the work grows with the distinct blocks of a network, not with its layers."""

import tempfile
from functools import partial
from pathlib import Path

from measure import MIB, median, ratio, run_process, take_turns
from tables import Report, Table, Target

DEPTHS = (20, 110, 1202, 10_004, 100_004, 1_000_004)
REPEATS = (2, 1000, 1_000_000)
SPEC = """
block unit() { add { conv(16, 3) -> bn -> relu -> conv(16, 3) -> bn | id }; relu }
model m(n = 2) { input x: f32[N, 16, 8, 8]; repeat n { unit }; output y }
"""


def run(rounds: int = 9) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repeat.arch"
        path.write_text(SPEC, encoding="utf-8")
        cifar = ("archdsl", "count", "specs/resnet_cifar.arch", "-p")
        contestants = {f"ResNet-{depth}": partial(run_process, *cifar, f"depth={depth}") for depth in DEPTHS}
        for count in REPEATS:
            contestants[f"repeat {count}"] = partial(run_process, "archdsl", "count", str(path), "-p", f"n={count}")
        found = take_turns(contestants, rounds)
    seconds = {name: [run.seconds for run in runs] for name, runs in found.items()}
    rows: list[tuple[str, ...]] = []
    against: dict[str, float] = {}
    for name, runs in found.items():
        shallow = f"ResNet-{DEPTHS[0]}" if name.startswith("ResNet") else f"repeat {REPEATS[0]}"
        against[name] = ratio(seconds[name], seconds[shallow])
        peak = median([run.peak for run in runs]) / MIB
        rows.append((name, f"{median(seconds[name]):.3f}", f"{peak:.0f}", f"{against[name]:.2f}x"))
    return Report(
        "Counting against depth, whole process",
        [Table("Networks of two shapes", ("network", "seconds", "peak MiB", "time / shallowest"), rows)],
        [
            Target(f"ResNet-{DEPTHS[-1]} against ResNet-{DEPTHS[0]}", against[f"ResNet-{DEPTHS[-1]}"], 1.5),
            Target(f"`repeat {REPEATS[-1]}` against `repeat 2`", against[f"repeat {REPEATS[-1]}"], 1.5),
        ],
    )
