"""What an operator says of its reach is what a probe finds: a changed position of an input changes exactly the
positions of the outputs that read it."""

import pytest
import torch
from contract_cases import CASES, SIZES, Case, random_weights

from archdsl.analysis.field import FieldModel
from archdsl.api import load
from archdsl.ir.program import Op
from archdsl.ir.reach import Reach, Span, after, both

COPIES = ("reflect", "replicate", "circular")
"""Ways to pad with copies of what is inside, which is then read at the edges too."""

FLOATS = [case for case in CASES if any(type.startswith("f32") for type in case.example.inputs)]


def changed(
    module: torch.nn.Module, inputs: list[torch.Tensor], which: int, axis: int, place: int
) -> list[torch.Tensor]:
    """For each output, which of its elements change when a position of an input gets much larger or much smaller."""
    before = results(module, inputs)
    found = [torch.zeros_like(each, dtype=torch.bool) for each in before]
    for change in (100.0, -100.0, 2.5, -2.5):
        probe = [each.clone() for each in inputs]
        probe[which].narrow(axis, place, 1).add_(change)
        for mask, old, new in zip(found, before, results(module, probe), strict=True):
            mask |= old != new
    return found


def results(module: torch.nn.Module, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    given = [each.clone() if not each.is_floating_point() else each.double() for each in inputs]
    result = module(*given)
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("case", FLOATS, ids=str)
def test_an_output_reads_the_positions_that_its_operator_names(case: Case) -> None:
    net = case.network()
    (op,) = [node for node in net.program.entry.nodes if isinstance(node, Op)]
    types = [tuple(value.type.substitute(SIZES) for value in values) for values in (op.inputs, op.outputs)]
    reach = op.op.reach(types[0], types[1])
    module = net.torch().double().eval()
    module.load_state_dict({path: torch.from_numpy(array) for path, array in random_weights(net).items()})
    inputs = [torch.from_numpy(array) for array in case.arrays().values()]
    order = [net.program.inputs.index(value) for value in op.inputs]
    with torch.no_grad():
        for place, source in enumerate(order):
            if inputs[source].is_floating_point():
                for axis in range(inputs[source].ndim):
                    rows = [row[place] for row in reach]
                    compare(module, inputs, source, axis, rows, edges=getattr(op.op, "mode", "") not in COPIES)


def compare(
    module: torch.nn.Module, inputs: list[torch.Tensor], source: int, axis: int, rows: list[Reach], *, edges: bool
) -> None:
    length = inputs[source].shape[axis]
    masks = [changed(module, inputs, source, axis, place) for place in range(length)]
    for output, reach in enumerate(rows):
        stacked = torch.stack([mask[output] for mask in masks])  # [position of the input, *output]
        if reach is None:
            assert not stacked.any()
            continue
        span = reach.get(axis)
        if span is None:
            continue
        others = [each for each in range(1, stacked.ndim) if each != span.axis + 1]
        reads = stacked.amax(others) if others else stacked  # [position of the input, position of the output]
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


def test_a_vector_is_looked_up_by_the_index_in_its_position() -> None:
    model = FieldModel(load("model m { input ids: i64[N, T]\n embedding(9, 4) -> relu\n output y }").program)
    (axis,) = model.field(model.entry[model.program.outputs[0].value])
    assert (axis.size, axis.stride, axis.start) == (1, (1, 1), 0)


def test_spans_compose_as_windows_do() -> None:
    conv = Span(2, 2, (-1,), (1,))
    assert after({2: conv}, {2: conv}) == {2: Span(2, 4, (-3,), (3,))}


def test_enlarging_and_shrinking_again_is_one_position() -> None:
    enlarged = Span(2, 1, (0, 0), (0, 0))
    assert after({2: Span(2, 2)}, {2: enlarged}) == {2: Span(2)}


def test_enlarging_gives_a_period() -> None:
    enlarged, conv = Span(2, 1, (0, 0), (0, 0)), Span(2, 1, (-1,), (1,))
    found = after({2: conv}, {2: enlarged})
    assert found == {2: Span(2, 1, (-1, 0), (0, 1))}
    assert (found[2].size, found[2].even) == (2, True)


def test_where_paths_meet_the_field_covers_both() -> None:
    assert both({2: Span(2, 1, (-1,), (1,))}, {2: Span(2, 1, (0,), (4,))}) == {2: Span(2, 1, (-1,), (4,))}


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


def test_paths_of_different_strides_have_no_window() -> None:
    assert both({2: Span(2, 1)}, {2: Span(2, 2)}) == {}


def test_a_repeat_has_the_field_of_its_iterations_however_many() -> None:
    def field(body: str) -> str:
        net = load(f"model m {{ input x: f32[N, 4, H, W]\n conv(4, 3, stride = 2)\n {body}\n output y }}")
        model = FieldModel(net.program)
        return repr(model.field(model.entry[net.program.outputs[0].value]))

    body = "residual { conv(4, 3, dilation = 2) -> relu }"
    assert field(f"repeat 5 {{ {body} }}") == field("\n".join([body] * 5))
    many = field(f"repeat 1_000_000_000_000 {{ {body} }}")
    assert "8000000000003 of axis 2 of x, stride 2, from -4000000000001" in many
