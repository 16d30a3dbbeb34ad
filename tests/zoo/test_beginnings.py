"""The earliest networks compute what they are known for, by weights given here: in PyTorch, onnxruntime and float64."""

from typing import Any

import numpy
import onnxruntime
import pytest
import torch
from zoo_specs import program

from archdsl.backends.onnx.export import onnx_model
from archdsl.backends.torch.build import build_module
from archdsl.ir.program import Program

PAIRS = [[0, 0], [0, 1], [1, 0], [1, 1]]


def fires(net: Program, arrays: dict[str, Any], rows: list[list[int]]) -> list[int]:
    """The output for each row of inputs, which all three ways of running must agree on."""
    weights = {path: numpy.asarray(array, dtype=numpy.float32) for path, array in arrays.items()}
    x = numpy.asarray(rows, dtype=numpy.float32)
    module = build_module(net).eval()
    module.load_state_dict({path: torch.from_numpy(array) for path, array in weights.items()})
    with torch.no_grad():
        single = module(torch.from_numpy(x)).numpy()
        exact = module.double()(torch.from_numpy(x).double()).numpy()
    session = onnxruntime.InferenceSession(
        onnx_model(net, weights).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (run,) = session.run(None, {"x": x})
    assert single.tolist() == run.tolist() == exact.tolist()
    return [int(row[0]) for row in single]


@pytest.mark.parametrize(
    ("weight", "bias", "rows", "table"),
    [
        ([1, 1], -2, PAIRS, [0, 0, 0, 1]),
        ([1, 1], -1, PAIRS, [0, 1, 1, 1]),
        ([-1], 0, [[0], [1]], [1, 0]),
        ([-1, -1], 1, PAIRS, [1, 1, 1, 0]),
    ],
    ids=["and", "or", "not", "nand"],
)
def test_one_threshold_unit_computes(weight: list[int], bias: int, rows: list[list[int]], table: list[int]) -> None:
    net = program("neuron", "perceptron", inputs=len(weight))
    assert fires(net, {"linear.weight": [weight], "linear.bias": [bias]}, rows) == table


def test_xor_needs_a_hidden_layer_and_two_units_of_it_are_enough() -> None:
    net = program("neuron", "threshold_network")
    either, both = ([1, 1], -1), ([1, 1], -2)
    arrays = {
        "layer.0.weight": [either[0], both[0]],
        "layer.0.bias": [either[1], both[1]],
        "layer.1.weight": [[1, -1]],
        "layer.1.bias": [-1],
    }
    assert fires(net, arrays, PAIRS) == [0, 1, 1, 0]


def test_no_single_unit_computes_xor() -> None:
    net = program("neuron", "perceptron")
    tries = [([a, b], c) for a in (-2, -1, 0, 1, 2) for b in (-2, -1, 0, 1, 2) for c in (-3, -2, -1, 0, 1, 2, 3)]
    module = build_module(net).eval()
    found = set[tuple[int, ...]]()
    for weight, bias in tries:
        module.load_state_dict(
            {"linear.weight": torch.tensor([weight]).float(), "linear.bias": torch.tensor([bias]).float()}
        )
        found.add(tuple(module(torch.tensor(PAIRS).float()).flatten().int().tolist()))
    assert len(found) == 14, "all functions of two inputs but XOR and its complement"
    assert found.isdisjoint({(0, 1, 1, 0), (1, 0, 0, 1)})


def test_the_perceptron_rule_finds_weights_for_and() -> None:
    module = build_module(program("neuron", "perceptron"))
    (weight, bias) = (parameter.data for parameter in module.parameters())
    x, wanted = torch.tensor(PAIRS).float(), torch.tensor([0, 0, 0, 1]).float()
    for _ in range(100):
        for row, target in zip(x, wanted, strict=True):
            error = target - module(row[None]).item()
            weight += error * row
            bias += error
    assert module(x).flatten().tolist() == wanted.tolist()


def shares(model: str) -> float:
    """How much of the last layer's gradient reaches the first, as a ratio of root mean squares."""
    torch.manual_seed(0)
    module = build_module(program("mlp", model, depth=10, width=100))
    module(torch.randn(32, 784)).square().mean().backward()
    scale = {name: parameter.grad.square().mean().sqrt().item() for name, parameter in module.named_parameters()}  # type: ignore[union-attr]
    return scale["first.weight"] / scale["last.weight"]


def test_the_gradient_of_sigmoids_vanishes_on_the_way_down_and_that_of_rectifiers_much_less() -> None:
    assert shares("sigmoid_mlp") < 1e-6
    assert shares("relu_mlp") > 1e4 * shares("sigmoid_mlp")


def test_the_rbm_reads_its_weights_backwards_to_reconstruct() -> None:
    net = program("belief_net", "rbm", visible=6, hidden=4)
    module = build_module(net).eval()
    rng = torch.Generator().manual_seed(0)
    weight, a, b, v = (torch.randn(shape, generator=rng) for shape in ((4, 6), (6,), (4,), (3, 6)))
    module.load_state_dict({"up.weight": weight, "up.bias": b, "down.bias": a})
    with torch.no_grad():
        hidden, reconstruction = module(v)
    expected = torch.sigmoid(v @ weight.T + b)
    torch.testing.assert_close(hidden, expected)
    torch.testing.assert_close(reconstruction, torch.sigmoid(expected @ weight + a))


def test_stochastic_depth_skips_later_units_more_often_and_only_in_training() -> None:
    module = build_module(program("stochastic_depth", "stochastic_depth", depth=20))
    drops = [part.p for name, part in module.named_modules() if name.endswith("drop_path")]
    assert drops == pytest.approx([0.5 * unit / 9 for unit in range(1, 10)])
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(module.eval()(x), module(x))
        module.train()
        torch.manual_seed(0)
        assert not torch.equal(module(x), module(x))
