"""Diagnostics of elaboration: the chain of calls with loop indices, exact spans, one finding per mistake."""

import re

import pytest

from archdsl.diagnostics.codes import arguments_codes, budgets_codes, flow_codes, names_codes
from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.lint import lint
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.limits import Limits
from archdsl.spec_tests import run_tests

CODES = names_codes.CODES + arguments_codes.CODES + flow_codes.CODES + budgets_codes.CODES

DEEP = """\
block unit(out, groups) {
  conv(out, 3, groups = groups) -> bn
}
block stage(n, out) {
  for i in 0..n {
    residual { unit(out, 1 + i) }
  }
}
model m {
  input x: f32[N, 16, 8, 8]
  for s, width in [(0, 16), (1, 16)] {
    stage(3, width) as "stage{s}"
  }
  output y
}
"""


def test_the_chain_of_calls_tells_every_loop_index(diagnose):
    (found,) = diagnose(DEEP)
    assert (found.code, found.span.text) == ("E0404", "groups = groups")
    assert [frame.text for frame in found.trace] == ["`unit`", "`body`", "`residual`[i=2]", "`stage`[s=0, width=16]"]
    text = render_text([found])
    assert "in: `residual`[i=2], from line 6" in text
    assert "in: `stage`[s=0, width=16], from line 12" in text


def test_a_mistake_in_a_loop_of_the_model_itself_tells_the_index(diagnose):
    (found,) = diagnose(
        "model m { input x: f32[N, 3, 8, 8]\n for out in [4, 0] {\n for k in 1..3 { conv(out, k) } }\n output y }"
    )
    assert [(frame.text, frame.span.line) for frame in found.trace] == [("loop [out=0, k=1]", 3)]


def test_a_fan_out_over_a_list_tells_the_element(diagnose):
    (found,) = diagnose("model m { input x: f32[N, 3, 8, 8]\n concat for k in [1, 0] { conv(4, k) }\n output y }")
    assert [frame.text for frame in found.trace] == ["loop [k=0]"]


def test_a_repeat_that_is_written_out_tells_the_iteration(diagnose):
    (found,) = diagnose(
        "block half() [N, c] { linear(c / 2) }\nmodel m { input x: f32[N, 12]\n repeat 1_000 { half }\n output y }"
    )
    assert (found.code, found.message) == ("E0308", "3 / 2 is not a whole number")
    assert [frame.text for frame in found.trace] == ["`half`[repeat 3 of 1,000]"]


def test_a_repeat_that_spends_the_budget_is_pointed_at(diagnose):
    (found,) = diagnose(
        "model m { input x: f32[N, 3, 8, 8]\n repeat 1_000_000 {\n concat { id | conv(1, 1) } }\n output y }"
    )
    assert found.code == "E0907"
    assert [(label.span.text, label.span.line) for label in found.related] == [("1_000_000", 2)]


def test_a_mistake_in_a_block_is_reported_once_however_often_it_is_used(diagnose):
    found = diagnose(
        "block f(k) { conv(k, 3, strides = 2) }\nmodel m { input x: f32[N, 3]; for k in 1..9 { x -> f(k) }\n output y }"
    )
    assert [d.code for d in found] == ["E0301"]


def test_many_mistakes_in_one_file_are_all_found(diagnose):
    found = diagnose(
        """
        let width = 64 / 3
        block f(k) [N, c, ...S] { conv(k, 3, strides = 2) }
        block g() [N, c] { relu }
        model m {
          input x: f32[N, 3, 8, 8]
          conv(width, 1) as a
          x -> f(3)
          x -> cnov(3)
          x -> g
          [a, x] -> add
          x -> max_pool(2)
          expect [N, 3, 8, 8]
          x -> conv(8, 3, groups = 2)
          output y
        }
        """
    )
    assert [d.code for d in found] == ["E0308", "E0301", "E0202", "E0502", "E0503", "E0404"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("conv(8, 0) as a\n a -> linear(3) as b\n [a, b] -> add\n expect [N, 9]", "E0305"),
        ("a = cnov(3)\n let k = 3\n a -> conv(k, 3) -> relu\n output z = a", "E0202"),
        ("let n = 1 / 0\n let m = n + 1\n repeat n { conv(m, 1) }\n conv([m, n], 1)", "E0309"),
        ("a, b = relu\n [a, b] -> add\n b -> tanh", "E0314"),
        ("if oops { let k = 3; relu as a } else { let k = 4; tanh as a }\n a -> conv(k, 1)", "E0201"),
        ("residual { conv(3, 0) } as r\n r -> relu\n [r, x] -> add", "E0305"),
        ("shared s = conv(3, 0)\n s -> s\n x -> s", "E0305"),
        ("input z: f32[N, 0, H, W]\n expect [N, 3, H, W]\n let k = H\n z -> relu", "E0304"),
        ("linear(4) as encode\n cnov(3) as encode\n linear(3, tie = encode.weight)", "E0202"),
    ],
)
def test_one_mistake_is_one_diagnostic(body, code):
    sink = Sink()
    module = load_text(f"model m {{\n input x: f32[N, 3, 8, 8]\n {body}\n output y\n}}", sink, Limits())
    assert elaborate(module, "m", {}, {}, sink, Limits()) is None
    assert [d.code for d in sink.found if d.severity == "error"] == [code]


@pytest.mark.parametrize("code", [c for c in CODES if c.example], ids=lambda code: code.code)
def test_the_example_of_a_code_gives_that_code_and_nothing_else(code):
    limits = Limits(instances=1000) if code.code == "E0906" else Limits()
    sink = Sink()
    module = load_text(code.example, sink, limits)
    for name in module.models:
        elaborate(module, name, {}, {}, sink, limits)
    run_tests(module, sink, limits)
    if not sink.has_errors:
        lint(module, sink, limits)
    assert [d.code for d in sink.found] == [code.code]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_an_explanation_shows_what_is_wrong_and_what_is_right(code):
    assert code.code in ("E0316", "E0906", "E0909") or re.search(r"^(right|odd): +\S", code.explanation, re.M)


def test_after_a_hundred_mistakes_the_rest_is_not_checked(diagnose):
    found = diagnose("model m { input x: f32[N, 3]\n" + "cnov(3)\n" * 200 + "output y }")
    assert len(found) == 100
    assert "number 100" in found[-1].notes[-1]
