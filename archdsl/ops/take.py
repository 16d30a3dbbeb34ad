"""Parts of a tensor along an axis. All of them move data and cost nothing."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, LARGEST_I32, Example, Operator, Work, arg, reject
from archdsl.ops import reaches, rules
from archdsl.types.dims import Dim, at_least, exact_div
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Reach, Relation


class Split(Operator):
    """Cuts an axis into parts; the result is a tuple."""

    name = "split"
    summary = "Cut an axis into equal parts, or into parts of given lengths"
    view = True
    examples = (
        Example("split(1)", ("f32[2, 4]",), "f32[2, 4]", reach="[a, b]"),
        Example(
            "split(3, axis = -1)",
            ("f32[N, T, 6]",),
            "f32[N, T, 2], f32[N, T, 2], f32[N, T, 2]",
            reach="[a, b, c]; [a, b, c+2]; [a, b, c+4]",
        ),
        Example("split([1, 3])", ("f32[2, 4, 3]",), "f32[2, 1, 3], f32[2, 3, 3]", reach="[a, b, c]; [a, b+1, c]"),
        Example("split([4])", ("f32[2, 4]",), "f32[2, 4]", reach="[a, b]"),
        Example("split(2)", ("i64[2, 4]",), "i64[2, 2], i64[2, 2]", high=9, reach="[a, b]; [a, b+2]"),
    )

    sections: int | tuple[int, ...] = arg("int | ints", "how many equal parts, or a list of their lengths", minimum=1)
    axis: int = arg("int", "the axis that is cut", default=1)

    @property
    def _is_whole(self) -> bool:
        """Whether there is one part."""
        return self.sections == 1 or (not isinstance(self.sections, int) and len(self.sections) == 1)

    def _lengths(self, x: TensorType) -> list[Dim]:
        whole = x.dims[rules.axis_of(self.axis, x.rank)]
        if not isinstance(self.sections, int):
            if whole != sum(self.sections):
                reject(
                    f"the parts take {sum(self.sections)} elements in all, but axis {self.axis} has {whole}",
                    at="sections",
                    expected=f"lengths that add up to {whole}",
                    found=str(list(self.sections)),
                    code="E0402",
                )
            return list(self.sections)
        count = self.sections
        length = exact_div(whole, count)
        if length is None:
            reject(
                f"axis {self.axis} with {whole} elements cannot be cut into {count} equal parts",
                at="sections",
                expected=f"a divisor of {whole}",
                found=str(count),
                help="" if isinstance(whole, int) else rules.CONCRETE,
                code="E0404",
            )
        return [length] * count

    def entries(self) -> int:
        return self.sections if isinstance(self.sections, int) else len(self.sections)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        return tuple(x.replace_axis(self.axis, length) for length in self._lengths(x))

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        if self._is_whole:
            # `chunk` would give a tuple of one, where one result is a tensor.
            return x
        if isinstance(self.sections, int):
            return t.method(x, "chunk", self.sections, dim=t.option(self.axis, 0))
        return t.method(x, "split", list(self.sections), dim=t.option(self.axis, 0))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Positions further on by the lengths of the parts before."""
        axis = self.axis % inputs[0].rank
        rows: list[tuple[Reach, ...]] = []
        start: Dim = 0
        for output in outputs:
            ((reach,),) = reaches.pointwise(inputs, (output,), {axis})
            if isinstance(start, int) and reach is not None:
                reach[axis] = reaches.AxisReach(axis, 1, (start,), (start,))
            rows.append((reach,))
            start = start + output.dims[axis]
        return tuple(rows)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced | tuple[Traced, ...]":
        """Views of one memory, which stays as a whole while a part of it is kept."""
        (x,) = inputs
        if self._is_whole:
            return x
        return tuple(tape.part(x, type) for type in self.infer(x.type))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue | tuple[OnnxValue, ...]":
        (x,) = inputs
        if self._is_whole:
            return x
        if isinstance(self.sections, int):
            return o.nodes("Split", x, outputs=self.sections, axis=self.axis, num_outputs=self.sections)
        lengths = o.constant(self.sections, "i64")
        return o.nodes("Split", x, lengths, outputs=len(self.sections), axis=self.axis)


class Slice(Operator):
    """A range of an axis, or of several axes alike, with Python's reading of negative bounds; bounds past the end are
    refused, not clipped."""

    name = "slice"
    summary = "A range of positions along an axis, or along several alike"
    view = True
    examples = (
        Example("slice(1, 3)", ("f32[2, 4, 3]",), "f32[2, 2, 3]", reach="[a, b+1, c]"),
        Example("slice(0, axis = -1, step = 2)", ("f32[2, 3, 5]",), "f32[2, 3, 3]", reach="[a, b, 2c]"),
        Example("slice(-1)", ("f32[N, T, 3]",), "f32[N, 1, 3]", reach="[a, *, c]"),
        Example("slice(0, -1)", ("f32[N, T, 3]",), "f32[N, T - 1, 3]", reach="[a, b, c]"),
        Example("slice(1, -1, axis = [2, 3])", ("f32[2, 3, 6, W + 2]",), "f32[2, 3, 4, W]", reach="[a, b, c+1, d+1]"),
    )

    start: int = arg("int", "first position; negative counts from the end")
    stop: int | None = arg("int", "position after the last; to the end if none", default=None)
    axis: tuple[int, ...] = arg("ints", "the axis, or axes, that are cut", default=(1,))
    step: int = arg("int", "distance between positions", default=1, minimum=1, maximum=LARGEST_I32)

    def _bound(self, x: TensorType, axis: int, bound: int, at: str) -> Dim:
        length = x.dims[axis]
        inside = at_least(length, abs(bound))
        # A bound that leaves too short an axis is clipped at run time, and then the length is not what the
        # types say. A range that is merely empty there fails at run time, as a window too large does.
        clipped = inside is None and (bound > 0) == (at == "stop")
        if inside is False or clipped:
            reject(
                f"position {bound} lies outside axis {axis}, which has {length} elements"
                if inside is False
                else f"whether position {bound} lies inside axis {axis} depends on {length}",
                at=at,
                found=str(x),
                help="" if inside is False else rules.CONCRETE,
                code="E0408" if inside is False else "E0409",
            )
        return length + bound if bound < 0 else bound

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        result = x
        for axis in rules.axes_of(self.axis, x.rank):
            start = self._bound(x, axis, self.start, "start")
            stop = x.dims[axis] if self.stop is None else self._bound(x, axis, self.stop, "stop")
            if at_least(stop - start, 1) is False:
                reject(
                    f"the range from {start} to {stop} is empty",
                    at="start" if self.stop is None else "stop",
                    found=str(x),
                    code="E0408",
                )
            result = result.replace_axis(axis, (stop - start + (self.step - 1)) // self.step)
        return (result,)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        chosen = rules.axes_of(self.axis, x.type.rank)
        cut = slice(self.start or None, self.stop, None if self.step == 1 else self.step)
        return t.item(x, *(cut if axis in chosen else slice(None) for axis in range(max(chosen) + 1)))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Positions further on by the start of the range, a step apart."""
        cut = rules.axes_of(self.axis, inputs[0].rank)
        ((reach,),) = reaches.pointwise(inputs, outputs, cut)
        for axis in cut:
            start = self._bound(inputs[0], axis, self.start, "start")
            if isinstance(start, int) and reach is not None:
                reach[axis] = reaches.AxisReach(axis, self.step, (start,), (start,))
        return ((reach,),)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        (x,) = inputs
        result = self.infer(x.type)[0]
        for axis in rules.axes_of(self.axis, x.type.rank):
            x = tape.part(x, x.type.replace_axis(axis, result.dims[axis]), self.step, axis)
        return x

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        stop = 2**63 - 1 if self.stop is None else self.stop
        count = len(self.axis)
        bounds = [o.constant([number] * count, "i64") for number in (self.start, stop)]
        return o.node("Slice", inputs[0], *bounds, o.constant(self.axis, "i64"), o.constant([self.step] * count, "i64"))


class Select(Operator):
    """Chosen positions along an axis, in the order given; LeNet-5's third layer reads its maps this way."""

    name = "select"
    summary = "Chosen positions along an axis"
    examples = (
        Example("select([0, 2, 3])", ("f32[N, 4, 3, 3]",), "f32[N, 3, 3, 3]", reach="[a, *, c, d]"),
        Example("select([1, 1, -1], axis = -1)", ("f32[2, 3, 5]",), "f32[2, 3, 3]", reach="[a, b, *]"),
    )

    indices: tuple[int, ...] = arg("ints", "positions; negative counts from the end")
    axis: int = arg("int", "the axis they lie on", default=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        length = rules.known(x, rules.axis_of(self.axis, x.rank), "elements along the axis")
        if not self.indices:
            reject("no position is selected", at="indices", found="[]", code="E0408")
        for index in self.indices:
            if not -length <= index < length:
                reject(
                    f"position {index} lies outside axis {self.axis}, which has {length} elements",
                    at="indices",
                    expected=f"{-length} to {length - 1}",
                    found=str(index),
                    code="E0408",
                )
        return (x.replace_axis(self.axis, len(self.indices)),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """The chosen positions, each once."""
        (x,) = inputs
        length = rules.number(x, self.axis)
        return (x.replace_axis(self.axis, len({index % length for index in self.indices})).elements,)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        return t.item(x, *[slice(None)] * (self.axis % x.type.rank), list(self.indices))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The axis of the positions whole."""
        return reaches.pointwise(inputs, outputs, {self.axis % inputs[0].rank})

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps the positions."""
        (x,) = inputs
        y = tape.new(self.infer(x.type)[0], x)
        if y.needs_grad:
            tape.keep(tape.new(TensorType((len(self.indices),), "i64")))
        return y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Gather", inputs[0], o.constant(self.indices, "i64"), axis=self.axis)


OPERATORS = (Split, Slice, Select)
