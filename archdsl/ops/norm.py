"""Normalisation by running statistics (`batch_norm`) and over trailing axes (`layer_norm`, `rms_norm`)."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import ONES, ZEROS, Example, Need, Operator, Weight, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim, product
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class BatchNorm(Operator):
    """Normalises each channel: by statistics of the batch in training, by running averages at inference."""

    name = "batch_norm"
    aliases = ("bn",)
    summary = "Batch normalisation per channel"
    source = "Ioffe and Szegedy, 2015"
    examples = (
        Example("batch_norm", ("f32[4, 3]",), "f32[4, 3]", work="24 normalisation", reach="[a, b]"),
        Example("batch_norm", ("f32[2, 3, 5]",), "f32[2, 3, 5]", work="60 normalisation", reach="[a, b, c]"),
        Example(
            "bn(eps = 1e-3, momentum = 0.01)",
            ("f32[N, 3, 4, 4]",),
            "f32[N, 3, 4, 4]",
            work="96*N normalisation",
            reach="[a, b, c, d]",
        ),
        Example(
            "bn(!affine)",
            ("f32[2, 3, 2, 2, 2]",),
            "f32[2, 3, 2, 2, 2]",
            work="96 normalisation",
            reach="[a, b, c, d, e]",
        ),
    )

    eps: float = arg("float", "added to the variance", default=1e-5, minimum=0)
    momentum: float = arg("float", "share of the new batch in the running averages", default=0.1, minimum=0, maximum=1)
    affine: bool = arg("bool", "learn a scale and a shift per channel", default=True)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.require_rank(x, 2, 5, "[N, channels], or [N, channels, ...] with one to three spatial axes")
        rules.known(x, 1, "channels")
        return (x,)

    def training_needs(self, *inputs: TensorType) -> tuple[Need, ...]:
        return (Need(_per_channel(inputs[0]), 2, "PyTorch trains it on two values per channel or more"),)

    def advice(self, *inputs: TensorType) -> str:
        (x,) = inputs
        if _per_channel(x) == 1:
            return f"{x} has one value per channel, which PyTorch refuses in training: its variance would be 0"
        if self.eps == 0:
            return "PyTorch refuses an `eps` of 0 in training"
        return rules.eps_advice(self.eps)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        (x,) = inputs
        shape = (rules.number(x, 1),)
        learned = (
            Weight("weight", shape, ONES, "normalisation"),
            Weight("bias", shape, ZEROS, "normalisation"),
        )
        state = (
            Weight("running_mean", shape, ZEROS, "statistic"),
            Weight("running_var", shape, ONES, "statistic"),
            Weight("num_batches_tracked", (), ZEROS, "counter", "i64"),
        )
        return learned + state if self.affine else state

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """2 per element: at inference it is one multiplication and one addition, affine or not."""
        return {"normalisation": 2 * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        return t.module(
            f"nn.BatchNorm{max(x.type.rank - 2, 1)}d",
            rules.number(x.type, 1),
            eps=t.option(self.eps, 1e-5),
            momentum=t.option(self.momentum, 0.1),
            affine=t.option(self.affine, True),
        )(x)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """At inference a channel's statistics are constants."""
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input, and mean and inverse deviation of the batch per channel."""
        (x,) = inputs
        weights = [tape.parameter(weight.shape) for weight in self.weights(x.type) if weight.trainable]
        y = tape.new(x.type, x, *weights, format=x if x.type.rank > 3 else None)
        if y.needs_grad:
            statistic = TensorType((rules.number(x.type, 1),))
            tape.keep(x, tape.new(statistic), tape.new(statistic))
        return y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        channels = rules.number(x.type, 1)
        scale = o.weight("weight") if self.affine else o.constant([1.0] * channels)
        shift = o.weight("bias") if self.affine else o.constant([0.0] * channels)
        mean, variance = o.weight("running_mean"), o.weight("running_var")
        return o.node("BatchNormalization", x, scale, shift, mean, variance, epsilon=self.eps)


def _per_channel(x: TensorType) -> Dim:
    """Values of one channel, the batch counted in."""
    return product(dim for axis, dim in enumerate(x.dims) if axis != 1)


def _trailing(x: TensorType, axes: int) -> tuple[int, ...]:
    """Lengths of the last `axes` axes, which the learned scale has too."""
    rules.require_f32(x)
    rules.require_rank(x, 2, None, "[N, features], or [N, ..., features]")
    if axes >= x.rank:
        reject(
            f"{axes} axes leave no batch axis of the {x.rank}",
            at="axes",
            expected=f"1 to {x.rank - 1}",
            found=str(axes),
            help="the features are those of the input and not an argument" if axes == x.dims[-1] else "",
            code="E0408",
        )
    return tuple(rules.known(x, axis, "elements in each normalised axis") for axis in range(-axes, 0))


def _trailing_advice(x: TensorType, axes: int) -> str:
    """Four axes of which the last two alone are equal are taken for an image, channels first."""
    if axes != 1 or x.rank != 4 or x.dims[2] != x.dims[3] or x.dims[1] == x.dims[2]:
        return ""
    return (
        f"it normalises each row of the image {x} alone; `axes = 3` takes each image whole, and channels are normalised"
        f" where they are last: `transpose(1, 3)` before and after, or `group_norm(1)`"
    )


class LayerNorm(Operator):
    """Normalises each sample over its trailing axes."""

    name = "layer_norm"
    summary = "Layer normalisation over the last axis, or over several trailing axes"
    source = "Ba et al., 2016"
    examples = (
        Example("layer_norm", ("f32[2, 5, 8]",), "f32[2, 5, 8]", work="560 normalisation", reach="[a, b, *]"),
        Example(
            "layer_norm(axes = 2, eps = 1e-6)",
            ("f32[N, 3, 4]",),
            "f32[N, 3, 4]",
            work="84*N normalisation",
            reach="[a, *, *]",
        ),
        Example("layer_norm(!bias)", ("f32[3, 6]",), "f32[3, 6]", work="108 normalisation", reach="[a, *]"),
        Example("layer_norm(!affine)", ("f32[2, T, 6]",), "f32[2, T, 6]", work="60*T normalisation", reach="[a, b, *]"),
    )

    axes: int = arg("int", "how many trailing axes are normalised together", default=1, minimum=1)
    eps: float = arg("float", "added to the variance", default=1e-5, minimum=0)
    affine: bool = arg("bool", "learn a scale and a shift per element (elementwise_affine)", default=True)
    bias: bool = arg("bool", "learn the shift; without effect when not affine", default=True)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        _trailing(inputs[0], self.axes)
        return inputs

    def advice(self, *inputs: TensorType) -> str:
        return _trailing_advice(inputs[0], self.axes)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        if not self.affine:
            return ()
        shape = _trailing(inputs[0], self.axes)
        weight = Weight("weight", shape, ONES, "normalisation")
        return (weight, Weight("bias", shape, ZEROS, "normalisation")) if self.bias else (weight,)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Per element 5 (sum, centre, square, sum, scale), 1 for a learned scale, 1 for a learned shift."""
        return {"normalisation": (5 + len(self.weights(*inputs))) * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        shape = _trailing(x.type, self.axes)
        return t.module(
            "nn.LayerNorm",
            shape[0] if len(shape) == 1 else shape,
            eps=t.option(self.eps, 1e-5),
            elementwise_affine=t.option(self.affine, True),
            bias=t.option(self.bias or not self.affine, True),
        )(x)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The normalised axes whole."""
        rank = inputs[0].rank
        return reaches.pointwise(inputs, outputs, range(rank - self.axes, rank))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input, and mean and inverse deviation per normalised part."""
        (x,) = inputs
        weights = [tape.parameter(weight.shape) for weight in self.weights(x.type)]
        ordered = tape.reshape(x, x.type.dims) if x.contiguous else tape.new(x.type, x)
        y = tape.new(x.type, x, *weights)
        if y.needs_grad:
            statistic = x.type.with_dims(*x.type.dims[: -self.axes])
            tape.keep(ordered, tape.new(statistic), tape.new(statistic))
        return y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        shape = _trailing(x.type, self.axes)
        count = 1
        for length in shape:
            count *= length
        scale = o.weight("weight") if self.affine else o.constant([1.0] * count, shape=shape)
        shift = o.weight("bias") if self.affine and self.bias else None
        return o.node("LayerNormalization", x, scale, shift, axis=-self.axes, epsilon=self.eps)


class RMSNorm(Operator):
    """Scales each sample by the root mean square of its trailing axes."""

    name = "rms_norm"
    summary = "Root mean square normalisation over the last axis, or over several trailing axes"
    source = "Zhang and Sennrich, 2019"
    examples = (
        Example("rms_norm", ("f32[2, 5, 8]",), "f32[2, 5, 8]", work="320 normalisation", reach="[a, b, *]"),
        Example(
            "rms_norm(axes = 2, !affine)",
            ("f32[N, 3, 4]",),
            "f32[N, 3, 4]",
            work="36*N normalisation",
            reach="[a, *, *]",
        ),
    )

    axes: int = arg("int", "how many trailing axes are normalised together", default=1, minimum=1)
    eps: float = arg("float", "added to the mean square (PyTorch leaves it to the dtype)", default=1e-6, minimum=0)
    affine: bool = arg("bool", "learn a scale per element (elementwise_affine)", default=True)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        _trailing(inputs[0], self.axes)
        return inputs

    def advice(self, *inputs: TensorType) -> str:
        return _trailing_advice(inputs[0], self.axes)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        if not self.affine:
            return ()
        return (Weight("weight", _trailing(inputs[0], self.axes), ONES, "normalisation"),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Per element 3 (square, sum, scale), and 1 for the learned scale."""
        elements: Dim = outputs[0].elements
        return {"normalisation": (4 if self.affine else 3) * elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        shape = _trailing(x.type, self.axes)
        return t.module(
            "nn.RMSNorm",
            shape[0] if len(shape) == 1 else shape,
            eps=self.eps,
            elementwise_affine=t.option(self.affine, True),
        )(x)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The normalised axes whole."""
        rank = inputs[0].rank
        return reaches.pointwise(inputs, outputs, range(rank - self.axes, rank))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input and the inverse root per normalised part; with a scale, the normalised input too."""
        (x,) = inputs
        y = tape.new(x.type, x, like=x)
        if x.needs_grad:
            tape.keep(x, tape.new(x.type.with_dims(*x.type.dims[: -self.axes])))
        return traces.mul(tape, y, tape.parameter(self.weights(x.type)[0].shape)) if self.affine else y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """Written out: `RMSNormalization` exists only from opset 23."""
        (x,) = inputs
        axes = o.constant(list(range(-self.axes, 0)), "i64")
        mean = o.node("ReduceMean", o.node("Mul", x, x), axes, keepdims=1)
        root = o.node("Sqrt", o.node("Add", mean, o.constant(self.eps)))
        scaled = o.node("Div", x, root)
        return o.node("Mul", scaled, o.weight("weight")) if self.affine else scaled


OPERATORS = (BatchNorm, LayerNorm, RMSNorm)
