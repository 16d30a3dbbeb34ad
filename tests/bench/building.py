"""PyTorch modules: built from a spec against written by hand, and one pass through each."""

import contextlib
import json
import tempfile

from engines import Passes
from measure import ROOT, Worker, median, progress, ratio, take_turns
from networks import ALEXNET, BN_GOOGLENET, DENSENET121, RESNET50, Network
from tables import Report, Table, Target

NETWORKS = (ALEXNET, RESNET50, DENSENET121, BN_GOOGLENET)


def run(rounds: int = 7) -> Report:
    rows: list[tuple[str, ...]] = []
    forward: list[float] = []
    for network in NETWORKS:
        progress(network.name)
        built = _built(network, rounds)
        with tempfile.TemporaryDirectory() as folder, Passes(network, folder, ("eager", "torchvision")) as passes:
            passed = passes.take_turns(rounds)
        forward.append(ratio(passed["eager"], passed["torchvision"]))
        rows.append(
            (
                network.name,
                *(f"{median(built[name]):.3f}" for name in ("archdsl", "torchvision")),
                f"{ratio(built['archdsl'], built['torchvision']):.2f}x",
                *(f"{median(built[name]):.3f}" for name in ("archdsl, meta", "torchvision, meta")),
                f"{forward[-1]:.2f}x",
            )
        )
    header = ("network", "spec s", "by hand s", "spec / by hand", "spec, meta s", "by hand, meta s", "pass / by hand")
    return Report(
        "PyTorch modules: from a spec, and torchvision's",
        [Table("Building, and one pass in eval mode", header, rows)],
        [Target("one pass of the generated module against torchvision's, median", median(forward), 1.03)],
        [
            "From a spec: read, check, write the source, run it, construct. On the meta device no weight is drawn:",
            "what is left is not PyTorch's random numbers. torchvision draws some weights a second time.",
        ],
    )


def _built(network: Network, rounds: int) -> dict[str, list[float]]:
    path, _, model = network.target.partition(":")
    ours = ("archdsl", str(ROOT / "specs" / path), model, json.dumps(network.parameters))
    theirs = ("torchvision", network.torchvision)
    contestants = {"archdsl": ours, "torchvision": theirs}
    contestants |= {f"{name}, meta": (*arguments, "meta") for name, arguments in contestants.items()}
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(Worker("build.py", *given)) for name, given in contestants.items()}
        return take_turns({name: worker.ready().seconds for name, worker in workers.items()}, rounds)
