"""The PyTorch modules and functions that an operator comes down to, without PyTorch.

Tools that count a running model see modules and functions, each with its tensors. An operator states what those are
once, in its `torch` rule; here the rule speaks to an emitter that writes nothing and notes every use. Functions that
have a module of their own are noted as that module, because the published figures come from networks written with
modules (`nn.ReLU()`, not `F.relu`), and some tools count the two differently.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.ir.lowering import FUNCTION_MODULES
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS, Init, Operator, Weight, WeightRef, Work
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import TorchArg

_MODULES = {**FUNCTION_MODULES, "F.interpolate": "nn.Upsample"}
"""Functions and the modules that are known to be them; tools count `F.interpolate` as the module."""

_REDUCTIONS = {"mean": "nn.AdaptiveAvgPool", "amax": "nn.AdaptiveMaxPool"}
"""Methods that pool where they reduce all spatial axes of an image."""

_KEEP_TYPE = ("abs", "contiguous")
"""Methods whose result is like what they are called on, where the lowering goes on from it."""

USES_STEPS = 60
"""Steps of effort that asking for the uses of one operator takes."""

_BEARERS = ("nn.Conv", "nn.Linear", "nn.LSTM", "nn.GRU", "nn.RNN", "F.conv", "F.linear")
_BEARING = ("F.scaled_dot_product_attention", "@", "torch.bmm", "torch.matmul")
"""The function that does the multiply-accumulates of an operator that has any."""


class UnknownFigure(Exception):
    """A shape or number that a rule asks for and the lowering does not tell."""


class Note:
    """A value of the lowering under its observation: a tensor whose type may be known, or something else."""

    __slots__ = ("ref", "type")
    number = None

    def __init__(self, type: TensorType | None = None, ref: WeightRef | None = None) -> None:
        self.type: Any = type
        self.ref = ref


class Use:
    """One application of a module (`nn.Conv2d`), function (`F.pad`, `attend`), method (`.flatten`) or operator (`@`).

    `args` and `options` are those of the module's constructor or of the function; `inputs` the tensors it is applied
    to; `weights` what the module owns; `work` what of the operator's own work it does; `inside` the PyTorch functions
    that a helper of ours calls, and `helped` whether it is named after the one of them that works. `contiguous` says
    whether the operator's first input lies in memory in order, None where that differs from one run to another; it is
    worked out for conventions that look at it.
    """

    __slots__ = ("args", "contiguous", "helped", "inputs", "inside", "name", "options", "result", "weights", "work")

    def __init__(
        self,
        name: str,
        args: Sequence[object],
        options: Mapping[str, object],
        inputs: Sequence[object],
        weights: tuple[Weight, ...] = (),
    ) -> None:
        self.name = name
        self.args = args
        self.options = options
        self.inputs = [value for value in inputs if isinstance(value, Note)]
        self.weights = weights
        self.work: Work = {}
        self.inside: Sequence[str] = ()
        self.helped = False
        self.contiguous: bool | None = True
        self.result = Note()

    @property
    def read(self) -> TensorType:
        """The type of its first tensor."""
        return self._known(self.inputs[0] if self.inputs else None)

    @property
    def written(self) -> TensorType:
        """The type of its result."""
        return self._known(self.result)

    @property
    def macs(self) -> Dim:
        return _sum(self.work, MAC_KINDS)

    @property
    def bias(self) -> Dim:
        """Additions of a bias."""
        return self.work.get("bias", 0)

    @property
    def affine(self) -> bool:
        """Whether a normalisation learns a scale."""
        return any(weight.role == "normalisation" for weight in self.weights)

    def setting(self, name: str, position: int, default: object) -> Any:
        """An argument of the constructor or function."""
        return self.args[position] if len(self.args) > position else self.options.get(name, default)

    def _known(self, note: Note | None) -> TensorType:
        if note is None or note.type is None:
            raise UnknownFigure
        return note.type


def _sum(work: Work, kinds: Sequence[Any]) -> Dim:
    total: Dim = 0
    for kind in kinds:
        total = total + work.get(kind, 0)
    return total


def uses(op: Operator, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> list[Use]:
    """The modules and functions that one application of an operator comes down to in inference, in order."""
    observer = _Observer(op.weights(*inputs))
    result: Any = op.torch(observer, *(Note(kind) for kind in inputs))  # pyright: ignore[reportArgumentType]
    for note, kind in zip(result if isinstance(result, tuple) else (result,), outputs, strict=False):  # pyright: ignore
        if isinstance(note, Note) and note.type is None:
            note.type = kind
    work = op.work(inputs, outputs)
    bearing = [use for use in observer.uses if _bears(use.name)]
    if len(bearing) == 1:
        bearing[0].work = work
        if bearing[0].result.type is None:  # of several results, the first
            bearing[0].result.type = outputs[0]
    elif observer.uses and _sum(work, (*MAC_KINDS, *FLOP_KINDS)) != 0:
        observer.uses[-1].work = work
    return observer.uses


def _bears(name: str) -> bool:
    return name.startswith(_BEARERS) or name in _BEARING


class _Module:
    def __init__(
        self, observer: "_Observer", target: str, args: Sequence[object], options: Mapping[str, object]
    ) -> None:
        self._observer = observer
        self._target = target
        self._args = args
        self._options = options

    def __call__(self, *inputs: "TorchArg") -> Note:
        observer = self._observer
        return observer.note(self._target, self._args, self._options, inputs, observer.weights)


class _Observer:
    """A `TorchEmitter` that notes what it is told."""

    def __init__(self, weights: tuple[Weight, ...]) -> None:
        self.weights = weights
        self.uses: list[Use] = []
        self._helpers: dict[str, Sequence[str]] = {}

    def note(
        self,
        name: str,
        args: Sequence[object],
        options: Mapping[str, object],
        inputs: Sequence[object],
        weights: tuple[Weight, ...] = (),
    ) -> Note:
        """A use; a helper counts as the PyTorch function in it that works, if there is one."""
        inside = self._helpers.get(name, ())
        working = [each for each in inside if _bears(each)]
        use = Use(working[0] if len(working) == 1 else name, args, options, inputs, weights)
        use.inside, use.helped = ((), True) if working else (inside, False)
        self.uses.append(use)
        return use.result

    def module(self, target: str, *args: object, **options: object) -> _Module:
        return _Module(self, target, args, options)

    def helper(self, source: str) -> str:
        found = re.search(r"^(?:class|def) (\w+)", source, re.MULTILINE)
        assert found is not None
        names: list[str] = re.findall(r"\b(?:F|nn|torch)\.\w+", source)
        self._helpers[found[1]] = [_MODULES.get(name, name) for name in names]
        return found[1]

    def initialise(self, module: _Module, weight: str, init: Init) -> None:
        pass

    def parameter(self, name: str, shape: Sequence[int], init: Init) -> Note:
        return Note(TensorType(tuple(shape)))

    def tied(self, ref: WeightRef) -> Note:
        return Note(TensorType(ref.used_shape), ref)

    def call(self, function: str, *args: object, **options: object) -> Note:
        name = _MODULES.get(function, function)
        weights: tuple[Weight, ...] = ()
        ref = args[1].ref if function == "F.linear" and isinstance(args[1], Note) else None
        if ref is not None and not ref.transposed:
            # As `head.weight = tokens.weight` makes it: a module that holds the other's weight.
            name, weights = "nn.Linear", (Weight("weight", ref.shape, Init("constant")),)
        return self.note(name, args[1:] if name in _MODULES.values() else args, options, args, weights)

    def method(self, receiver: object, name: str, *args: object, **options: object) -> Note:
        kind = _REDUCTIONS.get(name)
        if kind and isinstance(receiver, Note) and receiver.type is not None:
            axes = receiver.type.rank - 2
            if args and args[0] in (tuple(range(2, axes + 2)), 2) and (axes == 1 or args[0] != 2):
                return self.note(f"{kind}{axes}d", (1,), {}, (receiver,))
        result = self.note(f".{name}", args, options, (receiver,))
        if name in _KEEP_TYPE and isinstance(receiver, Note):
            result.type = receiver.type
        return result

    def number(self, value: float) -> Note:
        return self.call("torch.tensor", value)

    def infix(self, operator: str, left: object, right: object) -> Note:
        return self.note(operator, (), {}, (left, right))

    def item(self, value: object, *subscripts: object) -> Note:
        return Note()

    def nested(self, value: object, *sizes: int) -> Note:
        return Note()

    def size(self, dim: Dim) -> Any:
        return dim

    def option(self, value: object, default: object) -> Any:
        return value

    def name(self, dotted: str) -> Note:
        return Note()

    def training(self) -> Note:
        return Note()

    def bare(self, x: object) -> bool:
        return False  # what is worked out is the same
