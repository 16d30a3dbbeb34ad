"""Budgets that a file and a command have as a whole, and the one way out of an elaboration that ends early."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import archdsl
from archdsl.cli.main import main
from archdsl.diagnostics.model import Sink
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.report import MAX_ERRORS, elaboration
from archdsl.limits import Ledger, Limits
from archdsl.spec_tests import run_tests
from archdsl.types.dims import DimTooLarge

PACKAGE = Path(archdsl.__file__).parent
MODEL = "model m(n = 100) {\n  input x: f32[N, 3]\n  for i in 0..n { relu }\n  output y\n}\n"


def presets(count: int, test: bool = False) -> str:
    tests = "".join(f"test p{index} {{ params == 0 }}\n" for index in range(count)) if test else ""
    return MODEL + "".join(f"model p{index} = m(n = {100 + index})\n" for index in range(count)) + tests


# ------------------------------------------------------------------------------------------------- the one way out


@pytest.mark.parametrize(
    "line",
    [
        "let a = 1",
        "block b() { relu }",
        "model m = z",
        "use std.residual (residual)",
        "let a, a, a = [1, 2, 3]",
        "let a = b",
        "default cnov(3)",
        'use "none.arch" (x)',
    ],
)
def test_a_file_of_the_same_mistake_150_times_ends_with_diagnostics(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.arch"
    path.write_text(f"{line}\n" * 150)
    for command in ("check", "count", "test"):
        assert main([command, str(path)]) in (1, 2, 3, 4)
        out, err = capsys.readouterr()
        assert "error[E" in out + err
        assert (out + err).count("error[E") <= MAX_ERRORS + 1


def test_nothing_that_ends_elaboration_early_leaves_it() -> None:
    def reject(sink: Sink) -> None:
        from archdsl.ir.operator import reject

        with elaboration(sink, Limits()):
            reject("it does not fit", code="E0404")

    def outgrow(sink: Sink) -> None:
        with elaboration(sink, Limits()) as report:
            for _ in range(MAX_ERRORS - 1):
                report.error("E0201", "a mistake", None)
            raise DimTooLarge

    cases: dict[str, Callable[[Sink], None]] = {"E0404": reject, "E0908": outgrow}
    for code, run in cases.items():
        sink = Sink()
        run(sink)
        assert sink.found[-1].code == code


def test_only_the_way_in_makes_reporters_and_catches_limits() -> None:
    """A `Reporter` that somebody makes elsewhere would let `LimitReached` out of the place that made it."""
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bReporter\(sink|except LimitReached|except Rejection|DimTooLarge:", path.read_text())
    }
    elaborating = {name for name in found if name.startswith(("elaborate/", "spec_tests", "api", "cli/check"))}
    # `calls.py` is where an operator's own rule refuses, at its own argument.
    assert elaborating == {"elaborate/report.py", "elaborate/calls.py"}


# --------------------------------------------------------------------------------------------------- figures of tests

FAR = """model far {
  input x: f32[N, 100]
  split(100)
  repeat 100 { concat -> split(100) }
  concat
  output y
}
"""
"""A network whose depth takes the cube of its width to work out."""
NEAR = "model near {\n  input x: f32[N, 3]\n  linear(4)\n  output y\n}\n"
TESTS = "test near { params == 16 }\ntest far { params == 0 }\ntest near { params == 16; depth == 1 }\n"


def test_figures_that_take_too_long_fail_their_test_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.arch").write_text(FAR + NEAR + TESTS)
    assert main(["test", str(tmp_path)]) == 4
    out, err = capsys.readouterr()
    assert err.count("error[E0914]: the figures of `far` take more than 1,000,000 steps") == 2
    assert err.count("error[") == 2 and "not checked:" not in err
    assert out.count("ok    params == 16") == 4 and out.count("ok    depth == 1") == 2, (
        "before and after, in both files"
    )
    assert "6 tests, 6 checks: 2 tests not checked, 2 errors" in err


def test_a_figure_too_large_to_be_written_out_fails_its_test_alone() -> None:
    text = "model wide {\n  input x: f32[" + " + ".join(f"A{i}" for i in range(40)) + ", "
    text += " + ".join(f"B{i}" for i in range(40)) + "]\n  relu\n  output y\n}\n"
    sink = Sink()
    module = load_text(text + NEAR + "test wide { params == 0 }\n" + TESTS.splitlines()[0], sink, Limits())
    assert module is not None
    wide, near = run_tests(module, sink, Limits())
    assert [found.code for found in sink.found] == ["E0611"]
    assert wide.failed_to_build and not wide.passed and near.passed


def test_figures_of_the_tests_of_a_file_have_a_budget_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archdsl.analysis.effort.ANALYSIS_STEPS", 100)
    sink = Sink()
    module = load_text(NEAR + TESTS.splitlines()[0] + "\n" + "test near { params == 16 }\n" * 20, sink, Limits())
    assert module is not None
    results = run_tests(module, sink, Limits())
    assert [found.code for found in sink.found] == ["E0914"] and "all networks of this file" in sink.found[0].message
    assert results[0].passed and not results[-1].passed and len(results) < 21, "the rest is not looked at"


def test_figures_of_a_command_have_a_budget_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archdsl.analysis.effort.COMMAND_ANALYSIS_STEPS", 100)
    for index in range(9):
        (tmp_path / f"spec{index}.arch").write_text(NEAR + TESTS.splitlines()[0] + "\n")
    assert main(["test", str(tmp_path)]) == 4
    out, err = capsys.readouterr()
    assert err.count("error[E0914]: the figures of all files together take more than 100 steps") == 1
    assert "ok    params == 16" in out and "spec8.arch" in err.partition("not tested")[2]


# ------------------------------------------------------------------------------------------------ files and commands


def test_the_models_of_a_file_have_a_budget_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.arch"
    path.write_text(presets(10))
    assert main(["check", str(path)]) == 0
    assert main(["check", str(path), "--limit", "file_steps=50000"]) == 4
    out = capsys.readouterr().out
    assert out.count("error[") == 1 and "error[E0912]: the models and tests of this file take more than 50,000" in out
    unchecked = re.search(r"not checked: (model `p\d`, )+", out)
    assert unchecked and "--limit file_steps=..." in out


def test_the_tests_of_a_file_have_a_budget_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.arch"
    path.write_text(presets(10, test=True))
    assert main(["test", str(path)]) == 0
    capsys.readouterr()
    assert main(["test", str(path), "--limit", "file_steps=50000"]) == 4
    out, err = capsys.readouterr()
    assert err.count("error[") == 1 and "error[E0912]" in err and "not checked: test at line " in err
    assert "params == 0" in out, "what was checked before is printed"


def test_a_command_has_a_budget_for_all_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"spec{index}.arch" for index in range(9)]
    for path in paths:
        path.write_text(presets(2, test=True))
    for command in ("check", "test"):
        assert main([command, *map(str, paths), "--limit", "command_steps=100000"]) == 4
        out, err = capsys.readouterr()
        assert "error[E0912]: what this command looks at takes more than 100,000 steps" in out + err
        assert "spec8.arch" in out + err, "files that are left are named"
    assert main(["count", *[f"{path}:m" for path in paths], "--limit", "command_steps=50000"]) == 4
    assert "error[E0912]" in capsys.readouterr().err


def test_networks_that_are_asked_for_one_by_one_have_no_budget_together() -> None:
    """A file's budget is for what the file asks for; from Python every call has its own."""
    sink, limits = Sink(), Limits(file_steps=10_000)
    module = load_text(MODEL, sink, limits)
    assert module is not None
    for _ in range(5):
        assert elaborate(module, "m", {}, {}, sink, limits) is not None
    assert not sink.found


def test_errors_of_a_file_are_counted_over_all_of_its_models() -> None:
    text = "".join(
        f"model m{index} {{\n  input x: f32[N, 3]\n" + f"  cnov{index}\n" * 30 + "  output y\n}\n" for index in range(9)
    )
    sink = Sink()
    module = load_text(text + "test m8 { params == 0 }\n", sink, Limits())
    assert module is not None
    for name in module.models:
        if not module.closed(Limits()):
            elaborate(module, name, {}, {}, sink, Limits(), module.ledger)
    assert len(sink.found) == MAX_ERRORS
    assert "the rest is not checked" in sink.found[-1].notes[-1]
    assert run_tests(module, sink, Limits()) == []


def test_remarks_of_a_file_are_bounded_and_the_network_is_built() -> None:
    sink = Sink()
    module = load_text("model m {\n  input x: f32[N, 3]\n" + "  x -> relu\n" * 300 + "  output y\n}\n", sink, Limits())
    assert module is not None
    assert elaborate(module, "m", {}, {}, sink, Limits()) is not None
    assert len(sink.found) == MAX_ERRORS
    assert "further ones are left out" in sink.found[-1].notes[-1]


def test_a_ledger_sums_what_elaborations_spent() -> None:
    file, command = Ledger(), Ledger()
    limits = Limits(command=command)
    sink = Sink()
    module = load_text(MODEL, sink, limits)
    assert module is not None
    before = command.steps
    elaborate(module, "m", {}, {}, sink, limits, file)
    elaborate(module, "m", {}, {}, sink, limits, file)
    assert file.steps == command.steps - before > 2 * 100 * 60


# ------------------------------------------------------------------------------------------------------ levels


NESTED = {
    "fan-outs": ("add { id | ", " }"),
    "tuples": ("[", "] -> add"),
    "loops": ("for i in 0..1 { ", " }"),
    "conditions": ("if n >= 0 { ", " }"),
    "repeats": ("repeat 1 { ", " }"),
    "groups": ("{ ", " }"),
    "bodies": ("run { ", " }"),
}


@pytest.mark.parametrize("kind", NESTED)
def test_nesting_times_calls_is_one_budget(kind: str) -> None:
    before, after = NESTED[kind]
    inside = "f(n - 1)" if kind == "tuples" else "if n > 0 { f(n - 1) } else { relu }"
    text = (
        "block run(body: block) { body }\n"
        f"block f(n) {{ {before * 60}{inside}{after * 60} }}\n"
        "model m {\n  input x: f32[N, 3]\n  f(250)\n  output y\n}\n"
    )
    sink = Sink()
    module = load_text(text, sink, Limits(depth=100_000, nesting=1000))
    assert module is not None
    elaborate(module, "m", {}, {}, sink, Limits(depth=100_000, nesting=1000))
    assert [found.code for found in sink.found] == ["E0913"]


def test_what_is_closed_again_counts_no_level() -> None:
    text = "block f() { add { id | repeat 2 { { relu } } } }\nmodel m {\n  input x: f32[N, 3]\n  shared s = linear(3)\n"
    text += "  repeat 2 { s -> f }\n" * 30 + "  for i in 0..300 { f }\n  output y\n}\n"
    sink, limits = Sink(), Limits(levels=12)
    module = load_text(text, sink, limits)
    assert module is not None
    assert elaborate(module, "m", {}, {}, sink, limits) is not None, sink.found


def test_imports_inside_one_another_are_levels(tmp_path: Path) -> None:
    for index in range(100):
        (tmp_path / f"a{index}.arch").write_text(f'use "a{index + 1}.arch" (b)\n')
    (tmp_path / "a100.arch").write_text("block b() { relu }\n")
    sink = Sink()
    load_text('use "a0.arch" (b)', sink, Limits(levels=50), root=str(tmp_path))
    assert [found.code for found in sink.found] == ["E0913"]
    sink = Sink()
    assert load_text('use "a0.arch" (b)', sink, Limits(), root=str(tmp_path)) is not None
    assert not sink.found
