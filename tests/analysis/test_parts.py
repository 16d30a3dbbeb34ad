"""Training, memory and receptive fields of the rows of a table add up to those of the network."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

import archdsl
from archdsl.analysis.cost import CostModel
from archdsl.analysis.liveness import Maximum
from archdsl.analysis.parts import Parts
from archdsl.analysis.table import Row, network_row, table_rows
from archdsl.analysis.training import TrainingModel

SPECS = Path(__file__).parents[2] / "specs"
SHARED = """
block unit(c) { conv(c, 3, !bias) -> bn -> relu }
block pair(c) { unit(c) -> residual { unit(c) } }
model m { input x: f32[N, 8, 16, 16]
BODY
global_avg_pool -> linear(5)
output y }
"""
BODIES = [
    "repeat 5 { unit(8) }",
    "for i in 0..4 { pair(8) as layer }",
    "repeat 3 { pair(8); repeat 2 { unit(8) } }",
    "shared s = unit(8)\ns -> s -> s",
    "unit(8) as keep\nrepeat 4 { unit(8); [id, keep] -> add }",
    "concat { pair(4) | unit(4) }\nmax_pool(2) -> dropout(0.1) -> pair(8)",
]


def networks() -> list[archdsl.Network]:
    specs = [("resnet", "resnet"), ("densenet_cifar", "densenet_bc"), ("unet", "unet"), ("fractalnet", "fractalnet")]
    dims = {"unet": {"H": 4, "W": 4}}
    made = [archdsl.load(SPECS / f"{file}.arch", model, dims=dims.get(file)) for file, model in specs]
    return [*made, *(archdsl.load(SHARED.replace("BODY", body)) for body in BODIES)]


@pytest.mark.parametrize("net", networks(), ids=repr)
@pytest.mark.parametrize("depth", [1, 2, 9])
def test_the_rows_add_up_to_the_network(net: archdsl.Network, depth: int) -> None:
    parts = Parts(CostModel(net.program))
    rows, whole = table_rows(parts, depth), network_row(parts, "total")
    leaves = [row for row in rows if not any(other.parent is row for other in rows)]
    for figure in (parts.kept, parts.training_macs, moved):
        assert sum(map(figure, leaves)) == figure(whole), figure  # type: ignore[arg-type]
        for row in rows:
            inside = [figure(other) for other in rows if other.parent is row]
            assert not inside or sum(inside) == figure(row), (figure, row.path)  # type: ignore[arg-type]
    peak = Maximum()
    for row in rows:
        peak.join(parts.peak(row))
        inner = Maximum()
        for other in rows:
            if other.parent is row:
                inner.join(parts.peak(other))
        assert not inner.candidates or inner.figure == parts.peak(row).figure, row.path
        assert parts.peak(row).figure, row.path
    assert peak.figure == parts.peak(whole).figure


def moved(row: Row) -> object:
    return row.cost.moved


def test_a_convolution_moves_its_input_its_weights_and_its_result() -> None:
    cost = archdsl.load("model m { input x: f32[N, 8, 4, 4]\n conv(6, 3)\n flatten\n output y }").cost()
    assert cost.moved == 4 * (8 * 16 + (6 * 8 * 9 + 6) + 6 * 16)
    assert cost.intensity == Fraction(2 * 6 * 8 * 9 * 16 + 6 * 16, 4 * (8 * 16 + (6 * 8 * 9 + 6) + 6 * 16))


def test_the_first_layer_has_no_input_gradient() -> None:
    net = archdsl.load("model m { input x: f32[N, 10]\n linear(20, !bias) -> relu -> linear(5, !bias)\n output y }")
    assert net.cost().macs == 200 + 100
    assert net.training_macs() == 2 * 200 + 3 * 100


def test_what_is_kept_of_a_batch_and_of_its_samples_is_told_apart() -> None:
    net = archdsl.load("model m { input x: f32[N, 3, 4, 4]\n conv(6, 3) -> bn -> relu\n output y }")
    assert str(net.memory().saved) == f"{2 * 4 * 6 * 16}*N + {2 * 4 * 6}"


@pytest.mark.parametrize(("depth", "ratio"), [(18, 2.935), (50, 2.971)], ids=str)
def test_training_takes_a_little_less_than_three_times_the_forward_pass(depth: int, ratio: float) -> None:
    net = archdsl.load(SPECS / "resnet.arch", depth=depth, v1_5=True)
    assert net.training_macs() / net.cost().macs == pytest.approx(ratio, abs=5e-4)  # type: ignore[operator]


def test_a_receptive_field_is_asked_by_label_or_by_path() -> None:
    net = archdsl.load(SPECS / "resnet.arch", depth=50)
    down, across = net.receptive_field("layer2")
    assert (down.axis, across.axis) == (2, 3)
    assert (down.size, down.stride, down.start, down.length) == (99, (8, 1), -49, 224)
    assert net.receptive_field("layer1.0.conv2")[0].size == 19
    assert net.receptive_field("logits")[0].size is None
    assert net.receptive_field("image")[0].size == 1
    with pytest.raises(archdsl.ArchError, match="E0201"):
        net.receptive_field("layer9.conv1")


def test_a_network_has_the_field_of_its_first_output() -> None:
    body = "conv(8, 5)\n output aux(train) = conv(2, 3)\n conv(8, 3, 2)"
    text = f"model m {{ input x: f32[N, 8, 64, 64]\n {body}\n output y }}"
    shown = archdsl.load(text).table(depth=0, columns=("field", "stride", "start")).split("\n\n")[1]
    assert shown.split("\n")[-1].split() == ["total", "7", "2", "-3"]


def test_positions_are_numbers_for_machines_and_a_start_of_zero_is_shown() -> None:
    text = (
        "model m { input x: f32[N, 8, 64, 64]\n conv(8, 3)\n max_pool(2) -> conv(8, 3)\n conv(4, [1, 3])\n output y }"
    )
    net = archdsl.load(text)
    columns = ("layer", "field", "stride", "start")
    assert net.table(format="csv", columns=columns).split("\n")[1] == "conv.0,3,1,-1"
    assert json.loads(net.table(format="json", columns=columns))["rows"][0]["start"] == -1
    assert net.table(format="csv", columns=columns).split("\n")[-1] == "total,8 x 12,2,'-3 x -5"
    pool = archdsl.load("model m { input x: f32[N, 8, 64, 64]\n max_pool(2)\n output y }").table(columns=columns)
    assert "max_pool      2       2      0" in pool


def test_a_path_into_a_repeat_means_that_iteration() -> None:
    net = archdsl.load("model m { input x: f32[N, 8, 64, 64]\n repeat 6 { conv(8, 3) -> relu }\n output y }")
    assert [net.receptive_field(f"conv.{i}")[0].size for i in range(6)] == [3, 5, 7, 9, 11, 13]
    with pytest.raises(archdsl.ArchError):
        net.receptive_field("conv.6")


def test_the_number_of_layers_costs_nothing() -> None:
    text = "model m { input x: f32[N, 8, 64, 64]\n repeat TIMES { residual { conv(8, 3) -> relu } }\n output y }"
    short, long = (TrainingModel(archdsl.load(text.replace("TIMES", n)).program).kept for n in ("4", "1_000_000_000"))
    per = 2 * 4 * 8 * 64 * 64
    assert str(short) == f"{4 * per - per // 2}*N"
    assert str(long) == f"{10**9 * per - per // 2}*N"
