"""Seeded weights: PyTorch's rules, one stream per path."""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.weights import initial

SMALL = """
model small {
  input ids: i64[N, T]
  embedding(50, 8)
  EXTRA
  linear(6) as head -> layer_norm
  output y
}
"""


def load(text: str):
    return archdsl.load(text).program


def test_a_path_and_a_seed_give_the_same_values_always():
    once = initial(load(SMALL.replace("EXTRA", "")), 3)
    digest = hashlib.sha256(b"".join(once[path].tobytes() for path in sorted(once))).hexdigest()
    # A change of this value changes every model anyone has made from a seed.
    assert digest == "df3409b4f1d5da835e91f3e07b0e90cec30e1704e14f28ba769292cd17df1a15"


def test_adding_a_layer_never_changes_the_others():
    before = initial(load(SMALL.replace("EXTRA", "")), 3)
    after = initial(load(SMALL.replace("EXTRA", "linear(8) as extra")), 3)
    assert set(after) - set(before) == {"extra.weight", "extra.bias"}
    for path, values in before.items():
        assert np.array_equal(after[path], values), path


def test_another_seed_gives_other_values():
    program = load(SMALL.replace("EXTRA", ""))
    assert not np.array_equal(initial(program, 1)["head.weight"], initial(program, 2)["head.weight"])


def test_two_weights_of_one_shape_differ():
    values = initial(load("model m { input x: f32[N, 9]\n linear(9) -> linear(9)\n output y }"), 0)
    assert not np.array_equal(values["linear.0.weight"], values["linear.1.weight"])


def test_linear_weights_are_uniform_between_pytorchs_bounds():
    values = initial(load("model m { input x: f32[N, 100]\n linear(1000)\n output y }"), 0)
    bound = 1 / np.sqrt(100)
    weight = values["linear.weight"]
    assert weight.dtype == np.float32 and weight.shape == (1000, 100)
    assert -bound <= weight.min() < -0.999 * bound and 0.999 * bound < weight.max() <= bound
    assert abs(weight.mean()) < 0.01 * bound and abs(weight.std() - bound / np.sqrt(3)) < 0.01 * bound
    assert np.abs(values["linear.bias"]).max() <= bound


def test_embeddings_are_standard_normal():
    weight = initial(load("model m { input x: i64[N]\n embedding(1000, 100)\n output y }"), 0)["embedding.weight"]
    assert abs(weight.mean()) < 0.02 and abs(weight.std() - 1) < 0.02
    assert 3 < np.abs(weight).max() < 7


def test_batch_norm_starts_as_the_identity_with_a_whole_step_counter():
    values = initial(load("model m { input x: f32[N, 5]\n bn as norm\n output y }"), 0)
    assert {path: (array[()].tolist(), str(array.dtype)) for path, array in values.items()} == {
        "norm.weight": ([1.0] * 5, "float32"),
        "norm.bias": ([0.0] * 5, "float32"),
        "norm.running_mean": ([0.0] * 5, "float32"),
        "norm.running_var": ([1.0] * 5, "float32"),
        "norm.num_batches_tracked": (0, "int64"),
    }


def test_weights_beyond_the_memory_of_the_machine_are_refused_before_they_are_made():
    program = load("model m { input x: f32[N, 1_000_000_000]\n linear(1_000_000_000)\n output y }")
    with pytest.raises(ArchError) as error:
        initial(program, 0)
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "E0814" and "linear.weight" in diagnostic.notes[0]


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.0, "1", None, True])
def test_a_seed_is_the_same_kind_of_number_everywhere(seed: object):
    from archdsl.feeds import make_feeds
    from archdsl.verify import verify

    network = archdsl.load("model m { input x: f32[N, 4]\n linear(4)\n output y }")
    calls: list[Callable[[], object]] = [
        lambda: network.weights(seed),
        lambda: network.onnx_model(seed=seed),
        lambda: verify(network.program, seed),
        lambda: verify(network.program, seed, weights=network.weights(1)),
        lambda: make_feeds([], {}, dims={}, seed=seed, bounds={}),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="a seed is a whole number from 0"):
            call()
