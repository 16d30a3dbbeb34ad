"""Larger and smaller images: constants around the edges (`pad`), or values between (`resize`)."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Operator, Work, arg, reject
from archdsl.ops import rules
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType
from archdsl.types.windows import Window

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchArg, TorchEmitter, TorchExpr, TorchInput, Traced


class Pad(Operator):
    """Adds constants before and after the elements of one axis, or of several axes alike."""

    name = "pad"
    summary = "Constants before and after the elements of an axis"
    examples = (
        Example("pad([1, 2])", ("f32[N, 3, 4, 4]",), "f32[N, 6, 4, 4]"),
        Example("pad(1, axis = [2, 3], value = -1.5)", ("f32[2, 3, 4, H]",), "f32[2, 3, 6, H + 2]"),
        Example("pad([0, 3], axis = -1)", ("f32[2, 5]",), "f32[2, 8]"),
    )

    amount: tuple[int, ...] = arg("ints", "elements on both sides, or a list [before, after]", minimum=0)
    axis: tuple[int, ...] = arg("ints", "the axis, or axes, that grow", default=(1,))
    value: float = arg("float", "the constant", default=0.0)

    def _sides(self) -> tuple[int, int]:
        return self.amount[0], self.amount[-1]

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        if len(self.amount) not in (1, 2):
            reject(
                f"`amount` gives {len(self.amount)} numbers",
                at="amount",
                expected="one number, or [before, after]",
                found=str(list(self.amount)),
                help="pad axes that need different amounts one after the other",
                code="E0411",
            )
        for axis in rules.axes_of(self.axis, x.rank):
            x = x.replace_axis(axis, x.dims[axis] + sum(self._sides()))
        return (x,)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        """`F.pad` lists the sides of the last axis first and stops at the first axis that grows."""
        (x,) = inputs
        chosen = rules.axes_of(self.axis, x.type.rank)
        sides: list[int] = []
        for axis in range(x.type.rank - 1, min(chosen) - 1, -1):
            sides += self._sides() if axis in chosen else (0, 0)
        return t.call("F.pad", x, tuple(sides), value=t.option(self.value, 0.0))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Nothing but shapes is needed."""
        return tape.new(self.infer(inputs[0].type)[0], inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """The axes are an input of the node: onnxruntime makes a `Pad` that lists all of them part of the pool that
        follows, and a maximum over its negative elements and our zeros is then taken without the zeros."""
        (x,) = inputs
        chosen = sorted(rules.axes_of(self.axis, x.type.rank))
        pads = [side for side in self._sides() for _ in chosen]
        return o.node("Pad", x, o.constant(pads, "i64"), o.constant(self.value), o.constant(chosen, "i64"))


class Resize(Operator):
    """`nearest` takes the element at floor(position * old / new); `bilinear` mixes the neighbours of the
    pixel's centre (PyTorch's align_corners = False). On one or three spatial axes it is linear or
    trilinear."""

    name = "resize"
    summary = "Enlarge or shrink the spatial axes"
    examples = (
        Example("resize(2)", ("f32[N, 3, H, 4]",), "f32[N, 3, 2*H, 8]"),
        Example("resize([3, 1])", ("f32[1, 2, 3, 4]",), "f32[1, 2, 9, 4]"),
        Example("resize(size = [5, 3])", ("f32[2, 3, 4, 4]",), "f32[2, 3, 5, 3]"),
        Example('resize(2, mode = "bilinear")', ("f32[N, 3, 4, W]",), "f32[N, 3, 8, 2*W]"),
        Example('resize(size = 7, mode = "bilinear")', ("f32[1, 2, 4, 10]",), "f32[1, 2, 7, 7]"),
        Example('resize(3, mode = "bilinear")', ("f32[2, 3, 5]",), "f32[2, 3, 15]"),
        Example('resize(2, mode = "bilinear")', ("f32[1, 2, 3, 2, 3]",), "f32[1, 2, 6, 4, 6]"),
    )

    scale: Window | None = arg("window", "factor per spatial axis", default=None, minimum=1)
    size: Window | None = arg("window", "length per spatial axis, instead of a scale", default=None, minimum=1)
    mode: str = arg("string", "how values arise", default="nearest", choices=("nearest", "bilinear"))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        axes = rules.require_images(x)
        if (self.scale is None) == (self.size is None):
            reject(
                "both a scale and a size are given" if self.size is not None else "a scale or a size is missing",
                at="size" if self.size is not None else None,
                expected="resize(2) or resize(size = 14)",
                code="E0412",
            )
        lengths: tuple[Dim, ...]
        if self.size is not None:
            lengths = rules.window(self.size, axes, "size")
        else:
            factors = rules.window(self.scale or 1, axes, "scale")
            lengths = tuple(length * factor for length, factor in zip(x.dims[2:], factors, strict=True))
        return (x.with_dims(*x.dims[:2], *lengths),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """`nearest`: none. `bilinear`: a multiplication and an addition for each of the 2**axes neighbours
        of an output element."""
        if self.mode == "nearest":
            return FREE
        return {"elementwise": 2 * 2 ** (inputs[0].rank - 2) * outputs[0].elements}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = x.type.rank - 2
        smooth = ("linear", "bilinear", "trilinear")[axes - 1]
        mode = t.option(self.mode if self.mode == "nearest" else smooth, "nearest")
        if self.size is not None:
            return t.call(
                "F.interpolate",
                x,
                size=rules.collapse(rules.window(self.size, axes, "size")),
                mode=mode,
            )
        scale: TorchArg = rules.collapse(rules.window(self.scale or 1, axes, "scale"))
        return t.call("F.interpolate", x, scale_factor=scale, mode=mode)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Nothing but shapes is needed."""
        return tape.new(self.infer(inputs[0].type)[0], inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        axes = x.type.rank - 2
        nearest = self.mode == "nearest"
        scales = sizes = None
        if self.size is not None:
            sizes = o.shape(self.infer(x.type)[0].dims)
        else:
            factors = rules.window(self.scale or 1, axes, "scale")
            scales = o.constant([1.0, 1.0, *map(float, factors)])
        return o.node(
            "Resize",
            x,
            None,
            scales,
            sizes,
            mode="nearest" if nearest else "linear",
            coordinate_transformation_mode="asymmetric" if nearest else "half_pixel",
            nearest_mode="floor",
        )


OPERATORS = (Pad, Resize)
