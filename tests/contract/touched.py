"""Elements that an operator reads, found by carrying its definition out on arrays that remember who they are.

Every element of every input and weight has a number of its own, which is its value, so wherever a definition of
`contract_reference` moves it, cuts it out or leaves it behind, it stays known. A computation marks the numbers that it
is given, and gives ones; what comes out of the definition unchanged has been read too.
"""

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from contract_reference import RULES

from archdsl.ir.operator import Operator
from archdsl.types.tensor import TensorType

FIRST = 1e9
"""The number of the first element; what is smaller is no element."""

COMPUTES = {np.einsum, np.tensordot}
"""Functions that compute without one of numpy's element-wise functions."""


class Known(np.ndarray):
    """An array of the numbers of elements."""

    marked: ClassVar[np.ndarray]

    @staticmethod
    def mark(values: Any) -> None:
        numbers = np.asarray(values, np.float64).reshape(-1) - FIRST
        Known.marked[numbers[numbers >= 0].astype(np.int64)] = True

    @staticmethod
    def used(x: Any) -> Any:
        """A value that goes into a computation, as any other."""
        if not isinstance(x, np.ndarray):
            return x
        Known.mark(np.asarray(x))
        return np.ones(x.shape)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        if isinstance(found, np.ndarray):
            return found
        Known.mark(found)
        return 1.0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        with np.errstate(all="ignore"):
            return getattr(ufunc, method)(*map(Known.used, inputs), **options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in COMPUTES:
            return function(*map(Known.used, args), **kwargs)
        return _known(super().__array_function__(function, types, args, kwargs))


def _known(found: Any) -> Any:
    """What moving elements about gave: numpy makes a plain array of some of it."""
    if isinstance(found, (list, tuple)):
        return type(found)(map(_known, found))
    return found.view(Known) if isinstance(found, np.ndarray) else found


def touched(op: Operator, inputs: tuple[TensorType, ...]) -> tuple[int, ...]:
    """How many elements of each input, then of each weight, then of each borrowed weight are read. What is looked up by
    index is looked up by indices that all differ."""
    weights = {weight.name: weight.shape for weight in op.weights(*inputs)}
    weights |= {ref.name or "weight": ref.used_shape for ref in op.borrowed()}
    shapes = [tuple(int(length) for length in x.dims) for x in inputs]
    indices = None
    if op.name == "embedding":
        indices = np.arange(np.prod(shapes[0])).reshape(shapes[0])
        weights["weight"] = (indices.size, weights["weight"][1])
    arrays: list[Any] = []
    ends: list[int] = [0]
    for shape in (*shapes, *weights.values()):
        size = int(np.prod(shape))
        arrays.append((FIRST + ends[-1] + np.arange(size, dtype=np.float64)).reshape(shape).view(Known))
        ends.append(ends[-1] + size)
    Known.marked = np.zeros(ends[-1], bool)
    own = dict(zip(weights, arrays[len(inputs) :], strict=True))
    if indices is not None:
        Known.mark(np.asarray(arrays[0]))
    found = RULES[op.name](op, own, *(arrays[: len(inputs)] if indices is None else [indices]))
    for result in found if isinstance(found, (list, tuple)) else [found]:
        Known.mark(np.asarray(result))
    return tuple(int(Known.marked[a:b].sum()) for a, b in itertools.pairwise(ends))
