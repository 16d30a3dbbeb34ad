"""Names in the generated source: those of the spec, wherever they stand, beside those that the code needs itself."""

import pytest
from test_execution import agree
from torch_cases import from_text

from archdsl.diagnostics.model import ArchError

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
    recomputed contextmanager nullcontext statistics_kept layer layers value n in_channels out module Linear Module M m
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
