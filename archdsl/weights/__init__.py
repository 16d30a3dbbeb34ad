"""Weights by path: seeded initialisation, safetensors files by the state dict's keys, and maps for other keys."""

from archdsl.weights.initial import initial
from archdsl.weights.keys import KeyMap, key_map, read_keys
from archdsl.weights.match import match
from archdsl.weights.tensors import load_safetensors, save_safetensors

__all__ = ["KeyMap", "initial", "key_map", "load_safetensors", "match", "read_keys", "save_safetensors"]
