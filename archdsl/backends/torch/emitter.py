"""The recorder that operators describe their PyTorch code to (the `TorchEmitter` of `ir.lowering`)."""

import ast
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch.records import (
    Apply,
    Bounds,
    Code,
    Entries,
    Infix,
    Input,
    Item,
    Leaf,
    Method,
    Nested,
    Place,
    Run,
    Series,
    State,
    Word,
)
from archdsl.backends.torch.sizes import size_code
from archdsl.internal import InternalError
from archdsl.ir.operator import Init, WeightRef
from archdsl.ir.program import Call, Op, Value
from archdsl.records import field, record
from archdsl.types.derivations import Derivation, traced
from archdsl.types.dims import Dim

if TYPE_CHECKING:
    from archdsl.ir.lowering import TorchArg

_ROLES = {
    "nn.Linear": ("in_features", "out_features"),
    "nn.Embedding": ("num_embeddings", "embedding_dim"),
    "nn.LayerNorm": ("normalized_shape",),
    "nn.RMSNorm": ("normalized_shape",),
    "nn.GroupNorm": ("num_groups", "num_channels"),
    "nn.BatchNorm": ("num_features",),
    "nn.InstanceNorm": ("num_features",),
    "nn.Conv": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "nn.LSTM": ("input_size", "hidden_size"),
    "nn.GRU": ("input_size", "hidden_size"),
    "nn.RNN": ("input_size", "hidden_size"),
    "nn.Dropout": ("p",),
    "F.dropout": ("", "p"),
    "F.max_pool": ("", "kernel_size", "stride", "padding"),
    "F.avg_pool": ("", "kernel_size", "stride", "padding"),
    "F.group_norm": ("", "num_groups"),
    "F.local_response_norm": ("", "size"),
}
"""What PyTorch calls positional arguments, by the start of the target's name. Only names of constructor parameters
depend on it; a target that is not here gets `size`."""


@record
class Option:
    """A keyword argument that is left out where it equals PyTorch's default."""

    value: "TorchArg"
    default: "TorchArg"


@record
class Module:
    """A submodule that has been declared; calling it records its application."""

    place: Place

    def __call__(self, *inputs: "TorchArg") -> Run:
        return Run(self.place, tuple(as_code(each, "") for each in inputs))


@record
class Helpers:
    """Small classes and functions that the generated file defines once, by name, with their own source text."""

    sources: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, source: str) -> str:
        (node,) = ast.parse(source).body
        if not isinstance(node, ast.ClassDef | ast.FunctionDef):
            raise InternalError("a helper is neither a class nor a function")
        if self.sources.setdefault(node.name, source) != source:
            raise InternalError(f"two helpers are called {node.name}")
        return node.name


def place_of(node: Op | Call) -> Place:
    """Where an application's state lives: with its shared instance, if it has one."""
    segment = (node.instance or node).segment
    return Place(segment.name, segment.index, segment.strides)


class Emitter:
    """Records one application of one operator.

    After the operator's `torch` method has run, `made` is the construction of its submodule or parameter (None if
    it has no state), `starts` are the statements that give weights their initial values, and `stated` is the number
    that the result is (None for a tensor). Sizes are read off `inputs`, which are the node's own as code knows them
    (an identity makes no value), and off what is `available` besides. `data` may have no gradient."""

    def __init__(
        self,
        node: Op,
        inputs: Sequence[Input],
        available: Sequence[Value],
        helpers: Helpers,
        data: Container[Value] = (),
    ) -> None:
        self.place = place_of(node)
        self.made: Code | None = None
        self.starts: list[tuple[str, Init]] = []
        self.stated: int | float | None = None
        self._entries: list[tuple[str, Code]] = []
        self._node = node
        self._near = [each.value for each in inputs]
        self._available = available
        self._helpers = helpers
        self._data = data

    def module(self, target: str, *args: "TorchArg", **options: "TorchArg | Option") -> Module:
        if self.made is not None:
            raise InternalError(f"`{self._node.op.name}` declares two submodules under one path")
        self.made = self.call(target, *args, **options)
        return Module(self.place)

    def helper(self, source: str) -> str:
        return self._helpers.add(source)

    def initialise(self, module: Module, weight: str, init: Init) -> None:
        if module.place is not self.place:
            raise InternalError(f"`{self._node.op.name}` initialises what is not its own")
        self.starts.append((weight, init))

    def parameter(self, name: str, shape: Sequence[int], init: Init) -> State:
        made = Apply("nn.Parameter", (initial_tensor(shape, init),))
        if not name:
            self.made = made
            return State(self.place)
        self._entries.append((name, made))
        self.made = Apply("nn.ParameterDict", (Entries(tuple(self._entries)),))
        return State(self.place, name, entry=True)

    def tied(self, ref: WeightRef) -> State:
        owner = ref.owner
        if not isinstance(owner, Op):
            raise InternalError(f"`{self._node.op.name}` borrows a weight that is no operator's")
        return State(place_of(owner), ref.name, transposed=ref.transposed)

    def call(self, function: str, *args: "TorchArg", **options: "TorchArg | Option") -> Apply:
        roles = next((names for start, names in _ROLES.items() if function.startswith(start)), ())
        given = tuple(as_code(arg, roles[i] if i < len(roles) else "") for i, arg in enumerate(args))
        return Apply(function, given, _options(options, self._node.given or {}))

    def method(self, receiver: "TorchArg", name: str, *args: "TorchArg", **options: "TorchArg | Option") -> Method:
        return Method(as_code(receiver, ""), name, tuple(as_code(arg, "") for arg in args), _options(options, {}))

    def number(self, value: int | float) -> Apply:
        self.stated = value
        return self.call("torch.tensor", value)

    def infix(self, operator: str, left: "TorchArg", right: "TorchArg") -> Infix:
        first, second = as_code(left, ""), as_code(right, "")
        if isinstance(second, Input) and second.number is not None:
            second = Leaf(second.number)
        elif isinstance(first, Input) and first.number is not None and not isinstance(second, Leaf):
            first = Leaf(first.number)  # two numbers would be Python's arithmetic, and no tensor
        return Infix(operator, first, second)

    def item(
        self, value: "TorchArg", *subscripts: "int | slice[int | None, int | None, int | None] | list[int] | None"
    ) -> Item:
        return Item(as_code(value, ""), tuple(map(_subscript, subscripts)))

    def nested(self, value: "TorchArg", *sizes: int) -> Nested:
        return Nested(as_code(value, ""), sizes)

    def size(self, dim: Dim) -> "TorchArg":
        return dim if isinstance(dim, int) else size_code(dim, self._near, self._available, self._node.span)

    def option(self, value: "TorchArg", default: "TorchArg") -> Option:
        return Option(value, default)

    def name(self, dotted: str) -> Word:
        return Word(dotted)

    def training(self) -> Word:
        return Word("self.training")

    def bare(self, x: Input) -> bool:
        return x.value in self._data


def as_code(value: object, role: str) -> Code:
    """An argument as a record: literals become leaves."""
    if isinstance(value, Code):
        return value
    if value is None or isinstance(value, bool | int | float | str):
        return Leaf(value, role)
    if not isinstance(value, list | tuple):
        raise InternalError(f"{type(value).__name__} is no argument in generated code")
    return Series(tuple(as_code(each, role) for each in value), brackets=isinstance(value, list))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _options(
    options: "dict[str, TorchArg | Option]", formulas: Mapping[str, Derivation]
) -> tuple[tuple[str, Code], ...]:
    """Keyword arguments; `formulas` are those of the operator's own arguments, for bools, which cannot hold one."""
    given: list[tuple[str, Code]] = []
    for key, option in options.items():
        if isinstance(option, Option) and isinstance(option.value, bool) and key in formulas:
            option = Option(traced(option.value, formulas[key], bools=True), option.default)
        if not isinstance(option, Option):
            given.append((key, as_code(option, key)))
            continue
        code = as_code(option.value, key)
        if isinstance(code, Leaf) and (option.default is None or isinstance(option.default, bool | int | float | str)):
            given.append((key, Leaf(code.value, key, option.default)))
        elif option.value != option.default:
            given.append((key, code))
    return tuple(given)


def _subscript(index: "int | slice[int | None, int | None, int | None] | list[int] | None") -> Code:
    if isinstance(index, slice):
        bounds = [None if bound is None else Leaf(bound) for bound in (index.start, index.stop, index.step)]
        return Bounds((bounds[0], bounds[1], bounds[2]))
    return as_code(index, "index")


def initial_tensor(shape: Sequence[int], init: Init) -> Code:
    """`torch.zeros(1, 197, 192)`, or an empty tensor filled by `init`."""
    dims: tuple[Code, ...] = tuple(Leaf(length, "size") for length in shape)
    if not shape:
        dims = (Series(()),)  # `torch.ones()` is a mistake, `torch.ones(())` a number
    if init.kind == "constant":
        if init.low in (0.0, 1.0):
            return Apply("torch.zeros" if init.low == 0.0 else "torch.ones", dims)
        return Apply("torch.full", (Series(dims) if shape else dims[0], Leaf(init.low, "fill")))
    empty = Apply("torch.empty", dims)
    if init.kind == "normal" and init.low == 0.0:
        return Method(empty, "normal_", (), (("std", Leaf(init.high, "std")),))
    return Method(empty, f"{init.kind}_", (Leaf(init.low, "low"), Leaf(init.high, "high")))


def initial_statement(weight: Code, init: Init) -> Apply:
    """`nn.init.constant_(weight, -2.0)`, `nn.init.normal_(weight, std=0.02)`."""
    if init.kind == "constant":
        if init.low in (0.0, 1.0):
            return Apply("nn.init.zeros_" if init.low == 0.0 else "nn.init.ones_", (weight,))
        return Apply("nn.init.constant_", (weight, Leaf(init.low, "value")))
    if init.kind == "normal" and init.low == 0.0:
        return Apply("nn.init.normal_", (weight,), (("std", Leaf(init.high, "std")),))
    return Apply(f"nn.init.{init.kind}_", (weight, Leaf(init.low, "low"), Leaf(init.high, "high")))
