"""What an operator's torch lowering says, as data: a small tree of `Code`.

The tree is compared between the specialisations of a block, so it keeps apart what may differ (`Leaf`: a number,
flag or word; `Built`: which function a submodule runs) from what must be the same (everything else). `signature`
flattens a tree into a hashable key of the latter and a list of the former."""

from collections.abc import Callable, Hashable, Sequence

from archdsl.backends.torch.tree import Scalar
from archdsl.ir.program import Function, Value
from archdsl.records import record
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
    """Base of the records below."""

    __slots__ = ()

    @property
    def head(self) -> Hashable:
        """What must be equal besides the parts."""
        return ()

    @property
    def parts(self) -> "Sequence[Code]":
        return ()


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
class Built(Code):
    """The construction of a submodule that runs a function of the program; `packed` if it takes any number of
    tensors."""

    function: Function
    packed: bool = False

    @property
    def head(self) -> Hashable:
        taken = None if self.packed else len(self.function.inputs)
        return (self.function.block, taken, len(self.function.outputs))


@record
class Apply(Code):
    """`torch.cat((a, b), dim=1)`, `nn.Conv2d(64, 128, 3)`, or a call of a helper."""

    target: str
    args: tuple[Code, ...]
    options: tuple[tuple[str, Code], ...] = ()

    @property
    def head(self) -> Hashable:
        return (self.target, len(self.args), tuple(key for key, _ in self.options))

    @property
    def parts(self) -> Sequence[Code]:
        return (*self.args, *(code for _, code in self.options))


@record
class Method(Code):
    """`x.flatten(1)`."""

    receiver: Code
    name: str
    args: tuple[Code, ...]
    options: tuple[tuple[str, Code], ...] = ()

    @property
    def head(self) -> Hashable:
        return (self.name, len(self.args), tuple(key for key, _ in self.options))

    @property
    def parts(self) -> Sequence[Code]:
        return (self.receiver, *self.args, *(code for _, code in self.options))


@record
class Infix(Code):
    """`left + right`."""

    operator: str
    left: Code
    right: Code

    @property
    def head(self) -> Hashable:
        return self.operator

    @property
    def parts(self) -> Sequence[Code]:
        return (self.left, self.right)


@record
class Bounds(Code):
    """A slice; a bound that is left out is None."""

    bounds: tuple[Code | None, Code | None, Code | None]

    @property
    def head(self) -> Hashable:
        return tuple(bound is None for bound in self.bounds)

    @property
    def parts(self) -> Sequence[Code]:
        return [bound for bound in self.bounds if bound is not None]


@record
class Item(Code):
    """`x[:, 0]`."""

    receiver: Code
    subscripts: tuple[Code, ...]

    @property
    def head(self) -> Hashable:
        return len(self.subscripts)

    @property
    def parts(self) -> Sequence[Code]:
        return (self.receiver, *self.subscripts)


@record
class Series(Code):
    """A tuple, or a list in brackets."""

    items: tuple[Code, ...]
    brackets: bool = False

    @property
    def head(self) -> Hashable:
        return (self.brackets, len(self.items))

    @property
    def parts(self) -> Sequence[Code]:
        return self.items


@record
class Word(Code):
    """A dotted name used as a value: `torch.long`, `self.training`."""

    dotted: str

    @property
    def head(self) -> Hashable:
        return self.dotted


@record
class Spread(Code):
    """`*xs`: all the tensors of a pack, one after the other."""

    pack: Input

    @property
    def parts(self) -> Sequence[Code]:
        return (self.pack,)


@record
class Recomputed(Code):
    """`recompute(self.name, i, x)`: a method of the class that training runs again. `counters` tells which counters of
    the loops around it the method takes."""

    name: str
    args: tuple[Code, ...]
    counters: tuple[bool, ...]

    @property
    def head(self) -> Hashable:
        return (self.name, len(self.args), self.counters)

    @property
    def parts(self) -> Sequence[Code]:
        return self.args


@record
class Length(Code):
    """`x.shape[axis]`."""

    tensor: Input
    axis: int

    @property
    def head(self) -> Hashable:
        return self.axis

    @property
    def parts(self) -> Sequence[Code]:
        return (self.tensor,)


@record
class Run(Code):
    """The application of the submodule at a place; of every item of the list in turn when `chain` is set."""

    place: Place
    args: tuple[Code, ...]
    chain: bool = False

    @property
    def head(self) -> Hashable:
        return (len(self.args), self.chain)

    @property
    def parts(self) -> Sequence[Code]:
        return self.args


@record
class Nested(Code):
    """Code whose value is a tuple with tuples inside, all of them results: `sizes` says how many each part holds."""

    code: Code
    sizes: tuple[int, ...]

    @property
    def head(self) -> Hashable:
        return self.sizes

    @property
    def parts(self) -> Sequence[Code]:
        return (self.code,)


@record
class State(Code):
    """A weight: an attribute of the submodule at a place (`self.tokens.weight`), an entry of the `nn.ParameterDict`
    there, or the parameter itself where `attribute` is empty."""

    place: Place
    attribute: str = ""
    entry: bool = False
    transposed: bool = False

    @property
    def head(self) -> Hashable:
        return (self.attribute, self.entry, self.transposed)


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


def mentioned(code: Code) -> tuple[list[Value], list[Place]]:
    """The values and the places that a tree mentions, in order, repetitions included."""
    values: list[Value] = []
    places: list[Place] = []
    pending = [code]
    while pending:
        current = pending.pop()
        if isinstance(current, Input):
            values.append(current.value)
        elif isinstance(current, Run | State):
            places.append(current.place)
        pending.extend(reversed(current.parts))
    return values, places


def rewritten(
    code: Code,
    place: Callable[[Place], Place] = lambda place: place,
    value: Callable[[Value], Value] = lambda value: value,
) -> Code:
    """A copy of a tree with its places and input values changed, in the order in which `mentioned` lists them.
    Leaves are shared with the original."""

    def copy(part: Code) -> Code:
        if isinstance(part, Input):
            return Input(value(part.value))
        if isinstance(part, Run):
            return Run(place(part.place), tuple(map(copy, part.args)), part.chain)
        if isinstance(part, State):
            return State(place(part.place), part.attribute, part.entry, part.transposed)
        if isinstance(part, Apply):
            args = tuple(map(copy, part.args))
            return Apply(part.target, args, tuple((key, copy(each)) for key, each in part.options))
        if isinstance(part, Method):
            receiver = copy(part.receiver)
            args = tuple(map(copy, part.args))
            return Method(receiver, part.name, args, tuple((key, copy(each)) for key, each in part.options))
        if isinstance(part, Infix):
            left = copy(part.left)
            return Infix(part.operator, left, copy(part.right))
        if isinstance(part, Item):
            receiver = copy(part.receiver)
            return Item(receiver, tuple(map(copy, part.subscripts)))
        if isinstance(part, Nested):
            return Nested(copy(part.code), part.sizes)
        if isinstance(part, Series):
            return Series(tuple(map(copy, part.items)), part.brackets)
        if isinstance(part, Spread):
            return Spread(Input(value(part.pack.value)))
        if isinstance(part, Recomputed):
            return Recomputed(part.name, tuple(map(copy, part.args)), part.counters)
        if isinstance(part, Length):
            return Length(Input(value(part.tensor.value)), part.axis)
        return part

    return copy(code)


def applications(code: Code) -> int:
    """Calls and operations of a tree; sizes and subscripts are free."""
    count = 0
    pending = [code]
    while pending:
        current = pending.pop()
        count += isinstance(current, Apply | Method | Infix | Run | Recomputed)
        if not isinstance(current, Length):
            pending.extend(current.parts)
    return count
