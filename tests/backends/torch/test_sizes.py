"""Sizes that PyTorch code computes from the shapes at hand are those of the program, whatever the lengths are."""

import random

import pytest

from archdsl.backends.torch.records import Code, Infix, Leaf, Length
from archdsl.backends.torch.sizes import size_code
from archdsl.diagnostics.model import ArchError
from archdsl.ir.program import Value
from archdsl.source import Source, Span
from archdsl.types.dims import Dim, Expr, evaluate, floordiv, symbol
from archdsl.types.tensor import TensorType

H, W = symbol("H"), symbol("W")
SPAN = Span(Source("sizes.arch", ""), 0, 0)
POINTS = [{"H": h, "W": w} for h in (1, 2, 7, 30) for w in (3, 8, 11)]


def computed(code: Code, sizes: dict[str, int]) -> int:
    """What the code gives for these sizes."""
    if isinstance(code, Leaf):
        assert isinstance(code.value, int)
        return code.value
    if isinstance(code, Length):
        return evaluate(code.tensor.value.type.dims[code.axis], sizes)
    assert isinstance(code, Infix)
    left, right = computed(code.left, sizes), computed(code.right, sizes)
    return {"+": left + right, "-": left - right, "*": left * right, "//": left // right if right else 0}[code.operator]


def polynomial(chance: random.Random) -> Dim:
    total: Dim = chance.choice([0, 0, 3])
    for _ in range(chance.randint(1, 3)):
        term: Dim = chance.choice([-3, -1, 1, 1, 2])
        for _ in range(chance.randint(1, 2)):
            term = term * chance.choice([H, W, floordiv(H + 1, 2), floordiv(W - 3 * H, 4)])
        total = total + term
    return total


@pytest.mark.parametrize("high", [H, 2 * H, H + 3, 3 * H - 1, 2 * H + 1], ids=str)
@pytest.mark.parametrize("wide", [W, 4 * W, W - 2], ids=str)
def test_a_size_is_put_together_from_axes_that_are_a_multiple_of_a_symbol_and_a_number(high: Expr, wide: Expr) -> None:
    chance = random.Random(f"{high} {wide}")
    near, far = Value(TensorType((5, high))), Value(TensorType((H * W, H + W, wide)))
    for _ in range(60):
        dim = polynomial(chance)
        if isinstance(dim, Expr):
            code = size_code(dim, [near], [far], SPAN)
            for sizes in POINTS:
                assert computed(code, sizes) == evaluate(dim, sizes), (dim, sizes)


def test_a_size_that_is_some_axis_is_read_there_and_first_of_the_operators_own_inputs() -> None:
    near, far = Value(TensorType((H * W, floordiv(H, 2)))), Value(TensorType((H, W, floordiv(H, 2))))
    code = size_code(floordiv(H, 2), [near], [far], SPAN)
    assert isinstance(code, Length) and (code.tensor.value, code.axis) == (near, 1)
    code = size_code(W, [near], [far], SPAN)
    assert isinstance(code, Length) and (code.tensor.value, code.axis) == (far, 1)


@pytest.mark.parametrize("shape", [(H * W,), (H + W, H * H), (5 - H,)], ids=str)
def test_no_size_is_guessed_from_an_axis_of_several_symbols_or_one_that_falls(shape: tuple[Expr, ...]) -> None:
    for dim in (H, floordiv(H, 2) + 1):
        assert isinstance(dim, Expr)
        with pytest.raises(ArchError) as caught:
            size_code(dim, [Value(TensorType(shape))], [], SPAN)
        assert [found.code for found in caught.value.diagnostics] == ["E0702"]
