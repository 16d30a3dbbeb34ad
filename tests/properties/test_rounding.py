"""What the properties let pass as rounding is rounding: what cancels is let pass, and a small fault is not."""

import copy
import random
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given
from strategies.programs import Spec, specs

import archdsl
from archdsl.ir.operator import LARGEST_F32
from archdsl.verify import Comparison
from properties.engines import (
    HALVES,
    check_error,
    check_step,
    check_training,
    looks_up_what_is_computed,
    step,
    training_inputs,
    types,
)
from properties.stochastic import ONNXRUNTIME, UNIT, Disturbance, Largest, disturbed

LAYERS = (
    "linear(6)", "conv(6, 1)", "bn", "group_norm(2)", "layer_norm", "rms_norm", "instance_norm(affine)",
    "softmax", "log_softmax", "gelu", "silu", "mish", "softplus", "elu", "sigmoid", "tanh", "lrn(3)",
)  # fmt: skip
MODEL = "model m {{\n  input x: f32[2, 6, 6]\n  {}\n  output y\n}}\n"


def stepped(text: str) -> tuple[dict[str, torch.Tensor], torch.nn.Module, list[torch.Tensor]]:
    """A step in single precision, the module in double precision, and the inputs."""
    net = archdsl.load(text)
    inputs = training_inputs(net.program)
    torch.manual_seed(0)
    module = net.torch().train()
    exact = copy.deepcopy(module).double()
    return step(module, inputs), exact, inputs


@pytest.mark.parametrize("layer", LAYERS)
def test_a_disturbance_of_nothing_changes_nothing(layer: str) -> None:
    """A function in its steps is the function."""
    _, exact, inputs = stepped(MODEL.format(f"linear(6) -> {layer}"))
    given = [x.double() for x in inputs]
    found: list[list[torch.Tensor]] = []
    for around in (nullcontext(), disturbed(0, unit=0, least=0)):
        module = copy.deepcopy(exact)
        with around:
            result = module(*given)
            (result * torch.arange(float(result.numel())).view(result.shape)).sum().backward()
        found.append([result.detach(), *(p.grad for p in module.parameters() if p.grad is not None), *module.buffers()])
    for plain, parts in zip(*found, strict=True):
        assert torch.allclose(plain.double(), parts.double(), rtol=1e-9, atol=1e-9)


def test_moving_and_choosing_lose_nothing() -> None:
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    with Disturbance(0):
        moved = torch.cat((x.transpose(1, 2).relu().flatten(1), x.flatten(1).clamp(max=0)), 1).maximum(x.new_zeros(()))
        added = x + x
    assert torch.equal(moved, torch.cat((x.transpose(1, 2).relu().flatten(1), torch.zeros(2, 12)), 1))
    assert not torch.equal(added, x + x) and torch.allclose(added, x + x, rtol=1e-6)


@pytest.mark.parametrize(
    "body",
    [
        "linear(6) -> bn",  # no gradient reaches the bias
        "softplus(1e-3) -> bn",  # values of 693 that differ by 1
        "softmax -> max { id | constant(1) } -> softmax -> group_norm(2)",  # equal values have no deviation
        "layer_norm -> split([2, 2, 2], axis = -1) -> concat -> layer_norm -> layer_norm",
    ],
)
def test_what_cancels_is_no_fault(body: str) -> None:
    check_training(archdsl.load(MODEL.format(body)))


def test_what_is_equal_but_for_rounding_may_come_out_equal() -> None:
    x = torch.tensor([1 / 3, 1 / 3 + 1e-15], dtype=torch.float64)
    found = {bool(y[0] == y[1]) for y in (Disturbance(seed).of(x) for seed in range(8))}
    assert found == {True, False}


def test_many_values_that_are_equal_but_for_rounding_are_equal_where_each_is_rounded() -> None:
    x = 1 / 3 + torch.arange(1000, dtype=torch.float64) * 1e-16
    assert len(x.unique()) > 1
    assert len(Disturbance(None).of(x).unique()) == 1
    assert torch.equal(Disturbance(None).of(x), x.float().double())


def test_what_is_lost_is_what_single_precision_has_no_digits_for() -> None:
    x = torch.randn(1000, dtype=torch.float64) * torch.exp2(torch.randint(-100, 100, (1000,)).double())
    moved = Disturbance(0).of(x)
    assert torch.equal(moved.float().double(), moved)
    assert UNIT < ((moved - x) / x).abs().max() < 8 * UNIT


def measured(call: str, given: np.ndarray, **parts: list[float]) -> np.ndarray:
    """What onnxruntime makes of these, with weights whose numbers are those of `parts`, or 0."""
    net = archdsl.load(f"model m {{\n  input x: f32[N, 1, 1]\n  {call}\n  output y\n}}\n")
    weights = {
        path: np.array(parts.get(path.split(".")[-1].removesuffix("_l0"), [0.0] * array.size), array.dtype)
        for path, array in net.weights(0).items()
    }
    weights = {path: array.reshape(net.weights(0)[path].shape) for path, array in weights.items()}
    return net.session(weights=weights).run(None, {"x": given})[0]


LARGE = 40.0  # a sigmoid of which is 1, a tanh too


@pytest.mark.parametrize(
    ("name", "call", "parts", "function"),
    [
        ("elu", "elu", {}, torch.nn.functional.elu),
        ("gelu", "gelu", {}, torch.nn.functional.gelu),
        ("hardsigmoid", "hard_sigmoid", {}, torch.nn.functional.hardsigmoid),
        ("hardswish", "hard_swish", {}, torch.nn.functional.hardswish),
        ("sigmoid", "sigmoid", {}, torch.sigmoid),
        ("silu", "silu", {}, torch.nn.functional.silu),
        ("RNN.tanh", "rnn(1)", {"weight_ih": [1.0]}, torch.tanh),
        ("GRU.tanh", "gru(1)", {"weight_ih": [0.0, 0.0, 1.0], "bias_ih": [0.0, -LARGE, 0.0]}, torch.tanh),
        (
            "GRU.sigmoid",
            "gru(1)",
            {"weight_ih": [0.0, -1.0, 0.0], "bias_ih": [0.0, 0.0, LARGE]},
            torch.sigmoid,
        ),
        (
            "LSTM.sigmoid",
            "lstm(1)",
            {"weight_ih": [0.0, 0.0, 0.0, 1.0], "bias_ih": [LARGE, -LARGE, LARGE, 0.0]},
            lambda x: torch.sigmoid(x) * torch.tanh(torch.ones(1, dtype=torch.float64)),
        ),
    ],
)
def test_onnxruntime_loses_of_a_function_what_is_stated(
    name: str, call: str, parts: dict[str, list[float]], function: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    """As much as is stated, and not much more, where what it would lose of the result itself is less."""
    given = np.concatenate([np.linspace(-95, 95, 5_001), np.linspace(-12, 12, 20_001), np.geomspace(1e-9, 1, 2_001)])
    given = given.astype(np.float32).reshape(-1, 1, 1)
    x = torch.from_numpy(given).double()
    exact = function(x)
    lost = (torch.from_numpy(measured(call, given, **parts)).double() - exact).abs()
    stated = torch.as_tensor(ONNXRUNTIME[name](x)) + 2 * UNIT * exact.abs()
    assert (lost <= 2 * stated + 1e-40).all(), float((lost / stated).max())
    assert (lost > UNIT * 4 * exact.abs()).any(), "it loses of the result itself"


def test_only_what_onnxruntime_computes_may_lose_as_onnxruntime_does() -> None:
    lost = Comparison("y", (1, 4), 1e-7, 2e-4)
    check_error(lost, 1e-7, 1e-4)
    for wrong, noise, coarse in ((lost, 1e-7, 1e-5), (Comparison("y", (1, 4), 2e-4, 1e-7), 1e-7, 1e-4)):
        with pytest.raises(AssertionError):
            check_error(wrong, noise, coarse)


def test_a_disturbance_knows_inside_which_layer_it_is() -> None:
    """A state of 1e-8 is no multiple of what `tanh` loses there."""
    module = torch.nn.Sequential(torch.nn.Tanh(), torch.nn.RNN(1, 1, bias=False)).double()
    x = torch.full((1, 1), 1e-8, dtype=torch.float64)
    with torch.no_grad(), Disturbance(0, grains=ONNXRUNTIME) as wrong, wrong.inside_layers(module):
        before = module[0](x)
        state, _ = module[1](x)
    assert abs(before - 1e-8) < 1e-14
    assert state % (2 * UNIT) == 0


def test_what_is_computed_again_is_so_in_double_precision() -> None:
    check_training(archdsl.load(MODEL.format("linear(6) -> recompute { cast(f32) -> gelu } -> linear(3)")))


def test_a_variance_beyond_single_precision_is_seen_inside_its_function() -> None:
    x = torch.tensor([[1e20, -1e20, 3e19]], dtype=torch.float64)
    with Largest() as largest:
        torch.nn.functional.layer_norm(x, (3,))
    assert largest.value > LARGEST_F32 > float(x.abs().max())


def test_only_values_beyond_single_precision_excuse_a_step() -> None:
    square = "mul { id | id } -> " * 8
    for start, excused in ((1000, True), (1, False)):
        rough, exact, inputs = stepped(
            MODEL.format(f"linear(6) as first -> max {{ id | constant({start}) }} -> {square}id")
        )
        rough["output 0"] *= 1.01
        if excused:
            check_step(rough, exact, inputs)
        else:
            with pytest.raises(AssertionError, match="output 0 differs"):
                check_step(rough, exact, inputs)


def test_a_fault_behind_dropout_is_found() -> None:
    rough, exact, inputs = stepped(
        MODEL.format("linear(6) as first -> dropout(0.5) -> relu -> dropout(0.25) -> linear(3)")
    )
    check_step(rough, exact, inputs)
    rough["gradient of first.weight"] *= 1.01
    with pytest.raises(AssertionError, match=r"gradient of first\.weight differs"):
        check_step(rough, exact, inputs)


def test_a_small_gradient_that_is_wrong_is_found_beside_large_ones() -> None:
    rough, exact, inputs = stepped(MODEL.format("linear(6) as first -> mul { id | constant(1e-7) } -> linear(6)"))
    slopes = {name: float(value.abs().max()) for name, value in rough.items() if name.startswith("gradient")}
    assert slopes["gradient of first.weight"] < 1e-5 * max(slopes.values())
    check_step(rough, exact, inputs)
    rough["gradient of first.weight"] *= 1.01
    with pytest.raises(AssertionError, match=r"gradient of first\.weight differs"):
        check_step(rough, exact, inputs)


def test_a_gradient_wrong_by_a_hundredth_is_found_in_nearly_all_programs() -> None:
    """In the others single precision does not know a hundredth of it, as where the true gradient is 0."""
    caught: list[bool] = []

    @given(specs())
    def seed(spec: Spec) -> None:
        program = archdsl.load(spec.text).program
        if looks_up_what_is_computed(program) or any(type.dtype in HALVES for type in types(program)):
            return
        try:
            rough, exact, inputs = stepped(spec.text)
        except ValueError:
            return  # refused, which has its own property
        state = copy.deepcopy(exact.state_dict())
        learned = [name for name, value in rough.items() if name.startswith("gradient") and float(value.abs().sum())]
        for name in learned[:2]:
            exact.load_state_dict(state)
            try:
                check_step(rough | {name: rough[name] * 1.01}, exact, inputs)
            except AssertionError:
                caught.append(True)
            else:
                caught.append(False)

    for number in range(60):
        seed.hypothesis.fuzz_one_input(random.Random(f"faults {number}").randbytes(4096))
    assert len(caught) > 40 and sum(caught) >= 0.9 * len(caught), f"{sum(caught)} of {len(caught)}"
