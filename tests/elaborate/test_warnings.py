"""Silent mistakes of an author: each gets a warning with the line that was meant."""

import itertools
import re

import pytest

from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.elaborate.lint import lint
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.limits import Limits
from archdsl.ops import rules
from archdsl.types.tensor import TensorType


def found(text: str) -> list[Diagnostic]:
    """What `archdsl check` warns about in a spec without errors."""
    sink = Sink()
    module = load_text(text, sink, Limits())
    assert module is not None
    for name in module.models:
        assert elaborate(module, name, {}, {}, sink, Limits()) is not None, [str(d) for d in sink.found]
    lint(module, sink, Limits())
    assert not sink.has_errors
    return sink.found


def warned(text: str) -> list[tuple[str, str]]:
    """Codes and places of the warnings."""
    return [(d.code, d.span.text) for d in found(text) if d.span is not None]


def of(body: str, input: str = "f32[N, 3, 32, 32]", before: str = "") -> str:
    lines = "\n".join(f"  {line}" for line in body.split("\n"))
    return f"{before}model m {{\n  input x: {input}\n{lines}\n  output y\n}}\n"


# ------------------------------------------------------------------------------------------- layouts and padding


def test_an_image_without_a_batch_is_not_three_sequences_in_silence() -> None:
    (warning,) = found(of("conv(8, 3) -> flatten -> linear(10)", "f32[3, 32, 32]"))
    assert warning.code == "W0401"
    assert "of an image the batch comes first: [N, 3, 32, 32]" in warning.message


@pytest.mark.parametrize("step", ["conv(8, 3)", "max_pool(2)", "avg_pool(2)", "conv_transpose(8, 2)"])
def test_channels_that_come_last_are_pointed_out_wherever_windows_go(step: str) -> None:
    (warning,) = found(of(step, "f32[N, 32, 32, 3]"))
    assert (warning.code, "the channels come second: [N, 3, 32, 32]" in warning.message) == ("W0401", True)


@pytest.mark.parametrize("type", ["f32[1, 128, 400]", "f32[N, 3, 32, 32]", "f32[N, 3, 3, 3]", "f32[3, 80, 100]"])
def test_sequences_and_images_as_they_should_be_are_not_remarked_on(type: str) -> None:
    assert warned(of("conv(8, 3)", type)) == []


@pytest.mark.parametrize(
    ("type", "body", "meant"),
    [
        ("f32[N, 16, T]", "pad([2, 0]) -> conv(16, 3, padding = 0)", "pad([2, 0], axis = 2)"),
        ("f32[N, 16, 8, 8]", "pad(1) -> max_pool(3)", "pad(1, axis = [2, 3])"),
        ("f32[N, 16, 8, 8]", "pad(amount = 3) as p\np -> conv(4, [1, 7])", "pad(amount = 3, axis = [2, 3])"),
        ("f32[N, 2, 8, 8, 8]", "repeat 2 { pad(1) -> conv(2, 3) }", "pad(1, axis = [2, 3, 4])"),
        ("f32[N, 16, T]", "let causal = pad([2, 0])\ncausal -> conv(16, 3)", "causal(axis = 2)"),
    ],
)
def test_channels_that_are_padded_before_windows_slide_over_positions_are_pointed_out(
    type: str, body: str, meant: str
) -> None:
    (warning,) = found(of(body, type))
    assert (warning.code, warning.help) == ("W0401", f"write `{meant}`")


@pytest.mark.parametrize(
    "body",
    [
        "pad([2, 0], axis = 2) -> conv(16, 3)",
        "pad([2, 0], 1) -> conv(16, 3)",
        "pad([2, 0], axis = 1) -> conv(16, 3)",
        "pad([0, 16]) -> conv(16, 1)",
        "add { conv(24, 3) | pad([0, 8]) }",
        "pad([0, 8]) -> bn -> conv(16, 3)",
        "pad([0, 8], value = 1) -> conv(16, 3)",
    ],
)
def test_padding_that_says_its_axis_or_goes_no_way_but_to_channels_is_not_remarked_on(body: str) -> None:
    assert warned(of(body, "f32[N, 16, 8, 8]")) == []


@pytest.mark.parametrize("norm", ["layer_norm(axes = 1)", "layer_norm", "rms_norm"])
def test_normalising_the_rows_of_an_image_is_pointed_out(norm: str) -> None:
    (warning,) = found(of(norm, "f32[N, 16, 32, 32]"))
    assert (warning.code, "`axes = 3` takes each image whole" in warning.message) == ("W0401", True)


def test_normalising_channels_that_are_last_is_not_remarked_on() -> None:
    assert warned(of("transpose(1, 3) -> layer_norm -> transpose(1, 3)", "f32[N, 16, 32, 32]")) == []


def test_padding_per_axis_that_reads_like_before_and_after_is_pointed_out() -> None:
    (warning,) = found(of("conv(4, 3, stride = 2, padding = [0, 1])"))
    assert "`pad([0, 1], axis = [2, 3])` and then `padding = 0`" in warning.message
    assert warned(of("conv(4, [1, 3], padding = [0, 1])")) == []


# ----------------------------------------------------------------------------------------------------------- loops


def test_a_let_that_adds_up_nothing_is_pointed_out() -> None:
    text = of('let n = 4\nfor i in 0..3 {\n  let n = n + 1\n  conv(n, 3) as "c{i}"\n}')
    assert warned(text) == [("W0202", "n")]
    (warning,) = found(text)
    assert warning.help.endswith("`for n in [...]`")


def test_a_let_of_the_rounds_own_is_not_remarked_on() -> None:
    assert warned(of("let n = 4\nfor i in 0..3 {\n  let k = n + i\n  let k = k + 1\n  conv(k, 3)\n}")) == []


def test_a_rebinding_that_the_next_round_does_not_see_says_what_a_loop_hands_on() -> None:
    warnings = found(of("last = conv(8, 3)\nfor _ in 0..3 {\n  last = last -> conv(8, 3) -> relu\n}\nlast -> relu"))
    assert {d.code for d in warnings} == {"W0501"}
    assert {d.help for d in warnings} == {
        "this `last` is a new one in each round, and the next round starts from the `last` outside; the current value"
        " is what a loop hands on: put `last` in front of the loop, and `conv(8, 3) -> relu` in it"
    }


def test_a_loop_whose_rounds_all_start_anew_is_one_warning() -> None:
    text = of("linear(3) as a\nlinear(3) as b\nx -> keep(a, b)", "f32[N, 4]", _KEEP)
    assert warned(text) == [("W0502", "[a, b]")]
    (warning,) = found(text)
    assert warning.help.startswith("`concat for t in [a, b] { ... }` merges")


_KEEP = "block keep(a: tensor, b: tensor) { concat { a | b | for t in [a, b] { t } } }\n"


def test_rounds_that_read_the_current_value_are_not_remarked_on() -> None:
    assert warned(of("for f in [relu, tanh] { f }")) == []
    assert warned(of("shortcut = conv(3, 3)\nfor _ in 0..2 { add { conv(3, 3) | shortcut } }")) == []


@pytest.mark.parametrize(("range", "list"), [("3..0", "[2, 1, 0]"), ("9..1", "[8, 7, 6, ...]")])
def test_a_range_that_ends_before_it_starts_is_shown_as_a_list(range: str, list: str) -> None:
    (warning,) = found(of(f"conv(8, 3)\nfor i in {range} {{ conv(i + 1, 3) }}"))
    assert (warning.code, warning.help) == ("W0503", f"a list goes down: {list}")


def test_a_range_that_is_empty_for_a_small_number_is_not_remarked_on() -> None:
    assert (
        warned(
            "model m(n = 1) {\n  input x: f32[N, 3, 8, 8]\n  conv(8, 3)\n  for _ in 0..n - 2 { relu }\n  output y\n}"
        )
        == []
    )


def test_a_branch_that_is_a_loop_over_nothing_is_called_the_identity() -> None:
    block = "block keep(xs) { concat { conv(8, 3) | for w in xs { conv(w, 3) } } }\n"
    assert warned(of("keep([])", before=block)) == [("W0503", "xs")]
    assert warned(of("keep([4])", before=block)) == []


# ---------------------------------------------------------------------------------------------- what nothing reads


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (of("conv(8, 3)", before="block unit(out) { conv(out, 3) }\n"), "block `unit`"),
        (of("unit(8, 2)", before="block unit(out, stride = 1) { conv(out, 3) }\n"), "parameter `stride`"),
        (of("unit(8)", before="block unit(out, flag wide) { conv(out, 3) }\n"), "flag `wide`"),
        ("model m(n = 3) {\n  input x: f32[N, 4]\n  relu\n  output y\n}", "parameter `n`"),
        (of("let n = 3\nrelu"), "constant `n`"),
        (of("relu", before="let n = 3\n"), "constant `n`"),
        (of("relu", before="use std.conv (conv_bn_relu)\n"), "import `conv_bn_relu`"),
        (of("for w, k in [(4, 1), (8, 3)] { conv(w, 3) }"), "loop name `k`"),
    ],
    ids=lambda value: value if "`" in value and "\n" not in value else "",
)
def test_what_nothing_reads_is_named(text: str, what: str) -> None:
    assert [(d.code, d.message) for d in found(text)] == [("W0201", f"nothing reads the {what}")]


def test_a_loop_that_does_not_need_its_name_is_a_repeat() -> None:
    (warning,) = found(of("for i in 0..2 { conv(3, 3) }"))
    assert (warning.message, warning.help) == ("nothing reads the loop name `i`", "without it: `repeat 2 { ... }`")


@pytest.mark.parametrize(
    "text",
    [
        of("for _ in 0..2 { relu }\nlet _spare = 3\nunit(8)", before="block unit(out, _stride = 1) { conv(out, 3) }\n"),
        "let width = 8\nblock unit(out) { conv(out, 3) }\n",  # a file for others to import
        of("unit(8)", before="block unit(out) [N, c, ...S] => [N, out, ...S] { conv(out, 3) }\n"),
        "model m(side = 32) {\n  input x: f32[N, 3, side, side]\n  relu\n  output y\n}",
        'model m(name = "a") {\n  input x: f32[N, 3, 8, 8]\n  conv(8, 3) as "{name}"\n  output y\n}',
        of(
            "let unit = basic if 1 < 2 else wide\nunit(8, 2)",
            before="block basic(out, n) { conv(out, 3) }\nblock wide(out, n) { repeat n { conv(out, 3) } }\n",
        ),
        of(
            "unit(8, norm)",
            before="block unit(out, flag norm) { inner(out, norm) }\n"
            "block inner(out, flag norm) { if norm { bn }; conv(out, 1) }\n",
        ),
    ],
    ids=["underscores", "a library", "a signature", "an input's shape", "a label", "chosen among", "a flag passed on"],
)
def test_a_use_of_any_kind_is_a_use(text: str) -> None:
    assert warned(text) == []


def test_a_word_where_the_value_of_a_name_was_meant_is_pointed_out() -> None:
    assert warned(of('let stem = "conv1"\nconv(8, 3) as stem')) == [("W0203", "stem")]
    assert warned(of("for i in 0..2 { conv(8, 3) as i }")) == [("W0203", "i")]
    assert warned(of('let stem = "conv1"\nconv(8, 3) as "{stem}"')) == []


def test_a_default_that_holds_for_no_call_is_pointed_out() -> None:
    block = "block norm_linear(out) { layer_norm -> linear(out) }\n"
    assert warned(of("default layer_norm(eps = 1e-6)\nnorm_linear(4)", "f32[N, 8]", block)) == [
        ("W0204", "layer_norm(eps = 1e-6)")
    ]
    assert warned(of("default bn(eps = 1e-3)\nbatch_norm")) == []
    assert warned(of("default bn(eps = 1e-3)\nfor f in [bn] { f }")) == []
    assert warned("default bn(eps = 1e-3)\n" + of("relu")) == [("W0204", "bn(eps = 1e-3)")]


# ------------------------------------------------------------------------------------------------------- dead code


@pytest.mark.parametrize(
    ("step", "warns"),
    [("conv_transpose(16, 16, 8)", False), ("conv_transpose(16, 16, 7)", True), ("conv_transpose(16, 17, 8)", True)],
)
def test_a_window_over_twice_as_wide_as_its_step_is_asked_about(step: str, warns: bool) -> None:
    given = found(of(step, "f32[N, 16, 40, 40]"))
    assert any("on the 16 channels that come in" in f"{d.message} {d.label} {d.help}" for d in given) == warns


@pytest.mark.parametrize(("eps", "warns"), [("1", True), ("64", True), ("0.99", False), ("0.001", False)])
def test_an_eps_of_one_or_more_is_taken_for_the_number_of_channels(eps: str, warns: bool) -> None:
    assert any("`eps` is" in f"{d.message} {d.label} {d.help}" for d in found(of(f"bn({eps})"))) == warns


def test_dead_steps_that_end_in_a_view_are_dead() -> None:
    assert warned(of("h = linear(8) -> id\nrelu", "f32[N, 4]")) == [("W0501", "linear")]
    assert warned(of("constant(2)", "f32[N, 4]")) == []
    assert ("W0501", "linear") in warned(of("linear(8)\nid\nconstant(2)", "f32[N, 4]"))


def test_a_chain_of_dead_views_is_followed_in_time_that_grows_with_its_length() -> None:
    assert warned(of("h = conv(4, 3) -> " + " -> ".join(["id"] * 3000) + "\nrelu")) == [("W0501", "conv")]


def test_only_lengths_that_pictures_have_are_taken_for_pictures() -> None:
    """Of three axes: 3 and two alike. Of four: 1 or 3 last, and two alike before that are neither."""
    for dims in itertools.product((1, 2, 3, 5, 6), repeat=4):
        last = dims[3] in (1, 3) and dims[1] == dims[2] and dims[1] in (2, 5, 6)
        assert bool(rules.layout_advice(TensorType(dims))) == last, dims
        first = dims[0] == 3 and dims[1] == dims[2]
        assert bool(rules.layout_advice(TensorType(dims[:3]))) == first, dims[:3]


def test_a_rebinding_of_one_step_says_so_too_and_one_without_a_step_has_nothing_to_move() -> None:
    warnings = found(of("last = conv(8, 3)\nfor _ in 0..3 {\n  last = last -> relu\n}\nlast -> relu"))
    assert ["`relu` in it" in d.help for d in warnings] == [True]
    assert [d.help for d in found(of("last = conv(8, 3)\nfor _ in 0..3 {\n  last = last\n}\nlast -> relu"))] == []


# ---------------------------------------------------------------------------------------- one mistake, met many times


def mistakes(text: str) -> list[Diagnostic]:
    sink = Sink()
    module = load_text(text, sink, Limits())
    assert module is not None
    for name in module.models:
        elaborate(module, name, {}, {}, sink, Limits())
    return sink.found


UNEQUAL = "block unit(out) { add { conv(out, 3) | conv(out + 1, 1) } }\n"


@pytest.mark.parametrize(
    ("before", "body", "note"),
    [
        (UNEQUAL, "concat for i in 1..11 { unit(8*i) }", "it is so in 10 calls; this is the first"),
        (UNEQUAL, "concat { unit(8) | unit(16) | unit(24) }", "it is so in 3 calls; this is the first"),
        ("", "concat for i in 1..4 { residual { conv(8*i, 3) } }", "it is so in 3 calls; this is the first"),
        (
            "",
            "concat for i in 1..4 { add { conv(8*i, 3) | id } }",
            "it is so in 3 rounds of this loop; this is the first",
        ),
        (UNEQUAL, "unit(8)", ""),
        (
            "block b(out) { unit(out) }\n" + UNEQUAL,
            "concat for i in 1..3 { b(8*i) }",
            "it is so in 2 calls; this is the first",
        ),
    ],
)
def test_one_mistake_that_many_calls_meet_is_reported_once(before: str, body: str, note: str) -> None:
    (mistake,) = mistakes(of(body, before=before))
    assert (mistake.code, "".join(mistake.notes)) == ("E0402", note)


def test_two_mistakes_at_one_place_stay_two() -> None:
    wrong = "block unit(out, k) {\n  add { conv(out, k, padding = 0) | conv(8, 3, padding = 0) }\n}\n"
    found = mistakes(of("concat { unit(9, 3) | unit(8, 5) }", before=wrong))
    assert ["axis 1" in each.message for each in found] == [True, False]
    assert [each.notes for each in found] == [(), ()]


def test_two_figures_of_one_call_are_no_repetition() -> None:
    found = mistakes(of("let a = [7, 8]\nlet b = (a[5], a[6])", before=""))
    assert len(found) == 2


def test_a_name_that_many_calls_do_not_find_is_not_counted() -> None:
    (mistake,) = mistakes(of("concat for i in 1..5 { b(i) }", before="block b(n) { conv(n, 3) -> rleu }\n"))
    assert (mistake.code, mistake.notes) == ("E0202", ())


def test_that_the_rest_is_not_checked_is_said_where_one_mistake_is_met_a_hundred_times() -> None:
    (mistake,) = mistakes(of("concat for i in 1..200 { unit(i) }", before=UNEQUAL))
    assert mistake.notes == (
        "this is mistake number 100: the rest is not checked",
        "it is so in 100 calls; this is the first",
    )


# --------------------------------------------------------------------------------- results that nothing reads, by name


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        ("h = conv(3, 3)\nrelu", ["h = ...", "conv(3, 3) as h", "h -> ..."]),
        ("if true { h = x -> conv(3,\n 3) -> bn }", ["h = ...", "x -> conv(3, 3) -> bn as h", "h -> ..."]),
        ("h = residual { relu }; relu", ["h = ...", "residual { relu } as h", "h -> ..."]),
        ("h = conv(3, 3) as first", ["h = ...", "conv(3, 3) as first", "first -> ..."]),
        ("flatten(2)\na, h, c = lstm(8, states)", ["a, h, c = ...", "[a, h, c] -> ..."]),
        ("conv(3, 3) # all\nx -> relu", ["x ->", "conv(3, 3) as name"]),
        ("conv(3, 3) as h\nx -> relu", ["x ->", "conv(3, 3) as h"]),
        ("conv(3, 3)\n[x, x] -> add", ["conv(3, 3) as name", "name -> ..."]),
        ("add { conv(3, 3) -> relu\n x | id }", ["conv(3, 3) -> relu as name", "name -> ..."]),
    ],
)
def test_a_result_that_nothing_reads_is_named_in_the_words_of_its_author(body: str, quoted: list[str]) -> None:
    (warning,) = [each for each in found(of(body)) if each.code == "W0501"]
    assert re.findall("`([^`]*)`", warning.help) == quoted
