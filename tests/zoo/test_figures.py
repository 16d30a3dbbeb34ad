"""Every instance against independently derived figures, and against closed forms written out here."""

import pytest
from zoo_specs import arguments, program, rows

from archdsl.analysis.cost import cost
from archdsl.ir.verify import verify

# LeNet-5's last layer compares with 840 fixed constants; there is nothing to train in it and the spec ends before it.
BUFFERS_APART = {("LeNet-5 (1998)", "840"): 0}


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['model']}-{row['variant_note'][:24]}-{row['instance']}")
def test_parameters_buffers_and_macs_equal_the_reference(row: dict[str, str]) -> None:
    found = program(row["spec"], row["instance"], **arguments(row["arguments"]))
    assert verify(found) == []
    total = cost(found)
    buffers = BUFFERS_APART.get((row["model"], row["buffers_exact"]), int(row["buffers_exact"]))
    assert (total.params, total.buffers, total.macs) == (int(row["params_exact"]), buffers, int(row["macs_exact"]))


def test_the_exception_for_buffers_names_a_row() -> None:
    assert BUFFERS_APART.keys() <= {(row["model"], row["buffers_exact"]) for row in rows()}


@pytest.mark.parametrize("depth", [8, 14, 20, 56, 110, 1202])
def test_resnet_cifar_follows_its_closed_form(depth: int) -> None:
    n = (depth - 2) // 6
    conv = 9 * (3 * 16 + 2 * n * 16**2 + 16 * 32 + (2 * n - 1) * 32**2 + 32 * 64 + (2 * n - 1) * 64**2)
    channels = 16 + 2 * n * (16 + 32 + 64)
    total = cost(program("resnet_cifar", "resnet_cifar", depth=depth))
    assert total.params == conv + 2 * channels + 64 * 10 + 10
    assert total.buffers == 2 * channels


@pytest.mark.parametrize(
    ("depth", "k", "bottleneck"), [(10, 4, False), (40, 12, False), (16, 6, True), (100, 12, True)]
)
def test_densenet_cifar_follows_its_closed_form(depth: int, k: int, bottleneck: bool) -> None:
    n = (depth - 4) // (6 if bottleneck else 3)
    c, params = 16, 3 * 16 * 9
    for block in range(3):
        for _ in range(n):
            params += 2 * c + (4 * k * c + 2 * 4 * k + 9 * 4 * k * k if bottleneck else 9 * k * c)
            c += k
        if block < 2:
            params += 2 * c + c * c
    params += 2 * c + 10 * c + 10
    found = program("densenet_cifar", "densenet_cifar", depth=depth, k=k, bottleneck=bottleneck)
    assert cost(found).params == params


@pytest.mark.parametrize(
    ("layers", "d", "heads", "vocab", "context"), [(12, 768, 12, 50257, 1024), (3, 64, 4, 101, 32)]
)
def test_gpt_follows_its_closed_form(layers: int, d: int, heads: int, vocab: int, context: int) -> None:
    layer = (4 * d * d + 4 * d) + (8 * d * d + 5 * d) + 4 * d
    found = program("gpt", "gpt", layers=layers, d=d, heads=heads, vocab=vocab, context=context)
    assert cost(found).params == vocab * d + context * d + layers * layer + 2 * d
