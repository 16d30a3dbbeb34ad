"""Writes the ONNX model of a generated module with one of PyTorch's exporters:
`export.py dynamo|torchscript FILE CLASS SHAPE OUTPUT`, the shape as JSON."""

import json
import logging
import sys
import warnings
from typing import Any

import torch
from modules import example_input, from_file

OPSET = 20


def export(exporter: str, module: Any, inputs: Any, path: str) -> None:
    """With a free batch, and free length for tokens, as archdsl writes it."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    axes = {0: "N", 1: "T"} if inputs.dim() == 2 else {0: "N"}
    if exporter == "torchscript":
        options: dict[str, Any] = {"dynamo": False, "input_names": ["input"], "dynamic_axes": {"input": axes}}
    else:
        free = {axis: torch.export.Dim(name) for axis, name in axes.items()}
        options = {"dynamo": True, "dynamic_shapes": (free,), "verbose": False}
    torch.onnx.export(module, (inputs,), path, opset_version=OPSET, **options)


if __name__ == "__main__":
    which, file, name, shape, output = sys.argv[1:]
    export(which, from_file(file, name)().eval(), example_input(tuple(json.loads(shape))), output)
