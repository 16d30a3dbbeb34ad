"""The model that is written: valid, named by paths, exact in its symbols, equal in all its forms."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.ir.flatten import weights
from archdsl.limits import Limits
from archdsl.runtime import feeds, index_bounds, run, session

SIZES = {"H": 37, "W": 29, "T": 5, "N": 2}


def results(network: archdsl.Network, **options: object) -> dict[str, np.ndarray]:
    created = session(network.onnx_model(**options))
    return run(created, feeds(created, dims=SIZES, bounds=index_bounds(network.program)))


def shape_of(info: onnx.ValueInfoProto) -> list[int | str]:
    return [dim.dim_param or dim.dim_value for dim in info.type.tensor_type.shape.dim]


@pytest.mark.parametrize("functions", [False, True])
@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_every_model_passes_the_checker_with_full_inference(network: archdsl.Network, functions: bool, dtype: str):
    model = network.onnx_model(functions=functions, dtype=dtype)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


@pytest.mark.parametrize("opset", [18, 19, 21, 22])
def test_every_supported_opset_gives_the_same_numbers(network: archdsl.Network, opset: int):
    model = network.onnx_model(opset=opset)
    onnx.checker.check_model(model, full_check=True)
    assert next(entry.version for entry in model.opset_import if entry.domain == "") == opset
    default = results(network)
    for name, values in results(network, opset=opset).items():
        assert np.allclose(values, default[name], rtol=1e-5, atol=1e-5)


def test_functions_compute_what_the_inlined_model_computes(network: archdsl.Network):
    inlined, local = results(network), results(network, functions=True)
    assert list(inlined) == list(local)
    for name, values in inlined.items():
        assert np.allclose(values, local[name], rtol=1e-5, atol=1e-6)


def test_half_precision_computes_nearly_the_same(network: archdsl.Network):
    half = results(network, dtype="f16")
    for name, values in results(network).items():
        assert half[name].dtype == np.float16
        assert np.abs(half[name] - values).max() <= 2e-2 * np.abs(values).max()


def test_initializers_are_the_weights_by_path(network: archdsl.Network):
    model = network.onnx_model()
    given = network.weights()
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer if t.name in given}
    trained_only = {"linear.1.weight", "linear.1.bias"} if network.name == "cnn" else set()
    counters = {path for path, weight in weights(network.program, Limits()) if weight.role == "counter"}
    assert set(stored) == set(given) - trained_only - counters
    assert all(np.array_equal(values, given[path]) for path, values in stored.items())


def test_values_and_outputs_carry_exact_symbolic_dimensions(load):
    model = load("cnn").onnx_model()
    known = {info.name: shape_of(info) for info in model.graph.value_info}
    assert shape_of(model.graph.input[0]) == ["N", 3, "H", "W"]
    assert shape_of(model.graph.output[0]) == ["N", 10]
    assert known["stage.2.relu.1"] == ["N", 8, "(H + 3) // 4", "(W + 3) // 4"]


def test_nodes_are_named_by_path(load):
    names = [node.name for node in load("cnn").onnx_model().graph.node]
    assert "stage.1.conv.0" in names and "stage.1.add" in names
    assert len(set(names)) == len(names)


def test_every_value_in_the_graph_has_one_producer(network: archdsl.Network):
    graph = network.onnx_model().graph
    made = [name for node in graph.node for name in node.output] + [t.name for t in graph.initializer]
    made += [info.name for info in graph.input]
    assert len(set(made)) == len(made)


def test_train_outputs_and_dropout_leave_nothing_behind(load):
    model = load("cnn").onnx_model()
    assert [output.name for output in model.graph.output] == ["logits"]
    assert {node.op_type for node in model.graph.node}.isdisjoint({"Dropout", "Identity"})


def test_an_input_that_is_an_output_and_a_value_that_leaves_twice_are_copied(load):
    text = "model m { input x: f32[N, 2]\n output a\n relu\n output b\n output c }"
    model = load(text).onnx_model()
    onnx.checker.check_model(model, full_check=True)
    created = session(model)
    values = np.array([[-1.0, 2.0]], np.float32)
    found = run(created, {"x": values})
    assert found["a"].tolist() == [[-1, 2]] and found["b"].tolist() == found["c"].tolist() == [[0, 2]]


def test_a_concat_inside_a_concat_becomes_one_unless_it_is_used_elsewhere(load):
    concats = [node for node in load("dense").onnx_model().graph.node if node.op_type == "Concat"]
    # The dense layers read each intermediate concat; the last two levels are read only by one another.
    assert [len(node.input) for node in concats] == [2, 2, 2, 4]


def test_the_digest_of_the_spec_covers_the_files_that_it_imports(tmp_path):
    main, blocks = tmp_path / "main.arch", tmp_path / "blocks.arch"
    main.write_text('use "blocks.arch" (width)\nmodel m { input x: f32[N, 3]; linear(width); output y }\n')

    def digest(text: str) -> str:
        blocks.write_text(text)
        facts = {entry.key: entry.value for entry in archdsl.load(main).onnx_model().metadata_props}
        assert facts["archdsl.spec_sha256"] == hashlib.sha256(main.read_bytes() + blocks.read_bytes()).hexdigest()
        return facts["archdsl.spec_sha256"]

    assert digest("let width = 4\n") != digest("let width = 5\n")


def test_metadata_states_the_origin_and_the_exact_counts(load):
    network = load("cnn", classes=7)
    model = network.onnx_model()
    facts = {entry.key: entry.value for entry in model.metadata_props}
    text = network.program.entry.span.source.text
    assert facts["archdsl.model"] == "cnn"
    assert json.loads(facts["archdsl.parameters"]) == {"classes": 7}
    assert facts["archdsl.spec_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert facts["archdsl.params"] == str(network.cost().params)
    assert facts["archdsl.macs"] == str(network.cost().macs)
    assert (facts["archdsl.version"], model.producer_version) == (archdsl.__version__,) * 2


def test_each_specialised_block_is_one_function_and_repeats_are_calls(load):
    model = load("cnn").onnx_model(functions=True)
    assert sorted(function.name for function in model.functions) == ["unit", "unit_2"]
    calls = [node.op_type for node in model.graph.node if node.domain == "archdsl"]
    assert calls == ["unit", "unit", "unit", "unit_2"]
    assert model.functions[0].doc_string == "A residual network of any image size."


def test_a_dimension_that_no_input_gives_is_refused_where_it_is_needed(load):
    text = """model m { input x: f32[N, H*W, 4]
      reshape([N, H, W, 4])
      output y }"""
    with pytest.raises(ArchError) as error:
        load(text).onnx_model()
    assert [d.code for d in error.value.diagnostics] == ["E0822"]


@pytest.mark.parametrize(("functions", "place"), [(False, "reshape"), (True, "fold")])
def test_a_dimension_that_no_input_gives_is_shown_where_the_model_needs_it(load, functions: bool, place: str):
    """With functions the caller has to pass it, so the call is shown."""
    text = """block fold(h, w) [N, L, c] { reshape([N, h, w, c]) -> relu }
    model m { input x: f32[N, H*W, 4]
      relu -> fold(H, W)
      output y }"""
    with pytest.raises(ArchError) as error:
        load(text).onnx_model(functions=functions)
    (found,) = error.value.diagnostics
    assert found.span is not None and found.span.text == place


@pytest.mark.parametrize("functions", [False, True])
def test_dimensions_are_solved_from_the_inputs_shapes(load, functions: bool):
    text = """
    block fold() [N, L, c] { reshape([N, L // 3, 3*c]) -> relu }
    model m { input x: f32[N, 3*H, 4]
      fold
      output y }"""
    network = load(text)
    created = session(network.onnx_model(functions=functions))
    assert run(created, {"x": np.ones((2, 15, 4), np.float32)})["y"].shape == (2, 5, 12)


@pytest.mark.parametrize("opset", [17, 99, -1])
def test_other_opsets_are_refused(load, opset: int):
    with pytest.raises(ArchError, match=str(opset)) as error:
        load("tied").onnx_model(opset=opset)
    assert error.value.diagnostics[0].code == "E0820"


def test_other_dtypes_are_refused(load):
    with pytest.raises(ArchError, match="f8") as error:
        load("tied").onnx_model(dtype="f8")
    assert error.value.diagnostics[0].code == "E0821"


def test_weights_that_do_not_fit_are_refused(load):
    network = load("tied")
    given = network.weights()
    given["encoder.bias"] = np.zeros(9, np.float32)
    with pytest.raises(ArchError, match=r"encoder\.bias: expected \[8\], found \[9\]"):
        network.onnx_model(given)


def test_weights_beyond_half_precision_become_its_largest_number(load):
    network = load("tied")
    given = network.weights()
    given["encoder.bias"][:3] = [1e6, -1e6, np.inf]
    model = network.onnx_model(given, dtype="f16")
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}["encoder.bias"]
    assert stored[:3].tolist() == [65504, -65504, np.inf]


SCRIPT = """
import hashlib, sys, archdsl
from archdsl.backends.onnx.export import export_onnx
digest = hashlib.sha256()
for text in sys.stdin.read().split("=====")[:-1]:
    network = archdsl.load(text)
    for functions in (False, True):
        digest.update(network.onnx_model(functions=functions).SerializeToString(deterministic=True))
        export_onnx(network.program, network.weights(), sys.argv[1], functions=functions)
        digest.update(open(sys.argv[1], "rb").read())
print(digest.hexdigest(), "torch" in sys.modules)
"""


def test_bytes_do_not_depend_on_hashing_and_torch_is_never_imported(tmp_path, specs):
    texts = "=====".join([*specs.values(), ""])
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "m.onnx")],
            input=texts,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(found) == 1 and found.pop().endswith(" False\n")


def test_a_length_is_solved_only_from_an_axis_of_that_symbol_alone() -> None:
    text = """model m {
  input x: f32[N, H + W, 4]
  input y: f32[N, 2*H, W]
  output z = x -> reshape([N, H + W, 2, 2]) -> relu
  output u = y -> reshape([N, H, 2, W]) -> relu
}"""
    network = archdsl.load(text)
    found = results(network)
    h, w = SIZES["H"], SIZES["W"]
    assert found["z"].shape == (2, h + w, 2, 2)
    assert found["u"].shape == (2, h, 2, w)
