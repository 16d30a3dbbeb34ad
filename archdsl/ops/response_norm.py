"""Normalisation across neighbouring channels."""

from typing import TYPE_CHECKING, Final

from archdsl.ir.operator import LARGEST_I32, Example, Operator, Work, arg
from archdsl.ops import reaches, rules, traces
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

_END: Final = 2**63 - 1
"""`Slice`: to the end of the axis."""


class LocalResponseNorm(Operator):
    """x / (k + alpha/size * sum of squares over `size` neighbouring channels) ** beta.

    PyTorch's convention: alpha is divided by the size (AlexNet's paper does not), and an even window
    reaches one channel further down than up."""

    name = "local_response_norm"
    aliases = ("lrn",)
    summary = "Local response normalisation across channels"
    source = "Krizhevsky et al., 2012"
    examples = (
        Example(
            "lrn(5)", ("f32[N, 7, 3, H]",), "f32[N, 7, 3, H]", work="210*H*N normalisation", reach="[a, b-2..b+2, c, d]"
        ),
        Example(
            "lrn(3, alpha = 0.5, beta = 0.5, k = 2.0)",
            ("f32[2, 4, 5, 2]",),
            "f32[2, 4, 5, 2]",
            work="640 normalisation",
            reach="[a, b-1..b+1, c, d]",
        ),
        Example(
            "lrn(4, alpha = 2.0)",
            ("f32[2, 6, 3, 3]",),
            "f32[2, 6, 3, 3]",
            work="972 normalisation",
            reach="[a, b-2..b+1, c, d]",
        ),
        Example(
            "lrn(3, alpha = 2.0)",
            ("f32[N, 5, T]",),
            "f32[N, 5, T]",
            work="40*N*T normalisation",
            reach="[a, b-1..b+1, c]",
        ),
        Example(
            "lrn(2, alpha = 2.0)",
            ("f32[1, 3, 2, 3, 2]",),
            "f32[1, 3, 2, 3, 2]",
            work="252 normalisation",
            reach="[a, b-1..b, c, d, e]",
        ),
    )

    size: int = arg("int", "channels in the window", default=5, minimum=1, maximum=LARGEST_I32)
    alpha: float = arg("float", "weight of the mean square", default=1e-4)
    beta: float = arg("float", "exponent", default=0.75)
    k: float = arg("float", "constant added", default=1.0)

    def _span(self, x: TensorType) -> int:
        """The window without what reaches past all channels on both sides."""
        channels = x.dims[1]
        return min(self.size, 2 * channels - 1) if isinstance(channels, int) else self.size

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.require_images(x)
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Per element: 1 square, size additions, scale, constant, power and division: size + 5."""
        return {"normalisation": (self.size + 5) * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        """PyTorch pads by the whole window, so it is given no more of it than there are channels; the sum is divided by
        the window, and alpha makes up for that. From three spatial axes on it views two of them as one, and fails where
        they do not lie in memory in order."""
        (x,) = inputs
        span = self._span(x.type)
        return t.call(
            "F.local_response_norm",
            x if x.type.rank < 5 else t.method(x, "contiguous"),
            span,
            alpha=t.option(self.alpha if span == self.size else self.alpha * span / self.size, 1e-4),
            beta=t.option(self.beta, 0.75),
            k=t.option(self.k, 1.0),
        )

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The same position of neighbouring channels."""
        below, above = self.size // 2, (self.size - 1) // 2
        return reaches.windows(
            [reaches.AxisReach(1, 1, (-below,), (above,))], [axis for axis in range(inputs[0].rank) if axis != 1]
        )

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """`x / (avg_pool(pad(x * x)) * alpha + k) ** beta`: keeps its input, the padded squares, the base of the
        power and its result."""
        (x,) = inputs
        if x.type.rank > 4 and not x.contiguous:
            x = tape.new(x.type, x)
        squares = traces.mul(tape, x, x)
        padded = tape.new(x.type.replace_axis(1, x.type.dims[1] + (self._span(x.type) - 1)), squares)
        base = tape.new(x.type, padded)
        power = tape.new(x.type, base)
        if x.needs_grad:
            tape.keep(padded, base)
        return traces.div(tape, x, power)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """Written out, since onnxruntime's `LRN` takes about seven times as long, and images and odd sizes only.
        Half precision has no room for squares, so each element is scaled before it is squared."""
        (x,) = inputs
        scaled = o.node("Mul", x, o.constant((abs(self.alpha) / self.size) ** 0.5))
        squares = o.node("Mul", scaled, scaled)
        sums = _window_sums(o, squares, self._span(x.type), x.type.rank)
        base = o.node("Add" if self.alpha >= 0 else "Sub", o.constant(self.k), sums)
        if self.beta == 0.75:  # of every paper; two roots take a third of the time that `Pow` takes
            return o.node("Div", x, o.node("Sqrt", o.node("Mul", base, o.node("Sqrt", base))))
        return o.node("Div", x, o.node("Pow", base, o.constant(self.beta)))


def _window_sums(o: "OnnxEmitter", x: "OnnxValue", size: int, rank: int) -> "OnnxValue":
    """Sums over `size` neighbouring channels. Sums of 2, 4, 8 ... are each made of two of the ones before, and the
    window is put together from those that the binary digits of `size` name."""
    axis = o.constant([1], "i64")
    rest = [0] * (rank - 2)
    pads = o.constant([0, size // 2, *rest, 0, (size - 1) // 2, *rest], "i64")
    run = x if size == 1 else o.node("Pad", x, pads)
    length = 1  # of the sums that `run` holds: sum i is over i, ..., i + length - 1
    done = 0  # channels of the window that `total` has
    total: OnnxValue | None = None
    while True:
        if size & length:
            part = _cut(o, run, done, size - length - done, axis)
            total = part if total is None else o.node("Add", total, part)
            done += length
        if 2 * length > size:
            assert total is not None
            return total
        run = o.node("Add", _cut(o, run, 0, length, axis), _cut(o, run, length, 0, axis))
        length *= 2


def _cut(o: "OnnxEmitter", x: "OnnxValue", front: int, back: int, axis: "OnnxValue") -> "OnnxValue":
    """`x` without its first and last channels."""
    if not front and not back:
        return x
    stop = o.constant([-back if back else _END], "i64")
    return o.node("Slice", x, o.constant([front], "i64"), stop, axis)


OPERATORS = (LocalResponseNorm,)
