"""How PyTorch lays tensors out in memory: strides of views, and when a `reshape` must copy. Strides count elements and
may be symbolic; None stands for the layout in order, without gaps."""

from collections.abc import Sequence

from archdsl.types.dims import Dim, at_least

Strides = tuple[Dim, ...] | None


def in_order(dims: Sequence[Dim]) -> list[Dim]:
    """Strides of the elements one after the other."""
    found: list[Dim] = []
    step: Dim = 1
    for dim in reversed(dims):
        found.append(step)
        step = step * dim
    return found[::-1]


def canonical(dims: Sequence[Dim], strides: Sequence[Dim]) -> Strides:
    """None where these strides are those of the layout in order; an axis of length 1 may have any."""
    step: Dim = 1
    for dim, stride in zip(reversed(dims), reversed(strides), strict=True):
        if dim != 1:
            if stride != step:
                return tuple(strides)
            step = step * dim
    return None


def like(dims: Sequence[Dim], strides: Strides) -> Strides:
    """The layout without gaps whose axes lie in the order of these strides."""
    if strides is None:
        return None
    order: list[int] = []
    for axis in range(len(dims)):
        place = len(order)
        while place and _smaller(strides[order[place - 1]], strides[axis]):
            place -= 1
        order.insert(place, axis)
    packed = in_order([dims[axis] for axis in order])
    found: list[Dim] = [1] * len(dims)
    for axis, step in zip(order, packed, strict=True):
        found[axis] = step
    return canonical(dims, found)


def is_channels_last(dims: Sequence[Dim], strides: Strides) -> bool:
    """Whether an image, of one to three spatial axes, has all channels of a position side by side."""
    if strides is None or not 3 <= len(dims) <= 5:
        return False
    return canonical((dims[0], *dims[2:], dims[1]), (strides[0], *strides[2:], strides[1])) is None


def channels_last(dims: Sequence[Dim]) -> Strides:
    """The strides of such an image."""
    first, *spatial, channels = in_order((dims[0], *dims[2:], dims[1]))
    return canonical(dims, (first, channels, *spatial))


def _smaller(left: Dim, right: Dim) -> bool:
    """An axis that is read again and again (0) has no place of its own and stays where it is."""
    return left != 0 and left != right and at_least(right, left) is True


def reshaped(dims: Sequence[Dim], strides: Strides, target: Sequence[Dim]) -> tuple[bool, Strides]:
    """Whether `reshape` gives a view, and its strides: axes are joined where one lies inside the other without a gap,
    and cut freely (PyTorch's `computeStride`)."""
    if strides is None or tuple(dims) == tuple(target):
        return True, strides
    found: list[Dim] = []
    position = len(target) - 1
    inside: Dim = 1
    base = strides[-1] if dims else 1
    for axis in range(len(dims) - 1, -1, -1):
        inside = inside * dims[axis]
        if axis and (dims[axis - 1] == 1 or strides[axis - 1] == inside * base):
            continue
        taken: Dim = 1
        while position >= 0 and (taken != inside or target[position] == 1):
            found.append(taken * base)
            taken = taken * target[position]
            position -= 1
        if taken != inside:
            return False, None
        inside, base = 1, strides[axis - 1] if axis else 1
    return (True, canonical(target, found[::-1])) if position < 0 else (False, None)
