"""Rewrites of a finished body: fewer copies and fewer products for the same function.

onnxruntime does none of them itself. What each of them gained where it was measured is in decision 022
(`docs/decisions`).
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from math import prod

from archdsl.backends.onnx.graph_records import ConstantTensor, GraphBody, Record, Val
from archdsl.types.tensor import TensorType


def rewrite(body: GraphBody) -> None:
    """Apply every rewrite; nothing that the body computes changes, but for rounding."""
    _merge_concats(body)
    constants = {constant.value: constant for constant in body.constants.values()}
    _exchange(body, _pooled_first)
    _exchange(body, lambda pool, pad: _padded_first(pool, pad, constants))
    _keep_zeros(body, constants)


def _merge_concats(body: GraphBody) -> None:
    """`Concat(Concat(a, b), c)` over one axis, the inner one used nowhere else, becomes `Concat(a, b, c)`: one
    copy instead of two."""
    uses = _uses(body)
    merged: set[Record] = set()
    for record in body.records:
        if record.op_type != "Concat":
            continue
        parts: list[Val | None] = []
        for value in record.inputs:
            inner = value.record if value is not None else None
            if value is None or inner is None or uses[value] > 1 or not _same_concat(inner, record):
                parts.append(value)
            else:
                parts.extend(inner.inputs)
                merged.add(inner)
        record.inputs = parts
    body.records = [record for record in body.records if record not in merged]


def _same_concat(inner: Record, outer: Record) -> bool:
    return inner.op_type == "Concat" and inner.attributes["axis"] == outer.attributes["axis"]


def _pooled_first(conv: Record, pool: Record) -> TensorType | None:
    """A mean of windows and a 1x1 convolution may change places: one acts on each channel alone, the other on
    each pixel. The convolution after a pool that strides has fewer pixels to do, in a DenseNet's transition a
    quarter. A bias would be diluted by padding that counts."""
    if conv.op_type != "Conv" or pool.op_type != "AveragePool":
        return None
    pointwise = prod((*_ints(conv, "kernel_shape"), *_ints(conv, "strides"))) == 1 and not any(_ints(conv, "pads"))
    biased = len(conv.inputs) > 2
    diluted = any(_ints(pool, "pads")) or pool.attributes.get("ceil_mode", 0) == 1
    if not pointwise or prod(_ints(pool, "strides")) == 1 or (biased and diluted):
        return None
    return _mixed(channels=conv.inputs[0], pixels=pool.outputs[0])


def _padded_first(pool: Record, pad: Record, constants: dict[Val, ConstantTensor]) -> TensorType | None:
    """Zeros for further channels may be added before every other pixel is dropped, as well as after. onnxruntime
    keeps tensors in blocks of channels between convolutions, and pools take part in that but `Pad` does not:
    with the pool last, what follows an option A shortcut stays in blocks."""
    if pool.op_type != "AveragePool" or pad.op_type != "Pad":
        return None
    subsampling = prod(_ints(pool, "kernel_shape")) == 1 and not any(_ints(pool, "pads"))
    pads = _pads(pad, constants)
    rank = len(pads) // 2
    channels_alone = not any(side for place, side in enumerate(pads) if place % rank != 1)
    if not subsampling or not channels_alone:
        return None
    return _mixed(channels=pad.outputs[0], pixels=pool.inputs[0])


def _keep_zeros(body: GraphBody, constants: Mapping[Val, ConstantTensor]) -> None:
    """onnxruntime makes a `Pad` with zeros part of the pool that follows, where they are no zeros any more: a maximum
    over negative elements is taken without them, a mean counts others than before in windows at the end, and a pool
    takes no padding as large as its window. It leaves a `Pad` alone whose result another node reads: an axis that comes
    and goes copies nothing."""
    uses = _uses(body)
    written: dict[Record, tuple[Record, ...]] = {}
    for record in body.records:
        value = record.inputs[0] if record.inputs else None
        pad = value.record if value is not None else None
        if record.op_type not in ("MaxPool", "AveragePool") or value is None or pad is None or uses[value] > 1:
            continue
        if _pads_zeros(pad, constants):
            written[pad] = _around(body, pad, value, constants)
    body.records = [placed for record in body.records for placed in written.get(record, (record,))]


def _around(body: GraphBody, pad: Record, result: Val, constants: Mapping[Val, ConstantTensor]) -> tuple[Record, ...]:
    """The same `Pad` with an axis before all others."""
    pads = _pads(pad, constants)
    half = len(pads) // 2
    wider = [0, *pads[:half], 0, *pads[half:]]
    axis, sides = body.constant([0], "i64", (1,)), body.constant(wider, "i64", (len(wider),))
    before = Record("Unsqueeze", [pad.inputs[0], axis], [], {}, pad.path)
    before.outputs = [Val(before)]
    around = Record("Pad", [before.outputs[0], sides, *pad.inputs[2:]], [], pad.attributes, pad.path)
    around.outputs = [Val(around)]
    after = Record("Squeeze", [around.outputs[0], axis], [result], {}, pad.path)
    result.record = after
    return before, around, after


def _pads_zeros(record: Record, constants: Mapping[Val, ConstantTensor]) -> bool:
    """Whether it adds zeros of either sign to spatial axes alone."""
    if record.op_type != "Pad" or "mode" in record.attributes:
        return False
    pads = _pads(record, constants)
    value = constants.get(record.inputs[2]) if len(record.inputs) > 2 and record.inputs[2] is not None else None
    is_zero = value is None or not any(value.data.rstrip(b"\x80"))
    return is_zero and not any(side for place, side in enumerate(pads) if place % (len(pads) // 2) < 2)


def _pads(pad: Record, constants: Mapping[Val, ConstantTensor]) -> tuple[int, ...]:
    """The lengths that a `Pad` adds: before every axis, then after every axis."""
    sides = pad.inputs[1]
    assert sides is not None
    data = constants[sides].data
    return struct.unpack(f"<{len(data) // 8}q", data)


def _exchange(body: GraphBody, between: Callable[[Record, Record], TensorType | None]) -> None:
    """Turn `second(first(x))` into `first(second(x))` wherever `between(first, second)` gives the type that the
    value between the two will then have, and nothing else uses that value."""
    uses = _uses(body)
    after: dict[Record, Record] = {}
    moved: set[Record] = set()
    for second in body.records:
        value = second.inputs[0] if second.inputs else None
        first = value.record if value is not None else None
        if value is None or first is None or uses[value] > 1 or first in moved:
            continue
        known = between(first, second)
        if known is None:
            continue
        result = second.outputs[0]
        first.inputs[0], second.inputs[0] = value, first.inputs[0]
        first.outputs[0], second.outputs[0] = result, value
        value.record, value.known, result.record = second, known, first
        after[second] = first
        moved.add(first)
    body.records = [
        placed
        for record in body.records
        if record not in moved
        for placed in ((record, after[record]) if record in after else (record,))
    ]


def _mixed(channels: Val | None, pixels: Val | None) -> TensorType | None:
    """The first two axes of one value with the spatial axes of another; None where a type is not known."""
    if channels is None or pixels is None or channels.known is None or pixels.known is None:
        return None
    return pixels.known.with_dims(*channels.known.dims[:2], *pixels.known.dims[2:])


def _ints(record: Record, name: str) -> Sequence[int]:
    values = record.attributes.get(name, ())
    return [int(value) for value in values] if isinstance(values, Sequence) else ()


def _uses(body: GraphBody) -> dict[Val, int]:
    """How often each value is read; leaving the body is one use."""
    uses: dict[Val, int] = dict.fromkeys(body.outputs, 1)
    for record in body.records:
        for value in record.inputs:
            if value is not None:
                uses[value] = uses.get(value, 0) + 1
    return uses
