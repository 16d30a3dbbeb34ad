"""Parts that exist in training only, beside steps that nothing reads: every analysis and both back ends agree that in
evaluation they are not there."""

import pytest
import torch

import archdsl
from archdsl.analysis.columns import COLUMNS
from archdsl.ir import verifier as soundness
from archdsl.ir.flatten import flatten
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.verify import verify

B = "block b(n) { linear(n) as l -> relu -> linear(n, tie = l.weight) }\n"
BODIES = {
    "a dead step after a training output": """
        linear(4) as a
        relu
        output aux(train)
        sigmoid
        output y = a -> tanh""",
    "a dead chain of layers": """
        linear(4) as a -> relu
        output aux(train)
        linear(4) -> relu -> linear(2)
        output y = x -> tanh""",
    "a dead loop": """
        linear(4) as a
        output aux(train)
        repeat 3 { linear(4) }
        output y = x -> tanh""",
    "a loop that mentions a training value": """
        linear(4) as a
        output aux(train)
        x
        repeat 3 { add { linear(4) | a } }
        output y = x -> tanh""",
    "a dead block": """
        linear(4) as a
        output aux(train)
        b(4) -> b(4)
        output y = x -> tanh""",
    "a dead merge of both": """
        x -> relu as k
        x -> linear(4) as a
        output aux(train)
        [a, k] -> add -> relu
        output y = k -> tanh""",
    "dead before dead": """
        x -> linear(4) as a
        output aux(train)
        x -> relu as d
        [d, a] -> add
        output y = x -> tanh""",
    "recomputed": """
        recompute { linear(4) -> relu as a }
        output aux(train)
        recompute { sigmoid -> tanh }
        output y = x -> linear(4)""",
    "a weight of training that evaluation borrows": """
        linear(4) as a
        output aux(train)
        output y = x -> linear(4, tie = a.weight)""",
    "an instance that training uses first": """
        shared f = linear(4)
        x -> f
        output aux(train)
        output y = x -> f -> f""",
    "a block that training uses first": """
        shared f = b(4)
        x -> f
        output aux(train)
        output y = x -> f -> f""",
    "a dead use of a shared instance": """
        shared f = b(4)
        linear(4)
        output aux(train)
        f
        output y = x -> f""",
    "a dead step that borrows": """
        linear(4) as a -> relu
        output aux(train)
        linear(4, tie = a.weight)
        output y = x -> relu""",
}


def model(body: str) -> str:
    return f"{B}model m {{ input x: f32[N, 4]\n{body}\n}}"


def program(body: str) -> Program:
    return archdsl.load(model(body)).program


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_kept_of_a_network_in_evaluation_reads_nothing_of_training(body: str) -> None:
    net = program(body)
    assert not soundness.verify(net)
    made = {value for node in net.entry.nodes if not node.train_only for value in node.outputs}
    flat = flatten(net, Limits(), training=False)
    known = set(net.inputs)
    for operator in flat:
        assert known.issuperset(operator.inputs)
        known.update(operator.outputs)
    assert made and flat.outputs[-1] in known


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_column_of_the_table_is_there(body: str) -> None:
    net = archdsl.load(model(body))
    names = [column.name for column in COLUMNS]
    for convention in ("archdsl", "torch"):
        lines = net.table(9, "csv", columns=names, convention=convention).splitlines()
        assert len(lines) > len(net.program.entry.nodes) and lines[0].startswith("layer,")


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("functions", [False, True])
def test_both_engines_agree(body: str, functions: bool) -> None:
    net = archdsl.load(model(body))
    assert verify(net.program, functions=functions).passed
    assert len(net.torch().train()(torch.ones(2, 4))) == 2
