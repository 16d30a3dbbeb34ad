"""Tensors that do not lie in order, as a tool that counts PyTorch's functions sees them."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from archdsl.analysis.conventions import find
from archdsl.analysis.cost import CostModel
from archdsl.analysis.layouts import Layouts
from archdsl.analysis.recount import Recount
from archdsl.analysis.strides import canonical, channels_last, is_channels_last, like, reshaped
from archdsl.analysis.training import Recorder, Storage, TracedTensor
from archdsl.api import Network, load
from archdsl.ir.program import Op
from archdsl.ops.concat import Concat, Stack
from archdsl.types.tensor import TensorType

PRINTED = [
    ("f32[N, 5, 8]", "linear(8) -> transpose(1, 2) -> linear(6)", 600),
    ("f32[N, 5, 8]", "transpose(1,2) -> linear(6)", 240),
    ("f32[N, 5, 8]", "transpose(1,2) -> linear(6, !bias)", 240),
    ("f32[N, 8]", "linear(6)", 54),
    ("f32[N, 5, 8]", "linear(6)", 270),
    ("f32[1, 5]", "transpose(0,1) -> linear(6)", 60),
    ("f32[N, 8, 4, 4]", "permute([0,2,3,1]) -> linear(6)", 768),
    ("f32[N, 3, 4, 8]", "permute([0,2,1,3]) -> linear(6)", 576),
    ("f32[N, 5, 8]", "slice(0, 3) -> linear(6)", 162),
    ("f32[N, 5, 8]", "slice(0, 3, axis = 2) -> linear(6)", 90),
    ("f32[N, 5, 8]", "slice(0, step = 2) -> linear(6)", 144),
    ("f32[N, 3, 4, 4]", "conv(4,1) -> flatten(2) -> transpose(1,2) -> linear(6)", 640),
    ("f32[N, 5, 8]", "transpose(1,2) -> relu -> linear(6)", 240),
    ("f32[N, 5, 8]", "transpose(1,2) -> layer_norm -> linear(6)", 288),
    ("f32[N, 5, 8]", "transpose(1,2) -> add { id | id } -> linear(6)", 240),
    ("f32[N, 8]", "unsqueeze(1) -> repeat_dim(3, 1) -> linear(6)", 144),
    ("f32[N, 5, 8]", "split(2, axis = 2) -> add -> linear(6)", 150),
    ("f32[N, 6, 8]", "split(2, axis = 1) -> concat -> linear(6)", 324),
    ("f32[N, 5, 8]", "transpose(1,2) -> gru(4)", 960),
    ("f32[N, 5, 8]", "transpose(1,2) -> rnn(4)", 320),
    ("f32[N, 5, 8]", "gru(4)", 840),
    ("f32[N, 5, 8]", "gru(4) -> linear(3)", 915),
    ("f32[N, 5, 8]", "lstm(4) -> linear(3)", 75),
    ("f32[N, 5, 4]", "rnn(4, skip_input) -> linear(3)", 175),
    ("f32[N, 5, 4]", "transpose(1,2) -> rnn(5, skip_input)", 120),
    ("f32[N, 5, 8]", "transpose(1,2) -> softmax -> linear(6)", 288),
    ("f32[N, 5, 8]", "transpose(1,2) -> dropout -> linear(6)", 240),
    ("f32[N, 5, 8]", "[id, id, id] -> attention -> linear(6)", 670),
    ("f32[N, 5, 8]", "[id, id, id] -> attention(2) -> linear(6)", 270),
    ("f32[N, 1, 8]", "transpose(1,2) -> linear(6)", 96),
    ("f32[N, 8, 1]", "transpose(1,2) -> linear(6)", 54),
    ("f32[N, 5, 8]", "transpose(1,2) -> conv(6, 3)", 750),
    ("f32[N, 5, 8, 4]", "transpose(2,3) -> conv(6, 3)", 8_832),
    ("f32[N, 5, 8, 4]", "transpose(1,2) -> conv(6, 1)", 1_080),
    ("f32[N, 5, 8]", "transpose(1,2) -> batch_norm -> linear(6)", 288),
    ("f32[N, 5, 8]", 'transpose(1,2) -> einsum("nij,njk->nik") { id | transpose(1,2) }', 320),
    ("f32[N, 5, 8]", "transpose(1,2) -> matmul { id | transpose(1,2) }", 320),
    ("f32[N, 5, 8]", "transpose(1,2) -> conv(4,1) -> transpose(1,2) -> linear(6)", 300),
    (
        "f32[N, 8, 4, 4]",
        "permute([0,2,3,1]) -> relu -> permute([0,3,1,2]) -> flatten(2) -> transpose(1,2) -> linear(3)",
        384,
    ),
    ("f32[N, 5, 8]", "slice(0, 3, axis = 2) -> dropout -> linear(6)", 90),
    ("f32[N, 5, 8]", "transpose(1,2) -> drop_path(0.2) -> linear(6)", 240),
    ("f32[N, 5, 8]", "transpose(0,1) -> linear(6)", 270),
    ("f32[N, 5, 8]", "transpose(1,2) -> gru(4, layers = 2, bidirectional) -> linear(3)", 4_824),
    ("f32[N, 8, 8]", "repeat 3 { transpose(1,2) -> linear(8) }", 1_536),
    ("f32[N, 8, 8]", "transpose(1,2) -> global_avg_pool -> linear(3)", 27),
    ("f32[N, 8, 8]", "transpose(1,2) -> max_pool(2) -> linear(3)", 96),
    ("f32[N, 3, 8, 8]", "transpose(2,3) -> max_pool(2) -> linear(3)", 180),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> max_pool(2) -> linear(3)", 144),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> conv(4, 3) -> linear(3)", 7_936),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> bn -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> avg_pool(2) -> linear(3)", 144),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> resize(2) -> linear(3)", 2_304),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> pad(1, axis = 2) -> linear(3)", 720),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> prelu -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> scale -> group_norm(3) -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> group_norm(3, !affine) -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> group_norm(3) -> linear(3)", 648),  # data is given flat
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> instance_norm -> linear(3)", 648),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> lrn -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> reduce_mean(1, keepdim) -> linear(3)", 216),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> concat { id | id } -> linear(3)", 1_152),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> select([0,1]) -> linear(3)", 432),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> glu -> linear(3)", 288),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> rms_norm -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> log_softmax -> linear(3)", 648),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> adaptive_avg_pool(2) -> linear(3)", 36),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> scale -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", 'permute([0,3,1,2]) -> cast("f64") -> cast("f32") -> linear(3)', 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> step -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> conv_transpose(4, 2, stride = 2) -> linear(3)", 7_168),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> max { id | constant(0) } -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> join { id | id } -> linear(3)", 576),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> lp_pool(2, 2) -> linear(3)", 144),
    ("f32[N, 8, 8, 3]", "permute([0,3,1,2]) -> mul { id | param([1, 3, 1, 1]) } -> linear(3)", 576),
]
"""Input, network, and what ptflops 0.7.5 prints with its backend aten for one sample (PyTorch 2.13)."""


def network(type: str, body: str) -> Network:
    return load(f"model m {{\n  input x: {type}\n  {body}\n  output y\n}}\n")


@pytest.mark.parametrize(("type", "body", "figure"), PRINTED, ids=[f"{type} {body}" for type, body, _ in PRINTED])
def test_a_bias_that_is_added_afterwards_is_not_seen(type: str, body: str, figure: int) -> None:
    tally = Recount(CostModel(network(type, body).program), find("ptflops-aten")).total
    assert not tally.unknown
    assert tally.total == figure


def test_joined_tensors_lie_as_pytorch_leaves_them() -> None:
    """Whatever the order in memory of each: `torch.cat` and `torch.stack` along every axis. (An axis of length 1 may
    have any stride, which is not followed.)"""
    for shape in ((2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 4, 5)):
        orders = list(permutations(range(len(shape))))
        last = (0, *range(2, len(shape)), 1)
        for left, right in {(order, other) for order in orders for other in (order, last, orders[0])}:
            given = [in_memory(shape, order) for order in (left, right)]
            traced = [
                TracedTensor(TensorType(shape), False, Storage(0, kept=True), canonical(shape, x.stride()))
                for x in given
            ]
            for operator, function, axes in ((Concat, torch.cat, len(shape)), (Stack, torch.stack, len(shape) + 1)):
                for axis in range(axes):
                    found = operator(axis=axis).autograd(Recorder(), *traced)
                    result = function(given, axis)
                    assert found.strides == canonical(result.shape, result.stride()), (shape, left, right, axis)


def test_the_result_of_two_tensors_lies_as_pytorch_leaves_it() -> None:
    """Whatever the order in memory of each, and whatever axes are stretched."""
    random = Random(0)
    for _ in range(3000):
        dims = [random.choice([2, 2, 3, 4]) for _ in range(random.randint(1, 5))]
        given = [in_memory(dims, random.sample(range(len(dims)), len(dims))) for _ in range(2)]
        at = random.randint(0, 1)
        for axis in range(len(dims)):
            if random.random() < 0.3:  # read again and again along an axis that the other one has
                given[at] = given[at].narrow(axis, 0, 1)
        given[at] = in_memory(list(given[at].shape), random.sample(range(len(dims)), len(dims)))
        result = given[0] * given[1]
        operands = [(x.shape, canonical(x.shape, x.stride())) for x in given]
        assert like(result.shape, *operands) == canonical(result.shape, result.stride()), operands


class Products(TorchDispatchMode):
    """Whether PyTorch adds a bias within the product, which is what a tool of functions sees."""

    def __init__(self) -> None:
        super().__init__()
        self.within = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.within |= func is torch.ops.aten.addmm.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("axis", range(5))
@pytest.mark.parametrize("before", ["id", "permute([0, 3, 1, 2])", "permute([0, 3, 1, 2]) -> relu", "transpose(2, 3)"])
def test_a_bias_behind_stacked_images_is_seen_where_pytorch_adds_it_within(before: str, axis: int) -> None:
    net = network("f32[N, 6, 6, 6]", f"{before} -> stack({axis}) {{ id | id }} -> linear(3)")
    with torch.no_grad(), Products() as products:
        result = net.torch().eval()(torch.rand(1, 6, 6, 6))
    figure = Recount(CostModel(net.program), find("ptflops-aten")).total.total
    inputs = net.torch().linear.in_features
    assert figure == result.numel() * (inputs + products.within)


def in_memory(shape: Sequence[int], order: Sequence[int]) -> torch.Tensor:
    """A tensor of this shape whose axes have this order in memory."""
    return torch.rand([shape[axis] for axis in order]).permute([order.index(axis) for axis in range(len(shape))])


def test_what_lies_differently_from_one_use_to_the_next_is_not_known() -> None:
    text = """
block layer() { linear(8) }
model m {
  input x: f32[N, 8, 8]
  layer -> transpose(1, 2) -> layer
  output y
}
"""
    net = load(text)
    assert Recount(CostModel(net.program), find("ptflops-aten")).total.unknown == {"nn.Linear"}


def test_a_long_repeat_is_followed_until_a_layout_returns() -> None:
    text = "repeat {} {{ transpose(1, 2) -> relu }}\n  relu as last"
    for times, expected in ((1_000_001, False), (1_000_000, True)):
        program = network("f32[N, 8, 8]", text.format(times)).program
        (last,) = (node for node in program.entry.nodes if isinstance(node, Op))
        assert Layouts(program).contiguous(last) is expected


def test_an_image_lies_with_its_channels_last() -> None:
    assert channels_last((2, 3, 4, 5)) == (60, 1, 15, 3)
    assert is_channels_last((2, 3, 4, 5), (60, 1, 15, 3))
    assert not is_channels_last((2, 3, 4, 5), (60, 20, 1, 4))
    assert not is_channels_last((2, 3), (1, 2))
    assert channels_last((2, 1, 4, 5)) is None


def test_a_reshape_is_a_view_where_it_is_one_in_pytorch_and_then_lies_as_it_does_there() -> None:
    """Strides drawn at random: axes in any order, with gaps, stretched, of one element, none at all."""
    chance = Random(0)
    views = 0
    for _ in range(3000):
        dims = [chance.choice([1, 2, 2, 3, 4]) for _ in range(chance.randint(0, 4))]
        strides, step = [0] * len(dims), chance.choice([1, 1, 2])
        for axis in chance.sample(range(len(dims)), len(dims)) if chance.random() < 0.5 else range(len(dims))[::-1]:
            strides[axis] = step * (chance.random() > 0.1)
            step *= dims[axis] * chance.choice([1, 1, 1, 2])
        pieces = list(dims)
        for _ in range(chance.randint(0, 3)):
            place = chance.randint(0, len(pieces))
            if chance.random() < 0.4:
                pieces.insert(place, 1)
            elif place + 1 < len(pieces):
                pieces[place : place + 2] = [pieces[place] * pieces[place + 1]]
            elif pieces and pieces[-1] == 4:
                pieces[-1:] = [2, 2]
        tensor = torch.as_strided(torch.zeros(3000), dims, strides)
        view, found = reshaped(dims, canonical(dims, strides), pieces)
        try:
            expected = tensor.view(pieces).stride()
        except RuntimeError:
            assert (view, found) == (False, None), (dims, strides, pieces)
            continue
        assert view, (dims, strides, pieces)
        assert (found is None) == (canonical(pieces, expected) is None), (dims, strides, pieces)
        for dim, ours, theirs in zip(pieces, found or expected, expected, strict=True):
            assert dim == 1 or ours == theirs, (dims, strides, pieces)  # one step or none is all the same
        views += 1
    assert 1000 < views < 2900
