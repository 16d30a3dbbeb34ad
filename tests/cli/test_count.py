"""`archdsl count`, and the options that every command with a model has."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import GOOD, Ran

from archdsl.api import load

Archdsl = Callable[..., Ran]


def params(ran: Ran) -> int:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)["totals"]["params"]


def expected(width: int, n: int) -> int:
    convs = 3 * width * 9 + (n - 1) * width * width * 9
    return convs + n * 2 * width + width * 10 + 10


def test_the_table_goes_to_standard_output_alone(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec)
    assert (ran.code, ran.err) == (0, "")
    assert "layer.0" in ran.out
    assert f"{expected(4, 2):,}" in ran.out


def test_parameters_are_set_with_p(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "-p", "width=8", "-p", "n=5", "--format", "json")
    assert params(ran) == expected(8, 5)
    assert json.loads(ran.out)["parameters"] == {"width": 8, "n": 5, "kind": "a"}


@pytest.mark.parametrize(
    ("given", "value"),
    [("n=1_0", 10), ("n=1K", 1000), ("kind=b", "b"), ('kind="b"', "b"), (" n = 3 ", 3)],
)
def test_values_are_literals_of_the_language(archdsl: Archdsl, spec: Path, given: str, value: object) -> None:
    ran = archdsl("count", spec, "-p", given, "--format", "json")
    assert ran.code == 0, ran.err
    assert value in json.loads(ran.out)["parameters"].values()


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        (["-p", "widht=8"], "E0605", "did you mean `width`?"),
        (["-p", "width 3"], "E0607", "NAME=VALUE"),
        (["-p", "width="], "E0607", "NAME=VALUE"),
        (["-p", "width=1 + 1"], "E0607", "literal"),
        (["-p", "width=1; let b = 2"], "E0607", "literal"),
        (["-p", "width=[1"], "E0607", "literal"),
        (["-p", "width=1", "-p", "width=2"], "E0607", "twice"),
        (["--dim", "H=3"], "E0606", "H"),
        (["--dim", "N=0"], "E0607", "positive"),
        (["--dim", "N=x"], "E0607", "positive"),
        (["--limit", "node=3"], "E0609", "did you mean `nodes`?"),
        (["--limit", "nodes=-3"], "E0607", "positive"),
    ],
)
def test_a_bad_option_is_wrong_usage_and_says_why(
    archdsl: Archdsl, spec: Path, option: list[str], code: str, said: str
) -> None:
    ran = archdsl("count", spec, *option)
    assert ran.code == 2
    assert ran.out == ""
    assert f"error[{code}]" in ran.err
    assert said in ran.err


@pytest.mark.parametrize("given", ["width=true", 'width="wide"', 'kind="c"'])
def test_a_value_the_parameter_does_not_take_is_refused(archdsl: Archdsl, spec: Path, given: str) -> None:
    ran = archdsl("count", spec, "-p", given)
    assert ran.code in (1, 2)
    assert "error[E" in ran.err


def test_deeply_nested_values_are_refused_not_crashed_on(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "-p", f"width={'[' * 50_000}")
    assert ran.code in (2, 4)


def test_a_dimension_is_fixed_with_dim(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text("model m() { input x: f32[N, 3, H, 8]; conv(4, 3); output y }\n")
    free = archdsl("count", path)
    fixed = archdsl("count", path, "--dim", "H=10", "--format", "json")
    assert "864*H" in free.out
    assert json.loads(fixed.out)["totals"]["macs"] == 4 * 27 * 80


def test_one_of_several_models_is_named_after_a_colon(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "two.arch"
    path.write_text(GOOD + "model wide = tiny(width = 8)\n")
    assert params(archdsl("count", f"{path}:wide", "--format", "json")) == expected(8, 2)
    unnamed = archdsl("compile", path)
    assert unnamed.code == 2
    assert "E0613" in unnamed.err
    assert "tiny, wide" in unnamed.err
    both = json.loads(archdsl("count", path, "--format", "json").out)["models"]
    assert [model["totals"]["params"] for model in both] == [expected(4, 2), expected(8, 2)]
    unknown = archdsl("count", f"{path}:wied")
    assert unknown.code == 2
    assert "did you mean `wide`?" in unknown.err


def test_a_file_without_a_model_is_told_apart(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "lib.arch"
    path.write_text("block b() { relu }\n")
    ran = archdsl("count", path)
    assert ran.code == 2
    assert "E0614" in ran.err


def test_several_networks_give_one_comparison(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "two.arch"
    path.write_text(GOOD + "model wide = tiny(width = 8)\n")
    ran = archdsl("count", f"{path}:tiny", f"{path}:wide")
    assert ran.code == 0
    assert f"{expected(4, 2):,}" in ran.out
    assert f"{expected(8, 2):,}" in ran.out
    models = json.loads(archdsl("count", f"{path}:tiny", f"{path}:wide", "--format", "json").out)["models"]
    assert [model["totals"]["params"] for model in models] == [expected(4, 2), expected(8, 2)]


@pytest.mark.parametrize("kind", ["text", "json", "csv", "markdown", "latex"])
def test_every_format_prints_one_network_and_a_comparison(archdsl: Archdsl, spec: Path, kind: str) -> None:
    for targets in ([spec], [spec, spec]):
        ran = archdsl("count", *targets, "--format", kind)
        assert ran.code == 0
        assert str(expected(4, 2)) in ran.out.replace(",", "")


def test_errors_of_the_spec_go_to_standard_error(archdsl: Archdsl, bad: Path) -> None:
    ran = archdsl("count", bad)
    assert (ran.code, ran.out) == (1, "")
    assert "`unti`" in ran.err


@pytest.mark.parametrize("depth", ["-1", "some", "1.5"])
def test_a_depth_is_a_number_of_levels_or_all(archdsl: Archdsl, spec: Path, depth: str) -> None:
    assert archdsl("count", spec, f"--depth={depth}").code == 2


def test_a_depth_of_zero_is_the_total_alone_and_all_opens_every_block(archdsl: Archdsl, spec: Path) -> None:
    none, every = (archdsl("count", spec, "--depth", depth, "--format", "csv").out for depth in ("0", "all"))
    assert [line.split(",")[0] for line in none.split("\n")] == ["path", "total", ""]
    assert "layer.0.conv," in every


def test_a_folder_is_no_spec(archdsl: Archdsl, tmp_path: Path) -> None:
    ran = archdsl("count", tmp_path)
    assert ran.code == 3
    assert "E0602" in ran.err


def test_the_networks_of_a_comparison_are_opened_with_depth(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "-p", "width=4,8", "--depth", "1", "--format", "json")
    assert ran.code == 0
    models = json.loads(ran.out)["models"]
    assert [model["parameters"]["width"] for model in models] == [4, 8]
    for model in models:
        rows = model["rows"]
        assert sum(row["params"] for row in rows) == model["totals"]["params"]


def test_several_values_of_a_parameter_are_several_networks(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "-p", "width=4,8", "-p", "n=1,2,3", "--format", "csv", "--columns", "width,n,params")
    assert ran.code == 0, ran.err
    lines = ran.out.split()
    assert lines[0] == "width,n,params"
    assert lines[1:] == [f"{width},{n},{expected(width, n)}" for width in (4, 8) for n in (1, 2, 3)]


def test_commas_in_brackets_and_strings_are_part_of_one_value(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text(
        'model m(plan = [1, 2], word = "a") {\n'
        "input x: f32[N, 3, 8, 8]; for c in plan { conv(c, 1, !bias) }; output y }"
    )
    one = archdsl("count", path, "-p", "plan=[4, 5]", "-p", 'word="a,b"', "--format", "json")
    assert json.loads(one.out)["parameters"] == {"plan": [4, 5], "word": "a,b"}
    two = archdsl("count", path, "-p", "plan=[4],[4, 5]", "--format", "json")
    assert [model["parameters"]["plan"] for model in json.loads(two.out)["models"]] == [[4], [4, 5]]
    assert [model["totals"]["params"] for model in json.loads(two.out)["models"]] == [12, 32]


def test_one_bad_value_of_several_is_named(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "-p", "kind=a,c")
    assert (ran.code, ran.out) == (1, "")
    assert "it was set on the command line: -p kind=c" in ran.err


def test_more_networks_than_a_table_holds_are_refused(archdsl: Archdsl, spec: Path) -> None:
    many = ",".join(map(str, range(1, 41)))
    ran = archdsl("count", spec, "-p", f"width={many}", "-p", f"n={many}")
    assert (ran.code, ran.out) == (2, "")
    assert "1_600 networks" in ran.err


@pytest.mark.parametrize("option", [["--columns", "layer,parms"], ["--sort", "parms"]])
def test_an_unknown_column_is_wrong_usage_and_another_suggested(
    archdsl: Archdsl, spec: Path, option: list[str]
) -> None:
    ran = archdsl("count", spec, *option)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no column `parms`" in ran.err
    assert "did you mean `params`?" in ran.err
    assert f"{' '.join(option)}" in ran.err


def test_help_lists_every_column(archdsl: Archdsl) -> None:
    from archdsl.analysis.columns import COLUMNS

    ran = archdsl("count", "--help")
    for column in COLUMNS:
        assert f"\n  {column.name} " in ran.out
        assert column.doc in ran.out


def test_a_model_is_chosen_on_standard_input_too(archdsl: Archdsl, monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD + GOOD.replace("model tiny", "model other").replace("block unit", "block unit2").replace(
        "test tiny", "test other"
    )
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    ran = archdsl("count", "-:other", "-p", "n=1", "--format", "json")
    assert params(ran) == expected(4, 1)
    assert json.loads(ran.out)["model"] == "other"


FLAGGED = """model c(flag narrow, n: int = 2, kind: "a" | "b" = "a") {
  input x: f32[N, 3, 8, 8]
  conv(1 if narrow else n, 3)
  output y
}
"""


def test_a_flag_is_set_by_its_name(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "c.arch"
    path.write_text(FLAGGED)
    assert archdsl("count", path, "-p", "narrow").out.startswith("c(narrow, ")
    assert archdsl("count", path, "-p", "!narrow").out == archdsl("count", path, "-p", "narrow=false").out
    assert "`narrow` is set twice" in archdsl("count", path, "-p", "narrow", "-p", "!narrow").err


@pytest.mark.parametrize("option", ["n=two", "kind=c", "n"])
def test_a_value_that_a_parameter_refuses_is_traced_to_its_option(
    archdsl: Archdsl, tmp_path: Path, option: str
) -> None:
    path = tmp_path / "c.arch"
    path.write_text(FLAGGED)
    ran = archdsl("count", path, "-p", option)
    assert ran.code == 1
    assert f"it was set on the command line: -p {option}\n" in ran.err


def test_symbolic_prints_a_formula_and_where_it_was_verified(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "--symbolic", "width", "--symbolic", "n", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    formula = document["formulas"]["params"]["single"]
    for width, n in ((4, 2), (7, 9), (100, 3)):
        value = eval(formula["numerator"], {"width": width, "n": n})
        assert value == expected(width, n) * formula["denominator"]
    assert document["formulas"]["params"]["verified_at"] >= 10
    assert {"width": 4, "n": 1001} in document["counted"]
    assert document["values"]["n"] == {"counted": [*range(1, 17)], "step": 1, "ends": False}
    assert list(document) == ["schema", "model", "parameters", "convention", "values", "formulas", "counted"]


def test_data_of_a_network_without_layers_has_the_columns_of_one_with_layers(archdsl: Archdsl, spec: Path) -> None:
    whole, layers = (json.loads(archdsl("count", spec, "--depth", n, "--format", "json").out) for n in ("0", "1"))
    assert whole["columns"] == layers["columns"]
    names = [column["name"] for column in layers["columns"]]
    assert names == ["path", "level", "op", "times", "output", "params", "buffers", "macs", "flops", "activations"]
    assert all(list(row) == names for row in load(spec).rows())


def test_symbolic_text_says_what_was_counted(archdsl: Archdsl, spec: Path) -> None:
    out = archdsl("count", spec, "--symbolic", "n").out
    assert "formulas in n, counted by archdsl's own convention, per sample (N = 1)" in out
    assert "counted and compared at n = 1 to 16, 25, 41, 151, 1001" in out


def test_two_neighbours_are_no_range_of_what_was_counted(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "f.arch"
    choices = "1 | 2 | 5 | 6 | 9 | 10 | 11 | 25 | 26"
    path.write_text(f"model m(k: {choices} = 1) {{ input x: f32[N, 3]; linear(k); output y }}")
    out = archdsl("count", path, "--symbolic", "k").out
    assert "counted and compared at k = 1, 2, 5, 6, 9 to 11, 25, 26\n" in f"{out}\n"


def test_symbolic_formulas_are_fractions_in_latex_only_where_they_are(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "f.arch"
    steps = "for i in 0..n { conv(4 * (i + 1), 1, !bias) } ; global_avg_pool"
    path.write_text(f"model m(n = 3) {{ input x: f32[N, 3, 8, 8]; {steps}; output y }}")
    out = archdsl("count", path, "--symbolic", "n", "--format", "latex").out
    assert r"params & $\frac{16\,n^{3} - 16\,n + 36}{3}$ &" in out
    assert r"activations & $128\,n^{2} + 132\,n$ &" in out


@pytest.mark.parametrize("kind", ["text", "json", "csv", "markdown", "latex"])
def test_symbolic_prints_every_format(archdsl: Archdsl, spec: Path, kind: str) -> None:
    ran = archdsl("count", spec, "--symbolic", "n", "--format", kind)
    assert ran.code == 0
    assert str(expected(4, 2) - expected(4, 1)) in ran.out.replace(",", "").replace("{}", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--symbolic", "widht"], "did you mean `width`?"),
        (["--symbolic", "kind"], "`kind` is not a whole number"),
        (["--symbolic", "n", "--depth", "2"], "--depth does not go with --symbolic"),
        (["--symbolic", "n", "--sort", "macs"], "--sort does not go with --symbolic"),
        (["--symbolic", "n", "-p", "width=1,2"], "--symbolic takes one network"),
    ],
)
def test_symbolic_refuses_what_it_cannot_do(archdsl: Archdsl, spec: Path, options: list[str], said: str) -> None:
    ran = archdsl("count", spec, *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("width", "said"),
    [
        ("max(k, 10)", "params  4*k   for k >= 10"),
        ("2**k", "params  no polynomial in k fits"),
        ("c", "params  too few values of c found to tell"),
        ("8 - k", "for k = 1, 2, 3, 4, 5, 6, 7"),
        ("k // 2 + 1", "each remainder has its own"),
    ],
)
def test_symbolic_says_how_far_a_formula_reaches(archdsl: Archdsl, tmp_path: Path, width: str, said: str) -> None:
    spec = tmp_path / "m.arch"
    spec.write_text(f"model m(k = 3, c: 18 | 34 = 18) {{ input x: f32[N, 3]; linear({width}); output y }}")
    ran = archdsl("count", spec, "--symbolic", "c" if width == "c" else "k")
    assert ran.code == 0, ran.err
    assert said in ran.out.replace("params       ", "params  ")


def test_an_unknown_convention_is_wrong_usage_and_another_suggested(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "--convention", "fvcoer")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean `fvcore`?" in ran.err


def test_memory_and_receptive_fields_are_columns(archdsl: Archdsl) -> None:
    spec = Path(__file__).parents[2] / "specs" / "lenet.arch"
    columns = "layer,saved,peak,moved,intensity,field,stride,start"
    ran = archdsl("count", f"{spec}:lenet_d2l", "--columns", columns)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("layer"))
    assert lines[start : start + 5] == [
        "layer        saved    peak    moved  intensity  field  stride  start",
        "----------  ------  ------  -------  ---------  -----  ------  -----",
        "conv.0           -  21,952   22,576      10.63      5       1     -2",
        "sigmoid.0   18,816  40,768   37,632       0.12      5       1     -2",
        "avg_pool.0       -  26,656   23,520       0.20      6       2     -2",
    ]
    assert "total       32,336  40,768  366,736       2.32    all       -      -" in lines
    assert any(line.startswith("peak: bytes of the values that exist at once") for line in lines)


def test_a_formula_too_large_to_be_written_is_refused(archdsl: Archdsl, tmp_path: Path) -> None:
    width = " * ".join(f"({name} + 1) * ({name} + 2) * ({name} + 3)" for name in "abc")
    path = tmp_path / "x.arch"
    path.write_text(
        "model m(a = 2, b = 2, c = 2) {\n"
        f"  input x: f32[N, 1, 1, 1]; conv({width}, 1, !bias) -> conv({width}, 1, !bias); output y\n}}\n"
    )
    ran = archdsl("count", path, "--symbolic", "a", "--symbolic", "b", "--symbolic", "c")
    assert (ran.code, ran.out) == (2, "")
    assert "too many terms" in ran.err


def test_figures_alone_get_the_names_of_what_they_are_of_where_people_read_them(archdsl: Archdsl, spec: Path) -> None:
    def heading(*arguments: str) -> list[str]:
        lines = archdsl("count", spec, "--columns", "params,macs", *arguments).out.splitlines()
        return next(line for line in lines if "params" in line).replace("|", " ").replace(",", " ").split()

    assert heading() == ["layer", "params", "MACs"]
    assert heading("-p", "width=4,8") == ["width", "params", "MACs"]
    assert heading("--format", "markdown") == ["layer", "params", "MACs"]
    assert heading("--format", "csv") == ["params", "macs"]


def test_computed_fractions_are_shown_with_four_digits_and_written_whole_for_programs(
    archdsl: Archdsl, tmp_path: Path
) -> None:
    path = tmp_path / "m.arch"
    path.write_text("model m { input x: f32[N, 3, 8, 8]; conv(3, 1) -> drop_path(0.1 / 17); output y }\n")
    assert "drop_path(p = 0.005882)" in archdsl("count", path).out
    assert f"drop_path(p = {0.1 / 17})" in archdsl("count", path, "--format", "csv").out


def test_a_network_that_takes_too_long_to_be_counted_often_has_no_symbolic_figures(
    archdsl: Archdsl, tmp_path: Path
) -> None:
    path = tmp_path / "m.arch"
    path.write_text("model m(k = 8) { input x: f32[N, 8]\n for i in 0..4000 { linear(8) }\n linear(k)\n output y }\n")
    assert archdsl("count", path).code == 0
    ran = archdsl("count", path, "--symbolic", "k")
    assert (ran.code, ran.out) == (2, "")
    assert "too many steps of evaluation for --symbolic" in ran.err


def test_symbolic_gives_up_where_networks_are_too_large_together(
    archdsl: Archdsl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.arch"
    path.write_text("model m(k = 8) { input x: f32[N, 8]\n for i in 0..20 { linear(8) }\n linear(k)\n output y }\n")
    assert archdsl("count", path, "--symbolic", "k").code == 0
    monkeypatch.setattr("archdsl.families._NODES", 100)
    ran = archdsl("count", path, "--symbolic", "k")
    assert (ran.code, ran.out) == (2, "")
    assert "too many networks, or too large ones, to find formulas in k" in ran.err
