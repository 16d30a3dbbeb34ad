"""Weights by path: seeded initialisation, and safetensors files whose keys are the state dict's."""

from archdsl.weights.initial import initial
from archdsl.weights.match import match
from archdsl.weights.tensors import load_safetensors, save_safetensors

__all__ = ["initial", "load_safetensors", "match", "save_safetensors"]
