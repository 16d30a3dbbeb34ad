"""Peak memory by hand, and against following every value of the written-out program."""

import pytest
from zoo_specs import CASES, SIZES, program

import archdsl
from archdsl.analysis.liveness import LivenessModel
from archdsl.ir.flatten import flatten
from archdsl.ir.program import Program, Value
from archdsl.limits import Limits
from archdsl.types.dims import substitute
from archdsl.types.tensor import DTYPE_BYTES


def brute_force(program: Program) -> int:
    """The peak by following every value of the flat program, one sample, the inputs held all along."""

    def size(value: Value) -> int:
        found = value.type.substitute({**SIZES, program.batch_symbol or "": 1})
        return found.elements * DTYPE_BYTES[found.dtype]

    walk = flatten(program, Limits(nodes=1_000_000), training=False)
    ops = list(walk)
    last = {value: place for place, op in enumerate(ops) for value in op.inputs}
    last |= {value: len(ops) for value in (*walk.outputs, *program.inputs) if value is not None}
    base: dict[Value, Value | None] = {value: value for value in program.inputs}  # whose memory a value is of
    holders: dict[Value, set[Value]] = {value: {value} for value in program.inputs}
    live = sum(map(size, program.inputs))
    peak = live
    for place, op in enumerate(ops):
        for index, value in enumerate(op.outputs):
            base[value] = None if op.op.training_only else value
            if op.op.view:
                base[value] = base[op.inputs[min(index, len(op.inputs) - 1)]] if op.inputs else None
            elif not op.op.training_only:
                live += size(value)
            if base[value] is not None:
                holders.setdefault(base[value], set()).add(value)
        peak = max(peak, live)
        for value in {*op.inputs, *op.outputs}:
            owner = base[value]
            if owner is not None and last.get(value, place) == place and value in holders[owner]:
                holders[owner].remove(value)
                if not holders[owner]:
                    live -= size(owner)
    return peak


def peak(text: str) -> object:
    return LivenessModel(archdsl.load(text).program).peak.figure


def model(body: str) -> str:
    return f"block unit(c) {{ conv(c, 3) -> bn -> relu }}\nmodel m {{ input x: f32[N, 2, 4, 4]\n{body}\noutput y }}"


IMAGE = 2 * 16 * 4


def test_an_operator_holds_its_input_and_its_result() -> None:
    assert peak(model("relu")) == 2 * IMAGE


def test_the_input_stays_and_what_is_read_for_the_last_time_goes() -> None:
    assert peak(model("relu -> relu -> relu -> relu")) == 3 * IMAGE


def test_a_shortcut_stays_until_it_is_added() -> None:
    assert peak(model("relu\nresidual { relu -> relu }")) == 4 * IMAGE


def test_a_view_takes_nothing_and_keeps_what_it_is_a_view_of() -> None:
    assert peak(model("relu -> flatten")) == 2 * IMAGE
    assert peak(model("relu\nflatten -> relu -> relu")) == 3 * IMAGE


def test_weights_are_apart() -> None:
    assert peak(model("param([1, 2, 4, 4]) as w\n[x, w] -> add")) == 2 * IMAGE


BODIES = [
    "unit(2) -> unit(4) -> unit(8) -> unit(2)",
    "repeat 4 { unit(2) }",
    "repeat 5 { residual { unit(2) -> unit(2) } }",
    "unit(2) as keep\nrepeat 3 { unit(2); [id, keep] -> add }",
    "unit(2) as keep\nrepeat 3 { unit(2); [id, keep] -> add }\n[id, keep] -> concat",
    "repeat 3 { unit(2); repeat 2 { residual { unit(2) } } }",
    "relu as a\nunit(2) as b\n[a, b] -> concat -> unit(2)\n[id, a] -> add",
    "relu\na, b = split(2)\na -> conv(1, 1) as left\n[left, b] -> concat",
    "shared s = unit(2)\ns -> s -> s",
    "dropout(0.5) -> flatten -> reshape([-1, 2, 4, 4]) -> unit(4)",
    "add { unit(2) | unit(2) -> unit(2) | id }",
    "flatten(2) -> transpose(1, 2) -> linear(6) -> split(3, axis = -1) -> attention",
]


@pytest.mark.parametrize("body", BODIES)
def test_the_fold_agrees_with_following_every_value(body: str) -> None:
    program = archdsl.load(model(body)).program
    assert LivenessModel(program).peak.figure == brute_force(program)


def test_a_long_repeat_costs_what_a_short_one_costs() -> None:
    body = "repeat {} {{ residual {{ unit(2) }} }}"
    assert peak(model(body.format(3))) == peak(model(body.format(10**12)))


def test_symbolic_peaks_are_exact_where_they_can_be_told() -> None:
    text = "model m {{ input x: f32[N, 2, H, W]\n {}\n output y }}"
    assert str(peak(text.format("conv(3, 1) -> relu"))) == "32*H*W"
    found = LivenessModel(
        archdsl.load(
            "model m { input x: f32[N, H]\n input z: f32[N, W]\n x -> relu -> relu as a\n"
            " z -> relu -> relu as b\n output a\n output b }"
        ).program
    ).peak
    assert found.figure is None
    assert repr(found).startswith("max(")


@pytest.mark.parametrize(("name", "spec_model", "arguments"), CASES, ids=lambda value: str(value))
def test_a_spec_peaks_where_following_every_value_says(
    name: str, spec_model: str, arguments: dict[str, object]
) -> None:
    net = program(name, spec_model, **arguments)
    found = LivenessModel(net).peak
    assert all(substitute(figure, SIZES) <= brute_force(net) for figure in found.candidates)
    assert max(substitute(figure, SIZES) for figure in found.candidates) == brute_force(net)
