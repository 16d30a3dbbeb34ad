"""The three protocols through which operators describe what becomes of them.

An operator's `torch`, `onnx` and `autograd` methods build nothing themselves: they call these protocols, and the
drivers in `backends/torch`, `backends/onnx` and `analysis/training.py` decide what becomes of it (source text,
`ModelProto`, figures of training). So operators import no framework, and the drivers never name an operator.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from archdsl.ir.weights import Init, WeightRef
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

# ---------------------------------------------------------------------------------------------------------- torch


class TorchExpr(Protocol):
    """A piece of PyTorch code: an expression whose value is a tensor, a tuple of tensors or a number."""


class TorchInput(TorchExpr, Protocol):
    """One input of the operator, with its type."""

    @property
    def type(self) -> TensorType: ...

    @property
    def number(self) -> int | float | None:
        """The number that the input is in the spec (`constant(20)`), for code that can do with it in place of a tensor
        (`x.clamp(max=20.0)`); None for a tensor."""
        ...


class TorchOption(Protocol):
    """A keyword argument that is left out where it equals PyTorch's default."""


class TorchModule(Protocol):
    """A submodule stored under the operator's path; calling it records its application."""

    def __call__(self, *inputs: "TorchArg") -> TorchExpr: ...


TorchArg = TorchExpr | None | bool | int | float | str | Sequence["TorchArg"]
"""Literals stand for themselves; a list or tuple becomes a tuple (or a list where a list was given)."""

TorchResult = TorchExpr | tuple[TorchExpr, ...]
"""The result of `Operator.torch`: an expression (whose value is a tuple when the operator has several results), or one
expression per result."""


FUNCTION_MODULES: Final = {
    "F.relu": "nn.ReLU",
    "F.relu6": "nn.ReLU6",
    "F.leaky_relu": "nn.LeakyReLU",
    "F.elu": "nn.ELU",
    "F.selu": "nn.SELU",
    "F.gelu": "nn.GELU",
    "F.silu": "nn.SiLU",
    "F.mish": "nn.Mish",
    "F.hardsigmoid": "nn.Hardsigmoid",
    "F.hardswish": "nn.Hardswish",
    "F.softplus": "nn.Softplus",
    "torch.sigmoid": "nn.Sigmoid",
    "torch.tanh": "nn.Tanh",
    "F.softmax": "nn.Softmax",
    "F.log_softmax": "nn.LogSoftmax",
    "F.local_response_norm": "nn.LocalResponseNorm",
    **{
        f"F.{kind}_pool{axes}d": f"nn.{name}Pool{axes}d"
        for kind, name in (("max", "Max"), ("avg", "Avg"), ("adaptive_avg", "AdaptiveAvg"))
        for axes in (1, 2, 3)
    },
}
"""Functions of PyTorch and the modules that are nothing but them: they take the same arguments but the first."""


class TorchEmitter(Protocol):
    """Vocabulary of PyTorch lowerings.

    Dotted names start with `torch.`, `nn.` or `F.` (torch.nn, torch.nn.functional). Pass numbers that may
    differ between specialisations of a block (channels, strides, sizes) as plain ints: the driver finds the
    ones that vary and makes them constructor parameters.
    """

    def module(self, target: str, *args: TorchArg, **options: "TorchArg | TorchOption") -> TorchModule:
        """A submodule: `t.module("nn.Conv2d", 64, 128, 3, stride=t.option(2, 1))(x)`."""
        ...

    def helper(self, source: str) -> str:
        """Declare a small class or function that the generated file must define once; returns its name, to be
        used as the target of `module` or `call`. `source` is one top-level `class` or `def` with a
        docstring."""
        ...

    def initialise(self, module: TorchModule, weight: str, init: Init) -> None:
        """Start a submodule's weight differently from PyTorch's own rule (`nn.init.constant_(self.t.bias, -2.0)`)."""
        ...

    def parameter(self, name: str, shape: Sequence[int], init: Init) -> TorchExpr:
        """The operator's own weight held directly as an `nn.Parameter` (`name` as in `weights`, "" for the path
        itself)."""
        ...

    def tied(self, ref: WeightRef) -> TorchExpr:
        """A weight borrowed from another operator, transposed if the reference says so."""
        ...

    def call(self, function: str, *args: TorchArg, **options: "TorchArg | TorchOption") -> TorchExpr:
        """`F.relu(x)`, `torch.cat((a, b), dim=1)`."""
        ...

    def method(self, receiver: TorchExpr, name: str, *args: TorchArg, **options: "TorchArg | TorchOption") -> TorchExpr:
        """`x.flatten(1)`."""
        ...

    def number(self, value: int | float) -> TorchExpr:
        """`torch.tensor(0.5)`, a number as a tensor without axes. Code that can do with the number gets that instead:
        on a GPU it need not be moved there, and autograd does not keep it."""
        ...

    def infix(self, operator: str, left: TorchArg, right: TorchArg) -> TorchExpr:
        """`left + right`; operators `+ - * / @ > >= < <= ==`. An input that is a number is written as one."""
        ...

    def item(
        self,
        value: TorchExpr,
        *subscripts: "int | slice[int | None, int | None, int | None] | list[int] | None",
    ) -> TorchExpr:
        """`x[:, 0]`: ints, full or bounded slices, index lists, None for a new axis."""
        ...

    def nested(self, value: TorchExpr, *sizes: int) -> TorchExpr:
        """An expression whose value is a tuple with tuples inside, which are results too: `nested(run, 1, 2)` is
        unpacked as `x, (h, c) = ...`, where 1 stands for a tensor."""
        ...

    def size(self, dim: Dim) -> TorchArg:
        """A dimension as a number: the int itself, or code that computes it from the shapes of the inputs."""
        ...

    def option(self, value: TorchArg, default: TorchArg) -> TorchOption:
        """A keyword argument that is left out where it equals PyTorch's default."""
        ...

    def name(self, dotted: str) -> TorchExpr:
        """A name used as a value: `torch.long`."""
        ...

    def training(self) -> TorchExpr:
        """`self.training`."""
        ...

    def bare(self, x: TorchInput) -> bool:
        """Whether an input of an operator that `asks_for_gradients` is data, or made of data alone, in some call of the
        function that it stands in: PyTorch works out no gradient of it."""
        ...


# ------------------------------------------------------------------------------------------------------- autograd


class Traced(Protocol):
    """A tensor as PyTorch's autograd sees it."""

    @property
    def type(self) -> TensorType: ...

    @property
    def needs_grad(self) -> bool:
        """Whether it depends on a parameter (PyTorch's `requires_grad`); the model's inputs do not."""
        ...

    @property
    def number(self) -> bool:
        """Whether it is a number in the code that reads it (`TorchInput.number`)."""
        ...

    @property
    def contiguous(self) -> bool:
        """Whether its elements lie in memory in the order of its axes, without gaps."""
        ...

    @property
    def channels_last(self) -> bool:
        """Whether it is an image of one to three spatial axes with all channels of a position side by side."""
        ...


class Tape(Protocol):
    """Vocabulary of `Operator.autograd`: what PyTorch makes, keeps for the backward pass and multiplies when the
    emitted code runs in training mode on the CPU.

    A tensor is a view of some storage. What is kept is counted by storage, each once however many tensors of it are
    kept; parameters, buffers and the model's inputs are not counted. `ops/traces.py` has the rules of common functions
    (`mul`, `matmul`, `linear`) in these words.
    """

    def new(
        self,
        type: TensorType,
        *sources: Traced,
        like: "Traced | Sequence[Traced]" = (),
        format: Traced | None = None,
    ) -> Traced:
        """A tensor with memory of its own, computed from `sources`: it needs a gradient if it is a float and one of
        them does. Its elements lie in order; or for `like` in the order of the memory of that tensor, or of these, as
        element-wise functions leave them; or for `format` with the channels last, if that tensor's are, as functions of
        images do (`suggest_memory_format`)."""
        ...

    def parameter(self, shape: Sequence[int]) -> Traced:
        """One of the operator's own weights, or a borrowed one: it needs a gradient and is never counted."""
        ...

    def constant(self, type: TensorType) -> Traced:
        """A number or a buffer of the operator's own: it needs no gradient and is never counted."""
        ...

    def keep(self, *tensors: Traced) -> None:
        """The backward pass needs these. Say it only where it will run: for a function of which something needs a
        gradient; and say it when PyTorch does, of inputs before the function computes, of results after: a second run
        (`recompute`) stops at the last one."""
        ...

    def product(self, macs: Dim, *operands: Traced) -> None:
        """`macs` multiply-accumulates in the forward pass, and as many in the backward pass for each operand that needs
        a gradient. The products of an operator add up to the MACs of its `work`."""
        ...

    def reshape(self, x: Traced, dims: Sequence[Dim]) -> Traced:
        """`x.reshape(dims)`: a view where the strides allow it, else a copy."""
        ...

    def permute(self, x: Traced, axes: Sequence[int]) -> Traced:
        """`x.permute(axes)`, a view."""
        ...

    def aligned(self, x: Traced, axes: Sequence[int | None]) -> Traced:
        """These axes of `x` in this order, a new one of length 1 for each None: a view. Of an axis of length 1 it is
        known how far apart elements would be, which element-wise functions look at."""
        ...

    def detach(self, x: Traced) -> Traced:
        """`x.detach()`, a view that needs no gradient."""
        ...

    def expand(self, x: Traced, type: TensorType) -> Traced:
        """`x.expand(...)`, a view: axes of length 1 that the type has longer are read again and again."""
        ...

    def part(self, x: Traced, type: TensorType, step: int = 1, axis: int = 0) -> Traced:
        """A range of `x` of the given type, a view; along `axis` every `step`-th position."""
        ...


# ----------------------------------------------------------------------------------------------------------- onnx


class OnnxValue(Protocol):
    """A value of the graph under construction, with its type."""

    @property
    def type(self) -> TensorType: ...


OnnxAttribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]


DEFAULT_OPSET: Final = 20
"""The ONNX operator set that is written unless another is asked for: it has GELU as an operator, and every onnxruntime
from 1.17 on understands it."""


class OnnxEmitter(Protocol):
    """Vocabulary of ONNX lowerings, opset 18 or newer; inference mode only.

    Result types of intermediate values are the driver's business (it asks ONNX's own inference); the operator's
    results get the types that `infer` gave.
    """

    opset: int

    def node(self, op_type: str, *inputs: OnnxValue | None, **attributes: OnnxAttribute) -> OnnxValue:
        """One node with one output of the default domain; None is an omitted optional input."""
        ...

    def nodes(
        self, op_type: str, *inputs: OnnxValue | None, outputs: int, **attributes: OnnxAttribute
    ) -> tuple[OnnxValue, ...]:
        """One node with several outputs."""
        ...

    def weight(self, name: str) -> OnnxValue:
        """The initializer of one of the operator's own weights, named by its path."""
        ...

    def tied(self, ref: WeightRef) -> OnnxValue:
        """A borrowed weight; a transposed one goes through a `Transpose` node that onnxruntime folds at load."""
        ...

    def constant(
        self,
        values: int | float | bool | Sequence[int] | Sequence[float],
        dtype: str = "f32",
        shape: Sequence[int] | None = None,
    ) -> OnnxValue:
        """A constant tensor; a scalar for a number, one axis for a list unless `shape` says otherwise. dtype
        "f32" means the compute dtype of the model (f16 in a half-precision compile); say "i64" for indices and
        shapes."""
        ...

    def shape(self, dims: Sequence[Dim]) -> OnnxValue:
        """A shape as an int64 vector: a constant when all dims are known, else computed from the inputs' shapes."""
        ...
