"""Rewrites of a finished graph: applied where they hold, left alone where they would not."""

import pytest

import archdsl
from archdsl.verify import verify


def nodes(text: str, **options: object) -> list[str]:
    """The types of the nodes of `model m { input x: f32[N, 4, H, 12] ... }`, in order."""
    model = archdsl.load(f"model m {{ input x: f32[N, 4, H, 12]\n {text}\n output y }}").onnx_model(**options)
    return [node.op_type for node in model.graph.node]


def exact(text: str) -> bool:
    pytest.importorskip("torch")
    program = archdsl.load(f"model m {{ input x: f32[N, 4, H, 12]\n {text}\n output y }}").program
    return verify(program, dims={"H": 9, "N": 2}).passed and verify(program, functions=True, dims={"H": 9}).passed


POOLED_FIRST = [
    "relu -> conv(8, 1) -> avg_pool(2)",
    "relu -> conv(8, 1, !bias) -> dropout(0.5) -> avg_pool(3, stride = 2, padding = 1)",
    "relu -> conv(8, 1, !bias, groups = 4) -> avg_pool([1, 3], stride = [1, 2], padding = [0, 1])",
]


@pytest.mark.parametrize("text", POOLED_FIRST)
def test_a_pool_that_strides_comes_before_a_pointwise_convolution(text: str):
    assert nodes(text) == ["Relu", "AveragePool", "Conv"]
    assert exact(text)


@pytest.mark.parametrize(
    "text",
    [
        "conv(8, 3) -> avg_pool(2)",
        "conv(8, 1, stride = 2) -> avg_pool(2)",
        "conv(8, 1, padding = 1, !bias) -> avg_pool(2)",
        "conv(8, 1) -> avg_pool(3, stride = 1)",
        "conv(8, 1) -> avg_pool(3, stride = 2, padding = 1)",
    ],
)
def test_a_pool_stays_where_it_would_change_the_result_or_save_nothing(text: str):
    assert nodes(text) == ["Conv", "AveragePool"]
    assert exact(text)


def test_a_convolution_that_is_read_elsewhere_stays_before_its_pool():
    text = "c = conv(8, 1)\n [c -> avg_pool(2) -> global_avg_pool, c -> global_avg_pool] -> add"
    assert nodes(text)[:2] == ["Conv", "AveragePool"]


def test_the_value_between_exchanged_nodes_has_its_own_type():
    text = "model m { input x: f32[N, 4, H, 12]\n relu -> conv(8, 1) as c -> avg_pool(2) as p\n output y }"
    graph = archdsl.load(text).onnx_model().graph
    types = {
        info.name: [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim] for info in graph.value_info
    }
    assert types["p"] == ["N", 4, "H // 2", 6]
    assert [(node.name, list(node.output)) for node in graph.node[1:]] == [("p", ["p"]), ("c", ["y"])]


def test_zero_channels_are_added_before_pixels_are_dropped():
    text = "relu -> avg_pool(1, stride = 2) -> pad([0, 4])"
    assert nodes(text) == ["Relu", "Pad", "AveragePool"]
    assert exact(text)


@pytest.mark.parametrize(
    "text", ["avg_pool(2) -> pad([0, 4])", "avg_pool(1, stride = 2) -> pad(1, axis = [2, 3])", "max_pool(1) -> pad(1)"]
)
def test_other_padding_stays_behind_the_pool(text: str):
    assert nodes(text)[-1] == "Pad"
    assert exact(text)
