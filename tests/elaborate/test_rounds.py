"""Nodes know the rounds of written-out loops that they belong to."""

import archdsl
from archdsl.ir.program import Node, Repeat


def nodes(body: str) -> list[Node]:
    return archdsl.load(f"model m {{ input x: f32[N, 4, 8, 8]\n{body}\noutput y }}").program.entry.nodes


def marks(body: str) -> list[list[tuple[str, int]]]:
    """For each node the text of each loop around it up to its brace, and the round."""
    found: list[list[tuple[str, int]]] = []
    for node in nodes(body):
        chain = node.round.chain if node.round else ()
        found.append([(each.loop.span.text.partition(" {")[0], each.index) for each in chain])
    return found


def test_a_node_outside_loops_belongs_to_no_round() -> None:
    assert marks("conv(4, 1)\n for i in 0..1 { relu }\n tanh") == [[], [("for i in 0..1", 0)], []]


def test_rounds_of_nested_loops_are_a_chain() -> None:
    outer, inner = "for i in 0..2", "for j in 0..2"
    assert marks("for i in 0..2 { for j in 0..2 { conv(4, 1) }; relu }") == [
        [(outer, 0), (inner, 0)],
        [(outer, 0), (inner, 1)],
        [(outer, 0)],
        [(outer, 1), (inner, 0)],
        [(outer, 1), (inner, 1)],
        [(outer, 1)],
    ]


def test_each_run_of_a_loop_is_its_own() -> None:
    first, second = (node.round.loop for node in nodes("for i in 0..2 { for j in 0..1 { relu } }") if node.round)
    assert first is not second and first.span == second.span


def test_a_repeat_is_one_node_and_its_differing_rounds_are_marked() -> None:
    alone, rest = nodes("repeat 5 { conv(8, 3) }")
    assert alone.round and rest.round and isinstance(rest, Repeat) and rest.times == 4
    assert [each.round.index for each in (alone, rest) if each.round] == [0, 1]
    assert alone.round.loop is rest.round.loop


def test_branches_made_by_a_loop_are_rounds_too() -> None:
    assert [len(each) for each in marks("concat for c in [1, 2, 3] { conv(c, 1) -> relu }")] == [1] * 6 + [0]


def test_a_block_called_in_a_loop_knows_nothing_of_it() -> None:
    text = "block b() { conv(4, 1) }\nmodel m { input x: f32[N, 4, 8, 8]\n for i in 0..3 { b }\n output y }"
    program = archdsl.load(text).program
    assert [node.round for node in program.functions[0].nodes] == [None]
