"""Pooling over whole spatial axes, or to a given number of positions."""

from math import gcd
from typing import TYPE_CHECKING, ClassVar

from archdsl.ir.operator import NUMBERS_PER_NODE, Example, Operator, Work, arg
from archdsl.ir.reach import MAX_PERIOD
from archdsl.ops import reaches, rules, traces
from archdsl.types.tensor import TensorType
from archdsl.types.windows import Window

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class GlobalPool(Operator):
    """Base of pools that leave one number per channel."""

    torch_method: ClassVar[str]
    onnx_type: ClassVar[str]

    keepdim: bool = arg("bool", "keep the spatial axes, with length 1", default=False)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        axes = rules.require_images(x)
        return (x.with_dims(*x.dims[:2], *((1,) * axes if self.keepdim else ())),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """1 per input element."""
        return {"pooling": inputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = tuple(range(2, x.type.rank))
        return t.method(
            x, self.torch_method, axes[0] if len(axes) == 1 else axes, keepdim=t.option(self.keepdim, False)
        )

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The spatial axes whole."""
        return reaches.windows((), (0, 1))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A mean needs nothing but shapes."""
        return tape.new(self.infer(inputs[0].type)[0], inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        pooled = o.node(self.onnx_type, inputs[0])
        return pooled if self.keepdim else o.node("Flatten", pooled, axis=1)


class GlobalAvgPool(GlobalPool):
    name = "global_avg_pool"
    summary = "Mean of each channel over all spatial axes"
    source = "Lin et al., 2013"
    torch_method = "mean"
    onnx_type = "GlobalAveragePool"
    examples = (
        Example("global_avg_pool", ("f32[N, 3, H, W]",), "f32[N, 3]", work="3*H*N*W pooling", reach="[a, b, *, *]"),
        Example("global_avg_pool(keepdim)", ("f32[2, 3, 4]",), "f32[2, 3, 1]", work="24 pooling", reach="[a, b, *]"),
        Example("global_avg_pool", ("f32[2, 3, 4, 2, 2]",), "f32[2, 3]", work="96 pooling", reach="[a, b, *, *, *]"),
    )


class GlobalMaxPool(GlobalPool):
    name = "global_max_pool"
    summary = "Largest element of each channel over all spatial axes"
    torch_method = "amax"
    onnx_type = "GlobalMaxPool"
    examples = (
        Example("global_max_pool", ("f32[N, 3, H, W]",), "f32[N, 3]", work="3*H*N*W pooling", reach="[a, b, *, *]"),
        Example("global_max_pool(keepdim)", ("f32[2, 3, 4]",), "f32[2, 3, 1]", work="24 pooling", reach="[a, b, *]"),
    )

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps input and result, to see where they agree."""
        return traces.extreme(tape, inputs[0], self.infer(inputs[0].type)[0])


class AdaptiveAvgPool(Operator):
    """Position i of n averages elements floor(i*L/n) to ceil((i+1)*L/n) of an axis of length L, as in
    PyTorch."""

    name = "adaptive_avg_pool"
    summary = "Mean over as many windows as are asked for"
    examples = (
        Example(
            "adaptive_avg_pool(2)",
            ("f32[N, 3, 6, 4]",),
            "f32[N, 3, 2, 2]",
            work="72*N pooling",
            reach="[a, b, c%2: 0..2 | 3..5 | +6, d%2: 0..1 | 2..3 | +4]",
        ),
        Example(
            "adaptive_avg_pool([3, 4])",
            ("f32[2, 3, 7, 5]",),
            "f32[2, 3, 3, 4]",
            work="432 pooling",
            reach="[a, b, c%3: 0..2 | 2..4 | 4..6 | +7, d%4: 0..1 | 1..2 | 2..3 | 3..4 | +5]",
        ),
        Example(
            "adaptive_avg_pool(5)",
            ("f32[2, 3, 3]",),
            "f32[2, 3, 5]",
            work="42 pooling",
            reach="[a, b, c%5: 0 | 0..1 | 1 | 1..2 | 2 | +3]",
        ),
        Example(
            "adaptive_avg_pool(2)",
            ("f32[1, 2, 4, 5, 3]",),
            "f32[1, 2, 2, 2, 2]",
            work="192 pooling",
            reach="[a, b, c%2: 0..1 | 2..3 | +4, d%2: 0..2 | 2..4 | +5, e%2: 0..1 | 1..2 | +3]",
        ),
    )

    output_size: Window = arg("window", "positions along each spatial axis", minimum=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """The windows are chosen now, so the spatial lengths must be known."""
        (x,) = inputs
        rules.require_f32(x)
        axes = rules.require_images(x)
        for axis in range(2, x.rank):
            rules.known(x, axis, f"elements along axis {axis}")
        return (x.with_dims(*x.dims[:2], *rules.window(self.output_size, axes, "output_size")),)

    def written(self, *inputs: TensorType) -> int:
        """The matrices of weights where windows differ."""
        (x,) = inputs
        sizes = rules.window(self.output_size, x.rank - 2, "output_size")
        lengths = [rules.number(x, axis) for axis in range(2, x.rank)]
        pairs = list(zip(lengths, sizes, strict=True))
        if all(length % size == 0 for length, size in pairs):
            return 0
        return sum(length * size for length, size in pairs) // NUMBERS_PER_NODE

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """1 per element of a window, overlaps counted in each."""
        total = outputs[0].dims[0] * outputs[0].dims[1]
        for axis in range(2, inputs[0].rank):
            length = rules.number(inputs[0], axis)
            count = rules.number(outputs[0], axis)
            # Each window ends where the next one starts or, where the cut is inside an element, one element later.
            total = total * (length + count - gcd(length, count))
        return {"pooling": total}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = x.type.rank - 2
        size = rules.collapse(rules.per_axis(self.output_size, axes))
        return t.call(f"F.adaptive_avg_pool{axes}d", x, size)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """A window for each position."""
        spans: list[reaches.AxisReach | None] = []
        for axis in range(2, inputs[0].rank):
            length, count = rules.number(inputs[0], axis), rules.number(outputs[0], axis)
            if count > MAX_PERIOD:
                spans.append(None)
                continue
            bins = _bins(length, count)
            spans.append(
                reaches.AxisReach(axis, length, tuple(start for start, _ in bins), tuple(stop - 1 for _, stop in bins))
            )
        return reaches.windows(spans, (0, 1))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input, except for one position everywhere, where it is a mean."""
        (x,) = inputs
        y = self.infer(x.type)[0]
        if x.needs_grad and any(dim != 1 for dim in y.dims[2:]):
            tape.keep(x)
        return tape.new(y, x, format=x)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """`AveragePool` where the windows are alike; elsewhere each axis is multiplied by its matrix of
        weights, since ONNX has no pool with windows of different sizes."""
        (x,) = inputs
        rank = x.type.rank
        sizes = rules.per_axis(self.output_size, rank - 2)
        lengths = [rules.number(x.type, axis) for axis in range(2, rank)]
        if all(length % size == 0 for length, size in zip(lengths, sizes, strict=True)):
            kernel = [length // size for length, size in zip(lengths, sizes, strict=True)]
            return o.node("AveragePool", x, kernel_shape=kernel, strides=kernel)
        for axis, (length, size) in enumerate(zip(lengths, sizes, strict=True), 2):
            bins = _bins(length, size)
            matrix = [
                1.0 / (stop - start) if start <= position < stop else 0.0
                for position in range(length)
                for start, stop in bins
            ]
            order = [*(other for other in range(rank) if other != axis), axis]
            rotated = o.node("Transpose", x, perm=order) if axis < rank - 1 else x
            product = o.node("MatMul", rotated, o.constant(matrix, shape=(length, size)))
            back = [order.index(position) for position in range(rank)]
            x = o.node("Transpose", product, perm=back) if axis < rank - 1 else product
        return x


def _bins(length: int, count: int) -> list[tuple[int, int]]:
    """Start and end of each window along one axis."""
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


OPERATORS = (GlobalAvgPool, GlobalMaxPool, AdaptiveAvgPool)
