"""What recurrent layers promise beyond their examples."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from contract_cases import difference, random_weights

from archdsl.analysis.depth import depth
from archdsl.api import Network, load


def network(call: str, shape: str = "N, T, 4") -> Network:
    results = "y, h, c" if "states" in call and call.startswith("lstm") else "y, h" if "states" in call else "y"
    outputs = "\n".join(f"  output {name}" for name in results.split(", "))
    return load(f"model m {{\n  input x: f32[{shape}]\n  {results} = x -> {call}\n{outputs}\n}}\n")


def sequence(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("call", "macs"),
    [
        ("lstm(64)", 327_680),
        ("gru(64)", 245_760),
        ("rnn(64)", 81_920),
        ("lstm(64, bidirectional)", 2 * 327_680),
        ("lstm(64, 2)", 2 * 327_680),
        ("lstm(64, 2, bidirectional)", 2 * 327_680 + 10 * 2 * 4 * 64 * (128 + 64)),
        ("rnn(64, skip_input)", 40_960),
    ],
)
def test_both_products_of_every_step_layer_and_direction_are_counted(call: str, macs: int) -> None:
    cost = network(call, "N, 10, 64").cost()
    assert cost.macs == cost.work["recurrent"] == macs


def test_the_other_work_of_a_step_is_counted_by_hand() -> None:
    work = network("lstm(64)", "N, 1, 64").cost().work
    assert work["bias"] == 2 * 4 * 64
    assert work["activation"] == (3 + 2) * 64  # three sigmoids, two tanh
    assert work["elementwise"] == 4 * 64 + (2 + 1 + 1) * 64  # the two products added; f*c + i*g; o*tanh(c)


def test_each_layer_is_one_weight_layer_however_long_the_sequence() -> None:
    assert depth(network("lstm(8, 3, bidirectional)").program) == 3
    assert depth(network("linear(4, !bias) -> rnn(4, skip_input)").program) == 1


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
def test_a_state_dict_of_pytorch_loads_as_it_is(cell: str) -> None:
    theirs = getattr(torch.nn, cell)(4, 3, num_layers=2, bidirectional=True, batch_first=True)
    ours = load(
        f"model m {{\n input x: f32[N, T, 4]\n {cell.lower()}(3, 2, bidirectional) as r\n output y\n}}\n"
    ).torch()
    ours.r.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.from_numpy(sequence(2, 5, 4))
    assert torch.equal(ours(x), theirs(x)[0])


@pytest.mark.parametrize(
    "call", ["lstm(3, 2, bidirectional)", "gru(3, 2, states)", "rnn(4, bidirectional, skip_input)"]
)
@pytest.mark.parametrize("functions", [False, True])
def test_onnxruntime_reorders_the_weights_when_it_loads_and_runs_one_node_per_layer(
    call: str, functions: bool, tmp_path
) -> None:
    net = network(call)
    model = net.onnx_model(random_weights(net), functions=functions)
    assert {each.name for each in model.graph.initializer} >= set(net.weights())
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    nodes = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    cell = call.partition("(")[0].upper()
    assert nodes.count(cell) == (1 if cell == "RNN" else 2)
    assert set(nodes) <= {cell, "Transpose", "Reshape", "Squeeze", "Concat"}


@pytest.mark.parametrize("call", ["lstm(3, 2, bidirectional)", "gru(3, states)", "rnn(4, bidirectional, skip_input)"])
def test_half_precision_runs_in_both_engines(call: str) -> None:
    net = network(call)
    weights, x = random_weights(net), sequence(2, 5, 4)
    module = net.torch()
    module.load_state_dict({path: torch.from_numpy(array) for path, array in weights.items()})
    with torch.no_grad():
        exact = module.double()(torch.from_numpy(x).double())
        half = module.half()(torch.from_numpy(x).half())
    session = onnxruntime.InferenceSession(net.onnx_model(weights, dtype="f16").SerializeToString())
    run = session.run(None, {"x": x.astype(np.float16)})
    several = isinstance(exact, tuple)
    for a, b, c in zip(exact if several else (exact,), half if several else (half,), run, strict=True):
        assert difference(b.numpy(), a.numpy()) < 0.01
        assert difference(c, a.numpy()) < 0.01


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_sequence_in_two_halves_with_the_states_handed_on_is_the_sequence_at_once(cell: str) -> None:
    states = ["h", "c"] if cell == "lstm" else ["h"]
    given = "\n".join(f"  input {name}0: f32[2, N, 3]" for name in states)
    starts, results = ", ".join(f"{name}0" for name in states), ", ".join(states)
    outputs = "\n".join(f"  output {name}" for name in ["y", *states])
    net = load(
        f"model m {{\n  input x: f32[N, T, 4]\n{given}\n  y, {results} = [x, {starts}] -> {cell}(3, 2, states)\n"
        f"{outputs}\n}}\n"
    )
    session = onnxruntime.InferenceSession(net.onnx_model(random_weights(net)).SerializeToString())
    x, zeros = sequence(2, 6, 4), [np.zeros((2, 2, 3), np.float32) for _ in states]

    def run(part: np.ndarray, start: list[np.ndarray]) -> list[np.ndarray]:
        return session.run(None, {"x": part, **{f"{name}0": h for name, h in zip(states, start, strict=True)}})

    whole = run(x, zeros)
    first, *middle = run(x[:, :2], zeros)
    second, *last = run(x[:, 2:], middle)
    assert difference(np.concatenate([first, second], 1), whole[0]) <= 1e-5
    for found, expected in zip(last, whole[1:], strict=True):
        assert difference(found, expected) <= 1e-5


def test_skipping_the_input_is_multiplying_it_by_the_identity() -> None:
    ours = network("rnn(4, bidirectional, skip_input)").torch().rnn
    theirs = torch.nn.RNN(4, 4, bidirectional=True, batch_first=True)
    state = dict(theirs.state_dict())
    for suffix in ("l0", "l0_reverse"):
        state[f"weight_ih_{suffix}"], state[f"bias_ih_{suffix}"] = torch.eye(4), torch.zeros(4)
    theirs.load_state_dict(state | ours.state_dict())
    x = torch.from_numpy(sequence(2, 5, 4))
    for found, expected in zip(ours(x), theirs(x), strict=True):
        torch.testing.assert_close(found, expected)


def test_dropout_acts_between_layers_in_training_only_and_a_single_layer_is_warned_about() -> None:
    module = network("lstm(3, 2, dropout = 0.5)").torch()
    x = torch.from_numpy(sequence(2, 5, 4))
    assert torch.equal(module.eval()(x), module(x))
    assert not torch.equal(module.train()(x), module(x))
    single = network("lstm(3, dropout = 0.5)")
    assert [warning.code for warning in single.warnings] == ["W0401"]
    assert "dropout" not in single.torch_source()


def test_results_are_taken_apart_as_a_person_would() -> None:
    head = "model m {\n  input x: f32[N, T, 4]\n  y, h, c = lstm(3, states)\n"
    stacked = load(f"{head}  [y, h, c] -> lstm(3) as top\n  output z\n}}\n").torch_source()
    assert "y, (h, c) = self.lstm(x)" in stacked
    assert "self.top(y, (h, c))[0]" in stacked
    assert "_, (x, _) = self.lstm(x)" in load(f"{head}  output h\n}}\n").torch_source()
