"""How PyTorch lays tensors out in memory: strides of views, and when a `reshape` must copy. Strides count elements and
may be symbolic; None stands for the layout in order, without gaps."""

from collections.abc import Sequence
from functools import lru_cache

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


@lru_cache(4096)  # a sum of thousands of pieces asks the same of each
def like(dims: tuple[Dim, ...], *operands: tuple[tuple[Dim, ...], Strides]) -> Strides:
    """The layout without gaps that an element-wise function of these tensors leaves, each given by lengths and strides:
    of two axes the one with the larger strides in the first operand lies outside. An operand that is read again and
    again along one of them says nothing, and the next one is asked (PyTorch's `TensorIterator`)."""
    each = [_stretched(dims, lengths, strides) for lengths, strides in operands]
    order = list(range(len(dims) - 1, -1, -1))  # from the innermost
    for start in range(1, len(order)):
        place = start
        for other in range(start - 1, -1, -1):
            compared = _compared(dims, each, order[other], order[place])
            if compared < 0:
                break
            if compared > 0:
                order[other], order[place] = order[place], order[other]
                place = other
    order.reverse()
    packed = in_order([dims[axis] for axis in order])
    found: list[Dim] = [1] * len(dims)
    for axis, step in zip(order, packed, strict=True):
        found[axis] = step
    return canonical(dims, found)


def _stretched(dims: Sequence[Dim], lengths: Sequence[Dim], strides: Strides) -> list[Dim]:
    """Strides of a tensor that is stretched to `dims`; 0 along what it lacks."""
    steps = in_order(lengths) if strides is None else strides
    shown: list[Dim] = [
        0 if length == 1 and dim != 1 else step
        for length, dim, step in zip(lengths, dims[len(dims) - len(lengths) :], steps, strict=True)
    ]
    return [0] * (len(dims) - len(lengths)) + shown


def _compared(dims: Sequence[Dim], operands: Sequence[Sequence[Dim]], inner: int, outer: int) -> int:
    """Above 0 where two axes must change places, below 0 where they must not, 0 where no operand tells."""
    for steps in operands:
        left, right = steps[inner], steps[outer]
        if left == 0 or right == 0:
            continue
        if left != right:
            if at_least(right, left) is True:
                return -1
            if at_least(left, right) is True:
                return 1
        elif dims[inner] != dims[outer] and at_least(dims[inner], dims[outer]) is True:
            return 1
    return 0


def is_channels_last(dims: Sequence[Dim], strides: Strides) -> bool:
    """Whether an image, of one to three spatial axes, has all channels of a position side by side."""
    if strides is None or not 3 <= len(dims) <= 5:
        return False
    return canonical((dims[0], *dims[2:], dims[1]), (strides[0], *strides[2:], strides[1])) is None


def channels_last(dims: Sequence[Dim]) -> Strides:
    """The strides of such an image."""
    first, *spatial, channels = in_order((dims[0], *dims[2:], dims[1]))
    return canonical(dims, (first, channels, *spatial))


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
