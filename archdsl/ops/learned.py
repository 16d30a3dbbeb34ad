"""Tensors that come from no input: learned ones, and positions."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, ONES, ZEROS, Example, Init, Operator, Weight, Work, arg
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

POSITIONS = '''
def positions(x):
    """0, 1, ... for each position along axis 1, as [1, T]."""
    return torch.arange(x.shape[1], device=x.device).unsqueeze(0)
'''


class Param(Operator):
    """A learned tensor, such as a class token or a position table. Its path is the call's own."""

    name = "param"
    summary = "A learned tensor"
    arity = 0
    view = True  # of its own weight: nothing is written
    examples = (
        Example("param([1, 3])", (), "f32[1, 3]"),
        Example('param([2, 3, 4], init = "normal", std = 0.02)', (), "f32[2, 3, 4]"),
        Example('param([5], init = "uniform")', (), "f32[5]"),
        Example('param([1, 2], init = "ones")', (), "f32[1, 2]"),
    )

    shape: tuple[int, ...] = arg("ints", "its shape", minimum=1)
    init: str = arg("string", "how it starts", default="zeros", choices=("zeros", "ones", "normal", "uniform"))
    std: float = arg(
        "float", "standard deviation of a normal or uniform start", default=1.0, minimum=0, maximum=rules.LARGEST_STD
    )

    def _start(self) -> Init:
        """A uniform distribution on +-a has the standard deviation a / sqrt(3)."""
        bound = self.std * 3**0.5
        return {
            "zeros": ZEROS,
            "ones": ONES,
            "normal": Init("normal", 0.0, self.std),
            "uniform": Init("uniform", -bound, bound),
        }[self.init]

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.shape),)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        return (Weight("", self.shape, self._start()),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.parameter("", self.shape, self._start())

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return ((),)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return tape.parameter(self.shape)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.weight("")


class Scale(Operator):
    """Multiplies each channel by a learned number (layer scale, ReZero's gate)."""

    name = "scale"
    summary = "A learned factor per channel"
    source = "Touvron et al., 2021"
    examples = (
        Example("scale", ("f32[N, 3, 4, 4]",), "f32[N, 3, 4, 4]", work="48*N elementwise", reach="[a, b, c, d]"),
        Example(
            "scale(init = 1e-4, axis = -1)", ("f32[2, 5, 3]",), "f32[2, 5, 3]", work="30 elementwise", reach="[a, b, c]"
        ),
    )

    init: float = arg("float", "where the factors start", default=1.0)
    axis: int = arg("int", "the axis of the channels; -1 for sequences", default=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.known(x, rules.axis_of(self.axis, x.rank), "channels")
        return (x,)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        return (Weight("", (rules.number(inputs[0], self.axis),), Init("constant", self.init)),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """1 per element."""
        return {"elementwise": outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        (weight,) = self.weights(x.type)
        factor = t.parameter("", weight.shape, weight.init)
        trailing = x.type.rank - 1 - self.axis % x.type.rank
        if trailing:
            factor = t.method(factor, "view", -1, *[1] * trailing)
        return t.infix("*", x, factor)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input for the gradient of the factors."""
        (x,) = inputs
        factor = tape.parameter([1] * x.type.rank)
        return traces.mul(tape, x, factor)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        factor = o.weight("")
        trailing = x.type.rank - 1 - self.axis % x.type.rank
        if trailing:
            factor = o.node("Reshape", factor, o.constant([-1, *[1] * trailing], "i64"))
        return o.node("Mul", x, factor)


class Positions(Operator):
    """The position numbers of a sequence, to be embedded; the same for every sample, so the batch axis is
    1."""

    name = "positions"
    summary = "0, 1, ... along axis 1 of a sequence, as [1, T]"
    examples = (
        Example("positions", ("i64[N, T]",), "i64[1, T]", high=9, reach="-"),
        Example("positions", ("f32[2, 5, 3]",), "i64[1, 5]", reach="-"),
    )

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_rank(x, 2, 3, "a sequence, [N, T] or [N, T, d]")
        return (TensorType((1, x.dims[1]), "i64"),)

    def counts_to(self, *inputs: TensorType) -> Dim | None:
        return inputs[0].dims[1]

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None."""
        return FREE

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """Positions are counted, not read."""
        return (0,)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call(t.helper(POSITIONS), inputs[0])

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Positions are counted, not read."""
        return reaches.nothing(inputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return tape.new(self.infer(inputs[0].type)[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        length: Dim = inputs[0].type.dims[1]
        if isinstance(length, int):
            return o.constant(list(range(length)), "i64", shape=(1, length))
        stop = o.node("Squeeze", o.shape([length]))
        numbers = o.node("Range", o.constant(0, "i64"), stop, o.constant(1, "i64"))
        return o.node("Unsqueeze", numbers, o.constant([0], "i64"))


OPERATORS = (Param, Scale, Positions)
