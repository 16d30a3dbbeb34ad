"""What is suggested for words of other frameworks that elaboration meets."""

from collections.abc import Callable

import pytest

from archdsl.diagnostics.model import Diagnostic
from archdsl.elaborate.arithmetic import MAX_LIST, elements
from archdsl.ir.program import Program

Diagnose = Callable[..., list[Diagnostic]]


@pytest.mark.parametrize("name", ["shape", "size", "ndim", "channels"])
def test_what_other_frameworks_ask_a_tensor_is_asked_by_a_pattern(diagnose: Diagnose, name: str) -> None:
    (found,) = diagnose(f"model m {{\n  input x: f32[N, 3]\n  let c = x.{name}\n  linear(c)\n  output y\n}}")
    assert found.help == "the sizes get names where a value is: `expect [N, c, ...]`"


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
def test_a_number_given_to_a_merge_becomes_a_branch(diagnose: Diagnose, name: str) -> None:
    (found,) = diagnose(f"model m {{\n  input x: f32[N, 3]\n  {name}(0.5)\n  output y\n}}")
    assert f"{name} {{ id | constant(0.5) }}" in found.help
    assert [edit.replacement for edit in found.edits] == [f"{name} {{ id | constant(0.5) }}"]


def test_a_rest_in_the_middle_of_a_pattern_takes_what_the_others_leave(
    build: Callable[..., Program], result: Callable[[Program], str]
) -> None:
    text = """
    block f [n, ...S, c] => [n, ...S] { reduce_mean(-1) }
    model m { input x: f32[2, 3, 4, 5]; f; output y }
    """
    assert result(build(text)) == "f32[2, 3, 4]"


def test_branches_that_nothing_makes_equal_get_no_convolution_offered(diagnose: Diagnose) -> None:
    text = "model m {\n  input x: f32[N, 3, 8, 8]\n  add { id | global_avg_pool -> flatten }\n  output y\n}"
    (found,) = diagnose(text)
    assert "conv" not in found.help


def test_long_ranges_are_not_joined_whichever_stands_first(diagnose: Diagnose) -> None:
    for joined in ("(0..60000) + (0..60000)", "[1] + (0..1000000000)", "(0..1000000000) + [1]"):
        (found,) = diagnose(f"model m {{\n  input x: f32[N, 3]\n  let w = {joined}\n  linear(len(w))\n  output y\n}}")
        assert (found.code, found.span and found.span.text) == ("E0907", joined)


def test_a_word_near_one_of_the_argument_is_shown_as_that_one(diagnose: Diagnose) -> None:
    text = """
    block f(mode: "fast" | "slow" = "fast") { if mode == "fast" { relu } else { tanh } }
    model m { input x: f32[N, 3]; f(mode = fasst); output y }
    """
    (found,) = diagnose(text)
    assert found.help == "write `mode = fast`"


def test_an_argument_that_a_block_does_not_have_is_the_only_complaint(diagnose: Diagnose) -> None:
    text = "block f(n) { linear(n) }\nmodel m { input x: f32[N, 3]; f(units = 3); output y }"
    assert [found.code for found in diagnose(text)] == ["E0301"]


def test_functions_take_no_named_arguments(diagnose: Diagnose) -> None:
    (found,) = diagnose("model m { input x: f32[N, 3]; let a = max(value = 3); linear(a); output y }")
    assert (found.code, found.span and found.span.text) == ("E0301", "value = 3")


@pytest.mark.parametrize("size", ["true", "0", "-2", '"a"', "none", "2.5"])
def test_a_size_of_an_input_is_a_positive_int(diagnose: Diagnose, size: str) -> None:
    (found,) = diagnose(f"model m {{ input x: f32[N, {size}]; relu; output y }}")
    assert (found.code, found.span and found.span.text) == ("E0304", size)


def test_a_number_for_a_word_is_not_put_in_a_list(diagnose: Diagnose) -> None:
    text = 'block f(mode: string) { relu as "{mode}" }\nmodel m { input x: f32[N, 3]; f(3); output y }'
    (found,) = diagnose(text)
    assert (found.code, found.help, found.edits) == ("E0304", "", ())


def test_what_a_list_holds_is_counted_with_its_ranges() -> None:
    assert elements(3) == 1
    assert elements((1, (2, 3), range(4))) == 1 + 3 + 2 + 4
    assert elements((range(MAX_LIST),)) == 2 + MAX_LIST
    assert elements((range(MAX_LIST + 1),)) == 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1", "true"), ("0", "false"), ('"True"', "true"), ('"false"', "false"), ('"yes"', "true"), ('"No"', "false")],
)
def test_a_truth_value_in_other_words_is_mended(
    diagnose: Callable[..., list[Diagnostic]], written: str, meant: str
) -> None:
    (found,) = diagnose(f"model m {{\n  input x: f32[N, 3, 8, 8]\n  conv(8, 3, bias = {written})\n  output y\n}}")
    assert (found.code, found.help) == ("E0304", f"write `bias = {meant}`")
    assert [edit.replacement for edit in found.edits] == [f"bias = {meant}"]
