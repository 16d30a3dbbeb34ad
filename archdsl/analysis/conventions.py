"""Conventions of other counters, applied to the same network.

Every tool that people count with means something of its own by "FLOPs" or "MACs". A convention is such a meaning as
data: a table from PyTorch's modules and functions (`analysis.uses`) to what the tool adds for one application. The
tools' own rules are tables of that kind; what a tool has no entry for it counts as nothing, and so does its convention,
which reports that in words where multiply-accumulates are lost.

The formulas were read from the tools' sources and are held to what the tools print, to the unit, by
tests/analysis/test_conventions.py. They hold for one sample in evaluation mode, and for a network written with modules
(`nn.ReLU()` rather than `F.relu`).
"""

from collections.abc import Callable, Mapping
from math import prod

from archdsl.analysis.cost import OWN_CONVENTION
from archdsl.analysis.uses import UnknownFigure, Use
from archdsl.records import record
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

Rule = Callable[[Use], Dim]
Rules = Mapping[str, Rule]
"""By the name of a module or function; `nn.Conv` stands for `nn.Conv1d`, `nn.Conv2d` and `nn.Conv3d`."""


@record
class Convention:
    """How one tool counts. `unit` is what it calls its figure, `meaning` what that is."""

    name: str
    tool: str
    unit: str
    meaning: str
    rules: Rules
    layouts: bool = False
    """Whether a rule looks at how a tensor lies in memory."""

    @property
    def heading(self) -> str:
        return f"{self.name} {self.unit}"


# --------------------------------------------------------------------------------------------------- rules of a use


def _macs(use: Use) -> Dim:
    return use.macs


def _macs_and_bias(use: Use) -> Dim:
    return use.macs + use.bias


def _twice_macs(use: Use) -> Dim:
    return 2 * use.macs


def _twice_macs_and_bias(use: Use) -> Dim:
    return 2 * use.macs + use.bias


def _read(times: int) -> Rule:
    """Per element of the input."""
    return lambda use: times * use.read.elements


def _written(times: int) -> Rule:
    """Per element of the result."""
    return lambda use: times * use.written.elements


def _norm(affine: int, plain: int) -> Rule:
    """Per element, by whether a scale is learned."""
    return lambda use: (affine if use.affine else plain) * use.read.elements


def _spatial(kind: TensorType) -> Dim:
    return kind.with_dims(kind.dims[0], 1, *kind.dims[2:]).elements


def _cells(per_unit: Mapping[str, int]) -> Rule:
    """For each step of each unit of a recurrent layer, so much on top of its weights."""

    def rule(use: Use) -> Dim:
        states = [weight.shape[1] for weight in use.weights if weight.name.startswith("weight_hh")]
        return use.read.dims[0] * use.read.dims[1] * (sum(states) * per_unit[use.name])

    return rule


def _both(first: Rule, second: Rule) -> Rule:
    return lambda use: first(use) + second(use)


_RECURRENT = "nn.LSTM nn.GRU nn.RNN"
_GATES = {"nn.LSTM": 4, "nn.GRU": 3, "nn.RNN": 1}
_GATING = {"nn.LSTM": 10, "nn.GRU": 7, "nn.RNN": 1}
"""Element-wise operations of a cell as ptflops and calflops have them."""


def _named(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


# ------------------------------------------------------------------------------------------------------------ tools

_PRODUCTS = "nn.Conv nn.ConvTranspose nn.Linear F.linear @"

_FVCORE: Rules = {
    **_named(_PRODUCTS, _macs),
    "nn.BatchNorm": _norm(2, 1),
    **_named("nn.LayerNorm nn.GroupNorm nn.InstanceNorm", _norm(5, 4)),
    "nn.AdaptiveAvgPool2d": _read(1),
    "nn.Upsample": lambda use: _fvcore_upsample(use),
    "torch.einsum": lambda use: _fvcore_einsum(use),
}


def _fvcore_upsample(use: Use) -> Dim:
    """Two spatial axes alone have a handle."""
    if use.read.rank != 4:
        return 0
    mode: str = use.setting("mode", 2, "nearest")
    return {"nearest": 1, "bilinear": 4}.get(mode, 0) * use.written.elements


def _fvcore_einsum(use: Use) -> Dim:
    """Half the cost, but for two patterns that have a formula."""
    pattern: str = use.setting("equation", 0, "")
    letters = dict.fromkeys(filter(str.isalpha, pattern))
    if pattern.translate({ord(sign): 97 + place for place, sign in enumerate(letters)}) in _FVCORE_PATTERNS:
        return use.macs
    return _einsum_cost(use) // 2


def _einsum_cost(use: Use) -> int:
    """The figure that `numpy.einsum_path` prints for it: one too many, and four digits."""
    pattern: str = use.setting("equation", 0, "")
    terms, result = pattern.split("->")
    summed = set(terms) - {","} - set(result)
    lengths = {sign: dim for term, x in zip(terms.split(","), use.inputs, strict=True)
               for sign, dim in zip(term, x.type.dims, strict=True)}  # fmt: skip
    size = TensorType(tuple(lengths.values())).elements
    if len(use.inputs) > 2 or not isinstance(size, int):
        raise UnknownFigure  # it looks for the best order, and rounds
    return int(float(f"{size * (2 if summed else 1) + 1:.3e}"))


_FVCORE_PATTERNS = ("abc,abd->acd", "abc,adc->adb")


def _response_norm(use: Use) -> Dim:
    """`F.local_response_norm` squares, pools over the padded channels, scales and adds, each through a function that
    ptflops watches."""
    kind = use.read
    size = use.setting("size", 0, 5)
    padded = kind.replace_axis(1, kind.dims[1] + (size - 1)).elements
    return 3 * kind.elements + padded


def _lp_pool(use: Use) -> Dim:
    """`F.lp_pool2d` is an average pool of the powers, a ReLU and a product, each of them watched."""
    return use.read.elements + 2 * use.written.elements


_PTFLOPS: Rules = {
    **_named("nn.Conv nn.ConvTranspose nn.Linear", _macs_and_bias),
    **_named("nn.BatchNorm nn.InstanceNorm nn.GroupNorm", _norm(2, 1)),
    "nn.LayerNorm": _read(1),
    # Both the module's hook and the function it calls are counted.
    **_named("nn.ReLU nn.PReLU nn.ELU nn.GELU", _read(2)),
    **_named("nn.MaxPool nn.AvgPool nn.AdaptiveAvgPool nn.AdaptiveMaxPool", _read(2)),
    "nn.Upsample": _written(2),
    # One of the two is.
    **_named("nn.LeakyReLU nn.ReLU6 nn.SiLU nn.Softmax", _read(1)),
    "nn.LocalResponseNorm": _response_norm,
    "F.lp_pool": _lp_pool,
    **_named(_RECURRENT, _both(_macs_and_bias, _cells(_GATING))),
}


def _attention_in_parts(use: Use) -> Dim:
    """A fused kernel, which the tool does not know, takes heads of one width; everything else is done in products."""
    query, _, value = use.inputs
    return 0 if use.helped and query.type.dims[-1] == value.type.dims[-1] else use.macs


def _unless_scattered(bias: Callable[[Use], Dim]) -> Rule:
    """MACs, and the bias where PyTorch adds it within the product: for a matrix, and for a tensor of more axes whose
    elements lie in order. Elsewhere it adds it afterwards, which the tool does not see."""

    def rule(use: Use) -> Dim:
        lost = bias(use)
        if lost == 0 or use.contiguous is True:
            return _macs_and_bias(use)
        if use.contiguous is None:
            raise UnknownFigure
        return _macs_and_bias(use) - lost

    return rule


def _product_bias(use: Use) -> Dim:
    """The bias of a linear layer of more than a matrix; a step of a recurrent one takes a matrix."""
    steps = any("_hh_" in weight.name for weight in use.weights)
    return 0 if use.read.rank == 2 or steps else use.bias


def _input_bias(use: Use) -> Dim:
    """The bias that the first layer adds to the input's product, which is made for all steps at once."""
    steps = use.read.dims[0] * use.read.dims[1]
    return steps * sum(weight.elements for weight in use.weights if weight.name.startswith("bias_ih_l0"))


_PTFLOPS_ATEN: Rules = {
    **_named("nn.Conv nn.ConvTranspose", _macs_and_bias),
    **_named("nn.Linear F.linear", _unless_scattered(_product_bias)),
    **_named("@ torch.einsum", _macs),
    "F.scaled_dot_product_attention": _attention_in_parts,
    **_named(
        "nn.GRU nn.RNN", _unless_scattered(_input_bias)
    ),  # done in products; an LSTM is one kernel that the tool does not know
}


def _thop_transposed(use: Use) -> Dim:
    """The formula of a convolution, applied to the transposed one."""
    kernel = prod(use.weights[0].shape[2:])
    groups = use.setting("groups", 6, 1)
    channels = use.read.dims[1]
    assert isinstance(channels, int)
    return use.written.elements * (channels // groups) * kernel


def _thop_softmax(use: Use) -> Dim:
    """An exponential and a division per element, and one addition fewer than there are elements."""
    kind = use.read
    return 3 * kind.elements - kind.replace_axis(use.setting("dim", 0, -1), 1).elements


def _thop_upsample(use: Use) -> Dim:
    mode: str = use.setting("mode", 2, "nearest")
    return {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}.get(mode, 0) * use.written.elements


_THOP: Rules = {
    **_named("nn.Conv nn.Linear", _macs),
    "nn.ConvTranspose": _thop_transposed,
    **_named("nn.BatchNorm nn.LayerNorm nn.InstanceNorm", _norm(4, 2)),
    "nn.PReLU": _read(1),
    "nn.AvgPool": _written(1),
    "nn.AdaptiveAvgPool": lambda use: use.read.elements + use.written.elements,
    "nn.Softmax": _thop_softmax,
    "nn.Upsample": _thop_upsample,
    **_named(_RECURRENT, _both(_macs_and_bias, _cells({"nn.LSTM": 8, "nn.GRU": 7, "nn.RNN": 1}))),
}


def _torchinfo(use: Use) -> Dim:
    """Weights and biases of a module times the positions a convolution is applied at, times the batch alone for
    everything else."""
    if not use.weights:
        return 0
    kind = use.written
    times = _spatial(kind) if "Conv" in use.name else kind.dims[0]
    total: Dim = 0
    for weight in use.weights:
        if weight.name in ("weight", "bias"):
            total = total + weight.elements * times
        elif "weight" in weight.name or "bias" in weight.name:
            total = total + weight.elements * kind.dims[0] * kind.dims[1]
    return total


_TORCHINFO: Rules = {"": _torchinfo}


def _calflops_upsample(use: Use) -> Dim:
    size = use.setting("size", 0, None)
    if size is None:
        if isinstance(use.setting("scale_factor", 1, None), tuple):
            raise UnknownFigure  # the tool stops with an error
        return use.read.elements
    # An int stands for every axis, and is counted as one.
    return prod(size if isinstance(size, tuple) else (size,))  # pyright: ignore[reportUnknownArgumentType]


def _calflops_transposed(use: Use) -> Dim:
    """Groups divide twice, and the bias is added at the positions of a convolution, not of a transposed one."""
    weight = use.weights[0]
    per_group, *kernel = weight.shape[1:]
    strides, paddings, dilations = (
        _window(use.setting(name, position, default), len(kernel))
        for name, position, default in (("stride", 3, 1), ("padding", 4, 0), ("dilation", 8, 1))
    )
    macs = weight.elements // per_group * (per_group // use.setting("groups", 6, 1)) * _spatial(use.read)
    positions = use.read.dims[0]
    for length, taps, step, pad, spread in zip(use.read.dims[2:], kernel, strides, paddings, dilations, strict=True):
        positions = positions * ((length + 2 * pad - (spread * (taps - 1) + 1)) // step + 1)
    return 2 * macs + (per_group * positions if use.bias else 0)


def _window(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * axes


_CALFLOPS: Rules = {
    "nn.Conv": _twice_macs_and_bias,
    "nn.ConvTranspose": _calflops_transposed,
    **_named("nn.Linear F.linear", _twice_macs),
    "nn.BatchNorm": _norm(2, 1),
    **_named("nn.LayerNorm nn.GroupNorm nn.InstanceNorm", _norm(5, 4)),
    **_named("nn.ReLU nn.PReLU nn.ELU nn.LeakyReLU nn.SiLU nn.GELU nn.Softmax", _read(1)),
    **_named("nn.MaxPool nn.AvgPool nn.AdaptiveAvgPool nn.AdaptiveMaxPool", _read(1)),
    "nn.Upsample": _calflops_upsample,
    "torch.einsum": _einsum_cost,
    "nn.LocalResponseNorm": _response_norm,
    "F.lp_pool": _lp_pool,
    # A product of n terms is n multiplications and n - 1 additions here, in both products of every gate.
    **_named(
        _RECURRENT,
        _both(_twice_macs_and_bias, _cells({name: _GATING[name] - 2 * gates for name, gates in _GATES.items()})),
    ),
}

_TORCH: Rules = {
    **_named(_PRODUCTS, _twice_macs),
    **_named("F.scaled_dot_product_attention torch.einsum", _twice_macs),
    **_named("nn.GRU nn.RNN", _twice_macs),
}


def _paper(use: Use) -> Dim:
    return use.work.get("conv", 0) + use.work.get("linear", 0)


CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        "fvcore",
        "fvcore 0.1.5.post20221221 (FlopCountAnalysis)",
        "flops",
        "1 per multiply-accumulate, 2 per element of batch normalisation, 5 per element of other normalisation, 1 per"
        " element that adaptive average pooling reads; nothing for attention",
        _FVCORE,
    ),
    Convention(
        "ptflops",
        "ptflops 0.7.5 (backend pytorch)",
        "MACs",
        "multiply-accumulates and biases, 2 per element of batch normalisation; ReLU and pooling count twice per"
        " element, once for the module, once for the function in it; nothing for attention",
        _PTFLOPS,
    ),
    Convention(
        "ptflops-aten",
        "ptflops 0.7.5 (backend aten)",
        "MACs",
        "multiply-accumulates and biases; nothing for attention in heads",
        _PTFLOPS_ATEN,
        layouts=True,
    ),
    Convention(
        "thop",
        "thop 0.1.1.post2209072238",
        "MACs",
        "multiply-accumulates of convolutions and linear layers, 4 per element of normalisation, average pooling;"
        " nothing for attention",
        _THOP,
    ),
    Convention(
        "torchinfo",
        "torchinfo 1.8.0",
        "mult-adds",
        "weights and biases of a convolution times its positions; every other layer counts its parameters once, however"
        " often it applies them",
        _TORCHINFO,
    ),
    Convention(
        "calflops",
        "calflops 0.3.2",
        "FLOPs",
        "2 per multiply-accumulate, biases of convolutions, 2 per element of batch normalisation, 1 per element of ReLU"
        " and of what pooling reads; nothing for attention",
        _CALFLOPS,
    ),
    Convention(
        "torch",
        "torch.utils.flop_counter of PyTorch 2.13 (gradients on, math attention)",
        "FLOPs",
        "2 per multiply-accumulate of convolutions, linear layers, matrix products and attention, nothing else",
        _TORCH,
    ),
    Convention(
        "paper",
        "papers on image networks (He et al. 2015: FLOPs, multiply-adds)",
        "FLOPs",
        "multiply-accumulates of convolutions and linear layers, called FLOPs",
        {"": _paper},
    ),
)
"""Every convention but our own."""


def names() -> list[str]:
    """Every convention's name, our own first."""
    return [OWN_CONVENTION, *(convention.name for convention in CONVENTIONS)]


def find(name: str) -> Convention:
    """The convention of one of `names` other than our own."""
    return next(convention for convention in CONVENTIONS if convention.name == name)


def help_text() -> str:
    """The conventions as `--help` lists them."""
    widest = max(len(convention.name) for convention in CONVENTIONS)
    own = f"  {OWN_CONVENTION:<{widest}}  our own: MACs, and FLOPs with all other arithmetic"
    return "\n".join(
        ["conventions:", own, *(f"  {each.name:<{widest}}  {each.unit} of {each.tool}" for each in CONVENTIONS)]
    )
