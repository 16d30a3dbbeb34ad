"""What readers of files are given: small valid files, made in memory, that are cut, spoiled, or lie in their
headers."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

from strategies.programs import below

MODEL = """model m {
  input x: f32[N, 3, H, 8]
  conv(4, 3) as stem -> bn as norm -> relu -> global_avg_pool -> linear(5)
  output y
}
"""
"""The network that all of the files are for."""


@dataclass(frozen=True)
class File:
    """A file's ending, which says what it is given as, and its bytes."""

    kind: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.kind}: {self.data!r}"


NUMBERS = [
    "0", "1", "-1", "2", "3", "8", "64", "65536", "2147483647", "4294967296", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808",
    "1e400", "NaN", "1.5", "1" + "0" * 30, "null", "true", '""', '"x"', "[]", "{}", "[[[[[]]]]]", "()", "(", ")",
    ",", ":", "'", "None",
]  # fmt: skip
"""What may stand in place of a number, or of anything else, in a header."""

KEYS_TEXT = "features.*.norm.1.*   features.*.norm1.*     # each `*`\naux* -\nstem.weight stem.weight\nhead.* *\n"


@st.composite
def any_file(draw: st.DrawFn) -> File:
    """A file of any kind, mostly not quite right."""
    kinds = sorted(MADE)
    kind = kinds[draw(below(len(kinds)))]
    variants = MADE[kind]()
    data = variants[draw(below(len(variants)))]
    for _ in range(draw(below(4))):
        data = spoiled(draw, kind, data)
    return File(kind, data)


def spoiled(draw: st.DrawFn, kind: str, data: bytes) -> bytes:
    """Bytes changed in one place; in what has a header of text, mostly there."""
    spans = header(kind, data)
    how = draw(below(8 if spans else 6))
    if how >= 6:
        start, stop = spans
        return rewritten(draw, kind, data, start, stop)
    at = draw(below(len(data) + 1))
    if kind not in ("arch", "keys") and how < 4:
        # What is said about the rest stands in front.
        at = min(at, draw(below(96)))
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + bytes([draw(below(256))]) + data[at + 1 :]
    if how == 2:
        return (
            data[:at]
            + [b"\0", b"\xff", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"][draw(below(6))]
            + data[at:]
        )
    if how == 3:
        value = [0, 1, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63 - 1][draw(below(8))]
        size = [1, 2, 4, 8][draw(below(4))]
        order = "little" if draw(below(2)) == 0 else "big"
        return data[:at] + (value % 256**size).to_bytes(size, order) + data[at + size :]
    if how == 4:
        stop = at + draw(below(64))
        return data[:at] + data[stop:]
    other = draw(below(len(data) + 1))
    return data[:at] + data[other : other + draw(below(64))] + data[at:]


def header(kind: str, data: bytes) -> tuple[int, int] | None:
    """Where the header of text stands."""
    if kind == "npy" and data[:6] == b"\x93NUMPY" and len(data) > 10:
        return 10, 10 + int.from_bytes(data[8:10], "little")
    if kind == "safetensors" and len(data) > 8:
        return 8, min(8 + int.from_bytes(data[:8], "little"), len(data))
    if kind in ("keys", "arch"):
        return 0, len(data)
    return None


def rewritten(draw: st.DrawFn, kind: str, data: bytes, start: int, stop: int) -> bytes:
    """Data with a word of its header changed, and the length that stands before it mostly true."""
    parts = re.findall(r"\w+|\s+|.", data[start:stop].decode("latin-1"), re.DOTALL)
    if not parts:
        return data
    at = draw(below(len(parts)))
    how = draw(below(4))
    if how == 0:
        parts[at] = NUMBERS[draw(below(len(NUMBERS)))]
    elif how == 1:
        del parts[at]
    elif how == 2:
        parts.insert(at, parts[draw(below(len(parts)))])
    else:
        other = draw(below(len(parts)))
        parts[at], parts[other] = parts[other], parts[at]
    text = "".join(parts).encode("latin-1", "replace")
    rest = data[stop:]
    if draw(below(5)) == 0 or kind in ("keys", "arch"):
        return data[:start] + text + rest
    if kind == "npy":
        return data[:8] + len(text).to_bytes(2, "little", signed=False) + text + rest if len(text) < 65536 else data
    return len(text).to_bytes(8, "little") + text + rest


# ------------------------------------------------------------------------------------------------------ valid files


@cache
def npy() -> tuple[bytes, ...]:
    import numpy as np

    made: list[bytes] = []
    for array in (
        np.zeros((1, 3, 4, 8), np.float32), np.ones((2, 3, 2, 8)), np.zeros((1, 3, 4, 8), np.int64), np.zeros((3, 4,
        8), np.float16),
        np.array(1.5), np.zeros((0, 3, 4, 8), np.float32), np.zeros((1, 3, 4, 8), ">f4"),
        np.asfortranarray(np.zeros((1, 3, 4, 8), "f4")),
        np.zeros(3, bool), np.array(["a"]), np.zeros(2, [("a", "f4"), ("b", "i8")]), np.array(["2020-01-01"],
        "M8[D]"), np.zeros(2, complex),
    ):  # fmt: skip
        stream = io.BytesIO()
        np.save(stream, array)
        made.append(stream.getvalue())
    return tuple(made)


@cache
def images() -> tuple[bytes, ...]:
    from PIL import Image, features

    made: list[bytes] = []
    for mode, kinds in {
        "RGB": ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "PCX", "JPEG2000", "AVIF", "QOI"],
        "L": ["PNG", "JPEG", "BMP", "TIFF"], "1": ["PNG", "BMP"], "P": ["PNG", "GIF"], "RGBA": ["PNG", "WEBP",
        "DDS"], "I;16": ["PNG", "TIFF"],
        "CMYK": ["JPEG", "TIFF"], "F": ["TIFF"],
    }.items():  # fmt: skip
        for kind in kinds:
            stream = io.BytesIO()
            if kind == "AVIF" and not features.check("avif"):
                continue
            try:
                Image.new(mode, (9, 7), 1 if mode in "1LPF" or mode == "I;16" else 0).save(stream, kind)
            except (OSError, KeyError):
                continue  # this Pillow writes no such images
            made.append(stream.getvalue())
    return tuple(made)


@cache
def safetensors() -> tuple[bytes, ...]:
    import numpy as np

    arrays = dict(_weights())
    halves = {name: array.astype(np.float16) if array.dtype == np.float32 else array for name, array in arrays.items()}
    odd = {"a": np.zeros((2, 0), np.float32), "b": np.array(1.0), "stem.weight": np.zeros((4, 3, 3, 3), np.int8)}
    return tuple(packed(each) for each in (arrays, halves, odd, {}))


def packed(arrays: dict[str, object]) -> bytes:
    """A safetensors file, by the format's own description."""
    import numpy as np

    names = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64", "int8": "I8"}
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in arrays.items():
        plain = np.asarray(array)
        begin, data = len(data), data + plain.tobytes()
        entries[name] = {
            "dtype": names[plain.dtype.name],
            "shape": list(plain.shape),
            "data_offsets": [begin, len(data)],
        }
    head = json.dumps(entries).encode()
    return len(head).to_bytes(8, "little") + head + data


def _weights() -> list[tuple[str, object]]:
    import archdsl

    return list(archdsl.load(MODEL).weights().items())


@cache
def onnx_models() -> tuple[bytes, ...]:
    import onnx
    from onnx import TensorProto, helper

    import archdsl

    made = [archdsl.load(MODEL).onnx_model().SerializeToString()]
    for text in (
        "model m { input ids: i64[N, T]; embedding(5, 2); output y }",
        "model m { input a: f32[N, 4]; input b: f32[N, 4]; add { a | b }; output y; output z = relu }",
        "model m { input x: f32[N, 1, 2*H, 8*H]; max_pool(2); output y }",
    ):
        made.append(archdsl.load(text).onnx_model().SerializeToString())
    dims: list[list[object]] = [
        ["H - 100"],
        ["2*H", "H"],
        ["((((H**8)**8)**8)**8)"],
        [0],
        [-1],
        [10**12],
        ["1 // 0"],
        ["a" * 300],
        [None],
    ]
    for shape in dims:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)  # pyright: ignore[reportArgumentType]
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
        made.append(_saved(graph))
    for kind in (
        TensorProto.STRING,
        TensorProto.BOOL,
        TensorProto.BFLOAT16,
        TensorProto.UINT8,
        TensorProto.COMPLEX64,
        TensorProto.INT4,
    ):
        x = helper.make_tensor_value_info("x", kind, [2])
        y = helper.make_tensor_value_info("y", kind, [2])
        made.append(_saved(helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])
    sequence = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    made.append(_saved(helper.make_graph([helper.make_node("SequenceConstruct", ["x"], ["y"])], "g", [x], [sequence])))
    y = helper.make_tensor_value_info("y", TensorProto.STRING, None)
    made.append(
        _saved(helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)], "g", [x], [y]))
    )
    assert all(onnx.load_from_string(each).graph.node for each in made)
    return tuple(made)


def _saved(graph: object) -> bytes:
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])  # pyright: ignore[reportArgumentType]
    model.ir_version = 8
    return model.SerializeToString()


@cache
def specs() -> tuple[bytes, ...]:
    from strategies.mutations import texts

    return tuple(text.encode("utf-8", "surrogatepass") for text in texts()[:40])


MADE: dict[str, Callable[[], tuple[bytes, ...]]] = {
    "npy": npy,
    "png": images,
    "safetensors": safetensors,
    "onnx": onnx_models,
    "keys": lambda: (KEYS_TEXT.encode(), b"a b\n", b"* *\n", "\ufeffx* y*\n".encode(), b""),
    "arch": specs,
}
"""By ending, the valid files that others are made of."""
