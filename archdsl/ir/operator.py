"""The operator contract: everything archdsl knows about one operator lives in one class derived from `Operator`.

An operator class is a record of its arguments; an instance is one setting of them. The class carries the rules:
types in to types out, weights, work, and lowerings that are *descriptions* (see `ir.lowering`), so that the
catalogue is stdlib-only and importing a family costs a millisecond or two. Nothing else in the project knows an
operator by name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, dataclass_transform

from archdsl.ir.weights import ONES as ONES
from archdsl.ir.weights import ZEROS as ZEROS
from archdsl.ir.weights import Init as Init
from archdsl.ir.weights import Weight as Weight
from archdsl.ir.weights import WeightRef as WeightRef
from archdsl.ir.weights import WeightRole as WeightRole
from archdsl.records import REQUIRED, initialise_with, record
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchInput, TorchResult, Traced
    from archdsl.ir.reach import Relation

# ------------------------------------------------------------------------------------------------------ arguments

ArgumentKind = Literal[
    "int", "float", "bool", "string", "window", "padding", "ints", "int | ints", "dim", "dims", "lengths", "weight",
    "list", "tensor",
]  # fmt: skip
"""The kinds of values that an argument accepts, and what the operator's rules then see:

int, float (an int is accepted), bool, string; `window` an int or a list with one int per spatial axis (a tuple);
`padding` the same or "same"; `ints` a list of ints (a tuple; a single int is wrapped); `int | ints` an int or a list
of ints (a tuple), which mean different things; `dim` a dimension, symbolic or not; `dims` a list of dimensions, -1
allowed once (a tuple); `lengths` dimensions under names of the caller's choice, each given as `name = length` (a tuple
of pairs, in the order given); `weight` a `WeightRef`; `list` a number or any nested list of numbers (nested tuples);
`tensor` one tensor (a `TensorArgument`), which is also an input of the operator, after those that flow in and in the
order of declaration.
"""


@record
class ArgumentSpec:
    """One declared argument of an operator. `default` is `REQUIRED` when it must be given."""

    name: str
    kind: ArgumentKind
    doc: str
    default: object
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]


@record
class TensorArgument:
    """Stands for a tensor that is given as an argument. `name` is the author's, for printing; operators that differ in
    it alone are equal."""

    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorArgument)

    def __hash__(self) -> int:
        return hash(TensorArgument)

    def __repr__(self) -> str:
        return self.name


LARGEST_F32 = 3.4028234663852886e38
LARGEST_I32 = 2**31 - 1


def unrepresentable(kind: ArgumentKind, number: float) -> str:
    """The type that the engines keep a number of this kind in, where it does not fit in there; else empty. PyTorch and
    ONNX take every float of an operator into an f32, and PyTorch's pools take their windows into an i32; axes, lengths
    and positions are i64, which ends where the language's own integers do."""
    if kind == "float" and not abs(number) <= LARGEST_F32:
        return f"an f32, which ends at {LARGEST_F32:.6g}"
    if kind in ("window", "padding") and number > LARGEST_I32:
        return f"an i32, which ends at {LARGEST_I32:_}"
    return ""


def arg(
    kind: ArgumentKind,
    doc: str,
    *,
    default: Any = REQUIRED,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare an operator's argument; positional order is declaration order. `minimum` and `maximum` are inclusive and
    apply to every number of a window or list."""
    return ArgumentSpec("", kind, doc, default, minimum, maximum, choices)


# ---------------------------------------------------------------------------------------------------- rejections


class Rejection(Exception):
    """An operator's rule does not hold. The elaborator turns it into a diagnostic at the named argument, or at the
    call."""

    def __init__(
        self,
        message: str,
        at: str | None,
        help: str,
        expected: str,
        found: str,
        code: str = "E0401",
        within: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.help = help
        self.expected = expected
        self.found = found
        self.code = code
        self.within = within


def reject(
    message: str,
    *,
    at: str | None = None,
    help: str = "",
    expected: str = "",
    found: str = "",
    code: str = "E0401",
    within: tuple[int, int] | None = None,
) -> NoReturn:
    """Refuse a setting: `reject("groups must divide the input channels", at="groups", expected=..., found=...)`.

    `within` is the part of a string argument that is wrong, from a first character to one after the last.
    `code` is one of the E04xx codes of `diagnostics/codes/ops_codes.py`.
    """
    raise Rejection(message, at, help, expected, found, code, within)


# ---------------------------------------------------------------------------------------------------------- work

WorkKind = Literal[
    "conv", "linear", "matmul", "recurrent",
    "bias", "normalisation", "activation", "pooling", "elementwise", "softmax",
]  # fmt: skip

MAC_KINDS: tuple[WorkKind, ...] = ("conv", "linear", "matmul", "recurrent")
"""Kinds counted in multiply-accumulates; each is two FLOPs."""

FLOP_KINDS: tuple[WorkKind, ...] = (
    "bias",
    "normalisation",
    "activation",
    "pooling",
    "elementwise",
    "softmax",
)
"""Kinds counted in single floating-point operations; they are in `flops` and never in `macs`."""

NUMBERS_PER_NODE = 16
"""Numbers of a table that an operator computes for ONNX, such as weights of windows, count as a node together."""

Work = Mapping[WorkKind, Dim]
"""Work of one application. MAC kinds hold MACs, FLOP kinds hold FLOPs; an absent kind is none."""

FREE: Work = {}
"""No arithmetic: data movement, bookkeeping. Said by name, so that a rule is never missing by accident."""


# ---------------------------------------------------------------------------------------------------- conditions


@record
class Need:
    """`dim` must be at least `least` for the operator to have a result; `reason` says so in the words of a message that
    goes on with what `dim` is: "it needs two positions or more to normalise". `at` is the argument to blame."""

    dim: Dim
    least: int
    reason: str
    at: str | None = None


# ------------------------------------------------------------------------------------------------------ examples


@record
class Example:
    """A call with its input types, run by the contract tests and printed by `archdsl ops`.

    `call` is spec text (`conv(64, 3, stride = 2)`); `inputs` are type texts (`f32[2, 3, 8, 8]`); `output` is the
    expected result types' text, or the empty string for an example that is only run. `high` bounds integer inputs
    (exclusive).

    `work` and `reach` are what the rules of these names must say, written out: no work where `work` is empty, and of
    `reach`, for each input a bracket with what the output at [a, b, c, ...] reads along each of the input's axes.
    `[a, *, 2c-1..2c+1]` is its own position of the first axis, the whole second one, a window of three on the third;
    `-` is an input that is not read. `c%2: 0..1 | 1..2 | +1` is a period of two, after which it begins again one
    further on. Several results are parted by semicolons."""

    call: str
    inputs: tuple[str, ...]
    output: str = ""
    high: int = 2
    work: str = ""
    reach: str = ""


@dataclass_transform(field_specifiers=(arg,), eq_default=False)
class Operator:
    """Base of every operator. Subclasses declare arguments with `arg(...)` and define the rules below.

    How to write `autograd`: follow the code that `torch` emits, function by function, with the formulas of PyTorch's
    `derivatives.yaml`. An element-wise function that keeps its result (`relu`, `sigmoid`) is

        y = tape.new(x.type, x, like=x)
        if y.needs_grad:
            tape.keep(y)
        return y

    and `traces.mul(tape, a, b)` keeps each factor whose partner needs a gradient. The contract tests compare every
    example with what `torch.autograd.graph.saved_tensors_hooks` measures, to the byte.

    Two instances are equal when they are of one class and their arguments are equal.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[str]
    """One line, without a full stop."""
    arity: ClassVar[int | tuple[int, ...] | None] = 1
    """How many tensors it takes; one of several numbers (`lstm`, with and without first states), least first; None
    for one or more (`add`, `concat`)."""
    source: ClassVar[str] = ""
    """Paper and year, where the operator has one."""
    view: ClassVar[bool] = False
    """Whether the outputs are the inputs' own memory under other shapes or in part (`flatten`, `split`, `id`). A
    view writes nothing, so it adds no activations."""
    training_only: ClassVar[bool] = False
    """Whether its results exist for other operators' training mode only: at inference nothing reads them, so it writes
    nothing and ONNX leaves it out."""
    asks_for_gradients: ClassVar[bool] = False
    """Whether its PyTorch code is another one for data (`TorchEmitter.bare`)."""
    examples: ClassVar[tuple[Example, ...]] = ()
    _specs: ClassVar[Mapping[str, ArgumentSpec]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in cls.__dict__.items() if isinstance(value, ArgumentSpec)}
        if not own:
            return
        for name, spec in own.items():
            spec.name = name
            delattr(cls, name)
        cls._specs = {**cls._specs, **own}
        initialise_with(cls, {name: spec.default for name, spec in cls._specs.items()})

    @classmethod
    def arities(cls) -> tuple[int, ...] | None:
        """The numbers of tensors it takes, least first; None for one or more."""
        return (cls.arity,) if isinstance(cls.arity, int) else cls.arity

    def entries(self) -> int:
        """How many results, layers or the like the rules of this setting write out one by one, where one number of the
        spec asks for many. Elaboration pays for them before any rule is called."""
        return 0

    def written(self, *inputs: TensorType) -> int:
        """The price of one application in ONNX and weights besides a node for itself, in nodes: the entries, and
        `NUMBERS_PER_NODE` numbers of a table that is written into the graph."""
        return self.entries()

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """Result types. Calls `reject` when the setting does not fit the inputs."""
        raise NotImplementedError

    def needs(self, *inputs: TensorType) -> tuple[Need, ...]:
        """Needs of the sizes besides that every axis of a result has a length of 1 or more: what PyTorch
        refuses, or would read from where nothing is. A need that no value of the symbols meets is an error of the spec;
        one that some values do not meet becomes a condition of the program (`ir.conditions`). Asked for when `infer` is
        satisfied."""
        return ()

    def training_needs(self, *inputs: TensorType) -> tuple[Need, ...]:
        """Needs of the sizes in training, where PyTorch refuses sizes that it takes at inference."""
        return ()

    def advice(self, *inputs: TensorType) -> str:
        """A warning about a setting that fits but is probably not meant; empty for none."""
        return ""

    def counts_to(self, *inputs: TensorType) -> Dim | None:
        """How many integers it makes, counted from 0, all of them whatever the inputs hold; None for an operator that
        makes none, or others."""
        return None

    def needs_of_indices(self, count: Dim) -> tuple[Need, ...]:
        """Needs of the sizes where what flows in is the integers from 0 up to `count`."""
        return ()

    def advice_before(self, reader: "Operator", output: TensorType) -> tuple[str, str]:
        """A warning about what this operator makes, for one that reads it, and the argument that was probably meant;
        empty for none. It is for defaults that are right before some operators and surprising before others: arguments
        that an author wrote are left alone."""
        return "", ""

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        """The state this operator owns, in state-dict order. The only source of parameter counts."""
        return ()

    def borrowed(self) -> "tuple[WeightRef, ...]":
        """Weights of other operators that this one uses (`tie`)."""
        return ()

    def depth(self, *inputs: TensorType) -> int:
        """Weight layers on the longest way through one application, as papers count them: 1 with a weight of two axes
        or more (a normalisation's, a bias and an embedding are none), owned or borrowed."""
        owns = any(weight.role == "weight" and len(weight.shape) > 1 for weight in self.weights(*inputs))
        return 1 if owns or any(len(ref.shape) > 1 for ref in self.borrowed()) else 0

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Work of one application; the docstring of the overriding method states the rule."""
        raise NotImplementedError

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """How many elements of each input, and then of each of its own weights, one application reads at inference,
        each once: all of them, unless the operator looks only some of them up. A view reads nothing; who reads its
        result does."""
        weights = (0 if weight.role == "counter" else weight.elements for weight in self.weights(*inputs))
        return (*(x.elements for x in inputs), *weights)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchResult":
        """PyTorch code of one application, as a description."""
        raise NotImplementedError

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue | tuple[OnnxValue, ...]":
        """Inference-mode ONNX nodes of one application."""
        raise NotImplementedError

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """At inference, which positions of each input a position of each output depends on, axis by axis;
        `ops/reaches.py` has the common cases (`pointwise`, `sliding`)."""
        raise NotImplementedError

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced | tuple[Traced, ...]":
        """One application in training mode: what PyTorch keeps for the backward pass, which products it makes, and
        which results depend on a parameter. One tensor per result."""
        raise NotImplementedError

    @classmethod
    def arguments(cls) -> tuple[ArgumentSpec, ...]:
        """Declared arguments in positional order."""
        return tuple(cls._specs.values())

    def settings(self) -> tuple[object, ...]:
        """Argument values in declaration order."""
        return tuple(getattr(self, spec.name) for spec in self.arguments())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.settings() == other.settings()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.settings()))

    def __repr__(self) -> str:
        """`conv(64, kernel = 3)` as a spec would say it, defaults left out."""
        parts: list[str] = []
        for spec in self.arguments():
            value = getattr(self, spec.name)
            if spec.kind == "lengths":
                parts.extend(f"{name} = {_text(length)}" for name, length in value)
            elif spec.default is REQUIRED:
                parts.append(_text(value))
            elif value != spec.default:
                parts.append(f"!{spec.name}" if value is False else f"{spec.name} = {_text(value)}")
        return f"{self.name}({', '.join(parts)})" if parts else self.name


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item) for item in value)}]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, str) and value != "same":
        return f'"{value}"'
    return str(value)
