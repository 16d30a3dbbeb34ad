"""Normalised exponentials along an axis."""

from typing import TYPE_CHECKING, ClassVar

from archdsl.ir.operator import Example, Operator, Work, arg
from archdsl.ops import reaches, rules
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class Softmax(Operator):
    name = "softmax"
    summary = "Exponentials that sum to 1 along an axis"
    source = "Bridle, 1990"
    examples = (
        Example("softmax", ("f32[N, 3, 7]",), "f32[N, 3, 7]", work="105*N softmax", reach="[a, b, *]"),
        Example("softmax(axis = 1)", ("f32[2, 3, 4, 2]",), "f32[2, 3, 4, 2]", work="240 softmax", reach="[a, *, c, d]"),
    )
    torch_function: ClassVar[str] = "F.softmax"
    onnx_type: ClassVar[str] = "Softmax"

    axis: int = arg("int", "the axis that sums to 1", default=-1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.axis_of(self.axis, x.rank)
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """5 per element: largest, subtraction, exponential, sum, and division or logarithm."""
        return {"softmax": 5 * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call(self.torch_function, inputs[0], dim=self.axis)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The axis that sums to 1 whole."""
        return reaches.pointwise(inputs, outputs, {self.axis % inputs[0].rank})

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its result, which lies in order however the input lies."""
        (x,) = inputs
        y = tape.new(x.type, x)
        if y.needs_grad:
            tape.keep(y)
        return y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node(self.onnx_type, inputs[0], axis=self.axis)


class LogSoftmax(Softmax):
    name = "log_softmax"
    summary = "Logarithm of the softmax along an axis"
    source = ""
    examples = (
        Example("log_softmax", ("f32[N, 3, 7]",), "f32[N, 3, 7]", work="105*N softmax", reach="[a, b, *]"),
        Example("log_softmax(axis = 1)", ("f32[2, 3, 4]",), "f32[2, 3, 4]", work="120 softmax", reach="[a, *, c]"),
    )
    torch_function = "F.log_softmax"
    onnx_type = "LogSoftmax"


OPERATORS = (Softmax, LogSoftmax)
