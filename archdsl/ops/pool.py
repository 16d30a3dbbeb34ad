"""Pooling over sliding windows of one, two or three spatial axes."""

from math import prod
from typing import TYPE_CHECKING, ClassVar

from archdsl.ir.operator import Example, Need, Operator, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType
from archdsl.types.windows import Window, ceil_output_length, output_length

if TYPE_CHECKING:
    from archdsl.ir.lowering import (
        OnnxAttribute,
        OnnxEmitter,
        OnnxValue,
        Tape,
        TorchEmitter,
        TorchExpr,
        TorchInput,
        TorchOption,
        Traced,
    )
    from archdsl.ir.reach import Relation


class Pool(Operator):
    """Base of the sliding-window pools."""

    onnx_type: ClassVar[str]

    kernel: Window = arg("window", "window size", minimum=1)
    stride: Window | None = arg("window", "step of the window; the window size if none", default=None, minimum=1)
    padding: Window | str = arg(
        "padding", "added to each side, at most half the window; `same` is kernel // 2", default=0, minimum=0
    )

    def windows(self, axes: int) -> tuple[tuple[int, ...], ...]:
        """Kernel, stride, padding and dilation, written out per axis."""
        kernel = rules.window(self.kernel, axes, "kernel")
        stride = kernel if self.stride is None else rules.window(self.stride, axes, "stride")
        dilation = self.spread(axes)
        return kernel, stride, rules.paddings(self.padding, kernel, dilation), dilation

    def spread(self, axes: int) -> tuple[int, ...]:
        """Dilation per axis."""
        return (1,) * axes

    def ceils(self) -> bool:
        """Whether a last, partial window counts."""
        raise NotImplementedError

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        kernel, stride, padding, dilation = self.windows(rules.require_images(x))
        for pad, size in zip(padding, kernel, strict=True):
            if pad > size // 2:
                reject(
                    f"a padding of {pad} is more than half of the window {size}",
                    at="padding",
                    expected=f"at most {size // 2}",
                    found=str(pad),
                    help="a window could lie in the padding alone; use `pad` before the pool",
                    code="E0406",
                )
        lengths = tuple(map(self._length, x.dims[2:], kernel, stride, padding, dilation))
        rules.require_positive(x, lengths, kernel)
        return (x.with_dims(*x.dims[:2], *lengths),)

    def advice(self, *inputs: TensorType) -> str:
        """An image in another layout; one-sided padding."""
        (x,) = inputs
        return rules.layout_advice(x) or rules.sides_advice(
            self.padding, rules.window(self.kernel, x.rank - 2, "kernel")
        )

    def _length(self, length: Dim, kernel: int, stride: int, padding: int, dilation: int) -> Dim:
        if not self.ceils():
            return output_length(length, kernel, stride, padding, dilation)
        result = ceil_output_length(length, kernel, stride, padding, dilation)
        if result is None:
            reject(
                f"whether the last window starts inside the image depends on the value of {length}",
                at="stride",
                expected="stride + padding at most the window's extent, or a known length",
                found=f"stride {stride}, padding {padding}, window {kernel}",
                help=rules.CONCRETE,
                code="E0409",
            )
        return result

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Window elements per output element, padding and overhang included."""
        kernel = self.windows(inputs[0].rank - 2)[0]
        return {"pooling": outputs[0].elements * prod(kernel)}

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """Elements that its windows step over are not read."""
        return (rules.windowed(inputs[0], outputs[0], *self.windows(inputs[0].rank - 2)),)

    def options(self, t: "TorchEmitter", axes: int) -> "dict[str, TorchOption]":
        """Keyword arguments of this pool alone."""
        raise NotImplementedError

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = x.type.rank - 2
        kernel, stride, padding, _ = map(rules.collapse, self.windows(axes))
        return t.call(
            f"F.{self.name}{axes}d",
            x,
            kernel,
            stride=t.option(stride, kernel),
            padding=t.option(padding, 0),
            **self.options(t, axes),
        )

    def kept(self, tape: "Tape", y: TensorType) -> "tuple[Traced, ...]":
        """The tensor that is kept beside the input."""
        return ()

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Windows on the spatial axes, each channel for itself."""
        axes = range(2, inputs[0].rank)
        spans = list(map(reaches.sliding, axes, *self.windows(inputs[0].rank - 2)))
        return reaches.windows(spans, (0, 1))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        (x,) = inputs
        y = self.infer(x.type)[0]
        if x.needs_grad:
            tape.keep(x, *self.kept(tape, y))
        return tape.new(y, x, format=x)

    def attributes(self, dilation: tuple[int, ...]) -> "dict[str, OnnxAttribute]":
        """ONNX attributes of this pool alone."""
        raise NotImplementedError

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """Before opset 22 ONNX counts a last window that starts in the right padding, which PyTorch and
        onnxruntime drop. Where it is dropped, ceil mode gives what floor mode gives, so each axis is pooled
        in the mode that says what happens; axes that differ take two nodes, exact because both pools are
        separable."""
        (x,) = inputs
        windows = self.windows(x.type.rank - 2)
        floors = map(output_length, x.type.dims[2:], *windows)
        lengths = self.infer(x.type)[0].dims[2:]
        ceil_axes = [length != floor for length, floor in zip(lengths, floors, strict=True)]
        if all(ceil_axes) or not any(ceil_axes) or o.opset >= 22:
            return self._node(o, x, windows, any(ceil_axes))
        floor_axes = [not chosen for chosen in ceil_axes]
        partial = self._node(o, x, _only(windows, floor_axes), False)
        return self._node(o, partial, _only(windows, ceil_axes), True)

    def _node(self, o: "OnnxEmitter", x: "OnnxValue", windows: tuple[tuple[int, ...], ...], ceil: bool) -> "OnnxValue":
        kernel, stride, padding, dilation = windows
        return o.node(
            self.onnx_type,
            x,
            kernel_shape=kernel,
            strides=stride,
            pads=padding * 2,
            ceil_mode=int(ceil),
            **self.attributes(dilation),
        )


def _only(windows: tuple[tuple[int, ...], ...], chosen: list[bool]) -> tuple[tuple[int, ...], ...]:
    """The same windows on the chosen axes, and windows that do nothing on the others."""
    return tuple(
        tuple(value if use else nothing for value, use in zip(values, chosen, strict=True))
        for values, nothing in zip(windows, (1, 1, 0, 1), strict=True)
    )


class MaxPool(Pool):
    name = "max_pool"
    summary = "Largest element of each window"
    onnx_type = "MaxPool"
    examples = (
        Example(
            "max_pool(2)",
            ("f32[N, 3, H, 7]",),
            "f32[N, 3, H // 2, 3]",
            work="36*(H // 2)*N pooling",
            reach="[a, b, 2c..2c+1, 2d..2d+1]",
        ),
        Example(
            "max_pool(3, stride = 2, padding = 1)",
            ("f32[2, 3, 8, 9]",),
            "f32[2, 3, 4, 5]",
            work="1080 pooling",
            reach="[a, b, 2c-1..2c+1, 2d-1..2d+1]",
        ),
        Example(
            "max_pool(3, stride = 2, ceil_mode)",
            ("f32[2, 3, 8, 10]",),
            "f32[2, 3, 4, 5]",
            work="1080 pooling",
            reach="[a, b, 2c..2c+2, 2d..2d+2]",
        ),
        Example(
            "max_pool(3, stride = 1, padding = same)",
            ("f32[2, 3, 8]",),
            "f32[2, 3, 8]",
            work="144 pooling",
            reach="[a, b, c-1..c+1]",
        ),
        Example(
            "max_pool(2, stride = 1, dilation = 2)",
            ("f32[1, 2, 5, 5, 5]",),
            "f32[1, 2, 3, 3, 3]",
            work="432 pooling",
            reach="[a, b, c..c+2, d..d+2, e..e+2]",
        ),
        Example(
            "max_pool(1, stride = 3, ceil_mode)",
            ("f32[1, 2, 3, 4]",),
            "f32[1, 2, 1, 2]",
            work="4 pooling",
            reach="[a, b, 3c, 3d]",
        ),
        Example(
            "max_pool([2, 1], stride = 3, ceil_mode)",
            ("f32[1, 2, 4, 3]",),
            "f32[1, 2, 2, 1]",
            work="8 pooling",
            reach="[a, b, 3c..3c+1, 3d]",
        ),
        Example(
            "max_pool(3, stride = 2, ceil_mode)",
            ("f32[N, 3, H]",),
            "f32[N, 3, H // 2]",
            work="9*(H // 2)*N pooling",
            reach="[a, b, 2c..2c+2]",
        ),
    )

    dilation: Window = arg("window", "distance between the window's taps", default=1, minimum=1)
    ceil_mode: bool = arg("bool", "keep a last window that hangs over the end", default=False)

    def spread(self, axes: int) -> tuple[int, ...]:
        return rules.window(self.dilation, axes, "dilation")

    def ceils(self) -> bool:
        return self.ceil_mode

    def options(self, t: "TorchEmitter", axes: int) -> "dict[str, TorchOption]":
        dilation = rules.collapse(self.spread(axes))
        return {"dilation": t.option(dilation, 1), "ceil_mode": t.option(self.ceil_mode, False)}

    def kept(self, tape: "Tape", y: TensorType) -> "tuple[Traced, ...]":
        """The position of each largest element."""
        return (tape.new(TensorType(y.dims, "i64")),)

    def attributes(self, dilation: tuple[int, ...]) -> "dict[str, OnnxAttribute]":
        return {"dilations": dilation}


class AvgPool(Pool):
    name = "avg_pool"
    summary = "Mean of each window"
    onnx_type = "AveragePool"
    examples = (
        Example(
            "avg_pool(2)",
            ("f32[N, 3, H, 7]",),
            "f32[N, 3, H // 2, 3]",
            work="36*(H // 2)*N pooling",
            reach="[a, b, 2c..2c+1, 2d..2d+1]",
        ),
        Example(
            "avg_pool(3, stride = 1, padding = 1)",
            ("f32[2, 3, 5, 6]",),
            "f32[2, 3, 5, 6]",
            work="1620 pooling",
            reach="[a, b, c-1..c+1, d-1..d+1]",
        ),
        Example(
            "avg_pool(3, stride = 2, padding = 1, !count_include_pad)",
            ("f32[2, 3, 5, 6]",),
            "f32[2, 3, 3, 3]",
            work="486 pooling",
            reach="[a, b, 2c-1..2c+1, 2d-1..2d+1]",
        ),
        Example(
            "avg_pool(3, stride = 2, padding = same, ceil_mode)",
            ("f32[2, 3, 6]",),
            "f32[2, 3, 4]",
            work="72 pooling",
            reach="[a, b, 2c-1..2c+1]",
        ),
        Example(
            "avg_pool([1, 2], stride = [3, 2], ceil_mode)",
            ("f32[1, 2, 3, 5]",),
            "f32[1, 2, 1, 3]",
            work="12 pooling",
            reach="[a, b, 3c, 2d..2d+1]",
        ),
        Example(
            "avg_pool(2)",
            ("f32[1, 2, 4, 4, 5]",),
            "f32[1, 2, 2, 2, 2]",
            work="128 pooling",
            reach="[a, b, 2c..2c+1, 2d..2d+1, 2e..2e+1]",
        ),
    )

    ceil_mode: bool = arg("bool", "keep a last window that hangs over the end", default=False)
    count_include_pad: bool = arg("bool", "padding counts as zeros in the mean", default=True)

    def ceils(self) -> bool:
        return self.ceil_mode

    def needs(self, *inputs: TensorType) -> tuple[Need, ...]:
        """On three spatial axes PyTorch refuses a window that is larger than the image, whatever the padding."""
        (x,) = inputs
        if x.rank < 5:
            return ()
        reason = "PyTorch's pool over three spatial axes needs as many positions as its window has, padding not counted"
        return tuple(map(Need, x.dims[2:], rules.window(self.kernel, 3, "kernel"), [reason] * 3))

    def options(self, t: "TorchEmitter", axes: int) -> "dict[str, TorchOption]":
        return {
            "ceil_mode": t.option(self.ceil_mode, False),
            "count_include_pad": t.option(self.count_include_pad, True),
        }

    def attributes(self, dilation: tuple[int, ...]) -> "dict[str, OnnxAttribute]":
        return {"count_include_pad": int(self.count_include_pad)}


class LpPool(Operator):
    """(sum of |x|**p) ** (1/p) over each window. PyTorch's own does without the bars, so for an odd p it is given |x|;
    its gradient, like PyTorch's, is not a number where a whole window is 0 and p is more than 1."""

    name = "lp_pool"
    summary = "p-norm of each window"
    source = "Sermanet et al., 2012"
    examples = (
        Example(
            "lp_pool(2, 2)",
            ("f32[N, 3, H, 7]",),
            "f32[N, 3, H // 2, 3]",
            work="36*(H // 2)*N pooling",
            reach="[a, b, 2c..2c+1, 2d..2d+1]",
        ),
        Example(
            "lp_pool(3, [3, 2], stride = [1, 2])",
            ("f32[2, 3, 5, 6]",),
            "f32[2, 3, 3, 3]",
            work="324 pooling",
            reach="[a, b, c..c+2, 2d..2d+1]",
        ),
        Example("lp_pool(1, 2)", ("f32[2, 3, 6]",), "f32[2, 3, 3]", work="36 pooling", reach="[a, b, 2c..2c+1]"),
        Example(
            "lp_pool(2, 2, stride = 1)",
            ("f32[1, 2, 3, 4, 3]",),
            "f32[1, 2, 2, 3, 2]",
            work="192 pooling",
            reach="[a, b, c..c+1, d..d+1, e..e+1]",
        ),
    )

    p: int = arg("int", "the exponent", minimum=1)
    kernel: Window = arg("window", "window size", minimum=1)
    stride: Window | None = arg("window", "step of the window; the window size if none", default=None, minimum=1)

    def _windows(self, axes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        kernel = rules.window(self.kernel, axes, "kernel")
        return kernel, kernel if self.stride is None else rules.window(self.stride, axes, "stride")

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        kernel, stride = self._windows(rules.require_images(x))
        lengths = tuple(map(output_length, x.dims[2:], kernel, stride, (0,) * len(kernel)))
        rules.require_positive(x, lengths, kernel)
        return (x.with_dims(*x.dims[:2], *lengths),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Window elements per output element; powers and roots are not counted."""
        kernel, _ = self._windows(inputs[0].rank - 2)
        return {"pooling": outputs[0].elements * prod(kernel)}

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """Elements that its windows step over are not read."""
        kernel, stride = self._windows(inputs[0].rank - 2)
        return (rules.windowed(inputs[0], outputs[0], kernel, stride, (0,) * len(kernel), (1,) * len(kernel)),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = x.type.rank - 2
        kernel, stride = map(rules.collapse, self._windows(axes))
        magnitude = t.method(x, "abs") if self.p % 2 else x
        return t.call(f"F.lp_pool{axes}d", magnitude, self.p, kernel, stride=t.option(stride, kernel))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Windows on the spatial axes, each channel for itself."""
        kernel, stride = self._windows(inputs[0].rank - 2)
        axes = range(2, inputs[0].rank)
        return reaches.windows(list(map(reaches.sliding, axes, kernel, stride, (0,) * len(kernel))), (0, 1))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """PyTorch puts it together: the mean of x**p, its sign times relu of its magnitude, times the window's size, to
        the power of 1/p. Each keeps its input, the product both factors, relu its result."""
        (x,) = inputs
        magnitude = traces.of_input(tape, x) if self.p % 2 else x
        power = traces.of_input(tape, magnitude)
        mean = tape.new(self.infer(x.type)[0], power, format=power)
        if x.needs_grad:
            tape.keep(power)
        sign = tape.new(mean.type, mean, like=mean)
        product = traces.mul(tape, sign, traces.of_result(tape, traces.of_input(tape, mean)))
        return traces.of_input(tape, traces.scaled(tape, product))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        kernel, stride = self._windows(x.type.rank - 2)
        return o.node("LpPool", x, kernel_shape=kernel, strides=stride, p=self.p)


OPERATORS = (MaxPool, AvgPool, LpPool)
