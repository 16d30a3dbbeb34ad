"""How many digits of a result single precision can know: stochastic arithmetic (La Porte and Vignes, 1974).

A network runs in double precision, and every arithmetic step of both passes, down to the sums and products that a
normalisation is made of, gives a result that is wrong at random by what single precision might lose. What cancels keeps
the errors of what it came from, so the distance to the undisturbed run is the error that *correct* code may have in
single precision, whatever the size of the result. An error beyond a small multiple of it is a fault."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

UNIT = 2.0**-24
"""How much of itself a number in single precision may lose in one step."""
LEAST = 2.0**-149
"""The least number in single precision: what comes below is lost whole."""

_aten = torch.ops.aten
_PARTS: Mapping[Any, Callable[..., Any]] = get_decompositions(
    [
        getattr(_aten, name)
        for norm in ("native_layer_norm", "native_group_norm", "native_batch_norm", "_fused_rms_norm")
        for name in (norm, f"{norm}_backward")
    ]
    + [_aten._softmax, _aten._log_softmax, _aten._softmax_backward_data, _aten._log_softmax_backward_data]
    + [_aten.sigmoid_backward, _aten.tanh_backward, _aten.gelu_backward, _aten.silu_backward, _aten.mish_backward]
    + [_aten.softplus_backward, _aten.elu_backward, _aten.logsumexp, _aten.var_mean, _aten._native_batch_norm_legit]
)
"""Functions that lose digits inside, as the steps that they are made of."""

_EXACT = {
    "_to_copy", "_unsafe_view", "abs", "amax", "amin", "arange", "bernoulli", "broadcast_tensors", "cat", "ceil",
    "clamp", "clamp_max", "clamp_min", "clone", "constant_pad_nd", "copy", "embedding", "empty", "empty_like",
    "empty_strided", "fill", "flip", "floor", "full", "full_like", "gather", "hardtanh", "hardtanh_backward",
    "heaviside", "index", "index_select", "leaky_relu", "lift_fresh", "linspace", "masked_fill", "max",
    "max_pool2d_with_indices", "max_pool3d_with_indices", "maximum", "min", "minimum", "native_dropout", "neg",
    "new_empty", "new_empty_strided", "new_full", "new_ones", "new_zeros", "normal", "ones", "ones_like", "rand",
    "rand_like", "randn", "randn_like", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "relu", "repeat",
    "repeat_interleave", "replication_pad1d", "replication_pad2d", "replication_pad3d", "roll", "round",
    "scalar_tensor", "select_backward", "sign", "slice_backward", "sort", "stack", "threshold_backward", "topk",
    "trunc", "uniform", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest2d_vec", "upsample_nearest3d",
    "where", "zero", "zeros", "zeros_like",
}  # fmt: skip
"""What moves, chooses or makes numbers, and loses nothing."""


_SUMS = {"mm", "addmm", "bmm", "baddbmm", "mv", "dot", "sum", "mean", "convolution", "convolution_backward"}
"""What adds many terms. It loses of each term, so of what it is given and not only of what is left after they cancel
(the backward error of a sum)."""

Grain = Callable[..., Any]

ONNXRUNTIME: Mapping[str, Grain] = {
    "elu": lambda x, alpha=1, scale=1, *_: UNIT * alpha * scale,  # exp(x) - 1: 6e-8 at x = 0
    "gelu": lambda x, *_, **__: UNIT * x.abs(),  # x times 1 + erf(x): 9e-8
    "hardsigmoid": lambda x: UNIT / 2,  # x / 6 + 1 / 2: 4e-8 at x = -3
    "hardswish": lambda x: UNIT / 2 * x.abs(),
    "sigmoid": lambda x: 2 * UNIT,  # 1.7e-7
    "silu": lambda x: 2 * UNIT * x.abs(),
    "LSTM.sigmoid": lambda x: 2 * UNIT,  # 1.5e-7; its tanh loses of itself
    "GRU.sigmoid": lambda x: 8 * UNIT,  # 6.2e-7
    "GRU.tanh": lambda x: 8 * UNIT,  # 6.0e-7
    "RNN.tanh": lambda x: 2 * UNIT,  # 1.8e-7: tanh(1e-8) is 0 or 6e-8
}
"""Functions, and those inside recurrent layers, that onnxruntime works out next to a number like 1 from which it then
takes something away: what is left is a multiple of a *grain*, given here as a function of what the function is given,
however small it is itself. Beside each what was measured: its largest error over -95 to 95 (onnxruntime 1.31)."""


class Disturbance(TorchDispatchMode):
    """While this is entered, steps in double precision lose what steps in single precision may. `unit` is how much;
    `grains` are functions that lose more (`ONNXRUNTIME`). Without a seed each loses what rounding to the nearest does:
    where many values are equal but for rounding, they are equal then."""

    def __init__(
        self, seed: int | None, unit: float = UNIT, least: float = LEAST, grains: Mapping[str, Grain] | None = None
    ) -> None:
        super().__init__()
        self.unit, self.least = unit, least
        self.grains = grains or {}
        self.layer = ""
        self.stream = None if seed is None else torch.Generator().manual_seed(seed)

    def drawn(self, x: torch.Tensor) -> torch.Tensor:
        if self.stream is None:
            return torch.zeros_like(x)
        return torch.randn(x.shape, generator=self.stream, dtype=x.dtype)

    @contextmanager
    def inside_layers(self, module: torch.nn.Module) -> Iterator[None]:
        """While this is entered, `layer` says inside which recurrent layer of the module it is."""

        def enter(layer: torch.nn.Module, _: Any) -> None:
            self.layer = type(layer).__name__.removeprefix("SkipInput") + "."

        def leave(*_: Any) -> None:
            self.layer = ""

        hooks: list[Any] = []
        for each in module.modules():
            if type(each).__name__ in ("LSTM", "GRU", "RNN", "SkipInputRNN"):
                hooks += [each.register_forward_pre_hook(enter), each.register_forward_hook(leave)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def in_grains(self, x: torch.Tensor, grain: Any) -> torch.Tensor:
        """A multiple of the grain that may be a grain off."""
        size = torch.as_tensor(grain, dtype=x.dtype).clamp(min=self.least)
        return (x / size + self.drawn(x)).round() * size

    def near(self, x: torch.Tensor) -> torch.Tensor:
        """What single precision might have made of it: a number of as few digits, so what is equal but for rounding
        may come out equal."""
        moved = x + self.drawn(x) * (self.unit * x.abs() + self.least)
        if not self.unit:
            return moved
        last = self.unit * torch.exp2(torch.frexp(moved).exponent.to(moved.dtype))
        return (moved / last).round() * last

    def of(self, x: torch.Tensor) -> torch.Tensor:
        """The same, of whatever there is: indices have nothing to lose."""
        return self.near(x) if x.dtype == torch.float64 and x.numel() else x

    def _wrong(self, result: Any, given: set[int]) -> Any:
        if isinstance(result, (tuple, list)):
            return type(result)(self._wrong(each, given) for each in result)  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(result, torch.Tensor) or result.untyped_storage().data_ptr() in given:
            return result
        return self.of(result)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        parts = _PARTS.get(func)
        if parts is not None:
            with self:
                return parts(*args, **named)
        name = func._schema.name.partition("::")[2]
        if name in _SUMS:
            args = [self.of(each) if isinstance(each, torch.Tensor) else each for each in args]
        plain = name.rstrip("_")
        grain = self.grains.get(self.layer + plain) if self.grains else None
        # In place, what it was given is gone afterwards.
        size = grain(*args, **named) if grain is not None and args[0].dtype == torch.float64 else None
        result = func(*args, **named)
        if size is not None:
            return result.copy_(self.in_grains(result, size)) if plain != name else self.in_grains(result, size)
        if name in _EXACT or plain in _EXACT or func.is_view:
            return result
        if func._schema.is_mutable:
            if isinstance(result, torch.Tensor) and result.dtype == torch.float64 and result.numel():
                result.copy_(self.near(result))
            return result
        return self._wrong(result, {x.untyped_storage().data_ptr() for x in args if isinstance(x, torch.Tensor)})


class Largest(TorchDispatchMode):
    """While this is entered, `value` is the largest finite magnitude in double precision of what either pass makes:
    what masks is infinite, and nothing to speak of."""

    def __init__(self) -> None:
        super().__init__()
        self.value = 0.0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        parts = _PARTS.get(func)
        if parts is not None:  # the variance of values that are in range may not be
            with self:
                return parts(*args, **named)
        result = func(*args, **named)
        name = func._schema.name.partition("::")[2]
        for x in result if isinstance(result, (tuple, list)) else (result,):
            if name.find("empty") < 0 and isinstance(x, torch.Tensor) and x.dtype == torch.float64 and x.numel():
                self.value = max(self.value, float(x.abs().nan_to_num(0, 0, 0).max()))
        return result


class SingleDraws(TorchDispatchMode):
    """While this is entered, double precision draws what single precision would: dropout drops the same elements."""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func is _aten.bernoulli_.float and args[0].dtype == torch.float64:
            return args[0].copy_(func(torch.empty_like(args[0], dtype=torch.float32), *args[1:], **named))
        return func(*args, **named)


@contextmanager
def disturbed(
    seed: int | None, unit: float = UNIT, least: float = LEAST, grains: Mapping[str, Grain] | None = None
) -> Iterator[Disturbance]:
    """A disturbance. The kernel of attention does many steps in one; its other form shows them."""
    with sdpa_kernel(SDPBackend.MATH), Disturbance(seed, unit, least, grains) as found:
        yield found
