"""Convolutions over one, two or three spatial axes, chosen by the input's rank."""

from math import prod
from typing import TYPE_CHECKING

from archdsl.ir.operator import Example, Init, Operator, Weight, Work, arg, reject
from archdsl.ops import reaches, rules
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType
from archdsl.types.windows import Window, output_length, transposed_length

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


def _uniform(fan_in: int) -> Init:
    """PyTorch's default for convolutions: kaiming_uniform with a = sqrt(5), which is U(+-1/sqrt(fan_in));
    biases use the same bound."""
    bound = fan_in**-0.5
    return Init("uniform", -bound, bound)


class Conv(Operator):
    """Cross-correlation, as every framework's convolution."""

    name = "conv"
    summary = "Convolution over one, two or three spatial axes, by the input's rank"
    source = "LeCun et al., 1989"
    examples = (
        Example("conv(6, 3)", ("f32[2, 4, 9]",), "f32[2, 6, 9]", work="1296 conv, 108 bias", reach="[a, *, c-1..c+1]"),
        Example(
            "conv(8, 3, stride = 2)",
            ("f32[2, 3, 9, 8]",),
            "f32[2, 8, 5, 4]",
            work="8640 conv, 320 bias",
            reach="[a, *, 2c-1..2c+1, 2d-1..2d+1]",
        ),
        Example(
            "conv(4, 7, stride = 2, padding = 3, !bias)",
            ("f32[1, 3, 15, 15]",),
            "f32[1, 4, 8, 8]",
            work="37632 conv",
            reach="[a, *, 2c-3..2c+3, 2d-3..2d+3]",
        ),
        Example(
            "conv(4, 2)",
            ("f32[1, 3, 6, 6]",),
            "f32[1, 4, 7, 7]",
            work="2352 conv, 196 bias",
            reach="[a, *, c-1..c, d-1..d]",
        ),
        Example(
            "conv(6, 3, dilation = 2)",
            ("f32[2, 3, 9, 9]",),
            "f32[2, 6, 9, 9]",
            work="26244 conv, 972 bias",
            reach="[a, *, c-2..c+2, d-2..d+2]",
        ),
        Example(
            "conv(8, 3, groups = 4)",
            ("f32[2, 4, 6, 6]",),
            "f32[2, 8, 6, 6]",
            work="5184 conv, 576 bias",
            reach="[a, *, c-1..c+1, d-1..d+1]",
        ),
        Example(
            "conv(4, [1, 3], stride = [2, 1], padding = [0, 1])",
            ("f32[2, 3, 6, 5]",),
            "f32[2, 4, 3, 5]",
            work="1080 conv, 120 bias",
            reach="[a, *, 2c, d-1..d+1]",
        ),
        Example(
            "conv(4, [3, 1], padding = same)",
            ("f32[2, 3, 6, 5]",),
            "f32[2, 4, 6, 5]",
            work="2160 conv, 240 bias",
            reach="[a, *, c-1..c+1, d]",
        ),
        Example(
            "conv(3, 3, padding = 0)",
            ("f32[1, 2, 5, 6, 4]",),
            "f32[1, 3, 3, 4, 2]",
            work="3888 conv, 72 bias",
            reach="[a, *, c..c+2, d..d+2, e..e+2]",
        ),
        Example(
            "conv(4, 3, bias_init = -2.0)",
            ("f32[1, 2, 4, 4]",),
            "f32[1, 4, 4, 4]",
            work="1152 conv, 64 bias",
            reach="[a, *, c-1..c+1, d-1..d+1]",
        ),
        Example(
            "conv(8, 3, std = 0.1)",
            ("f32[1, 2, 4, 4]",),
            "f32[1, 8, 4, 4]",
            work="2304 conv, 128 bias",
            reach="[a, *, c-1..c+1, d-1..d+1]",
        ),
        Example(
            "conv(4, 3, stride = 2)",
            ("f32[N, 3, H, W]",),
            "f32[N, 4, (H + 1) // 2, (W + 1) // 2]",
            work="108*((H + 1) // 2)*((W + 1) // 2)*N conv, 4*((H + 1) // 2)*((W + 1) // 2)*N bias",
            reach="[a, *, 2c-1..2c+1, 2d-1..2d+1]",
        ),
    )

    out: int = arg("int", "output channels", minimum=1)
    kernel: Window = arg("window", "window size", minimum=1)
    stride: Window = arg("window", "step of the window", default=1, minimum=1)
    padding: Window | str = arg(
        "padding",
        "zeros on each side; `same` is dilation * (kernel // 2), which at stride 1 keeps the size for odd"
        " kernels and gives one more for even ones",
        default="same",
        minimum=0,
    )
    dilation: Window = arg("window", "distance between the window's taps", default=1, minimum=1)
    groups: int = arg("int", "independent groups of channels", default=1, minimum=1)
    bias: bool = arg("bool", "add a learned constant per channel", default=True)
    bias_init: float | None = arg("float", "constant the bias starts from; PyTorch's rule if none", default=None)
    std: float | None = arg("float", rules.STD, default=None, minimum=0, maximum=rules.LARGEST_STD)

    def _windows(self, axes: int) -> tuple[tuple[int, ...], ...]:
        kernel = rules.window(self.kernel, axes, "kernel")
        stride = rules.window(self.stride, axes, "stride")
        dilation = rules.window(self.dilation, axes, "dilation")
        return kernel, stride, rules.paddings(self.padding, kernel, dilation), dilation

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        axes = rules.require_images(x)
        channels = rules.known(x, 1, "channels")
        rules.divides(self.groups, channels, "groups", "input channels", "groups")
        rules.divides(self.groups, self.out, "groups", "output channels", "groups")
        if self.bias_init is not None and not self.bias:
            reject("`bias_init` says how a bias starts, but there is no bias", at="bias_init", code="E0412")
        kernel, stride, padding, dilation = self._windows(axes)
        spatial = tuple(map(output_length, x.dims[2:], kernel, stride, padding, dilation))
        rules.require_positive(x, spatial, kernel)
        return (x.with_dims(x.dims[0], self.out, *spatial),)

    def advice(self, *inputs: TensorType) -> str:
        """A convolution written as PyTorch's, input channels first; an image in another layout; one-sided padding."""
        (x,) = inputs
        kernel = rules.window(self.kernel, x.rank - 2, "kernel")
        if other := rules.layout_advice(x) or rules.sides_advice(self.padding, kernel):
            return other
        if x.rank == 3 or self.groups != 1:
            return ""
        channels = rules.number(x, 1)
        return rules.channels_given(self.name, channels, self.out, self.kernel, self.stride, least=1)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        (x,) = inputs
        channels = rules.number(x, 1) // self.groups
        kernel = rules.window(self.kernel, x.rank - 2, "kernel")
        init = _uniform(channels * prod(kernel))
        weight = Weight("weight", (self.out, channels, *kernel), rules.start(self.std, init))
        if not self.bias:
            return (weight,)
        start = init if self.bias_init is None else Init("constant", self.bias_init)
        return weight, Weight("bias", (self.out,), start, "bias")

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """MACs: output elements x input channels / groups x window elements, padding included. Bias: 1
        per output element."""
        weight = self.weights(*inputs)[0]
        elements = outputs[0].elements
        return {"conv": elements * prod(weight.shape[1:]), "bias": elements if self.bias else 0}

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """Elements that its windows step over are not read."""
        _, *weights = super().reads(inputs, outputs)
        windows = self._windows(inputs[0].rank - 2)
        return (rules.windowed(inputs[0], outputs[0], *windows), *weights)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = x.type.rank - 2
        kernel, stride, padding, dilation = map(rules.collapse, self._windows(axes))
        module = t.module(
            f"nn.Conv{axes}d",
            rules.number(x.type, 1),
            self.out,
            kernel,
            stride=t.option(stride, 1),
            padding=t.option(padding, 0),
            dilation=t.option(dilation, 1),
            groups=t.option(self.groups, 1),
            bias=t.option(self.bias, True),
        )
        if self.std is not None:
            t.initialise(module, "weight", rules.normal(self.std))
        if self.bias_init is not None:
            t.initialise(module, "bias", Init("constant", self.bias_init))
        return module(x)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Windows on the spatial axes; all channels."""
        kernel, stride, padding, dilation = self._windows(inputs[0].rank - 2)
        axes = range(2, inputs[0].rank)
        return reaches.windows(list(map(reaches.sliding, axes, kernel, stride, padding, dilation)))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A convolution keeps its input for the gradient of its weight."""
        return _autograd(self, tape, inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        kernel, stride, padding, dilation = self._windows(x.type.rank - 2)
        return o.node(
            "Conv",
            x,
            o.weight("weight"),
            o.weight("bias") if self.bias else None,
            kernel_shape=kernel,
            strides=stride,
            pads=padding * 2,
            dilations=dilation,
            group=self.groups,
        )


class ConvTranspose(Operator):
    """The gradient of a convolution with respect to its input, used to enlarge an image."""

    name = "conv_transpose"
    summary = "Transposed convolution over one, two or three spatial axes"
    source = "Zeiler et al., 2010"
    examples = (
        Example(
            "conv_transpose(4, 2, stride = 2)",
            ("f32[2, 6, 5, 4]",),
            "f32[2, 4, 10, 8]",
            work="3840 conv, 640 bias",
            reach="[a, *, c%2: 0 | 0 | +1, d%2: 0 | 0 | +1]",
        ),
        Example(
            "conv_transpose(4, 3, stride = 2, padding = 1)",
            ("f32[2, 3, 5]",),
            "f32[2, 4, 9]",
            work="360 conv, 72 bias",
            reach="[a, *, c%2: 0 | 0..1 | +1]",
        ),
        Example(
            "conv_transpose(4, 3, dilation = 3, padding = 1, output_padding = 2)",
            ("f32[2, 3, 5]",),
            "f32[2, 4, 11]",
            work="360 conv, 88 bias",
            reach="[a, *, c-5..c+1]",
        ),
        Example(
            "conv_transpose(4, 3, std = 0.1)",
            ("f32[2, 3, 5]",),
            "f32[2, 4, 7]",
            work="360 conv, 56 bias",
            reach="[a, *, c-2..c]",
        ),
        Example(
            "conv_transpose(4, 3, stride = 2, padding = 1, output_padding = 1, groups = 2, !bias)",
            ("f32[1, 6, 4, 5]",),
            "f32[1, 4, 8, 10]",
            work="2160 conv",
            reach="[a, *, c%2: 0 | 0..1 | +1, d%2: 0 | 0..1 | +1]",
        ),
        Example(
            "conv_transpose(2, 3, dilation = 2)",
            ("f32[1, 2, 3, 4, 3]",),
            "f32[1, 2, 7, 8, 7]",
            work="3888 conv, 784 bias",
            reach="[a, *, c-4..c, d-4..d, e-4..e]",
        ),
        Example(
            "conv_transpose(4, 4, stride = 2, padding = 1)",
            ("f32[N, 3, H, 7]",),
            "f32[N, 4, 2*H, 14]",
            work="1344*H*N conv, 112*H*N bias",
            reach="[a, *, c%2: -1..0 | 0..1 | +1, d%2: -1..0 | 0..1 | +1]",
        ),
    )

    out: int = arg("int", "output channels", minimum=1)
    kernel: Window = arg("window", "window size", minimum=1)
    stride: Window = arg("window", "enlargement", default=1, minimum=1)
    padding: Window = arg("window", "elements cut from each side of the full result", default=0, minimum=0)
    output_padding: Window = arg(
        "window", "elements added at the end; less than stride or dilation", default=0, minimum=0
    )
    dilation: Window = arg("window", "distance between the window's taps", default=1, minimum=1)
    groups: int = arg("int", "independent groups of channels", default=1, minimum=1)
    bias: bool = arg("bool", "add a learned constant per channel", default=True)
    std: float | None = arg("float", rules.STD, default=None, minimum=0, maximum=rules.LARGEST_STD)

    def _windows(self, axes: int) -> tuple[tuple[int, ...], ...]:
        return tuple(
            rules.window(getattr(self, name), axes, name)
            for name in ("kernel", "stride", "padding", "output_padding", "dilation")
        )

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        axes = rules.require_images(x)
        channels = rules.known(x, 1, "channels")
        rules.divides(self.groups, channels, "groups", "input channels", "groups")
        rules.divides(self.groups, self.out, "groups", "output channels", "groups")
        kernel, stride, padding, extra, dilation = self._windows(axes)
        for added, step, spread in zip(extra, stride, dilation, strict=True):
            if added >= max(step, spread):
                reject(
                    f"an output padding of {added} is not less than the stride or the dilation",
                    at="output_padding",
                    expected=f"less than {max(step, spread)}",
                    found=str(added),
                    code="E0412",
                )
        spatial = tuple(map(transposed_length, x.dims[2:], kernel, stride, padding, extra, dilation))
        rules.require_positive(x, spatial, padding, "padding")
        return (x.with_dims(x.dims[0], self.out, *spatial),)

    def advice(self, *inputs: TensorType) -> str:
        """A convolution written as PyTorch's, input channels first; an image in another layout; one-sided padding."""
        (x,) = inputs
        kernel = rules.window(self.kernel, x.rank - 2, "kernel")
        if other := rules.layout_advice(x) or rules.sides_advice(self.padding, kernel):
            return other
        if x.rank == 3 or self.groups != 1:
            return ""
        channels = rules.number(x, 1)
        return rules.channels_given(self.name, channels, self.out, self.kernel, self.stride, least=2)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        """As `nn.ConvTranspose2d` stores it: input channels first. PyTorch takes fan_in from the second axis
        of a weight, so here from the output channels of a group."""
        (x,) = inputs
        kernel = rules.window(self.kernel, x.rank - 2, "kernel")
        group = self.out // self.groups
        init = _uniform(group * prod(kernel))
        weight = Weight("weight", (rules.number(x, 1), group, *kernel), rules.start(self.std, init))
        return (weight, Weight("bias", (self.out,), init, "bias")) if self.bias else (weight,)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """MACs: input elements x output channels / groups x window elements, what is cut off included. Bias:
        1 per output element."""
        weight = self.weights(*inputs)[0]
        bias = outputs[0].elements if self.bias else 0
        return {"conv": inputs[0].elements * prod(weight.shape[1:]), "bias": bias}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = x.type.rank - 2
        kernel, stride, padding, extra, dilation = map(rules.collapse, self._windows(axes))
        module = t.module(
            f"nn.ConvTranspose{axes}d",
            rules.number(x.type, 1),
            self.out,
            kernel,
            stride=t.option(stride, 1),
            padding=t.option(padding, 0),
            output_padding=t.option(extra, 0),
            groups=t.option(self.groups, 1),
            bias=t.option(self.bias, True),
            dilation=t.option(dilation, 1),
        )
        if self.std is not None:
            t.initialise(module, "weight", rules.normal(self.std))
        return module(x)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """An output is reached through the windows of the inputs; all channels."""
        kernel, stride, padding, _, dilation = self._windows(inputs[0].rank - 2)
        axes = range(2, inputs[0].rank)
        return reaches.windows(list(map(reaches.transposed, axes, kernel, stride, padding, dilation)))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A convolution keeps its input for the gradient of its weight."""
        return _autograd(self, tape, inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        axes = x.type.rank - 2
        kernel, stride, padding, extra, dilation = self._windows(axes)
        ends, beyond = padding, (0,) * axes
        if any(size >= step for size, step in zip(extra, stride, strict=True)):
            # onnxruntime takes only extras below the stride. An extra is so much less that the padding cuts off at the
            # end, and where it is more than that, positions that no tap reaches.
            beyond = tuple(max(size - cut, 0) for size, cut in zip(extra, padding, strict=True))
            ends = tuple(max(cut - size, 0) for size, cut in zip(extra, padding, strict=True))
            extra = (0,) * axes
        later = any(beyond)
        y = o.node(
            "ConvTranspose",
            x,
            o.weight("weight"),
            o.weight("bias") if self.bias and not later else None,
            kernel_shape=kernel,
            strides=stride,
            pads=(*padding, *ends),
            output_padding=extra,
            dilations=dilation,
            group=self.groups,
        )
        if later:
            y = o.node("Pad", y, o.constant([0] * (axes + 4) + list(beyond), "i64"), o.constant(0.0))
        if later and self.bias:
            y = o.node("Add", y, o.node("Unsqueeze", o.weight("bias"), o.constant(list(range(1, axes + 1)), "i64")))
        return y


def _autograd(op: Conv | ConvTranspose, tape: "Tape", x: "Traced") -> "Traced":
    y = op.infer(x.type)[0]
    weight = tape.parameter(op.weights(x.type)[0].shape)
    tape.keep(x)
    tape.product(op.work((x.type,), (y,))["conv"], x, weight)
    return tape.new(y, x, weight, format=x if y.rank > 3 else None)


OPERATORS = (Conv, ConvTranspose)
