"""Counts one network with one tool and prints parameters and multiply-adds: `count.py TOOL FILE CLASS`.

The network is a plain PyTorch file that imports nothing but torch, and each tool is used as its documentation says.
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
from modules import from_file

SHAPE = (1, 3, 224, 224)
Counts = tuple[int, int]


def torchinfo(network: Any) -> Counts:
    from torchinfo import summary

    found = summary(network(), SHAPE, verbose=0)
    return found.total_params, found.total_mult_adds


def fvcore(network: Any) -> Counts:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    model = network().eval()
    analysis = FlopCountAnalysis(model, torch.randn(SHAPE)).unsupported_ops_warnings(False)
    return parameter_count(model)[""], analysis.total()


def ptflops(network: Any) -> Counts:
    sys.modules["torchvision"] = None  # type: ignore[assignment]  # optional there, and slow to import
    from ptflops import get_model_complexity_info

    options = {"as_strings": False, "print_per_layer_stat": False, "verbose": False}
    macs, params = get_model_complexity_info(network(), SHAPE[1:], **options)
    return params, macs


def thop(network: Any) -> Counts:
    from thop import profile

    macs, params = profile(network(), inputs=(torch.randn(SHAPE),), verbose=False)
    return int(params), int(macs)


def calflops(network: Any) -> Counts:
    from calflops import calculate_flops

    _, macs, params = calculate_flops(network(), SHAPE, output_as_string=False, print_results=False)
    return int(params), int(macs)


def flop_counter_mode(network: Any, device: str = "cpu") -> Counts:
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device(device):
        model, image = network().eval(), torch.randn(SHAPE)
    with FlopCounterMode(display=False) as counter:
        model(image)
    return sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2


TOOLS: dict[str, Callable[[Any], Counts]] = {
    "torchinfo": torchinfo,
    "fvcore": fvcore,
    "ptflops": ptflops,
    "thop": thop,
    "calflops": calflops,
    "FlopCounterMode": flop_counter_mode,
    "FlopCounterMode on meta": lambda network: flop_counter_mode(network, "meta"),
}


if __name__ == "__main__":
    print(*TOOLS[sys.argv[1]](from_file(sys.argv[2], sys.argv[3])))
