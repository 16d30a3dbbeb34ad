"""`recompute { ... }`: a mark on nodes, which paths, counts and flattening do not depend on."""

import pytest

from archdsl.analysis.cost import cost
from archdsl.ir.printer import print_program
from archdsl.ir.program import Repeat, walk
from archdsl.ir.verifier import verify

LAYERS = """
block layer(k, efficient) {
  recompute if efficient { concat -> bn -> relu -> conv(4*k, 1) as squeeze }
  conv(k, 3)
}
model m(flag efficient) {
  input x: f32[N, 8, 8, 8]
  for i in 0..3 { [id, layer(4, efficient) as "layer{i}"] }
  concat
  output y
}
"""


def body(text: str) -> str:
    return f"model m {{\n  input x: f32[N, 3, 8, 8]\n{text}\n  output y\n}}\n"


def test_the_nodes_in_the_braces_and_no_others_are_marked(build):
    program = build(LAYERS, efficient=True)
    layer = program.functions[0]
    marks = [(node.op.name, node.recompute) for node in layer.nodes]
    region = layer.nodes[0].recompute
    assert region is not None
    assert marks == [*((name, region) for name in ("concat", "batch_norm", "relu", "conv")), ("conv", None)]
    assert region.span.text.startswith("recompute if efficient {")
    assert not any(node.recompute for node in program.entry.nodes)


def test_a_condition_that_does_not_hold_marks_nothing(build):
    program = build(LAYERS)
    assert not any(node.recompute for function in program.functions for node, _ in walk(function.nodes))


def test_paths_costs_and_types_are_as_without(build, paths, flat):
    kept, recomputed = build(LAYERS), build(LAYERS, efficient=True)
    assert paths(kept) == paths(recomputed)
    assert flat(kept) == flat(recomputed)
    assert cost(kept) == cost(recomputed)


def test_two_in_a_row_are_two_regions(build):
    program = build(body("recompute { relu }\nrecompute { tanh }"))
    first, second = (node.recompute for node in program.entry.nodes)
    assert first is not None and second is not None and first is not second


def test_one_inside_another_knows_the_outer_one(build):
    program = build(body("recompute { relu -> recompute { tanh } -> relu }"))
    outer, inner, again = (node.recompute for node in program.entry.nodes)
    assert outer is again and outer.outer is None
    assert inner.outer is outer


def test_a_repeat_inside_is_marked_with_its_body(build):
    program = build(body("recompute { repeat 5 { conv(3, 3) } }"))
    (repeat,) = program.entry.nodes
    assert isinstance(repeat, Repeat) and repeat.recompute is not None
    assert [node.recompute for node in repeat.nodes] == [repeat.recompute]


def test_a_repeat_around_is_one_node_whose_body_is_marked(build):
    program = build(body("repeat 5 { recompute { conv(3, 3) -> relu } }"))
    (repeat,) = program.entry.nodes
    assert isinstance(repeat, Repeat) and repeat.recompute is None
    assert len({node.recompute for node in repeat.nodes} - {None}) == 1


def test_a_label_names_the_value_and_no_path(build, paths):
    program = build(body("recompute { conv(3, 1) } as half\n[half, x] -> add"))
    assert program.entry.labels["half"] is program.entry.nodes[0].outputs[0]
    assert paths(program) == ["conv.weight", "conv.bias"]


def test_names_made_inside_are_not_seen_outside(diagnose):
    (found,) = diagnose(body("recompute { relu as a }\n[a, x] -> add"))
    assert found.code == "E0202"


def test_the_condition_must_be_a_bool(diagnose):
    assert [d.code for d in diagnose(body("recompute if 3 { relu }"))] == ["E0310"]


def test_it_is_printed_as_braces_around_its_nodes(build):
    text = body("relu\nrecompute { tanh; repeat 2 { relu; recompute { relu } } }\nrecompute { relu }")
    assert (
        print_program(build(text)).split("\n", 3)[3]
        == """\
  %1: f32[N, 3, 8, 8] = relu %0  # relu.0
  recompute {
    %2: f32[N, 3, 8, 8] = tanh %1  # tanh
    repeat 2 (%3: f32[N, 3, 8, 8] = %2) {
      %4: f32[N, 3, 8, 8] = relu %3  # relu[1 + 2i]
      recompute {
        %5: f32[N, 3, 8, 8] = relu %4  # relu[2 + 2i]
      }
      yield %5
    } -> %6: f32[N, 3, 8, 8]
  }
  recompute {
    %7: f32[N, 3, 8, 8] = relu %6  # relu.5
  }
  return %7
}

output y: f32[N, 3, 8, 8]
"""
    )


@pytest.mark.parametrize("where", [1, 2])
def test_the_verifier_refuses_a_region_with_a_gap(build, where):
    program = build(body("recompute { relu; tanh; relu; tanh }"))
    program.entry.nodes[where].recompute = None
    assert "@m: a recomputed region is no run of nodes" in verify(program)


def test_the_verifier_refuses_a_region_that_leaves_its_repeat(build):
    program = build(body("recompute { repeat 3 { relu; tanh } }"))
    (repeat,) = program.entry.nodes
    repeat.nodes[1].recompute = None
    assert verify(program) == ["@m: a node of a repeat leaves the recomputed region around it"]
    repeat.nodes[1].recompute = repeat.recompute
    repeat.recompute = None
    assert verify(program) == []
