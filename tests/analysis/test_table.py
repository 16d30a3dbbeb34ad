"""The table: rows, folding, and one escaper for every sink."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

import archdsl
from archdsl.analysis.columns import COLUMNS, NoColumn
from archdsl.analysis.cost import CostModel
from archdsl.analysis.count_report import ALL_LEVELS, FORMATS, Style, cells, render, report
from archdsl.analysis.figures import human
from archdsl.analysis.grid import grid
from archdsl.analysis.parts import Parts
from archdsl.analysis.table import Row, table_rows
from archdsl.diagnostics.terminal import width
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS
from archdsl.ir.program import Call
from archdsl.types.dims import Expr, evaluate

UNIT = "block unit(c) { conv(c, 3, !bias) -> bn -> relu }\n"


def load(body: str, head: str = UNIT) -> archdsl.Network:
    return archdsl.load(f"{head}model m() {{ input x: f32[N, 8, 32, 32]\n{body}\noutput y }}")


def rows(body: str, depth: int = 1, head: str = UNIT) -> list[Row]:
    return table_rows(Parts(CostModel(load(body, head).program)), depth)


def named(found: list[Row]) -> list[tuple[str, int]]:
    return [(row.path, row.times) for row in found]


def test_alike_calls_in_a_row_are_one_row() -> None:
    assert named(rows("for i in 0..3 { unit(8) as layer }")) == [("layer[0..2]", 3)]


def test_calls_that_differ_are_rows_of_their_own() -> None:
    assert named(rows("for c in [4, 8, 8, 8] { unit(c) as layer }")) == [
        ("layer.0", 1),
        ("layer.1", 1),
        ("layer[2..3]", 2),
    ]


def test_a_repeat_looks_like_the_same_loop_unrolled() -> None:
    folded, unrolled = rows("repeat 200 { unit(8) as layer }"), rows("for i in 0..200 { unit(8) as layer }")
    assert named(folded) == named(unrolled) == [("layer[0..199]", 200)]
    assert folded[0].cost == unrolled[0].cost


def test_a_stretch_of_several_operators_that_repeats_is_folded() -> None:
    assert named(rows("for i in 0..4 { conv(8, 3) -> relu }")) == [("conv[0..3]", 4), ("relu[0..3]", 4)]


def test_a_name_used_twice_in_a_repeat_shows_its_step() -> None:
    assert named(rows("repeat 3 { conv(8, 3) -> relu -> conv(8, 3) -> sigmoid }"))[0] == ("conv[0, 2 .. 4]", 3)


def test_depth_opens_blocks_and_multiplies_through() -> None:
    found = rows("repeat 5 { unit(8) as layer }", depth=2)
    assert named(found) == [
        ("layer[0..4]", 5),
        ("layer[0..4].conv", 5),
        ("layer[0..4].batch_norm", 5),
        ("layer[0..4].relu", 5),
    ]
    assert sum(row.cost.params for row in found if row.level == 2) == found[0].cost.params
    assert [row.level for row in found] == [1, 2, 2, 2]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_rows_of_the_first_level_add_up_to_the_total(depth: int) -> None:
    body = "shared s = unit(8)\nadd { s | s | unit(8) }\nfor i in 0..3 { unit(8) }\nrepeat 4 { unit(8) -> s }"
    model = CostModel(load(body).program)
    top = [row.cost for row in table_rows(Parts(model), depth) if row.level == 1]
    total = top[0]
    for part in top[1:]:
        total = total + part
    assert total == model.total


def test_a_later_use_of_a_shared_instance_is_marked_and_has_no_weights() -> None:
    first, second = rows("shared s = unit(8)\ns -> s")
    assert "shared" in second.op
    assert second.cost.params == 0
    assert second.cost.macs == first.cost.macs


def test_a_recursion_opened_to_the_ground_is_refused_not_printed() -> None:
    head = "block twice(n) { if n > 0 { add { twice(n - 1) | relu -> twice(n - 1) } } else { relu } }\n"
    net = load("twice(40)", head)
    with pytest.raises(archdsl.ArchError) as error:
        net.table(depth=50)
    assert error.value.diagnostics[0].code == "E0911"
    assert error.value.is_limit


def test_text_lines_are_aligned_and_numbers_have_separators() -> None:
    text = load("for i in 0..3 { unit(8) as layer }\nflatten -> linear(10)").table()
    lines = text.split("\n")
    rule = next(i for i, line in enumerate(lines) if line.startswith("----"))
    ends = {width(line) for line in lines[rule - 1 : rule + 5]}
    assert len(ends) == 1
    assert f"{3 * (8 * 8 * 9 + 16) + 8 * 32 * 32 * 10 + 10:,}" in text
    assert "per sample (N = 1)" in text


LONG = "a_very_long_label_" * 8


@pytest.mark.parametrize("cells", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_table_fits_the_terminal_and_nothing_is_cut(cells: int, depth: int) -> None:
    body = f'unit(8) as "{LONG}"\nconv(48, 3, stride = 2, padding = [0, 1], dilation = 3, groups = 8) as wide'
    net = load(body)
    text = render([report(net.program, depth, net.limits)], "text", Style(width=cells))
    lines = text.split("\n")
    assert max(map(width, lines)) <= cells
    for figure in (f"{net.cost().params:,}", f"{net.cost().macs:,}"):
        assert any(figure in line for line in lines), "figures are never broken"
    named = render([report(net.program, depth, net.limits)], "text", Style(("layer", "params"), width=cells))
    assert LONG in re.sub(r"[^a-z_]", "", named)
    spelt = render([report(net.program, depth, net.limits)], "text", Style(("params", "op"), width=cells))
    assert "conv(48,3,stride=2,padding=[0,1],dilation=3,groups=8)" in re.sub(r"\s", "", spelt)


def test_a_terminal_too_narrow_for_every_column_gets_texts_under_their_rows() -> None:
    net = load("for c in [16, 8] { unit(c) as layer }")
    lines = render([report(net.program, 1, net.limits)], "text", Style(width=48)).split("\n")
    first = next(index for index, line in enumerate(lines) if line.startswith("layer.0"))
    assert lines[first + 1] == "    unit(c = 16)   [N, 16, 32, 32]"


FAMILY = """model net(depth: 1 | 2 | 3 = 1, wide = false, plan = [1, 2]) {
  input x: f32[N, 8, 32, 32]
  for i in 0..depth { conv(64 if wide else 8, 3) }
  output y
}"""


def family(**settings: object) -> archdsl.Network:
    return archdsl.load(FAMILY, **settings)


def tables(*nets: archdsl.Network, kind: str = "text", depth: int = 0, style: Style | None = None) -> str:
    return render([report(net.program, depth, net.limits) for net in nets], kind, style)


def test_words_of_a_heading_are_never_broken() -> None:
    heads = [column.heading for column in COLUMNS if column.numeric]
    lines = grid(heads, [["1"] * len(heads)], [], [True] * len(heads), 40)
    words = " ".join(lines).split()
    assert all(word in words for head in heads for word in head.split())


def test_totals_alone_stand_under_one_rule() -> None:
    lines = load("unit(8)").table(depth=0, columns=("layer", "params")).split("\n\n")[1].split("\n")
    assert [set(line) <= {"-", " "} for line in lines] == [False, True, False]


def test_networks_of_one_model_differ_in_columns_and_share_a_title() -> None:
    lines = tables(family(depth=1), family(depth=2)).split("\n")
    assert lines[0] == "net(!wide, plan = [1, 2])   x: f32[N, 8, 32, 32]"
    assert lines[3].split()[:2] == ["depth", "params"]
    assert [line.split()[:2] for line in lines[5:7]] == [["1", "584"], ["2", "1,168"]]


def test_a_parameter_called_as_a_column_is_told_from_it() -> None:
    text = "model m(saved = 3) { input x: f32[N, 3]\n linear(saved)\n output y }"
    nets = [archdsl.load(text, saved=saved) for saved in (1, 2)]
    shown = render([report(net.program, 0, net.limits) for net in nets], "text", Style(["saved_parameter", "saved"]))
    assert "saved parameter  saved" in shown


def test_networks_of_different_models_have_their_titles_in_rows() -> None:
    lines = tables(family(), load("unit(8)")).split("\n")
    assert lines[2].split()[:3] == ["model", "input", "params"]
    assert lines[4].startswith("net(depth = 1, !wide, plan = [1, 2])")


def test_layers_of_several_networks_stand_under_their_network() -> None:
    lines = tables(family(depth=1), family(depth=2), depth=1).split("\n")
    starts = [line[:13] for line in lines if line.startswith(("net(depth", "  conv"))]
    assert starts == ["net(depth = 1", "  conv       ", "net(depth = 2", "  conv[0..1] "]


def test_rows_are_sorted_by_any_column_and_stay_under_their_block() -> None:
    body = "unit(4) as small -> unit(16) as large -> relu"
    net = load(body)

    def order(sort: str) -> list[str]:
        text = render([report(net.program, 2, net.limits)], "csv", Style(("path",), sort))
        return text.split("\n")[1:-1]

    assert [path for path in order("params") if "." not in path] == ["large", "small", "relu"]
    assert order("params")[:4] == ["large", "large.conv", "large.batch_norm", "large.relu"]
    assert [path for path in order("path") if "." not in path] == ["large", "relu", "small"]
    assert [path for path in order("macs") if "." not in path] == ["large", "small", "relu"]


def test_formulas_are_sorted_by_their_value_for_large_sizes() -> None:
    net = archdsl.load(
        "model a { input x: f32[N, T, 16]\n linear(64) as big -> linear(16)\n self_attention(4)\noutput y }"
    )
    text = render([report(net.program, 1, net.limits)], "csv", Style(("path", "macs"), "macs"))
    assert [line.split(",")[0] for line in text.split("\n")[1:]] == ["self_attention", "big", "linear", "total"]


@pytest.mark.parametrize("width", [1023, 1024, 1025])
def test_formulas_are_sorted_as_if_every_symbol_were_1024(width: int) -> None:
    """Rows that are equal then keep their order."""
    net = archdsl.load(
        f"model a {{ input x: f32[N, T, 32]\n linear({width}) as layer\n"
        " [x, x -> transpose(1, 2)] -> matmul as product\n output y }"
    )
    found = [row["path"] for row in cells(report(net.program, 1, net.limits), Style(("path", "macs"), "macs"))]
    assert [path for path in found if path in ("layer", "product")] == (
        ["product", "layer"] if width < 1024 else ["layer", "product"]
    )


@pytest.mark.parametrize("column", [column.name for column in COLUMNS])
def test_whatever_rows_are_sorted_by_figures_come_first_from_the_largest_then_words_then_what_says_nothing(
    column: str,
) -> None:
    """Of the columns, receptive fields have figures beside words (`3 x 1`), and intensity has cells without either."""
    net = archdsl.load(
        "model a { input x: f32[N, 3, H, 32]\n conv(8, 3) -> conv(8, [3, 1], stride = [2, 1]) -> relu -> bn\n"
        " conv(8, 5) -> global_avg_pool -> linear(4) -> reshape([N, 2, 2]) -> relu\n output y }"
    )
    found = [row[column] for row in cells(report(net.program, 1, net.limits), Style(("path", column), column))]
    assert len(found) > 8
    kinds = [2 if cell is None else 1 if isinstance(cell, str) else 0 for cell in found]
    assert kinds == sorted(kinds)
    figures = [evaluate(cell, {"H": 1024}) if isinstance(cell, Expr) else cell for cell in found]
    assert (numbers := [cell for cell in figures if isinstance(cell, int | float)]) == sorted(numbers)[::-1]
    assert (words := [cell for cell in figures if isinstance(cell, str)]) == sorted(words)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_column_is_printed_in_every_format(kind: str) -> None:
    names = [column.name for column in COLUMNS]
    net = load("unit(8)\nself_attention" if False else "unit(8)")
    text = render([report(net.program, 1, net.limits)], kind, Style(names))
    if kind in ("json", "csv"):
        assert all(name in text for name in names)
    elif kind != "text":
        assert all(column.heading.split()[0] in text for column in COLUMNS)


def test_parts_of_a_figure_add_up_to_it() -> None:
    net = archdsl.load(
        "model a { input ids: i64[N, 8]\n embedding(50, 16) -> layer_norm -> self_attention(4) -> linear(10)\n"
        " -> softmax -> unsqueeze(1) -> conv(4, 3) -> bn -> relu -> max_pool(2)\n output y }"
    )
    text = render([report(net.program, 0, net.limits)], "csv", Style([column.name for column in COLUMNS]))
    (total,) = csv.DictReader(io.StringIO(text))
    figure = {name: int(value) for name, value in total.items() if value.isdigit()}
    assert figure["params"] == sum(figure[name] for name in ("weights", "biases", "normalisation", "embeddings"))
    assert figure["macs"] == sum(figure[f"{kind}_macs"] for kind in MAC_KINDS)
    parts = sum(figure[f"{kind}_flops"] for kind in FLOP_KINDS)
    assert figure["flops"] == 2 * figure["macs"] + parts
    assert min(figure[f"{kind}_flops"] for kind in ("bias", "normalisation", "activation", "pooling", "softmax")) > 0


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(NoColumn) as error:
        tables(family(), style=Style(("param",)))
    assert error.value.name == "param"
    assert "params" in error.value.known


def test_all_levels_open_every_block() -> None:
    net = load("block outer() { repeat 3 { unit(8) } }\n" and "unit(8)", UNIT)
    assert [row.name for row in report(net.program, ALL_LEVELS, net.limits).rows] == [
        "unit",
        "conv",
        "batch_norm",
        "relu",
    ]


def test_json_says_which_figures_are_formulas_in_what() -> None:
    net = archdsl.load("model a { input x: f32[N, T, 16]\n self_attention(4)\n output y }")
    document = json.loads(net.table(format="json"))
    assert document["symbolic"] == ["T"]
    assert document["totals"]["macs"] == "32*T**2 + 1024*T"
    assert document["totals"]["params"] == 4 * (16 * 16 + 16)
    assert any("formulas" in line for line in document["conventions"])
    assert json.loads(load("unit(8)").table(format="json"))["symbolic"] == []


def test_the_keys_of_json_are_those_that_the_language_page_lists() -> None:
    page = (Path(archdsl.__file__).parent / "LANGUAGE.md").read_text(encoding="utf-8")
    table = page.split("`archdsl count --format json`")[1].split("| key | holds |")[1].split("\n\n")[0]
    listed = {key for line in table.split("\n")[2:] for key in re.findall(r"`(\w+)`", line.split("|")[1])}
    net = load("unit(8)")
    written = json.loads(render([report(net.program, 1, net.limits)], "json", Style(convention="fvcore")))
    assert listed == set(written) - {"schema"}


def test_json_holds_raw_integers_and_the_schema() -> None:
    net = load("repeat 5 { unit(8) as layer }")
    document = json.loads(net.table(format="json"))
    assert document["schema"] == 1
    assert document["model"] == "m"
    totals = document["totals"]
    assert {name: totals[name] for name in ("params", "buffers", "macs", "flops", "activations")} == {
        "params": net.cost().params,
        "buffers": net.cost().buffers,
        "macs": net.cost().macs,
        "flops": net.cost().flops,
        "activations": net.cost().activations,
    }
    (row,) = document["rows"]
    assert (row["path"], row["times"], row["output"]) == ("layer[0..4]", 5, "[N, 8, 32, 32]")
    assert document["conventions"]


EVIL = "=cmd|a,b &%$#_^~<script>`*\\x"


def evil() -> archdsl.Network:
    """A network with a name that the language would not accept: a sink must not rely on that."""
    net = load("unit(8)")
    (node,) = net.program.entry.nodes
    assert isinstance(node, Call)
    node.segment.name = EVIL
    return net


def test_csv_survives_its_reader_and_is_no_formula() -> None:
    table = list(csv.reader(io.StringIO(evil().table(format="csv"))))
    assert len({len(row) for row in table}) == 1
    assert table[1][0] == "'" + EVIL
    assert table[-1][0] == "total"


def test_markdown_keeps_its_columns_and_renders_no_markup() -> None:
    lines = [line for line in evil().table(format="markdown").split("\n") if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {6}
    assert "<script>" not in "\n".join(lines)


def test_latex_leaves_no_special_character_bare() -> None:
    line = next(line for line in evil().table(format="latex").split("\n") if "cmd" in line)
    cell = line.split(" & ")[0]
    assert not re.search(r"(?<!\\)[&%$#_]", cell)
    assert "^" not in cell.replace(r"\textasciicircum", "")
    assert cell.count("\\textbackslash{}") == 1


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        load("relu").table(format="html")
    with pytest.raises(ValueError, match="no column 'parms'"):
        load("relu").table(columns=["parms"])
    with pytest.raises(ValueError, match="convention is one of archdsl, fvcore"):
        load("relu").table(convention="fvcoer")


def test_a_table_is_shaped_from_python_too() -> None:
    table = load("relu -> conv(4, 3)").table(
        format="csv", columns=["path", "counted"], sort="counted", convention="thop"
    )
    assert [line.split(",")[0] for line in table.split("\n")] == ["path", "conv", "relu", "total"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00K"), (25_557_032, "25.56M"), (4_089_184_256, "4.09G"), (99_999_999, "100.0M"),
     (999_960_000, "1.00G"), (999_940_000, "999.9M"), (3 * 10**18, "3,000P")],
)  # fmt: skip
def test_figures_are_rounded_as_papers_print_them(value: int, text: str) -> None:
    assert human(value) == text


def test_latex_writes_symbolic_figures_as_formulas_and_sets_only_a_total_off() -> None:
    text = "model a { input x: f32[N, T, 16]\n self_attention(4)\n output y }"
    table = archdsl.load(text).table(format="latex")
    assert r"& $32\,T^{2} + 1{,}024\,T$ \\" in table
    assert table.count(r"\midrule") == 2
    text = "model b { input x: f32[N, 3, H, w_in]\n conv(8, 3, 2)\n output y }"
    network = archdsl.load(text)
    table = network.table(format="latex")
    assert r"$216\,((H + 1) \mathbin{/\!/} 2)\,((\mathit{w\_in} + 1) \mathbin{/\!/} 2)$" in network.table(
        format="latex"
    )
    compared = render([report(network.program, 0, network.limits) for _ in range(2)], "latex").split("\n")
    rules = [position for position, line in enumerate(compared) if line.endswith("rule")]
    assert rules[1:] == [rules[0] + 2, rules[0] + 5], "head, two networks, no total"


def test_no_two_figures_of_the_totals_have_one_name() -> None:
    text = load("unit(8)").table()
    assert re.search(r"^params .* weights \d", text, re.MULTILINE)
    assert re.search(r"^state bytes +[\d,]+ +f32 [\d,]+, i64 [\d,]+$", text, re.MULTILINE)
    assert not re.search(r"^weights", text, re.MULTILINE)


LOOPS = {
    "nine steps": "LOOP(10) { conv(8, 3)->bn->relu->conv(8, 1)->bn->tanh->conv(8, 3)->bn->sigmoid }",
    "one step": "conv(8, 1)\n LOOP(7) { conv(8, 3) }",
    "a loop among steps of a loop": "LOOP(3) { conv(8, 1); LOOP(4) { conv(8, 3) -> bn }; relu }",
    "a loop alone in a loop": "LOOP(3) { LOOP(4) { conv(8, 3) } }",
    "loops in a row": "LOOP(3) { LOOP(4) { conv(8, 3) }; relu; LOOP(5) { conv(8, 1) as c } }",
    "labels and branches": "LOOP(5) { add { conv(8, 3) as left | conv(8, 1) as right -> bn }; relu }",
    "a shared instance": "LOOP(4) { shared s = conv(8, 3); s -> relu -> s }",
    "blocks": "LOOP(6) { unit(8) as layer; LOOP(2) { unit(8) } }",
}


@pytest.mark.parametrize("body", LOOPS.values(), ids=LOOPS)
def test_for_and_repeat_of_the_same_body_are_the_same_rows(body: str) -> None:
    written = re.sub(r"LOOP\((\d+)\)", r"for i in 0..\1", body)
    kept = re.sub(r"LOOP\((\d+)\)", r"repeat \1", body)
    mixed = re.sub(r"repeat (\d+)", r"for i in 0..\1", kept, count=1)
    tables = {load(text).table(2, "csv") for text in (written, kept, mixed)}
    assert len(tables) == 1
    assert len(tables.pop().splitlines()) < 14


def test_a_loop_whose_first_round_differs_has_rows_for_it_and_for_the_others() -> None:
    names = [row.name for row in rows("for i in 0..9 { conv(16, 3) -> bn }\n for i in 0..3 { conv(8, 1) as c }")]
    assert names == ["conv.0", "batch_norm.0", "conv[1..8]", "batch_norm[1..8]", "c.0", "c[1..2]"]
