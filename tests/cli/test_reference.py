"""`archdsl ops`, `explain`, `show`, `test`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import GOOD, Ran

from archdsl.diagnostics.codes import all_codes
from archdsl.ops import catalogue
from archdsl.std import INDEX

Archdsl = Callable[..., Ran]


def test_ops_lists_every_operator_and_every_standard_block(archdsl: Archdsl) -> None:
    ran = archdsl("ops")
    words = set(ran.out.replace(",", " ").split())
    assert ran.code == 0
    assert set(catalogue.names()) <= words
    assert set(INDEX) <= words


def test_ops_shows_the_first_sentence_of_a_standard_block(archdsl: Archdsl) -> None:
    lines = dict(line.strip().split("  ", 1) for line in archdsl("ops").out.split("\n") if line.startswith("  "))
    assert lines["dense_block"].strip() == "`n` layers of growth rate `k`, each fed everything before it"
    assert lines["zero_padding"].strip().startswith("Option A of He et al. (2015): every stride-th element")


@pytest.mark.parametrize("name", catalogue.names())
def test_an_operator_prints_its_arguments_its_cost_and_its_examples(archdsl: Archdsl, name: str) -> None:
    ran = archdsl("ops", name)
    operator = catalogue.lookup(name)
    assert operator is not None
    assert ran.code == 0
    assert "\ncost\n" in ran.out
    assert "\nexamples\n" in ran.out
    assert all(f"  {spec.name}" in ran.out for spec in operator.arguments())
    assert all(f"\n      {example.work}\n" in f"{ran.out}\n" for example in operator.examples if example.work)


@pytest.mark.parametrize("name", sorted(INDEX))
def test_a_standard_block_prints_its_own_source(archdsl: Archdsl, name: str) -> None:
    ran = archdsl("ops", name)
    assert ran.code == 0
    assert f"block {name}" in ran.out


def test_an_unknown_operator_gets_a_suggestion(archdsl: Archdsl) -> None:
    ran = archdsl("ops", "cnov")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean `conv`?" in ran.err


def test_explain_alone_lists_every_code(archdsl: Archdsl) -> None:
    out = archdsl("explain").out
    assert [line.split()[0] for line in out.strip().split("\n")] == [code.code for code in all_codes()]


def test_explain_takes_a_code_in_either_case_or_its_name(archdsl: Archdsl) -> None:
    code = next(code for code in all_codes() if code.code == "E0605")
    for word in ("E0605", "e0605", code.name):
        ran = archdsl("explain", word)
        assert ran.code == 0
        assert code.explanation.strip() in ran.out


def test_an_unknown_code_is_wrong_usage(archdsl: Archdsl) -> None:
    ran = archdsl("explain", "E9999")
    assert (ran.code, ran.out) == (2, "")


def test_show_prints_the_program(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("show", spec, "-p", "n=1")
    assert ran.code == 0
    assert ran.out.startswith("program tiny\n")
    assert "func @unit" in ran.out


def test_show_prints_the_tree_of_a_file_that_would_not_elaborate(archdsl: Archdsl, bad: Path) -> None:
    ran = archdsl("show", bad, "--stage", "ast")
    assert (ran.code, ran.err) == (0, "")
    assert "unti" in ran.out


@pytest.mark.parametrize("beside", [("", "-p", "n=1"), ("", "--dim", "N=2"), (":tiny",)])
def test_show_refuses_what_a_syntax_tree_does_not_depend_on(
    archdsl: Archdsl, spec: Path, beside: tuple[str, ...]
) -> None:
    ran = archdsl("show", f"{spec}{beside[0]}", "--stage", "ast", *beside[1:])
    assert (ran.code, ran.out) == (2, "")
    assert "does not go with --stage ast" in ran.err


def test_test_prints_published_beside_computed(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text(GOOD.replace("params > 0", 'params == 318\n macs within 50% of 20K  "A paper, Table 1"'))
    ran = archdsl("test", path)
    assert ran.code == 0, ran.out
    assert "318" in ran.out
    assert "A paper, Table 1" in ran.out
    assert "1 test, 2 checks: all hold" in ran.err


def test_test_fails_when_a_figure_disagrees(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text(GOOD.replace("params > 0", "params == 319"))
    ran = archdsl("test", path)
    assert ran.code == 1
    assert "FAIL" in ran.out
    assert "319" in ran.out
    assert "318" in ran.out
    assert "1 failed" in ran.err


def test_test_reports_a_model_that_does_not_build(archdsl: Archdsl, bad: Path) -> None:
    ran = archdsl("test", bad)
    assert ran.code == 1
    assert "`unti`" in ran.err


def test_the_last_line_of_test_says_what_could_not_be_checked(archdsl: Archdsl, tmp_path: Path) -> None:
    model = "model NAME { input x: f32[N, 3, 8, 8]\n conv(8, KERNEL, padding = 0)\n output y }\n"
    broken = model.replace("NAME", "m").replace("KERNEL", "30") + "test m { params == 3 }\n"
    good = model.replace("NAME", "k").replace("KERNEL", "3") + "test k { params == 224 }\n"
    shape, syntax = tmp_path / "shape.arch", tmp_path / "syntax.arch"
    shape.write_text(broken + good)
    syntax.write_text("model m {\n")
    ran = archdsl("test", shape, syntax, tmp_path / "missing.arch")
    assert ran.code == 3
    assert ran.err.endswith("\n2 tests, 1 check: 1 test not checked, 2 files not read, 3 errors\n")
    assert archdsl("test", shape).code == archdsl("test", syntax).code == 1


def test_explain_says_whether_a_spec_is_rejected_or_warned_of(archdsl: Archdsl) -> None:
    assert "A spec that is rejected with this code" in archdsl("explain", "E0402").out
    assert "A spec that is warned of with this code" in archdsl("explain", "W0501").out
