"""Flattening: full paths, fresh values, an exact budget."""

from itertools import pairwise

import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.ir.flatten import flatten, function_weights, weights
from archdsl.limits import Limits

LIMITS = Limits()


def program(text: str, **parameters: object):
    return archdsl.load(text, **parameters).program


def paths(text: str) -> list[str]:
    return [path for path, _ in weights(program(text), LIMITS)]


def test_a_repeat_numbers_its_instances_like_a_loop_written_out():
    loop = "model m { input x: f32[N, 4]\n for i in 0..3 { linear(4) -> relu }\n output y }"
    assert paths(loop.replace("for i in 0..3", "repeat 3")) == paths(loop)
    assert paths(loop)[::2] == ["linear.0.weight", "linear.1.weight", "linear.2.weight"]


def test_nested_repeats_and_blocks_give_full_paths():
    text = """
    block unit(c) { linear(c) -> relu -> linear(c) }
    model m { input x: f32[N, 4]
      repeat 2 { repeat 2 { unit(4) as u }; linear(4, !bias) as last }
      output y }
    """
    owners = {path.rpartition(".")[0] for path in paths(text)}
    assert owners == {f"u.{i}.linear.{j}" for i in range(4) for j in range(2)} | {"last.0", "last.1"}


def test_every_application_has_values_of_its_own():
    text = "block u() { relu -> relu }\nmodel m { input x: f32[N, 4]\n repeat 3 { u }\n u\n output y }"
    flat = flatten(program(text), LIMITS)
    operators = list(flat)
    produced = [value for operator in operators for value in operator.outputs]
    assert len(set(produced)) == len(produced) == 8
    for before, after in pairwise(operators):
        assert after.inputs == before.outputs
    assert flat.outputs == operators[-1].outputs


def test_a_shared_instance_owns_its_weights_once():
    text = "model m { input x: f32[N, 4]\n shared e = linear(4)\n x -> e -> relu -> e -> e\n output y }"
    flat = [operator for operator in flatten(program(text), LIMITS) if operator.op.name == "linear"]
    assert len(flat) == 3
    assert {operator.owner_path for operator in flat} == {flat[0].path}
    assert [path for path, _ in weights(program(text), LIMITS)] == [
        f"{flat[0].path}.weight",
        f"{flat[0].path}.bias",
    ]


def test_a_tied_weight_is_borrowed_by_its_full_path():
    text = """
    block tied(d) { linear(d, !bias) as a -> relu -> linear(d, !bias, tie = a.weight) }
    model m { input x: f32[N, 4]\n repeat 2 { tied(4) as t }\n output y }
    """
    borrowed = [operator.borrowed for operator in flatten(program(text), LIMITS) if operator.borrowed]
    assert borrowed == [("t.0.a.weight",), ("t.1.a.weight",)]


def test_train_only_operators_are_left_out_on_request():
    text = "model m { input x: f32[N, 4]\n relu\n output y\n output a(train) = linear(2) }"
    parsed = program(text)
    assert [operator.path for operator in flatten(parsed, LIMITS, training=False)] == ["relu"]
    assert [operator.path for operator in flatten(parsed, LIMITS)] == ["relu", "linear"]


@pytest.mark.parametrize("body", ["relu", "id", "u"])
def test_a_program_that_is_too_long_is_refused_before_the_first_node(body: str):
    loops = f"repeat 1000 {{ repeat 1_000_000 {{ {body} }} }}"
    text = f"block u() {{ id }}\nmodel m {{ input x: f32[N, 4]\n {loops}\n output y }}"
    with pytest.raises(ArchError) as error:
        flatten(program(text), LIMITS)
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "E0910" and error.value.is_limit
    assert diagnostic.span is not None and diagnostic.span.text.startswith("repeat 1_000_000")


def test_the_budget_is_the_exact_number_of_nodes():
    text = "block u() { relu -> relu }\nmodel m { input x: f32[N, 4]\n repeat 3 { u }\n output y }"
    parsed = program(text)
    # Three iterations, three calls, six operators.
    assert len(list(flatten(parsed, Limits(nodes=12)))) == 6
    with pytest.raises(ArchError, match="12 nodes"):
        flatten(parsed, Limits(nodes=11))


def test_functions_with_the_same_weights_have_the_same_fingerprint():
    def fingerprint(body: str, size: str = "8, 8", rest: str = "") -> str:
        text = f"block b() {{ {body} }}\n{rest}\nmodel m {{ input x: f32[N, 4, {size}]\n b\n output y }}"
        parsed = program(text)
        called = next(function for function in parsed.functions if function.block == "b")
        return function_weights(called)

    twice = "conv(4, 3) -> relu -> conv(4, 3)"
    assert fingerprint(twice) == fingerprint(twice, "6, 6") == fingerprint(f"relu -> {twice}") != ""
    assert fingerprint(twice) != fingerprint("conv(4, 3) -> conv(4, 1)")
    assert fingerprint("u", rest="block u() { conv(4, 3) }") != fingerprint("conv(4, 3)")
    assert fingerprint("relu -> u", rest="block u() { relu }") == ""
