"""Parameters and arguments: how they pair, what they convert, what they forward."""

import pytest

HEAD = "model m {\n  input x: f32[N, 3, 8, 8]\n"


def model(body: str) -> str:
    return f"{HEAD}{body}\n  output y\n}}\n"


def test_arguments_pair_by_position_then_by_name(build, flat):
    text = "block f(out, kernel = 3, stride = 1) { conv(out, kernel, stride) }\n" + model("f(8, stride = 2)")
    assert flat(build(text)) == ["f.conv conv(8, 3, stride = 2) f32[N, 8, 4, 4]"]


def test_a_default_may_use_earlier_parameters(build, flat):
    text = "block f(out, mid = out // 2) { conv(mid, 1) -> conv(out, 1) }\n" + model("f(8)")
    assert [line.split(" ", 1)[1] for line in flat(build(text))] == [
        "conv(4, 1) f32[N, 4, 8, 8]",
        "conv(8, 1) f32[N, 8, 8, 8]",
    ]


@pytest.mark.parametrize("call", ["f(8, wide)", "f(8, wide = true)", "f(wide, 8)", "f(8, true)"])
def test_a_flag_is_set_by_its_name_alone(build, flat, call):
    text = "block f(out, flag wide) { conv(2*out if wide else out, 1) }\n" + model(call)
    assert flat(build(text)) == ["f.conv conv(16, 1) f32[N, 16, 8, 8]"]


@pytest.mark.parametrize("call", ["f(8)", "f(8, !wide)", "f(8, wide = false)"])
def test_a_flag_is_off_unless_set(build, flat, call):
    text = "block f(out, flag wide) { conv(2*out if wide else out, 1) }\n" + model(call)
    assert flat(build(text)) == ["f.conv conv(8, 1) f32[N, 8, 8, 8]"]


@pytest.mark.parametrize("value", [True, False])
def test_a_bare_word_in_scope_is_forwarded(build, flat, value):
    text = """
    block inner(out, flag wide) { conv(2*out if wide else out, 1) }
    block outer(out, flag wide) { inner(out, wide) }
    model m(flag wide) { input x: f32[N, 3, 8, 8]; outer(8, wide); output y }
    """
    assert flat(build(text, wide=value)) == [
        f"outer.inner.conv conv({16 if value else 8}, 1) f32[N, {16 if value else 8}, 8, 8]"
    ]


def test_a_bare_word_that_is_no_parameter_of_the_callee_is_a_positional_value(build, flat):
    text = model("let n = 8\n  conv(n, 1)")
    assert flat(build(text)) == ["conv conv(8, 1) f32[N, 8, 8, 8]"]


def test_string_choices_may_be_bare_words(build, flat):
    text = 'block f(mode: "half" | "full" = "full") { conv(4 if mode == "half" else 8, 1, padding = same) }\n'
    assert flat(build(text + model("f(half)"))) == flat(build(text + model('f(mode = "half")')))
    assert flat(build(text + model("f(half)"))) == ["f.conv conv(4, 1) f32[N, 4, 8, 8]"]


def test_a_name_in_scope_wins_over_a_bare_word(build, flat):
    text = 'block f(mode: "half" | "full") { conv(4 if mode == "half" else 8, 1) }\n'
    assert flat(build(text + model('let half = "full"\n  f(mode = half)'))) == ["f.conv conv(8, 1) f32[N, 8, 8, 8]"]


def test_an_int_stands_for_a_float_but_not_the_other_way(build, diagnose):
    text = "block f(p: float = 0.5, n: int = 1) { dropout(p) }\n"
    build(text + model("f(0)"))
    assert [d.code for d in diagnose(text + model("f(n = 2.0)"))] == ["E0304"]


def test_int_and_float_arguments_of_a_float_parameter_give_one_specialisation(build):
    program = build("block f(p: float) { dropout(p) }\n" + model("f(0) -> f(0.0)"))
    assert len(program.functions) == 2


@pytest.mark.parametrize(
    ("default", "right", "wrong"),
    [
        ("3", "4", "4.5"),
        ("-3", "4", '"4"'),
        ("0.5", "4", '"4"'),
        ("true", "false", "1"),
        ('"a"', '"b"', "1"),
        ("[1]", "0..2", "1"),
        ("relu", "tanh", "1"),
        ("conv(8, 1)", "relu", "1"),
        ("2 * 4", "9", "0.5"),
    ],
)
def test_a_parameter_has_the_type_of_its_default(build, diagnose, default, right, wrong):
    text = f"block f(p = {default}) {{ relu }}\n"
    build(text + model("f"))
    build(text + model(f"f(p = {right})"))
    assert [d.code for d in diagnose(text + model(f"f(p = {wrong})"))] == ["E0304"]


def test_a_parameter_without_a_default_takes_anything(build):
    build("block f(p) { relu }\n" + model('f(1) -> f(0.5) -> f("a") -> f([1]) -> f(relu) -> f(none) -> f(x)'))


@pytest.mark.parametrize(
    ("call", "made"),
    [
        ("f(8)", "conv(8, 3, padding = same) f32[N, 8, 8, 8]"),
        ("f(8, [1, 5])", "conv(8, [1, 5], padding = same) f32[N, 8, 8, 8]"),
        ("f(8, 5, padding = 0)", "conv(8, 5, padding = 0) f32[N, 8, 4, 4]"),
        ("f(8, padding = same)", "conv(8, 3, padding = same) f32[N, 8, 8, 8]"),
        ("f(8, [5, 3], [0, 1])", "conv(8, [5, 3], padding = [0, 1]) f32[N, 8, 4, 8]"),
    ],
)
def test_a_block_takes_windows_and_paddings_as_conv_does(build, flat, call, made):
    text = 'block f(out, kernel: window = 3, padding: padding = "same") { conv(out, kernel, padding = padding) }\n'
    (line,) = flat(build(text + model(call)))
    assert line.replace(", padding = same", "") == "f.conv " + made.replace(", padding = same", "")


@pytest.mark.parametrize(
    ("type", "value", "told"),
    [
        ("window", '"same"', "an int or a list of ints, one per spatial axis, not a string"),
        ("window", "[]", "one per spatial axis, not a list"),
        ("window", "[1.5, 2]", "one per spatial axis, not a list"),
        ("padding", '"valid"', "an int, a list of ints, or same, not a string"),
    ],
)
def test_what_is_no_window_is_refused_at_the_call(diagnose, type, value, told):
    (mistake,) = diagnose(f"block f(k: {type} = 1) {{ conv(8, k) }}\n" + model(f"f({value})"))
    assert mistake.code == "E0304" and told in mistake.message


def test_a_list_for_an_int_is_told_of_windows(diagnose):
    (mistake,) = diagnose("block f(k = 3) { conv(8, k) }\n" + model("f([1, 3])"))
    assert "`k: window = ...`" in mistake.help


def test_none_is_taken_where_it_is_the_default(build, diagnose):
    text = "block f(n: int = none) { conv(8 if n == none else n, 1) }\n"
    build(text + model("f -> f(none) -> f(3)"))
    assert [d.code for d in diagnose("block f(n = 3) { relu }\n" + model("f(none)"))] == ["E0304"]


def test_parameters_of_the_model_are_set_from_outside(build, diagnose):
    text = "model m(width = 8, depth: 1 | 2 = 1, flag wide) { input x: f32[N, 3]; linear(width); output y }"
    assert build(text, width=5).entry.arguments == {"width": 5, "depth": 1, "wide": False}
    assert [d.code for d in diagnose(text, width="5")] == ["E0304"]
    assert [d.code for d in diagnose(text, depth=3)] == ["E0305"]
    assert [d.code for d in diagnose(text, widht=5)] == ["E0605"]
    assert [d.code for d in diagnose(text, width=2**63)] == ["E0908"]


# ------------------------------------------------------------------------------------------------- blocks as values


def test_a_block_with_some_arguments_is_a_value(build, flat):
    text = "block f(unit: block) { unit -> unit }\n" + model("f(conv(3, 1, !bias))")
    assert flat(build(text)) == [
        "f.conv.0 conv(3, 1, !bias) f32[N, 3, 8, 8]",
        "f.conv.1 conv(3, 1, !bias) f32[N, 3, 8, 8]",
    ]


def test_positional_arguments_go_on_where_a_value_stopped(build, flat):
    text = model("let c = conv(6)\n  let d = c(3)\n  d -> d(stride = 2) -> d(out = 4)")
    assert [line.split(" ", 1)[1] for line in flat(build(text))] == [
        "conv(6, 3) f32[N, 6, 8, 8]",
        "conv(6, 3, stride = 2) f32[N, 6, 4, 4]",
        "conv(4, 3) f32[N, 4, 4, 4]",
    ]


def test_flags_and_bare_words_work_in_values(build, flat):
    text = "block g(out, flag wide) { conv(2*out if wide else out, 1) }\nblock f(unit: block) { unit }\n"
    assert flat(build(text + model("f(g(4, wide))"))) == ["f.g.conv conv(8, 1) f32[N, 8, 8, 8]"]
    assert flat(build(model("let c = conv(3, 3, padding = same)\n  c"))) == ["conv conv(3, 3) f32[N, 3, 8, 8]"]


def test_blocks_are_chosen_by_match_and_kept_in_lists(build, flat):
    text = """
    block a(out) { conv(out, 1) }
    block b(out) { conv(out, 3) }
    model m(kind: "a" | "b" = "a") {
      input x: f32[N, 3, 8, 8]
      let unit, plan = match kind { "a" => (a, [2, 3]); "b" => (b, [4]) }
      for out in plan { unit(out) }
      for f in [relu, tanh] { f }
      output y
    }
    """
    assert flat(build(text)) == [
        "a.0.conv conv(2, 1) f32[N, 2, 8, 8]",
        "a.1.conv conv(3, 1) f32[N, 3, 8, 8]",
        "relu relu f32[N, 3, 8, 8]",
        "tanh tanh f32[N, 3, 8, 8]",
    ]
    assert flat(build(text, kind="b"))[0] == "b.conv conv(4, 3) f32[N, 4, 8, 8]"


def test_two_values_with_the_same_arguments_give_one_specialisation(build):
    program = build(
        "block f(unit: block) { unit }\n" + model("f(conv(3, 1)) -> f(conv(3, 1)) -> f(conv(3, kernel = 1))")
    )
    assert [function.block for function in program.functions] == ["f", "m"]


# --------------------------------------------------------------------------------------------------------- default


def test_a_default_holds_to_the_end_of_its_braces(build, flat):
    text = model("{ default conv(!bias); conv(3, 1) }\n  conv(3, 1)")
    assert flat(build(text)) == [
        "conv.0 conv(3, 1, !bias) f32[N, 3, 8, 8]",
        "conv.1 conv(3, 1) f32[N, 3, 8, 8]",
    ]


def test_a_default_in_an_arm_of_if_ends_with_the_arm(build, flat):
    text = model("if true { default conv(!bias); conv(3, 1) }\n  conv(3, 1)")
    assert [", !bias" in line for line in flat(build(text))] == [True, False]


def test_a_default_of_a_file_holds_below_it_only(build, flat):
    text = "block above() { conv(3, 1) }\ndefault conv(!bias)\nblock below() { conv(3, 1) }\n" + model("above -> below")
    assert flat(build(text)) == [
        "above.conv conv(3, 1) f32[N, 3, 8, 8]",
        "below.conv conv(3, 1, !bias) f32[N, 3, 8, 8]",
    ]


def test_a_default_never_reaches_into_callees(build, flat):
    text = "block f() { conv(3, 1) }\n" + model("default conv(!bias)\n  f -> conv_relu(3, 1)")
    assert not any("!bias" in line for line in flat(build(text)))


def test_a_default_is_overridden_by_an_argument_and_by_a_later_default(build, flat):
    text = model("default conv(kernel = 3, !bias), relu()\n  default conv(kernel = 5)\n  conv(3) -> conv(3, 1, bias)")
    assert flat(build(text)) == [
        "conv.0 conv(3, 5, !bias) f32[N, 3, 8, 8]",
        "conv.1 conv(3, 1) f32[N, 3, 8, 8]",
    ]


def test_a_value_takes_along_the_defaults_of_the_place_where_it_was_written(build, flat):
    text = """
    block f(unit: block, other: block) { default conv(groups = 3); unit(3) -> other }
    model m { input x: f32[N, 3, 8, 8]; default conv(kernel = 1, !bias); f(conv, conv(3)); output y }
    """
    assert flat(build(text)) == [
        "f.conv.0 conv(3, 1, !bias) f32[N, 3, 8, 8]",
        "f.conv.1 conv(3, 1, !bias) f32[N, 3, 8, 8]",
    ]


def test_a_body_keeps_the_defaults_of_the_place_where_it_was_written(build, flat):
    text = """
    block f(body: block) { default conv(groups = 3); body }
    model m { input x: f32[N, 3, 8, 8]; default conv(!bias); f { conv(3, 1) }; output y }
    """
    assert flat(build(text)) == ["f.body.conv conv(3, 1, !bias) f32[N, 3, 8, 8]"]


def test_blocks_have_defaults_too(build, flat):
    text = "block f(out, kernel = 3) { conv(out, kernel) }\n" + model("default f(kernel = 1)\n  f(3)")
    assert flat(build(text)) == ["f.conv conv(3, 1) f32[N, 3, 8, 8]"]


def test_a_default_that_a_function_computes_says_nothing_of_the_type_and_one_that_a_block_makes_does(build, diagnose):
    text = "block f(n, k = max(n, 1)) { linear(k) }\nblock g(act = unit(2)) { act }\nblock unit(n) { relu }\n"
    assert build(text + model("flatten -> f(3, k = 4) -> g -> g(act = tanh)")).outputs[0].value.type.dims[1] == 4
    assert [(d.code, d.span.text) for d in diagnose(text + model("flatten -> g(act = 4)"))] == [("E0304", "act = 4")]
    shadowed = "block max(n) { relu }\nblock f(k = max(1)) { k }\n"
    assert [(d.code, d.span.text) for d in diagnose(shadowed + model("f(k = 3)"))] == [("E0304", "k = 3")]


def test_a_default_is_checked_where_it_stands(diagnose):
    found = diagnose(
        model("default conv(strides = 2), bn(eps = true), width(3)\n  relu as t\n  default residual(body = t)")
    )
    assert [(d.code, d.span.text) for d in found] == [
        ("E0301", "strides"),
        ("E0304", "eps = true"),
        ("E0202", "width"),
        ("E0304", "body = t"),
    ]


JOINED = "input column: i64[]\n  input z: f32[N, 3, 8, 8]\n"


def test_a_tensor_among_an_operators_arguments_is_an_input_after_those_that_flow(build):
    program = build(model(JOINED + "  [x, z] -> join(0.5, column)"))
    (node,) = program.entry.nodes
    assert [value.name for value in node.inputs] == ["x", "z", "column"]
    assert repr(node.op) == "join(drop = 0.5, column = column)"


@pytest.mark.parametrize(
    "use",
    [
        "[x, z] -> merge(column)",
        "let merged = join(0.5, column)\n  [x, z] -> within(merged)",
        "[x, z] -> within { join(0.5, column) }",
        "let merged = join(0.5, column)\n  [x, z] -> within { merged }",
    ],
    ids=["passed on", "as a value", "in a body", "as a value in a body"],
)
def test_a_tensor_argument_reaches_an_operator_inside_a_block(build, use):
    blocks = "block merge(column: tensor) { join(0.5, column) }\nblock within(body: block) { body }\n"
    program = build(blocks + model(JOINED + f"  {use}"))
    (call,) = program.entry.nodes
    assert [value.name for value in call.inputs] == ["x", "z", "column"]
    assert [value.type.dims for value in call.callee.inputs][-1] == ()


def test_operators_that_differ_in_the_name_of_a_tensor_argument_alone_are_equal(build):
    text = model(JOINED + "  copy = column -> id\n  [x, z] -> join(0.5, column)\n  [x, z] -> join(0.5, copy)")
    first, second = (node.op for node in build(text).entry.nodes if node.op.name == "join")
    assert first == second
    assert hash(first) == hash(second)


def test_a_tensor_argument_that_failed_gives_no_second_report(diagnose):
    found = diagnose(model("column = nothing(3)\n  [x, x] -> join(0.5, column)"))
    assert [d.code for d in found] == ["E0202"]
