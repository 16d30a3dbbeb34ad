"""Writing ONNX as a whole process: a spec with `archdsl compile`, a PyTorch file with each of PyTorch's exporters."""

import json
import tempfile
from functools import partial
from pathlib import Path

from measure import MIB, Run, median, progress, ratio, run_process, take_turns
from networks import DENSENET121, GOOGLENET, GPT, RESNET50, RESNET110, VGG16, Network
from tables import Report, Table, Target

NETWORKS = (RESNET50, DENSENET121, GOOGLENET, RESNET110, VGG16, GPT)
OURS = "archdsl"
PEERS = ("dynamo", "torchscript")
NODES = "import onnx, sys; print(len(onnx.load(sys.argv[1], load_external_data=False).graph.node))"


def run(rounds: int = 2) -> Report:
    rows: list[tuple[str, ...]] = []
    faster: list[float] = []
    for network in NETWORKS:
        progress(network.name)
        with tempfile.TemporaryDirectory() as folder:
            found = _measure(network, Path(folder), rounds)
            faster.append(ratio(_seconds(found["dynamo"]), _seconds(found[OURS])))
            rows += [_row(network, writer, found, Path(folder)) for writer in (OURS, *PEERS)]
    header = ("network", "writer", "seconds", "peak MiB", "time / archdsl", "memory / archdsl", "file MiB", "nodes")
    return Report(
        "Writing ONNX with weights, whole process",
        [Table("archdsl and PyTorch's exporters", header, rows)],
        [Target("the dynamo exporter against archdsl, time, median", median(faster), 10, at_least=True)],
        ["VGG-16 and GPT are their weights: most of our time is drawing them and writing the file."],
    )


def _measure(network: Network, folder: Path, rounds: int) -> dict[str, list[Run]]:
    source, name = network.write_source(folder)
    output = {writer: str(folder / writer / "model.onnx") for writer in (OURS, *PEERS)}
    for path in output.values():
        Path(path).parent.mkdir()
    contestants = {OURS: partial(run_process, "archdsl", "compile", *network.arguments, "-o", output[OURS])}
    for peer in PEERS:
        given = (peer, source, name, json.dumps(network.shape), output[peer])
        contestants[peer] = partial(run_process, "export.py", *given)
    return take_turns(contestants, rounds, warmups=int(network is NETWORKS[0]))


def _row(network: Network, writer: str, found: dict[str, list[Run]], folder: Path) -> tuple[str, ...]:
    runs, ours = found[writer], found[OURS]
    written = sum(path.stat().st_size for path in (folder / writer).iterdir())
    return (
        network.name if writer == OURS else "",
        writer,
        f"{median(_seconds(runs)):.2f}",
        f"{median([run.peak for run in runs]) / MIB:.0f}",
        f"{ratio(_seconds(runs), _seconds(ours)):.1f}x",
        f"{ratio([run.peak for run in runs], [run.peak for run in ours]):.1f}x",
        f"{written / MIB:.1f}",
        run_process("-c", NODES, str(folder / writer / "model.onnx")).output.strip(),
    )


def _seconds(runs: list[Run]) -> list[float]:
    return [run.seconds for run in runs]
