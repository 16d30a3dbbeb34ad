"""Every example of every operator as a small network, with inputs and weights to run it on."""

import copy
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from contract_reference import evaluate

from archdsl.api import Network, load
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS, Example, Operator, Work
from archdsl.ir.program import Op
from archdsl.ir.reach import AxisReach, Relation
from archdsl.ops import catalogue
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    import torch

SIZES = {"N": 2, "T": 5, "H": 6, "W": 7}
"""Values of the symbols that examples use."""


@dataclass(eq=False)
class Case:
    operator: type[Operator]
    example: Example
    _expected: tuple[np.ndarray, ...] | None = None

    def __str__(self) -> str:
        return f"{self.example.call} of {', '.join(self.example.inputs)}".replace(" ", "")

    @property
    def text(self) -> str:
        """The example as a model with one operator."""
        return model_text(self.example.call, self.example.inputs)

    def network(self, concrete: bool = False) -> Network:
        """The model, with its symbols bound if `concrete`."""
        return _loaded(self.text, _used(self.example.inputs) if concrete else ())

    def declared(self) -> tuple[Operator, tuple[TensorType, ...], tuple[TensorType, ...]]:
        """The operator with its input and output types as the example writes them, symbols included."""
        (node,) = (node for node in self.network().program.entry.nodes if isinstance(node, Op))
        inputs, outputs = (tuple(value.type for value in values) for values in (node.inputs, node.outputs))
        return node.op, inputs, outputs

    def op(self) -> tuple[Operator, tuple[TensorType, ...], tuple[TensorType, ...]]:
        """The operator with its input and output types, symbols replaced by their values."""
        op, *both = self.declared()
        inputs, outputs = (tuple(type.substitute(SIZES) for type in types) for types in both)
        return op, inputs, outputs

    def arrays(self) -> dict[str, np.ndarray]:
        """Random inputs by name, from a fixed seed."""
        random = np.random.default_rng(7)
        return {
            value.name: _random(random, value.type.substitute(SIZES), self.example.high)
            for value in self.network().program.inputs
        }

    def weights(self) -> dict[str, np.ndarray]:
        """`random_weights` of the model, which nobody can write to."""
        return dict(_weights(self.network()))

    def module(self) -> "torch.nn.Module":
        """The generated module, one of the caller's own."""
        return copy.deepcopy(_module(self.network()))

    def expected(self) -> tuple[np.ndarray, ...]:
        """What the definitions give for these inputs and weights, which nobody can write to."""
        if self._expected is None:
            op, _, _ = self.op()
            own = {path.rpartition(".")[2] if "." in path else "": array for path, array in self.weights().items()}
            self._expected = tuple(map(np.asarray, evaluate(op, list(self.arrays().values()), own)))
            for array in self._expected:
                array.flags.writeable = False
        return self._expected


@cache
def _used(inputs: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    return tuple((name, size) for name, size in SIZES.items() if re.search(rf"\b{name}\b", " ".join(inputs)))


@cache
def _weights(network: Network) -> dict[str, np.ndarray]:
    found = random_weights(network)
    for array in found.values():
        array.flags.writeable = False
    return found


@cache
def _module(network: Network) -> "torch.nn.Module":
    """As it is built; whoever takes it copies it."""
    return network.torch()


@cache
def _loaded(text: str, dims: tuple[tuple[str, int], ...]) -> Network:
    """Nothing changes a network, so each is loaded once."""
    return load(text, dims=dict(dims))


@cache
def model_text(call: str, inputs: tuple[str, ...]) -> str:
    """A model that applies one call to its inputs, but for those that the call names as arguments; a result that is a
    tuple gives several outputs."""
    declared = "\n".join(f"  input x{i}: {type}" for i, type in enumerate(inputs))
    flowing = [f"x{i}" for i in range(len(inputs)) if not re.search(rf"\bx{i}\b", call)]
    head = {0: "", 1: "x0 -> "}.get(len(flowing), f"[{', '.join(flowing)}] -> ")
    parts = _results(call)
    if parts == 0:
        return f"model m {{\n{declared}\n  {head}{call}\n  output y\n}}\n"
    results = ", ".join(f"y{i}" for i in range(parts))
    outputs = "\n".join(f"  output y{i}" for i in range(parts))
    return f"model m {{\n{declared}\n  {results} = {head}{call}\n{outputs}\n}}\n"


def _results(call: str) -> int:
    """How many results make the tuple that a call gives; 0 where it gives one tensor."""
    name = re.split(r"\W", call)[0]
    if name in ("lstm", "gru", "rnn") and re.search(r"\bstates\b", call):
        return 3 if name == "lstm" else 2
    if name != "split":
        return 0
    lengths = re.findall(r"\d+", call.partition("[")[2].partition("]")[0])
    return len(lengths) or int(re.findall(r"\d+", call)[0])


def _random(random: np.random.Generator, type: TensorType, high: int) -> np.ndarray:
    shape = tuple(int(dim) for dim in type.dims)
    if type.dtype in ("i64", "i32"):
        return random.integers(0, high, shape).astype({"i64": np.int64, "i32": np.int32}[type.dtype])
    return np.asarray(2.0 * random.standard_normal(shape), np.float32)


def random_weights(network: Network) -> dict[str, np.ndarray]:
    """Weights that nothing hides behind: no zeros, no ones, positive variances."""
    random = np.random.default_rng(11)
    weights: dict[str, np.ndarray] = {}
    for path, start in network.weights().items():
        if start.dtype == np.int64:
            weights[path] = np.asarray(3, np.int64)
        elif path.endswith("running_var"):
            weights[path] = random.uniform(0.5, 2.0, start.shape).astype(np.float32)
        else:
            weights[path] = random.uniform(-1.0, 1.0, start.shape).astype(np.float32)
    return weights


@cache
def operators() -> tuple[type[Operator], ...]:
    """Every operator once."""
    found = [catalogue.lookup(name) for name in catalogue.names()]
    return tuple(dict.fromkeys(operator for operator in found if operator is not None))


def work_text(work: Work) -> str:
    """Work as examples write it: `216*N*H*W conv, 8*N*H*W bias`."""
    return ", ".join(f"{work[kind]} {kind}" for kind in (*MAC_KINDS, *FLOP_KINDS) if work.get(kind, 0) != 0)


def reach_text(relation: Relation, inputs: tuple[TensorType, ...]) -> str:
    """A reach as examples write it: for each result and each input what is read along each axis."""
    return "; ".join(
        ", ".join(
            "-" if reach is None else f"[{', '.join(_read(reach.get(axis)) for axis in range(x.rank))}]"
            for x, reach in zip(inputs, row, strict=True)
        )
        for row in relation
    )


def _read(span: AxisReach | None) -> str:
    if span is None:
        return "*"
    letter = "abcdefgh"[span.axis]
    if span.period > 1:
        parts = [_ends(str(low), str(high)) for low, high in zip(span.lows, span.highs, strict=True)]
        return f"{letter}%{span.period}: {' | '.join(parts)} | +{span.step}"
    moving = letter if span.step == 1 else f"{span.step}{letter}"
    return _ends(*(f"{moving}{end:+d}" if end else moving for end in (span.lows[0], span.highs[0])))


def _ends(low: str, high: str) -> str:
    return low if low == high else f"{low}..{high}"


CASES = [Case(operator, example) for operator in operators() for example in operator.examples]
IDS = [str(case) for case in CASES]


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """max|d| / max|ref|, the measure of the project's tolerance; 0 for two zeros."""
    assert found.shape == expected.shape, f"{found.shape} instead of {expected.shape}"
    scale = np.abs(expected).max(initial=0.0)
    return float(np.abs(found.astype(np.float64) - expected).max(initial=0.0) / (scale or 1.0))
