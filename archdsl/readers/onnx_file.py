"""Facts about an ONNX file before onnxruntime opens it: that it is whole, that its weights lie in its own
folder, and how many bytes they honestly are.

The file is a protobuf message. It is walked here field by field, without building anything: its parsers make objects of
hundreds of bytes for messages of two.
"""

import mmap
import os
import re
import stat
from collections.abc import Iterator
from typing import Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.files import open_input
from archdsl.readers import Damaged

MOST_FIELDS: Final = 4_000_000
"""Fields of messages in one file; a node has about ten."""

_DEEPEST: Final = 64
"""Graphs inside one another."""

_INSIDE: Final = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""The fields of a message that are followed, and what they hold (onnx.proto)."""


def check_model(path: str) -> int:
    """Bytes of an ONNX file and of the files of weights that it names.

    Raises `ArchError` (E0830) for a file that is no whole model or names files outside its folder, `OSError` for one
    that cannot be opened.
    """
    name = os.path.basename(path)
    with open_input(path) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _refuse(f"{name} is no regular file", "a model is mapped from one")
        if not status.st_size:
            raise _refuse(f"{name} is not a complete ONNX model", "it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                locations = sorted(set(_locations(data)))
            except Damaged as error:
                raise _refuse(f"{name} is not a complete ONNX model", str(error)) from None
    total = status.st_size
    folder = os.path.realpath(os.path.dirname(path) or ".")
    for location in locations:
        total += _check_location(name, folder, location)
    return total


def _check_location(name: str, folder: str, location: str) -> int:
    """The size of a file of weights that a model names, which must be a plain file in its own folder or below."""
    shown = repr(location[:100])
    # Backslashes and drive letters are paths on other systems; nobody's weights need them.
    if not location or os.path.isabs(location) or re.search(r"[\\\x00]|^[A-Za-z]:", location):
        raise _refuse(f"{name} keeps weights at {shown}", "weights lie in the model's own folder, or below it")
    try:
        real = os.path.realpath(os.path.join(folder, location))
        status = os.stat(real) if real.startswith(folder.rstrip(os.sep) + os.sep) else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise _refuse(f"{name} keeps weights at {shown}, which cannot be read", reason) from None
    if status is None or not stat.S_ISREG(status.st_mode):
        raise _refuse(f"{name} keeps weights at {shown}", "weights lie in the model's own folder, or below it")
    return status.st_size


def _locations(data: "mmap.mmap | bytes") -> Iterator[str]:
    """The files that tensors of a model say their numbers are in. Raises `Damaged`."""
    budget = MOST_FIELDS
    pending: list[tuple[str, int, int, int]] = [("model", 0, len(data), 0)]
    graphs = 0
    while pending:
        kind, at, end, depth = pending.pop()
        graphs += kind == "graph" and depth == 1
        if depth > 4 * _DEEPEST:
            raise Damaged(f"its graphs are nested deeper than {_DEEPEST}")
        key, value = b"", b""
        inside = _INSIDE.get(kind, {})
        while at < end:
            budget -= 1
            if budget < 0:
                raise Damaged(f"it has more than {MOST_FIELDS:_} fields")
            tag, at = _varint(data, at, end)
            field, wire = tag >> 3, tag & 7
            if wire == 0:
                _, at = _varint(data, at, end)
            elif wire in (1, 5):
                at += 8 if wire == 1 else 4
            elif wire == 2:
                length, at = _varint(data, at, end)
                if length > end - at:
                    raise Damaged("it ends inside a field")
                if kind == "entry":
                    key, value = (data[at : at + length], value) if field == 1 else (key, data[at : at + length])
                elif field in inside:
                    pending.append((inside[field], at, at + length, depth + 1))
                at += length
            else:
                raise Damaged("it is no message of protocol buffers")
            if at > end or not field:
                raise Damaged("it ends inside a field" if at > end else "it is no message of protocol buffers")
        if kind == "entry" and key == b"location":
            yield value.decode("utf-8", "surrogateescape")
    if not graphs:
        raise Damaged("it has no graph")


def _varint(data: "mmap.mmap | bytes", at: int, end: int) -> tuple[int, int]:
    """Protobuf's variable-length integer, and where it ends."""
    number = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            break
    raise Damaged("it ends inside a number" if at >= end else "it is no message of protocol buffers")


def _refuse(message: str, note: str) -> ArchError:
    return ArchError([Diagnostic("E0830", message, None, notes=(note,))])
