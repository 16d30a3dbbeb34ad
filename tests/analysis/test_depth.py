"""Depth, as papers count it."""

import pytest

import archdsl
from archdsl.analysis.depth import depth


def depth_of(body: str) -> int:
    return depth(archdsl.load(f"model m {{\n input x: f32[N, 3, 8, 8]\n {body}\n output y\n}}").program)


@pytest.mark.parametrize(
    ("body", "layers"),
    [
        ("relu", 0),
        ("conv(3, 3) -> bn -> relu -> conv(3, 3)", 2),
        ("add { conv(3, 1) -> conv(3, 1) | conv(3, 1) | id }", 2),
        ("residual { conv(3, 3) -> conv(3, 3) | conv(3, 1) }", 2),
        ("repeat 1_000_000 { residual { conv(3, 1) -> conv(3, 1) } }", 2_000_000),
        ("conv(5, 1) -> global_avg_pool -> linear(10)", 2),
        ("scale -> prelu", 0),
        ("conv(3, 1)\n output aux(train) = conv(3, 1) -> conv(3, 1)", 1),
        ("[conv(3, 1), id] -> add -> conv(3, 1) as a\n x -> relu\n [a, id] -> add", 2),
        ("shared s = conv(3, 1)\n s -> s -> s", 3),
    ],
)
def test_depth_is_the_number_of_weight_layers_on_the_longest_path(body: str, layers: int) -> None:
    assert depth_of(body) == layers


def test_embeddings_are_no_layers_and_tied_weights_are() -> None:
    net = archdsl.load(
        "model m { input t: i64[N, T]; embedding(20, 8) as tokens -> linear(20, tie = tokens.weight, !bias); output y }"
    )
    assert depth(net.program) == 1
