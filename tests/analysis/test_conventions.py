"""What other counters say, held to what they print.

`counters.csv` is written by tests/bench/record_counters.py with the versions that the conventions name.
"""

import csv
import importlib
import json
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import archdsl
import archdsl.ops
from archdsl.analysis import conventions
from archdsl.analysis.cost import CostModel
from archdsl.analysis.count_report import Style, render, report
from archdsl.analysis.figures import number_text
from archdsl.analysis.recount import Recount, column
from archdsl.types.dims import Dim

HERE = Path(__file__).parent
SPECS = HERE.parent.parent / "specs"

with (HERE / "counters.csv").open(encoding="utf-8") as _file:
    RECORDED = list(csv.DictReader(_file))

TOOLS = [convention.name for convention in conventions.CONVENTIONS if convention.name != "paper"]


@cache
def costs(network: str, settings: str) -> CostModel:
    values = {key: value for key, _, value in (pair.partition("=") for pair in settings.split())}
    if network.startswith("input"):
        return CostModel(archdsl.load(f"model m {{ {network}; output y }}").program)
    spec, model = network.split(":")
    dims = {key: int(value) for key, value in values.items() if key.isupper()}
    plain: dict[str, object] = {
        key: int(value) if value.isdigit() else {"True": True}.get(value, value)
        for key, value in values.items()
        if not key.isupper()
    }
    return CostModel(archdsl.load(SPECS / f"{spec}.arch", model, dims=dims, **plain).program)


def counted(model: CostModel, name: str) -> Dim:
    total = Recount(model, conventions.find(name)).total
    assert not total.unknown
    return total.total


@pytest.mark.parametrize("network", dict.fromkeys((row["network"], row["settings"]) for row in RECORDED))
def test_every_convention_counts_to_the_unit_what_its_tool_prints(network: tuple[str, str]) -> None:
    printed = {row["tool"]: int(row["figure"]) for row in RECORDED if (row["network"], row["settings"]) == network}
    assert sorted(printed) == sorted(TOOLS)
    assert {name: counted(costs(*network), name) for name in printed} == printed


def test_thop_counts_a_transposed_convolution_once_per_channel_of_a_group() -> None:
    """As its `calculate_conv2d_flops`: input channels by group x kernel x output elements."""
    for groups in (1, 2, 4):
        network = f"input x: f32[1, 4, 5, 5]; conv_transpose(8, 3, groups = {groups})"
        assert counted(costs(network, ""), "thop") == 4 // groups * 9 * 8 * 7 * 7


@pytest.mark.parametrize("name", TOOLS)
def test_every_rule_of_a_convention_counts_in_a_recorded_network(name: str) -> None:
    """But `F.linear`, which the recorder turns into the module that it is."""
    convention = conventions.find(name)
    networks = dict.fromkeys((row["network"], row["settings"]) for row in RECORDED)
    seen = {each for network in networks for each in Recount(costs(*network), convention).total.counted}
    silent = [rule for rule in convention.rules if not any(each.startswith(rule) for each in seen)]
    assert set(silent) <= {"F.linear"}


@pytest.mark.parametrize(
    ("name", "gap"),
    [
        ("fvcore", 2 * 11_113_984 + 100_352),
        ("ptflops", 1_000 + 2 * 11_113_984 + 2 * 9_608_704 + 2 * 903_168),
        ("ptflops-aten", 1_000),
        ("thop", 4 * 11_113_984 + 102_400),
        ("torchinfo", 53_120 + 1_000),
        ("calflops", 4_089_184_256 + 32_739_840),
        ("torch", 4_089_184_256),
        ("paper", 0),
    ],
)
def test_the_gaps_of_resnet50_are_the_published_ones(name: str, gap: int) -> None:
    """torchvision's ResNet-50 has 4 089 184 256 multiply-accumulates; the gaps were measured on it."""
    model = costs("resnet:resnet", "depth=50 v1_5=True")
    assert counted(model, name) - 4_089_184_256 == gap


@pytest.mark.parametrize(
    ("network", "printed", "differences"),
    [
        # Its last ReLU and pool are functions: ptflops counts them once instead of twice, thop not at all.
        ("densenet:densenet", {"fvcore": 2_865_546_752, "ptflops": 2_899_843_048, "ptflops-aten": 2_834_162_664,
         "thop": 2_897_007_104, "torchinfo": 2_834_246_312, "calflops": 5_716_881_152, "torch": 5_668_323_328},
         {"ptflops": -2 * 1024 * 49, "thop": -1024 * 50}),
        # It has an adaptive pool from 7 x 7 to 7 x 7 before its classifier.
        ("vgg:vgg", {"fvcore": 15_470_289_408, "ptflops": 15_523_225_576, "ptflops-aten": 15_483_821_032,
         "thop": 15_470_314_496, "torchinfo": 15_483_821_032, "calflops": 30_973_778_432, "torch": 30_940_528_640},
         {"fvcore": 512 * 49, "ptflops": 2 * 512 * 49, "thop": 2 * 512 * 49, "calflops": 512 * 49}),
    ],
)  # fmt: skip
def test_torchvisions_networks_differ_by_what_they_write_otherwise(
    network: str, printed: dict[str, int], differences: dict[str, int]
) -> None:
    """torchvision 0.28 with the same tools: what its code does otherwise than the spec is the whole difference."""
    model = costs(network, "")
    found = {name: figure - counted(model, name) for name, figure in printed.items()}
    assert {name: gap for name, gap in found.items() if gap} == differences


@pytest.mark.parametrize(
    ("body", "exact", "printed"),
    [
        ("input x: f32[1, 10, 64]\n linear(64, !bias)", 40_960, {"fvcore": 40_960, "torchinfo": 4_096}),
        ("input x: f32[N, 4, 8, 8]\n conv_transpose(4, 4, stride = 2, padding = 1, !bias)", 16_384,
         {"fvcore": 16_384, "thop": 65_536, "torchinfo": 65_536}),
        ("input x: f32[N, 10, 64]\n lstm(64, !bias)", 327_680,
         {"torch": 0, "fvcore": 0, "ptflops": 334_080, "ptflops-aten": 0, "thop": 332_800, "calflops": 656_640,
          "torchinfo": 327_680}),
        ("input x: f32[N, 16, 64]\n self_attention(4)", 16 * 4 * 64 * 64 + 2 * 16 * 16 * 64,
         {"fvcore": 16 * 4 * 64 * 64, "paper": 16 * 4 * 64 * 64, "torch": 2 * (16 * 4 * 64 * 64 + 2 * 16 * 16 * 64)}),
        ("input x: f32[N, 8]\n relu", 0, {"ptflops": 16, "fvcore": 0, "thop": 0}),
    ],
)  # fmt: skip
def test_constructs_that_counters_disagree_on(body: str, exact: int, printed: dict[str, int]) -> None:
    model = CostModel(archdsl.load(f"model m {{ {body}\n output y }}").program)
    assert model.total.macs == exact
    assert {name: counted(model, name) for name in printed} == printed


def test_an_einsum_that_a_tool_rounds_has_no_formula() -> None:
    net = archdsl.load('model m { input x: f32[N, T, 8]\n [x, x] -> einsum("nij,nkj->nik")\n output y }')
    model = CostModel(net.program)
    for name in ("fvcore", "calflops"):
        assert Recount(model, conventions.find(name)).total.unknown == {"torch.einsum"}
    assert str(counted(model, "torch")) == "16*T**2"


def examples() -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for module in pkgutil.iter_modules(archdsl.ops.__path__):
        family = importlib.import_module(f"archdsl.ops.{module.name}")
        for operator in getattr(family, "OPERATORS", ()):
            found.extend((example.call, example.inputs) for example in operator.examples)
    return found


def test_every_operator_is_seen_by_every_convention() -> None:
    """A new operator, or a new way to write one in PyTorch, must not leave a convention without a figure; what a tool
    stops at is the exception."""
    silent: list[tuple[str, str]] = []
    for call, inputs in examples():
        lines = [f"input x{index}: {kind}" for index, kind in enumerate(inputs)]
        flow = f"[{', '.join(f'x{index}' for index in range(len(inputs)))}] -> {call}" if len(inputs) > 1 else call
        try:
            net = archdsl.load("model m {\n" + "\n".join(lines) + f"\n{flow}\noutput y\n}}")
        except archdsl.ArchError:
            continue  # an example with named tensors or several results
        model = CostModel(net.program)
        for convention in conventions.CONVENTIONS:
            if Recount(model, convention).total.unknown:
                silent.append((convention.name, call))
    rounded = [each for each in silent if each[1].startswith("einsum")]  # symbolic sizes cannot be
    assert {tool for tool, _ in rounded} == {"fvcore", "calflops"}
    assert [each for each in silent if each not in rounded] == [("calflops", "resize([3, 1])")]


def load(body: str) -> archdsl.Network:
    return archdsl.load(f"model m {{ input x: f32[N, 8, 8]\n {body}\n output y }}")


def test_rows_add_up_to_the_total_of_their_convention() -> None:
    model = costs("resnet_cifar:resnet_cifar", "depth=20")
    for convention in conventions.CONVENTIONS:
        recount = Recount(model, convention)
        found = report(model.program, 1, archdsl.load(SPECS / "resnet_cifar.arch").limits)
        counted = column(convention, {found.parts: recount})
        cells = [counted.value(row) for row in found.rows]
        assert sum(cell for cell in cells if isinstance(cell, int)) == recount.total.total


def table(net: archdsl.Network, name: str, kind: str = "text", **style: Any) -> str:
    return render([report(net.program, 1, net.limits)], kind, Style(convention=name, **style))


def test_what_a_tool_does_not_see_is_said_in_words() -> None:
    text = table(load("[x, x, x] -> attention"), "fvcore")
    assert re.search(r"^attention .* ignored$", text, re.MULTILINE)
    assert "fvcore counts nothing for F.scaled_dot_product_attention (1,024 MACs)" in text
    document = json.loads(table(load("[x, x, x] -> attention"), "fvcore", "json"))
    assert document["recount"]["ignored_macs"] == {"F.scaled_dot_product_attention": 1024}
    assert document["rows"][0]["fvcore_flops"] == "ignored"


def test_a_figure_that_cannot_be_had_is_not_a_number() -> None:
    net = archdsl.load("model m { input x: f32[N, 3, 8, 8]\n conv(4, 3) -> resize([2, 1])\n output y }")
    text = table(net, "calflops")
    assert re.search(r"^total .* not known$", text, re.MULTILINE)
    assert "not known: calflops's figure for nn.Upsample" in text
    assert json.loads(table(net, "calflops", "json"))["totals"]["calflops_flops"] == "not known"


@pytest.mark.parametrize("name", conventions.names())
@pytest.mark.parametrize("kind", ["text", "json", "markdown", "latex"])
def test_every_table_names_its_convention(name: str, kind: str) -> None:
    text = table(load("linear(4) -> relu"), name, kind)
    tool = "archdsl's own convention" if name == "archdsl" else conventions.find(name).tool
    plain = text.replace("\\", "")
    assert tool.split(" (")[0].replace("_", "_") in re.sub(r"\s+", " ", plain)
    if kind == "json":
        assert json.loads(text)["convention"] == name


def test_the_heading_of_a_csv_column_names_the_convention() -> None:
    head = table(load("linear(4)"), "ptflops-aten", "csv").split("\n")[0]
    assert head.endswith("activations,ptflops_aten_macs")
    assert table(load("linear(4)"), "thop", "csv", columns=("path", "counted")).split("\n")[1] == "linear,256"


def test_a_table_that_names_a_convention_has_its_figures_whatever_columns_are_asked_for() -> None:
    text = table(load("linear(4)"), "thop", columns=("layer", "macs"))
    assert re.search(r"^linear +256 +256$", text, re.MULTILINE)
    assert "all figures but thop MACs are archdsl's own" in text
    assert table(load("linear(4)"), "thop", "csv", columns=("counted", "path")).split("\n")[0] == "thop_macs,path"


def test_the_total_says_what_it_is_made_of() -> None:
    net = archdsl.load(SPECS / "resnet.arch", depth=50, v1_5=True)
    text = table(net, "fvcore")
    for part in ("Conv2d 4,087,136,256", "BatchNorm2d 22,227,968", "AdaptiveAvgPool2d 100,352", "Linear 2,048,000"):
        assert part in text
    assert number_text(4_089_184_256) in text


def test_symbolic_sizes_give_formulas() -> None:
    net = archdsl.load("model m { input x: f32[N, T, 64]\n self_attention(4)\n output y }")
    model = CostModel(net.program)
    assert str(counted(model, "fvcore")) == "16384*T"
    assert str(counted(model, "torch")) == "256*T**2 + 32768*T"
