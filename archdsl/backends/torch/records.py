"""What an operator's torch lowering says, as data: a small tree of `Code`.

The tree is compared between the specialisations of a block, so it keeps apart what may differ (`Leaf`: a number,
flag or word; `Built`: which function a submodule runs) from what must be the same (everything else). `signature`
flattens a tree into a hashable key of the latter and a list of the former."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import ClassVar, Self

from archdsl.backends.torch.tree import Scalar
from archdsl.ir.program import Function, Value
from archdsl.records import field_names, record, replace
from archdsl.types.derivations import Derivation
from archdsl.types.tensor import TensorType


class _NoDefault:
    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT = _NoDefault()


@record
class Pack(Value):
    """A tuple of tensors in one variable; `type` is the first one's."""


def fresh(value: Value) -> Value:
    """Another value of the same type."""
    return type(value)(value.type)


class Code:
    """Base of the records below. `children` names the fields that hold code: one tree, a tuple of trees (None where
    one is left out), or a tuple of names with trees. All walks and copies of trees go by it."""

    __slots__ = ()
    children: ClassVar[tuple[str, ...]] = ()

    @property
    def parts(self) -> "list[Code]":
        """The trees inside, in the order of the text."""
        return [part for name in self.children for part in _trees(getattr(self, name))]

    @property
    def head(self) -> Hashable:
        """What must be equal besides the parts and the place: all other fields, and how the parts are arranged."""
        held = [name for name in field_names(type(self)) if name != "place"]
        return tuple(_outline(getattr(self, name)) if name in self.children else getattr(self, name) for name in held)

    def with_parts(self, parts: "Sequence[Code]") -> "Self":
        """A copy with other parts, as many of them."""
        if not self.children:
            return self
        given = iter(parts)
        return replace(self, **{name: _refilled(getattr(self, name), given) for name in self.children})

    def trees(self) -> "Iterator[Code]":
        """This tree and those inside, in the order of the text."""
        pending: list[Code] = [self]
        while pending:
            current = pending.pop()
            yield current
            pending.extend(reversed(current.parts))

    @property
    def values(self) -> "list[Value]":
        """The values that are read, repetitions included."""
        return [each.value for each in self.trees() if isinstance(each, Input)]

    @property
    def places(self) -> "list[Place]":
        """The places that are mentioned, repetitions included."""
        return [each.place for each in self.trees() if isinstance(each, Run | State)]


Held = Code | tuple[Code | tuple[str, Code] | None, ...]
"""What a field that `children` names holds."""


def _trees(held: Held) -> Iterator[Code]:
    for each in held if isinstance(held, tuple) else (held,):
        if each is not None:
            yield each[1] if isinstance(each, tuple) else each


def _outline(held: Held) -> Hashable:
    """How many trees a field holds, and under which names."""
    return (
        tuple(each[0] if isinstance(each, tuple) else each is None for each in held)
        if isinstance(held, tuple)
        else None
    )


def _refilled(held: Held, parts: Iterator[Code]) -> Held:
    if isinstance(held, Code):
        return next(parts)
    return tuple(
        None if each is None else (each[0], next(parts)) if isinstance(each, tuple) else next(parts) for each in held
    )


@record
class Input(Code):
    """A tensor that the code reads; `number` if an operator may read a number in its place."""

    value: Value
    number: int | float | None = None

    @property
    def type(self) -> TensorType:
        return self.value.type


@record
class Leaf(Code):
    """A literal that may differ between specialisations. `role` is what PyTorch calls the argument; `default` is
    what it is when left out, if it may be left out."""

    value: Scalar
    role: str = ""
    default: "Scalar | _NoDefault" = NO_DEFAULT


@record
class Place:
    """Where a submodule or parameter lives: a segment of the parameter path. Inside loops the index moves by one
    stride for each iteration of the loop, the outermost loop's first."""

    name: str
    index: int | None = None
    strides: tuple[int, ...] = ()

    @property
    def key(self) -> Hashable:
        return (self.name, self.index, self.strides)


@record
class Submodule:
    """A submodule as a constructor's number: which function it runs, and the caller's formulas of the numbers that the
    function's block knows by name. Two are equal where they run the same function."""

    function: Function
    given: Mapping[Derivation, Derivation]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Submodule) and self.function is other.function

    def __hash__(self) -> int:
        return hash(self.function)


@record
class Built(Code):
    """The construction of a submodule that runs a function of the program; `packed` if it takes any number of
    tensors."""

    function: Function
    given: Mapping[Derivation, Derivation]
    packed: bool = False

    @property
    def head(self) -> Hashable:
        taken = None if self.packed else len(self.function.inputs)
        return (self.function.block, taken, len(self.function.outputs))


@record
class Apply(Code):
    """`torch.cat((a, b), dim=1)`, `nn.Conv2d(64, 128, 3)`, or a call of a helper."""

    children: ClassVar = ("args", "options")
    target: str
    args: tuple[Code, ...]
    options: tuple[tuple[str, Code], ...] = ()


@record
class Method(Code):
    """`x.flatten(1)`."""

    children: ClassVar = ("receiver", "args", "options")
    receiver: Code
    name: str
    args: tuple[Code, ...]
    options: tuple[tuple[str, Code], ...] = ()


@record
class Infix(Code):
    """`left + right`."""

    children: ClassVar = ("left", "right")
    operator: str
    left: Code
    right: Code


@record
class Bounds(Code):
    """A slice; a bound that is left out is None."""

    children: ClassVar = ("bounds",)
    bounds: tuple[Code | None, Code | None, Code | None]


@record
class Item(Code):
    """`x[:, 0]`."""

    children: ClassVar = ("receiver", "subscripts")
    receiver: Code
    subscripts: tuple[Code, ...]


@record
class Series(Code):
    """A tuple, or a list in brackets."""

    children: ClassVar = ("items",)
    items: tuple[Code, ...]
    brackets: bool = False


@record
class Entries(Code):
    """`{"bias": nn.Parameter(...)}`."""

    children: ClassVar = ("entries",)
    entries: tuple[tuple[str, Code], ...]


@record
class Word(Code):
    """A dotted name used as a value: `torch.long`, `self.training`."""

    dotted: str


@record
class Spread(Code):
    """`*xs`: all the tensors of a pack, one after the other."""

    children: ClassVar = ("pack",)
    pack: Input


@record
class Recomputed(Code):
    """`recompute(self.name, i, x)`: a method of the class that training runs again. `counters` tells which counters of
    the loops around it the method takes."""

    children: ClassVar = ("args",)
    name: str
    args: tuple[Code, ...]
    counters: tuple[bool, ...]


@record
class Length(Code):
    """`x.shape[axis]`."""

    children: ClassVar = ("tensor",)
    tensor: Input
    axis: int


@record
class Run(Code):
    """The application of the submodule at a place; of every item of the list in turn when `chain` is set."""

    children: ClassVar = ("args",)
    place: Place
    args: tuple[Code, ...]
    chain: bool = False


@record
class Nested(Code):
    """Code whose value is a tuple with tuples inside, all of them results: `sizes` says how many each part holds."""

    children: ClassVar = ("code",)
    code: Code
    sizes: tuple[int, ...]


@record
class State(Code):
    """A weight: an attribute of the submodule at a place (`self.tokens.weight`), an entry of the `nn.ParameterDict`
    there, or the parameter itself where `attribute` is empty."""

    place: Place
    attribute: str = ""
    entry: bool = False
    transposed: bool = False


def signature(
    code: Code,
    number: Callable[[Value], Hashable],
    leaves: "list[Leaf | Built]",
    at: Callable[[Place], Hashable] = lambda place: place.key,
) -> Hashable:
    """The key of a tree. `number` says how an input value is known, `at` how a place is; leaves are appended in
    order.

    A tree is as deep as one operator's lowering nests its calls, so the recursion is bounded by our own code.
    """
    if isinstance(code, Input):
        return ("input", number(code.value))
    if isinstance(code, Leaf):
        leaves.append(code)
        return ("leaf", code.default)
    if isinstance(code, Built):
        leaves.append(code)
    where = at(code.place) if isinstance(code, Run | State) else None
    parts = [signature(part, number, leaves, at) for part in code.parts]
    return (type(code).__name__, where, code.head, *parts)


def rewritten(
    code: Code,
    place: Callable[[Place], Place] = lambda place: place,
    value: Callable[[Value], Value] = lambda value: value,
) -> Code:
    """A copy of a tree with its places and input values changed, in the order of the text. Leaves are shared with the
    original."""
    if isinstance(code, Input):
        return Input(value(code.value), code.number)
    if isinstance(code, Run | State):
        code = replace(code, place=place(code.place))
    return code.with_parts([rewritten(part, place, value) for part in code.parts])


def applications(code: Code) -> int:
    """Calls and operations of a tree; sizes and subscripts are free."""
    return sum(isinstance(each, Apply | Method | Infix | Run | Recomputed) for each in code.trees())
