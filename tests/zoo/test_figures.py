"""Every instance against independently derived figures, and against closed forms written out here."""

import pytest
from zoo_specs import arguments, program, rows

from archdsl.analysis.cost import cost
from archdsl.ir.verifier import verify

# LeNet-5's last layer compares with 840 fixed constants; there is nothing to train in it and the spec ends before it.
BUFFERS_APART = {("LeNet-5 (1998)", "840"): 0}

# Measured in evaluation, without the heads whose parameters it counts: a 1x1 convolution of 4x4 pixels and two dense
# layers each.
HEADS_APART = {"torchvision googlenet(aux)": (512 + 528) * 128 * 4**2 + 2 * (2048 * 1024 + 1024 * 1000)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['model']}-{row['variant_note'][:24]}-{row['instance']}")
def test_parameters_buffers_and_macs_equal_the_reference(row: dict[str, str]) -> None:
    found = program(row["spec"], row["instance"], **arguments(row["arguments"]))
    assert verify(found) == []
    total = cost(found)
    buffers = BUFFERS_APART.get((row["model"], row["buffers_exact"]), int(row["buffers_exact"]))
    macs = int(row["macs_exact"]) + HEADS_APART.get(row["model"], 0)
    assert (total.params, total.buffers, total.macs) == (int(row["params_exact"]), buffers, macs)


def test_the_exceptions_name_rows() -> None:
    assert HEADS_APART.keys() <= {row["model"] for row in rows()}
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


@pytest.mark.parametrize(("depth", "k"), [(10, 1), (16, 4), (28, 10)])
def test_wide_resnet_follows_its_closed_form(depth: int, k: int) -> None:
    n, c, params = (depth - 4) // 6, 16, 3 * 16 * 9
    for width in (16 * k, 32 * k, 64 * k):
        params += c * width * (c != width)
        for _ in range(n):
            params += 2 * c + 9 * c * width + 2 * width + 9 * width * width
            c = width
    assert cost(program("wide_resnet", "wide_resnet", depth=depth, k=k)).params == params + 2 * c + 10 * c + 10


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 6])
def test_a_fractal_has_a_convolution_for_every_stretch_of_every_column(columns: int) -> None:
    widths, c, params = [16, 32, 64, 128, 128], 3, 0
    for width in widths:
        first, all_of_them = columns, 2**columns - 1
        params += first * 9 * c * width + (all_of_them - first) * 9 * width * width + all_of_them * 2 * width
        c = width
    found = cost(program("fractalnet", "ultra_deep", c=columns))
    assert found.params == params + 100 * c + 100


@pytest.mark.parametrize(("number", "published"), [(50, 2_514_944), (101, 0), (152, 0)])
def test_gates_add_their_two_layers_to_a_resnet(number: int, published: int) -> None:
    plan = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}[number]
    added = sum(units * 2 * (256 * 2**stage) ** 2 // 16 for stage, units in enumerate(plan))
    plain, gated = (
        cost(program(*names, depth=number, **more))
        for names, more in ((("resnet", "resnet"), {}), (("senet", "se_resnet"), {"fc_bias": False}))
    )
    assert gated.params - plain.params == gated.macs - plain.macs == added
    assert published in (0, added)
