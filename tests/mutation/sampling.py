"""A sample of all mutants of the core: some of every stratum, a package or one rule of the operators."""

import itertools
import random
from collections import defaultdict

from mutators import Mutant, mutants, valid
from selection import ROOT

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


def shares(sizes: dict[str, int], size: int) -> dict[str, int]:
    """How many to draw of each stratum, `size` together: in proportion to its mutants, but at least `FEWEST`, or what
    there is for each where that is less."""
    fewest = min(FEWEST, size // len(sizes))
    wanted = {name: min(fewest, count) for name, count in sizes.items()}
    while sum(wanted.values()) < min(size, sum(sizes.values())):
        unmet = (name for name in sizes if wanted[name] < sizes[name])
        wanted[min(unmet, key=lambda name: (wanted[name] + 1) / sizes[name])] += 1
    return wanted


def sample(strata: dict[str, list[Mutant]], size: int, seed: int) -> list[Mutant]:
    """So many mutants of all strata."""
    chance = random.Random(seed)
    drawn: list[Mutant] = []
    for name, wanted in sorted(shares({name: len(found) for name, found in strata.items()}, size).items()):
        order = chance.sample(strata[name], len(strata[name]))
        fitting = (mutant for mutant in order if valid(mutant, (ROOT / mutant.path).read_text(encoding="utf-8")))
        drawn += itertools.islice(fitting, wanted)
    return drawn
