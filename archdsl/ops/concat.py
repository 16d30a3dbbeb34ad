"""Merges that keep branches apart."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Operator, Work, arg
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import total_of
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class Concat(Operator):
    """The branches one after the other along an axis, the channels unless said otherwise."""

    name = "concat"
    summary = "Concatenation along an axis"
    arity = None
    examples = (
        Example(
            "concat", ("f32[N, 3, H, W]", "f32[N, 5, H, W]"), "f32[N, 8, H, W]", reach="[a, *, c, d], [a, *, c, d]"
        ),
        Example(
            "concat(axis = -1)",
            ("f32[2, 3, 1]", "f32[2, 3, 4]", "f32[2, 3, 2]"),
            "f32[2, 3, 7]",
            reach="[a, b, *], [a, b, *], [a, b, *]",
        ),
        Example("concat", ("i64[2, T]", "i64[2, 3]"), "i64[2, T + 3]", reach="[a, *], [a, *]"),
    )

    axis: int = arg("int", "the axis that grows", default=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        first = inputs[0]
        rules.require_one_dtype(inputs)
        axis = rules.axis_of(self.axis, first.rank)
        for x in inputs:
            rules.require_rank(x, first.rank, first.rank, f"{first.rank} axes, like {first}")
            for other in range(first.rank):
                if other != axis:
                    rules.require_equal(first.dims[other], x.dims[other], f"axis {other}", inputs)
        return (first.replace_axis(axis, total_of(x.dims[axis] for x in inputs)),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("torch.cat", inputs, dim=t.option(self.axis, 0))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The axis that grows whole, for where a position comes from differs along it."""
        return reaches.pointwise(inputs, outputs, {self.axis % outputs[0].rank})

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Nothing but lengths is needed."""
        return traces.cat(tape, inputs, self.infer(*(x.type for x in inputs))[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return inputs[0] if len(inputs) == 1 else o.node("Concat", *inputs, axis=self.axis)


class Stack(Operator):
    """The branches side by side along an axis of their own; they have one shape."""

    name = "stack"
    summary = "Branches side by side along a new axis"
    arity = None
    examples = (
        Example("stack", ("f32[N, 3, H]", "f32[N, 3, H]"), "f32[N, 2, 3, H]", reach="[a, c, d], [a, c, d]"),
        Example(
            "stack(axis = -1)", ("f32[2, 3]", "f32[2, 3]", "f32[2, 3]"), "f32[2, 3, 3]", reach="[a, b], [a, b], [a, b]"
        ),
        Example("stack(0)", ("i64[2, T]", "i64[2, T]"), "i64[2, 2, T]", reach="[b, c], [b, c]"),
    )

    axis: int = arg("int", "where the new axis stands in the result", default=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        first = inputs[0]
        rules.require_one_dtype(inputs)
        for x in inputs:
            rules.require_rank(x, first.rank, first.rank, f"{first.rank} axes, like {first}")
            for axis in range(first.rank):
                rules.require_equal(first.dims[axis], x.dims[axis], f"axis {axis}", inputs)
        axis = rules.new_axis(self.axis, first.rank, "stack")
        return (first.with_dims(*first.dims[:axis], len(inputs), *first.dims[axis:]),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("torch.stack", inputs, dim=t.option(self.axis, 0))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        new = self.axis % outputs[0].rank
        ((reach,),) = reaches.moved([axis for axis in range(outputs[0].rank) if axis != new])
        return ((reach,) * len(inputs),)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Nothing is kept. An axis before the last is one that `torch.cat` made longer, cut in two."""
        (type,) = self.infer(*(x.type for x in inputs))
        axis = self.axis % type.rank
        if axis == type.rank - 1:
            return tape.new(type, *inputs)
        first = inputs[0].type
        joined = traces.cat(tape, inputs, first.replace_axis(axis, first.dims[axis] * len(inputs)))
        return tape.reshape(joined, type.dims)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        axis = self.axis % (inputs[0].type.rank + 1)
        each = [o.node("Unsqueeze", x, o.constant([axis], "i64")) for x in inputs]
        return o.node("Concat", *each, axis=axis)


OPERATORS = (Concat, Stack)
