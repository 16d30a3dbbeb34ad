"""Names in the generated source: those of the spec, wherever they stand, beside those that the code needs itself."""

import keyword
from typing import Any

import pytest
import torch
import torch.fx
from torch_cases import INSTANCES, TEXTS, from_spec, from_text, inputs
from torch_eager import agree

from archdsl.backends.torch.build import build_module
from archdsl.backends.torch.source import torch_source
from archdsl.diagnostics.model import ArchError, Sink
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.ir.program import Program
from archdsl.ir.segments import MODULE_ATTRIBUTES, TRACED_ATTRIBUTES
from archdsl.limits import Limits

PLACES = """
    block {block}(t: tensor, {parameter}, {flag} = true) {{
      [id, t] -> add -> linear({parameter}) as a1
      if {flag} {{ relu }}
      linear({parameter})
    }}
    block two({value}: tensor, w2: tensor) {value}1: [N, d1], q: [N, d2] {{
      [{value}1, q, {value}, w2] -> add -> linear(4) as {value}
    }}
    block unread(t: tensor) {{ t -> linear(4) }}
    block named({value}: tensor) {{ {value} -> linear(4) }}
    model m() {{
      input {value}: f32[N, 4]
      input other: f32[N, 4]
      {value} -> linear(4) as second
      {block}({value}, 4) -> {block}(second, 4, !{flag})
      recompute {{ linear(4) -> bn -> relu }}
      {value}, q = [id, other]
      [{value}, q] -> two({value}, q) as r
      [r, q] -> unread(r)
      named(q) as s
      for i in 0..2 {{ linear(4) as "{label}" -> relu }}
      repeat 3 {{ add {{ linear(4) | r }} }}
      [id, r, s, {value}] -> add
      output {output}
      output also = linear(3)
    }}"""
"""A network with a name of the author's choice for each kind of thing that has one."""

BUSY_NAMES = """
    self cls args torch nn F math range zip super len print tuple getattr str sum x y xs x1 x2 i j z l O X checkpoint
    recomputed nullcontext StatisticsKept layer layers value n in_channels out module Linear Module M m
    Block property object class def lambda None True del is import yield await batch_norms a1 t
"""
"""What generated code, Python and PyTorch use for their own purposes."""


@pytest.mark.parametrize("place", ["block", "parameter", "flag", "value", "label", "output"])
def test_a_name_that_the_code_uses_itself_may_stand_for_anything(place: str) -> None:
    """No two things in one scope are called alike: each module runs, with the weights of its program."""
    usual = {"block": "unit", "parameter": "width", "flag": "act", "value": "v", "label": "part", "output": "logits"}
    made = 0
    for name in BUSY_NAMES.split():
        try:
            program = from_text(PLACES.format(**{**usual, place: name}))
        except ArchError:
            continue  # a word of the language, or the name of another thing in the spec
        agree(program)
        made += 1
    assert made > 45


class Plain(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def names_of(module: torch.nn.Module) -> set[str]:
    return {name for name in dir(module) if not name.startswith("__") and name != "layer"}


def test_the_names_that_are_refused_are_pytorchs() -> None:
    assert names_of(torch.nn.Module()) <= MODULE_ATTRIBUTES
    plain = Plain()
    exported = torch.export.export(plain, (torch.ones(3, 2),)).module()
    for traced in (torch.fx.symbolic_trace(plain), exported):
        assert names_of(traced) <= MODULE_ATTRIBUTES | TRACED_ATTRIBUTES
    assert not MODULE_ATTRIBUTES & TRACED_ATTRIBUTES


def refused(text: str) -> list[tuple[str, str]]:
    """Codes and places of what elaboration, which every command begins with, says of a text."""
    sink = Sink()
    module = load_text(text, sink, Limits())
    assert module is not None
    elaborate(module, "m", {}, {}, sink, Limits())
    return [(found.code, found.span.text) for found in sink.found if found.span and found.severity == "error"]


@pytest.mark.parametrize(
    "label", ["double", "forward", "train", "type", "_modules", "training", "lambda", "None", "__a"]
)
def test_a_label_that_no_module_can_hold_is_refused_where_it_stands(label: str) -> None:
    for body in (f'conv(8, 3) as "{label}"', f'for i in 0..2 {{ conv(3, 3) -> relu as "{label}" }}', f"shared_{label}"):
        if body.startswith("shared"):
            if keyword.iskeyword(label):
                continue
            body = f"shared {label} = conv(3, 3)\n {label}"
        block = f"block b() {{ {body} }}\nmodel m {{ input x: f32[N, 3, 8, 8]\n b\n output y }}"
        for text in (f"model m {{ input x: f32[N, 3, 8, 8]\n {body}\n output y }}", block.replace("; }", " }")):
            (found,) = refused(text)
            assert found[0] == "E0701" and found[1].strip('"') == label


def test_a_block_whose_name_no_module_can_hold_needs_a_label() -> None:
    text = "block type() {{ conv(3, 3) }}\nmodel m {{ input x: f32[N, 3, 8, 8]\n type{0}\n output y }}"
    assert refused(text.format("")) == [("E0701", "type")]
    assert refused(text.format(" as kind")) == []


@pytest.mark.parametrize("label", sorted(name for name in TRACED_ATTRIBUTES if not name.startswith("_")))
def test_a_label_that_traced_modules_use_is_refused_in_a_model_and_fine_in_a_block(label: str) -> None:
    body = f"linear(4) as {label} -> relu -> linear(4) as other"
    assert refused(f"model m {{ input x: f32[N, 4]; {body}; output y }}") == [("E0701", label)]
    traced(from_text(f"block b() {{ {body} }}\nmodel m {{ input x: f32[N, 4]; b; output y }}"))


def traced(program: Program) -> None:
    """torch.export and torch.fx give what the module gives, under its own keys. What exists in training only is not in
    a trace of evaluation, and fx cannot trace a loop over time."""
    torch.manual_seed(0)
    module = build_module(program).eval()
    given = tuple(inputs(program, symbol=8))
    with torch.no_grad():
        wanted = module(*given)
        exported = torch.export.export(module, given).module()
        torch.testing.assert_close(exported(*given), wanted)
        exported.load_state_dict(module.state_dict())
        if any(name in torch_source(program) for name in LOOPS_OVER_TIME):
            return
        trace = torch.fx.symbolic_trace(module)
        torch.testing.assert_close(trace(*given), wanted)
        own = {key for key in trace.state_dict() if not key.startswith("_tensor_constant")}
        assert own <= set(module.state_dict())
        assert own == set(module.state_dict()) or any(output.train for output in program.outputs)


LOOPS_OVER_TIME = ["class SkipInputRNN("]


@pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights:UserWarning")  # PyTorch's own, of nn.LSTM
@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in TEXTS.items()])
def test_a_text_can_be_traced_and_exported(text: str) -> None:
    traced(from_text(text))


@pytest.mark.parametrize(("spec", "model", "given"), INSTANCES, ids=str)
def test_a_spec_can_be_traced_and_exported(spec: str, model: str | None, given: Any) -> None:
    traced(from_spec(spec, model, **given))


@pytest.mark.parametrize("digits", [1, 8, 19, 4299, 4301, 9000])
def test_a_label_may_end_in_any_number_of_digits(digits: int) -> None:
    number = "1" * digits
    lines = "".join(f"for i in 0..{count} {{ linear(4) as {name} }}\n" for count, name in [(2, f"a{number}"), (1, "b")])
    lines += f"linear(4) as c{number} -> relu\n for i in 0..5 {{ linear(4) as d{{i+1}} }}".replace("d{i+1}", '"d{i+1}"')
    program = from_text(f"model m() {{ input x: f32[N, 4]\n{lines}\n output y }}")
    agree(program)
