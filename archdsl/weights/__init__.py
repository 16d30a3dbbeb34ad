"""Weights by path.

`initial.py` makes seeded ones, `tensors.py` reads and writes safetensors files by the state dict's keys, `keys.py`
has maps for other keys, `match.py` says whether they fit.
"""

from archdsl.weights.initial import initial
from archdsl.weights.keys import KeyMap, key_map, read_keys
from archdsl.weights.match import match
from archdsl.weights.tensors import load_safetensors, save_safetensors

__all__ = ["KeyMap", "initial", "key_map", "load_safetensors", "match", "read_keys", "save_safetensors"]
