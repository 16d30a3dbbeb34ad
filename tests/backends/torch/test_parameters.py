"""Formulas and conditions in generated constructors are the author's; numbers that agree by chance make none."""

import re
from typing import Any

import pytest
import torch
from torch_cases import TEXTS, from_spec, from_text
from torch_eager import agree

from archdsl.backends.torch.source import torch_source
from archdsl.ir.flatten import weights
from archdsl.limits import Limits

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
    assert "Osa(out, mid, out) if n == 2 else nn.Identity()" in source
    assert "nn.Conv2d(in_channels + 2 * mid, out, 1)" in source
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
        ("conv(out + k, 1) -> conv(out, 1)", ["8, 1", "16, 5", "20, 2"], "out + k"),
        ("conv(out * k, 1) -> conv(out, 1)", ["8, 1", "16, 5", "20, 2"], "out * k"),
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


@pytest.mark.parametrize(
    ("name", "model", "values"),
    [
        ("gpt", None, {"layers": 2, "d": 32, "heads": 4, "vocab": 50, "context": 16}),
        ("unet", None, {"base": 8, "classes": 5}),
        ("mlp", "relu_mlp", {"depth": 4, "width": 6, "inputs": 5, "classes": 3}),
        ("digits", None, {"k": 4, "classes": 7}),
        ("resnet", None, {"classes": 7}),
    ],
)
def test_the_class_of_a_model_builds_the_model_under_other_values_of_its_parameters(
    name: str, model: str | None, values: dict[str, int]
) -> None:
    namespace: dict[str, Any] = {}
    source = torch_source(from_spec(name, model))
    exec(compile(source, "generated", "exec"), namespace)
    entry = namespace[re.findall(r"^class (\w+)", source, re.M)[-1]]
    with torch.device("meta"):
        built = {key: tuple(weight.shape) for key, weight in entry(**values).state_dict().items()}
    wanted = {path: weight.shape for path, weight in weights(from_spec(name, model, **values), Limits())}
    assert {key: built.get(key) for key in wanted} == wanted


def test_a_parameter_that_decides_what_is_built_is_none_of_the_class() -> None:
    assert "def __init__(self, classes: int = 1000) -> None:" in torch_source(from_spec("resnet"))
    text = """block part(out) { conv(out, 3) }
      model m(wide = 8) { input x: f32[N, 4, 8, 8]
        if wide > 8 { part(wide) }
        part(wide)
        output y }"""
    assert "wide" not in torch_source(from_text(text)).partition("class M(")[2]


def test_a_number_that_cannot_follow_a_parameter_keeps_that_parameter_out() -> None:
    """With the looked-up width a literal, `n` would be an argument that does half of what it says."""
    text = """block part(n, out) { conv([8, 16, 24][n], 1) -> conv(out, 2 * n - 1) }
      model m() { input x: f32[N, 4, 2, 2]
        part(2, 5)
        output y }"""
    assert "def __init__(self, in_channels: int, out: int) -> None:" in torch_source(from_text(text))
    agree(from_text(text))


def test_a_long_fraction_is_spelled_as_it_was_made() -> None:
    text = """model m(n = 3) { input x: f32[N, 4, 4, 4]
      for i in 0..n { conv(4, 3) }
      linear_part(0.02 / sqrt(2 * n))
      output y }
      block linear_part(std) { flatten -> linear(3, std = std) }"""
    source = torch_source(from_text(text))
    assert "0.02 / math.sqrt(2 * 3)" in source or "0.02 / math.sqrt(2 * n)" in source, source
