"""Reading and writing safetensors files."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.files import write_atomic
from archdsl.ir.operator import Weight
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.weights.initial import NUMPY_TYPES, one
from archdsl.weights.match import match

if TYPE_CHECKING:
    from archdsl.weights.initial import Arrays
    from archdsl.weights.keys import KeyMap

_TYPES: Final = {
    "F64": ("<f8", "f"),
    "F32": ("<f4", "f"),
    "F16": ("<f2", "f"),
    "BF16": ("<u2", "f"),
    "I64": ("<i8", "i"),
    "I32": ("<i4", "i"),
    "I16": ("<i2", "i"),
    "I8": ("|i1", "i"),
    "U8": ("|u1", "i"),
}
"""Number formats of the file -> numpy's, and the kind that `match` compares. Others fit no weight."""

_NAMES: Final = {
    "<f8": "F64",
    "<f4": "F32",
    "<f2": "F16",
    "<i8": "I64",
    "<i4": "I32",
    "|u1": "U8",
    "|b1": "BOOL",
}


def load_safetensors(
    path: str | os.PathLike[str], program: Program, limits: Limits | None = None, keys: "KeyMap | None" = None
) -> "Arrays":
    """The weights of `program` from a file, by path, in state-dict order, converted to the program's dtypes.
    Floats of any precision are accepted; a missing step counter is zero. `keys` says which paths the file's names
    are, where they are not the paths themselves.

    Raises `OSError` when the file cannot be opened; `ArchError` with E0810 (not a complete safetensors file),
    E0811 to E0813 (does not fit, see `match`), E0816 (see `KeyMap.paths`), E0801 (package missing).
    """
    numpy = require("numpy")
    path = str(os.fspath(path))
    name = os.path.basename(path)
    with open(path, "rb") as file:
        entries, start = _header(path, name)
        if keys is not None:
            entries = {new: entries[old] for new, old in keys.paths(entries, name).items()}
            name = f"{name} renamed by {keys.name}"
        found = {key: (shape, _TYPES.get(dtype, ("", ""))[1]) for key, (dtype, shape, _) in entries.items()}
        expected = match(program, found, name, limits or Limits())
        arrays: Arrays = {}
        for key, weight in expected.items():
            if key not in entries:
                arrays[key] = one(numpy, key, weight, 0)
                continue
            dtype, shape, offset = entries[key]
            file.seek(start + offset)
            values = numpy.fromfile(file, _TYPES[dtype][0], weight.elements)
            if values.size != weight.elements:
                raise _unreadable(name, "the file became shorter while it was read")
            if dtype == "BF16":
                # A bfloat16 is the upper half of a float32.
                values = (values.astype("<u4") << 16).view("<f4")
            arrays[key] = values.astype(NUMPY_TYPES[weight.dtype], copy=False).reshape(shape)
        return arrays


def fitted(program: Program, weights: "Mapping[str, Any]", limits: Limits) -> "tuple[dict[str, Weight], Arrays]":
    """The program's weights by path, in state-dict order, and the arrays of `weights` (or of PyTorch tensors), checked
    to be theirs. Arrays stay as they are; a missing step counter stays missing.

    Raises `ArchError`: E0811 to E0813 (do not fit, see `match`), E0801 (no numpy).
    """
    numpy = require("numpy")
    arrays = {path: as_array(numpy, value) for path, value in weights.items()}
    found = {path: (array.shape, _kind(array)) for path, array in arrays.items()}
    return match(program, found, "the set of weights", limits), arrays


def _kind(array: Any) -> str:
    return "f" if array.dtype.kind == "f" else "i" if array.dtype.kind in "iu" else ""


def save_safetensors(path: str | os.PathLike[str], arrays: "Mapping[str, Any]") -> None:
    """Write arrays (or CPU tensors) to a safetensors file, whole or not at all. Equal contents give equal
    bytes, whatever the order of the keys. Raises `OSError`, and `ValueError` for a number format that weights
    do not have."""
    numpy = require("numpy")
    little = {key: _little_endian(numpy, arrays[key]) for key in sorted(arrays)}
    # Wide elements first keeps every tensor aligned to its element size.
    little = dict(sorted(little.items(), key=lambda entry: -entry[1].itemsize))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for key, array in little.items():
        stop = offset + array.nbytes
        header[key] = {
            "dtype": _NAMES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [offset, stop],
        }
        offset = stop
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    # The format asks for data that starts at a multiple of 8; the header may end in spaces.
    text += b" " * (-len(text) % 8)

    def chunks() -> Iterator[bytes | memoryview]:
        yield len(text).to_bytes(8, "little") + text
        for array in little.values():
            yield memoryview(array.reshape(-1)).cast("B") if array.size else b""

    write_atomic(path, chunks())


def _header(path: str, name: str) -> tuple[dict[str, tuple[str, tuple[int, ...], int]], int]:
    """Name -> format, shape and offset of each tensor, and where the data starts. The safetensors package
    validates the file first: lengths, offsets, overlaps, text."""
    safetensors = require("safetensors")
    try:
        with safetensors.safe_open(path, framework="np") as checked:
            keys = list(checked.keys())
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise _unreadable(name, str(error)) from None
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise _unreadable(name, str(error)) from None
    entries = {key: (header[key]["dtype"], tuple(header[key]["shape"]), header[key]["data_offsets"][0]) for key in keys}
    return entries, 8 + length


def _unreadable(name: str, reason: str) -> ArchError:
    message = f"{name} is not a complete safetensors file"
    stem, suffix = os.path.splitext(name)
    help = ""
    if suffix in (".pt", ".pth", ".bin", ".ckpt"):
        help = f'convert a PyTorch checkpoint: `safetensors.torch.save_file(model.state_dict(), "{stem}.safetensors")`'
    return ArchError([Diagnostic("E0810", message, None, notes=(reason,), help=help)])


def _little_endian(numpy: Any, value: Any) -> Any:
    array = numpy.ascontiguousarray(as_array(numpy, value))
    array = array.reshape(numpy.shape(value))
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if array.dtype.str not in _NAMES:
        raise ValueError(f"weights are numbers of {', '.join(_NAMES.values())}, not {array.dtype}")
    return array


def as_array(numpy: Any, value: Any) -> Any:
    """A numpy array from an array or a PyTorch tensor on any device; bfloat16 becomes float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        value = value.numpy()
    return numpy.asarray(value)
