"""Multiplications counted by carrying networks out, one operator at a time, with none of the operators' own rules.

The executor runs the definitions of `contract_reference` on arrays that have a shape and no contents. Numpy asks such
an array what to do with each of its functions: a sum of products (`einsum`, `@`) adds the size of its loop nest to the
tally, and nothing is ever computed. So a layer of any size costs its taps, not its products; what is counted is what
the definition does, tap by tap, group by group, with the products of padding and those that are masked or cut off
later. A product that enters no sum, as of a scale or a gate, is no multiply-accumulate.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from contract_reference import RULES

from archdsl.ir.flatten import flatten
from archdsl.ir.operator import Operator
from archdsl.ir.program import Program, Value
from archdsl.limits import Limits
from archdsl.types.tensor import TensorType

REFUSED = {np.dot, np.inner, np.outer, np.tensordot, np.vdot, np.convolve, np.correlate, np.kron}
"""Other ways to multiply and add: a definition says `einsum` or `@`, so that nothing is missed."""


class Hollow(np.ndarray):
    """A shape that flows through numpy. Elements share one number, so memory is never used."""

    products: ClassVar[int] = 0
    """Products that are added up."""
    single: ClassVar[int] = 0
    """Elements that are added up as they are, and products of elements that are not."""

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "Hollow":
        return np.broadcast_to(np.float64(0), shape).view(cls)

    def astype(self, *_: Any, **__: Any) -> "Hollow":
        return self

    def dot(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("say `@`")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        shapes = [np.shape(x) for x in inputs]
        if method == "reduce":
            shape = _reduced(shapes[0], options.get("axis", 0), options.get("keepdims", False))
            Hollow.single += math.prod(shapes[0])
        elif method != "__call__":
            raise NotImplementedError(f"{ufunc.__name__}.{method}")
        elif ufunc is np.matmul:
            shape, inner = _product(*shapes)
            Hollow.products += math.prod(shape) * inner
        else:
            shape = np.broadcast_shapes(*shapes)
            Hollow.single += math.prod(shape)
        return out[0] if out else Hollow.of(shape)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in REFUSED:
            raise NotImplementedError(f"{function.__name__}: say `einsum` or `@`")
        if function is np.einsum:
            text, *operands = args
            sizes, shape = _letters(text, [np.shape(x) for x in operands])
            Hollow.products += (len(operands) - 1) * math.prod(sizes)
            return Hollow.of(shape)
        if function is np.where:
            return Hollow.of(np.broadcast_shapes(*(np.shape(x) for x in args)))
        if function is np.pad:
            widths = args[1]
            return Hollow.of(tuple(n + a + b for n, (a, b) in zip(self.shape, widths, strict=True)))
        return super().__array_function__(function, types, args, kwargs)


def _reduced(shape: tuple[int, ...], axis: Any, keepdims: bool) -> tuple[int, ...]:
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis)
    gone = {int(a) % len(shape) for a in axes}
    return tuple(1 if i in gone else n for i, n in enumerate(shape) if keepdims or i not in gone)


def _product(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Shape and inner length of `a @ b`, where either may be a vector."""
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    inner = b[-2] if len(b) > 1 else b[0]
    assert a[-1] == inner
    return (*np.broadcast_shapes(a[:-2], b[:-2]), *rows, *columns), inner


def _letters(text: str, shapes: list[tuple[int, ...]]) -> tuple[list[int], tuple[int, ...]]:
    """Lengths of all loops of an einsum, and its result's shape."""
    operands, result = text.replace(" ", "").split("->")
    sizes: dict[str, int] = {}
    wide: list[tuple[int, ...]] = []
    for letters, shape in zip(operands.split(","), shapes, strict=True):
        head, dots, tail = letters.partition("...")
        middle = len(shape) - len(head) - len(tail)
        assert middle == 0 or dots, f"{text} of {shapes}"
        named = [*zip(head, shape[: len(head)], strict=True), *zip(tail, shape[len(head) + middle :], strict=True)]
        for letter, length in named:
            assert sizes.setdefault(letter, length) == length, f"{text} of {shapes}"
        wide.append(shape[len(head) : len(head) + middle])
    spread = np.broadcast_shapes(*wide)
    head, dots, tail = result.partition("...")
    shape = (*(sizes[x] for x in head), *(spread if dots else ()), *(sizes[x] for x in tail))
    return [*sizes.values(), *spread], shape


_known: dict[object, int] = {}


def multiplications(op: Operator, inputs: tuple[TensorType, ...]) -> int:
    """Multiply-accumulates of one application to inputs of these sizes."""
    weights = {weight.name: weight.shape for weight in op.weights(*inputs)}
    # A borrowed weight stands where an own one would.
    weights |= {ref.name or "weight": ref.used_shape for ref in op.borrowed()}
    if len(inputs) < 2 and not weights:
        return 0  # with one tensor, and nothing of its own, it has no two things to multiply
    key = (op, inputs)
    if key not in _known:
        Hollow.products = 0
        arrays = [_array(kind) for kind in inputs]
        RULES[op.name](op, {name: Hollow.of(shape) for name, shape in weights.items()}, *arrays)
        _known[key] = Hollow.products
    return _known[key]


def additions_and_products(op: Operator, shapes: tuple[tuple[int, ...], ...]) -> int:
    """Operations of a definition with no weights that are on elements, and not multiply-accumulates."""
    Hollow.single = 0
    RULES[op.name](op, {}, *map(Hollow.of, shapes))
    return Hollow.single


def _array(kind: TensorType) -> np.ndarray:
    shape = tuple(int(length) for length in kind.dims)
    # Whole numbers are looked up and not multiplied, so they are real.
    return Hollow.of(shape) if kind.is_float else np.zeros(shape, np.int64)


Applied = tuple[Operator, tuple[TensorType, ...], tuple[TensorType, ...]]


def applications(program: Program, sizes: Mapping[str, int]) -> Counter[Applied]:
    """How often a program applies which operator to what, with these sizes for its symbols, heads for training
    included."""
    known: dict[TensorType, TensorType] = {}

    def fixed(values: Iterable[Value]) -> tuple[TensorType, ...]:
        return tuple(known.setdefault(value.type, value.type.substitute(sizes)) for value in values)

    return Counter((flat.op, fixed(flat.inputs), fixed(flat.outputs)) for flat in flatten(program, Limits()))


def count(applied: Counter[Applied]) -> int:
    """Multiply-accumulates of all of them."""
    return sum(times * multiplications(op, inputs) for (op, inputs, _), times in applied.items())
