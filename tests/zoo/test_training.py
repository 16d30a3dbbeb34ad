"""How the networks of the papers train: what every one of them does in training mode and leaves in evaluation."""

import numpy
import pytest
import torch
from torch import nn
from zoo_specs import CASES, as_tuple, program, sample

from archdsl.backends.onnx.export import onnx_model
from archdsl.backends.torch.build import build_module
from archdsl.ir.flatten import flatten
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.weights import initial

PASSES = 16
"""Forward passes until every parameter has had its turn in a network that drops parts of itself. At a survival of one
half a part is left out of all of them once in 65 536 runs; the seed is fixed."""


def built(name: str, model: str, **arguments: object) -> tuple[Program, nn.Module, list[torch.Tensor]]:
    net = program(name, model, **arguments)
    torch.manual_seed(0)
    module = build_module(net)
    feeds = sample(net, numpy.random.default_rng(0))
    return net, module, [torch.from_numpy(feeds[value.name]) for value in net.inputs]


@pytest.mark.parametrize(("name", "model", "arguments"), CASES, ids=lambda value: str(value))
def test_training_reaches_every_parameter_and_evaluation_is_a_function_of_the_input(
    name: str, model: str, arguments: dict[str, object]
) -> None:
    net, module, inputs = built(name, model, **arguments)
    before = {key: value.clone() for key, value in module.named_buffers()}
    module.train()
    torch.manual_seed(1)
    seeded = torch.get_rng_state()
    outputs = as_tuple(module(*inputs))
    draws = not torch.equal(torch.get_rng_state(), seeded)
    assert len(outputs) == len(net.outputs)
    check_statistics_moved(module, before)
    untrained = backward(module, outputs)
    for _ in range(PASSES):
        if not untrained:
            break
        untrained &= backward(module, as_tuple(module(*inputs)))
    assert not untrained

    if draws:
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


# ------------------------------------------------------------------------------------------------------------ dropout

RATES: dict[tuple[str, str], list[float]] = {
    ("alexnet", "alexnet"): [0.5] * 2,
    ("all_cnn", "all_cnn"): [0.2, 0.5, 0.5],
    ("googlenet", "googlenet"): [0.4, 0.7, 0.7],
    ("maxout", "maxout_cifar"): [0.2, 0.5, 0.5, 0.5, 0.5],
    ("maxout", "maxout_mnist"): [0.2, 0.5, 0.5],
    ("nin", "nin"): [0.5] * 2,
    ("vgg", "vgg"): [0.5] * 2,
    ("zfnet", "zfnet"): [0.5] * 2,
}
"""Dropout of the papers: Krizhevsky et al. (2012), Springenberg et al. (2015), Szegedy et al. (2014; 0.7 in the heads),
Goodfellow et al. (2013), Lin et al. (2014), Simonyan & Zisserman (2015), Zeiler & Fergus (2014)."""


@pytest.mark.parametrize(("name", "model"), RATES, ids=lambda value: str(value))
def test_the_rates_of_dropout_are_those_of_the_paper(name: str, model: str) -> None:
    net = program(name, model, **({"aux": True} if name == "googlenet" else {}))
    assert sorted(flat.op.p for flat in flatten(net, Limits()) if flat.op.name == "dropout") == sorted(
        RATES[name, model]
    )


def test_dropout_keeps_its_share_of_the_elements_and_the_mean() -> None:
    torch.manual_seed(0)
    _, module, _ = built("all_cnn", "all_cnn")
    for part in module.train().modules():
        if isinstance(part, nn.Dropout):
            y = part(torch.ones(100_000))
            # Four standard deviations of a share of 100 000 draws.
            spread = 4 * (part.p * (1 - part.p) / 100_000) ** 0.5
            assert float((y == 0).float().mean()) == pytest.approx(part.p, abs=spread)
            assert float(y.mean()) == pytest.approx(1.0, abs=spread / (1 - part.p))


# -------------------------------------------------------------------------------------------------- stochastic depth


def test_units_survive_with_a_probability_that_falls_in_equal_steps_to_that_of_the_last() -> None:
    """Huang et al. (2016), equation 4: p_l = 1 - l/L (1 - p_L), the image before the first unit being p_0 = 1."""
    survival, units, trials = 0.5, 9, 2000
    _, module, _ = built("stochastic_depth", "stochastic_depth", depth=20, survival=survival)
    drops = [part for name, part in module.train().named_modules() if name.endswith("drop_path")]
    assert len(drops) == units
    one = torch.ones(2, 1)
    for number, part in enumerate(drops, 1):
        kept = 1 - number / units * (1 - survival)
        draws = torch.stack([part(one) for _ in range(trials)])
        assert torch.equal(draws[:, 0], draws[:, 1]), "one draw for the batch"
        share = float((draws[:, 0] != 0).float().mean())
        spread = 4 * (kept * (1 - kept) / trials) ** 0.5
        assert share == pytest.approx(kept, abs=spread)
        assert float(draws.mean()) == pytest.approx(1.0, abs=spread / kept)


def test_a_unit_that_is_skipped_is_its_shortcut_and_learns_nothing_from_that_batch() -> None:
    _, module, _ = built("stochastic_depth", "stochastic_depth", depth=20, survival=0.5)
    unit = module.train().unit[8]
    x = torch.randn(2, 64, 8, 8)
    outcomes = set[bool]()
    for _ in range(20):
        unit.zero_grad()
        y = unit(x)
        y.sum().backward()
        skipped = torch.equal(y, torch.relu(x))
        outcomes.add(skipped)
        assert skipped is not any(bool(parameter.grad.any()) for parameter in unit.parameters())
    assert outcomes == {True, False}


# --------------------------------------------------------------------------------------------------------------- join


@pytest.mark.parametrize(("branches", "drop"), [(2, 0.15), (3, 0.15), (3, 0.5)])
def test_a_join_keeps_each_branch_as_often_as_it_says_and_never_drops_all(branches: int, drop: float) -> None:
    """Larsson et al. (2017, 3): dropped with probability `drop`, and one of them saved where all would be."""
    trials = 3000
    widths, rates = [2], [0.0]
    _, module, _ = built(
        "fractalnet", "fractalnet", c=branches, widths=widths, dropout_p=rates, drop=drop, global_drop=0.0
    )
    join = module.train().join
    none = torch.tensor(-1)
    values = [torch.full((3, 1), float(2**branch)) for branch in range(branches)]
    kept = [0] * branches
    for _ in range(trials):
        y = join(none, *values)
        assert torch.equal(y, y[:1].expand(3, 1)), "one draw for the batch"
        found = [
            [branch for branch in range(branches) if mask >> branch & 1]
            for mask in range(1, 2**branches)
            if abs(mask / mask.bit_count() - float(y[0, 0])) < 1e-5
        ]
        assert len(found) == 1, f"{float(y[0, 0])} is no mean of some branches"
        for branch in found[0]:
            kept[branch] += 1
    expected = 1 - drop + drop**branches / branches
    spread = 4 * (expected * (1 - expected) / trials) ** 0.5
    assert [count / trials for count in kept] == pytest.approx([expected] * branches, abs=spread)


# -------------------------------------------------------------------------------------------------------------- heads


@pytest.mark.parametrize(
    ("name", "model", "arguments", "heads"),
    [
        ("googlenet", "googlenet", {"aux": True}, ("aux1.", "aux2.")),
        ("googlenet", "torchvision_googlenet", {"aux": True}, ("aux1.", "aux2.")),
        ("nin", "dsn", {}, ("linear.0.", "linear.1.", "linear.2.")),
    ],
    ids=["googlenet", "torchvision_googlenet", "dsn"],
)
def test_companion_heads_are_there_in_training_and_leave_no_trace_elsewhere(
    name: str, model: str, arguments: dict[str, object], heads: tuple[str, ...]
) -> None:
    net, module, inputs = built(name, model, classes=10, **arguments)
    trained, evaluated = as_tuple(module.train()(*inputs)), as_tuple(module.eval()(*inputs))
    assert [tuple(output.shape) for output in trained] == [(2, 10)] * len(net.outputs)
    assert (len(trained), len(evaluated)) == (len(heads) + 1, 1)
    state = set(module.state_dict())
    assert all(any(key.startswith(head) for key in state) for head in heads), state

    model_proto = onnx_model(net, initial(net, seed=0))
    assert [output.name for output in model_proto.graph.output] == ["logits"]
    stored = {tensor.name for tensor in model_proto.graph.initializer}
    assert not any(path.startswith(heads) for path in stored)
    rest = {key for key in state if not key.startswith(heads) and not key.endswith("num_batches_tracked")}
    assert rest <= stored


def test_without_its_heads_a_network_gives_what_it_gives_with_them() -> None:
    _, with_heads, inputs = built("googlenet", "googlenet", classes=10, aux=True)
    _, without, _ = built("googlenet", "googlenet", classes=10)
    own = set(without.state_dict())
    without.load_state_dict({key: value for key, value in with_heads.state_dict().items() if key in own})
    with torch.no_grad():
        torch.testing.assert_close(without.eval()(*inputs), with_heads.eval()(*inputs))
