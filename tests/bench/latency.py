"""One pass through seven networks, a batch of one: our ONNX model against PyTorch's exports of our module on the same
runtime, and against PyTorch itself."""

import tempfile

from engines import EXPORTERS, Passes
from measure import median, progress, ratio
from networks import DENSENET121, DENSENET_BC, GOOGLENET, GPT, RESNET50, RESNET110, VGG16, Network
from tables import Report, Table, Target

NETWORKS = (RESNET50, DENSENET121, DENSENET_BC, GOOGLENET, VGG16, RESNET110, GPT)
DENSE = (DENSENET121, DENSENET_BC)
OURS = "archdsl"
AGAIN = "archdsl again"
"""The same file in a second process: how far this differs from 1 is what the measurement cannot tell apart."""

NOISE = 1.03
"""Beyond this a peer is faster; below, the machine is."""


def run(rounds: int = 21, device: str = "cpu", dtype: str = "f32") -> Report:
    found = {network.name: _measure(network, rounds, device, dtype) for network in NETWORKS}
    report = Report(f"One pass on {device}, {dtype}, batch of one", [_table(found)])
    for network in NETWORKS:
        against = {peer: _against(found[network.name], peer) for peer in EXPORTERS}
        best = max(against, key=lambda peer: against[peer])
        bound = 1.0 if network in DENSE else NOISE
        report.targets.append(Target(f"{network.name} against the better export ({best})", against[best], bound))
    report.remarks = [
        "Ratios are archdsl's time over the other's: below 1, archdsl is faster. All with the same weights; every",
        "result is compared with double precision. `again` is the same file in a second process: its distance from 1",
        "is noise.",
    ]
    return report


def _measure(network: Network, rounds: int, device: str, dtype: str) -> dict[str, list[float]]:
    progress(network.name)
    images = ("channels_last",) if len(network.shape) == 4 else ()
    engines = (OURS, AGAIN, *EXPORTERS, "eager", *images, "torch.compile")
    with tempfile.TemporaryDirectory() as folder, Passes(network, folder, engines, device, dtype) as passes:
        return passes.take_turns(rounds)


def _against(times: dict[str, list[float]], peer: str) -> float:
    return ratio(times[OURS], times[peer])


def _table(found: dict[str, dict[str, list[float]]]) -> Table:
    peers = (AGAIN, *EXPORTERS, "eager", "channels_last", "torch.compile")
    rows = [
        (
            name,
            f"{1000 * median(times[OURS]):.2f}",
            *(f"{_against(times, peer):.2f}" if peer in times else "" for peer in peers),
        )
        for name, times in found.items()
    ]
    return Table("archdsl's ONNX over ...", ("network", "archdsl ms", "again", *peers[1:]), rows)
