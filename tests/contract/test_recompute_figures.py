"""What training keeps and multiplies with recomputation is what PyTorch does."""

import pytest
import torch
from measured import kept_bytes
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.analysis.cost import CostModel
from archdsl.analysis.parts import Parts
from archdsl.analysis.table import network_row, table_rows
from archdsl.analysis.training import TrainingModel
from archdsl.types.dims import substitute

HEAD = """
block unit(c) { conv(c, 3, !bias) -> bn -> relu }
block pair(c) { unit(c) -> residual { unit(c) } }
block again(c) { recompute { pair(c) -> conv(c, 1) } }
block layer(k) {
  recompute { concat -> bn -> relu -> conv(4*k, 1, !bias) }
  bn -> relu -> conv(k, 3, !bias)
}
block clip(most: tensor) { min { conv(8, 1) | most } -> sigmoid }
model m { input x: f32[N, 8, 8, 8]
BODY
output y }
"""
BODIES = [
    "recompute { unit(8) }",
    "unit(8) -> recompute { unit(8) -> unit(8) } -> unit(8)",
    "unit(8) -> recompute { conv(8, 1) } -> sigmoid",
    "unit(8) -> recompute { relu -> pair(8) -> relu -> conv(4, 1) }",
    "unit(8)\nrepeat 4 { again(8) }",
    "unit(8)\nrepeat 4 { recompute { unit(8) }; unit(8) }",
    "unit(8)\nrecompute { repeat 3 { unit(8) -> conv(8, 1) } }",
    "unit(8)\nfor i in 0..3 { [id, layer(4)] }\nconcat",
    "unit(8) as keep\nrecompute { [keep, unit(8)] -> add -> gelu } -> conv(4, 1)\n[id, keep] -> concat -> sigmoid",
    "conv(8, 1)\na, b = split(2)\nrecompute { [a, b] -> mul -> gelu } -> conv(4, 1)",
    "unit(8)\nrecompute { dropout(0.5) -> flatten -> linear(6) } -> linear(3)",
    "half = constant(0.5)\nclip(half) -> conv(4, 1)",
    "recompute { relu }\nconv(4, 1)",
    "unit(8)\nrecompute { unit(8) -> recompute { unit(8) -> conv(4, 1) } -> relu -> conv(2, 1) }",
    "unit(8)\nrecompute { unit(8) -> recompute { unit(8) -> conv(4, 1) } }",
    "unit(8)\nrecompute { again(8) -> again(8) }",
    "unit(8)\nrecompute { mul { conv(8, 1) | constant(0.5) } } -> conv(4, 1)",
    "half = constant(0.5)\nrecompute { mul { conv(8, 1) | half } -> clip(half) -> max { id | half } }",
    "recompute { unit(8); output aux(train) = relu -> conv(2, 1); unit(8) }",
]


def network(body: str) -> archdsl.Network:
    return archdsl.load(HEAD.replace("BODY", body))


@pytest.mark.parametrize("body", BODIES)
def test_a_region_keeps_its_inputs(body: str) -> None:
    net = network(body)
    assert substitute(TrainingModel(net.program).kept, {"N": 2}) == kept_bytes(
        net.torch().train(), torch.randn(2, 8, 8, 8)
    )


@pytest.mark.parametrize("body", BODIES)
def test_a_region_is_multiplied_again_up_to_the_last_tensor_that_is_needed(body: str) -> None:
    net = network(body)
    with FlopCounterMode(display=False) as counter:
        found = net.torch().train()(torch.randn(2, 8, 8, 8))
        results = found if isinstance(found, tuple) else (found,)
        sum((each.sum() for each in results), torch.zeros(())).backward()
    assert 2 * substitute(TrainingModel(net.program).macs, {"N": 2}) == counter.get_total_flops()


@pytest.mark.parametrize("body", BODIES)
def test_rows_add_up_with_recomputation(body: str) -> None:
    parts = Parts(CostModel(network(body).program))
    rows, whole = table_rows(parts, 9), network_row(parts, "total")
    for figure in (parts.kept, parts.training_macs):
        assert sum(figure(row) for row in rows if row.level == 1) == figure(whole)  # type: ignore[arg-type, misc]
        for row in rows:
            inside = [figure(other) for other in rows if other.parent is row]
            # What a block keeps of its inputs, because it is run again, is kept by the call and not by a node inside.
            if inside and figure == parts.training_macs:
                assert sum(inside) == figure(row), row.path  # type: ignore[arg-type]


def test_without_the_mark_everything_is_kept() -> None:
    plain, efficient = (network(body).memory() for body in ("unit(8)\nunit(8)", "unit(8)\nrecompute { unit(8) }"))
    assert substitute(efficient.saved, {"N": 2}) < substitute(plain.saved, {"N": 2})  # type: ignore[operator]
    assert efficient.saved_without_recompute == plain.saved == plain.saved_without_recompute
