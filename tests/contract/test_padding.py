"""Padding along some axes of many."""

import pytest

import archdsl


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(("type", "axis"), [("f32[2, 3, 6, 6]", 3), ("f32[2, 3, 6, 6]", 2), ("f32[1, 2, 5, 5, 5]", 4)])
def test_one_axis_of_an_image_can_be_padded_by_any_mode(type: str, axis: int, mode: str) -> None:
    net = archdsl.load(f"model m {{\n input x: {type}\n pad([2, 1], {axis}, mode = {mode})\n output y\n}}\n")
    assert net.verify().passed
