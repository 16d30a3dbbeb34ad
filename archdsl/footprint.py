"""Memory and arithmetic that running a network on an engine takes, known from its counts before anything runs.

A line of text can ask for more memory than a machine has, and for more arithmetic than anybody waits for. Neither an
engine nor the system says so in time: memory is promised, and the process killed when it is used. So weights are
compared before the first is drawn, and what goes through the network as soon as its inputs have sizes.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Final, Literal

from archdsl.analysis.cost import CostModel
from archdsl.analysis.effort import Effort
from archdsl.analysis.liveness import LivenessModel
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.internal import InternalError
from archdsl.ir.conditions import solve
from archdsl.ir.flatten import check_size
from archdsl.ir.program import Op, Program, walk
from archdsl.limits import Limits
from archdsl.records import record
from archdsl.types.dims import Dim, symbols
from archdsl.types.tensor import TensorType
from archdsl.weights.initial import check_memory, machine_memory

Runs = Literal["onnxruntime", "both"]
"""Who runs: onnxruntime alone, or PyTorch in single and in double precision too."""

COPIES: Final[Mapping[Runs, int]] = {"onnxruntime": 4, "both": 7}
"""How many times the bytes of the weights are there at once: the arrays, the ONNX message, its text, onnxruntime's own;
a PyTorch module in single precision, and one in double."""

_WIDTH: Final[Mapping[Runs, int]] = {"onnxruntime": 1, "both": 2}
"""Bytes of a value per byte that it has in single precision, in the widest of the runs."""


def check_weights(program: Program, runs: Runs, limits: Limits) -> None:
    """Raise `ArchError` for a network that is not to be prepared for an engine: E0916 (more than `limits.run_nodes`
    nodes), E0814 (weights beyond this machine's memory)."""
    check_size(program, limits)
    check_size(program, limits, run=True)
    check_memory(program, limits, COPIES[runs])


@record
class Footprint:
    """Memory and arithmetic of a run. `weights` bytes of state; `values` the most bytes at once of what flows, in
    single precision, inputs included; `inside` the most that kernels of one operator take besides; `flops` of one
    engine."""

    runs: Runs
    weights: int
    values: int
    inside: int
    flops: int

    @property
    def bytes(self) -> int:
        """Memory of all engines that run; they do so one after the other."""
        return COPIES[self.runs] * self.weights + _WIDTH[self.runs] * (self.values + self.inside)


def footprint(program: Program, shapes: Mapping[str, Sequence[int]], runs: Runs) -> Footprint:
    """Memory and arithmetic of running a program on inputs of some shapes. Raises `ArchError` (E0914) where that
    takes too long to work out."""
    sizes = _sizes(program, shapes)
    effort = Effort(program)
    costs = CostModel(program, effort, sizes)
    nodes = (node for function in program.functions for node, _ in walk(function.nodes))
    return Footprint(
        runs,
        costs.total.weight_bytes,
        LivenessModel(program, effort, sizes).peak.evaluate(),
        max((_inside(costs, node) for node in nodes if isinstance(node, Op)), default=0),
        _number(costs.total.flops),
    )


def check_values(program: Program, shapes: Mapping[str, Sequence[int]], runs: Runs, limits: Limits) -> None:
    """Raise `ArchError` for a network that is not to be run on inputs of some shapes: E0835 (more than this machine's
    memory), E0916 (more than `limits.run_gflops` of arithmetic)."""
    found = footprint(program, shapes, runs)
    if found.flops > limits.run_gflops * 10**9:
        message = f"running the network takes {found.flops:_} FLOPs, more than {limits.run_gflops:_} * 10**9"
        help = f"to run it all the same, raise the limit: `--limit run_gflops={found.flops // 10**9 + 1}`"
        raise ArchError([Diagnostic("E0916", message, program.entry.span, help=help)])
    memory = machine_memory()
    if found.bytes > memory:
        message = f"running the network takes {found.bytes / 2**30:.1f} GiB and {memory / 2**30:.1f} GiB are there"
        note = f"weights {found.weights:_} bytes, {COPIES[runs]} times; values {found.values:_} at once"
        note += f", and {found.inside:_} inside an operator" if found.inside else ""
        note += ", in double precision twice that" if runs == "both" else ""
        help = "smaller sizes take less: --dim NAME=SIZE" if _sizes(program, shapes) else ""
        raise ArchError([Diagnostic("E0835", message, program.entry.span, notes=(note,), help=help)])


def _sizes(program: Program, shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """The symbols of a program for inputs of some shapes. Of one that an axis does not decide alone, the length of that
    axis, which is never less."""
    found: dict[str, int] = {}
    unsure: dict[str, int] = {}
    for value in program.inputs:
        for dim, length in zip(value.type.dims, shapes.get(value.name, ()), strict=False):
            solved = solve(dim, length) if not isinstance(dim, int) else None
            if solved is not None:
                found[solved[0]] = solved[1] or length
            else:
                unsure.update({name: max(length, unsure.get(name, 0)) for name in symbols(dim)})
    return {**unsure, **found}


def _inside(costs: CostModel, node: Op) -> int:
    """Bytes in single precision that kernels of an operator take besides its results: the scores of an attention,
    twice; the matrix that PyTorch makes of the input of a convolution in double precision."""
    inputs, outputs = costs.sample(node.inputs), costs.sample(node.outputs)
    work = node.op.work(inputs, outputs)
    if "softmax" in work and "matmul" in work:
        return 8 * (_number(work["softmax"]) // 5)
    if "conv" not in work:
        return 0
    weight = node.op.weights(*inputs)[0]
    rows, columns = (inputs[0], outputs[0]) if node.op.name == "conv" else (outputs[0], inputs[0])
    return 4 * _number(rows.dims[1]) * _places(columns) * prod(weight.shape[2:])


def _places(type: TensorType) -> int:
    """Positions of an image, over all samples."""
    return _number(type.elements) // max(_number(type.dims[1]), 1)


def _number(figure: Dim) -> int:
    """A figure of a network whose sizes are all known."""
    if not isinstance(figure, int):
        raise InternalError(f"the sizes of all symbols are known, and a figure is {figure}")
    return figure
