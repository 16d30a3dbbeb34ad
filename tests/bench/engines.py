"""One network on several engines, each in a process of its own, all with the same weights and the same input."""

import contextlib
import json
from pathlib import Path

import measure
from measure import ROOT, Worker, run_process
from networks import Network

EXPORTERS = {"dynamo": "dynamo", "TorchScript": "torchscript"}
"""Engines that run a file of one of PyTorch's exporters, and the exporter's name."""


class Passes(contextlib.ExitStack):
    """The workers for one network. `device` is "cpu" or "cuda", `dtype` "f32" or "f16"."""

    def __init__(
        self,
        network: Network,
        folder: str,
        engines: tuple[str, ...],
        device: str = "cpu",
        dtype: str = "f32",
        threads: int = 1,
    ) -> None:
        super().__init__()
        path, _, model = network.target.partition(":")
        _, name = network.write_source(Path(folder))
        exporters = [EXPORTERS[engine] for engine in engines if engine in EXPORTERS]
        given = (str(ROOT / "specs" / path), model, json.dumps(network.parameters), json.dumps(network.shape), dtype)
        run_process("prepare.py", folder, name, *given, *exporters)
        self._workers: dict[str, Worker] = {}
        try:
            for engine in engines:
                settings = (folder, name, device, dtype, str(threads), network.torchvision)
                worker = Worker("engine.py", engine, *settings, threads=threads)
                self._workers[engine] = self.enter_context(worker)
            for worker in self._workers.values():
                worker.ready()
        except BaseException:
            self.close()
            raise

    def take_turns(self, rounds: int) -> dict[str, list[float]]:
        """Seconds of one pass, by engine and round."""
        return measure.take_turns({name: worker.seconds for name, worker in self._workers.items()}, rounds, 2)
