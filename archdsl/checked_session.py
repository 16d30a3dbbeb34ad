"""Sessions of onnxruntime that know for which sizes a model has an answer.

An ONNX file that archdsl writes carries the conditions of its program (`ir.conditions`) in its metadata. onnxruntime
does not know them: it takes `2*H` to be any length, and answers with NaN where PyTorch refuses. A session made here is
an `onnxruntime.InferenceSession` in every respect, but that each of its ways to run looks at the shapes of the inputs
first and raises `ArchError` (E0833; E0834 for a binding whose shapes nobody can look at). A file without conditions,
from elsewhere, runs as it is. Arrays that no model of these inputs takes are refused in the same manner (E0831).
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.ir.conditions import broken
from archdsl.ir.operator import Need
from archdsl.records import record
from archdsl.types.dim_text import parse
from archdsl.types.dims import Dim, symbol

NUMPY_TYPES: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
"""onnxruntime's names of the kinds of tensors that can be fed -> numpy's."""

KEY: Final = "archdsl.conditions"
"""Key of the model's metadata."""

_LONGEST: Final = 1 << 20
_MOST: Final = 10_000


def written(needs: Sequence[Need]) -> str:
    """Conditions as the metadata holds them: a list of [dimension, least value, reason]."""
    return json.dumps([[str(need.dim), need.least, need.reason] for need in needs], ensure_ascii=False)


def read(text: str) -> tuple[Need, ...] | None:
    """Conditions as `written` wrote them; None for anything else, which any file may hold."""
    if len(text) > _LONGEST:
        return None
    try:
        entries: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entries, list) or len(entries) > _MOST:  # pyright: ignore[reportUnknownArgumentType]
        return None
    needs = [_need(entry) for entry in entries]  # pyright: ignore[reportUnknownVariableType]
    return None if None in needs else tuple(need for need in needs if need is not None)


def _need(entry: Any) -> Need | None:
    match entry:
        case [str() as text, int() as least, str() as reason]:
            dim = parse(text)
            return None if dim is None else Need(dim, least, reason)
        case _:
            return None


class Conditions:
    """The conditions of one session: `check` raises `ArchError` (E0833) for shapes that break one."""

    def __init__(self, inputs: Mapping[str, Sequence[Dim]], needs: Sequence[Need]) -> None:
        self._inputs = inputs
        self._needs = needs

    def check(self, shapes: Mapping[str, Sequence[int]]) -> None:
        found = broken(self._inputs, shapes, self._needs)
        if found is not None:
            message = f"the model has no answer for {found.sizes}"
            help = "other sizes are set with --dim NAME=SIZE, or with the arrays that are fed"
            raise ArchError([Diagnostic("E0833", message, None, notes=(found.reason,), help=help)])


def conditions_of(created: Any) -> Conditions | None:
    """The conditions that a session's model carries; None if it carries none. Raises `ArchError` (E0830) for ones that
    cannot be read."""
    message = "the model's metadata cannot be read"
    try:
        text = created.get_modelmeta().custom_metadata_map.get(KEY)
    except UnicodeDecodeError as error:
        note = f"byte {error.start} of a text is no UTF-8"
        raise ArchError([Diagnostic("E0830", message, None, notes=(note,))]) from None
    if text is None:
        return None
    needs = read(text)
    if needs is None:
        raise ArchError([Diagnostic("E0830", message, None, notes=(f"`{KEY}` is no list of conditions",))])
    inputs: dict[str, list[Dim]] = {}
    for number, entry in enumerate(created.get_inputs()):
        # An axis without a name, or with one that says no dimension, is of any length.
        dims = [parse(dim) if isinstance(dim, str) else dim for dim in entry.shape]
        inputs[entry.name] = [symbol(f"?{number}.{axis}") if dim is None else dim for axis, dim in enumerate(dims)]
    return Conditions(inputs, needs)


@record
class SessionInterface:
    """Kind and shape of a session's inputs by name, the names of inputs that need not be fed, and of the outputs."""

    inputs: Mapping[str, tuple[str, Sequence[int | str | None]]]
    optional: frozenset[str]
    outputs: tuple[str, ...]

    def check(self, wanted: Any, feed: Any) -> None:
        """Raise `ArchError` (E0831) for inputs that the model does not take and outputs that it does not have,
        `TypeError` for what is no mapping and no list."""
        if not isinstance(feed, Mapping):
            example = ", ".join(f'"{name}": ...' for name in self.inputs)
            raise TypeError(f"inputs are arrays by name, {{{example}}}, not {_a(feed)}")
        fed: Mapping[Any, Any] = feed  # pyright: ignore[reportUnknownVariableType]
        for name in fed:
            if name not in self.inputs and name not in self.optional:
                raise _unfit(f"the model has no input `{name}`", f"its inputs are {', '.join(self.inputs)}")
        for name, (kind, shape) in self.inputs.items():
            if name not in fed:
                raise _unfit(f"nothing is fed to the input `{name}`", f"its inputs are {', '.join(self.inputs)}")
            self._check_array(name, kind, shape, fed[name])
        if isinstance(wanted, str):
            raise TypeError(f"outputs are a list of names, or None for all: [{wanted!r}]")
        for name in wanted or ():
            if name not in self.outputs:
                raise _unfit(f"the model has no output `{name}`", f"its outputs are {', '.join(self.outputs)}")

    @staticmethod
    def _check_array(name: str, kind: str, shape: Sequence[int | str | None], value: Any) -> None:
        dtype = NUMPY_TYPES.get(kind)
        if dtype is None or hasattr(value, "data_type") or isinstance(value, list):
            return  # sequences and maps of other files, `OrtValue`s, lists: onnxruntime knows what it takes
        if not hasattr(value, "dtype") or not hasattr(value, "shape"):
            raise _unfit(f"the input `{name}` takes an array of {dtype}, and not {_a(value)}")
        if str(value.dtype) != dtype:
            help = f"`array.astype(numpy.{dtype})` converts it"
            raise _unfit(f"the input `{name}` takes {dtype}, and {value.dtype} is fed", help=help)
        given = tuple(value.shape)
        lengths = zip(shape, given, strict=False)
        if len(given) != len(shape) or any(isinstance(dim, int) and dim != length for dim, length in lengths):
            declared = ", ".join("?" if dim is None else str(dim) for dim in shape)
            raise _unfit(f"the input `{name}` is of shape [{declared}], and {list(given)} is fed")


def _a(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _unfit(message: str, note: str = "", help: str = "") -> ArchError:
    return ArchError([Diagnostic("E0831", message, None, notes=(note,) if note else (), help=help)])


@cache
def session_class(runtime: Any) -> Any:
    """The class of checked sessions for an imported onnxruntime."""

    class Binding(runtime.IOBinding):
        """Remembers the shapes of what is bound."""

        def __init__(self, session: Any) -> None:
            parent: Any = super()
            parent.__init__(session)
            self.shapes: dict[str, Sequence[int]] = {}

        def __repr__(self) -> str:
            bound = ", ".join(f"{name}: {list(shape)}" for name, shape in self.shapes.items())
            return f"<inputs of an archdsl session: {bound or 'nothing is bound'}>"

        def bind_cpu_input(self, name: str, arr_on_cpu: Any) -> None:
            parent: Any = super()
            parent.bind_cpu_input(name, arr_on_cpu)
            self.shapes[name] = _shape(arr_on_cpu)

        def bind_input(
            self, name: str, device_type: Any, device_id: Any, element_type: Any, shape: Any, buffer_ptr: Any
        ) -> None:
            parent: Any = super()
            parent.bind_input(name, device_type, device_id, element_type, shape, buffer_ptr)
            self.shapes[name] = tuple(shape)

        def bind_ortvalue_input(self, name: str, ortvalue: Any) -> None:
            parent: Any = super()
            parent.bind_ortvalue_input(name, ortvalue)
            self.shapes[name] = _shape(ortvalue)

        def clear_binding_inputs(self) -> None:
            parent: Any = super()
            parent.clear_binding_inputs()
            self.shapes.clear()

    class CheckedSession(runtime.InferenceSession):
        """An `InferenceSession` that refuses inputs of sizes for which its model has no answer."""

        conditions: Conditions | None = None
        _interface: SessionInterface | None = None

        def __repr__(self) -> str:
            own: Any = self
            inputs = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in own.get_inputs())
            outputs = ", ".join(each.name for each in own.get_outputs())
            return f"<onnxruntime session of archdsl, {inputs} -> {outputs}, {own.get_providers()[0]}>"

        def run(self, output_names: Any, input_feed: Any, run_options: Any = None) -> Any:
            self._check_feed(output_names, input_feed)
            parent: Any = super()
            return parent.run(output_names, input_feed, run_options)

        def run_async(
            self, output_names: Any, input_feed: Any, callback: Any, user_data: Any, run_options: Any = None
        ) -> Any:
            self._check_feed(output_names, input_feed)
            parent: Any = super()
            return parent.run_async(output_names, input_feed, callback, user_data, run_options)

        def run_with_ort_values(self, output_names: Any, input_dict_ort_values: Any, run_options: Any = None) -> Any:
            self._check(input_dict_ort_values)
            parent: Any = super()
            return parent.run_with_ort_values(output_names, input_dict_ort_values, run_options)

        def run_with_ortvaluevector(
            self, run_options: Any, feed_names: Any, feeds: Any, fetch_names: Any, fetches: Any, fetch_devices: Any
        ) -> Any:
            self._check(dict(zip(feed_names, feeds, strict=True)))
            parent: Any = super()
            return parent.run_with_ortvaluevector(run_options, feed_names, feeds, fetch_names, fetches, fetch_devices)

        def run_with_iobinding(self, iobinding: Any, run_options: Any = None) -> None:
            """A binding that the session's own `io_binding` made: no other tells what it holds (E0834)."""
            if self.conditions is not None:
                if not isinstance(iobinding, Binding):
                    message = "the sizes of what this IOBinding holds are not known"
                    help = "make it with the session's own method: `binding = session.io_binding()`"
                    raise ArchError([Diagnostic("E0834", message, None, help=help)])
                self.conditions.check(iobinding.shapes)
            parent: Any = super()
            parent.run_with_iobinding(iobinding, run_options)

        def io_binding(self) -> Any:
            return Binding(self)

        def _check_feed(self, wanted: Any, feed: Any) -> None:
            own: Any = self
            if self._interface is None:
                inputs = {each.name: (each.type, each.shape) for each in own.get_inputs()}
                optional = frozenset(each.name for each in own.get_overridable_initializers())
                self._interface = SessionInterface(inputs, optional, tuple(each.name for each in own.get_outputs()))
            self._interface.check(wanted, feed)
            self._check(feed)

        def _check(self, feed: Mapping[str, Any]) -> None:
            if self.conditions is not None:
                self.conditions.check({name: _shape(value) for name, value in feed.items()})

    return CheckedSession


def _shape(value: Any) -> tuple[int, ...]:
    """The shape of an array, of an `OrtValue`, or of nested lists, which onnxruntime takes too."""
    shape: Any = getattr(value, "shape", None)
    if shape is None:
        from archdsl.extras import require

        shape = require("numpy").shape(value)
    found: Any = shape() if callable(shape) else shape
    return tuple(found)
