"""Tensor types: a dtype and a shape of exact, possibly symbolic, dimensions."""

from collections.abc import Mapping

from archdsl.types.dims import Dim, product, substitute

DTYPE_BYTES = {"f16": 2, "bf16": 2, "f32": 4, "f64": 8, "i32": 4, "i64": 8, "u8": 1, "bool": 1}
"""Element sizes in bytes of every dtype the language knows."""

FLOATS = ("f16", "bf16", "f32", "f64")


class TensorType:
    """`f32[N, 3, 224, 224]`. Immutable and hashable; equality is exact."""

    __slots__ = ("_hash", "dims", "dtype")

    def __init__(self, dims: tuple[Dim, ...], dtype: str = "f32") -> None:
        self.dims = dims
        self.dtype = dtype
        self._hash = hash((dims, dtype))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorType) and self.dtype == other.dtype and self.dims == other.dims

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{self.dtype}{shape_text(self.dims)}"

    __repr__ = __str__

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def elements(self) -> Dim:
        """Number of scalars in the tensor."""
        return product(self.dims)

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS

    def with_dims(self, *dims: Dim) -> "TensorType":
        """The same dtype with another shape."""
        return TensorType(dims, self.dtype)

    def replace_axis(self, axis: int, dim: Dim) -> "TensorType":
        """The same type with one dimension changed; `axis` may be negative."""
        axis %= len(self.dims)
        return TensorType((*self.dims[:axis], dim, *self.dims[axis + 1 :]), self.dtype)

    def substitute(self, values: Mapping[str, Dim]) -> "TensorType":
        """The type with symbols replaced."""
        return TensorType(tuple(substitute(dim, values) for dim in self.dims), self.dtype)


def shape_text(dims: tuple[Dim, ...]) -> str:
    """`[N, 3, 224, 224]`."""
    return f"[{', '.join(map(str, dims))}]"
