"""Counting one network as a whole process, against the tools that people count with."""

import tempfile
from functools import partial
from pathlib import Path

from measure import MIB, Run, median, progress, ratio, run_process, take_turns
from networks import ALEXNET, BN_GOOGLENET, DENSENET121, RESNET50, VGG16, Network
from tables import Report, Table, Target

NETWORKS = (ALEXNET, VGG16, RESNET50, DENSENET121, BN_GOOGLENET)
OURS = "archdsl count"
TOOLS = ("torchinfo", "fvcore", "ptflops", "thop", "calflops", "FlopCounterMode", "FlopCounterMode on meta")
IMPORTS = ("pass", "import lark", "import torch")
"""For scale: what a process costs that does nothing, and one that only imports."""


def run(rounds: int = 2) -> Report:
    found = {network.name: _measure(network, rounds) for network in NETWORKS}
    fastest = min(median([_slower(runs, tool) for runs in found.values()]) for tool in TOOLS)
    smallest = min(median([_larger(runs, tool) for runs in found.values()]) for tool in TOOLS)
    lark = ratio(_seconds(found[RESNET50.name][OURS]), _seconds(found[RESNET50.name]["import lark"]))
    return Report(
        "Counting parameters and MACs, whole process",
        [_by_tool(found), _by_network(found)],
        [
            Target("the fastest other tool against archdsl, time", fastest, 25, at_least=True),
            Target("the smallest other tool against archdsl, peak memory", smallest, 8, at_least=True),
            Target("counting ResNet-50 against `import lark`", lark, 3),
        ],
        [
            "Every tool counts the same PyTorch file, which imports nothing but torch; archdsl counts the spec.",
            "Right: of the networks, how many have the parameters and the MACs that archdsl counts, to the unit.",
        ],
    )


def _measure(network: Network, rounds: int) -> dict[str, list[Run]]:
    progress(network.name)
    with tempfile.TemporaryDirectory() as folder:
        path, name = network.write_source(Path(folder))
        contestants = {OURS: partial(run_process, "archdsl", "count", *network.arguments)}
        for tool in TOOLS:
            contestants[tool] = partial(run_process, "count.py", tool, path, name)
        for code in IMPORTS if network is RESNET50 else ():
            contestants[code] = partial(run_process, "-c", code)
        # The first network warms the disk for all.
        return take_turns(contestants, rounds, warmups=int(network is NETWORKS[0]))


def _seconds(runs: list[Run]) -> list[float]:
    return [run.seconds for run in runs]


def _slower(runs: dict[str, list[Run]], tool: str) -> float:
    return ratio(_seconds(runs[tool]), _seconds(runs[OURS]))


def _larger(runs: dict[str, list[Run]], tool: str) -> float:
    return ratio([run.peak for run in runs[tool]], [run.peak for run in runs[OURS]])


def _by_tool(found: dict[str, dict[str, list[Run]]]) -> Table:
    exact = {network.name: network.load().cost() for network in NETWORKS}
    counts = {name: (cost.params, cost.macs) for name, cost in exact.items()}
    rows: list[tuple[str, ...]] = []
    for tool in (OURS, *TOOLS, *IMPORTS):
        having = {name: runs for name, runs in found.items() if tool in runs}
        printed = {name: runs[tool][0].output.split() for name, runs in having.items()}
        right = [
            sum(counts[name][which] == int(cells[which]) for name, cells in printed.items()) if tool in TOOLS else 0
            for which in (0, 1)
        ]
        rows.append(
            (
                tool,
                f"{median([run.seconds for runs in having.values() for run in runs[tool]]):.3f}",
                f"{median([run.peak for runs in having.values() for run in runs[tool]]) / MIB:.0f}",
                f"{median([_slower(runs, tool) for runs in having.values()]):.1f}x",
                f"{median([_larger(runs, tool) for runs in having.values()]):.1f}x",
                *(f"{number} of {len(printed)}" if tool in TOOLS else "" for number in right),
            )
        )
    header = ("tool", "seconds", "peak MiB", "time / archdsl", "memory / archdsl", "params right", "MACs right")
    return Table("By tool, median over the networks", header, rows)


def _by_network(found: dict[str, dict[str, list[Run]]]) -> Table:
    rows: list[tuple[str, ...]] = []
    for name, runs in found.items():
        fastest = min(TOOLS, key=lambda tool: _slower(runs, tool))
        smallest = min(TOOLS, key=lambda tool: _larger(runs, tool))
        rows.append(
            (
                name,
                f"{median(_seconds(runs[OURS])):.3f}",
                f"{median([run.peak for run in runs[OURS]]) / MIB:.0f}",
                f"{fastest}, {_slower(runs, fastest):.0f}x",
                f"{smallest}, {_larger(runs, smallest):.0f}x",
            )
        )
    return Table(
        "By network", ("network", "archdsl s", "archdsl MiB", "fastest other tool", "smallest other tool"), rows
    )
