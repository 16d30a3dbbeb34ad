"""Counts: exact, per sample, shared weights once."""

from typing import Any

import pytest

import archdsl
from archdsl.analysis.cost import Cost, CostModel
from archdsl.analysis.liveness import LivenessModel
from archdsl.analysis.training import TrainingModel
from archdsl.ir.flatten import flatten
from archdsl.ir.program import Op
from archdsl.limits import Limits

UNIT = "block unit(c) { conv(c, 3, !bias) -> bn -> relu }\n"


def load(body: str, head: str = UNIT, size: str = "32, 32", **parameters: object) -> archdsl.Network:
    return archdsl.load(f"{head}model m(n = 3) {{ input x: f32[N, 8, {size}]\n{body}\noutput y }}", **parameters)


def brute_force(net: archdsl.Network) -> tuple[int, int, int]:
    """Parameters, MACs and activations by adding up every application of the written-out network."""
    params = macs = activations = 0
    seen: set[str] = set()
    for flat in flatten(net.program, Limits()):
        inputs = tuple(value.type.substitute({"N": 1}) for value in flat.inputs)
        outputs = tuple(value.type.substitute({"N": 1}) for value in flat.outputs)
        work = flat.op.work(inputs, outputs)
        macs += sum(int(str(work.get(kind, 0))) for kind in ("conv", "linear", "matmul", "recurrent"))
        activations += 0 if flat.op.view else sum(int(str(out.elements)) for out in outputs)
        if flat.owner_path not in seen:
            seen.add(flat.owner_path)
            params += sum(weight.elements for weight in flat.op.weights(*inputs) if weight.trainable)
    return params, macs, activations


def test_a_convolution_counts_weights_biases_and_macs() -> None:
    cost = load("conv(16, 3)").cost()
    assert cost.roles == {"weight": 16 * 8 * 9, "bias": 16}
    assert cost.params == 16 * 8 * 9 + 16
    assert cost.macs_by_kind == {"conv": 16 * 8 * 9 * 32 * 32}
    assert cost.flops == 2 * 16 * 8 * 9 * 32 * 32 + 16 * 32 * 32
    assert cost.activations == 16 * 32 * 32


def test_running_statistics_are_buffers_and_the_step_counter_is_only_stored() -> None:
    cost = load("bn").cost()
    assert cost.roles == {"normalisation": 16}
    assert cost.buffers == 16
    assert cost.weight_bytes == 4 * 16 + 4 * 16 + 8
    assert cost.bytes_by_dtype == {"f32": 4 * 16 + 4 * 16, "i64": 8}


def test_a_view_writes_nothing() -> None:
    assert load("flatten").cost().activations == 0


@pytest.mark.parametrize(
    "body",
    [
        "repeat 5 { unit(8) }",
        "for i in 0..5 { unit(8) as layer }",
        "repeat 3 { unit(8); repeat 2 { unit(8); conv(8, 1) } }",
        "shared s = unit(8)\ns -> s -> s",
        "shared s = unit(8)\ns\nrepeat 4 { s -> unit(8) }",
        "shared s = unit(8)\nrepeat 4 { s -> unit(8) }",
        "shared s = conv(8, 1)\nrepeat 4 { s; repeat 2 { unit(8) -> s } }",
        "add { unit(8) | unit(8) | id }\nglobal_avg_pool -> linear(5)",
    ],
)
def test_the_fold_agrees_with_counting_every_application(body: str) -> None:
    net = load(body)
    cost = net.cost()
    assert (cost.params, cost.macs, cost.activations) == brute_force(net)


def test_counts_are_exact_however_large() -> None:
    one, many = load("unit(8)").cost(), load("repeat 1_000_000_000 { unit(8) }").cost()
    assert many.params == one.params * 10**9
    assert many.macs == one.macs * 10**9


def test_free_dimensions_give_exact_expressions() -> None:
    cost = load("conv(16, 3, !bias)", size="H, W").cost()
    assert str(cost.macs) == "1152*H*W"
    assert cost.params == 1152


@pytest.mark.parametrize(
    ("inputs", "activations"),
    [
        ("input x: f32[N, 5]", "5"),
        ("input z: f32[N, 7]\n input x: f32[N, 5]", "5"),
        ("input x: f32[H, H]", "H**2"),
        ("input x: f32[T, 2*T + 1]", "2*T**2 + T"),
        ("input z: f32[N]\n input x: f32[2*N, 5]", "10*N"),
        ("input z: f32[N]\n input x: f32[8, N]", "8*N"),
    ],
)
def test_a_symbol_counts_samples_only_where_no_other_axis_depends_on_it(inputs: str, activations: str) -> None:
    assert str(archdsl.load(f"model m {{\n {inputs}\n x -> relu\n output y\n}}").cost().activations) == activations


def test_a_fixed_batch_is_counted_as_declared() -> None:
    text = "model m() {{ input x: f32[{}, 8, 4, 4]\nrelu\noutput y }}"
    one = archdsl.load(text.format("N")).cost()
    six = archdsl.load(text.format("6")).cost()
    assert six.activations == 6 * one.activations
    assert "no batch symbol" in archdsl.load(text.format("6")).table()


def test_costs_add_and_multiply() -> None:
    cost = load("unit(8)").cost()
    assert cost + cost == cost * 2 == 2 * cost
    assert cost + Cost() == cost
    assert cost != cost * 2


def test_a_labelled_part_counts_all_of_its_list() -> None:
    model = CostModel(load("for i in 0..n { unit(8) as layer }\nconv(4, 1) as head").program)
    layer, head = model.part("layer"), model.part("head")
    assert layer is not None
    assert head is not None
    assert layer.params + head.params == model.total.params
    assert model.part("absent") is None


def applications_looked_at(depth: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many operators the cost model looks at for a network of some depth."""
    looked_at = 0
    original = CostModel.op

    def counted(self: CostModel, node: Op) -> Cost:
        nonlocal looked_at
        looked_at += 1
        return original(self, node)

    text = (
        "block unit(c) { add { conv(c, 3) -> bn -> relu | id } }\n"
        "model m(n) { input x: f32[N, 8, 8, 8]; for i in 0..n { unit(8) as layer }; output y }"
    )
    net = archdsl.load(text, n=depth)
    with monkeypatch.context() as patch:
        patch.setattr(CostModel, "op", counted)
        net.cost()
    return looked_at


def test_counting_looks_at_each_distinct_block_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert applications_looked_at(5, monkeypatch) == applications_looked_at(500, monkeypatch) == 5


SUMS = "model m {{ input x: f32[N, {}]\nrelu\noutput y }}"


def product_of_sums(count: int) -> str:
    """A network whose figures are polynomials of 2 ** `count` terms."""
    return SUMS.format(", ".join(f"A{i} + B{i}" for i in range(count)))


@pytest.mark.parametrize(
    ("analysis", "what"), [(CostModel, "cost"), (TrainingModel, "training cost"), (LivenessModel, "peak memory")]
)
def test_a_figure_too_long_to_write_out_is_refused_with_the_way_out(analysis: Any, what: str) -> None:
    fits, over = (archdsl.load(product_of_sums(count)) for count in (8, 9))
    analysis(fits.program)
    with pytest.raises(archdsl.ArchError) as error:
        analysis(over.program)
    (found,) = error.value.diagnostics
    assert (found.code, found.message) == (
        "E0611",
        f"the {what} of `m` is a symbolic expression too large to write out",
    )
    assert found.help == "give the symbolic dimensions values, for example with --dim H=320"
    analysis(archdsl.load(product_of_sums(9), dims={"A0": 3, "B0": 4}).program)
