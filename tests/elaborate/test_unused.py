"""Steps whose result is thrown away."""

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.limits import Limits


def _warnings(body: str, before: str = "") -> list[str]:
    sink = Sink()
    module = load_text(f"{before}model m {{\n  input x: f32[N, 3, 8, 8]\n  {body}\n}}\n", sink, Limits())
    assert module is not None
    assert elaborate(module, "m", {}, {}, sink, Limits()) is not None
    return [f"{found.code} {found.span.text}" for found in sink.found if found.span]


def test_rebinding_a_name_as_in_python_warns_for_every_layer_that_is_lost():
    assert _warnings("x = conv(3, 3)\n  x = bn\n  x = relu\n  output x") == ["W0501 conv", "W0501 bn"]


def test_a_step_in_a_block_whose_result_is_lost_warns_once_however_often_the_block_is_used():
    block = "block b() { h = conv(5, 3)\n relu }\n"
    assert _warnings("b -> b -> b\n  output y", block) == ["W0501 conv"]


def test_a_flow_that_moves_does_not_warn():
    assert _warnings("conv(3, 3) as h -> relu as r\n  [h, r] -> add\n  output y") == []


def test_a_view_kept_for_one_arm_of_an_if_does_not_warn():
    assert _warnings("y = id\n  relu\n  output z") == []


def test_a_training_output_is_a_use():
    assert _warnings("h = conv(3, 3)\n  relu\n  output y\n  output aux(train) = h -> relu") == []


def test_a_result_read_inside_a_repeat_is_used():
    assert _warnings("h = conv(3, 3)\n  repeat 4 { add { id | h } }\n  output y") == []


def test_an_operator_used_for_its_weight_alone_is_used():
    text = "flatten -> linear(8) as encode\n  encode -> linear(192, tie = transpose(encode.weight))\n  output y"
    assert _warnings(text) == []
