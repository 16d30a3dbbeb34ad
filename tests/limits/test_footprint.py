"""What a run takes, in figures that anybody can work out by hand."""

import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.footprint import COPIES, check_values, footprint
from archdsl.limits import Limits


def load(body: str, input: str) -> archdsl.Network:
    return archdsl.load(f"model m {{\n  input x: {input}\n  {body}\n  output y\n}}\n")


def test_a_convolution_takes_its_weights_its_values_and_a_matrix() -> None:
    net = load("conv(4, 3)", "f32[N, 3, H, H]")
    found = footprint(net.program, {"x": (2, 3, 8, 8)}, "both")
    assert found.weights == 4 * (4 * 3 * 9 + 4)
    assert found.values == 4 * (2 * 3 * 64 + 2 * 4 * 64)
    assert found.inside == 4 * (3 * 9) * (2 * 64), "a column for each position of both samples"
    assert found.flops == 2 * (2 * 4 * 64) * 27 + 2 * 4 * 64
    assert found.bytes == COPIES["both"] * found.weights + 2 * (found.values + found.inside)
    alone = footprint(net.program, {"x": (2, 3, 8, 8)}, "onnxruntime")
    assert alone.bytes == COPIES["onnxruntime"] * found.weights + found.values + found.inside


def test_a_transposed_convolution_takes_a_matrix_over_its_input() -> None:
    net = load("conv_transpose(5, 3)", "f32[N, 2, 4, 6]")
    assert footprint(net.program, {"x": (1, 2, 4, 6)}, "both").inside == 4 * (5 * 9) * (4 * 6)


def test_attention_takes_its_scores_twice() -> None:
    net = load("self_attention(2)", "f32[N, T, 8]")
    assert footprint(net.program, {"x": (3, 10, 8)}, "both").inside == 2 * 4 * (3 * 2 * 10 * 10)


def test_a_size_that_no_axis_decides_alone_is_taken_to_be_its_whole_axis() -> None:
    net = load("relu", "f32[N, A + B]")
    assert footprint(net.program, {"x": (1, 10)}, "onnxruntime").values == 4 * (20 + 20)


def test_arithmetic_beyond_the_limit_is_refused_and_the_limit_that_allows_it_is_named() -> None:
    net = load("conv(1000, 1, !bias)", "f32[N, 1000, H, H]")
    shapes = {"x": (1, 1000, 1000, 1000)}  # 2 * 10**12 operations
    with pytest.raises(ArchError) as caught:
        check_values(net.program, shapes, "onnxruntime", Limits())
    assert [found.code for found in caught.value.diagnostics] == ["E0916"]
    assert "--limit run_gflops=2001" in caught.value.diagnostics[0].help
    check_values(net.program, shapes, "onnxruntime", Limits(run_gflops=2001))
