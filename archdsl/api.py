"""The Python interface: load a spec, get a network, ask it for what you need.

Every question is answered when it is asked: counting imports neither torch nor onnx nor numpy.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from archdsl.diagnostics.model import ArchError, Diagnostic, Sink
from archdsl.ir.lowering import DEFAULT_OPSET
from archdsl.ir.program import Program
from archdsl.limits import Ledger, Limits

if TYPE_CHECKING:
    import numpy
    import onnx
    import onnxruntime
    import torch

    from archdsl.analysis.cost import Cost
    from archdsl.analysis.count_report import Report, Style
    from archdsl.analysis.field import AxisField
    from archdsl.analysis.figures import Cell
    from archdsl.analysis.memory import Memory
    from archdsl.elaborate.module import Module
    from archdsl.ir.operator import Need
    from archdsl.types.dims import Dim
    from archdsl.verify import Verification

T = TypeVar("T")

Keys = str | os.PathLike[str] | Mapping[str, str | None]
"""How the names of weights are changed: the path of a key map, or the path in the model by the name in the file, None
for a tensor that is left out."""


def load(
    spec: str | os.PathLike[str],
    model: str | None = None,
    *,
    dims: Mapping[str, int] | None = None,
    limits: Limits | None = None,
    **parameters: object,
) -> "Network":
    """Load one model of a spec.

    `spec` is a path, the name of a network that comes with archdsl (`"resnet"`, see `archdsl specs`), or the text of a
    spec: a string with a line break or a brace in it is text. `model` names the model where the file has several; it
    may also follow a path, as on the command line ("zoo.arch:vgg16"). `dims` fixes
    symbolic dimensions of the inputs (`{"H": 320}`). The other keyword arguments are the model's own parameters
    (`depth=101`).

    Raises `ArchError`, which carries every diagnostic found and prints them as text. Warnings are in
    `Network.warnings`.
    """
    limits = checked_limits(limits)
    sink = Sink()
    path, is_text, named = locate(spec)
    dims = checked_sizes(dims)
    if model is not None and not isinstance(model, str):  # pyright: ignore[reportUnnecessaryIsInstance]: callers differ
        raise TypeError(f"model is a name, not {model!r}")
    module = load_module(path, sink, limits, is_text=is_text)
    return network(module, model or named, parameters, dims, sink, limits)


def checked_limits(limits: object) -> Limits:
    """The argument `limits` of a call. Raises `TypeError` for anything but `Limits` and None."""
    if limits is None:
        return Limits()
    if not isinstance(limits, Limits):
        raise TypeError(f"limits is an archdsl.Limits, such as Limits(steps=10_000_000), not {limits!r}")
    return limits


def checked_sizes(dims: Any) -> Mapping[str, int]:
    """The argument `dims` of a call. Raises `TypeError` for anything but a mapping of names to ints, and None."""
    if dims is None:
        return {}
    if not isinstance(dims, Mapping) or not all(isinstance(name, str) for name in dims):  # pyright: ignore[reportUnknownVariableType]
        raise TypeError(f'dims maps names of symbolic dimensions to sizes, such as {{"H": 320}}, and is not {dims!r}')
    return dims  # pyright: ignore[reportUnknownVariableType]


def locate(spec: str | os.PathLike[str]) -> tuple[str, bool, str | None]:
    """The meaning of the argument `spec` of `load`: a path, or a text and true; and the model that a path names."""
    if isinstance(spec, str) and any(sign in spec for sign in "\n{"):
        return spec, True, None
    path, model = split_target(os.fspath(spec))
    return path, False, model


def split_target(text: str) -> tuple[str, str | None]:
    """Path and model of `FILE[:MODEL]`, where a bare word may name a network that comes with archdsl. A file whose own
    name has a colon in it is taken whole."""
    from archdsl import zoo

    path, colon, model = text.rpartition(":")
    if not colon or not path or not model.isidentifier() or os.path.exists(text):
        return zoo.locate(text)
    return zoo.locate(path)[0], model


def load_module(spec: str, sink: Sink, limits: Limits, *, is_text: bool = False, name: str = "<string>") -> "Module":
    """A parsed file with its imports. Raises `ArchError` when it has errors; warnings stay in the sink."""
    from archdsl.elaborate import loader

    module = None
    if is_text:
        module = loader.load_text(spec, sink, limits, name=name)
    elif is_spec(spec, sink):
        module = loader.load_file(spec, sink, limits)
    sink.raise_errors()
    assert module is not None
    return module


_OTHER_FILES = {
    ".onnx": ("an ONNX model", "`archdsl run` runs it; everything else starts from the .arch file that it came from"),
    ".py": ("Python", "`archdsl compile` writes PyTorch source from a spec, and nothing reads it back"),
    **dict.fromkeys(
        (".safetensors", ".pt", ".pth"),
        ("a file of weights", "`compile`, `run` and `verify` take weights beside a spec: --weights"),
    ),
}
"""Endings of files that are sometimes given in place of a spec, what they hold, and what to do with them."""


def is_spec(path: str, sink: Sink) -> bool:
    """Whether a file may be a spec by its name; if not, that is reported (E0607)."""
    what, help = _OTHER_FILES.get(os.path.splitext(path)[1].lower(), ("", ""))
    if what:
        sink.add(Diagnostic("E0607", f"`{path}` is {what}, and a spec (.arch) is needed", None, help=help))
    return not what


def network(
    module: "Module",
    model: str | None,
    parameters: Mapping[str, object],
    dims: Mapping[str, int],
    sink: Sink,
    limits: Limits,
    file: Ledger | None = None,
) -> "Network":
    """One model of a module, elaborated on the account of its file, if any. Raises `ArchError` when it has errors."""
    from archdsl.elaborate.model import elaborate

    chosen = choose_model(module, model)
    program = elaborate(module, chosen, parameters, dims, sink, limits, file)
    sink.raise_errors()
    assert program is not None
    return Network(program, tuple(sink.found), limits, file)


def choose_model(module: "Module", model: str | None) -> str:
    """The model that is meant. Raises `ArchError` (E0612, E0613, E0614) where that is none or not clear."""
    names = list(module.models)
    name = module.source.name
    if model is not None:
        if model in module.models:
            return model
        from archdsl.elaborate.report import did_you_mean

        _refuse(
            "E0612",
            f"no model `{model}` in {name}",
            notes=(f"models: {', '.join(names)}",) if names else (f"{name} has no models",),
            help=did_you_mean(model, names),
        )
    if not names:
        _refuse("E0614", f"no model in {name}", help="a model has an `input` and starts with the word `model`")
    if len(names) > 1:
        _refuse(
            "E0613",
            f"{name} has {len(names)} models",
            notes=(f"models: {', '.join(names)}",),
            help=f"name one: {name}:{names[0]}",
        )
    return names[0]


def _refuse(code: str, message: str, notes: Sequence[str] = (), help: str = "") -> NoReturn:
    raise ArchError([Diagnostic(code, message, None, notes=tuple(notes), help=help)])


class Network:
    """One model of a spec under given parameters.

    `program` is its intermediate representation, `warnings` what the compiler remarked on the way.
    """

    def __init__(
        self, program: Program, warnings: tuple[Diagnostic, ...], limits: Limits, file: Ledger | None = None
    ) -> None:
        self.program = program
        self.warnings = warnings
        self.limits = limits
        self.file = file

    @property
    def name(self) -> str:
        """The model's name."""
        return self.program.name

    def __repr__(self) -> str:
        inputs = ", ".join(f"{value.name}: {value.type}" for value in self.program.inputs)
        return f"<archdsl network {self.program.entry!r}, {inputs}>"

    def cost(self) -> "Cost":
        """Parameters, buffers, MACs, FLOPs and activations, exact, per sample."""
        from archdsl.analysis.cost import cost

        return cost(self.program)

    def memory(self) -> "Memory":
        """Bytes of weights, of values at once at inference, of what PyTorch keeps for the backward pass, and of
        traffic."""
        from archdsl.analysis.memory import memory

        return memory(self.program)

    def conditions(self, training: bool = False) -> "tuple[Need, ...]":
        """Conditions on the sizes for the network to have an answer, beyond that each symbol is 1 or more: `dim` is to
        be `least` or more, for the `reason`. With `training` also those that PyTorch has to train it."""
        from archdsl.ir.conditions import conditions

        return conditions(self.program, training)

    def training_macs(self) -> "Dim":
        """Multiply-accumulates of forward and backward pass for one sample: no input gradient where nothing learned is
        above."""
        from archdsl.analysis.training import TrainingModel
        from archdsl.types.dims import substitute

        symbol = self.program.batch_symbol
        return substitute(TrainingModel(self.program).macs, {symbol: 1} if symbol else {})

    def receptive_field(self, label: str) -> "tuple[AxisField, ...]":
        """The positions of the inputs that one position of a value depends on at inference, along each spatial axis:
        size, stride, and where the first one starts. `label` names an input, an output, a labelled value, or a layer by
        its path (`layer1.0.conv1`).

        Raises `ArchError` (E0201) for another name.
        """
        from archdsl.analysis.field import FieldModel

        if not isinstance(label, str):  # pyright: ignore[reportUnnecessaryIsInstance]: callers differ
            raise TypeError(f"label is a name or a path, not {label!r}")
        model = FieldModel(self.program)
        row = model.find(label)
        if row is None:
            from archdsl.elaborate.report import did_you_mean

            labels = {*self.program.entry.labels, *(output.name for output in self.program.outputs)}
            notes = (f"its labels are {', '.join(sorted(labels))}",) if labels else ()
            _refuse("E0201", f"the model has no label `{label}`", notes=notes, help=did_you_mean(label, labels))
        return model.field(row)

    def table(
        self,
        depth: int = 1,
        format: str = "text",
        *,
        columns: Sequence[str] | None = None,
        sort: str = "",
        convention: str = "archdsl",
        caption: str | None = None,
        label: str | None = None,
        exact: bool = False,
    ) -> str:
        """The table that `archdsl count` prints, blocks opened `depth` levels deep; `format` is text, json, csv,
        markdown or latex, `columns` and `sort` are names that `archdsl count --help` lists, `convention` says whose
        count to reproduce. Of LaTeX alone: `caption` (LaTeX itself) and `label`, those of the model if None and none
        if empty, and `exact`, for figures to the unit and not in M, G or MiB.

        Raises `ArchError` (E0911) where a block would be opened past `limits.nodes` rows, `ValueError` for a format,
        column or convention that there is not, and for a caption or label that LaTeX could not read.
        """
        from archdsl.analysis.count_report import FORMATS, render

        if (caption, label, exact) != (None, None, False):
            from archdsl.analysis.paper import wrong

            if format != "latex":
                raise ValueError(f"caption, label and exact are for the format latex, not {format!r}")
            for fault in (wrong("caption", caption), wrong("label", label)):
                if fault:
                    raise ValueError(fault)
        if format not in FORMATS:
            raise ValueError(f"format is one of {', '.join(FORMATS)}, not {format!r}")

        def write(found: "Report", style: "Style") -> str:
            style.caption, style.label, style.exact = caption, label, exact
            return render([found], format, style)

        return self._laid_out(write, depth, columns, sort, convention)

    def rows(
        self,
        depth: int = 1,
        *,
        columns: Sequence[str] | None = None,
        sort: str = "",
        convention: str = "archdsl",
    ) -> "list[dict[str, Cell]]":
        """The rows of `table` as data: for each layer its cells by the names of the columns. A figure is an int, or a
        formula in the symbolic dimensions (`figure.evaluate(T=1024)`), a ratio a `Fraction`, and what a column has
        nothing to say of is None. The arguments, and what is raised, are those of `table`."""
        from archdsl.analysis.count_report import cells

        return self._laid_out(cells, depth, columns, sort, convention)

    def _laid_out(
        self,
        write: "Callable[[Report, Style], T]",
        depth: int,
        columns: Sequence[str] | None,
        sort: str,
        convention: str,
    ) -> "T":
        """The text that `write` makes of this network's table."""
        from archdsl.analysis.columns import NoColumn
        from archdsl.analysis.cost import OWN_CONVENTION
        from archdsl.analysis.count_report import Style, report

        if not isinstance(depth, int) or isinstance(depth, bool) or depth < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"depth is a number of levels, not {depth!r}")
        if isinstance(columns, str) or not (columns is None or isinstance(columns, Sequence)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f'columns is a list of names, such as ["path", "params"], not {columns!r}')
        if convention != OWN_CONVENTION:
            from archdsl.analysis import conventions

            if convention not in conventions.names():
                raise ValueError(f"convention is one of {', '.join(conventions.names())}, not {convention!r}")
        try:
            return write(report(self.program, depth, self.limits), Style(columns, sort, convention=convention))
        except NoColumn as missing:
            raise ValueError(f"no column {missing.name!r}; columns are {', '.join(missing.known)}") from None

    def verify(
        self,
        weights: "Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        *,
        keys: Keys | None = None,
        seed: int = 0,
        dims: Mapping[str, int] | None = None,
        opset: int = DEFAULT_OPSET,
        functions: bool = False,
        device: str = "cpu",
    ) -> "Verification":
        """Whether PyTorch and onnxruntime compute the same, each compared with PyTorch in double precision on the same
        weights and random inputs: `passed`, and for every output its `torch_error` and `onnx_error`, max|difference| /
        max|reference|. The weights are as for `onnx_model`; `dims` gives symbolic dimensions their sizes.

        Raises `ArchError` as `onnx_model` and `session` do, without torch or onnxruntime too (E0801).
        """
        from archdsl.verify import verify

        dims = checked_sizes(dims)
        self._check_symbols(dims)
        chosen = None if weights is None and keys is None else self.read_weights(weights, seed, keys)
        return verify(
            self.program,
            seed,
            weights=chosen,
            dims=dims,
            opset=opset,
            functions=functions,
            device=device,
            limits=self.limits,
        )

    def _check_symbols(self, dims: Mapping[str, int]) -> None:
        """Raise `ArchError` (E0606) for sizes of symbols that no input has, `TypeError` for what are no sizes."""
        from archdsl.elaborate.report import did_you_mean, no_such_symbol
        from archdsl.types.dims import require_whole, symbols

        declared = {name for value in self.program.inputs for dim in value.type.dims for name in symbols(dim)}
        for name, size in dims.items():
            require_whole(name, size)
            if name not in declared:
                message, notes = no_such_symbol(name, declared)
                _refuse("E0606", message, notes=notes, help=did_you_mean(name, declared))

    def torch_source(self) -> str:
        """A standalone Python file that imports torch alone and defines the network as `nn.Module`
        classes."""
        from archdsl.backends.torch.source import torch_source

        return torch_source(self.program, limits=self.limits)

    def torch(
        self,
        weights: "Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        *,
        keys: Keys | None = None,
    ) -> "torch.nn.Module":
        """The network as a PyTorch module: exactly what `torch_source` says, executed. It starts from PyTorch's own
        random initialisation, or from `weights` and `keys` as `onnx_model` takes them.

        Raises `ArchError` for weights that do not fit the network or the machine (E0810 to E0816), more than
        `limits.nodes` nodes (E0910), without torch (E0801).
        """
        from archdsl.extras import require
        from archdsl.weights.initial import check_memory

        require("torch")
        check_memory(self.program, self.limits)
        from archdsl.backends.torch.build import build_module, load_weights

        module = build_module(self.program, self.limits)
        if weights is not None or keys is not None:
            load_weights(module, self.program, self.read_weights(weights, keys=keys), self.limits)
        return module

    def weights(self, seed: int = 0) -> "dict[str, numpy.ndarray[Any, Any]]":
        """Initial weights by path, by PyTorch's rule for each operator; the same for the same seed on every
        machine.

        Raises `ArchError` (E0801) without numpy.
        """
        from archdsl.weights import initial

        return initial(self.program, seed, self.limits)

    def onnx_model(
        self,
        weights: "Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        *,
        keys: Keys | None = None,
        seed: int = 0,
        opset: int = DEFAULT_OPSET,
        dtype: str = "f32",
        functions: bool = False,
    ) -> "onnx.ModelProto":
        """The network as an ONNX model in inference mode.

        `weights` maps paths to arrays (a PyTorch `state_dict()` will do) or is the path of a safetensors
        file; without it the weights are `self.weights(seed)`. `keys` is for weights that have other names than the
        network: the path of a key map (its format: `archdsl explain E0815`), or a mapping from their names to paths,
        None for a tensor to leave out; `*` means the same in both. `functions` keeps blocks as model-local
        functions. Raises `ArchError` for weights that do not fit (E0810 to E0816), more than `limits.nodes`
        nodes (E0910), no onnx (E0801).
        """
        from archdsl.backends.onnx.export import onnx_model

        chosen = self.read_weights(weights, seed, keys)
        return onnx_model(self.program, chosen, opset=opset, dtype=dtype, functions=functions, limits=self.limits)

    def onnx(
        self,
        path: str | os.PathLike[str],
        weights: "Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        *,
        keys: Keys | None = None,
        seed: int = 0,
        opset: int = DEFAULT_OPSET,
        dtype: str = "f32",
        functions: bool = False,
    ) -> None:
        """Write the ONNX model to `path`, whole or not at all; the options are those of `onnx_model`.

        Raises `ArchError` as `onnx_model` does, `OSError` when the file cannot be written.
        """
        from archdsl.backends.onnx.export import export_onnx

        chosen = self.read_weights(weights, seed, keys)
        export_onnx(self.program, chosen, path, opset=opset, dtype=dtype, functions=functions, limits=self.limits)

    def session(self, device: str = "cpu", weights: Any = None, **options: Any) -> "onnxruntime.InferenceSession":
        """The network ready to run on onnxruntime; `device` is "cpu" or "cuda", and is used or refused
        (E0802).

        The other options are those of `onnx_model`. Raises `ArchError` for more than `limits.run_nodes` nodes (E0916),
        weights beyond this machine's memory (E0814).
        """
        from archdsl.footprint import check_weights
        from archdsl.runtime import session

        check_weights(self.program, "onnxruntime", self.limits)
        return session(self.onnx_model(weights, **options), device)

    def read_weights(
        self,
        weights: "Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        seed: int = 0,
        keys: Keys | None = None,
    ) -> "Mapping[str, Any]":
        """The weights that arguments called `weights` and `keys` mean, by path: a mapping as it is, a safetensors file
        read, their names changed by `keys` (see `onnx_model`); else initial weights for `seed`.

        Raises `ArchError` for files that do not fit (E0810 to E0816) or a key map that cannot be read, `OSError` when
        the weights cannot, `ValueError` for a key map without weights.
        """
        if weights is None:
            if keys is not None:
                raise ValueError("a key map says what the names of weights mean, and no weights are given")
            return self.weights(seed)
        if not isinstance(weights, str | os.PathLike | Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]: callers differ
            raise TypeError(f"weights is a path or maps paths to arrays, and is not {type(weights).__name__}")
        from archdsl.weights import key_map, load_safetensors

        names = None if keys is None else key_map(keys, self.limits)
        if isinstance(weights, str | os.PathLike):
            return load_safetensors(weights, self.program, self.limits, names)
        if names is not None:
            return {path: weights[name] for path, name in names.paths(weights, "the set of weights").items()}
        return weights
