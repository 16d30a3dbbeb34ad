"""Reductions over axes."""

from typing import TYPE_CHECKING, ClassVar

from archdsl.ir.operator import Example, Operator, Work, arg
from archdsl.ops import reaches, rules, traces
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class Reduction(Operator):
    """Base of reductions."""

    torch_method: ClassVar[str]
    onnx_type: ClassVar[str]

    axis: tuple[int, ...] = arg("ints", "the axis, or axes, that are reduced")
    keepdim: bool = arg("bool", "keep the axes, with length 1", default=False)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        reduced = rules.axes_of(self.axis, x.rank)
        if self.keepdim:
            return (x.with_dims(*(1 if axis in reduced else dim for axis, dim in enumerate(x.dims))),)
        return (x.with_dims(*(dim for axis, dim in enumerate(x.dims) if axis not in reduced)),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """1 per input element."""
        return {"elementwise": inputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        axes = self.axis[0] if len(self.axis) == 1 else self.axis
        return t.method(inputs[0], self.torch_method, axes, keepdim=t.option(self.keepdim, False))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The reduced axes whole."""
        reduced = rules.axes_of(self.axis, inputs[0].rank)
        places = iter(range(outputs[0].rank))
        if self.keepdim:
            return reaches.pointwise(inputs, outputs, reduced)
        return reaches.moved([None if axis in reduced else next(places) for axis in range(inputs[0].rank)])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Mean and sum need nothing but shapes."""
        return tape.new(self.infer(inputs[0].type)[0], inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        axes = o.constant(self.axis, "i64")
        return o.node(self.onnx_type, inputs[0], axes, keepdims=int(self.keepdim))


class ReduceMean(Reduction):
    name = "reduce_mean"
    summary = "Mean over axes"
    torch_method = "mean"
    onnx_type = "ReduceMean"
    examples = (
        Example("reduce_mean(1)", ("f32[N, T, 4]",), "f32[N, 4]", work="4*N*T elementwise", reach="[a, *, b]"),
        Example(
            "reduce_mean([-1, 1], keepdim)",
            ("f32[2, 3, 4, 5]",),
            "f32[2, 1, 4, 1]",
            work="120 elementwise",
            reach="[a, *, c, *]",
        ),
    )


class ReduceSum(Reduction):
    name = "reduce_sum"
    summary = "Sum over axes"
    torch_method = "sum"
    onnx_type = "ReduceSum"
    examples = (Example("reduce_sum(-1)", ("f32[N, T, 4]",), "f32[N, T]", work="4*N*T elementwise", reach="[a, b, *]"),)


class ReduceMax(Reduction):
    name = "reduce_max"
    summary = "Largest element over axes"
    torch_method = "amax"
    onnx_type = "ReduceMax"
    examples = (
        Example(
            "reduce_max(1, keepdim)", ("f32[N, 3, 4]",), "f32[N, 1, 4]", work="12*N elementwise", reach="[a, *, c]"
        ),
        Example("reduce_max([1, 2])", ("f32[2, 3, 4]",), "f32[2]", work="24 elementwise", reach="[a, *, *]"),
    )

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return traces.extreme(tape, inputs[0], self.infer(inputs[0].type)[0])


OPERATORS = (ReduceMean, ReduceSum, ReduceMax)
