"""Running ONNX models on onnxruntime: sessions on the device that was asked for, inputs from files or at
random."""

import os
import tempfile
from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any, Final, cast

from archdsl.checked_session import NUMPY_TYPES, conditions_of, session_class
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.feeds import InputSpec, make_feeds
from archdsl.ir.flatten import flatten
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.readers.onnx_file import check_model
from archdsl.records import described, record

if TYPE_CHECKING:
    import numpy
    import onnxruntime

    Array = numpy.ndarray[Any, Any]

PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Device names of the command line -> onnxruntime's providers."""

_NO_NUMBERS: Final = ("sequence", "map", "nothing", "text")
"""The kinds of outputs that have no range."""

_LARGEST_MESSAGE: Final = 1 << 30
"""Bytes of weights above which a model reaches onnxruntime through files: a protobuf message ends at 2
GiB."""


def session(model: Any, device: str = "cpu") -> "onnxruntime.InferenceSession":
    """A session for a `ModelProto`, or for the path of an `.onnx` file, on `device` ("cpu" or "cuda").

    It is an `InferenceSession` that first looks whether a model of ours has an answer for the shapes that it is given
    (E0833, see `checked_session`).

    On "cuda" operators that have no CUDA kernel run on the CPU, as onnxruntime always does; a provider that
    is missing or fails to start is an error. Raises `ArchError`: E0802 (provider), E0830 (model refused),
    E0801 (onnxruntime missing); `OSError` for a file that cannot be opened, `ValueError` for another device.

    What a model asks for while it is loaded or run, time and memory, has no bound here: `archdsl run` sets one, by
    running a foreign file in a process of its own.
    """
    if device not in PROVIDERS:
        raise ValueError(f"the device is one of {', '.join(PROVIDERS)}, not {device!r}")
    runtime = require("onnxruntime")
    provider = PROVIDERS[device]
    if provider not in runtime.get_available_providers():
        raise _missing(device, f"the installed onnxruntime {runtime.__version__} does not have it")
    if isinstance(model, str | os.PathLike):
        path = str(os.fspath(model))  # pyright: ignore[reportUnknownArgumentType]
        check_model(path)
        return _create(runtime, path, device, os.path.basename(path))
    name = model.graph.name or "the model"
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) < _LARGEST_MESSAGE:
        return _create(runtime, model.SerializeToString(deterministic=True), device, name)
    from archdsl.backends.onnx.export import write_onnx

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.onnx")
        write_onnx(model, path, 0)
        return _create(runtime, path, device, name)


def _create(runtime: Any, source: Any, device: str, name: str) -> Any:
    provider = PROVIDERS[device]
    wanted = [provider] if device == "cpu" else [provider, PROVIDERS["cpu"]]
    options = runtime.SessionOptions()
    # Errors only: what onnxruntime remarks about its own optimisations is no use to the reader.
    options.log_severity_level = 3
    try:
        created = session_class(runtime)(source, options, providers=wanted)
    except Exception as error:  # onnxruntime's exceptions share no base class of their own
        message = f"onnxruntime {runtime.__version__} refuses {name}"
        raise ArchError([Diagnostic("E0830", message, None, notes=(_first_lines(error),))]) from None
    if created.get_providers()[:1] != [provider]:
        raise _missing(device, f"it fails to start; onnxruntime offers {', '.join(created.get_providers())}")
    created.disable_fallback()
    created.conditions = conditions_of(created)
    return created


def provider_of(created: "onnxruntime.InferenceSession") -> str:
    """The provider that a session runs on (`CPUExecutionProvider`)."""
    used: Any = created
    return used.get_providers()[0]


def inputs_of(created: "onnxruntime.InferenceSession") -> tuple[InputSpec, ...]:
    """Names, dtypes and shapes of a session's inputs; a symbolic dimension is its text."""
    specs: list[InputSpec] = []
    for number, (name, kind, lengths) in enumerate(_entries(created, "get_inputs")):
        dtype = NUMPY_TYPES.get(kind)
        if dtype is None:
            message = f"the input {name} is of type {kind}, which cannot be fed"
            raise ArchError([Diagnostic("E0831", message, None)])
        shape = [dim if isinstance(dim, int | str) else f"?{number}.{axis}" for axis, dim in enumerate(lengths)]
        specs.append(InputSpec(name, dtype, tuple(shape)))
    return tuple(specs)


def _entries(created: Any, which: str) -> list[tuple[str, str, list[Any]]]:
    """Name, type and shape of a session's inputs (`get_inputs`) or outputs. They come from the file, and its
    texts need be none: `ArchError` (E0830) then."""
    try:
        return [(entry.name, entry.type, list(entry.shape or ())) for entry in getattr(created, which)()]
    except Exception as error:  # a UnicodeDecodeError, or whatever a type without a shape raises
        message = "onnxruntime cannot say what the model's inputs and outputs are called"
        raise ArchError([Diagnostic("E0830", message, None, notes=(_first_lines(error),))]) from None


def feeds(
    created: "onnxruntime.InferenceSession",
    given: Mapping[str, str] | None = None,
    *,
    dims: Mapping[str, int] | None = None,
    seed: int = 0,
    bounds: Mapping[str, int] | None = None,
) -> "dict[str, Array]":
    """Arrays for every input of a session; see `feeds.make_feeds`."""
    return make_feeds(inputs_of(created), given or {}, dims=dims or {}, seed=seed, bounds=bounds or {})


def index_bounds(program: Program, limits: Limits | None = None) -> dict[str, int]:
    """Exclusive upper bounds of the integer inputs that are looked up in a table: the rows of the smallest
    table that an input goes into directly. An input that goes into none is not listed."""
    bounds: dict[str, int] = {}
    named = {value: value.name for value in program.inputs if not value.type.is_float}
    if not named:
        return bounds
    for flat in flatten(program, limits or Limits()):
        for name in [named[value] for value in flat.inputs if value in named]:
            for weight in flat.op.weights(*(value.type for value in flat.inputs)):
                if weight.role == "embedding":
                    bounds[name] = min(weight.shape[0], bounds.get(name, weight.shape[0]))
    return bounds


def run(created: "onnxruntime.InferenceSession", inputs: "Mapping[str, Array] | Sequence[Array]") -> "dict[str, Array]":
    """Outputs by name, in the model's order. `inputs` are arrays by name, or in order. Raises `ArchError`
    (E0832) when onnxruntime stops, (E0833) for sizes without an answer."""
    untyped: Any = created
    options = require("onnxruntime").RunOptions()
    options.log_severity_level = 4  # what fails is raised, and need not be printed as well
    named = inputs if isinstance(inputs, Mapping) else _in_order(untyped, inputs)
    names = [name for name, _, _ in _entries(untyped, "get_outputs")]
    try:
        results: list[Any] = untyped.run(None, dict(named), options)
    except ArchError:
        raise
    except Exception as error:  # onnxruntime's exceptions share no base class of their own
        message = "the model failed while running"
        raise ArchError(
            [Diagnostic("E0832", message, None, notes=(_first_lines(error),), help=_sizes(untyped, named))]
        ) from None
    return dict(zip(names, results, strict=True))


def _sizes(created: Any, named: "Mapping[str, Array]") -> str:
    """The sizes of the symbolic dimensions but the batch in a run that failed, since one of them may be why."""
    entries = _entries(created, "get_inputs")
    batch = entries[0][2][0] if entries and entries[0][2] else None
    found: dict[str, int] = {}
    for name, _, shape in entries:
        array = named.get(name)
        if array is not None and len(array.shape) == len(shape):
            pairs = zip(shape, array.shape, strict=True)
            found.update((dim, length) for dim, length in pairs if isinstance(dim, str) and dim != batch)
    sizes = ", ".join(f"{name} = {length}" for name, length in found.items())
    return f"it ran with {sizes}; other sizes are set with --dim NAME=SIZE" if found else ""


def _in_order(created: Any, inputs: "Sequence[Array]") -> "dict[str, Array]":
    return dict(zip([name for name, _, _ in _entries(created, "get_inputs")], inputs, strict=True))


@record
class Description:
    """The summary of an output. `top` holds, for scores `[N, classes]`, the five best (class, score) of the first
    sample, best first. An output of texts, a sequence or a map has no range, which is NaN; a sequence says how long it
    is."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    minimum: float
    maximum: float
    mean: float
    top: tuple[tuple[int, float], ...] = ()

    __repr__ = described

    @property
    def range_text(self) -> str:
        """`, min 0, max 1, mean 0.5`; "" where there are no numbers."""
        if self.dtype in _NO_NUMBERS:
            return ""
        return f", min {self.minimum:.6g}, max {self.maximum:.6g}, mean {self.mean:.6g}"


def describe(name: str, array: Any) -> Description:
    """Shape and range of an output; NaN where it is empty or holds no numbers. ONNX files of other origin give lists,
    dictionaries and texts too."""
    numpy = require("numpy")
    nan = float("nan")
    if isinstance(array, list | dict):
        items = len(cast("Sized", array))
        return Description(name, "sequence" if isinstance(array, list) else "map", (items,), nan, nan, nan)
    if array is None:
        return Description(name, "nothing", (), nan, nan, nan)
    array = numpy.asarray(array)
    if array.dtype.kind not in "fiub":
        dtype = "text" if array.dtype.kind in "OUS" else str(array.dtype)
        return Description(name, dtype, tuple(array.shape), nan, nan, nan)
    values = numpy.asarray(array, numpy.float64)
    low, high, mean = (values.min(), values.max(), values.mean()) if values.size else (nan, nan, nan)
    top: tuple[tuple[int, float], ...] = ()
    if values.ndim == 2 and values.shape[0] > 0 and values.shape[1] > 1:
        # Stable, so that equal scores are listed by class.
        best = numpy.argsort(-values[0], kind="stable")[:5]
        top = tuple((int(index), float(values[0, index])) for index in best)
    return Description(name, str(array.dtype), tuple(array.shape), float(low), float(high), float(mean), top)


def _missing(device: str, reason: str) -> ArchError:
    help = (
        "install the GPU build in place of the CPU build: `pip uninstall onnxruntime` and `pip install onnxruntime-gpu`"
    )
    message = f"onnxruntime cannot run on {device}"
    return ArchError([Diagnostic("E0802", message, None, notes=(reason,), help=help if device == "cuda" else "")])


def _first_lines(error: Exception) -> str:
    """onnxruntime's words, cut: it can quote whole graphs."""
    return " ".join(str(error).split())[:400]
