"""LaTeX tables: what a TeX engine would read of them, checked by reading it."""

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

import archdsl
from archdsl.analysis import latex
from archdsl.analysis.columns import COLUMNS
from archdsl.analysis.count_report import ALL_LEVELS, Style, render, report

SPECS = Path(__file__).parents[2] / "specs"
EVERY = [column.name for column in COLUMNS]
SIZES = {"M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12, "MiB": 2**20, "GiB": 2**30}


def cells(line: str) -> list[str]:
    assert line.endswith(r" \\")
    return [cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r" \\"))]


def kinds(table: str) -> list[str]:
    found = re.search(r"\\begin\{tabular\}\{(.*)\}$", table, re.MULTILINE)
    assert found
    return re.findall(r"[lr]|S\[[^]]*\]", found[1])


def lines(table: str) -> list[str]:
    body = table[table.index(r"\toprule") : table.index(r"\bottomrule")]
    return [line for line in body.split("\n") if line.endswith(r"\\")]


def networks() -> list[archdsl.Network]:
    convs = archdsl.load("model c { input x: f32[N, 3, 32, 32]\n conv(8, 3) -> relu -> conv(8, 3)\n output y }")
    return [archdsl.load(SPECS / "resnet.arch", depth=50), archdsl.load(SPECS / "gpt.arch"), convs]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("network", networks(), ids=lambda network: network.name)
def test_every_row_has_the_columns_of_the_preamble(network: archdsl.Network, exact: bool) -> None:
    table = network.table(2, "latex", columns=EVERY, exact=exact)
    assert {len(cells(line)) for line in lines(table)} == {len(kinds(table))} == {len(EVERY)}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("network", networks(), ids=lambda network: network.name)
def test_an_s_column_holds_numbers_that_fit_its_format_and_words_in_braces(
    network: archdsl.Network, exact: bool
) -> None:
    table = network.table(2, "latex", columns=EVERY, exact=exact)
    for kind, *column in zip(kinds(table), *map(cells, lines(table)), strict=True):
        form = re.search(r"table-format=(-?)(\d+)\.(\d+)", kind)
        if not form:
            continue
        assert re.fullmatch(r"\{.*\}", column[0])
        numbers = [cell for cell in column[1:] if cell and not re.fullmatch(r"\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", cell)]
        assert numbers
        for number in numbers:
            found = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?", number)
            assert found, number
            assert len(found[1]) <= len(form[1]) and len(found[2]) <= int(form[2]), number
            assert len(found[3] or "") <= int(form[3]), number


@pytest.mark.parametrize("figure", ["params", "macs", "flops", "activations", "bytes", "saved", "moved"])
@pytest.mark.parametrize("depth", [18, 50])
def test_a_rounded_figure_is_the_exact_one_rounded_in_the_unit_of_its_heading(figure: str, depth: int) -> None:
    network = archdsl.load(SPECS / "resnet.arch", depth=depth)
    head, *shown = [cells(line)[1] for line in lines(network.table(2, "latex", columns=["path", figure]))]
    rows = [row[figure] for row in network.rows(2, columns=["path", figure])]
    unit = re.search(r"\((\w+)\)", head)
    assert unit
    for text, amount in zip(shown, rows, strict=False):  # the total is no row
        assert isinstance(amount, int)
        size = SIZES[unit[1]]
        if text == "{--}":
            assert amount == 0
        elif small := re.fullmatch(r"\{\$<(.*)\$\}", text):
            assert 0 < amount < Fraction(small[1]) * size / 2
        else:
            least = Fraction(1, 10 ** len(text.partition(".")[2]))
            assert abs(Fraction(text) * size - amount) <= least * size / 2


@pytest.mark.parametrize(
    ("figure", "size", "decimals", "text"),
    [(1_234_499, 10**6, 3, "1.234"), (1_234_500, 10**6, 3, "1.235"), (999_999, 10**6, 2, "1.00"), (5, 10, 0, "1"),
     (-25, 10, 0, "-3"), (-1, 10, 0, "0"), (0, 10**6, 2, "0.00"), (3 << 19, 1 << 20, 1, "1.5"),
     (Fraction(1, 3), 1, 2, "0.33"), (10**30 + 1, 10**9, 1, "1" + "0" * 21 + ".0")],
)  # fmt: skip
def test_figures_are_rounded_in_whole_numbers(figure: int, size: int, decimals: int, text: str) -> None:
    assert latex.rounded_text(figure, size, decimals) == text


def test_headings_name_the_unit_and_large_figures_have_four_digits() -> None:
    table = archdsl.load(SPECS / "resnet.arch", depth=50).table(
        format="latex", columns=["path", "params", "macs", "saved", "bytes"]
    )
    assert cells(lines(table)[0])[1:] == ["{params (M)}", "{MACs (G)}", "{saved (MiB)}", "{bytes (MiB)}"]
    assert cells(lines(table)[-1])[1:] == ["25.56", "3.858", "77.54", "97.70"]


def test_exact_figures_are_those_of_the_other_formats() -> None:
    network = archdsl.load(SPECS / "resnet.arch", depth=50)
    table = network.table(format="latex", exact=True)
    assert cells(lines(table)[-1])[-2:] == ["25557032", "3857973248"]
    assert "group-minimum-digits=4" in kinds(table)[-1]
    assert "rounded" not in table


def test_a_table_says_which_packages_it_needs() -> None:
    network = archdsl.load(SPECS / "resnet.arch")
    assert r"% needs \usepackage{booktabs} \usepackage{siunitx}" in network.table(format="latex").split("\n")
    words = network.table(format="latex", columns=["path", "op"]).split("\n")
    assert r"% needs \usepackage{booktabs}" in words


def test_a_title_has_the_parameters_that_were_set_and_no_others() -> None:
    spec = SPECS / "resnet.arch"
    assert r"\caption{resnet (depth = 34). Input" in archdsl.load(spec, depth=34).table(format="latex")
    assert r"\label{tab:resnet-34}" in archdsl.load(spec, depth=34).table(format="latex")
    assert r"\caption{resnet. Input" in archdsl.load(spec).table(format="latex")
    flags = archdsl.load(spec, depth=34, v1_5=True).table(format="latex")
    assert r"\caption{resnet (depth = 34, v1\_5). Input" in flags
    assert r"\label{tab:resnet-34-v1-5}" in flags


def test_a_comparison_of_different_networks_names_them() -> None:
    found = [report(network.program, 0, network.limits) for network in networks()]
    table = render(found, "latex")
    assert r"\caption{Comparison of resnet (depth = 50), gpt and c. Counted" in table
    assert r"\label{tab:comparison}" in table
    assert [cells(line)[0] for line in lines(table)] == ["model", "resnet (depth = 50)", "gpt", "c"]
    assert r"\caption{Comparison of 5 networks. Counted" in render(
        [
            report(one.program, 0, one.limits)
            for one in (archdsl.load(f"model m{k} {{ input x: f32[N, {k}]; relu; output y }}") for k in range(1, 6))
        ],
        "latex",
    )


def test_repetitions_are_factors_and_blocks_are_set_in() -> None:
    table = archdsl.load(SPECS / "gpt.arch").table(ALL_LEVELS, "latex", columns=["layer", "times", "params"])
    assert any(cells(line)[1] == r"$\times 12$" for line in lines(table))
    assert any(line.startswith(r"\quad ") for line in lines(table))
    assert not re.search(r"& x\d", table)


@pytest.mark.parametrize(
    ("plain", "shown"),
    [("2 x [N, 3]", r"2 $\times$ {[}N, 3]"), ("a_b 5% #1", r"a\_b 5\% \#1"), ("---fast", "-{}-{}-fast"),
     ("*", "{*}"), ("!`", "!{`}"), ("-3 x -1", r"$-$3 $\times$ $-$1"), ('mode = "x"', "mode = ''x''"),
     ("1e-05", "1e-05"), ("\x1b[0m", r"\textbackslash{}x1b{[}0m")],
)  # fmt: skip
def test_texts_show_as_they_are(plain: str, shown: str) -> None:
    assert latex.text(plain) == shown


def test_caption_and_label_are_the_authors_or_none() -> None:
    network = archdsl.load(SPECS / "resnet.arch")
    own = network.table(format="latex", caption=r"Cost of \cite{he}, 5\,\%.", label="tab:own_1")
    assert "\\caption{Cost of \\cite{he}, 5\\,\\%.}\n\\label{tab:own_1}" in own
    bare = network.table(format="latex", caption="", label="")
    assert not re.search(r"\\caption|\\label|table\}", bare)
    assert r"\begin{tabular}" in bare


@pytest.mark.parametrize(
    "given",
    [{"caption": "{"}, {"caption": "}{"}, {"caption": "50 %"}, {"caption": "a\n\nb"}, {"caption": "a\\"},
     {"label": "a b"}, {"label": "a}"}, {"label": "\u00e9"}],
)  # fmt: skip
def test_a_caption_or_label_that_breaks_the_document_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="takes"):
        archdsl.load(SPECS / "resnet.arch").table(format="latex", **given)  # pyright: ignore[reportArgumentType]


def test_options_of_latex_are_refused_by_other_formats() -> None:
    with pytest.raises(ValueError, match="format latex"):
        archdsl.load(SPECS / "resnet.arch").table(exact=True)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no TeX here")
def test_tex_takes_the_tables_without_a_remark(tmp_path: Path) -> None:
    tables = [network.table(2, "latex", columns=EVERY, exact=exact) for network in networks() for exact in (0, 1)]
    several = [report(network.program, 0, network.limits) for network in networks()]
    tables += [render(several, "latex"), render(several, "latex", Style(exact=True))]
    head = "\\documentclass{article}\\usepackage{booktabs}\\usepackage{siunitx}\\begin{document}\n"
    (tmp_path / "t.tex").write_text(head + "\n\\clearpage\n".join(tables) + "\n\\end{document}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "Warning" not in re.sub(r"LaTeX Warning: (Label|Float too large|There were multiply)[^\n]*", "", ran.stdout)
