"""Normalisation across neighbouring channels."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import Example, Operator, Work, arg
from archdsl.ops import reaches, rules, traces
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class LocalResponseNorm(Operator):
    """x / (k + alpha/size * sum of squares over `size` neighbouring channels) ** beta.

    PyTorch's convention: alpha is divided by the size (AlexNet's paper does not), and an even window
    reaches one channel further down than up."""

    name = "local_response_norm"
    aliases = ("lrn",)
    summary = "Local response normalisation across channels"
    source = "Krizhevsky et al., 2012"
    examples = (
        Example("lrn(5)", ("f32[N, 7, 3, H]",), "f32[N, 7, 3, H]"),
        Example("lrn(3, alpha = 0.5, beta = 0.5, k = 2.0)", ("f32[2, 4, 5, 2]",), "f32[2, 4, 5, 2]"),
        Example("lrn(4, alpha = 2.0)", ("f32[2, 6, 3, 3]",), "f32[2, 6, 3, 3]"),
        Example("lrn(3, alpha = 2.0)", ("f32[N, 5, T]",), "f32[N, 5, T]"),
        Example("lrn(2, alpha = 2.0)", ("f32[1, 3, 2, 3, 2]",), "f32[1, 3, 2, 3, 2]"),
    )

    size: int = arg("int", "channels in the window", default=5, minimum=1)
    alpha: float = arg("float", "weight of the mean square", default=1e-4)
    beta: float = arg("float", "exponent", default=0.75)
    k: float = arg("float", "constant added", default=1.0)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.require_images(x)
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Per element: 1 square, size additions, scale, constant, power and division: size + 5."""
        return {"normalisation": (self.size + 5) * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.call(
            "F.local_response_norm",
            inputs[0],
            self.size,
            alpha=t.option(self.alpha, 1e-4),
            beta=t.option(self.beta, 0.75),
            k=t.option(self.k, 1.0),
        )

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The same position of neighbouring channels."""
        below, above = self.size // 2, (self.size - 1) // 2
        return reaches.windows(
            [reaches.Span(1, 1, (-below,), (above,))], [axis for axis in range(inputs[0].rank) if axis != 1]
        )

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """`x / (avg_pool(pad(x * x)) * alpha + k) ** beta`: keeps its input, the padded squares, the base of the
        power and its result."""
        (x,) = inputs
        squares = traces.mul(tape, x, x)
        padded = tape.new(x.type.replace_axis(1, x.type.dims[1] + (self.size - 1)), squares)
        base = tape.new(x.type, padded)
        power = tape.new(x.type, base)
        if x.needs_grad:
            tape.keep(padded, base)
        return traces.div(tape, x, power)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """`LRN` for images and odd sizes. ONNX's even window leans the other way and onnxruntime takes odd
        sizes of four axes only, so the rest is an average pool over the channel axis of the squares."""
        (x,) = inputs
        if x.type.rank == 4 and self.size % 2:
            return o.node("LRN", x, size=self.size, alpha=self.alpha, beta=self.beta, bias=self.k)
        # [N, 1, channels, everything else]: the channels become an axis that a pool slides over.
        squares = o.node("Unsqueeze", o.node("Mul", x, x), o.constant([1], "i64"))
        flat = o.node("Reshape", squares, o.constant([0, 1, *_channels(x), -1], "i64"))
        below, above = self.size // 2, (self.size - 1) // 2
        padded = o.node("Pad", flat, o.constant([0, 0, below, 0, 0, 0, above, 0], "i64"))
        mean = o.node("AveragePool", padded, kernel_shape=(self.size, 1), strides=(1, 1))
        mean = o.node("Reshape", mean, o.shape(x.type.dims))
        base = o.node("Add", o.node("Mul", mean, o.constant(self.alpha)), o.constant(self.k))
        return o.node("Div", x, o.node("Pow", base, o.constant(self.beta)))


def _channels(x: "OnnxValue") -> tuple[int, ...]:
    """The channel count for a `Reshape`; 0 copies the axis from the input when it is symbolic."""
    channels = x.type.dims[1]
    return (channels if isinstance(channels, int) else 0,)


OPERATORS = (LocalResponseNorm,)
