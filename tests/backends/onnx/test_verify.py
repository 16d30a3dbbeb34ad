"""The two backends against double precision."""

import numpy as np
import pytest

import archdsl
from archdsl import verify as module
from archdsl.diagnostics.model import ArchError
from archdsl.verify import _computed, relative_error, verify

pytest.importorskip("torch")


@pytest.mark.parametrize("functions", [False, True])
def test_both_backends_agree_with_double_precision(network: archdsl.Network, functions: bool):
    report = verify(network.program, seed=1, functions=functions, dims={"H": 40, "W": 33, "T": 6, "N": 2})
    assert report.passed and report.provider == "CPUExecutionProvider"
    assert [c.output for c in report.comparisons] == [o.name for o in network.program.outputs if not o.train]


@pytest.mark.parametrize("alpha", [0.5, 0.0, -0.1])
@pytest.mark.parametrize("beta", [0.75, 0.5])
def test_responses_are_normalised_alike_whatever_their_sign(load, alpha: float, beta: float):
    text = f"model m {{ input x: f32[N, 6, 5, 5]\n lrn(3, alpha = {alpha}, beta = {beta}, k = 2.0)\n output y }}"
    assert verify(load(text).program, seed=1, dims={"N": 2}).passed


def test_a_difference_in_one_backend_is_found_and_told_apart(load, monkeypatch: pytest.MonkeyPatch):
    original = module.onnx_model

    def perturbed(program, weights, **options):
        changed = {path: array * np.float32(1.001) for path, array in weights.items()}
        return original(program, changed, **options)

    monkeypatch.setattr(module, "onnx_model", perturbed)
    report = verify(load("tied").program)
    assert not report.passed
    assert all(c.torch_error < 1e-5 < c.onnx_error for c in report.comparisons)


def test_errors_are_relative_to_the_largest_reference():
    reference = np.array([0.0, -200.0])
    assert relative_error(np, np.array([0.02, -200.0]), reference) == pytest.approx(1e-4)
    assert relative_error(np, np.array([0.5]), np.array([0.0])) == 0.5
    assert relative_error(np, np.zeros(3), reference) == float("inf")
    assert not relative_error(np, np.array([np.nan, 0.0]), reference) <= 1


def test_a_missing_torch_is_a_diagnostic(load, monkeypatch: pytest.MonkeyPatch):
    import sys

    program = load("tied").program
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ArchError, match="archdsl\\[torch\\]") as error:
        verify(program)
    assert error.value.diagnostics[0].code == "E0801"


@pytest.mark.parametrize("step", ["max_pool(2, stride = 1)", "avg_pool(2, stride = 1)", "conv(4, 3, padding = 0)"])
@pytest.mark.parametrize("side", ["6", "W"])
def test_zeros_padded_on_take_part_in_the_window_that_follows(load, step: str, side: str):
    # onnxruntime can make a pad part of the operator after it, where a maximum would not see the zeros.
    network = load(f"model m {{\n input x: f32[N, 4, 6, {side}]\n pad(1, axis = [2, 3]) -> {step}\n output y\n}}")
    for functions in (False, True):
        assert verify(network.program, functions=functions).passed


@pytest.mark.parametrize(
    "body",
    [
        'input t: u8[N, 3, 8, 8]\n cast("f32") -> conv(4, 3)',
        'input x: f32[N, 3, 8, 8]\n cast("i64") -> cast("f32") -> conv(4, 3)',
        "input x: f32[N, 2]\n stack(0) { constant(1) | constant(0.1) } -> unsqueeze(0) -> linear(4)",
    ],
)
def test_what_a_model_makes_in_single_precision_is_double_in_the_reference(load, body: str):
    assert verify(load(f"model m {{\n {body}\n output y\n}}").program).passed


def test_an_index_past_the_end_that_the_network_computes_is_told() -> None:
    net = archdsl.load("""model m {
      input x: f32[N, 4]
      draw_column(2) -> unsqueeze(0) -> embedding(2, 2)
      output y
    }""")
    with pytest.raises(archdsl.ArchError, match="PyTorch failed while running the network") as error:
        net.verify()
    assert [found.code for found in error.value.diagnostics] == ["E0832"]


def test_what_else_pytorch_refuses_of_generated_code_is_no_diagnostic() -> None:
    def refuses(*_: object) -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        _computed(refuses, [])
