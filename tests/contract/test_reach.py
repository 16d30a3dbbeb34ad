"""What an operator says of its reach is what a probe finds: a changed position of an input changes exactly the
positions of the outputs that read it."""

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

import pytest
import torch
from contract_cases import CASES, Case, random_weights

from archdsl.analysis.field import FieldModel
from archdsl.api import load
from archdsl.ir.operator import Operator
from archdsl.ir.program import Op
from archdsl.ir.reach import AxisReach, Reach, Relation, after, both

COPIES = ("reflect", "replicate", "circular")
"""Ways to pad with copies of what is inside, which is then read at the edges too."""

FED = [case for case in CASES if case.example.inputs]

WHOLE: dict[str, Callable[[Any, int, int], Collection[int]]] = {
    # Channels in groups see their own group only, and a reach does not tell groups apart.
    **dict.fromkeys(("conv", "conv_transpose", "group_norm"), lambda op, place, rank: {1}),
    # Where a position comes from differs along the axis.
    **dict.fromkeys(("glu", "concat", "select"), lambda op, place, rank: {op.axis % rank}),
    # Heads see their own features, and earlier positions do not see later ones.
    "attention": lambda op, place, rank: {2} | ({1} if op.causal and place else set()),
    # Earlier steps do not see later ones, a layer does not see the states of those above.
    **dict.fromkeys(("lstm", "gru", "rnn"), lambda op, place, rank: {1} if place == 0 else {0}),
    # What is joined or cut.
    "flatten": lambda op, place, rank: range(op.start % rank, op.end % rank + 1),
    **dict.fromkeys(("reshape", "rearrange"), lambda op, place, rank: range(rank)),
}
"""Which axes of an operator's input number `place` are called whole by definition, although a position of the result
may read a part of them."""

MIXED = ("attention", "lstm", "gru", "rnn")
"""Operators whose definition mixes features and layers, though one head or one layer alone leaves them apart. Others
name an axis that is unchanged in the result, whatever `WHOLE` says."""


def changed(
    module: torch.nn.Module,
    inputs: list[torch.Tensor],
    before: list[torch.Tensor],
    which: int,
    axis: int,
    place: int,
    high: int,
) -> list[torch.Tensor]:
    """For each output, which of its elements change when a position of an input gets much larger or much smaller, or
    holds other whole numbers."""
    found = [torch.zeros_like(each, dtype=torch.bool) for each in before]
    for change in (100.0, -100.0, 2.5, -2.5) if inputs[which].is_floating_point() else range(1, high):
        probe = [each.clone() for each in inputs]
        part = probe[which].narrow(axis, place, 1)
        part += change
        if not part.is_floating_point():
            part %= high
        for mask, old, new in zip(found, before, results(module, probe), strict=True):
            mask |= old != new
    return found


def results(module: torch.nn.Module, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    given = [each.clone() if not each.is_floating_point() else each.double() for each in inputs]
    result = module(*given)
    return list(result) if isinstance(result, tuple) else [result]


Probe = dict[tuple[int, int], list[torch.Tensor]]
"""By input and axis: for each output what it reads, [position of the input, *output]."""


@cache
def probed(case: Case) -> Probe:
    """What a module reads, found by changing every position of every axis of its inputs."""
    net = case.network()
    (op,) = [node for node in net.program.entry.nodes if isinstance(node, Op)]
    module = net.torch().double().eval()
    module.load_state_dict({path: torch.from_numpy(array) for path, array in random_weights(net).items()})
    inputs = [torch.from_numpy(array) for array in case.arrays().values()]
    found: Probe = {}
    with torch.no_grad():
        before = results(module, inputs)
        for place, value in enumerate(op.inputs):
            source = net.program.inputs.index(value)
            for axis, length in enumerate(inputs[source].shape):
                masks = [changed(module, inputs, before, source, axis, at, case.example.high) for at in range(length)]
                found[place, axis] = [torch.stack(each) for each in zip(*masks, strict=True)]
    return found


@pytest.mark.parametrize("case", FED, ids=str)
def test_an_output_reads_the_positions_that_its_operator_names(case: Case) -> None:
    op, inputs, outputs = case.op()
    reach = op.reach(inputs, outputs)
    for (place, axis), stacks in probed(case).items():
        for stacked, row in zip(stacks, reach, strict=True):
            compare(op, stacked, place, axis, inputs[place].rank, row[place])


def compare(op: Operator, stacked: torch.Tensor, place: int, axis: int, rank: int, reach: Reach) -> None:
    length = stacked.shape[0]
    edges = getattr(op, "mode", "") not in COPIES
    if reach is None:
        assert not stacked.any()
        return
    span = reach.get(axis)
    if span is None:
        excused = WHOLE.get(op.name, lambda *_: ())
        along = [read_along(stacked, each) for each in range(stacked.ndim - 1)]
        parts = not all(bool(reads[[0, -1]].all()) for reads in along)
        kept = length > 1 and any(torch.equal(reads, torch.eye(length) > 0) for reads in along)
        assert not parts or axis in excused(op, place, rank), f"axis {axis} is not read whole"
        assert not kept or op.name in MIXED, f"axis {axis} is the same in the result"
        return
    reads = read_along(stacked, span.axis)
    for place in range(reads.shape[1]):
        low, high = span.at(place)
        if not edges and (low < 0 or high >= length):
            continue
        read = reads[:, place].nonzero().flatten().tolist()
        assert all(low <= each <= high for each in read), (axis, place)
        # At an edge of the input the taps of a window that are left may not begin at the edge.
        assert not read or low < 0 or read[0] == low, (axis, place)
        assert not read or high >= length or read[-1] == high, (axis, place)
        assert read or low < 0 or high >= length or low == high, (axis, place)


def read_along(stacked: torch.Tensor, axis: int) -> torch.Tensor:
    """[position of the input, position along an axis of the output]"""
    others = [each for each in range(1, stacked.ndim) if each != axis + 1]
    return stacked.amax(others) if others else stacked


def wrong(relation: Relation) -> Iterator[tuple[str, int, int, AxisReach, Relation]]:
    """The relation with one axis of one input left out, moved, or made wider; and what was done to which span of which
    axis of which input."""
    ways: dict[str, Callable[[AxisReach], AxisReach | None]] = {
        "left out": lambda span: None,
        "moved on": lambda span: AxisReach(span.axis, span.step, shifted(span.lows, 1), shifted(span.highs, 1)),
        "moved back": lambda span: AxisReach(span.axis, span.step, shifted(span.lows, -1), shifted(span.highs, -1)),
        "wider": lambda span: AxisReach(span.axis, span.step, span.lows, shifted(span.highs, 1)),
    }
    for place, reach in enumerate(relation[0]):
        for axis, span in (reach or {}).items():
            for what, way in ways.items():
                changed = {**(reach or {}), axis: way(span)}
                row = [*relation[0]]
                row[place] = {at: each for at, each in changed.items() if each is not None}
                yield what, place, axis, span, (tuple(row), *relation[1:])


def shifted(ends: tuple[int, ...], by: int) -> tuple[int, ...]:
    return tuple(end + by for end in ends)


@pytest.mark.parametrize("case", [case for case in FED if re.search("[a-e]", case.example.reach)], ids=str)
def test_an_axis_that_is_left_out_or_off_by_one_is_noticed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    op, inputs, outputs = case.op()
    for what, place, axis, span, relation in wrong(op.reach(inputs, outputs)):
        if inputs[place].dims[axis] == 1 or (what == "left out" and op.name == "rearrange"):
            continue  # a single position is the whole; parts of an axis may be, so there the example alone can tell
        if what == "wider" and outputs[0].dims[span.axis] == 1:
            continue  # the only place is at the edge, which a window may overhang
        monkeypatch.setattr(case.operator, "reach", lambda *_, found=relation: found)
        with pytest.raises(AssertionError):
            test_an_output_reads_the_positions_that_its_operator_names(case)


def test_a_vector_is_looked_up_by_the_index_in_its_position() -> None:
    model = FieldModel(load("model m { input ids: i64[N, T]\n embedding(9, 4) -> relu\n output y }").program)
    (axis,) = model.field(model.entry[model.program.outputs[0].value])
    assert (axis.size, axis.stride, axis.start) == (1, (1, 1), 0)


def test_spans_compose_as_windows_do() -> None:
    conv = AxisReach(2, 2, (-1,), (1,))
    assert after({2: conv}, {2: conv}) == {2: AxisReach(2, 4, (-3,), (3,))}


def test_enlarging_and_shrinking_again_is_one_position() -> None:
    enlarged = AxisReach(2, 1, (0, 0), (0, 0))
    assert after({2: AxisReach(2, 2)}, {2: enlarged}) == {2: AxisReach(2)}


def test_enlarging_gives_a_period() -> None:
    enlarged, conv = AxisReach(2, 1, (0, 0), (0, 0)), AxisReach(2, 1, (-1,), (1,))
    found = after({2: conv}, {2: enlarged})
    assert found == {2: AxisReach(2, 1, (-1, 0), (0, 1))}
    assert (found[2].size, found[2].even) == (2, True)


def test_where_paths_meet_the_field_covers_both() -> None:
    assert both({2: AxisReach(2, 1, (-1,), (1,))}, {2: AxisReach(2, 1, (0,), (4,))}) == {
        2: AxisReach(2, 1, (-1,), (4,))
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("pixel_shuffle(2) -> conv(3, 3)", "4 of axis 2 of x, stride 1/2, from -2"),
        ("pixel_unshuffle(2) -> conv(3, 3)", "8 of axis 2 of x, stride 2, from -3"),
        ('rearrange("n c (h a) w -> n c (a h) w", a = 2)', "all of axis 2 of x"),
        ('rearrange("n c (h a b) w -> n (a c) (h b) w", a = 2, b = 3)', "6 of axis 2 of x, stride 2, from -1"),
    ],
)
def test_axes_that_are_cut_and_joined_keep_their_positions(body: str, field: str) -> None:
    """Behind a convolution of 3; what is left of the axis is probed by the examples."""
    net = load(f"model m {{ input x: f32[N, 12, H*12, 8]\n conv(12, 3)\n {body}\n output y }}")
    assert repr(FieldModel(net.program).field(FieldModel(net.program).entry[net.program.outputs[0].value])[0]) == field


@pytest.mark.parametrize(
    ("length", "fields"),
    [("8", ["3, stride 1, from -1", "3, stride 1, from 3"]), ("2*H", ["3, stride 1, from -1", "all"])],
)
def test_a_part_begins_where_those_before_it_end_if_that_is_a_number(length: str, fields: list[str]) -> None:
    body = "conv(4, [3, 1])\n a, b = split(2, axis = 2)\n output a\n output b"
    net = load(f"model m {{ input x: f32[N, 4, {length}, 6]\n {body} }}")
    model = FieldModel(net.program)
    found = [repr(model.field(model.entry[output.value])[0]) for output in net.program.outputs]
    assert found == [
        text.replace(",", " of axis 2 of x,", 1) if text != "all" else "all of axis 2 of x" for text in fields
    ]


def test_paths_of_different_strides_have_no_window() -> None:
    assert both({2: AxisReach(2, 1)}, {2: AxisReach(2, 2)}) == {}


def test_a_repeat_has_the_field_of_its_iterations_however_many() -> None:
    def field(body: str) -> str:
        net = load(f"model m {{ input x: f32[N, 4, H, W]\n conv(4, 3, stride = 2)\n {body}\n output y }}")
        model = FieldModel(net.program)
        return repr(model.field(model.entry[net.program.outputs[0].value]))

    body = "residual { conv(4, 3, dilation = 2) -> relu }"
    assert field(f"repeat 5 {{ {body} }}") == field("\n".join([body] * 5))
    many = field(f"repeat 1_000_000_000_000 {{ {body} }}")
    assert "8000000000003 of axis 2 of x, stride 2, from -4000000000001" in many
