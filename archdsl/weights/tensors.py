"""Reading and writing safetensors files."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Final, cast

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.files import open_input, write_atomic
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

_BITS: Final = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
"""Bits of an element of every format there is."""

_LONGEST_HEADER: Final = 1 << 25
_MOST_AXES: Final = 64

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
    E0811 to E0813 (does not fit, see `match`), E0816 (see `KeyMap.paths`), E0801 (numpy missing).
    """
    numpy = require("numpy")
    path = str(os.fspath(path))
    name = os.path.basename(path)
    with open_input(path) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _unreadable(name, "it is no regular file")
        entries, start = _header(file, name)
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


def _header(file: Any, name: str) -> tuple[dict[str, tuple[str, tuple[int, ...], int]], int]:
    """Name -> format, shape and offset of each tensor, and where the data starts. Everything that the format demands is
    checked, so that no shape asks for more than the file holds."""
    status = os.fstat(file.fileno())
    start = 8 + int.from_bytes(file.read(8), "little")
    try:
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no regular file")
        if status.st_size < 8 or start > status.st_size:
            raise ValueError("it ends inside its header")
        if start - 8 > _LONGEST_HEADER:
            raise ValueError(f"its header has {start - 8:_} bytes, more than {_LONGEST_HEADER:_}")
        header = json.loads(file.read(start - 8).decode("utf-8"), object_pairs_hook=_unique, parse_float=_no_number)
        return _entries(header, status.st_size - start), start
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, " ".join(str(error).split())[:200]) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return found


def _no_number(text: str) -> int:
    raise ValueError(f"its header holds the number {text[:20]}")


def _entries(header: Any, size: int) -> dict[str, tuple[str, tuple[int, ...], int]]:
    """The tensors of a header, whose data fill `size` bytes without a gap. Raises `ValueError`."""
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    entries: dict[str, tuple[str, tuple[int, ...], int]] = {}
    places: list[tuple[int, int]] = []
    for key, entry in cast("dict[str, Any]", header).items():
        if key == "__metadata__":
            continue
        shown = key[:100]
        match entry:
            case {"dtype": str() as dtype, "shape": [*shape], "data_offsets": [int() as first, int() as last]}:
                lengths = cast("list[object]", shape)
            case _:
                raise ValueError(f"{shown} has no dtype, shape and data_offsets")
        whole = [length for length in lengths if isinstance(length, int) and not isinstance(length, bool)]
        if len(whole) != len(lengths) or any(length < 0 for length in whole) or len(whole) > _MOST_AXES:
            raise ValueError(f"the shape of {shown} is not one")
        bits = _BITS.get(dtype)
        if bits is None:
            raise ValueError(f"{shown} is of the unknown type {dtype[:20]}")
        if first > last or prod(whole) * bits != (last - first) * 8:
            raise ValueError(f"the shape of {shown} does not take the bytes it is given")
        places.append((first, last))
        entries[key] = (dtype, tuple(whole), first)
    reached = 0
    for first, last in sorted(places):
        if first != reached:
            raise ValueError("its tensors overlap or leave gaps")
        reached = last
    if reached != size:
        raise ValueError(f"its tensors take {reached:_} bytes, and {size:_} follow the header")
    return entries


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
