"""What onnxruntime makes of our files beyond running them: kernels for every dtype, names that are told apart, its own
tools."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from archdsl.api import load
from archdsl.backends.onnx.export import write_onnx
from archdsl.diagnostics.model import ArchError
from archdsl.ops import catalogue
from archdsl.types.tensor import DTYPE_BYTES
from archdsl.verify import verify

SPECS = Path(__file__).parents[3] / "specs"


def model(inputs: str, body: str, outputs: str = "  output y\n") -> str:
    return f"model m {{\n{inputs}  {body}\n{outputs}}}\n"


# ---------------------------------------------------------------------------------------------------------- dtypes


def operators() -> list[type]:
    return list(dict.fromkeys(operator for name in catalogue.names() if (operator := catalogue.lookup(name))))


@pytest.mark.parametrize("operator", operators(), ids=lambda operator: operator.name)
@pytest.mark.parametrize("dtype", DTYPE_BYTES)
def test_what_an_operator_takes_onnxruntime_has_a_kernel_for(operator: type, dtype: str) -> None:
    for example in operator.examples:
        names = [f"x{i}" for i in range(len(example.inputs))]
        if not names or any(f" {name}" in example.call for name in names) or "states" in example.call:
            continue
        types = [f"{dtype}[{text.partition('[')[2]}" for text in example.inputs]
        inputs = "".join(f"  input {name}: {type}\n" for name, type in zip(names, types, strict=True))
        flow = f"[{', '.join(names)}] -> {example.call}" if len(names) > 1 else f"{names[0]} -> {example.call}"
        if operator.name == "split":
            flow += " -> concat"
        try:
            network = load(model(inputs, flow))
        except ArchError:
            continue
        for opset in (18, 20, 22):
            network.session(opset=opset)


@pytest.mark.parametrize("merge", ["add", "sub", "mul", "div", "max", "min"])
def test_bf16_is_computed_as_pytorch_computes_it(merge: str) -> None:
    body = f'bf16 = {{ id }} -> cast("bf16")\n  [bf16, b -> cast("bf16"), bf16] -> {merge} -> cast("f32")'
    try:
        network = load(model("  input b: f32[64]\n  input a: f32[64]\n", body))
    except ArchError:
        assert merge == "div"  # which is for f32 alone
        return
    arrays = [np.random.default_rng(seed).standard_normal(64).astype(np.float32) for seed in (1, 2)]
    (found,) = network.session().run(None, {"b": arrays[0], "a": arrays[1]})
    expected = network.torch()(*map(torch.from_numpy, arrays))
    np.testing.assert_array_equal(found, expected.numpy())


def test_bf16_is_stretched() -> None:
    network = load(model("  input x: f32[1, 3]\n", 'cast("bf16") -> repeat_dim(4) -> cast("f32")'))
    assert network.session().run(None, {"x": np.ones((1, 3), np.float32)})[0].shape == (4, 3)


# ----------------------------------------------------------------------------------------------------------- names

NAMES = [
    ("an output like the input", "  input x: f32[N, 3]\n", "relu", "  output x = relu\n", ["x"], ["x_2"]),
    ("the input as an output", "  input x: f32[N, 3]\n", "y = relu", "  output x\n  output y\n", ["x"], ["x_2", "y"]),
    (
        "an output like a parameter",
        "  input x: f32[3]\n",
        "add { id | param([3]) as gain }",
        "  output gain = relu\n",
        ["x"],
        ["gain_2"],
    ),
    (
        "a parameter as an output",
        "  input x: f32[3]\n",
        "add { id | param([3]) as gain } as y",
        "  output gain\n  output y\n",
        ["x"],
        ["gain_2", "y"],
    ),
    (
        "an input like a parameter",
        "  input gain: f32[3]\n",
        "add { id | param([3]) as gain }",
        "  output gain = relu\n",
        ["gain"],
        ["gain_3"],
    ),
    ("an output like a node", "  input x: f32[N, 3]\n", "relu -> tanh", "  output relu\n", ["x"], ["relu"]),
    ("an output like a constant", "  input x: f32[3]\n", "softplus(2.0)", "  output constant\n", ["x"], ["constant"]),
    ("an output like a weight's layer", "  input x: f32[N, 3]\n", "linear(3)", "  output linear\n", ["x"], ["linear"]),
    (
        "numbered names",
        "  input x: f32[N, 3]\n  input x_2: f32[N, 3]\n",
        "y = x -> relu",
        "  output x\n  output x_3 = x_2 -> relu\n",
        ["x", "x_2"],
        ["x_3", "x_3_2"],
    ),
]


@pytest.mark.parametrize("functions", [False, True])
@pytest.mark.parametrize(
    ("claim", "inputs", "body", "outputs", "given", "expected"), NAMES, ids=[claim for claim, *_ in NAMES]
)
def test_every_value_of_a_file_has_a_name_of_its_own(
    claim: str, inputs: str, body: str, outputs: str, given: list[str], expected: list[str], functions: bool
) -> None:
    network = load(model(inputs, body, outputs))
    proto = network.onnx_model(functions=functions)
    onnx.checker.check_model(proto, full_check=True)
    assert [value.name for value in proto.graph.input] == given
    assert [value.name for value in proto.graph.output] == expected
    made = [name for node in proto.graph.node for name in node.output]
    names = [*given, *(tensor.name for tensor in proto.graph.initializer), *made]
    assert len(names) == len(set(names))
    assert verify(network.program, functions=functions).passed


# ----------------------------------------------------------------------------------------------------------- zeros


@pytest.mark.parametrize("pool", ["max_pool(2)", "max_pool(3, stride = 2, padding = 1)", "avg_pool(2)", "lp_pool(2, 2)",
    "avg_pool(3, stride = 2, padding = 1, !count_include_pad)", "avg_pool(3, stride = 2, padding = 1)",
    "max_pool(3, stride = 2, ceil_mode)", "avg_pool(3, stride = 2, ceil_mode)", "conv(2, 3)"])  # fmt: skip
@pytest.mark.parametrize("pad", ["pad(1, axis = [2, 3])", "pad([0, 2], axis = 3)", "pad(1, axis = [1, 2, 3])",
    "pad(1, axis = [2, 3], value = -0.0)", "pad(1, axis = [2, 3], value = -9.0)", "pad([0, 3])"])  # fmt: skip
def test_zeros_around_an_image_count_in_the_pool_that_follows(pad: str, pool: str) -> None:
    body = f"sub {{ relu | constant(5) }} -> {pad} -> {pool}"
    assert verify(load(model("  input x: f32[N, 2, 7, 8]\n", body)).program).passed


@pytest.mark.parametrize("spec", ["resnet_cifar.arch:resnet_cifar", "googlenet.arch:googlenet"])
def test_a_file_passes_the_preparation_for_quantisation(tmp_path: Path, spec: str) -> None:
    from onnxruntime.quantization.shape_inference import quant_pre_process

    write_onnx(load(str(SPECS / spec)).onnx_model(), tmp_path / "m.onnx")
    quant_pre_process(str(tmp_path / "m.onnx"), str(tmp_path / "prepared.onnx"))
    onnxruntime.InferenceSession(tmp_path / "prepared.onnx", providers=["CPUExecutionProvider"])
