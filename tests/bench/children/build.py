"""Builds one PyTorch module again and again: `build.py archdsl FILE MODEL PARAMETERS` or `build.py torchvision NAME`,
then `meta` to leave the weights out."""

import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

import torch
from modules import torchvision_models
from serve import serve


def ours(path: str, model: str, parameters: str) -> Callable[[], Any]:
    import archdsl

    settings = json.loads(parameters)
    return lambda: archdsl.load(path, model or None, **settings).torch()


def theirs(name: str) -> Callable[[], Any]:
    """torchvision's network. Its second pass over the weights, which ours has not, is left out where it may be."""
    make = getattr(torchvision_models(), name)
    optional = inspect.signature(getattr(torchvision_models(), make(weights=None).__class__.__name__)).parameters
    settings = {key: value for key, value in (("init_weights", False), ("aux_logits", False)) if key in optional}
    return lambda: make(weights=None, **settings)


if __name__ == "__main__":
    kind, *arguments = sys.argv[1:]
    device = "meta" if arguments[-1] == "meta" else "cpu"
    arguments = arguments[:-1] if device == "meta" else arguments
    build = (ours if kind == "archdsl" else theirs)(*arguments)

    def build_once() -> None:
        with torch.device(device):
            build()

    serve(build_once)
