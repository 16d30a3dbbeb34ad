"""ONNX models from programs: in memory (`onnx_model`) and as files (`write_onnx`, `export_onnx`). PyTorch is
never imported."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from archdsl.analysis.cost import cost
from archdsl.backends.onnx.graph import Skeleton, build
from archdsl.backends.onnx.node_emitter import ELEMENT_TYPES
from archdsl.backends.onnx.write import DEFAULT_THRESHOLD, Initializer, write_model
from archdsl.checked_session import KEY, written
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.ir.conditions import conditions
from archdsl.ir.lowering import DEFAULT_OPSET
from archdsl.ir.operator import Weight
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.version import __version__
from archdsl.weights.initial import NUMPY_TYPES
from archdsl.weights.tensors import fitted

if TYPE_CHECKING:
    from os import PathLike

    import onnx

OLDEST_OPSET: Final = 18

_IR_VERSIONS: Final = {18: 8, 19: 9, 20: 9, 21: 10, 22: 10}
"""ONNX IR version that came with each operator set (onnx/docs/Versioning.md): the oldest that may carry it,
so that older runtimes load the file."""


def onnx_model(
    program: Program,
    weights: Mapping[str, Any],
    *,
    opset: int = DEFAULT_OPSET,
    dtype: str = "f32",
    functions: bool = False,
    limits: Limits | None = None,
) -> "onnx.ModelProto":
    """The program in inference mode, with its weights inside.

    Initializers are named by path, nodes by the path of their operator (an output or initializer whose name
    an input has already gets a number: `x_2`); dimensions carry their exact
    expressions; train outputs and what only they need are left out. `weights` maps paths to arrays or
    tensors. With `dtype="f16"` weights, floating-point inputs, outputs and everything between are half
    precision (finite values beyond 65504 become 65504). With `functions` every block stays a model-local
    function. Equal arguments give equal bytes.

    Raises `ArchError`: E0820 (opset), E0821 (dtype), E0811 to E0813 (weights that do not fit), E0822 (a
    dimension that cannot be computed), E0910 (too many nodes), E0801 (onnx or numpy missing).
    """
    model, tensors = _prepare(program, weights, opset, dtype, functions, limits)
    for tensor in tensors:
        proto = model.graph.initializer.add()
        proto.ParseFromString(tensor.header)
        proto.raw_data = bytes(tensor.data())
    return model


def export_onnx(
    program: Program,
    weights: Mapping[str, Any],
    path: "str | PathLike[str]",
    *,
    opset: int = DEFAULT_OPSET,
    dtype: str = "f32",
    functions: bool = False,
    limits: Limits | None = None,
    external_threshold: int = DEFAULT_THRESHOLD,
) -> None:
    """`write_onnx(onnx_model(...), path)` without ever holding the weights twice: they go from the arrays to
    the file."""
    model, tensors = _prepare(program, weights, opset, dtype, functions, limits)
    write_model(require("onnx"), model, tensors, path, external_threshold)


def write_onnx(
    model: "onnx.ModelProto", path: "str | PathLike[str]", external_threshold: int = DEFAULT_THRESHOLD
) -> None:
    """Write a model to `path`, whole or not at all (see `write.write_model`). Raises `OSError`."""
    onnx = require("onnx")
    rest = onnx.ModelProto()
    for field, value in model.ListFields():
        if field.name != "graph":
            _copy_field(rest, field.name, value)
    for field, value in model.graph.ListFields():
        if field.name != "initializer":
            _copy_field(rest.graph, field.name, value)
    tensors: list[Initializer] = []
    for proto in model.graph.initializer:
        if not proto.HasField("raw_data"):
            rest.graph.initializer.add().CopyFrom(proto)
            continue
        tensors.append(_of_proto(onnx, proto))
    write_model(onnx, rest, tensors, path, external_threshold)


def _of_proto(onnx: Any, proto: Any) -> Initializer:
    header = onnx.TensorProto()
    for field, value in proto.ListFields():
        if field.name != "raw_data":
            _copy_field(header, field.name, value)
    text = header.SerializeToString(deterministic=True)
    return Initializer(text, len(proto.raw_data), lambda: memoryview(proto.raw_data))


def _copy_field(into: Any, name: str, value: Any) -> None:
    """Copy one field of any kind: repeated, message or scalar."""
    if hasattr(value, "CopyFrom"):
        getattr(into, name).CopyFrom(value)
    elif hasattr(value, "extend"):
        getattr(into, name).extend(value)
    else:
        setattr(into, name, value)


def _prepare(
    program: Program,
    weights: Mapping[str, Any],
    opset: int,
    dtype: str,
    functions: bool,
    limits: Limits | None,
) -> tuple[Any, list[Initializer]]:
    limits = limits or Limits()
    onnx = require("onnx")
    numpy = require("numpy")
    newest = onnx.defs.onnx_opset_version()
    whole = isinstance(opset, int)  # pyright: ignore[reportUnnecessaryIsInstance]: callers of the Python interface differ
    if not whole or not OLDEST_OPSET <= opset <= newest:
        _refuse("E0820", f"operator set {opset!r} is not one of {OLDEST_OPSET} to {newest}")
    if dtype not in ("f32", "f16"):
        _refuse("E0821", f"the number format {dtype} is not one of f32, f16")
    expected, arrays = fitted(program, weights, limits)
    skeleton = build(program, onnx, opset, dtype, functions, limits)
    _describe(skeleton, program, opset)
    tensors = [_of_proto(onnx, constant) for constant in skeleton.constants]
    for path, name in skeleton.weights.items():
        tensors.append(_of_array(onnx, numpy, name, arrays[path], expected[path], dtype))
    return skeleton.model, tensors


def _of_array(onnx: Any, numpy: Any, name: str, array: Any, weight: Weight, dtype: str) -> Initializer:
    stored = dtype if weight.dtype == "f32" else weight.dtype
    header = onnx.TensorProto()
    header.name = name
    header.dims.extend(weight.shape)
    header.data_type = ELEMENT_TYPES[stored]

    def data() -> memoryview:
        values = array
        if stored == "f16":
            finite = numpy.isfinite(values)
            values = numpy.where(finite, numpy.clip(values, -65504, 65504), values)
        values = numpy.ascontiguousarray(values, NUMPY_TYPES[stored]).reshape(-1)
        return memoryview(values).cast("B") if values.size else memoryview(b"")

    size = weight.elements * numpy.dtype(NUMPY_TYPES[stored]).itemsize
    return Initializer(header.SerializeToString(deterministic=True), size, data)


def _describe(skeleton: Skeleton, program: Program, opset: int) -> None:
    """Names, versions and facts about the spec, for whoever finds the file. The digest is that of the spec and the
    files that it imports, one after the other."""
    model = skeleton.model
    model.ir_version = _IR_VERSIONS.get(opset, 11)
    model.producer_name = "archdsl"
    model.producer_version = __version__
    model.graph.name = program.name
    model.graph.doc_string = program.entry.doc
    total = cost(program)
    arguments = {name: _plain(value) for name, value in program.entry.arguments.items()}
    digest = hashlib.sha256()
    for source in program.sources:
        digest.update(source.text.encode())
    facts = {
        "archdsl.version": __version__,
        "archdsl.model": program.name,
        "archdsl.parameters": json.dumps(arguments, ensure_ascii=False),
        "archdsl.spec_sha256": digest.hexdigest(),
        "archdsl.params": str(total.params),
        "archdsl.macs": str(total.macs),
        KEY: written(conditions(program)),
    }
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value


def _plain(value: object) -> object:
    """An argument as JSON: numbers, strings and lists as they are, anything else as its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        # Static values nest no deeper than the source's bracket limit.
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        return [_plain(item) for item in items]
    return str(value)


def _refuse(code: str, message: str) -> None:
    raise ArchError([Diagnostic(code, message, None)])
