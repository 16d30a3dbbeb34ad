"""What may come without a gradient: what PyTorch says of every value of the network when it trains."""

import pytest
import torch

from archdsl.analysis.gradients import without_gradient
from archdsl.api import load


def bare(body: str, blocks: str = "", type: str = "f32[N, 4, 3, 3]") -> dict[str, bool]:
    """By label of a step, in all functions, whether it may lack a gradient."""
    program = load(f"{blocks}\nmodel m {{\n  input x: {type}\n  {body}\n  output y\n}}\n").program
    found = without_gradient(program)
    labels = [pair for function in program.functions for pair in function.labels.items()]
    return {label: value in found for label, value in labels if label not in ("x", "y")}


def test_data_lacks_a_gradient_until_something_learned_comes_in() -> None:
    found = bare("relu as a -> conv(4, 1) as b -> relu as c\n  x -> add { id | c } as d")
    assert found == {"a": True, "b": False, "c": False, "d": False}


def test_what_hands_no_gradient_on_lacks_one() -> None:
    found = bare("conv(4, 1) as a -> detach as b -> relu as c\n  a -> step as d\n  constant(2) as e\n  [a, e] -> mul")
    assert found == {"a": False, "b": True, "c": True, "d": True, "e": True}


def test_a_function_is_known_by_all_its_calls() -> None:
    block = "block unit() { relu as inner }"
    assert bare("conv(4, 1) -> unit -> unit", block)["inner"] is False
    assert bare("unit -> conv(4, 1) -> unit", block)["inner"] is True


def test_the_result_of_a_function_is_known_where_it_is_called() -> None:
    block = "block plain() { relu -> tanh }\nblock learned() { relu -> conv(4, 1) }"
    assert bare("plain as a -> learned as b -> plain as c", block) == {"a": True, "b": False, "c": True}


def test_of_a_repeat_the_first_round_may_be_of_data() -> None:
    found = bare("repeat 3 { relu as first -> conv(4, 1) as second }")
    assert found["first"] is True and found["second"] is False


def test_what_a_repeat_hands_on_from_round_to_round_is_known_in_all() -> None:
    """One of two is data until the rounds exchange them; then neither may be counted on."""
    loop = "repeat 4 { a, b = id\n [b -> relu as one, a -> tanh as other] }"
    found = bare(f"conv(4, 1) as learned\n  [learned, x]\n  {loop}\n  add as sum")
    assert found == {"learned": False, "a": True, "b": True, "one": True, "other": True, "sum": True}


@pytest.mark.parametrize(
    "body", ["relu", "permute([0, 1, 3, 2]) -> tanh", "linear(3) -> softmax(1)", "conv(4, 3) -> step"]
)
def test_it_is_what_pytorch_says_of_the_output(body: str) -> None:
    net = load(f"model m {{\n  input x: f32[N, 4, 3, 3]\n  {body}\n  output y\n}}\n")
    result = net.torch().train()(torch.randn(2, 4, 3, 3))
    assert (net.program.outputs[0].value in without_gradient(net.program)) is not result.requires_grad
