"""The memory-efficient DenseNet (Pleiss et al., 2017): what the plain one computes, in memory that grows with depth and
not with its square."""

from itertools import pairwise
from typing import Any

import numpy
import pytest
import torch
from torch import nn
from zoo_specs import program

from archdsl.analysis.cost import cost
from archdsl.backends.onnx.export import onnx_model
from archdsl.backends.torch.build import build_module
from archdsl.runtime import run, session
from archdsl.verify import verify
from archdsl.weights.initial import initial

NETWORKS: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("densenet", "densenet", {}, 64),
    ("densenet", "densenet", {"drop": 0.2}, 64),
    ("densenet_cifar", "densenet_cifar", {"drop": 0.2}, 32),
    ("densenet_cifar", "densenet_bc", {"depth": 40}, 32),
)


def networks() -> list[Any]:
    return [pytest.param(*each, id=f"{each[1]}{each[2] or ''}") for each in NETWORKS]


def step(module: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Output, gradients and state after one step of training."""
    torch.manual_seed(3)
    y = module.train()(x)
    y.square().sum().backward()
    gradients = {key: p.grad for key, p in module.named_parameters() if p.grad is not None}
    return y.detach(), gradients, module.state_dict()


@pytest.mark.parametrize(("file", "model", "given", "side"), networks())
def test_it_computes_and_trains_as_the_plain_one(file: str, model: str, given: dict[str, Any], side: int) -> None:
    plain, efficient = (
        build_module(program(file, model, memory_efficient=each, **given)).double() for each in (False, True)
    )
    assert list(plain.state_dict()) == list(efficient.state_dict())
    efficient.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(efficient.eval()(x), plain.eval()(x))
    ours, theirs = step(efficient, x), step(plain, x)
    assert len(ours[1]) == len(list(plain.parameters()))
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    counters = [int(value) for key, value in ours[2].items() if key.endswith("num_batches_tracked")]
    assert set(counters) == {1}


@pytest.mark.parametrize(("file", "model", "given", "side"), networks())
def test_its_figures_are_those_of_the_plain_one(file: str, model: str, given: dict[str, Any], side: int) -> None:
    plain, efficient = (cost(program(file, model, memory_efficient=each, **given)) for each in (False, True))
    assert (plain.params, plain.buffers, plain.macs) == (efficient.params, efficient.buffers, efficient.macs)


@pytest.mark.parametrize(("file", "model", "given", "side"), [networks()[-1]])
def test_its_onnx_gives_what_the_plain_one_gives(file: str, model: str, given: dict[str, Any], side: int) -> None:
    assert verify(program(file, model, memory_efficient=True, **given)).passed
    plain, efficient = (program(file, model, memory_efficient=each, **given) for each in (False, True))
    arrays = initial(plain, seed=2)
    images = numpy.random.default_rng(0).standard_normal((1, 3, side, side)).astype(numpy.float32)
    found = [run(session(onnx_model(net, arrays), "cpu"), {"image": images})["logits"] for net in (plain, efficient)]
    numpy.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def kept(module: nn.Module, x: torch.Tensor) -> int:
    """Bytes that the forward pass of a training step keeps for backward, parameters and running statistics apart."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    storages: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = storage  # held, so that no address is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module.train()(x)
    return sum(storage.nbytes() for storage in storages.values())


@pytest.mark.parametrize("bottleneck", [False, True])
def test_what_training_keeps_grows_with_depth_and_not_with_its_square(bottleneck: bool) -> None:
    x = torch.randn(1, 3, 32, 32)
    layers = range(2, 7)
    found: dict[bool, list[int]] = {}
    for efficient in (False, True):
        depths = [n * (6 if bottleneck else 3) + 4 for n in layers]
        given = {"bottleneck": bottleneck, "memory_efficient": efficient}
        nets = [program("densenet_cifar", "densenet_cifar", depth=depth, **given) for depth in depths]
        found[efficient] = [kept(build_module(net), x) for net in nets]
    growth = {efficient: [b - a for a, b in pairwise(sizes)] for efficient, sizes in found.items()}
    second = {efficient: {b - a for a, b in pairwise(each)} for efficient, each in growth.items()}
    big, middle, small, k = 32 * 32, 16 * 16, 8 * 8, 12
    # One layer more in each block: its piece in every block; what enters the second and the third block is k and 2k
    # channels wider; what leaves the blocks is k, 2k and 3k wider, and kept for the normalisation, the ReLU and the
    # pooling behind them (there is none behind the last). Then the normalisations' statistics and the last vector.
    one_more = (
        (1 + 3) * k * big + (1 + 1 + 3 * 2) * k * middle + (2 + 1 + 2 * 3) * k * small + 2 * (1 + 2 + 3) * k + 3 * k
    )
    if bottleneck:
        # The 4k maps of each layer before its second normalisation and after the ReLU, and the statistics.
        one_more += 2 * 4 * k * (big + middle + small) + 3 * 2 * 4 * k
    assert growth[True] == [4 * one_more] * (len(layers) - 1)
    # The plain one keeps what each layer reads, before and after normalisation: k channels more in each layer, and as
    # many more at the start as the blocks before have added.
    per_pixel = [2 * k, 2 * (2 + 1) * k, 2 * (4 + 1) * k]
    twice = sum(channels * (pixels + 1) for channels, pixels in zip(per_pixel, (big, middle, small), strict=True))
    assert second[False] == {4 * twice}
