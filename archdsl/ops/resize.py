"""Larger and smaller images: something around the edges (`pad`), or values between (`resize`)."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Need, Operator, Work, arg, reject
from archdsl.ops import reaches, rules
from archdsl.types.dims import Dim, at_least, product
from archdsl.types.tensor import TensorType
from archdsl.types.windows import Window

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchArg, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class Pad(Operator):
    """Adds elements before and after those of one axis, or of several axes alike. `reflect` mirrors at the first and
    last element without writing it twice, `replicate` repeats it, `circular` goes on at the other end; these three
    pad spatial axes only, as in PyTorch."""

    name = "pad"
    summary = "Constants, or copies of what is inside, before and after the elements of an axis"
    examples = (
        Example("pad([1, 2])", ("f32[N, 3, 4, 4]",), "f32[N, 6, 4, 4]", reach="[a, b-1, c, d]"),
        Example(
            "pad(1, axis = [2, 3], value = -1.5)", ("f32[2, 3, 4, H]",), "f32[2, 3, 6, H + 2]", reach="[a, b, c-1, d-1]"
        ),
        Example("pad([0, 3], axis = -1)", ("f32[2, 5]",), "f32[2, 8]", reach="[a, b]"),
        Example(
            'pad(2, axis = [2, 3], mode = "reflect")',
            ("f32[1, 2, 4, W]",),
            "f32[1, 2, 8, W + 4]",
            reach="[a, b, c-2, d-2]",
        ),
        Example(
            'pad([1, 3], axis = 2, mode = "replicate")', ("f32[2, 3, 4, 5]",), "f32[2, 3, 8, 5]", reach="[a, b, c-1, d]"
        ),
        Example(
            'pad([2, 1], axis = [2, 3], mode = "circular")',
            ("f32[N, 3, 4, W]",),
            "f32[N, 3, 7, W + 3]",
            reach="[a, b, c-2, d-2]",
        ),
        Example('pad([0, 1], axis = -1, mode = "circular")', ("f32[2, 3, T]",), "f32[2, 3, T + 1]", reach="[a, b, c]"),
        Example(
            'pad(1, axis = [2, 3, 4], mode = "replicate")',
            ("f32[1, 2, 3, 4, 3]",),
            "f32[1, 2, 5, 6, 5]",
            reach="[a, b, c-1, d-1, e-1]",
        ),
    )

    amount: tuple[int, ...] = arg("ints", "elements on both sides, or a list [before, after]", minimum=0)
    axis: tuple[int, ...] = arg("ints", "the axis, or axes, that grow", default=(1,))
    value: float = arg("float", "the constant", default=0.0)
    mode: str = arg(
        "string", "what is added", default="constant", choices=("constant", "reflect", "replicate", "circular")
    )

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
        chosen = rules.axes_of(self.axis, x.rank)
        if self.mode != "constant":
            self._require_copies(x, chosen)
        for axis in chosen:
            x = x.replace_axis(axis, x.dims[axis] + sum(self._sides()))
        return (x,)

    def _require_copies(self, x: TensorType, chosen: tuple[int, ...]) -> None:
        """PyTorch copies along spatial axes."""
        rules.require_images(x)
        if self.value != 0.0:
            reject(f"`value` is the constant, but `{self.mode}` pads with copies", at="value", code="E0412")
        if min(chosen) < 2:
            reject(
                f"`{self.mode}` pads spatial axes, 2 to {x.rank - 1}",
                at="axis",
                expected=f"2 to {x.rank - 1}",
                found=str(list(self.axis)),
                code="E0408",
            )

    def advice_before(self, reader: Operator, output: TensorType) -> tuple[str, str]:
        """Channels of zeros are what a shortcut needs; what slides over positions was to have more of those."""
        kernel, axes = getattr(reader, "kernel", 1), list(range(2, output.rank))
        if self.axis != (1,) or self.value or not axes or max(rules.window(kernel, len(axes), "kernel")) == 1:
            return "", ""
        meant = f"axis = {axes[0] if len(axes) == 1 else axes}"
        return f"without `axis` it adds channels, and the windows of `{reader.name}` slide over positions", meant

    def needs(self, *inputs: TensorType) -> tuple[Need, ...]:
        """There is enough to copy: for a mirror one position more than is added, for a circle as many."""
        (x,) = inputs
        if self.mode not in ("reflect", "circular"):
            return ()
        most = max(self._sides()) + (self.mode == "reflect")
        reason = f"`{self.mode}` copies {max(self._sides())} elements, and there are too few"
        return tuple(Need(x.dims[axis], most, reason, "amount") for axis in rules.axes_of(self.axis, x.rank))

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        """`F.pad` lists the sides of the last axis first and stops at the first axis that grows; copies of what is
        inside are made along all spatial axes or none."""
        (x,) = inputs
        chosen = rules.axes_of(self.axis, x.type.rank)
        sides: list[int] = []
        first = min(chosen) if self.mode == "constant" else 2
        for axis in range(x.type.rank - 1, first - 1, -1):
            sides += self._sides() if axis in chosen else (0, 0)
        mode, value = t.option(self.mode, "constant"), t.option(self.value, 0.0)
        return t.call("F.pad", x, tuple(sides), mode=mode, value=value)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Positions further back by what is added in front; copies at the edges count as the padding they are."""
        (before, _), rank = self._sides(), inputs[0].rank
        grown = rules.axes_of(self.axis, rank)
        spans = [reaches.AxisReach(axis, 1, (-before,), (-before,)) for axis in grown]
        return reaches.windows(spans, [axis for axis in range(rank) if axis not in grown])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """`reflect` and `replicate` keep their input, though its values are not needed; the others nothing."""
        (x,) = inputs
        if x.needs_grad and self.mode in ("reflect", "replicate"):
            tape.keep(x)
        return tape.new(self.infer(x.type)[0], x, format=x if self.mode == "constant" and x.type.rank > 3 else None)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """All axes are listed: the optional input that names some of them is unknown to onnxruntime's symbolic shape
        inference, and so to its quantisation."""
        (x,) = inputs
        rank = x.type.rank
        chosen = sorted(rules.axes_of(self.axis, rank))
        if self.mode == "circular":
            for axis in chosen:
                x = self._wrapped(o, x, axis)
            return x
        sides = [side if axis in chosen else 0 for side in self._sides() for axis in range(rank)]
        if self.mode == "constant":
            return o.node("Pad", x, o.constant(sides, "i64"), o.constant(self.value))
        return o.node("Pad", x, o.constant(sides, "i64"), mode={"reflect": "reflect", "replicate": "edge"}[self.mode])

    def _wrapped(self, o: "OnnxEmitter", x: "OnnxValue", axis: int) -> "OnnxValue":
        """The end, the whole, the beginning. ONNX has a mode for it from opset 19 on, which needs no fewer copies."""
        before, after = self._sides()
        along, end = o.constant([axis], "i64"), o.constant([2**63 - 1], "i64")
        parts = [x]
        if before:
            parts.insert(0, o.node("Slice", x, o.constant([-before], "i64"), end, along))
        if after:
            parts.append(o.node("Slice", x, o.constant([0], "i64"), o.constant([after], "i64"), along))
        return o.node("Concat", *parts, axis=axis) if len(parts) > 1 else x


class Resize(Operator):
    """`nearest` takes the element at floor(position * old / new); `bilinear` mixes the two neighbours on each axis, and
    is linear or trilinear on one or three spatial axes; `bicubic` mixes four, on images, with Keys's kernel at
    a = -0.75. Positions are those of the pixels' centres, or, with `align_corners`, such that the outermost pixels'
    centres stay where they are."""

    name = "resize"
    summary = "Enlarge or shrink the spatial axes"
    examples = (
        Example(
            "resize(2)", ("f32[N, 3, H, 4]",), "f32[N, 3, 2*H, 8]", reach="[a, b, c%2: 0 | 0 | +1, d%2: 0 | 0 | +1]"
        ),
        Example("resize([3, 1])", ("f32[1, 2, 3, 4]",), "f32[1, 2, 9, 4]", reach="[a, b, c%3: 0 | 0 | 0 | +1, d]"),
        Example(
            "resize(size = [5, 3])",
            ("f32[2, 3, 4, 4]",),
            "f32[2, 3, 5, 3]",
            reach="[a, b, c%5: 0 | 0 | 1 | 2 | 3 | +4, d%3: 0 | 1 | 2 | +4]",
        ),
        Example(
            'resize(2, mode = "bilinear")',
            ("f32[N, 3, 4, W]",),
            "f32[N, 3, 8, 2*W]",
            work="384*N*W elementwise",
            reach="[a, b, c%2: -1..0 | 0..1 | +1, d%2: -1..0 | 0..1 | +1]",
        ),
        Example(
            'resize(size = 7, mode = "bilinear")',
            ("f32[1, 2, 4, 10]",),
            "f32[1, 2, 7, 7]",
            work="784 elementwise",
            reach="[a, b, c%7: -1..0 | 0..1 | 0..1 | 1..2 | 2..3 | 2..3 | 3..4 | +4, "
            "d%7: 0..1 | 1..2 | 3..4 | 4..5 | 5..6 | 7..8 | 8..9 | +10]",
        ),
        Example(
            'resize(3, mode = "bilinear")',
            ("f32[2, 3, 5]",),
            "f32[2, 3, 15]",
            work="360 elementwise",
            reach="[a, b, c%3: -1..0 | 0 | 0..1 | +1]",
        ),
        Example(
            'resize(2, mode = "bilinear")',
            ("f32[1, 2, 3, 2, 3]",),
            "f32[1, 2, 6, 4, 6]",
            work="4608 elementwise",
            reach="[a, b, c%2: -1..0 | 0..1 | +1, d%2: -1..0 | 0..1 | +1, e%2: -1..0 | 0..1 | +1]",
        ),
        Example(
            'resize(2, mode = "bilinear", align_corners)',
            ("f32[N, 3, 4, W]",),
            "f32[N, 3, 8, 2*W]",
            work="384*N*W elementwise",
            reach="[a, b, c%8: 0 | 0..1 | 0..1 | 1..2 | 1..2 | 2..3 | 2..3 | 3 | +4, *]",
        ),
        Example(
            'resize(2, mode = "bicubic")',
            ("f32[N, 2, 4, W]",),
            "f32[N, 2, 8, 2*W]",
            work="1024*N*W elementwise",
            reach="[a, b, c%2: -2..1 | -1..2 | +1, d%2: -2..1 | -1..2 | +1]",
        ),
        Example(
            'resize(size = [7, 3], mode = "bicubic", align_corners)',
            ("f32[1, 2, 4, 5]",),
            "f32[1, 2, 7, 3]",
            work="1344 elementwise",
            reach="[a, b, c%7: 0 | -1..2 | 1 | 0..3 | 2 | 1..4 | 3 | +4, d%3: 0 | 2 | 4 | +5]",
        ),
    )

    scale: Window | None = arg("window", "factor per spatial axis", default=None, minimum=1)
    size: Window | None = arg("window", "length per spatial axis, instead of a scale", default=None, minimum=1)
    mode: str = arg("string", "how values arise", default="nearest", choices=("nearest", "bilinear", "bicubic"))
    align_corners: bool = arg("bool", "outermost centres stay in place; not for `nearest`", default=False)

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
        if self.mode == "nearest" and self.align_corners:
            reject("`nearest` mixes nothing, so it has no corners to align", at="align_corners", code="E0412")
        if self.mode == "bicubic" and axes != 2:
            reject(
                f"`bicubic` is for images, and this input has {axes} spatial ax{'i' if axes == 1 else 'e'}s",
                at="mode",
                expected="[N, channels, height, width]",
                found=str(x),
                code="E0407",
            )
        lengths: tuple[Dim, ...]
        if self.size is not None:
            lengths = rules.window(self.size, axes, "size")
        else:
            factors = rules.window(self.scale or 1, axes, "scale")
            lengths = tuple(length * factor for length, factor in zip(x.dims[2:], factors, strict=True))
        return (x.with_dims(*x.dims[:2], *lengths),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """`nearest`: none. Else a multiplication and an addition for each neighbour of an output element: 2**axes for
        `bilinear`, 16 for `bicubic`."""
        if self.mode == "nearest":
            return FREE
        neighbours = 16 if self.mode == "bicubic" else 2 ** (inputs[0].rank - 2)
        return {"elementwise": 2 * neighbours * outputs[0].elements}

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """`nearest` reads only what it copies; where that depends on symbols, all."""
        (x,), (y,) = inputs, outputs
        if self.mode != "nearest":
            return (x.elements,)
        pairs = zip(x.dims, y.dims, strict=True)
        return (product(new if at_least(old - new, 0) else old for old, new in pairs),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        axes = x.type.rank - 2
        smooth = ("linear", "bilinear", "trilinear")[axes - 1]
        mode = t.option(smooth if self.mode == "bilinear" else self.mode, "nearest")
        align = t.option(self.align_corners, False)
        if self.size is not None:
            return t.call(
                "F.interpolate",
                x,
                size=rules.collapse(rules.per_axis(self.size, axes)),
                mode=mode,
                align_corners=align,
            )
        scale: TorchArg = rules.collapse(rules.per_axis(self.scale or 1, axes))
        return t.call("F.interpolate", x, scale_factor=scale, mode=mode, align_corners=align)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The nearest position, the two neighbours of `bilinear`, or the four of `bicubic`; whole where aligned corners
        or a size depend on a length that is not known."""
        spans: list[reaches.AxisReach | None] = []
        sides = {"nearest": 0, "bilinear": 1, "bicubic": 2}[self.mode]
        for axis in range(2, inputs[0].rank):
            old, new = inputs[0].dims[axis], outputs[0].dims[axis]
            if self.size is None and not self.align_corners:
                old, new = 1, rules.per_axis(self.scale or 1, inputs[0].rank - 2)[axis - 2]
            if isinstance(old, int) and isinstance(new, int):
                spans.append(reaches.resized(axis, old, new, sides, aligned=self.align_corners))
        return reaches.windows(spans, (0, 1))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Nothing but shapes is needed."""
        (x,) = inputs
        return tape.new(self.infer(x.type)[0], x, format=x if x.type.rank > 3 else None)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        axes = x.type.rank - 2
        nearest = self.mode == "nearest"
        scales = sizes = None
        if self.size is not None:
            sizes = o.shape(self.infer(x.type)[0].dims)
        else:
            factors = rules.per_axis(self.scale or 1, axes)
            scales = o.constant([1.0, 1.0, *map(float, factors)])
        return o.node(
            "Resize",
            x,
            None,
            scales,
            sizes,
            mode={"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}[self.mode],
            coordinate_transformation_mode="asymmetric"
            if nearest
            else "align_corners"
            if self.align_corners
            else "half_pixel",
            nearest_mode="floor",
        )


OPERATORS = (Pad, Resize)
