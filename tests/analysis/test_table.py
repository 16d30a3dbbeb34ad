"""The table: rows, folding, and one escaper for every sink."""

import csv
import io
import json
import re

import pytest

import archdsl
from archdsl.analysis.cost import CostModel
from archdsl.analysis.report import human, render_comparison, report
from archdsl.analysis.table import Row, table_rows
from archdsl.diagnostics.terminal import width
from archdsl.ir.program import Call

UNIT = "block unit(c) { conv(c, 3, !bias) -> bn -> relu }\n"


def load(body: str, head: str = UNIT) -> archdsl.Network:
    return archdsl.load(f"{head}model m() {{ input x: f32[N, 8, 32, 32]\n{body}\noutput y }}")


def rows(body: str, depth: int = 1, head: str = UNIT) -> list[Row]:
    return table_rows(CostModel(load(body, head).program), depth)


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
    top = [row.cost for row in table_rows(model, depth) if row.level == 1]
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


def test_long_cells_wrap_and_nothing_is_cut() -> None:
    name = "a_very_long_label_" * 8
    lines = load(f'unit(8) as "{name}"').table().split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("----")) + 1
    assert "".join(line[:40].strip() for line in lines[start : start + 4]) == name
    assert all(len(line) < 170 for line in lines)


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
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {7}
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
    both = [report(network.program, 1, network.limits)] * 2
    compared = render_comparison(both, "latex").split("\n")
    assert compared[3:4] + compared[-4:-1] == [r"\midrule", compared[4], compared[4], r"\bottomrule"]


def test_no_two_figures_of_the_totals_have_one_name() -> None:
    text = load("unit(8)").table()
    assert re.search(r"^params .* weights \d", text, re.MULTILINE)
    assert re.search(r"^state bytes +[\d,]+$", text, re.MULTILINE)
    assert not re.search(r"^weights", text, re.MULTILINE)
