"""The memory of a network, in bytes."""

from archdsl.analysis.cost import CostModel
from archdsl.analysis.liveness import Maximum
from archdsl.analysis.parts import Parts
from archdsl.ir.program import Program
from archdsl.records import record
from archdsl.types.dims import Dim


@record
class Memory:
    """Bytes. `weights`: all state as stored. `peak`: the most that values take at once at inference, for one sample
    (see `analysis.liveness`); a `Maximum` where it depends on the symbols which of several is largest. `saved`: what
    PyTorch keeps for the backward pass of a batch (see `analysis.training`), a polynomial in the batch symbol, of which
    the statistics of a batch are the constant, and `saved_without_recompute` the same as if nothing were marked for
    recomputation. `moved`: traffic of an inference of one sample, every tensor read and
    written once."""

    weights: int
    peak: Dim | Maximum
    saved: Dim
    saved_without_recompute: Dim
    moved: Dim

    def __repr__(self) -> str:
        return f"Memory(weights={self.weights}, peak={self.peak}, saved={self.saved}, moved={self.moved})"


def memory(program: Program) -> Memory:
    """The memory of the whole program. Raises `ArchError` (E0611) if a symbolic figure grows past what is printed
    exactly."""
    model = CostModel(program)
    parts = Parts(model)
    peak = parts.liveness.peak
    figure = peak if peak.figure is None else peak.figure
    saved, plain = parts.training.kept, parts.plain_training.kept
    return Memory(model.total.weight_bytes, figure, saved, plain, model.total.moved)
