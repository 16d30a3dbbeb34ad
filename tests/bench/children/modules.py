"""PyTorch modules for the children: from a generated file, and from torchvision."""

import importlib.util
from typing import Any


def from_file(path: str, name: str) -> Any:
    """The class `name` of a Python file."""
    spec = importlib.util.spec_from_file_location("network", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def torchvision_models() -> Any:
    """`torchvision.models`. Its compiled operators may not load beside a CPU build of PyTorch; its Python models do,
    once the operators that it describes on import are declared."""
    import torch

    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float threshold) -> Tensor")
    import torchvision.models

    return torchvision.models


def example_input(shape: tuple[int, ...], vocabulary: int = 50_000) -> Any:
    """Random pixels, or random tokens where there are two axes."""
    import torch

    generator = torch.Generator().manual_seed(0)
    if len(shape) == 2:
        return torch.randint(0, vocabulary, shape, generator=generator)
    return torch.randn(shape, generator=generator)
