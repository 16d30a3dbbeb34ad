"""Checks that operator rules share. Each returns what the rule goes on with, or rejects with its own code."""

from collections.abc import Sequence
from typing import NoReturn

from archdsl.internal import InternalError
from archdsl.ir.operator import Init, reject
from archdsl.types.dims import Dim, at_least, equal, product
from archdsl.types.tensor import TensorType, shape_text
from archdsl.types.windows import Window, covered_length, per_axis, same_padding

IMAGES = "[N, channels, length], [N, channels, height, width] or [N, channels, depth, height, width]"

STD = "standard deviation of the normal distribution the weight starts from; PyTorch's rule if none"

LARGEST_STD = 1e37
"""A weight is an f32, and a draw from a wider distribution may end beyond its range."""

CONCRETE = "declare the axis as a number, or bind its symbol with --dim"


def normal(std: float) -> Init:
    """N(0, std**2)."""
    return Init("normal", 0.0, std)


def start(std: float | None, usual: Init) -> Init:
    """How a weight starts: normal where a standard deviation is given, else as usual."""
    return usual if std is None else normal(std)


def channels_given(op: str, channels: int, out: int, kernel: Window, stride: Window, *, least: int) -> str:
    """Advice where `out, kernel, stride` were taken for `in, out, kernel`: as many channels out as in, and a window
    that no image network has, over `least` steps wide."""
    if out != channels or not isinstance(kernel, int) or not isinstance(stride, int):
        return ""
    if kernel < 6 or (kernel % 2 and kernel < 16) or kernel <= least * stride:
        return ""
    return (
        f"a window of {kernel} with stride {stride} on the {channels} channels that come in; where the first number was"
        f" meant for those, leave it out: `{op}({kernel}, {stride})`"
    )


def eps_advice(eps: float) -> str:
    """Advice where the number of channels was given as the first argument that is left, `eps`."""
    return f"`eps` is {eps:g}; the channels are those of the input and not an argument" if eps >= 1 else ""


def require_f32(*inputs: TensorType) -> None:
    """Real arithmetic is declared in f32; half precision is chosen when compiling, for a whole model."""
    for x in inputs:
        if x.dtype != "f32":
            reject(
                f"the arithmetic is in f32, but the input is {x.dtype}",
                expected="f32",
                found=str(x),
                help="declare the input as f32; half precision is chosen when compiling (--dtype f16)"
                if x.is_float
                else "",
                code="E0403",
            )


def require_numbers(*inputs: TensorType) -> None:
    """The inputs hold numbers, not truth values."""
    for x in inputs:
        if x.dtype == "bool":
            reject("it takes numbers, but the input is bool", found=str(x), code="E0403")


def require_one_dtype(inputs: Sequence[TensorType]) -> None:
    """Nothing is converted implicitly: inputs that are combined have one dtype."""
    if len({x.dtype for x in inputs}) > 1:
        reject(
            "the inputs have different dtypes",
            expected=inputs[0].dtype,
            found=", ".join(map(str, inputs)),
            code="E0403",
        )


def require_rank(x: TensorType, low: int, high: int | None, expected: str) -> None:
    """The input has `low` to `high` axes (any number from `low` up when `high` is None)."""
    if x.rank < low or (high is not None and x.rank > high):
        axes = "axis" if x.rank == 1 else "axes"
        reject(
            f"an input with {x.rank} {axes} does not fit",
            expected=expected,
            found=str(x),
            code="E0407",
        )


def require_images(x: TensorType) -> int:
    """Batch, channels and one to three spatial axes; returns how many spatial axes."""
    require_rank(x, 3, 5, IMAGES)
    return x.rank - 2


def layout_advice(x: TensorType) -> str:
    """A help where windows go over an input that looks like an image laid out otherwise: three axes that are
    channels, height and width, or four with the channels last. Pictures have 1 or 3 channels; nothing is guessed of
    other numbers."""
    if x.rank == 3 and x.dims[0] == 3 and x.dims[1] == x.dims[2]:
        size = x.dims[1]
        image = f"[N, 3, {size}, {size}]"
        return f"{x} is taken for 3 sequences of {size} channels; of an image the batch comes first: {image}"
    if x.rank == 4 and x.dims[3] in (1, 3) and x.dims[1] == x.dims[2] and x.dims[1] not in (1, 3):
        image = shape_text((x.dims[0], x.dims[3], x.dims[1], x.dims[2]))
        return f"{x} is taken for an image with {x.dims[1]} channels; the channels come second: {image}"
    return ""


def sides_advice(padding: object, kernel: Sequence[int]) -> str:
    """A help about `padding = [0, 1]` beside a square window: it is a number for each axis, where before and after
    may have been meant."""
    if not isinstance(padding, tuple) or len(padding) != 2 or padding[0] == padding[1] or len(set(kernel)) > 1:  # pyright: ignore[reportUnknownArgumentType]
        return ""
    before, after = padding  # pyright: ignore[reportUnknownVariableType]
    return (
        f"`padding` has a number for each axis, here {before} above and below and {after} at the left and right; where"
        f" before and after were meant, write `pad([{before}, {after}], axis = [2, 3])` and then `padding = 0`"
    )


def known(x: TensorType, axis: int, what: str) -> int:
    """The length of an axis that must be a number, because weights are as long or a rule divides it."""
    dim = x.dims[axis]
    if not isinstance(dim, int):
        reject(
            f"the number of {what} must be known, but here it is {dim}",
            found=str(dim),
            help=CONCRETE,
            code="E0405",
        )
    return dim


def number(x: TensorType, axis: int) -> int:
    """The length of an axis that `infer` or `weights` has found to be a number."""
    dim = x.dims[axis]
    if not isinstance(dim, int):
        raise InternalError(f"axis {axis} of {x} is no number")
    return dim


def axis_of(axis: int, rank: int, at: str = "axis") -> int:
    """An axis argument counted from the front; -1 is the last axis."""
    if not -rank <= axis < rank:
        reject(
            f"axis {axis} does not exist: the input has {rank} axes",
            at=at,
            expected=f"{-rank} to {rank - 1}",
            found=str(axis),
            code="E0408",
        )
    return axis % rank


def new_axis(axis: int, rank: int, name: str) -> int:
    """Where an axis that the operator `name` adds to `rank` others stands, counted from the front."""
    if not -rank - 1 <= axis <= rank:
        reject(
            f"axis {axis} does not exist: the result of `{name}` has {rank + 1} axes",
            at="axis",
            expected=f"{-rank - 1} to {rank}",
            found=str(axis),
            code="E0408",
        )
    return axis % (rank + 1)


def axes_of(axes: Sequence[int], rank: int, at: str = "axis") -> tuple[int, ...]:
    """Several distinct axes counted from the front, in the order given; at least one."""
    if not axes:
        reject(f"`{at}` names no axis", at=at, found="[]", code="E0411")
    found = tuple(axis_of(axis, rank, at) for axis in axes)
    if len(set(found)) != len(found):
        reject(f"`{at}` names an axis twice", at=at, found=str(list(axes)), code="E0408")
    return found


def divides(divisor: int, number: int, divisor_text: str, number_text: str, at: str) -> None:
    """Reject a divisor that leaves a remainder."""
    if number % divisor:
        reject(
            f"{divisor_text} {divisor} does not divide the {number} {number_text}",
            at=at,
            expected=f"a divisor of {number}",
            found=str(divisor),
            code="E0404",
        )


def window(value: Window, axes: int, at: str) -> tuple[int, ...]:
    """A window argument written out per spatial axis."""
    if not isinstance(value, int) and len(value) != axes:
        reject(
            f"`{at}` gives {len(value)} numbers, but the input has {axes} spatial axes",
            at=at,
            expected=f"one number, or {axes} numbers",
            found=str(list(value)),
            code="E0411",
        )
    return per_axis(value, axes)


def paddings(value: Window | str, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """A padding argument written out per spatial axis, "same" replaced by its numbers."""
    if isinstance(value, str):
        return tuple(same_padding(k, d) for k, d in zip(kernel, dilation, strict=True))
    return window(value, len(kernel), "padding")


def require_positive(x: TensorType, spatial: Sequence[Dim], sizes: tuple[int, ...], at: str = "kernel") -> None:
    """Every output length is at least 1, or may be for large enough symbols."""
    for axis, length in enumerate(spatial):
        if at_least(length, 1) is False:
            reject(
                f"{at} {sizes[axis]} is too large for axis {axis + 2} of {x}",
                at=at,
                found=str(x),
                help="pad more, use a smaller window, or shrink the image less before this point",
                code="E0406",
            )


def windowed(
    x: TensorType,
    y: TensorType,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Dim:
    """Elements of an image that windows read, the windows of all axes written out."""
    lengths = map(covered_length, x.dims[2:], y.dims[2:], kernel, stride, padding, dilation)
    return product((*x.dims[:2], *lengths))


def require_equal(left: Dim, right: Dim, what: str, inputs: Sequence[TensorType]) -> None:
    """Two lengths agree for every value of the symbols."""
    if equal(left, right) is not True:
        reject(
            f"{what} must agree, but one is {left} and another {right}",
            expected=str(left),
            found=", ".join(map(str, inputs)),
            help="" if equal(left, right) is False else unproven(left, right),
            code="E0402",
        )


def unproven(left: Dim, right: Dim) -> str:
    """Why two symbolic lengths do not count as equal."""
    if "//" in f"{left} {right}":
        return (
            f"{left} and {right} differ where the division leaves a remainder; declare the input's length as a "
            "multiple, such as `4*H`, or bind the symbol with --dim"
        )
    return f"{left} and {right} need not be equal; use one symbol for both, or bind them with --dim"


def broadcast(inputs: Sequence[TensorType]) -> tuple[Dim, ...]:
    """The common shape of inputs of equal rank, where an axis of size 1 stretches to the others' length. A tensor
    without axes is a number, and goes with any shape."""
    inputs = [x for x in inputs if x.rank] or inputs
    first = inputs[0]
    for x in inputs:
        if x.rank != first.rank:
            reject(
                "the inputs have different numbers of axes",
                expected=f"{first.rank} axes, like {first}",
                found=", ".join(map(str, inputs)),
                help="only axes of size 1 are stretched; `reshape`, `unsqueeze` or `keepdim` keep the axes",
                code="E0407",
            )
    return tuple(_stretched(inputs, axis) for axis in range(first.rank))


def _stretched(inputs: Sequence[TensorType], axis: int) -> Dim:
    result: Dim = 1
    for x in inputs:
        dim = x.dims[axis]
        if result == 1:
            result = dim
        elif dim != 1 and equal(result, dim) is not True:
            _reject_shapes(inputs, axis, result, dim)
    return result


def _reject_shapes(inputs: Sequence[TensorType], axis: int, left: Dim, right: Dim) -> NoReturn:
    reject(
        f"the inputs disagree on axis {axis}: {left} and {right}",
        expected=shape_text(inputs[0].dims),
        found=", ".join(shape_text(x.dims) for x in inputs),
        help="" if equal(left, right) is False else unproven(left, right),
        code="E0402",
    )


def collapse(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number where every axis has the same, as a person would write it."""
    return values[0] if len(set(values)) == 1 else values
