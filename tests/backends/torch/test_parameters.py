"""Formulas and conditions in generated constructors are the author's; numbers that agree by chance make none."""

import re

import pytest
from torch_cases import TEXTS, from_text
from torch_eager import agree

from archdsl.backends.torch.source import torch_source

OSA = """
block osa(mid, out) {
  a = conv(mid, 3)
  b = a -> conv(mid, 3)
  [id, a, b] -> concat -> conv(out, 1)
}
block stage(mid, out, n) {
  osa(mid, out) as first
  if n == 2 { osa(mid, out) as second }
}
model m(mid = [128, 160, 192, 224], out = [256, 512, 768, 1024], n = [1, 1, 2, 2]) {
  input x: f32[N, 64, 2, 2]
  for i in 0..4 { stage(mid[i], out[i], n[i]) }
  output y
}
"""


def test_a_line_through_the_numbers_of_unrelated_lists_is_no_formula() -> None:
    source = torch_source(from_text(OSA))
    assert not re.search(r"768 *[,)]? *[-+*]|[-+*] *768|>=|8 \* mid", source.partition("class M(")[0])
    assert "Osa(out, mid, out, in_channels2) if n == 2 else nn.Identity()" in source
    agree(from_text(OSA))


def test_a_condition_that_merely_separates_the_sizes_is_not_written() -> None:
    source = torch_source(from_text(TEXTS["conditions that nest"]))
    assert not re.search(r"\bif c\b|\bif steps\b|\bif out\b", source)


@pytest.mark.parametrize(
    ("body", "calls", "formula"),
    [
        ("conv(4*out, 1) -> conv(out, 1)", ["8", "16", "20"], "4 * out"),
        ("conv(out + 3, 1) -> conv(out, 1)", ["8", "16", "21"], "out + 3"),
        ("conv(out // 2, 1) -> conv(out, 1)", ["8", "16", "20"], "out // 2"),
        ("conv(2*out + 3, 1) -> conv(out, 1)", ["8", "16", "21"], "2 * out + 3"),
        ("conv(out, 2*k + 1)", ["8, 1", "8, 2", "8, 3"], "2 * k + 1"),
        ("conv(out + k, 1) -> conv(out, 1)", ["8, 1", "16, 5", "20, 2"], "k + out"),
        ("conv(out * k, 1) -> conv(out, 1)", ["8, 1", "16, 5", "20, 2"], "k * out"),
    ],
)
def test_a_formula_that_is_written_in_the_block_is_written_in_the_class(
    body: str, calls: list[str], formula: str
) -> None:
    steps = " -> ".join(f"part({call})" for call in calls)
    text = f"block part(out, k = 1) {{ {body} }}\nmodel m() {{ input x: f32[N, 4, 2, 2]\n {steps}\n output y }}"
    assert formula in torch_source(from_text(text))
    agree(from_text(text))


def test_the_same_numbers_from_elsewhere_are_a_parameter_of_their_own() -> None:
    """`wide` is `4 * out` and `out + 8 * k` for the calls there are, and neither for its author."""
    text = """block part(out, widths) { conv(widths[0], 1) -> conv(out, 1) }
      model m() { input x: f32[N, 4, 2, 2]
        part(8, [32]) -> part(16, [64]) -> part(20, [80])
        output y }"""
    source = torch_source(from_text(text))
    assert "4 * out" not in source and "Part(4, 8, 32)" in source.replace("Part(4, 32, 8)", "Part(4, 8, 32)")
    agree(from_text(text))


def test_a_condition_that_the_block_negates_is_negated_in_the_class() -> None:
    text = """block part(plain = false) { conv(4, 3); if not plain { conv(4, 1) as extra } }
model m() { input x: f32[N, 4, 4, 4]
 part -> part(plain = true) -> part
 output y }"""
    source = torch_source(from_text(text))
    assert "if not plain" in source or "nn.Identity() if plain else" in source, source
    agree(from_text(text))
