"""For which sizes a network has an answer: from the program, to the sessions that ask."""

import ast
import json

import numpy as np
import onnxruntime
import pytest
import torch

from archdsl.api import Network, load
from archdsl.backends.onnx.export import write_onnx
from archdsl.checked_session import KEY
from archdsl.diagnostics.model import ArchError
from archdsl.ir.conditions import broken, conditions, solve, stated
from archdsl.runtime import session
from archdsl.types.dims import floordiv, symbol
from archdsl.verify import verify

POOLED = "f32[N, 3, H]", "max_pool(2) -> global_avg_pool"


def network(type: str, body: str) -> Network:
    return load(f"model m {{\n  input x: {type}\n  {body}\n  output y\n}}\n")


def texts(type: str, body: str) -> list[str]:
    return [f"{need.dim} >= {need.least}" for need in conditions(network(type, body).program)]


@pytest.mark.parametrize(
    ("type", "body", "expected"),
    [
        ("f32[N, 3, H]", "relu", []),
        ("f32[N, 3, H]", "conv(4, 3, stride = 2)", []),
        ("f32[N, 3, H]", "max_pool(2)", ["H // 2 >= 1"]),
        ("f32[N, 3, H]", "repeat 2 { max_pool(2) }", ["H // 2 >= 1", "H // 4 >= 1"]),
        ("f32[N, 3, H]", "residual { conv(3, 3) } -> avg_pool(3)", ["H // 3 >= 1"]),
        ("f32[N, 3, H]", "conv(4, 5, padding = 0)", ["H - 4 >= 1"]),
        ("f32[N, T, 3]", "slice(1, -1)", ["T - 2 >= 1"]),
        ("f32[N, T, 3]", "slice(2, step = 2)", ["((T + 1) // 2) - 1 >= 1"]),
        ("f32[N, 4]", "group_norm(4)", ["N >= 2"]),
        ("f32[N, 4, H]", "group_norm(4)", ["H*N >= 2"]),
        ("f32[N, 4]", "group_norm(2)", []),
        ("f32[N, 4, H, W]", "instance_norm", ["H*W >= 2"]),
        ("f32[N, 4, H, 2]", "instance_norm", []),
        ("f32[N, 4, H]", 'pad(3, axis = 2, mode = "reflect")', ["H >= 4"]),
        ("f32[N, 4, H]", 'pad(3, axis = 2, mode = "circular")', ["H >= 3"]),
        ("f32[N, 4, H]", 'pad(3, axis = 2, mode = "replicate")', []),
        ("f32[N, 4, 4, 4, D]", "avg_pool(3, stride = 1, padding = 1)", ["D >= 3"]),
        ("f32[N, 4, 4, D]", "avg_pool(3, stride = 1, padding = 1)", []),
        ("f32[N, 3, H]", "output aux(train) = max_pool(2)\n  relu", []),
        ("f32[N, T, 4]", "add { id | positions -> embedding(9, 4) }", ["-T + 9 >= 0"]),
        ("f32[N, 2*T, 4]", "repeat 2 { add { id | positions -> embedding(9, 4) } }", ["-2*T + 9 >= 0"]),
        ("f32[N, 9, 4]", "add { id | positions -> embedding(9, 4) }", []),
        ("i64[N, T]", "embedding(9, 4)", []),
    ],
)
def test_a_program_knows_its_conditions(type: str, body: str, expected: list[str]) -> None:
    assert texts(type, body) == expected


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("f32[N, 3, 1]", "instance_norm"),
        ("f32[1, 4]", "group_norm(4)"),
        ("f32[N, 3, 4, 4, 1]", "avg_pool(3, stride = 1, padding = 1)"),
        ("f32[1, H]", "repeat_dim(1 - H)"),
        ("f32[N, 3, 2]", 'pad(2, axis = 2, mode = "reflect")'),
    ],
)
def test_a_size_that_is_wrong_for_certain_is_an_error_of_the_spec(type: str, body: str) -> None:
    with pytest.raises(ArchError) as caught:
        network(type, body)
    assert [found.code for found in caught.value.diagnostics] == ["E0406"]


@pytest.mark.parametrize(
    ("type", "body", "found"),
    [
        ("f32[N, 4]", "bn", ["N >= 2"]),
        ("f32[N, 4, H]", "bn", ["H*N >= 2"]),
        ("f32[N, 4, 2]", "bn", []),
        ("f32[2, 4]", "bn", []),
        ("f32[N, 4, 3, 3]", "global_avg_pool -> unsqueeze(-1) -> bn", ["N >= 2"]),
    ],
)
def test_a_batch_of_one_value_per_channel_is_a_condition_of_training(type: str, body: str, found: list[str]) -> None:
    net = network(type, body)
    assert [f"{need.dim} >= {need.least}" for need in conditions(net.program, training=True)] == found
    assert conditions(net.program) == ()
    single = {"N": 1, "H": 1}
    shape = [int(dim) for dim in net.program.inputs[0].type.substitute(single).dims]
    module = net.torch().train()
    if found:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            module(torch.ones(shape))
    else:
        module(torch.ones(shape))


@pytest.mark.parametrize(
    ("type", "body", "sentence"),
    [
        ("f32[N, 4]", "bn", "It trains where N >= 2."),
        ("f32[N, 4, H]", "max_pool(2) -> bn", "It has an answer where H // 2 >= 1, and trains where (H // 2)*N >= 2."),
        ("f32[N, 4]", "group_norm(4) -> bn", "It has an answer where N >= 2."),
        ("f32[N, 4, H, W]", "max_pool(2)", "It has an answer where H // 2 >= 1 and W // 2 >= 1."),
        ("f32[N, 4, H]", "conv(4, 5, padding = 0)", "It has an answer where H >= 5."),
        ("f32[N, 4, 2*H]", "conv(4, 5, padding = 0)", "It has an answer where H >= 3."),
        ("f32[N, T, 4]", "positions -> embedding(9, 4)", "It has an answer where T <= 9."),
        ("f32[N, 4]", "relu", ""),
        ("f32[N, 4, 2]", "bn", ""),
    ],
)
def test_the_head_of_the_source_says_which_sizes_it_needs(type: str, body: str, sentence: str) -> None:
    net = network(type, body)
    assert stated(net.program) == sentence
    head = ast.get_docstring(ast.parse(net.torch_source())) or ""
    assert head.partition("Written by archdsl from `m()`.")[2].strip() == sentence


def test_what_a_block_needs_stands_with_the_model() -> None:
    text = "model m { input x: f32[N, 4]\n unit\n output y }\nblock unit() { linear(3) -> bn }"
    head = ast.get_docstring(ast.parse(load(text).torch_source())) or ""
    assert head.endswith("It trains where N >= 2.")


def test_of_many_conditions_a_few_are_written_out() -> None:
    body = "\n".join(f"x{i} = x -> max_pool({i}) -> global_avg_pool" for i in range(2, 14))
    merged = ", ".join(f"x{i}" for i in range(2, 14))
    sentence = stated(network("f32[N, 3, H]", f"{body}\n[{merged}] -> add").program)
    assert sentence.endswith("H // 9 >= 1 and 4 more conditions hold.")


def test_a_network_knows_its_conditions() -> None:
    net = network("f32[N, 4, H]", "max_pool(2) -> bn")
    assert [(str(need.dim), need.least) for need in net.conditions()] == [("H // 2", 1)]
    assert [(str(need.dim), need.least) for need in net.conditions(training=True)] == [("H // 2", 1), ("(H // 2)*N", 2)]
    assert "two values per channel" in net.conditions(training=True)[1].reason


def test_a_size_with_which_it_cannot_train_is_warned_about() -> None:
    (warning,) = network("f32[1, 4]", "bn").warnings
    assert "one value per channel, which PyTorch refuses in training" in warning.message


def test_what_runs_in_training_alone_has_conditions_there() -> None:
    text = "model m {\n  input x: f32[N, 3, H]\n  y = relu\n  x -> max_pool(4) -> global_avg_pool\n"
    net = load(text + "  output aux(train)\n  output y\n}\n".replace("aux(train)", "aux(train) = id"))
    assert conditions(net.program) == ()
    assert [str(need.dim) for need in conditions(net.program, training=True)] == ["H // 4"]


def test_a_need_met_by_a_known_batch_is_none() -> None:
    assert texts("f32[2, 4]", "group_norm(4)") == []


@pytest.mark.parametrize("dim", [1, 3])
def test_verify_says_so_instead_of_letting_pytorch_fail(dim: int) -> None:
    program = network("f32[N, 3, H]", "max_pool(4) -> global_avg_pool").program
    with pytest.raises(ArchError) as caught:
        verify(program, dims={"H": dim})
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("E0833", f"the model has no answer for H = {dim}")
    assert "`max_pool`" in found.notes[0] and "H // 4 must be 1 or more, and is 0" in found.notes[0]
    assert verify(program, dims={"H": 4}).passed


def refused(call, *arguments) -> str:
    with pytest.raises(ArchError) as caught:
        call(*arguments)
    assert caught.value.diagnostics[0].code == "E0833"
    return caught.value.diagnostics[0].message


def test_every_way_to_run_a_session_looks_at_the_sizes_first() -> None:
    created = network(*POOLED).session()
    good, bad = (np.ones((1, 3, length), np.float32) for length in (2, 1))
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (good, bad)]

    def bind(array: np.ndarray) -> None:
        binding = created.io_binding()
        binding.bind_cpu_input("x", array)
        binding.bind_output("y")
        created.run_with_iobinding(binding)
        np.testing.assert_allclose(binding.copy_outputs_to_cpu()[0], 1.0)

    def bind_value(value: onnxruntime.OrtValue) -> None:
        binding = created.io_binding()
        binding.bind_ortvalue_input("x", value)
        binding.bind_output("y")
        created.run_with_iobinding(binding)

    foreign = onnxruntime.IOBinding(created)
    foreign.bind_cpu_input("x", bad)
    foreign.bind_output("y")
    with pytest.raises(ArchError) as caught:
        created.run_with_iobinding(foreign)
    assert [found.code for found in caught.value.diagnostics] == ["E0834"]
    assert isinstance(created, onnxruntime.InferenceSession)
    np.testing.assert_allclose(created.run(None, {"x": good})[0], 1.0)
    np.testing.assert_allclose(created.run(["y"], {"x": good.tolist()})[0], 1.0)
    np.testing.assert_allclose(created.run_with_ort_values(None, {"x": values[0]})[0].numpy(), 1.0)
    bind(good)
    bind_value(values[0])
    assert refused(created.run, None, {"x": bad}) == "the model has no answer for H = 1"
    refused(created.run, None, {"x": bad.tolist()})
    refused(created.run_async, None, {"x": bad}, lambda *_: None, None)
    refused(created.run_with_ort_values, None, {"x": values[1]})
    refused(bind, bad)
    refused(bind_value, values[1])


def test_a_batch_of_none_is_refused() -> None:
    created = network("f32[N, 3]", "relu").session()
    assert refused(created.run, None, {"x": np.ones((0, 3), np.float32)}) == "the model has no answer for N = 0"


def test_an_axis_is_what_its_expression_can_be() -> None:
    created = network("f32[N, 4*H]", "relu").session()
    created.run(None, {"x": np.ones((1, 8), np.float32)})
    assert refused(created.run, None, {"x": np.ones((1, 30), np.float32)}) == "the model has no answer for 4*H = 30"


def test_inputs_agree_on_a_symbol() -> None:
    inputs = "  input a: f32[N, T]\n  input b: f32[N, T]\n"
    created = load(f"model m {{\n{inputs}  y = a -> relu\n  z = b -> relu\n  output y\n  output z\n}}\n").session()
    shapes = {"a": np.ones((1, 5), np.float32), "b": np.ones((1, 6), np.float32)}
    assert refused(created.run, None, shapes) == "the model has no answer for T = 6"


def test_a_file_carries_its_conditions(tmp_path) -> None:
    model = network(*POOLED).onnx_model()
    write_onnx(model, tmp_path / "m.onnx")
    created = session(tmp_path / "m.onnx")
    refused(created.run, None, {"x": np.ones((1, 3, 1), np.float32)})


def _with_metadata(text: str | None):
    model = network(*POOLED).onnx_model()
    for entry in list(model.metadata_props):
        if entry.key == KEY:
            model.metadata_props.remove(entry)
    if text is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = KEY, text
    return model


def test_a_file_without_conditions_runs_as_it_is() -> None:
    created = session(_with_metadata(None))
    assert created.run(None, {"x": np.ones((1, 3, 1), np.float32)})[0].shape == (1, 3)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '[["H", "1", "r"]]', '[["H -", 1, "r"]]', '[["H**8**8**8", 1, "r"]]', "[" * 100_000, '[["H", 1]]',
     json.dumps([["H", 1, "r"]] * 20_000), " " * (1 << 21) + "[]"],
    ids=range(10),
)  # fmt: skip
def test_conditions_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ArchError) as caught:
        session(_with_metadata(text))
    assert caught.value.diagnostics[0].code == "E0830"


def test_a_dimension_is_solved_for_its_symbol() -> None:
    height = symbol("H")
    assert solve(4 * height - 1, 11) == ("H", 3)
    assert solve(4 * height, 30) == ("H", None)
    assert solve(floordiv(height, 2), 3) is None
    assert solve(height * height, 4) is None
    assert solve(height * symbol("W"), 4) is None


def test_a_dimension_that_cannot_be_solved_is_compared_once_its_symbols_are_known() -> None:
    height = symbol("H")
    declared = {"a": [height], "b": [height * height]}
    assert broken(declared, {"a": [3], "b": [9]}, ()) is None
    found = broken(declared, {"a": [3], "b": [8]}, ())
    assert found is not None
    assert found.reason == "axis 0 of `b` is 8 long, and H**2 is 9"


def test_a_network_may_begin_without_an_input() -> None:
    assert load("model m {\n  param([1, 3])\n  output y\n}\n").program.outputs[0].value.type.rank == 2


def test_a_table_of_positions_is_for_sequences_of_its_length_at_most() -> None:
    net = network("f32[N, T, 4]", "add { id | positions -> embedding(9, 4) }")
    created = session(net.onnx_model())
    assert created.run(None, {"x": np.zeros((1, 9, 4), np.float32)})[0].shape == (1, 9, 4)
    with pytest.raises(ArchError) as refused:
        created.run(None, {"x": np.zeros((1, 10, 4), np.float32)})
    (diagnostic,) = refused.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("E0833", "the model has no answer for T = 10")
    assert diagnostic.notes == ("`embedding`: it has vectors for 9 positions; T must be 9 or less, and is 10",)


@pytest.mark.parametrize(("dims", "type"), [({"T": 10}, "f32[N, T, 4]"), ({}, "f32[N, 10, 4]")])
def test_a_sequence_known_to_be_longer_than_its_table_is_an_error_of_the_spec(dims: dict[str, int], type: str) -> None:
    text = "block at(n) { shared table = embedding(n, 4); add { id | positions -> table } }\n"
    text += f"model m {{\n  input x: {type}\n  at(9)\n  output y\n}}\n"
    with pytest.raises(ArchError) as refused:
        load(text, dims=dims)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "E0408" and diagnostic.span is not None and diagnostic.span.text == "table"
    assert diagnostic.message == "`embedding`: it has vectors for 9 positions, and 10 are counted"
    assert [frame.text for frame in diagnostic.trace] == ["`at`"]
    assert load(text.replace("at(9)", "at(10)"), dims=dims).cost().params == 40
