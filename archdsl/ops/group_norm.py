"""Normalisation of each sample over groups of channels and all spatial axes."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import ONES, ZEROS, Example, Need, Operator, Weight, Work, arg
from archdsl.ops import reaches, rules
from archdsl.types.dims import exact_div, product
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


def _channel_weights(x: TensorType, affine: bool) -> tuple[Weight, ...]:
    if not affine:
        return ()
    shape = (rules.number(x, 1),)
    return Weight("weight", shape, ONES, "normalisation"), Weight("bias", shape, ZEROS, "normalisation")


def _per_channel(o: "OnnxEmitter", name: str, rank: int) -> "OnnxValue":
    """A weight with one number per channel, shaped to stretch over the spatial axes."""
    weight = o.weight(name)
    if rank == 2:
        return weight
    return o.node("Reshape", weight, o.constant([-1, *[1] * (rank - 2)], "i64"))


def _may_be_channels_last(x: TensorType) -> bool:
    """Whether PyTorch knows a layout of it with the channels last: images and volumes."""
    return x.rank in (4, 5)


class GroupNorm(Operator):
    """Normalises groups of channels together, independently of the batch."""

    name = "group_norm"
    summary = "Group normalisation"
    source = "Wu and He, 2018"
    examples = (
        Example(
            "group_norm(2)", ("f32[N, 4, 3, 3]",), "f32[N, 4, 3, 3]", work="252*N normalisation", reach="[a, *, *, *]"
        ),
        Example(
            "group_norm(3, eps = 1e-3)", ("f32[2, 6, 5]",), "f32[2, 6, 5]", work="420 normalisation", reach="[a, *, *]"
        ),
        Example(
            "group_norm(1, !affine)",
            ("f32[2, 4, H, 3]",),
            "f32[2, 4, H, 3]",
            work="120*H normalisation",
            reach="[a, *, *, *]",
        ),
        Example("group_norm(2)", ("f32[2, 6]",), "f32[2, 6]", work="84 normalisation", reach="[a, *]"),
    )

    asks_for_gradients = True

    groups: int = arg("int", "number of groups (num_groups)", minimum=1)
    eps: float = arg("float", "added to the variance", default=1e-5, minimum=0)
    affine: bool = arg("bool", "learn a scale and a shift per channel", default=True)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.require_rank(x, 2, None, "[N, channels, ...]")
        rules.divides(self.groups, rules.known(x, 1, "channels"), "groups", "channels", "groups")
        return (x,)

    def needs(self, *inputs: TensorType) -> tuple[Need, ...]:
        """PyTorch refuses a batch with one value in all for each place of a group, in evaluation too."""
        (x,) = inputs
        values = exact_div(x.elements, self.groups)
        reason = "PyTorch normalises groups of two values or more, the batch counted in"
        return () if values is None else (Need(values, 2, reason),)

    def advice(self, *inputs: TensorType) -> str:
        return rules.eps_advice(self.eps)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        return _channel_weights(inputs[0], self.affine)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Per element 5 (sum, centre, square, sum, scale), and 2 for the learned scale and shift."""
        return {"normalisation": (7 if self.affine else 5) * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        """Of data PyTorch's own code for images with the channels last ends the process in the backward pass, where it
        writes the gradient that nobody asked for; how data lies in memory is the caller's choice. Flat, it is none."""
        (x,) = inputs
        module = t.module(
            "nn.GroupNorm",
            self.groups,
            rules.number(x.type, 1),
            eps=t.option(self.eps, 1e-5),
            affine=t.option(self.affine, True),
        )
        if _may_be_channels_last(x.type) and self.affine and t.bare(x):
            return t.method(module(t.method(x, "flatten", 2)), "view_as", x)
        return module(x)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """All of the sample's positions, through the statistics."""
        return reaches.pointwise(inputs, outputs, range(1, inputs[0].rank))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps its input, in order unless it is an image with the channels last, and mean and inverse deviation per
        group."""
        (x,) = inputs
        weights = [tape.parameter(weight.shape) for weight in self.weights(x.type)]
        images = _may_be_channels_last(x.type)
        as_it_is = x.contiguous or (images and x.channels_last and (x.needs_grad or not self.affine))
        ordered = x if as_it_is else tape.new(x.type, x)
        y = tape.new(x.type, x, *weights, like=ordered)
        if y.needs_grad:
            statistic = x.type.with_dims(x.type.dims[0], self.groups)
            tape.keep(ordered, tape.new(statistic), tape.new(statistic))
        return y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """Instance normalisation of [N, groups, rest], then scale and shift per channel:
        `GroupNormalization` has one scale per channel only from opset 21 on, and needs spatial axes."""
        (x,) = inputs
        ones, zeros = o.constant([1.0] * self.groups), o.constant([0.0] * self.groups)
        grouped = o.node("Reshape", x, o.constant([0, self.groups, -1], "i64"))
        normal = o.node("InstanceNormalization", grouped, ones, zeros, epsilon=self.eps)
        result = o.node("Reshape", normal, o.shape(x.type.dims))
        if not self.affine:
            return result
        result = o.node("Mul", result, _per_channel(o, "weight", x.type.rank))
        return o.node("Add", result, _per_channel(o, "bias", x.type.rank))


class InstanceNorm(Operator):
    """Normalises each channel of each sample over its spatial axes; like PyTorch's, it learns nothing by
    default."""

    name = "instance_norm"
    summary = "Instance normalisation"
    source = "Ulyanov et al., 2016"
    examples = (
        Example(
            "instance_norm", ("f32[N, 3, H, 5]",), "f32[N, 3, H, 5]", work="75*H*N normalisation", reach="[a, b, *, *]"
        ),
        Example(
            "instance_norm(affine)", ("f32[2, 3, 7]",), "f32[2, 3, 7]", work="294 normalisation", reach="[a, b, *]"
        ),
        Example(
            "instance_norm(affine, eps = 1e-3)",
            ("f32[1, 2, 3, 3, 2]",),
            "f32[1, 2, 3, 3, 2]",
            work="252 normalisation",
            reach="[a, b, *, *, *]",
        ),
    )

    eps: float = arg("float", "added to the variance", default=1e-5, minimum=0)
    affine: bool = arg("bool", "learn a scale and a shift per channel", default=False)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.require_images(x)
        rules.known(x, 1, "channels")
        return (x,)

    def needs(self, *inputs: TensorType) -> tuple[Need, ...]:
        """The variance of one position is 0: PyTorch refuses it, in evaluation too."""
        return (Need(product(inputs[0].dims[2:]), 2, "it needs two positions or more to normalise"),)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        return _channel_weights(inputs[0], self.affine)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Per element 5 (sum, centre, square, sum, scale), and 2 for the learned scale and shift."""
        return {"normalisation": (7 if self.affine else 5) * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        return t.module(
            f"nn.InstanceNorm{x.type.rank - 2}d",
            rules.number(x.type, 1),
            eps=t.option(self.eps, 1e-5),
            affine=t.option(self.affine, False),
        )(x)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """All of the sample's positions, through the statistics."""
        return reaches.pointwise(inputs, outputs, range(2, inputs[0].rank))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Batch norm of [1, N * channels, ...]: keeps its input, mean and inverse deviation per channel of each sample,
        and the scale written out for each sample."""
        (x,) = inputs
        weights = [tape.parameter(weight.shape) for weight in self.weights(x.type)]
        ordered = x if x.contiguous else tape.new(x.type, x)
        y = tape.new(x.type, x, *weights)
        if y.needs_grad:
            per_sample = x.type.with_dims(x.type.dims[0] * x.type.dims[1])
            tape.keep(ordered, tape.new(per_sample), tape.new(per_sample))
            if self.affine:
                tape.keep(tape.new(per_sample))
        return y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        channels = rules.number(x.type, 1)
        scale = o.weight("weight") if self.affine else o.constant([1.0] * channels)
        shift = o.weight("bias") if self.affine else o.constant([0.0] * channels)
        return o.node("InstanceNormalization", x, scale, shift, epsilon=self.eps)


OPERATORS = (GroupNorm, InstanceNorm)
