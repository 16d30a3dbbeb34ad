"""Programs for the tests of the PyTorch backend: from spec text, or from the repository's specs."""

from pathlib import Path
from typing import Any

import torch

from archdsl import api
from archdsl.diagnostics.model import Sink
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.types.dims import substitute, symbols

SPECS = Path(__file__).parents[3] / "specs"

INSTANCES: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("alexnet", None, {}),
    ("autoencoder", None, {}),
    ("densenet", None, {}),
    ("densenet", None, {"drop": 0.2}),
    ("densenet_cifar", None, {}),
    ("digits", None, {}),
    ("fitnet", None, {}),
    ("googlenet", None, {}),
    ("googlenet", None, {"aux": True}),
    ("gpt", None, {"layers": 2, "d": 32, "heads": 4, "vocab": 50, "context": 16}),
    ("highway", None, {}),
    ("lenet", None, {}),
    ("preact_resnet_cifar", None, {"depth": 20}),
    ("resnet", None, {"depth": 18}),
    ("resnet", None, {"depth": 50}),
    ("resnet", None, {"depth": 50, "v1_5": True}),
    ("resnet_cifar", None, {"depth": 20}),
    ("resnet_cifar", None, {"depth": 32, "option": "B"}),
    ("unet", None, {"base": 8}),
    ("vgg", None, {"config": "A", "bn": True}),
)
"""Specs of the repository under settings small enough to run."""


def from_spec(name: str, model: str | None = None, **parameters: Any) -> Program:
    """One instance of a spec of the repository, of its first model unless one is named."""
    path = SPECS / f"{name}.arch"
    if model is None:
        model = next(iter(api.load_module(str(path), Sink(), Limits()).models))
    return api.load(path, model, **parameters).program


def from_text(text: str, **parameters: Any) -> Program:
    """One instance of the only model of a text."""
    return api.load(text + "\n", **parameters).program


def inputs(program: Program, *, batch: int = 2, symbol: int = 3, seed: int = 0) -> list[torch.Tensor]:
    """Random inputs: the batch symbol is `batch`, other symbols are `symbol`; whole numbers are 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    values = {name: symbol for value in program.inputs for name in _symbols(value.type.dims)}
    if program.batch_symbol:
        values[program.batch_symbol] = batch
    found: list[torch.Tensor] = []
    for value in program.inputs:
        shape = [int(substitute(dim, values)) for dim in value.type.dims]  # type: ignore[arg-type]
        if value.type.dtype == "f32":
            found.append(torch.randn(shape, generator=generator))
        else:
            found.append(torch.randint(0, 2, shape, generator=generator))
    return found


def _symbols(dims: tuple[Any, ...]) -> set[str]:
    return set().union(*(symbols(dim) for dim in dims))
