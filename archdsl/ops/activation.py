"""Smooth activations, their piecewise approximations, the step, and a gate. A function of an element counts 1 FLOP."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import Example, Operator, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.ops.rectifier import Activation
from archdsl.types.dims import exact_div
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class Gelu(Activation):
    name = "gelu"
    summary = "x times the Gaussian distribution function of x"
    source = "Hendrycks and Gimpel, 2016"
    examples = (
        Example("gelu", ("f32[N, 3, 30]",), "f32[N, 3, 30]", work="90*N activation", reach="[a, b, c]"),
        Example('gelu(approximate = "tanh")', ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),
    )

    approximate: str = arg("string", "`tanh` for GPT-2's approximation", default="none", choices=("none", "tanh"))

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.gelu", inputs[0], approximate=t.option(self.approximate, "none"))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """One node from opset 20 on; before, x/2 * (1 + erf(x / sqrt(2))), or the tanh formula written
        out."""
        (x,) = inputs
        if o.opset >= 20:
            return o.node("Gelu", x, approximate=self.approximate)
        if self.approximate == "tanh":
            cube = o.node("Mul", o.node("Mul", o.node("Mul", x, x), x), o.constant(0.044715))
            inner = o.node("Tanh", o.node("Mul", o.node("Add", x, cube), o.constant(0.7978845608028654)))
        else:
            inner = o.node("Erf", o.node("Mul", x, o.constant(0.7071067811865476)))
        half = o.node("Mul", x, o.constant(0.5))
        return o.node("Mul", half, o.node("Add", inner, o.constant(1.0)))


class Silu(Activation):
    name = "silu"
    summary = "x * sigmoid(x), also called swish"
    source = "Elfwing et al., 2017"
    examples = (Example("silu", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.silu", inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Mul", inputs[0], o.node("Sigmoid", inputs[0]))


class Mish(Activation):
    name = "mish"
    summary = "x * tanh(softplus(x))"
    source = "Misra, 2019"
    examples = (Example("mish", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.mish", inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Mul", inputs[0], o.node("Tanh", o.node("Softplus", inputs[0])))


class Sigmoid(Activation):
    name = "sigmoid"
    summary = "1 / (1 + exp(-x))"
    examples = (Example("sigmoid", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("torch.sigmoid", inputs[0])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return traces.of_result(tape, inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Sigmoid", inputs[0])


class Tanh(Activation):
    name = "tanh"
    summary = "Hyperbolic tangent"
    examples = (Example("tanh", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("torch.tanh", inputs[0])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return traces.of_result(tape, inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Tanh", inputs[0])


class HardSigmoid(Activation):
    name = "hard_sigmoid"
    summary = "min(max(x / 6 + 1 / 2, 0), 1)"
    source = "Howard et al., 2019"
    examples = (Example("hard_sigmoid", ("f32[2, 90]",), "f32[2, 90]", work="180 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.hardsigmoid", inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("HardSigmoid", inputs[0], alpha=1 / 6, beta=0.5)


class HardSwish(Activation):
    name = "hard_swish"
    summary = "x * hard_sigmoid(x)"
    source = "Howard et al., 2019"
    examples = (Example("hard_swish", ("f32[2, 90]",), "f32[2, 90]", work="180 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.hardswish", inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("HardSwish", inputs[0])


class Softplus(Activation):
    name = "softplus"
    summary = "log(1 + exp(beta * x)) / beta"
    source = "Dugas et al., 2001"
    examples = (
        Example("softplus", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),
        Example("softplus(beta = 2.0)", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),
    )

    beta: float = arg("float", "how sharp the bend is", default=1.0, minimum=1e-6)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        """PyTorch is linear beyond beta * x = 20, where the difference is below 2.1e-9."""
        return t.call("F.softplus", inputs[0], beta=t.option(self.beta, 1.0))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        if self.beta == 1.0:
            return o.node("Softplus", x)
        beta = o.constant(self.beta)
        return o.node("Div", o.node("Softplus", o.node("Mul", x, beta)), beta)


class Step(Activation):
    """McCulloch and Pitts's threshold: a unit fires when its input reaches 0, so step(0) is 1. Its gradient
    is zero everywhere."""

    name = "step"
    summary = "1 where x >= 0, else 0"
    source = "McCulloch and Pitts, 1943"
    examples = (Example("step", ("f32[2, 30]",), "f32[2, 30]", work="60 activation", reach="[a, b]"),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.method(t.infix(">=", inputs[0], 0), "type_as", inputs[0])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A comparison has no gradient."""
        return tape.new(inputs[0].type, like=inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        return o.node("Where", o.node("GreaterOrEqual", x, o.constant(0.0)), o.constant(1.0), o.constant(0.0))


class Glu(Operator):
    """An operator of its own and not a block, because PyTorch computes it in one pass and keeps its input alone for the
    gradient."""

    name = "glu"
    summary = "First half of an axis times the sigmoid of the second"
    source = "Dauphin et al., 2016"
    examples = (
        Example(
            "glu", ("f32[N, T, 8]",), "f32[N, T, 4]", work="4*N*T activation, 4*N*T elementwise", reach="[a, b, *]"
        ),
        Example(
            "glu(1)", ("f32[N, 6, H]",), "f32[N, 3, H]", work="3*H*N activation, 3*H*N elementwise", reach="[a, *, c]"
        ),
    )

    axis: int = arg("int", "the axis that is halved", default=-1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        axis = rules.axis_of(self.axis, x.rank)
        half = exact_div(x.dims[axis], 2)
        if half is None:
            reject(
                f"axis {self.axis} with {x.dims[axis]} elements has no halves",
                at="axis",
                expected="an even length",
                found=str(x),
                help="" if isinstance(x.dims[axis], int) else rules.CONCRETE,
                code="E0404",
            )
        return (x.replace_axis(axis, half),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """A sigmoid and a multiplication per output element."""
        return {"activation": outputs[0].elements, "elementwise": outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call("F.glu", inputs[0], dim=t.option(self.axis, -1))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Of the halved axis both halves."""
        return reaches.pointwise(inputs, outputs, {self.axis % inputs[0].rank})

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input."""
        (x,) = inputs
        if x.needs_grad:
            tape.keep(x)
        return tape.new(self.infer(x.type)[0], x, like=x)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        value, gate = o.nodes("Split", inputs[0], outputs=2, axis=self.axis, num_outputs=2)
        return o.node("Mul", value, o.node("Sigmoid", gate))


OPERATORS = (Gelu, Silu, Mish, Sigmoid, Tanh, HardSigmoid, HardSwish, Softplus, Step, Glu)
