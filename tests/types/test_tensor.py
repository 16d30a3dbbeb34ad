"""Tensor types: equality, text, replacement."""

import pytest

from archdsl.types.dims import symbol
from archdsl.types.tensor import DTYPE_BYTES, FLOATS, TensorType, shape_text

N = symbol("N")
IMAGE = TensorType((N, 3, 8, 8))


def test_types_are_equal_when_dimensions_and_dtype_are() -> None:
    assert TensorType((symbol("N"), 3, 8, 8), "f32") == IMAGE
    assert hash(IMAGE) == hash(TensorType((symbol("N"), 3, 8, 8)))
    assert TensorType((N, 3, 8, 8), "f16") != IMAGE
    assert TensorType((N, 3, 8)) != IMAGE


def test_a_type_is_written_as_in_a_spec() -> None:
    assert str(IMAGE) == repr(IMAGE) == "f32[N, 3, 8, 8]"
    assert str(TensorType((), "i64")) == "i64[]"
    assert shape_text((N * 2, 1)) == "[2*N, 1]"


def test_elements_are_counted_exactly() -> None:
    assert IMAGE.elements == 192 * N
    assert TensorType(()).elements == 1
    assert IMAGE.rank == 4


@pytest.mark.parametrize(("axis", "result"), [(1, "f32[N, 5, 8, 8]"), (-1, "f32[N, 3, 8, 5]"), (0, "f32[5, 3, 8, 8]")])
def test_one_axis_is_replaced(axis: int, result: str) -> None:
    assert str(IMAGE.replace_axis(axis, 5)) == result


def test_dimensions_and_symbols_are_replaced() -> None:
    assert str(IMAGE.with_dims(N, 10)) == "f32[N, 10]"
    assert str(IMAGE.substitute({"N": 4})) == "f32[4, 3, 8, 8]"


def test_every_float_has_a_size() -> None:
    assert set(FLOATS) < set(DTYPE_BYTES)
    assert [TensorType((), dtype).is_float for dtype in ("f16", "i64", "bool")] == [True, False, False]
