"""ONNX files, streamed: a model is written field by field from its skeleton and the weights' own buffers.

A `ModelProto` with its weights inside costs a copy when it is filled and another when it is serialised. Here
the skeleton is serialised alone and each weight follows as one more `initializer` of its graph: protobuf lets
the elements of a repeated field stand anywhere in their message, so the file is an ordinary one.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from archdsl.files import AtomicFile, real_path, write_atomic
from archdsl.records import record

DEFAULT_THRESHOLD: Final = 1 << 30
"""Bytes of weights from which they go to a file of their own: half of what a protobuf message can hold."""

_PROTOBUF_LIMIT: Final = (1 << 31) - (1 << 26)
"""Bytes of weights that fit into one message of 2 GiB with room for the graph; a higher threshold means this
one."""

_SMALLEST_EXTERNAL: Final = 1024
"""Tensors below this size stay in the model, so that shapes and scalars can be read without the data file."""

_ALIGNMENT: Final = 4096
"""Tensors start at page boundaries, as ONNX recommends, so that runtimes can map the file."""

_GRAPH, _INITIALIZER, _RAW_DATA = b"\x3a", b"\x2a", b"\x4a"
"""Tags of length-delimited fields: `ModelProto.graph` 7, `GraphProto.initializer` 5, `TensorProto.raw_data`
9."""


@record
class Initializer:
    """One initializer: its serialised `TensorProto` without data, the size of the data in bytes, and the
    data."""

    header: bytes
    size: int
    data: Callable[[], memoryview]


def write_model(
    onnx: Any, model: Any, tensors: list[Initializer], path: "str | os.PathLike[str]", external_threshold: int
) -> None:
    """Write `model` with `tensors` as further initializers to `path`.

    When the weights exceed `external_threshold` bytes they go to `STEM-HASH.data` beside it, named by its
    contents, which is complete on disk before the model that refers to it replaces the old one: at any moment
    the path holds the old model with its old data or the new model with its new data. A data file that no
    model refers to any more is left alone.

    Raises `OSError`; nothing is left behind then but, at worst, an unused data file.
    """
    total = sum(tensor.size for tensor in tensors)
    if total > min(external_threshold, _PROTOBUF_LIMIT):
        tensors = _write_external(onnx, tensors, str(os.fspath(path)))
    write_atomic(path, _chunks(model, tensors))


def _chunks(model: Any, tensors: list[Initializer]) -> Iterator[bytes | memoryview]:
    graph = model.graph.SerializeToString(deterministic=True)
    rest = type(model)()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    length = len(graph)
    heads: list[bytes] = []
    for tensor in tensors:
        data = _RAW_DATA + _varint(tensor.size) if tensor.size else b""
        body = _varint(len(tensor.header) + len(data) + tensor.size)
        heads.append(_INITIALIZER + body + tensor.header + data)
        length += len(heads[-1]) + tensor.size
    yield rest.SerializeToString(deterministic=True)
    yield _GRAPH + _varint(length)
    yield graph
    for head, tensor in zip(heads, tensors, strict=True):
        yield head
        if tensor.size:
            yield _data(tensor)


def _write_external(onnx: Any, tensors: list[Initializer], path: str) -> list[Initializer]:
    """Write the data file; the tensors as the model is to hold them."""
    directory, name = os.path.split(real_path(path))
    places: list[tuple[int, Initializer]] = []
    digest = hashlib.sha256()
    position = 0
    with AtomicFile(directory) as file:
        for tensor in tensors:
            if tensor.size < _SMALLEST_EXTERNAL:
                places.append((-1, tensor))
                continue
            gap = bytes(-position % _ALIGNMENT)
            data = _data(tensor)
            for chunk in (gap, data):
                digest.update(chunk)
                file.write(chunk)
            places.append((position + len(gap), tensor))
            position += len(gap) + tensor.size
        location = f"{data_stem(name)}-{digest.hexdigest()[:16]}.data"
        file.name = location
    return [_external(onnx, tensor, location, offset) if offset >= 0 else tensor for offset, tensor in places]


def _external(onnx: Any, tensor: Initializer, location: str, offset: int) -> Initializer:
    proto = onnx.TensorProto()
    proto.ParseFromString(tensor.header)
    proto.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(tensor.size))):
        entry = proto.external_data.add()
        entry.key, entry.value = key, value
    return Initializer(proto.SerializeToString(deterministic=True), 0, lambda: memoryview(b""))


def data_stem(name: str) -> str:
    """The first part of a data file's name: plain letters whatever the model is called, so that the location
    inside the model can never name another directory on any system."""
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", os.path.splitext(name)[0])
    return stem.lstrip(".-")[:128] or "model"


def _data(tensor: Initializer) -> memoryview:
    data = tensor.data()
    if len(data) != tensor.size:
        raise AssertionError("a weight's data has another size than its shape says")
    return data


def _varint(number: int) -> bytes:
    """Protobuf's variable-length integer."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
