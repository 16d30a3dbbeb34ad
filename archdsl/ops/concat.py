"""Merges that keep branches apart (`concat`) or drop some of them in training (`join`)."""

from functools import reduce
from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Operator, Work, arg
from archdsl.ops import rules
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, TorchEmitter, TorchExpr, TorchInput

JOIN = '''
class Join(nn.Module):
    """The mean of the branches; in training each is dropped with probability `drop`, never all of them."""

    def __init__(self, drop):
        super().__init__()
        self.drop = drop

    def forward(self, *branches):
        stacked = torch.stack(branches)
        if not self.training:
            return stacked.mean(0)
        draws = torch.rand(len(branches), device=stacked.device)
        kept = (draws >= self.drop) | (draws == draws.max())
        share = (kept / kept.sum()).to(stacked.dtype)
        return torch.tensordot(share, stacked, dims=1)
'''


class Concat(Operator):
    """The branches one after the other along an axis, the channels unless said otherwise."""

    name = "concat"
    summary = "Concatenation along an axis"
    arity = None
    examples = (
        Example("concat", ("f32[N, 3, H, W]", "f32[N, 5, H, W]"), "f32[N, 8, H, W]"),
        Example("concat(axis = -1)", ("f32[2, 3, 1]", "f32[2, 3, 4]", "f32[2, 3, 2]"), "f32[2, 3, 7]"),
        Example("concat", ("i64[2, T]", "i64[2, 3]"), "i64[2, T + 3]"),
    )

    axis: int = arg("int", "the axis that grows", default=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        first = inputs[0]
        rules.require_one_dtype(inputs)
        axis = rules.axis_of(self.axis, first.rank)
        total: Dim = 0
        for x in inputs:
            rules.require_rank(x, first.rank, first.rank, f"{first.rank} axes, like {first}")
            for other in range(first.rank):
                if other != axis:
                    rules.require_equal(first.dims[other], x.dims[other], f"axis {other}", inputs)
            total = total + x.dims[axis]
        return (first.replace_axis(axis, total),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("torch.cat", inputs, dim=t.option(self.axis, 0))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Concat", *inputs, axis=self.axis)


class Join(Operator):
    """FractalNet's join with local drop-path: the draw is made once per batch, and at least one branch
    survives."""

    name = "join"
    summary = "Mean of the branches, some of them dropped in training"
    source = "Larsson et al., 2016"
    arity = None
    examples = (
        Example("join", ("f32[N, 3, 4]", "f32[N, 3, 4]"), "f32[N, 3, 4]"),
        Example("join(0.15)", ("f32[2, 3]", "f32[2, 3]", "f32[2, 3]"), "f32[2, 3]"),
    )

    drop: float = arg("float", "probability that a branch drops in training", default=0.0, minimum=0, maximum=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        for x in inputs:
            rules.require_rank(x, inputs[0].rank, inputs[0].rank, f"like the first, {inputs[0]}")
            for axis in range(x.rank):
                rules.require_equal(inputs[0].dims[axis], x.dims[axis], f"axis {axis}", inputs)
        return inputs[:1]

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Inputs - 1 additions and one division per output element; nothing for a single input."""
        return {"elementwise": len(inputs) * outputs[0].elements} if len(inputs) > 1 else FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        if self.drop > 0:
            return t.module(t.helper(JOIN), self.drop)(*inputs)
        if len(inputs) == 1:
            return inputs[0]

        def plus(left: "TorchExpr", right: "TorchExpr") -> "TorchExpr":
            return t.infix("+", left, right)

        return t.infix("/", reduce(plus, inputs[1:], inputs[0]), len(inputs))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        if len(inputs) == 1:
            return inputs[0]

        def plus(left: "OnnxValue", right: "OnnxValue") -> "OnnxValue":
            return o.node("Add", left, right)

        return o.node("Div", reduce(plus, inputs[1:], inputs[0]), o.constant(float(len(inputs))))


OPERATORS = (Concat, Join)
