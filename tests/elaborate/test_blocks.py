"""Blocks: signatures, specialisation, recursion, bodies in braces, tensors as arguments, shared instances."""

import pytest

from archdsl.ir.program import Call

HEAD = "model m {\n  input x: f32[N, 3, 8, 8]\n"


def model(body: str) -> str:
    return f"{HEAD}{body}\n  output y\n}}\n"


# ------------------------------------------------------------------------------------------------------ signatures


@pytest.mark.parametrize(
    "left", ["[N, c, H, W]", "[N, 3, 8, 8]", "[_, _, _, _]", "[N, c, H, H]", "[...S]", "[N, ..., W]", "[N, k, ...]"]
)
def test_a_signature_accepts_what_it_describes(build, left):
    build(f"block f(k = 3) {left} {{ relu }}\n" + model("f"))


@pytest.mark.parametrize("left", ["[N, c]", "[N, 4, H, W]", "[N, H, H, W]", "[N, c, H, W, ...S, D]", "[N, k, ...]"])
def test_a_signature_refuses_what_it_does_not_describe(diagnose, left):
    assert [d.code for d in diagnose(f"block f(k = 4) {left} {{ relu }}\n" + model("f"))] == ["E0502"]


def test_a_signature_binds_names_for_the_body(build, flat):
    text = "block f() [N, c, H, ...S] => [N, 2*c + H, H, ...S] { conv(2*c + H, 1) }\n" + model("f")
    assert flat(build(text)) == ["f.conv conv(14, 1) f32[N, 14, 8, 8]"]


def test_a_signature_hides_constants_of_the_file(build, flat):
    text = "let c = 100\nblock f() [N, c, ...S] { conv(c + 1, 1) }\n" + model("f")
    assert flat(build(text)) == ["f.conv conv(4, 1) f32[N, 4, 8, 8]"]


def test_several_inputs_are_named(build):
    text = "block f() q: [N, c, ...S], memory: [N, d, ...S] => [N, d, ...S], [N, c, ...S] { [memory, q] }\n"
    program = build(text + model("conv(5, 1) as e\n  [x, e] -> f -> concat"))
    assert [str(value.type) for value in program.functions[0].outputs] == ["f32[N, 5, 8, 8]", "f32[N, 3, 8, 8]"]
    assert [value.name for value in program.functions[0].inputs] == ["q", "memory"]


@pytest.mark.parametrize("call", ["f", "[x, x, x] -> f"])
def test_the_number_of_inputs_is_checked(diagnose, call):
    text = "block f() q: [N, ...S], k: [N, ...S] { [q, k] -> add }\n"
    assert [d.code for d in diagnose(text + model(call))] == ["E0506"]


@pytest.mark.parametrize(
    ("left", "given", "symbol"),
    [
        ("[N, c, H, H]", "[N, 3, W, T]", "T"),
        ("[N, c, H, 2*H]", "[N, 3, A, B]", "A"),
        ("[N, c, 8, 8]", "[N, 3, T, 8]", "T"),
    ],
)
def test_axes_that_may_be_alike_are_decided_by_binding_a_symbol(diagnose, left, given, symbol):
    (found,) = diagnose(f"block f {left} {{ relu }}\nmodel m {{ input x: f32{given}\n f\n output y }}")
    assert (found.code, found.help) == ("E0311", f"bind the symbol: --dim {symbol}=...")


@pytest.mark.parametrize("other", ["[N, 3, 8, 9]", "[N, 3, 8]", "[N, 3, 9, 8]", "[N, 3, 8, 8, 1]"])
def test_rests_of_one_name_are_alike(diagnose, other):
    text = f"""block f() q: [N, c, ...S], k: [N, d, ...S] {{ [q, k] -> concat }}
    model m {{ input x: f32[N, 3, 8, 8]\n input y: f32{other}\n [x, y] -> f\n output z }}"""
    assert [(d.code, d.span.text) for d in diagnose(text)] == [("E0502", "f")]


def test_the_right_side_is_checked_for_every_instantiation(diagnose):
    text = "block f(k) [N, c, ...S] => [N, 2*c, ...S] { conv(k, 1) }\n"
    found = diagnose(text + model("f(6) -> f(13)"))
    assert [(d.code, d.label) for d in found] == [("E0504", "expected 2*c = 12, found 13")]


def test_a_symbolic_promise_is_checked_exactly(build, diagnose):
    text = "block f() [N, c, H, W] => [N, c, H // 2, W // 2] { max_pool(2) }\n"
    text += "model m { input x: f32[N, 3, H, W]; f; output y }"
    build(text)
    # (H + 1) // 2 equals H // 2 for even H only.
    assert [d.code for d in diagnose(text.replace("max_pool(2)", "max_pool(3, 2, 1)"))] == ["E0311"]
    assert [d.code for d in diagnose(text.replace("max_pool(2)", "id"))] == ["E0311"]
    assert [d.code for d in diagnose(text.replace("c, H // 2", "2*c, H // 2"))] == ["E0504"]


# -------------------------------------------------------------------------------------------------- specialisation


def test_the_same_arguments_and_types_give_one_function(build):
    program = build("block f(k, s = 1) { conv(k, 3, s) }\n" + model("f(3) -> f(3, 1) -> f(k = 3) -> f(4) -> f(4)"))
    assert [function.block for function in program.functions] == ["f", "f", "f", "m"]
    calls = [node for node in program.entry.nodes if isinstance(node, Call)]
    assert calls[0].callee is calls[1].callee is calls[2].callee
    assert program.functions[0].origin is program.functions[1].origin


def test_recursion_ends_where_a_condition_says(build):
    text = """
    block fractal(depth, out) {
      if depth == 1 { conv(out, 3) }
      else { mean { fractal(depth - 1, out) -> fractal(depth - 1, out) | conv(out, 3) } }
    }
    """
    program = build(text + model("fractal(12, 3)"))
    assert [function.arguments.get("depth") for function in program.functions] == [*range(1, 13), None]


def test_arguments_of_a_function_are_told_apart_from_dimensions(build):
    program = build("block f(k, unit: block) [N, c, ...S] { conv(k, 1) -> unit }\n" + model("f(4, relu)"))
    function = program.functions[0]
    assert list(function.arguments) == ["k", "unit", "N", "c", "S"]
    assert function.arguments["unit"] == "relu"
    assert function.declared == 2


# ------------------------------------------------------------------------------------------------- bodies in braces

RESIDUAL = "block around(body: block, shortcut: block = id) { add { body | shortcut } }\n"


def test_braces_fill_block_parameters_in_order(build, flat):
    lines = flat(build(RESIDUAL + model("around { conv(5, 1) -> relu | conv(5, 3) }")))
    assert lines == [
        "around.body.conv conv(5, 1) f32[N, 5, 8, 8]",
        "around.body.relu relu f32[N, 5, 8, 8]",
        "around.shortcut.conv conv(5, 3) f32[N, 5, 8, 8]",
        "around.add add f32[N, 5, 8, 8]",
    ]


def test_braces_fill_what_arguments_leave_open(build, flat):
    lines = flat(build(RESIDUAL + model("around(body = tanh) { relu }")))
    assert lines[:2] == ["around.tanh tanh f32[N, 3, 8, 8]", "around.shortcut.relu relu f32[N, 3, 8, 8]"]


def test_a_body_sees_parameters_constants_and_loop_variables(build, flat):
    text = RESIDUAL + "let k = 1\nblock f(c) { for i in 0..2 { around { conv(c, k + 2*i) } } }\n" + model("f(3)")
    assert [line for line in flat(build(text)) if "conv" in line] == [
        "f.around.0.body.conv conv(3, 1) f32[N, 3, 8, 8]",
        "f.around.1.body.conv conv(3, 3) f32[N, 3, 8, 8]",
    ]


def test_a_body_may_use_tensors_around_it(build):
    program = build(RESIDUAL + model("conv(3, 1) as skip\n  relu\n  around { add { tanh | skip } }"))
    around = next(function for function in program.functions if function.block == "around")
    body = next(function for function in program.functions if function.block == "body")
    assert len(around.inputs) == len(body.inputs) == 2
    call = program.entry.nodes[-1]
    assert call.inputs[1] is program.entry.nodes[0].outputs[0]


def test_a_tensor_that_a_body_only_hides_is_not_carried(build):
    program = build(RESIDUAL + model("conv(3, 1) as t\n  around { tanh as t -> relu\n  t -> sigmoid }"))
    assert all(len(function.inputs) == 1 for function in program.functions)


def test_bodies_of_the_same_text_and_surroundings_are_one_function(build):
    program = build(
        RESIDUAL
        + "block f(c) { repeat 3 { conv(3, 1) as t; around { add { conv(c, 1) | t } } } }\n"
        + model("f(3) -> f(3)")
    )
    assert sorted(function.block for function in program.functions) == ["around", "body", "f", "m"]


def test_a_body_passed_on_by_another_body_carries_its_tensors(build, flat):
    text = RESIDUAL + "block twice(body: block) { around { body -> body } }\n"
    program = build(text + model("conv(3, 1) as skip\n  twice { add { id | skip } -> relu }"))
    assert sum(" relu" in line for line in flat(program)) == 2


def test_different_tensors_of_one_type_are_not_confused(build):
    program = build(
        RESIDUAL + model("conv(3, 1) as a\n  conv(3, 1) as b\n  around { [a, b] -> sub }\n  around { [a, a] -> sub }")
    )
    bodies = [function for function in program.functions if function.block == "body"]
    assert sorted(len(function.inputs) for function in bodies) == [2, 3]


def test_a_tensor_is_an_argument(build):
    text = "block gate(by: tensor, scale: tensor = by) { [id, by] -> mul -> tanh as t; [t, scale] -> add }\n"
    program = build(text + model("conv(3, 1) as g\n  relu -> gate(g) -> gate(x, g)"))
    assert [len(f.inputs) for f in program.functions if f.block == "gate"] == [2, 3]


def test_a_body_takes_no_arguments(diagnose):
    found = diagnose("block f(body: block) { body(3) }\n" + model("f { relu }"))
    assert [d.code for d in found] == ["E0306"]


# --------------------------------------------------------------------------------------------------------- shared


def test_a_shared_instance_has_one_set_of_weights(build, paths):
    program = build(model("shared s = conv(3, 1)\n  s -> relu -> s\n  x -> s"))
    assert paths(program) == ["s.weight", "s.bias"]
    first, _, second, third = program.entry.nodes
    assert second.instance is third.instance is first


def test_a_shared_block_is_applied_to_inputs_of_other_sizes(build, paths):
    text = "block enc() { conv(3, 3) -> relu -> conv(3, 1) }\n"
    program = build(
        text + model("shared e = enc\n  e as a\n  x -> max_pool(2) -> e -> resize(2) as b\n  [a, b] -> add")
    )
    assert len(paths(program)) == 4
    assert all(path.startswith("e.conv.") for path in paths(program))


def test_a_label_does_not_rename_a_shared_instance(build, paths):
    program = build(model("shared s = conv(3, 1)\n  s as first\n  first -> s as second\n  [first, second] -> add"))
    assert paths(program) == ["s.weight", "s.bias"]


def test_a_shared_instance_keeps_the_scope_of_its_declaration(build, flat):
    text = model("default conv(!bias)\n  let k = 1\n  shared s = conv(3, k)\n  { let k = 3; default conv(bias); s }")
    assert flat(build(text)) == ["s conv(3, 1, !bias) f32[N, 3, 8, 8]"]
