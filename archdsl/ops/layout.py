"""The same elements under another shape or order of axes. All of them cost nothing."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Operator, Work, arg, reject
from archdsl.ops import reaches, rules
from archdsl.types.dims import Dim, at_least, exact_div, product
from archdsl.types.tensor import TensorType, shape_text

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchArg, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation


class Layout(Operator):
    """Base of operators that rearrange and compute nothing."""

    view = True

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A view where the strides allow it, else a copy; nothing is kept."""
        (x,) = inputs
        return tape.reshape(x, self.infer(x.type)[0].dims)


class Flatten(Layout):
    """Joins neighbouring axes into one."""

    name = "flatten"
    summary = "Join the axes from `start` to `end` into one"
    examples = (
        Example("flatten", ("f32[N, 3, 4, 5]",), "f32[N, 60]", reach="[a, *, *, *]"),
        Example("flatten(2)", ("f32[N, 3, H, W]",), "f32[N, 3, H*W]", reach="[a, b, *, *]"),
        Example("flatten(0, 1)", ("f32[2, 3, 4]",), "f32[6, 4]", reach="[*, *, b]"),
        Example("flatten(1, 2)", ("f32[N, 3, 4, T]",), "f32[N, 12, T]", reach="[a, *, *, c]"),
    )

    start: int = arg("int", "first axis that is joined", default=1)
    end: int = arg("int", "last axis that is joined", default=-1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        start = rules.axis_of(self.start, x.rank, "start")
        end = rules.axis_of(self.end, x.rank, "end")
        if start > end:
            reject(
                f"axis {self.start} comes after axis {self.end} in {x}",
                at="start",
                found=str(x),
                code="E0408",
            )
        return (x.with_dims(*x.dims[:start], product(x.dims[start : end + 1]), *x.dims[end + 1 :]),)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Joined axes whole."""
        return reaches.regrouped(inputs[0], outputs[0])

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        if self.end == -1:
            return t.method(inputs[0], "flatten", self.start)
        return t.method(inputs[0], "flatten", self.start, self.end)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        start, end = self.start % x.type.rank, self.end % x.type.rank
        if start == 1 and end == x.type.rank - 1:
            return o.node("Flatten", x, axis=1)
        return o.node("Reshape", x, o.shape(self.infer(x.type)[0].dims))


class Reshape(Layout):
    """Reads the elements in order under another shape."""

    name = "reshape"
    summary = "Another shape with the same elements"
    examples = (
        Example("reshape([-1, 6, 2])", ("f32[N, 3, 4]",), "f32[N, 6, 2]", reach="[a, *, *]"),
        Example("reshape([2, 12])", ("f32[2, 3, 4]",), "f32[2, 12]", reach="[a, *, *]"),
        Example("reshape([2, -1, 4])", ("i64[2, 3, 4]",), "i64[2, 3, 4]", high=9, reach="[a, b, c]"),
    )

    dims: tuple[Dim, ...] = arg("dims", "the new shape, the batch axis included; one -1 is worked out")

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        for dim in self.dims:
            if dim != -1 and at_least(dim, 1) is False:
                reject(f"{dim} is not a length", at="dims", expected="1 or more, or -1", found=str(dim))
        given = product(dim for dim in self.dims if dim != -1)
        open_axes = sum(1 for dim in self.dims if dim == -1)
        if open_axes > 1:
            reject("only one axis may be -1", at="dims", found=shape_text(self.dims), code="E0412")
        rest = exact_div(x.elements, given)
        if rest is None or (not open_axes and rest != 1):
            reject(
                f"{x} has {x.elements} elements, which do not fit into {shape_text(self.dims)}",
                at="dims",
                expected=f"{x.elements} elements",
                found=f"{shape_text(self.dims)}, {given} elements" + (" per entry of the -1" if open_axes else ""),
                code="E0402",
            )
        return (x.with_dims(*(rest if dim == -1 else dim for dim in self.dims)),)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Axes that it joins or cuts whole."""
        return reaches.regrouped(inputs[0], outputs[0])

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        shape: list[TorchArg] = [-1 if dim == -1 else t.size(dim) for dim in self.dims]
        return t.method(inputs[0], "reshape", *(shape or [()]))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        if all(isinstance(dim, int) for dim in self.dims):
            shape = o.constant([dim for dim in self.dims if isinstance(dim, int)], "i64")
        else:
            shape = o.shape(self.infer(inputs[0].type)[0].dims)
        return o.node("Reshape", inputs[0], shape)


class Transpose(Layout):
    """Swaps two axes."""

    name = "transpose"
    summary = "Two axes swapped"
    examples = (
        Example("transpose(1, 2)", ("f32[N, 3, T]",), "f32[N, T, 3]", reach="[a, c, b]"),
        Example("transpose(-1, 0)", ("f32[2, 3, 4]",), "f32[4, 3, 2]", reach="[c, b, a]"),
    )

    first: int = arg("int", "one axis")
    second: int = arg("int", "the other axis")

    def _order(self, rank: int) -> tuple[int, ...]:
        first = rules.axis_of(self.first, rank, "first")
        second = rules.axis_of(self.second, rank, "second")
        order = list(range(rank))
        order[first], order[second] = second, first
        return tuple(order)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        return (x.with_dims(*(x.dims[axis] for axis in self._order(x.rank))),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.method(inputs[0], "transpose", self.first, self.second)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.moved(self._order(inputs[0].rank))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return tape.permute(inputs[0], self._order(inputs[0].type.rank))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Transpose", inputs[0], perm=self._order(inputs[0].type.rank))


class Permute(Layout):
    """Puts the axes into another order."""

    name = "permute"
    summary = "The axes in another order"
    examples = (Example("permute([0, 2, 3, 1])", ("f32[N, 3, H, 4]",), "f32[N, H, 4, 3]", reach="[a, d, b, c]"),)

    axes: tuple[int, ...] = arg("ints", "for each new axis, the old one")

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        if len(self.axes) != x.rank:
            reject(
                f"{len(self.axes)} axes are named of the {x.rank} of the input",
                at="axes",
                expected=f"each of 0 to {x.rank - 1} once",
                found=str(list(self.axes)),
                code="E0411",
            )
        return (x.with_dims(*(x.dims[axis] for axis in rules.axes_of(self.axes, x.rank, "axes"))),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.method(inputs[0], "permute", *self.axes)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        axes = [axis % inputs[0].rank for axis in self.axes]
        return reaches.moved([axes.index(axis) for axis in range(len(axes))])

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        (x,) = inputs
        return tape.permute(x, [axis % x.type.rank for axis in self.axes])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        return o.node("Transpose", x, perm=tuple(axis % x.type.rank for axis in self.axes))


class Squeeze(Layout):
    """Drops axes of length 1."""

    name = "squeeze"
    summary = "Without axes of length 1"
    examples = (
        Example("squeeze(-1)", ("f32[N, 3, 1]",), "f32[N, 3]", reach="[a, b, *]"),
        Example("squeeze([1, 2])", ("f32[2, 1, 1, 4]",), "f32[2, 4]", reach="[a, *, *, b]"),
    )

    axis: tuple[int, ...] = arg("ints", "the axes to drop")

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        dropped = rules.axes_of(self.axis, x.rank)
        for axis in dropped:
            if x.dims[axis] != 1:
                reject(
                    f"axis {axis} has length {x.dims[axis]}, and only an axis of length 1 can be dropped",
                    at="axis",
                    expected="1",
                    found=str(x),
                    code="E0402",
                )
        return (x.with_dims(*(dim for axis, dim in enumerate(x.dims) if axis not in dropped)),)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        dropped = rules.axes_of(self.axis, inputs[0].rank)
        places = iter(range(outputs[0].rank))
        return reaches.moved([None if axis in dropped else next(places) for axis in range(inputs[0].rank)])

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.method(inputs[0], "squeeze", self.axis[0] if len(self.axis) == 1 else self.axis)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Squeeze", inputs[0], o.constant(self.axis, "i64"))


class Unsqueeze(Layout):
    """Inserts an axis of length 1."""

    name = "unsqueeze"
    summary = "With a new axis of length 1"
    examples = (
        Example("unsqueeze(1)", ("f32[N, 3]",), "f32[N, 1, 3]", reach="[a, c]"),
        Example("unsqueeze(-1)", ("f32[N, 3]",), "f32[N, 3, 1]", reach="[a, b]"),
    )

    axis: int = arg("int", "where the new axis stands in the result")

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        axis = rules.new_axis(self.axis, x.rank, "unsqueeze")
        return (x.with_dims(*x.dims[:axis], 1, *x.dims[axis:]),)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        new = self.axis % outputs[0].rank
        return reaches.moved([axis for axis in range(outputs[0].rank) if axis != new])

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.method(inputs[0], "unsqueeze", self.axis)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Unsqueeze", inputs[0], o.constant([self.axis], "i64"))


class RepeatDim(Layout):
    """Stretches an axis of length 1 (PyTorch's `expand`): the same element again and again, written once. A longer axis
    is repeated by `concat`."""

    name = "repeat_dim"
    summary = "An axis of length 1 stretched to a length, symbolic or not"
    examples = (
        Example("repeat_dim(4, axis = 1)", ("f32[N, 1, 3]",), "f32[N, 4, 3]", reach="[a, *, c]"),
        Example("repeat_dim(5, -1)", ("i64[2, 1]",), "i64[2, 5]", high=9, reach="[a, *]"),
    )

    times: Dim = arg("dim", "how long the axis becomes", minimum=1)
    axis: int = arg("int", "the axis", default=0)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        axis = rules.axis_of(self.axis, x.rank)
        if x.dims[axis] != 1:
            reject(
                f"axis {self.axis} has length {x.dims[axis]}, and only an axis of length 1 can be stretched",
                at="axis",
                expected="1",
                found=str(x),
                help="`concat { id | id }` writes an axis twice",
                code="E0402",
            )
        return (x.replace_axis(axis, self.times),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        sizes: list[TorchArg] = [-1] * x.type.rank
        sizes[self.axis] = t.size(self.times)
        return t.method(x, "expand", *sizes)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A view."""
        (x,) = inputs
        return tape.expand(x, self.infer(x.type)[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """`Expand` stretches both ways, so the other axes may say 1."""
        (x,) = inputs
        sizes: list[Dim] = [1] * x.type.rank
        sizes[self.axis] = self.times
        return o.node("Expand", x, o.shape(sizes))


OPERATORS = (Flatten, Reshape, Transpose, Permute, Squeeze, Unsqueeze, RepeatDim)
