"""What an operator reads is what carrying its definition out touches, and what a network moves adds up from it."""

from math import prod
from typing import Any

import pytest
from brute_force import applications
from contract_cases import CASES, Case, model_text
from touched import touched
from zoo_specs import SIZES as ZOO_SIZES
from zoo_specs import instances, program

import archdsl
from archdsl.analysis.cost import cost
from archdsl.ir.operator import Operator
from archdsl.ir.program import Op, Program
from archdsl.types.dims import substitute
from archdsl.types.tensor import DTYPE_BYTES, TensorType

READING = [case for case in CASES if not case.operator.view and not case.operator.training_only]

SMALL = 3_000
"""Elements of inputs and weights up to which an application in a spec is carried out."""

KNOWN: dict[tuple[Operator, tuple[TensorType, ...]], tuple[int, ...]] = {}


@pytest.mark.parametrize("case", READING, ids=str)
def test_an_operator_reads_the_elements_that_its_definition_touches(case: Case) -> None:
    op, inputs, outputs = case.op()
    assert op.reads(inputs, outputs) == touched(op, inputs)


@pytest.mark.parametrize("case", READING, ids=str)
def test_elements_read_or_weights_too_many_are_noticed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = case.operator.reads
    op, inputs, outputs = case.op()
    for place in range(len(honest(op, inputs, outputs))):

        def wrong(self: Operator, *types: Any, at: int = place) -> tuple[Any, ...]:
            return tuple(n + (each == at) for each, n in enumerate(honest(self, *types)))

        monkeypatch.setattr(case.operator, "reads", wrong)
        with pytest.raises(AssertionError):
            test_an_operator_reads_the_elements_that_its_definition_touches(case)


@pytest.mark.parametrize("length", [12, 13, 14, 15, 16])
@pytest.mark.parametrize(
    "call",
    [
        "conv(2, 1, stride = 2, padding = 0)",
        "conv(2, 2, stride = 5, padding = 0)",
        "conv(2, 5, stride = 4, padding = 2)",
        "conv(2, 3, stride = 2, padding = 0)",
        "conv(2, 3, stride = 5, padding = 4)",
        "conv(2, 2, stride = 4, padding = 7)",
        "conv(2, 3, stride = 4, padding = 1)",
        "max_pool(1, stride = 3)",
        "max_pool(1, stride = 3, ceil_mode)",
        "max_pool(2, stride = 3, padding = 1, ceil_mode)",
        "avg_pool(3, stride = 4, padding = 1)",
        "avg_pool(5, stride = 4, ceil_mode)",
        "lp_pool(2, 2, stride = 3)",
        "resize(size = 5)",
        "resize(size = 20)",
    ],
)
def test_what_windows_step_over_or_leave_over_is_not_read(call: str, length: int) -> None:
    (node,) = archdsl.load(model_text(call, (f"f32[2, 3, {length}]",))).program.entry.nodes
    assert isinstance(node, Op)
    inputs, outputs = (tuple(value.type for value in values) for values in (node.inputs, node.outputs))
    assert node.op.reads(inputs, outputs) == touched(node.op, inputs)


def test_a_dilated_window_reads_what_lies_between_its_taps() -> None:
    (node,) = archdsl.load(model_text("max_pool(2, stride = 5, dilation = 2)", ("f32[1, 1, 8]",))).program.entry.nodes
    assert isinstance(node, Op)
    inputs, outputs = (tuple(value.type for value in values) for values in (node.inputs, node.outputs))
    assert (node.op.reads(inputs, outputs), touched(node.op, inputs)) == ((6,), (4,))


@pytest.mark.parametrize(
    ("body", "moved"),
    [
        ("conv(4, 1, stride = 2, padding = 0, !bias)", "32*((H + 1) // 2)*((W + 1) // 2) + 64"),
        ("max_pool(2)", "80*(H // 2)*(W // 2)"),
        ("max_pool(3, stride = 2, padding = 1)", "16*H*W + 16*((H + 1) // 2)*((W + 1) // 2)"),
    ],
)
def test_a_symbolic_length_gives_a_formula(body: str, moved: str) -> None:
    def text(height: object, width: object) -> str:
        return f"model m {{ input x: f32[N, 4, {height}, {width}]\n {body}\n output y }}"

    found = cost(archdsl.load(text("H", "W")).program).moved
    for height, width in ((8, 8), (8, 9), (9, 11)):
        fixed = cost(archdsl.load(text(height, width)).program).moved
        assert substitute(found, {"H": height, "W": width}) == fixed
        assert eval(moved, {"H": height, "W": width}) == fixed


@pytest.mark.parametrize(
    ("declared", "body", "moved"),
    [
        ("ids: i64[N, 4]", "embedding(1000, 64)", 4 * 8 + 2 * 4 * 64 * 4),
        ("x: f32[N, 32, 1000]", "select([3])", 2 * 1000 * 4),
        ("x: f32[N, 32, 1000]", "select([3, 3, -29])", (1 + 3) * 1000 * 4),
        ("x: f32[N, 32, 1000]", "slice(3, 4)", 0),
        ("x: f32[N, 32, 1000]", "slice(3, 4) -> relu", 2 * 1000 * 4),
        ("x: f32[N, 32, 1000]", "positions", 32 * 8),
        ("x: f32[N, 32, 8, 8]", "max_pool(1, stride = 2)", 2 * 32 * 16 * 4),
    ],
)
def test_what_is_looked_up_costs_what_is_read_of_it(declared: str, body: str, moved: int) -> None:
    assert archdsl.load(f"model m {{ input {declared}\n {body}\n output y }}").cost().moved == moved


def check_traffic(net: Program) -> None:
    """Every application that is small touches what it says; and all of them together move what is counted."""
    symbol = net.batch_symbol
    sizes = {**ZOO_SIZES, symbol: 1} if symbol else ZOO_SIZES
    total = 0
    for (op, inputs, outputs), times in applications(net, sizes).items():
        if op.view or op.training_only:
            continue
        weights = op.weights(*inputs)
        reads = op.reads(inputs, outputs)
        borrowed = [prod(ref.shape) for ref in op.borrowed()]
        if sum(int(x.elements) for x in (*inputs, *weights)) <= SMALL:
            if (op, inputs) not in KNOWN:
                KNOWN[op, inputs] = touched(op, inputs)
            assert (*reads, *borrowed) == KNOWN[op, inputs], op
        moved = [n * DTYPE_BYTES[x.dtype] for n, x in zip(reads, (*inputs, *weights), strict=True)]
        moved += [x.elements * DTYPE_BYTES[x.dtype] for x in outputs]
        total += times * (sum(map(int, moved)) + 4 * sum(borrowed))
    assert total == substitute(cost(net).moved, sizes)


@pytest.mark.parametrize(("name", "model", "arguments"), instances(), ids=str)
def test_a_spec_moves_what_its_operators_read_and_write(name: str, model: str, arguments: dict[str, object]) -> None:
    check_traffic(program(name, model, **arguments))


def test_nearest_reads_one_element_for_each_that_it_writes_where_it_shrinks_for_certain() -> None:
    """To length 1 from any, so that 3 are read and 3 written, of 4 bytes each, for a sample."""
    net = archdsl.load("model m {\n input x: f32[N, 3, T]\n resize(size = 1)\n output y\n}\n")
    assert [row["moved"] for row in net.rows(columns=["moved"])] == [4 * (3 + 3)]
