"""A float64 evaluator of every operator, written from the definitions with plain numpy and loops over windows.

It shares nothing with the lowerings: it reads an operator's arguments and computes. It is slow and only ever sees small
tensors.
"""

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from archdsl.ir.operator import Operator

Array = np.ndarray
Weights = dict[str, Array]

RULES: dict[str, Callable[..., Any]] = {}


def rule(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `f(op, weights, *inputs)` for the operators of these names."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def evaluate(op: Operator, inputs: list[Array], weights: Weights) -> list[Array]:
    """Outputs of one application in float64; `weights` by the operator's own names."""
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs]
    results = RULES[op.name](op, {name: w.astype(np.float64) for name, w in weights.items()}, *wide)
    return list(results) if isinstance(results, (tuple, list)) else [results]


def spread(value: Any, axes: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) * axes


def along(vector: Array, axis: int, rank: int) -> Array:
    """A vector shaped to multiply along one axis of a tensor."""
    return vector.reshape([-1 if i == axis % rank else 1 for i in range(rank)])


# ------------------------------------------------------------------------------------------------- convolutions


def _taps(kernel: tuple[int, ...]) -> Any:
    return itertools.product(*map(range, kernel))


@rule("conv")
def conv(op: Any, w: Weights, x: Array) -> Array:
    axes = x.ndim - 2
    k, s, d = spread(op.kernel, axes), spread(op.stride, axes), spread(op.dilation, axes)
    half = tuple(b * (a // 2) for a, b in zip(k, d, strict=True))
    p = half if op.padding == "same" else spread(op.padding, axes)
    padded = np.pad(x, [(0, 0), (0, 0), *((n, n) for n in p)])
    sizes = [(padded.shape[i + 2] - (d[i] * (k[i] - 1) + 1)) // s[i] + 1 for i in range(axes)]
    y = np.zeros((x.shape[0], op.out, *sizes))
    ins, outs = x.shape[1] // op.groups, op.out // op.groups
    for g in range(op.groups):
        for tap in _taps(k):
            window = tuple(slice(t * d[i], t * d[i] + s[i] * (sizes[i] - 1) + 1, s[i]) for i, t in enumerate(tap))
            part = padded[(slice(None), slice(g * ins, (g + 1) * ins), *window)]
            matrix = w["weight"][(slice(g * outs, (g + 1) * outs), slice(None), *tap)]
            y[:, g * outs : (g + 1) * outs] += np.einsum("oi,ni...->no...", matrix, part)
    return y + along(w["bias"], 1, y.ndim) if op.bias else y


@rule("conv_transpose")
def conv_transpose(op: Any, w: Weights, x: Array) -> Array:
    axes = x.ndim - 2
    k, s, d, p, extra = (spread(v, axes) for v in (op.kernel, op.stride, op.dilation, op.padding, op.output_padding))
    full = [(x.shape[i + 2] - 1) * s[i] + d[i] * (k[i] - 1) + 1 + extra[i] for i in range(axes)]
    y = np.zeros((x.shape[0], op.out, *full))
    ins, outs = x.shape[1] // op.groups, op.out // op.groups
    for g in range(op.groups):
        for tap in _taps(k):
            place = tuple(slice(t * d[i], t * d[i] + s[i] * (x.shape[i + 2] - 1) + 1, s[i]) for i, t in enumerate(tap))
            matrix = w["weight"][(slice(g * ins, (g + 1) * ins), slice(None), *tap)]
            part = np.einsum("io,ni...->no...", matrix, x[:, g * ins : (g + 1) * ins])
            y[(slice(None), slice(g * outs, (g + 1) * outs), *place)] += part
    y = y[(slice(None), slice(None), *(slice(p[i], full[i] - p[i]) for i in range(axes)))]
    return y + along(w["bias"], 1, y.ndim) if op.bias else y


# ----------------------------------------------------------------------------------------------------- products


@rule("linear")
def linear(op: Any, w: Weights, x: Array) -> Array:
    y = np.einsum("...i,oi->...o", x, w["weight"])
    return y + w["bias"] if op.bias else y


@rule("embedding")
def embedding(op: Any, w: Weights, x: Array) -> Array:
    return np.array([w["weight"][i] for i in x.reshape(-1)]).reshape(*x.shape, op.dim)


@rule("matmul")
def matmul(op: Any, w: Weights, a: Array, b: Array) -> Array:
    return np.einsum("...ij,...jk->...ik", a, b)


@rule("attention")
def attention(op: Any, w: Weights, q: Array, k: Array, v: Array) -> Array:
    y = np.zeros((q.shape[0], q.shape[1], v.shape[2]))
    width, out = q.shape[2] // op.heads, v.shape[2] // op.heads
    seen = np.tri(q.shape[1], k.shape[1], dtype=bool) if op.causal else True
    for n, h in np.ndindex(q.shape[0], op.heads):
        query, key = (x[n, :, h * width : (h + 1) * width] for x in (q, k))
        powers = np.where(seen, np.exp(query @ key.T / math.sqrt(width)), 0.0)
        shares = powers / powers.sum(1, keepdims=True)
        y[n, :, h * out : (h + 1) * out] = shares @ v[n, :, h * out : (h + 1) * out]
    return y


# ------------------------------------------------------------------------------------------------------ recurrence


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _lstm_cell(op: Any, given: Array, own: Array, h: Array, c: Array) -> tuple[Array, ...]:
    i, f, g, o = np.split(given + own, 4, -1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _gru_cell(op: Any, given: Array, own: Array, h: Array) -> tuple[Array, ...]:
    (r, z, n), (own_r, own_z, own_n) = np.split(given, 3, -1), np.split(own, 3, -1)
    update = _sigmoid(z + own_z)
    return ((1 - update) * np.tanh(n + _sigmoid(r + own_r) * own_n) + update * h,)


def _rnn_cell(op: Any, given: Array, own: Array, h: Array) -> tuple[Array, ...]:
    return (np.tanh(given + own) if op.nonlinearity == "tanh" else np.maximum(given + own, 0.0),)


@rule("lstm", "gru", "rnn")
def recurrent(op: Any, w: Weights, x: Array, *starts: Array) -> Any:
    cell = {"lstm": _lstm_cell, "gru": _gru_cell, "rnn": _rnn_cell}[op.name]
    suffixes = ("", "_reverse") if op.bidirectional else ("",)
    last: list[tuple[Array, ...]] = []
    for layer in range(op.layers):
        directions: list[Array] = []
        for suffix in suffixes:
            name = f"l{layer}{suffix}"
            zeros = (np.zeros((x.shape[0], op.hidden)),) * (2 if op.name == "lstm" else 1)
            state = tuple(start[len(last)] for start in starts) or zeros
            y = np.zeros((x.shape[0], x.shape[1], op.hidden))
            for t in range(x.shape[1]) if suffix == "" else reversed(range(x.shape[1])):
                given = x[:, t] @ w[f"weight_ih_{name}"].T if f"weight_ih_{name}" in w else x[:, t]
                given = given + w.get(f"bias_ih_{name}", 0.0)
                own = state[0] @ w[f"weight_hh_{name}"].T + w.get(f"bias_hh_{name}", 0.0)
                state = cell(op, given, own, *state)
                y[:, t] = state[0]
            directions.append(y)
            last.append(state)
        x = np.concatenate(directions, -1)
    return [x, *(np.stack(states) for states in zip(*last, strict=True))] if op.states else x


# ------------------------------------------------------------------------------------------------ normalisation


def standardise(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axes, keepdims=True) + eps)


@rule("batch_norm")
def batch_norm(op: Any, w: Weights, x: Array) -> Array:
    mean, variance = along(w["running_mean"], 1, x.ndim), along(w["running_var"], 1, x.ndim)
    y = (x - mean) / np.sqrt(variance + op.eps)
    return y * along(w["weight"], 1, x.ndim) + along(w["bias"], 1, x.ndim) if op.affine else y


@rule("layer_norm")
def layer_norm(op: Any, w: Weights, x: Array) -> Array:
    y = standardise(x, tuple(range(x.ndim - op.axes, x.ndim)), op.eps)
    return y * w.get("weight", 1.0) + w.get("bias", 0.0)


@rule("rms_norm")
def rms_norm(op: Any, w: Weights, x: Array) -> Array:
    square = (x**2).mean(tuple(range(x.ndim - op.axes, x.ndim)), keepdims=True)
    return x / np.sqrt(square + op.eps) * w.get("weight", 1.0)


@rule("group_norm")
def group_norm(op: Any, w: Weights, x: Array) -> Array:
    y = np.empty_like(x)
    size = x.shape[1] // op.groups
    for g in range(op.groups):
        part = x[:, g * size : (g + 1) * size]
        y[:, g * size : (g + 1) * size] = standardise(part, tuple(range(1, x.ndim)), op.eps)
    return y * along(w["weight"], 1, x.ndim) + along(w["bias"], 1, x.ndim) if op.affine else y


@rule("instance_norm")
def instance_norm(op: Any, w: Weights, x: Array) -> Array:
    y = standardise(x, tuple(range(2, x.ndim)), op.eps)
    return y * along(w["weight"], 1, x.ndim) + along(w["bias"], 1, x.ndim) if op.affine else y


@rule("local_response_norm")
def local_response_norm(op: Any, w: Weights, x: Array) -> Array:
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        window = x[:, max(0, c - op.size // 2) : c + (op.size - 1) // 2 + 1]
        y[:, c] = x[:, c] / (op.k + op.alpha / op.size * (window**2).sum(1)) ** op.beta
    return y


# -------------------------------------------------------------------------------------------------- activations


def _elementwise(function: Callable[[Any, float], float]) -> Callable[..., Array]:
    def apply(op: Any, w: Weights, x: Array) -> Array:
        return np.array([function(op, float(value)) for value in x.reshape(-1)]).reshape(x.shape)

    return apply


def _logistic(v: float) -> float:
    return 1 / (1 + math.exp(-v))


def _softplus(v: float) -> float:
    return math.log1p(math.exp(-abs(v))) + max(v, 0.0)


def _gelu(op: Any, v: float) -> float:
    if op.approximate == "tanh":
        return 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))
    return v * 0.5 * math.erfc(-v / math.sqrt(2))


def _hard(v: float) -> float:
    return min(max(v / 6 + 0.5, 0.0), 1.0)


def _selu(v: float) -> float:
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * v if v > 0 else scale * alpha * math.expm1(v)


_ACTIVATIONS: dict[str, Callable[[Any, float], float]] = {
    "relu": lambda op, v: max(v, 0.0),
    "relu6": lambda op, v: min(max(v, 0.0), 6.0),
    "leaky_relu": lambda op, v: v if v > 0 else op.negative_slope * v,
    "elu": lambda op, v: v if v > 0 else op.alpha * math.expm1(v),
    "selu": lambda op, v: _selu(v),
    "gelu": _gelu,
    "silu": lambda op, v: v * _logistic(v),
    "mish": lambda op, v: v * math.tanh(_softplus(v)),
    "sigmoid": lambda op, v: _logistic(v),
    "tanh": lambda op, v: math.tanh(v),
    "hard_sigmoid": lambda op, v: _hard(v),
    "hard_swish": lambda op, v: v * _hard(v),
    "softplus": lambda op, v: _softplus(op.beta * v) / op.beta,
    "step": lambda op, v: 1.0 if v >= 0 else 0.0,
}
RULES.update({name: _elementwise(function) for name, function in _ACTIVATIONS.items()})


@rule("prelu")
def prelu(op: Any, w: Weights, x: Array) -> Array:
    slope = np.broadcast_to(w["weight"], x.shape[1:2])
    return np.where(x > 0, x, along(slope, 1, x.ndim) * x)


@rule("softmax", "log_softmax")
def softmax(op: Any, w: Weights, x: Array) -> Array:
    powers = np.exp(x)
    shares = powers / powers.sum(op.axis, keepdims=True)
    return np.log(shares) if op.name == "log_softmax" else shares


# -------------------------------------------------------------------------------------------------------- pools


def _starts(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> list[int]:
    """Where windows start, in coordinates of the unpadded axis (PyTorch's page on MaxPool2d)."""
    extent = dilation * (kernel - 1) + 1
    starts: list[int] = []
    start = -padding
    while start + extent <= length + padding or (
        # In ceil mode one more window may hang over the end, if it starts inside the input or the left padding.
        ceil and start < length and start - stride + extent < length + padding
    ):
        starts.append(start)
        start += stride
    return starts


@rule("max_pool", "avg_pool")
def pool(op: Any, w: Weights, x: Array) -> Array:
    axes = x.ndim - 2
    k = spread(op.kernel, axes)
    s = k if op.stride is None else spread(op.stride, axes)
    d = spread(getattr(op, "dilation", 1), axes)
    p = tuple(a // 2 for a in k) if op.padding == "same" else spread(op.padding, axes)
    starts = [_starts(x.shape[i + 2], k[i], s[i], p[i], d[i], op.ceil_mode) for i in range(axes)]
    y = np.empty((*x.shape[:2], *map(len, starts)))
    for place in np.ndindex(*map(len, starts)):
        taps = [[starts[i][place[i]] + t * d[i] for t in range(k[i])] for i in range(axes)]
        inside = [[t for t in taps[i] if 0 <= t < x.shape[i + 2]] for i in range(axes)]
        values = x[np.ix_(range(x.shape[0]), range(x.shape[1]), *inside)]
        values = values.reshape(*x.shape[:2], -1)
        if op.name == "max_pool":
            y[(..., *place)] = values.max(-1)
            continue
        padded = [sum(-p[i] <= t < x.shape[i + 2] + p[i] for t in taps[i]) for i in range(axes)]
        count = math.prod(padded) if op.count_include_pad else values.shape[-1]
        y[(..., *place)] = values.sum(-1) / count
    return y


@rule("global_avg_pool", "global_max_pool")
def global_pool(op: Any, w: Weights, x: Array) -> Array:
    flat = x.reshape(*x.shape[:2], -1)
    y = flat.mean(-1) if op.name == "global_avg_pool" else flat.max(-1)
    return y.reshape(*x.shape[:2], *(1,) * (x.ndim - 2)) if op.keepdim else y


@rule("adaptive_avg_pool")
def adaptive_avg_pool(op: Any, w: Weights, x: Array) -> Array:
    sizes = spread(op.output_size, x.ndim - 2)
    y = np.empty((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        window = tuple(
            slice(math.floor(i * n / size), math.ceil((i + 1) * n / size))
            for i, n, size in zip(place, x.shape[2:], sizes, strict=True)
        )
        y[(..., *place)] = x[(..., *window)].mean(tuple(range(2, x.ndim)))
    return y


# ------------------------------------------------------------------------------------------------------- merges


def _folded(function: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    def apply(op: Any, w: Weights, *inputs: Array) -> Array:
        result = inputs[0]
        for x in inputs[1:]:
            result = function(result, x)
        return result

    return apply


RULES.update(
    add=_folded(lambda a, b: a + b),
    sub=_folded(lambda a, b: a - b),
    mul=_folded(lambda a, b: a * b),
    div=_folded(lambda a, b: a / b),
    max=_folded(lambda a, b: np.where(a > b, a, b)),
    min=_folded(lambda a, b: np.where(a < b, a, b)),
)


@rule("mean")
def mean(op: Any, w: Weights, *inputs: Array) -> Array:
    return np.stack(np.broadcast_arrays(*inputs)).mean(0)


@rule("join")
def join(op: Any, w: Weights, *inputs: Array) -> Array:
    return np.stack(inputs if op.column is None else inputs[:-1]).mean(0)


@rule("draw_column")
def draw_column(op: Any, w: Weights, x: Array) -> Array:
    return np.array(-1)


@rule("concat")
def concat(op: Any, w: Weights, *inputs: Array) -> Array:
    return np.concatenate(inputs, op.axis)


@rule("id", "dropout", "drop_path")
def identity(op: Any, w: Weights, *inputs: Array) -> Any:
    return inputs


# ------------------------------------------------------------------------------------------------------- layout


@rule("split")
def split(op: Any, w: Weights, x: Array) -> Any:
    length = x.shape[op.axis]
    sizes = (length // op.sections,) * op.sections if isinstance(op.sections, int) else op.sections
    ends = list(itertools.accumulate(sizes))
    return [np.take(x, range(end - size, end), op.axis) for size, end in zip(sizes, ends, strict=True)]


@rule("slice")
def slice_(op: Any, w: Weights, x: Array) -> Array:
    for axis in op.axis:
        x = np.take(x, range(x.shape[axis])[op.start : op.stop : op.step], axis)
    return x


@rule("select")
def select(op: Any, w: Weights, x: Array) -> Array:
    return np.take(x, op.indices, op.axis)


@rule("flatten")
def flatten(op: Any, w: Weights, x: Array) -> Array:
    start, end = op.start % x.ndim, op.end % x.ndim
    return x.reshape(*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :])


@rule("reshape")
def reshape(op: Any, w: Weights, x: Array) -> Array:
    return x.reshape(op.dims)


@rule("transpose")
def transpose(op: Any, w: Weights, x: Array) -> Array:
    return np.swapaxes(x, op.first, op.second)


@rule("permute")
def permute(op: Any, w: Weights, x: Array) -> Array:
    return np.transpose(x, op.axes)


@rule("squeeze")
def squeeze(op: Any, w: Weights, x: Array) -> Array:
    return np.squeeze(x, op.axis)


@rule("unsqueeze")
def unsqueeze(op: Any, w: Weights, x: Array) -> Array:
    return np.expand_dims(x, op.axis)


@rule("pad")
def pad(op: Any, w: Weights, x: Array) -> Array:
    for axis in op.axis:
        if op.mode == "constant":
            before, after = list(x.shape), list(x.shape)
            before[axis], after[axis] = op.amount[0], op.amount[-1]
            x = np.concatenate([np.full(before, op.value), x, np.full(after, op.value)], axis)
            continue
        length = x.shape[axis]
        taken = [_inside(position, length, op.mode) for position in range(-op.amount[0], length + op.amount[-1])]
        x = np.take(x, taken, axis)
    return x


def _inside(position: int, length: int, mode: str) -> int:
    """Which element stands at a position outside the axis."""
    if mode == "circular":
        return position % length
    nearest = min(max(position, 0), length - 1)
    return nearest if mode == "replicate" else 2 * nearest - position


@rule("resize")
def resize(op: Any, w: Weights, x: Array) -> Array:
    axes = x.ndim - 2
    for i in range(axes):
        old = x.shape[i + 2]
        new = old * spread(op.scale, axes)[i] if op.size is None else spread(op.size, axes)[i]
        if op.mode == "nearest":
            x = np.take(x, [position * old // new for position in range(new)], i + 2)
            continue
        if op.align_corners:
            centres = [position * (old - 1) / (new - 1) for position in range(new)]
        else:
            centres = [(position + 0.5) * old / new - 0.5 for position in range(new)]
        kernel = _keys if op.mode == "bicubic" else lambda distance: max(1 - distance, 0.0)
        shares = np.zeros((new, old))
        for position, centre in enumerate(centres):
            for tap in range(math.floor(centre) - 1, math.floor(centre) + 3):
                shares[position, min(max(tap, 0), old - 1)] += kernel(abs(centre - tap))
        x = np.moveaxis(np.tensordot(shares, x, (1, i + 2)), 0, i + 2)
    return x


def _keys(distance: float, a: float = -0.75) -> float:
    """Keys's cubic convolution kernel (1981)."""
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * (distance**3 - 5 * distance**2 + 8 * distance - 4) if distance < 2 else 0.0


@rule("stack")
def stack(op: Any, w: Weights, *inputs: Array) -> Array:
    axis = op.axis % (inputs[0].ndim + 1)
    y = np.empty((*inputs[0].shape[:axis], len(inputs), *inputs[0].shape[axis:]), inputs[0].dtype)
    for i, x in enumerate(inputs):
        y[(*(slice(None),) * axis, i)] = x
    return y


@rule("repeat_dim")
def repeat_dim(op: Any, w: Weights, x: Array) -> Array:
    return np.concatenate([x] * op.times, op.axis)


@rule("rearrange")
def rearrange(op: Any, w: Weights, x: Array) -> Array:
    """Element by element: where an element stands on the left says the position on each named axis, and these say where
    it stands on the right."""
    left, right = (re.findall(r"\(.*?\)|\S+", side) for side in op.pattern.split("->"))
    dots = [f"dot{i}" for i in range(x.ndim - len(left) + 1)]
    left, right = (" ".join(side).replace("...", " ".join(dots)) for side in (left, right))
    before, after = ([g.strip("()").split() for g in re.findall(r"\(.*?\)|\S+", side)] for side in (left, right))
    sizes = {**dict(op.lengths), "1": 1}
    for names, length in zip(before, x.shape, strict=True):
        known = math.prod(sizes[name] for name in names if name in sizes)
        sizes.update({name: length // known for name in names if name not in sizes})
    y = np.empty([math.prod(sizes[name] for name in names) for names in after], x.dtype)
    names = sorted(set(sizes))
    for position in np.ndindex(*(sizes[name] for name in names)):
        at = dict(zip(names, position, strict=True))
        y[_joined(after, at, sizes)] = x[_joined(before, at, sizes)]
    return y


def _joined(groups: list[list[str]], at: dict[str, int], sizes: dict[str, int]) -> tuple[int, ...]:
    return tuple(
        sum(at[n] * math.prod(sizes[m] for m in names[i + 1 :]) for i, n in enumerate(names)) for names in groups
    )


@rule("einsum")
def einsum(op: Any, w: Weights, *inputs: Array) -> Array:
    """Two at a time from the left. What one of the two has alone and nobody needs later is summed first; where nothing
    is summed over both, it is a product of elements. An axis of length 1 is no loop: nothing is summed over it."""
    left, result = op.pattern.replace(" ", "").split("->")
    terms = left.split(",")
    lengths = dict(pair for term, x in zip(terms, inputs, strict=True) for pair in zip(term, x.shape, strict=True))
    shape = [lengths[letter] for letter in result]
    inputs = tuple(x.reshape([n for n in x.shape if n != 1]) for x in inputs)
    left, result = ("".join(each for each in text if lengths.get(each) != 1) for text in (left, result))
    letters, *terms = left.split(",")
    y, *others = inputs
    for i, (term, x) in enumerate(zip(terms, others, strict=True)):
        later = set(result).union(*terms[i + 1 :])
        y, letters = _total(y, letters, later | set(term))
        x, term = _total(x, term, later | set(letters))
        over = letters + "".join(letter for letter in term if letter not in letters)
        kept = "".join(letter for letter in over if letter in later)
        if kept == over:
            y = _along(y, letters, over) * _along(x, term, over)
        else:
            y = np.einsum(f"{letters},{term}->{kept}", y, x)
        letters = kept
    y, letters = _total(y, letters, set(result))
    return y.transpose([letters.index(letter) for letter in result]).reshape(shape)


def _total(x: Array, letters: str, needed: set[str]) -> tuple[Array, str]:
    gone = tuple(axis for axis, letter in enumerate(letters) if letter not in needed)
    return (x.sum(gone) if gone else x), "".join(letter for letter in letters if letter in needed)


def _along(x: Array, letters: str, over: str) -> Array:
    """With axes in the order of `over`, of length 1 for letters it has not."""
    x = x.transpose([letters.index(letter) for letter in over if letter in letters])
    lengths = iter(x.shape)
    return x.reshape([next(lengths) if letter in letters else 1 for letter in over])


@rule("glu")
def glu(op: Any, w: Weights, x: Array) -> Array:
    half = x.shape[op.axis] // 2
    value, gate = np.take(x, range(half), op.axis), np.take(x, range(half, 2 * half), op.axis)
    return value / (1 + np.exp(-gate))


@rule("lp_pool")
def lp_pool(op: Any, w: Weights, x: Array) -> Array:
    axes = x.ndim - 2
    k = spread(op.kernel, axes)
    s = k if op.stride is None else spread(op.stride, axes)
    y = np.zeros((*x.shape[:2], *((x.shape[i + 2] - k[i]) // s[i] + 1 for i in range(axes))))
    for place in np.ndindex(*y.shape[2:]):
        window = tuple(slice(place[i] * s[i], place[i] * s[i] + k[i]) for i in range(axes))
        values = np.abs(x[(..., *window)]).reshape(*x.shape[:2], -1)
        y[(..., *place)] = sum(values[..., i] ** op.p for i in range(values.shape[-1])) ** (1 / op.p)
    return y


@rule("constant")
def constant(op: Any, w: Weights) -> Array:
    return np.array(op.value, np.float64 if op.dtype == "f32" else np.int64)


@rule("cast")
def cast(op: Any, w: Weights, x: Array) -> Array:
    if op.dtype == "bool":
        return x != 0
    return np.trunc(x).astype(np.int64) if op.dtype in ("i32", "i64", "u8") else x.astype(np.float64)


@rule("detach")
def detach(op: Any, w: Weights, x: Array) -> Array:
    return x


@rule("reduce_mean", "reduce_sum", "reduce_max")
def reduce_(op: Any, w: Weights, x: Array) -> Array:
    function = {"reduce_mean": np.mean, "reduce_sum": np.sum, "reduce_max": np.max}[op.name]
    return function(x, tuple(op.axis), keepdims=op.keepdim)


@rule("param")
def param(op: Any, w: Weights) -> Array:
    return w[""]


@rule("scale")
def scale(op: Any, w: Weights, x: Array) -> Array:
    return x * along(w[""], op.axis, x.ndim)


@rule("positions")
def positions(op: Any, w: Weights, x: Array) -> Array:
    return np.array([list(range(x.shape[1]))], np.int64)
