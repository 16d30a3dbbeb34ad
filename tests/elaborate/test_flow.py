"""Flow: steps, fan-out, labels, loops, choices."""

import pytest

HEAD = "model m {\n  input x: f32[N, 3, 8, 8]\n"


def model(body: str) -> str:
    return f"{HEAD}{body}\n  output y\n}}\n"


def test_statements_feed_forward_like_arrows(build, flat):
    assert flat(build(model("relu\n  tanh\n  sigmoid"))) == flat(build(model("relu -> tanh -> sigmoid")))


def test_a_name_at_the_head_restarts_the_flow(build):
    program = build(model("conv(8, 1) as a -> relu\n  a -> tanh as b\n  x -> sigmoid"))
    conv, relu, tanh, sigmoid = program.entry.nodes
    assert relu.inputs == tanh.inputs == conv.outputs
    assert sigmoid.inputs == program.inputs
    assert program.outputs[0].value is sigmoid.outputs[0]


def test_each_branch_starts_from_the_current_value(build, flat):
    program = build(model("concat { conv(2, 1) | relu -> conv(3, 1) | id | }"))
    assert flat(program)[-1] == "concat concat f32[N, 11, 8, 8]"
    first, relu = program.entry.nodes[0], program.entry.nodes[1]
    assert first.inputs == relu.inputs == program.inputs


def test_an_empty_branch_is_the_identity(build, flat):
    assert flat(build(model("add { | relu }")))[-1] == "add add f32[N, 3, 8, 8]"


def test_a_fan_out_over_a_list_has_one_branch_per_element(build, flat):
    text = model("concat for out, kernel in [(2, 1), (4, 3)] { conv(out, kernel) }")
    assert flat(build(text)) == [
        "conv.0 conv(2, 1) f32[N, 2, 8, 8]",
        "conv.1 conv(4, 3) f32[N, 4, 8, 8]",
        "concat concat f32[N, 6, 8, 8]",
    ]


def test_a_tuple_gathers_names_and_flows(build):
    program = build(model("conv(3, 1) as a\n  [a, x, relu -> tanh] -> add"))
    conv, relu, tanh, add = program.entry.nodes
    assert relu.inputs == conv.outputs
    assert add.inputs == (conv.outputs[0], program.inputs[0], tanh.outputs[0])


def test_tuples_are_flat(build):
    program = build(model("split(3) as t\n  [x, [t, x], t -> id] -> concat\n  expect [N, 12, 8, 8]"))
    split, again, concat = program.entry.nodes
    (whole,) = program.inputs
    assert concat.inputs == (whole, *split.outputs, whole, *again.outputs)


def test_a_branch_that_ends_in_a_tuple_gives_a_merge_all_of_its_tensors(build, flat):
    added = build(model("split(3)\n  add { | [x] -> reduce_mean(1, keepdim) }"))
    assert [str(value.type) for value in added.entry.nodes[-1].inputs] == ["f32[N, 1, 8, 8]"] * 4
    assert flat(build(model("concat { id | split(3) }")))[-1] == "concat concat f32[N, 6, 8, 8]"


def test_a_loop_can_grow_a_tuple(build):
    program = build(model("for i in 0..3 { [id, concat -> conv(2, 1)] }\n  concat"))
    conv = [node for node in program.entry.nodes if node.op.name == "conv"]
    assert [str(value.type) for value in program.entry.nodes[-1].inputs] == ["f32[N, 3, 8, 8]"] + [
        "f32[N, 2, 8, 8]"
    ] * 3
    assert [str(node.inputs[0].type) for node in conv] == [f"f32[N, {3 + 2 * i}, 8, 8]" for i in range(3)]


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("relu { split(3) }", "`relu` takes 1 tensor, 3 flow here"),
        ("split(3) -> attention(1) { | }", "`attention` takes 3 tensors, 6 flow here"),
        ("two { id | split(3) }", "`two` takes 2 tensors, 4 flow here"),
    ],
)
def test_a_step_of_fixed_arity_counts_what_branches_give(diagnose, step, says):
    text = "block two() a: [N, c, ...S], b: [N, d, ...S] { concat }\n"
    assert [(d.code, d.message) for d in diagnose(text + model(step))] == [("E0506", says)]


def test_branches_that_give_too_much_are_pointed_at(diagnose):
    (found,) = diagnose(model("attention(1) { id | split(3) }"))
    assert [label.text for label in found.related] == ["this branch gives " + ", ".join(["f32[N, 1, 8, 8]"] * 3)]


def test_a_tuple_that_doubles_runs_into_the_step_budget(diagnose):
    (found,) = diagnose(model("[x, x] as t\n  for i in 0..60 { [t, t] as t }\n" + "  [t, t] as t\n" * 60))
    assert found.code == "E0907"


def test_a_block_takes_a_fan_out_as_its_inputs(build, flat):
    text = "block join2() a: [N, c, ...S], b: [N, d, ...S] => [N, c + d, ...S] { concat }\n"
    assert flat(build(text + model("join2 { conv(2, 1) | id }")))[-1] == "join2.concat concat f32[N, 5, 8, 8]"


def test_binding_does_not_move_the_current_value(build):
    program = build(model("side = conv(8, 1) -> relu\n  tanh"))
    assert program.entry.nodes[2].inputs == program.inputs


def test_a_tuple_is_bound_to_several_names(build):
    program = build(model("a, b, c = split(3)\n  [a, c] -> concat"))
    split, concat = program.entry.nodes
    assert concat.inputs == (split.outputs[0], split.outputs[2])


def test_a_label_names_the_value_and_the_path(build, flat):
    program = build(model("conv(8, 1) as stem -> relu\n  stem -> tanh"))
    assert flat(program)[0].startswith("stem ")
    assert program.entry.labels["stem"] is program.entry.nodes[0].outputs[0]
    assert program.entry.nodes[2].inputs == program.entry.nodes[0].outputs


def test_a_label_interpolates(build, flat):
    program = build(model('for i in 0..2 { conv(8, 1) as "layer{i + 1}" }'))
    assert [line.split(" ")[0] for line in flat(program)] == ["layer1", "layer2"]


def test_a_label_like_its_block_does_not_hide_the_block(build, flat):
    text = "block layer(out) { conv(out, 1) }\n" + model("layer(4) as layer\n  layer(5) as layer")
    assert [line.split(" ")[0] for line in flat(build(text))] == ["layer.0.conv", "layer.1.conv"]


def test_naming_a_tensor_again_does_not_rename_its_operator(build, flat):
    program = build(model("conv(8, 1) as a\n  a as b\n  relu\n  b -> tanh"))
    assert flat(program)[0].startswith("a ")
    assert program.entry.nodes[2].inputs == program.entry.nodes[0].outputs


def test_a_label_on_braces_names_only_the_value(build, flat):
    program = build(model("{ conv(8, 1) -> relu } as stem\n  tanh as t\n  [stem, t] -> add"))
    assert [line.split(" ")[0] for line in flat(program)] == ["conv", "relu", "t", "add"]


def test_an_operator_is_reached_behind_a_tensor_of_its_name(build, flat):
    program = build(model("relu as tanh\n  conv(3, 1) -> tanh"))
    assert [line.split(" ")[0] for line in flat(program)] == ["tanh.0", "conv", "tanh.1"]


def test_names_of_loops_and_branches_stay_inside(diagnose):
    for body in ("for i in 0..1 { relu as a }", "repeat 1 { relu as a }", "add { relu as a | id }", "{ relu as a }"):
        found = diagnose(model(f"{body}\n  a -> tanh"))
        assert [d.code for d in found] == ["E0202"], body


def test_names_of_a_chosen_arm_are_seen_below(build):
    program = build(model("if true { relu as a; let n = 4 } else { tanh }\n  a -> conv(n, 1)"))
    assert len(program.entry.nodes) == 2


@pytest.mark.parametrize(("n", "operator"), [(0, "relu"), (1, "tanh"), (7, "sigmoid")])
def test_if_chooses_one_arm(build, flat, n, operator):
    text = (
        "model m(n = 0) { input x: f32[N, 3]\n if n == 0 { relu } else if n == 1 { tanh } else { sigmoid }\n output y }"
    )
    assert flat(build(text, n=n)) == [f"{operator} {operator} f32[N, 3]"]


def test_a_condition_may_look_at_dimensions_bound_by_the_signature(build, flat):
    text = "block f(out) [N, c, ...S] { if c != out { conv(out, 1) } }\n" + model("f(3) -> f(4)\n  relu")
    assert flat(build(text)) == ["f.1.conv conv(4, 1) f32[N, 4, 8, 8]", "relu relu f32[N, 4, 8, 8]"]


def test_several_inputs_leave_the_last_one_flowing(build):
    program = build("model m { input a: f32[N, 3]; input b: f32[N, 4]; relu; output y; output z = a -> tanh }")
    assert [value.name for value in program.inputs] == ["a", "b"]
    assert program.entry.nodes[0].inputs == (program.inputs[1],)
    assert [output.name for output in program.outputs] == ["y", "z"]


def test_an_output_takes_the_tensor_of_its_name_else_the_current_value(build):
    program = build(model("relu as a\n  tanh\n  output a"))
    relu, tanh = program.entry.nodes
    assert [output.value for output in program.outputs] == [relu.outputs[0], tanh.outputs[0]]


def test_train_outputs_mark_what_only_they_need(build):
    program = build(model("relu as a\n  output aux(train) = tanh -> sigmoid\n  a -> relu"))
    assert [(node.op.name, node.train_only) for node in program.entry.nodes] == [
        ("relu", False),
        ("tanh", True),
        ("sigmoid", True),
        ("relu", False),
    ]
    assert [(output.name, output.train) for output in program.outputs] == [("aux", True), ("y", False)]


def test_expect_binds_names_that_are_free(build, flat):
    assert flat(build(model("expect [N, c, _, w]\n  conv(2*c + w, 1)")))[0].startswith("conv conv(14, 1)")


def test_a_requirement_that_holds_is_silent(build):
    build(model('require 1 < 2 and not (3 < 2), "never {1 // 0}"'))


def test_a_failed_requirement_speaks_for_the_author_alone(diagnose):
    found = diagnose(model('let n = 3\n  require n > 3, "n is {n}"\n  let k = nothing\n  conv(k, 1) as a\n  a -> cnov'))
    assert [(d.code, d.message) for d in found] == [("E0315", "n is 3")]
