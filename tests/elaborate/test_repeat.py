"""`repeat`: folded wherever the body keeps its types, and never different from a loop written out."""

import pytest

from archdsl.ir.program import Repeat

BODIES = {
    "one operator": "linear(4)",
    "two names": "linear(4) -> relu -> linear(4)",
    "labels": "linear(4) as fc -> relu -> linear(4) as out",
    "block": "unit(4) -> relu",
    "first one changes the type": "linear(6) -> relu",
    "branches": "add { linear(4) | id } -> relu",
    "outer tensor": "add { linear(4) | first }",
    "nested": "repeat 3 { linear(4) -> unit(4) } -> linear(4)".replace("} -> linear", "}; linear"),
    "nested, changing": "repeat 2 { linear(5) -> unit(5) }; linear(4)",
    "a loop inside": "for i in 0..2 { linear(4 + i) as a }; linear(4)",
}


def text(body: str, loop: str) -> str:
    return (
        "block unit(c) { linear(c) as l -> tanh -> linear(c) }\n"
        f"model m {{ input x: f32[N, 4]\n linear(4) as first\n {loop} {{ {body} }}\n linear(2)\n output y }}"
    )


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_repeat_equals_the_loop_written_out(build, flat, paths, body, times):
    repeated = build(text(body, f"repeat {times}"))
    unrolled = build(
        text(body.replace("repeat 3", "for k in 0..3").replace("repeat 2", "for k in 0..2"), f"for j in 0..{times}")
    )
    assert flat(repeated) == flat(unrolled)
    assert paths(repeated) == paths(unrolled)


def test_a_body_that_keeps_its_type_is_one_node(build):
    program = build(text("linear(4) -> relu", "repeat 1_000_000"))
    assert [type(node).__name__ for node in program.entry.nodes] == ["Op", "Repeat", "Op"]
    assert program.entry.nodes[1].times == 1_000_000


def test_a_body_that_changes_its_type_once_is_written_out_once(build):
    program = build(text("linear(6) -> relu", "repeat 1_000_000"))
    _, *ops, repeat, _ = program.entry.nodes
    assert [op.op.name for op in ops] == ["linear", "relu"]
    assert isinstance(repeat, Repeat)
    assert repeat.times == 999_999


def test_a_tuple_flows_through_a_repeat(build):
    program = build(
        "block swap() a: [N, c], b: [N, c] { [b, a] }\n"
        "model m { input x: f32[N, 4]; [id, linear(4)]; repeat 5 { swap }\n add; output y }"
    )
    repeat = next(node for node in program.entry.nodes if isinstance(node, Repeat))
    assert repeat.times == 5
    assert len(repeat.parameters) == 2


def test_zero_iterations_do_nothing(build):
    assert (
        build("model m { input x: f32[N, 4]; repeat 0 { linear(4) }\n relu\n output y }").entry.nodes[0].op.name
        == "relu"
    )


def test_a_repeat_that_uses_an_outer_shared_instance_is_written_out(build, paths):
    program = build("model m { input x: f32[N, 4]\n shared s = linear(4)\n repeat 3 { s -> linear(4) }\n output y }")
    assert not any(isinstance(node, Repeat) for node in program.entry.nodes)
    assert paths(program) == [
        f"{path}.{kind}" for path in ("s", "linear.0", "linear.1", "linear.2") for kind in ("weight", "bias")
    ]


def test_an_outer_shared_instance_in_nested_loops_is_written_out(build, flat):
    program = build(
        "model m { input x: f32[N, 4]\n shared s = linear(4)\n"
        " repeat 2 { repeat 2 { for i in 0..2 { s } }\n tanh }\n output y }"
    )
    assert sum(" linear" in line for line in flat(program)) == 8


def test_a_shared_instance_of_the_body_is_made_anew_in_every_iteration(build, paths):
    program = build("model m { input x: f32[N, 4]\n repeat 3 { shared s = linear(4, !bias); s -> s }\n output y }")
    assert isinstance(program.entry.nodes[0], Repeat)
    assert paths(program) == ["s.0.weight", "s.1.weight", "s.2.weight"]


def test_a_weight_is_tied_inside_every_iteration(build, paths):
    program = build(
        "model m { input x: f32[N, 4]\n"
        " repeat 2 { linear(4, !bias) as a -> linear(4, tie = transpose(a.weight), !bias) }\n output y }"
    )
    assert paths(program) == ["a.0.weight", "a.1.weight"]


@pytest.mark.parametrize("count", ["1.5", '"3"', "-1", "true"])
def test_the_count_is_a_whole_number_that_is_not_negative(diagnose, count):
    found = diagnose(f"model m {{ input x: f32[N, 4]; repeat {count} {{ relu }}\n output y }}")
    assert [d.code for d in found] == ["E0305" if count == "-1" else "E0304"]
