"""Names that occur several times: which container they become, and what is refused."""

import re

import pytest
import torch

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.ir.flatten import weights
from archdsl.limits import Limits


def _model(body: str) -> str:
    return f"model m {{\n  input x: f32[N, 4, 8, 8]\n  {body}\n  output y\n}}\n"


@pytest.mark.parametrize(
    "body",
    [
        "repeat 3 { scale -> relu -> scale }",
        "scale -> relu -> scale",
        "repeat 5 { scale }",
        "repeat 2 { repeat 3 { scale -> relu }; scale }",
    ],
)
def test_weights_of_one_name_are_a_parameter_list_however_they_are_looped(body: str):
    net = archdsl.load(_model(body))
    module = net.torch()
    assert set(module.state_dict()) == {path for path, _ in weights(net.program, Limits())}
    x = torch.randn(2, 4, 8, 8)
    torch.testing.assert_close(module(x), torch.relu(x) if "relu" in body else x)


def test_weights_and_submodules_in_one_list_are_refused():
    with pytest.raises(ArchError) as caught:
        archdsl.load(_model("conv(4, 1) as part -> scale as part")).torch_source()
    assert [found.code for found in caught.value.diagnostics] == ["E0704"]


@pytest.mark.parametrize("label", ["__foo", "__init__", "__class__", "__dict__", "__debug__"])
def test_a_label_that_python_would_mangle_or_use_is_refused(label: str):
    with pytest.raises(ArchError) as caught:
        archdsl.load(_model(f'conv(4, 1) as "{label}"')).torch_source()
    assert [found.code for found in caught.value.diagnostics] == ["E0701"]


@pytest.mark.parametrize("loop", ["repeat {}", "for _{} in 0..{}"])
def test_weights_of_loops_start_as_their_operators_say(loop: str) -> None:
    def times(count: int, name: str) -> str:
        return loop.replace("_{}", name).replace("{}", str(count))

    text = f"""model m() {{ input x: f32[N, 4, 8, 8]
      conv(4, 1, bias_init = 9.0)
      {times(3, "a")} {{
        conv(4, 3, bias_init = 1.0) -> relu -> conv(4, 1, bias_init = 2.0)
        {times(2, "b")} {{ conv(4, 3) -> conv(4, 1, bias_init = 3.0) }}
        {times(2, "c")} {{ linear(8, bias_init = 4.0) as l }}
      }}
      output y }}"""
    module = archdsl.load(text).torch()
    biases = [float(layer.bias.detach().mean()) for layer in module.conv]
    assert [biases[k] for k in range(19) if k == 0 or (k - 1) % 6 not in (2, 4)] == [9.0, *([1.0, 2.0, 3.0, 3.0] * 3)]
    assert all(abs(biases[k]) < 1 for k in range(1, 19) if (k - 1) % 6 in (2, 4))
    assert {float(layer.bias.detach().mean()) for layer in module.l} == {4.0}


LOOPS = {
    "several kinds": "LOOP(10) { conv(4, 3)->bn->relu->conv(4, 1)->bn->tanh->conv(4, 3)->bn->sigmoid }",
    "one step": "LOOP(7) { conv(4, 3) }",
    "a loop among steps of a loop": "LOOP(3) { conv(4, 1); LOOP(4) { conv(4, 3) -> conv(4, 1) }; relu }",
    "few": "LOOP(2) { conv(4, 3) -> relu -> conv(4, 1) }",
    "after others": "conv(4, 5)\n LOOP(6) { conv(4, 3) -> relu -> conv(4, 1, bias_init = 2.0) }\n conv(4, 7)",
    "blocks": "LOOP(4) { unit(3) -> relu -> unit(1) }",
    "a first round of other types": "LOOP(5) { conv(8, 3) -> relu -> add { id | conv(8, 1) } }",
    "a first round of other types in a loop": "LOOP(3) { max_pool(2); LOOP(4) { conv(8, 3) -> relu }; conv(4, 1) }",
    "a first round of other types, read by all": "conv(4, 1) as c\n LOOP(4) { conv(8, 3) -> concat { id | c } }",
    "from a value that every round reads too": "relu as c\n LOOP(2) { LOOP(3) { sub { tanh | c } } }",
    "from a value that every round reads twice": "relu as c\n LOOP(4) { add { id | tanh | c } }",
    "recomputed": "LOOP(4) { recompute { conv(8, 3) -> relu -> conv(8, 1) } }",
}


@pytest.mark.parametrize("body", LOOPS.values(), ids=LOOPS)
def test_for_and_repeat_of_the_same_body_are_the_same_source_that_computes_what_the_spec_says(body: str) -> None:
    blocks = "block unit(k) { conv(4, k) -> bn }\n"

    def source(loop: str) -> str:
        steps = re.sub(r"LOOP\((\d+)\)", loop, body)
        net = archdsl.load(f"{blocks}model m() {{ input x: f32[N, 4, 8, 8]\n {steps}\n output y }}")
        state = {key: tuple(value.shape) for key, value in net.torch().state_dict().items()}
        assert state == {path: weight.shape for path, weight in weights(net.program, Limits())}
        assert net.verify(dims={"N": 2}).passed
        return net.torch_source()

    assert source(r"for i in 0..\1") == source(r"repeat \1")


@pytest.mark.parametrize(
    "body",
    [
        "relu as c\n repeat 3 { if i % 2 == 0 { sub { tanh | c } } else { sub { c | tanh } } }",
        "[id, tanh]\n repeat 3 { a, b = id; if i % 2 == 0 { [b, a] } else { [a, b] } }\n sub",
        "tanh as c\n repeat 2 { relu as d; if i % 2 == 0 { sub { d | c } } else { sub { c | d } } }",
    ],
)
def test_rounds_whose_inner_loops_read_or_hand_on_other_values_stay_apart(body: str) -> None:
    net = archdsl.load(f"model m() {{ input x: f32[N, 4]\n for i in 0..5 {{ {body} }}\n output y }}")
    assert net.verify(dims={"N": 3}).passed
