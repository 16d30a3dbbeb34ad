"""Reaches that operators share (see `ir.reach`)."""

from collections.abc import Container, Sequence

from archdsl.ir.reach import MAX_PERIOD, AxisReach, Reach, Relation
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType


def pointwise(inputs: Sequence[TensorType], outputs: Sequence[TensorType], whole: Container[int] = ()) -> Relation:
    """Every output reads the same position of every input, but for the axes that it reads whole: those of `whole`, and
    those of length 1 that are stretched."""
    return tuple(tuple(_same(x, y, whole) for x in inputs) for y in outputs)


def _same(x: TensorType, y: TensorType, whole: Container[int]) -> Reach:
    """An input with fewer axes lacks the first ones, as in PyTorch."""
    offset = y.rank - x.rank
    return {
        axis: AxisReach(axis + offset)
        for axis, dim in enumerate(x.dims)
        if axis + offset not in whole and axis + offset >= 0 and dim == y.dims[axis + offset]
    }


def moved(axes: Sequence[int | None]) -> Relation:
    """One input whose axis i becomes axis `axes[i]`; None for one that is read whole."""
    return (({axis: AxisReach(place) for axis, place in enumerate(axes) if place is not None},),)


def windows(spans: Sequence[AxisReach | None], rest: Sequence[int] = (0,)) -> Relation:
    """An image whose spatial axes are read by `spans`, in order; of the other axes those of `rest` are read by the
    same position, and the others whole, as is an axis whose span is None."""
    return (({axis: AxisReach(axis) for axis in rest} | {span.axis: span for span in spans if span is not None},),)


def sliding(axis: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> AxisReach:
    """The window of a convolution or a pool."""
    return AxisReach(axis, stride, (-padding,), (dilation * (kernel - 1) - padding,))


def transposed(axis: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> AxisReach | None:
    """Of a transposed convolution, output o gets from input i where o = i * stride - padding + dilation * tap. Where
    the taps leave gaps it is from the first to the last; an output that gets nothing counts as reading one position.
    None, the axis whole, for a stride past `MAX_PERIOD`."""
    if stride > MAX_PERIOD:
        return None
    lows = [-((dilation * (kernel - 1) - place - padding) // stride) for place in range(stride)]
    highs = [(place + padding) // stride for place in range(stride)]
    return AxisReach(axis, 1, tuple(lows), tuple(max(low, high) for low, high in zip(lows, highs, strict=True)))


def nothing(inputs: Sequence[TensorType]) -> Relation:
    """One output that reads no element of its inputs."""
    return ((None,) * len(inputs),)


def regrouped(x: TensorType, y: TensorType) -> Relation:
    """The same elements in order under another shape: an axis with as many elements after it, before and now, stays
    itself."""
    places: dict[tuple[Dim, Dim], int] = {}
    after: Dim = 1
    for axis in range(y.rank - 1, -1, -1):
        places.setdefault((y.dims[axis], after), axis)
        after = after * y.dims[axis]
    found: list[int | None] = [None] * x.rank
    after = 1
    for axis in range(x.rank - 1, -1, -1):
        found[axis] = places.get((x.dims[axis], after))
        after = after * x.dims[axis]
    return moved(found)


def resized(axis: int, old: int, new: int, sides: int, *, aligned: bool) -> AxisReach | None:
    """`old` positions made `new`, for every `old` of the input; None, the axis whole, for a `new` past `MAX_PERIOD`.
    Without sides position i is the element at floor(i * old / new); with some a mixture of so many on either side of
    (i + 1/2) * old / new - 1/2, or, with aligned corners, of i * (old - 1) / (new - 1)."""
    if new > MAX_PERIOD:
        return None
    lows: list[int] = []
    highs: list[int] = []
    for place in range(new):
        if not sides:
            above, below = place * old, new
        elif aligned:
            above, below = place * (old - 1), max(new - 1, 1)
        else:
            above, below = (2 * place + 1) * old - new, 2 * new
        alone = not sides or above % below == 0  # the others have weight 0
        lows.append(above // below - (0 if alone else sides - 1))
        highs.append(above // below + (0 if alone else sides))
    return AxisReach(axis, old, tuple(lows), tuple(highs))
