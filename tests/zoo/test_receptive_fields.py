"""Receptive fields are what a probe finds: where an image is not a number, exactly the values whose field that is in
are not numbers either."""

import pytest
import torch
from zoo_specs import program

from archdsl.analysis.field import FieldModel
from archdsl.backends.torch.build import build_module
from archdsl.ir.program import Output, Program
from archdsl.records import replace

CASES: list[tuple[str, str, dict[str, object], str, int, int]] = [
    ("resnet", "resnet", {"depth": 18}, "layer2", 160, 99),
    ("resnet", "resnet", {"depth": 18}, "layer4", 640, 435),
    ("resnet", "resnet", {"depth": 50}, "layer3", 448, 291),
    ("resnet", "resnet", {"depth": 50, "v1_5": True}, "layer4", 640, 427),
    ("googlenet", "googlenet", {}, "inception4e", 576, 427),
    ("vgg", "vgg", {"config": "A"}, "features", 320, 150),
    ("unet", "unet", {"base": 4}, "mask", 96, 44),
    ("densenet_cifar", "densenet_bc", {"depth": 22}, "denseblock2", 96, 22),
]
"""A value of a spec, the length of an image that holds its field in the middle, and the field."""


def up_to(net: Program, label: str) -> Program:
    """The program that ends in a labelled value."""
    entry = net.entry
    value = entry.labels[label]
    last = next(place for place, node in enumerate(entry.nodes) if value in node.outputs)
    cut = replace(entry, nodes=entry.nodes[: last + 1], outputs=(value,))
    functions = [cut if function is entry else function for function in net.functions]
    return Program(net.name, cut, functions, [Output("y", value, False)])


def spoilt(module: torch.nn.Module, image: torch.Tensor, axis: int, start: int, stop: int, place: int) -> bool:
    """Whether not a number at positions `start` to `stop` of an axis of the image reaches position `place` of the
    result's same axis."""
    probe = image.clone()
    probe.narrow(axis, start, stop - start).fill_(torch.nan)
    return bool(module(probe).narrow(axis, place, 1).isnan().any())


def probed(module: torch.nn.Module, image: torch.Tensor, axis: int, place: int) -> tuple[int, int]:
    """The first and last position of the image that position `place` of the result depends on, by bisection."""
    length = image.shape[axis]
    low, high = 0, length  # the shortest beginning of the image that reaches the value ends at the first position
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if spoilt(module, image, axis, 0, middle, place) else (middle, high)
    first = high - 1
    low, high = 0, length
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if spoilt(module, image, axis, middle, length, place) else (low, middle)
    return first, low


@pytest.mark.parametrize(("name", "model", "arguments", "label", "length", "size"), CASES)
def test_the_field_of_a_value_is_what_reaches_it(
    name: str, model: str, arguments: dict[str, object], label: str, length: int, size: int
) -> None:
    net = program(name, model, **arguments)
    fields = FieldModel(net)
    reach = fields.entry[net.entry.labels[label]][0]
    assert reach[2].size == reach[3].size == size
    module = build_module(up_to(net, label)).eval()
    image = torch.randn(1, net.inputs[0].type.dims[1], length, 32)
    # Fast algorithms for convolutions compute tiles, and one element spoils a tile.
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
        positions = module(image).shape[2]
        for place in range(positions // 2, positions // 2 + reach[2].period):
            assert probed(module, image, 2, place) == reach[2].at(place)
