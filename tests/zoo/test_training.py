"""How the networks of the papers train: what every one of them does in training mode and leaves in evaluation."""

import numpy
import pytest
import torch
from torch import nn
from zoo_specs import CASES, as_tuple, program, sample

from archdsl.backends.torch.build import build_module
from archdsl.ir.flatten import flatten
from archdsl.ir.program import Program
from archdsl.limits import Limits

PASSES = 16
"""Forward passes until every parameter has had its turn in a network that drops parts of itself. At a survival of one
half a part is left out of all of them once in 65 536 runs; the seed is fixed."""


def built(name: str, model: str, **arguments: object) -> tuple[Program, nn.Module, list[torch.Tensor]]:
    net = program(name, model, **arguments)
    torch.manual_seed(0)
    module = build_module(net)
    feeds = sample(net, numpy.random.default_rng(0))
    return net, module, [torch.from_numpy(feeds[value.name]) for value in net.inputs]


def operators(net: Program) -> set[str]:
    return {flat.op.name for flat in flatten(net, Limits())}


@pytest.mark.parametrize(("name", "model", "arguments"), CASES, ids=lambda value: str(value))
def test_training_reaches_every_parameter_and_evaluation_is_a_function_of_the_input(
    name: str, model: str, arguments: dict[str, object]
) -> None:
    net, module, inputs = built(name, model, **arguments)
    before = {key: value.clone() for key, value in module.named_buffers()}
    module.train()
    torch.manual_seed(1)
    outputs = as_tuple(module(*inputs))
    assert len(outputs) == len(net.outputs)
    check_statistics_moved(module, before)
    untrained = backward(module, outputs)
    for _ in range(PASSES):
        if not untrained:
            break
        untrained &= backward(module, as_tuple(module(*inputs)))
    assert not untrained

    torch.manual_seed(1)
    again = as_tuple(module(*inputs))
    assert all(torch.equal(left, right) for left, right in zip(outputs, again, strict=True)), "not reproducible"

    module.eval()
    kept = {key: value.clone() for key, value in module.named_buffers()}
    drawn = torch.get_rng_state()
    with torch.no_grad():
        whole = as_tuple(module(*inputs))
        alone = as_tuple(module(*(value[:1] for value in inputs)))
    assert len(whole) == sum(not output.train for output in net.outputs)
    assert torch.equal(torch.get_rng_state(), drawn), "evaluation draws random numbers"
    assert all(torch.equal(value, kept[key]) for key, value in module.named_buffers()), "evaluation moves statistics"
    for together, single in zip(whole, alone, strict=True):
        # Running statistics, not those of the batch: a sample's result does not depend on its neighbours.
        torch.testing.assert_close(together[:1], single, rtol=1e-3, atol=1e-5 * float(whole[0].abs().max()))


def backward(module: nn.Module, outputs: tuple[torch.Tensor, ...]) -> set[str]:
    """Parameters whose gradient is zero everywhere; all gradients are finite."""
    module.zero_grad()
    torch.stack([output.square().mean() for output in outputs]).sum().backward()
    found: set[str] = set()
    for path, parameter in module.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), path
        if not parameter.grad.any():
            found.add(path)
    return found


def check_statistics_moved(module: nn.Module, before: dict[str, torch.Tensor]) -> None:
    """Every normalisation by the batch has counted it and moved its averages."""
    for path, part in module.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            assert part.num_batches_tracked == 1, path
            assert not torch.equal(part.running_mean, before[f"{path}.running_mean"]), path
            assert not torch.equal(part.running_var, before[f"{path}.running_var"]), path


def test_threshold_units_learn_nothing_from_gradients() -> None:
    """A step is flat wherever it has a slope; the perceptron rule of test_beginnings.py trains them."""
    for model in ("perceptron", "threshold_network"):
        _, module, inputs = built("neuron", model)
        assert not module.train()(*inputs).requires_grad
