"""Piecewise-linear activations and their smooth-tailed relatives.

Every activation counts 1 FLOP per element, whatever the function: its cost differs between machines and is
never what makes a network slow.
"""

from typing import TYPE_CHECKING

from archdsl.ir.operator import Example, Init, Operator, Weight, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class Activation(Operator):
    """Base of functions applied to each element of an f32 tensor."""

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """1 per element."""
        return {"activation": outputs[0].elements}

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Most gradients are worked out from the input, which is kept."""
        return traces.of_input(tape, inputs[0])


class Relu(Activation):
    name = "relu"
    summary = "max(x, 0)"
    source = "Nair and Hinton, 2010"
    examples = (Example("relu", ("f32[N, 3, 4]",), "f32[N, 3, 4]", work="12*N activation", reach="[a, b, c]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.relu", inputs[0])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return traces.of_result(tape, inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Relu", inputs[0])


class Relu6(Activation):
    name = "relu6"
    summary = "min(max(x, 0), 6)"
    source = "Howard et al., 2017"
    examples = (Example("relu6", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.relu6", inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Clip", inputs[0], o.constant(0.0), o.constant(6.0))


class LeakyRelu(Activation):
    name = "leaky_relu"
    summary = "x where positive, else slope * x"
    source = "Maas et al., 2013"
    examples = (Example("leaky_relu(0.2)", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    negative_slope: float = arg("float", "slope for negative inputs", default=0.01)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.leaky_relu", inputs[0], negative_slope=t.option(self.negative_slope, 0.01))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("LeakyRelu", inputs[0], alpha=self.negative_slope)


class PRelu(Activation):
    name = "prelu"
    summary = "x where positive, else a learned slope times x"
    source = "He et al., 2015"
    examples = (
        Example("prelu", ("f32[2, 3, 4, 4]",), "f32[2, 3, 4, 4]", work="96 activation", reach="[a, b, c, d]"),
        Example("prelu(3, init = 0.1)", ("f32[N, 3, 5]",), "f32[N, 3, 5]", work="15*N activation", reach="[a, b, c]"),
        Example("prelu(4)", ("f32[2, 4]",), "f32[2, 4]", work="8 activation", reach="[a, b]"),
    )

    num_parameters: int = arg("int", "1 for one slope, or the number of channels", default=1, minimum=1)
    init: float = arg("float", "where the slopes start", default=0.25)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = super().infer(*inputs)
        rules.require_rank(x, 2, None, "[N, channels, ...]")
        if self.num_parameters not in (1, x.dims[1]):
            reject(
                f"prelu learns {self.num_parameters} slopes for {x.dims[1]} channels",
                at="num_parameters",
                expected=f"1, or {x.dims[1]}",
                found=str(self.num_parameters),
                code="E0402",
            )
        return (x,)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (self.num_parameters,), Init("constant", self.init)),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        module = t.module("nn.PReLU", num_parameters=t.option(self.num_parameters, 1), init=t.option(self.init, 0.25))
        return module(inputs[0])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input for both gradients."""
        (x,) = inputs
        weight = tape.parameter((self.num_parameters,))
        tape.keep(x)
        return tape.new(x.type, x, weight, like=x)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        slope = o.weight("weight")
        if self.num_parameters > 1 and x.type.rank > 2:
            slope = o.node("Reshape", slope, o.constant([-1, *[1] * (x.type.rank - 2)], "i64"))
        return o.node("PRelu", x, slope)


class Elu(Activation):
    name = "elu"
    summary = "x where positive, else alpha * (exp(x) - 1)"
    source = "Clevert et al., 2015"
    examples = (Example("elu(0.5)", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    alpha: float = arg("float", "minus the limit for negative inputs", default=1.0)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.elu", inputs[0], alpha=t.option(self.alpha, 1.0))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Elu", inputs[0], alpha=self.alpha)


class Selu(Activation):
    name = "selu"
    summary = "Scaled exponential linear unit, whose constants keep mean 0 and variance 1"
    source = "Klambauer et al., 2017"
    examples = (Example("selu", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.selu", inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Selu", inputs[0])


OPERATORS = (Relu, Relu6, LeakyRelu, PRelu, Elu, Selu)
