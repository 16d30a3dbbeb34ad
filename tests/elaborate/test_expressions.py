"""Expressions, symbolic dimensions, bindings from the command line."""

import itertools
import re

import pytest

from archdsl.elaborate.builtins import BUILTINS


def value(build, expression, head=""):
    """What an expression evaluates to, read off the width of a layer."""
    text = f"{head}\nmodel m {{ input x: f32[N, 4]; linear({expression}); output y }}"
    return build(text).outputs[0].value.type.dims[1]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ** 3 ** 2", 512),
        ("20 - 5 - 3", 12),
        ("7 // 2 + 7 % 2", 4),
        ("12 / 4", 3),
        ("10 if 1 < 2 <= 2 else 20", 10),
        ("10 if not true or 3 != 3.0 else 20", 20),
        ("10 if [1, (2, 3)] == [1.0, (2, 3)] else 20", 10),
        ("10 if true == 1 else 20", 20),
        ("10 if [0, 1, 2] == 0..3 else 20", 10),
        ("round(2.5)", 3),
        ("round(0 - 2.5) + 10", 7),
        ("round(0.49999999999999994) + 1", 1),
        ("floor(2.9) + ceil(2.1)", 5),
        ("floor(0.5 * 81)", 40),
        ("floor(log2(1024)) + floor(sqrt(16))", 14),
        ("max(1, 2.0, 3) + min([4, 5])", 7),
        ("len(0..10) + len([1, 2]) + sum([1, 2, 3])", 18),
        ("[5, 6, 7][-1] + (0..10)[3]", 10),
        ("([1] + [2, 3])[2]", 3),
        ("sum([5, 6, 7, 8][1..3]) + sum((0..10)[8..10])", 30),
        ("len([5, 6][0..0]) + len([5, 6][0..2]) + len([[1], [2]][1..2][0])", 3),
        ('len("a{1 + 1}b{{")', 4),
        ("match 3 { 1 | 2 => 5; 3 => 6; _ => 7 }", 6),
        ('match "a" { "b" => 5; _ => 7 }', 7),
        ("25.6M // 1K", 25600),
        ("floor(max(0..7))", 6),
    ],
)
def test_an_expression_has_its_value(build, expression, result):
    assert value(build, expression) == result


@pytest.mark.parametrize("sequence", ["[5, 6, 7]", "5..8"])
def test_an_index_is_taken_as_python_takes_it_and_refused_beyond_the_ends(build, diagnose, sequence):
    text = f"let all = {sequence}\nmodel m {{ input x: f32[N, 4]; linear(all[%s]); output y }}"
    for index in range(-5, 6):
        if -3 <= index < 3:
            assert build(text % index).outputs[0].value.type.dims[1] == [5, 6, 7][index]
        else:
            assert [(d.code, d.span.text) for d in diagnose(text % index)] == [("E0312", str(index))]


@pytest.mark.parametrize("sequence", ["[5, 6, 7]", "5..8"])
def test_a_part_is_taken_as_python_takes_it_and_refused_beyond_the_ends(build, diagnose, sequence):
    text = f"let all = {sequence}\nmodel m {{ input x: f32[N, 4]; linear(1 + sum(all[%s])); output y }}"
    for start, stop in itertools.product(range(-2, 6), repeat=2):
        if 0 <= start <= stop <= 3 or (start == stop >= 0 and stop <= 3):
            assert build(text % f"{start}..{stop}").outputs[0].value.type.dims[1] == 1 + sum([5, 6, 7][start:stop])
        elif start <= stop:
            assert [d.code for d in diagnose(text % f"{start}..{stop}")] == ["E0312"]


@pytest.mark.parametrize(
    "expression", ['1 + "a"', '"a" + 1', '"a" * 2.5', '2 ** "a"', '[1] - "a"', '"a" / N', "N % [1]"]
)
def test_arithmetic_names_the_operand_that_is_no_number(diagnose, expression):
    (found,) = diagnose(f"model m {{ input x: f32[N, 4]; linear({expression}); output y }}")
    wrong, kind = ("[1]", "list") if "[1]" in expression else ('"a"', "string")
    assert (found.code, found.label) == ("E0310", f"{wrong} is {kind}")


@pytest.mark.parametrize("name", sorted(BUILTINS))
@pytest.mark.parametrize(
    "value", ["none", "true", '"a"', "[]", "[1]", '["a"]', "1.5", "-1", "0", "N", "relu", "0..3", "x"]
)
def test_a_function_is_given_a_value_or_refused_it_with_a_code_but_never_fails(diagnose, name, value):
    for arguments in ("", value, f"{value}, {value}", f"{value}, 1, {value}"):
        found = diagnose(f"model m {{ input x: f32[N, 4]; let a = {name}({arguments}); relu; output y }}")
        assert all(re.fullmatch(r"[EW]\d{4}", d.code) and d.span is not None for d in found)


def test_only_the_chosen_alternative_is_evaluated(build):
    assert value(build, "3 if true else 1 // 0") == 3
    assert value(build, 'match 1 { 1 => 3; _ => error("no") }') == 3
    assert value(build, "3 if true or 1 // 0 == 1 else 4") == 3


def test_names_of_the_file_and_of_loops_are_seen(build):
    assert value(build, "a + b[1]", "let a, b = (1, [2, 3])") == 4


# --------------------------------------------------------------------------------------------------------- symbols


def test_names_in_input_dimensions_are_symbols(build, result):
    text = "model m { input x: f32[N, 1, 4*H, 4*W]; max_pool(2) -> max_pool(2); expect [N, 1, H, W]; output y }"
    program = build(text)
    assert [str(value.type) for value in program.inputs] == ["f32[N, 1, 4*H, 4*W]"]
    assert result(program) == "f32[N, 1, H, W]"
    assert program.batch_symbol == "N"


def test_a_constant_or_parameter_in_a_dimension_is_no_symbol(build, result):
    assert result(build("let S = 8\nmodel m(c = 3) { input x: f32[N, c, S]; relu; output y }", c=5)) == "f32[N, 5, 8]"


def test_symbols_are_shared_by_inputs_and_seen_by_expressions(build, result):
    text = "model m { input a: f32[N, T, 4]; input b: f32[N, T, 4]; [a, b] -> add; expect [N, T, 4]; output y }"
    assert result(build(text)) == "f32[N, T, 4]"


def test_symbols_are_bound_from_outside(build, diagnose, result):
    text = "model m { input x: f32[N, 3, 4*H, W]; if H > 7 { max_pool(2) }\n output y }"
    assert result(build(text, dims={"H": 8})) == "f32[N, 3, 16, W // 2]"
    assert result(build(text, dims={"H": 7, "N": 2})) == "f32[2, 3, 28, W]"
    assert [d.code for d in diagnose(text)] == ["E0311"]
    assert [d.code for d in diagnose(text, dims={"H": 8, "Q": 1})] == ["E0606"]
    assert [d.code for d in diagnose(text, dims={"H": 0})] == ["E0304"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("4*H >= 4", True),
        ("H == H", True),
        ("H + 1 > H", True),
        ("2*H == 2*H + 1", False),
        ("4*H % 2 == 0", True),
        ("H < 1", False),
        ("max(H, H + 1) == H + 1", True),
    ],
)
def test_a_condition_on_symbols_is_decided_where_it_holds_for_all(build, flat, condition, holds):
    text = f"model m {{ input x: f32[N, H]; if {condition} {{ relu }} else {{ tanh }}\n output y }}"
    assert flat(build(text))[0].split(" ")[0] == ("relu" if holds else "tanh")


@pytest.mark.parametrize("condition", ["H > 3", "H == W", "H % 2 == 0", "[H] == [3]", "H // 2 == W"])
def test_a_condition_that_depends_on_a_symbol_names_it(diagnose, condition):
    (found,) = diagnose(f"model m {{ input x: f32[N, H, W]; if {condition} {{ relu }}\n output y }}")
    assert found.code == "E0311"
    assert "H" in found.message
    assert "--dim H=" in found.help or "depends on its dimensions" in found.message


def test_an_exact_division_of_a_symbolic_dimension_must_hold_for_all(build, diagnose):
    text = "model m {{ input x: f32[N, {}]; let n = ({}) / 2\n expect [N, 2*n]\n output y }}"
    build(text.format("4*H", "4*H"))
    assert [d.code for d in diagnose(text.format("H", "H"))] == ["E0308"]
