"""Tensors that PyTorch's autograd keeps for functions that several operators are made of (see `ir.lowering.Tape`). The
rules are those of PyTorch's `derivatives.yaml`."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from archdsl.types.dims import Dim, product
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import Tape, Traced


def of_result(tape: "Tape", x: "Traced") -> "Traced":
    """An element-wise function whose gradient is worked out from its result (`relu`, `tanh`)."""
    y = tape.new(x.type, x, like=x)
    if y.needs_grad:
        tape.keep(y)
    return y


def of_input(tape: "Tape", x: "Traced") -> "Traced":
    """An element-wise function whose gradient is worked out from its input (`gelu`, `elu`)."""
    if x.needs_grad:
        tape.keep(x)
    return tape.new(x.type, x, like=x)


def scaled(tape: "Tape", x: "Traced") -> "Traced":
    """`x * 0.5`, `x + 1`, `x / 3`: a Python number is not a tensor that is kept."""
    return tape.new(x.type, x, like=x)


def broadcast_type(a: "Traced", b: "Traced") -> TensorType:
    """The type of an element-wise function of two tensors of which one may have fewer axes."""
    long, short = (a, b) if a.type.rank >= b.type.rank else (b, a)
    offset = long.type.rank - short.type.rank
    dims = tuple(
        dim if axis < offset or dim != 1 else short.type.dims[axis - offset] for axis, dim in enumerate(long.type.dims)
    )
    return TensorType(dims, a.type.dtype)


def add(tape: "Tape", a: "Traced", b: "Traced") -> "Traced":
    """`a + b`, `a - b`: nothing is kept."""
    type = broadcast_type(a, b)
    return tape.new(type, a, b, like=(a, b))


def mul(tape: "Tape", a: "Traced", b: "Traced") -> "Traced":
    """`a * b` keeps each factor whose partner needs a gradient."""
    if b.needs_grad:
        tape.keep(a)
    if a.needs_grad:
        tape.keep(b)
    return add(tape, a, b)


def div(tape: "Tape", a: "Traced", b: "Traced") -> "Traced":
    """`a / b` keeps the divisor, and the dividend where the divisor needs a gradient."""
    if a.needs_grad or b.needs_grad:
        tape.keep(b)
    if b.needs_grad:
        tape.keep(a)
    return add(tape, a, b)


def cat(tape: "Tape", inputs: Sequence["Traced"], type: TensorType) -> "Traced":
    """`torch.cat(inputs)`: images of two or three spatial axes whose channels lie last stay so, if all of them are."""
    alike = type.rank > 3 and all(x.channels_last for x in inputs)
    return tape.new(type, *inputs, format=inputs[0] if alike else None)


def compare(tape: "Tape", a: "Traced", b: "Traced") -> "Traced":
    """`torch.maximum(a, b)` keeps both, `a.clamp(min=0.5)` keeps `a`: a number is no tensor."""
    if a.needs_grad or b.needs_grad:
        tape.keep(a, b)
    return add(tape, a, b)


def dropout(tape: "Tape", x: "Traced", p: float) -> "Traced":
    """`F.dropout` keeps the factors, which on the CPU are in the dtype of the input; a zero for all if `p` is 1."""
    if p == 0:
        return x
    return mul(tape, x, tape.new(TensorType(())) if p == 1 else tape.new(x.type, like=x))


def extreme(tape: "Tape", x: "Traced", type: TensorType) -> "Traced":
    """`x.amax(axes)` keeps input and result, to see where they agree."""
    y = tape.new(type, x)
    if x.needs_grad:
        tape.keep(x, y)
    return y


def fold(tape: "Tape", inputs: Sequence["Traced"], function: "Callable[[Tape, Traced, Traced], Traced]") -> "Traced":
    """A function of two tensors taken over several from left to right."""
    return reduce(lambda left, right: function(tape, left, right), inputs[1:], inputs[0])


def linear(tape: "Tape", x: "Traced", weight: "Traced", features: int) -> "Traced":
    """`F.linear`: a matrix product with all axes of `x` but the last joined, which copies `x` where its strides do not
    allow that."""
    dims = x.type.dims
    matrix = x if x.type.rank == 2 else tape.reshape(x, (product(dims[:-1]), dims[-1]))
    y = mm(tape, matrix, weight, x.type.elements * features, TensorType((matrix.type.dims[0], features)))
    return tape.reshape(y, (*dims[:-1], features))


def mm(tape: "Tape", a: "Traced", b: "Traced", macs: Dim, type: TensorType) -> "Traced":
    """A product of two matrices, or of two stacks of as many."""
    if b.needs_grad:
        tape.keep(a)
    if a.needs_grad:
        tape.keep(b)
    tape.product(macs, a, b)
    return tape.new(type, a, b)


def matmul(tape: "Tape", a: "Traced", b: "Traced") -> "Traced":
    """`a @ b`, of equal ranks. Leading axes are stretched to each other's lengths and joined into one, which copies an
    operand that is stretched or whose strides do not allow it; a second operand that is one matrix for all of the first
    is used as that matrix."""
    rows, inner, columns = a.type.dims[-2], a.type.dims[-1], b.type.dims[-1]
    leading = broadcast_type(a, b).dims[:-2]
    type = TensorType((*leading, rows, columns))
    macs = type.elements * inner
    if len(leading) == 0:
        return mm(tape, a, b, macs, type)
    if len(leading) == 1 and b.type.dims[0] == 1:
        matrix = tape.reshape(a, (leading[0] * rows, inner))
        y = mm(tape, matrix, tape.reshape(b, (inner, columns)), macs, TensorType((leading[0] * rows, columns)))
        return tape.reshape(y, type.dims)
    stack = product(leading)
    left = _stack(tape, a, leading, (stack, rows, inner))
    right = _stack(tape, b, leading, (stack, inner, columns))
    return tape.reshape(mm(tape, left, right, macs, TensorType((stack, rows, columns))), type.dims)


def _stack(tape: "Tape", x: "Traced", leading: Sequence[Dim], dims: Sequence[Dim]) -> "Traced":
    if x.type.dims[:-2] == tuple(leading):
        return tape.reshape(x, dims)
    return tape.new(TensorType(tuple(dims)), x)
