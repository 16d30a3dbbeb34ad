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
    """In training, zeroes whole samples with probability `p` and scales the others up
    to keep the mean."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        kept = torch.rand(x.shape[:1] + (1,) * (x.ndim - 1), device=x.device) >= self.p
        return x * kept / max(1 - self.p, 1e-12)
'''

DROP_LAYER = '''
class DropLayer(nn.Module):
    """In training, zeroes the whole batch with probability `p` and else scales it up
    to keep the mean."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        kept = torch.rand((), device=x.device) >= self.p
        return x * kept / max(1 - self.p, 1e-12)
'''


class Dropout(Operator):
    """Zeroes elements at random in training and scales the others by 1 / (1 - p)."""

    name = "dropout"
    summary = "Zero elements at random in training"
    view = True
    source = "Srivastava et al., 2014"
    examples = (
        Example("dropout", ("f32[N, 3, 4]",), "f32[N, 3, 4]", reach="[a, b, c]"),
        Example("dropout(0.1)", ("f32[2, 3]",), reach="[a, b]"),
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
    """Stochastic depth: drops a whole tensor in training, so that a residual branch is skipped: that of each sample by
    a draw of its own, or, as in the paper, that of all the batch by one draw. The paper leaves what survives as it is
    and multiplies by 1 - p in evaluation; here what survives is divided by 1 - p in training. The expectation is the
    same, and evaluation is the plain network. What is dropped is computed nonetheless."""

    name = "drop_path"
    summary = "Zero whole samples, or the batch, at random in training (stochastic depth)"
    view = True
    source = "Huang et al., 2016"
    examples = (
        Example("drop_path(0.2)", ("f32[N, 3, 4]",), "f32[N, 3, 4]", reach="[a, b, c]"),
        Example("drop_path", ("f32[2, 3]",), reach="[a, b]"),
        Example('drop_path(0.2, per = "batch")', ("f32[N, 3, 4]",), reach="[a, b, c]"),
    )

    p: float = arg("float", "probability of zero", default=0.0, minimum=0, maximum=1)
    per: str = arg("string", "what is drawn for", default="sample", choices=("sample", "batch"))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        rules.require_rank(inputs[0], 1, None, "[N, ...]")
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None at inference."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.module(t.helper(DROP_PATH if self.per == "sample" else DROP_LAYER), self.p)(inputs[0])

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A truth value per sample, or one."""
        (x,) = inputs
        if self.p == 0:
            return x
        shape = (x.type.dims[0], *[1] * (x.type.rank - 1)) if self.per == "sample" else ()
        kept = tape.new(TensorType(shape, "bool"))
        return traces.scaled(tape, traces.mul(tape, x, kept))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return inputs[0]


OPERATORS = (Dropout, DropPath)
