"""Tuples of tensors in the generated source: one variable where a loop makes them longer, right everywhere."""

from typing import Any

import pytest
import torch
from torch_cases import from_text, inputs
from torch_eager import Run

from archdsl.backends.torch.build import build_module
from archdsl.backends.torch.source import torch_source
from archdsl.ir.program import Program

BLOCKS = """
block b(k) { concat -> conv(k, 1) }
block sum() { add }
block both(k) { [concat -> conv(k, 1), concat -> conv(k, 3)] -> add }
block around(k) { b(k) -> relu }
block pieces(n) { for i in 0..n { [id, concat -> conv(2, 1)] } }
block apart(k) { concat as all; all -> conv(k, 1) as c; [c, all] -> concat -> conv(k, 1) }
"""
ROLLED = {
    "operators": "for i in 0..4 { [id, concat -> conv(2, 1)] }; concat",
    "blocks of growing widths": "for i in 0..5 { [id, both(2 + i)] }; concat",
    "blocks in blocks": "for i in 0..5 { [id, around(2)] }; concat",
    "a block that reads its concatenation twice": "for i in 0..5 { [id, apart(2)] }; concat",
    "two new ones in each iteration": "for i in 0..3 { [id, concat -> conv(3, 1), concat -> conv(2, 1)] }; concat",
    "from two on": "conv(3, 1) as a; [x, a]\n for i in 0..4 { [id, concat -> conv(3, 1) -> bn] }; concat",
    "through an instance": "shared s = conv(3, 3)\n for i in 0..4 { [id, concat -> conv(3, 1) -> s] }; concat",
    "beside a value of that name": """
        conv(3, 1) as xs; for i in 0..4 { [id, concat -> conv(3, 1)] }; concat as y; [xs, y] -> concat""",
    "in a branch": "concat { for i in 0..4 { [id, concat -> conv(2, 1)] } | relu }",
}
WRITTEN_OUT = {
    "a shorter one read late": """
        conv(2, 1) as a; [x, a] as t; t -> concat -> conv(2, 1) as b; [t, b] as u; u -> concat -> conv(2, 1) as c
        t -> concat as late; [u, c, late] -> concat""",
    "one block of several numbers": "[x, x] -> b(2) as p; [x, p, x] -> b(2) as q; x -> b(3); [id, q] -> concat",
    "numbers that are added": "[x, x] -> sum as p; [x, p, x] -> sum as q; x -> sum; [id, q] -> concat",
    "longer at the front": "for i in 0..4 { [concat -> conv(2, 1), id] }; concat",
    "a tuple as result": "pieces(4) -> concat",
    "a tuple that swaps": "relu as a; [x, a]; repeat 3 { c, d = id; [d, c] }; concat",
}


def program(body: str) -> Program:
    return from_text(f"{BLOCKS}model m {{\n input x: f32[N, 3, 6, 6]\n {body}\n output out\n}}")


def cases(texts: dict[str, str]) -> list[Any]:
    return [pytest.param(text, id=name) for name, text in texts.items()]


@pytest.mark.parametrize("body", cases(ROLLED | WRITTEN_OUT))
def test_it_computes_what_its_program_says(body: str) -> None:
    found = program(body)
    module, given = build_module(found).eval(), inputs(found)
    wanted = Run(found, module.state_dict(), given, training=False).outputs()
    with torch.no_grad():
        torch.testing.assert_close(module(*given), wanted[0])


@pytest.mark.parametrize("body", cases(ROLLED))
def test_a_loop_carries_the_tuple(body: str) -> None:
    source = torch_source(program(body))
    assert source.count("        for ") == 1
    assert "(*xs" in source or "(\n                *xs," in source


@pytest.mark.parametrize("body", cases(WRITTEN_OUT))
def test_what_is_no_growing_tuple_has_names(body: str) -> None:
    assert "= (*xs" not in torch_source(program(body))


def test_a_block_of_any_number_of_tensors_is_one_class() -> None:
    source = torch_source(program(WRITTEN_OUT["one block of several numbers"]))
    assert source.count("class ") == 2
    assert "def forward(self, *xs: Tensor) -> Tensor:" in source and "self.q(x, self.p(x, x), x)" in source
