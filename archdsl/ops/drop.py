"""Regularisers that act in training only; at inference they are the identity and cost nothing."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Operator, Work, arg
from archdsl.ops import reaches, rules, traces
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

DROP_PATH = '''
class DropPath(nn.Module):
    """In training, zeroes whole samples with probability `p` and scales the others up to keep the mean."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        kept = torch.rand(x.shape[:1] + (1,) * (x.ndim - 1), device=x.device) >= self.p
        return x * kept / max(1 - self.p, 1e-12)
'''


class Dropout(Operator):
    """Zeroes elements at random in training and scales the others by 1 / (1 - p)."""

    name = "dropout"
    summary = "Zero elements at random in training"
    view = True
    source = "Srivastava et al., 2014"
    examples = (
        Example("dropout", ("f32[N, 3, 4]",), "f32[N, 3, 4]"),
        Example("dropout(0.1)", ("f32[2, 3]",)),
    )

    p: float = arg("float", "probability that an element is zeroed", default=0.5, minimum=0, maximum=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None at inference."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.module("nn.Dropout", self.p)(inputs[0])

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """On the CPU a factor for each element, in the dtype of the input (a GPU keeps one byte); with probability 1 a
        zero for all, and nothing with 0."""
        return traces.dropout(tape, inputs[0], self.p)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return inputs[0]


class DropPath(Operator):
    """Stochastic depth: drops a sample's whole tensor in training, so that a residual branch is skipped."""

    name = "drop_path"
    summary = "Zero whole samples at random in training (stochastic depth)"
    view = True
    source = "Huang et al., 2016"
    examples = (
        Example("drop_path(0.2)", ("f32[N, 3, 4]",), "f32[N, 3, 4]"),
        Example("drop_path", ("f32[2, 3]",)),
    )

    p: float = arg("float", "probability that a sample is zeroed", default=0.0, minimum=0, maximum=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        rules.require_rank(inputs[0], 1, None, "[N, ...]")
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None at inference."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.module(t.helper(DROP_PATH), self.p)(inputs[0])

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A truth value per sample."""
        (x,) = inputs
        if self.p == 0:
            return x
        kept = tape.new(TensorType((x.type.dims[0], *[1] * (x.type.rank - 1)), "bool"))
        return traces.scaled(tape, traces.mul(tape, x, kept))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return inputs[0]


OPERATORS = (Dropout, DropPath)
