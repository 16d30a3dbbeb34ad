"""The specs as specs: clean, cited, and no dearer to elaborate when they are deep."""

import pytest
from zoo_specs import ROOT, SPECS, program, spec

from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.loader import load_file
from archdsl.elaborate.model import elaborate
from archdsl.ir.flatten import weights
from archdsl.limits import Limits
from archdsl.spec_tests import run_tests


@pytest.mark.parametrize("name", SPECS)
def test_every_test_of_a_spec_passes(name: str) -> None:
    sink = Sink()
    results = run_tests(spec(name), sink, Limits())
    assert not sink.found, render_text(sink.found)
    failed = [
        f"{result.name}: {check.text}: {check.computed}"
        for result in results
        for check in result.checks
        if not check.passed
    ]
    assert failed == []
    assert {result.name.split("(")[0] for result in results} == set(spec(name).models), "a model without a test"


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_says_where_it_comes_from_and_fits_the_page(name: str) -> None:
    lines = (ROOT / "specs" / f"{name}.arch").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 130


@pytest.mark.parametrize(
    ("name", "model", "arguments", "code"),
    [
        ("densenet_cifar", "densenet_cifar", {"depth": 41}, "E0308"),
        ("densenet_cifar", "densenet_bc", {"depth": 103}, "E0308"),
        ("resnet_cifar", "resnet_cifar", {"depth": 21}, "E0308"),
        ("resnet_cifar", "resnet_cifar", {"depth": 2}, "E0315"),
        ("resnet", "resnet", {"depth": 51}, "E0305"),
        ("resnet", "resnet", {"depth": 50, "option": "plain"}, "E0315"),
        ("preact_resnet_cifar", "preact_resnet1001", {"depth": 1000}, "E0308"),
        ("wide_resnet", "wide_resnet", {"depth": 30}, "E0308"),
        ("stochastic_depth", "stochastic_depth", {"depth": 100}, "E0308"),
        ("identity_mappings", "identity_mappings", {"order": "bn_before"}, "E0305"),
        ("all_cnn", "all_cnn", {"base": "D"}, "E0305"),
        ("mlp", "sigmoid_mlp", {"depth": 1}, "E0315"),
        ("gpt", "gpt", {"heads": 7}, "E0315"),
        ("vgg", "vgg", {"size": 100}, "E0308"),
        ("deep_speech2", "deep_speech2", {"convs": 4}, "E0315"),
        ("translation", "translation", {"score": "location"}, "E0305"),
    ],
)
def test_sizes_that_the_papers_do_not_have_are_refused(
    name: str, model: str, arguments: dict[str, object], code: str
) -> None:
    sink = Sink()
    module = load_file(ROOT / "specs" / f"{name}.arch", sink, Limits())
    assert module is not None
    assert elaborate(module, model, arguments, {}, sink, Limits()) is None
    assert [found.code for found in sink.found] == [code]


def test_1202_layers_make_the_program_that_20_layers_make() -> None:
    small, large = (program("resnet_cifar", "resnet_cifar", depth=depth) for depth in (20, 1202))
    assert len(small.functions) == len(large.functions)
    assert len(small.entry.nodes) == len(large.entry.nodes)


def keys(name: str, model: str, **arguments: object) -> list[str]:
    return [path for path, _ in weights(program(name, model, **arguments), Limits())]


def norm(path: str) -> list[str]:
    return [f"{path}.{key}" for key in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]


@pytest.mark.parametrize(("depth", "plan", "convs"), [(34, [3, 4, 6, 3], 2), (50, [3, 4, 6, 3], 3)])
def test_resnet_has_the_state_dict_of_torchvision(depth: int, plan: list[int], convs: int) -> None:
    expected = ["conv1.weight", *norm("bn1")]
    for layer, count in enumerate(plan, 1):
        for unit in range(count):
            path = f"layer{layer}.{unit}"
            for conv in range(1, convs + 1):
                expected += [f"{path}.conv{conv}.weight", *norm(f"{path}.bn{conv}")]
            if unit == 0 and (layer > 1 or convs == 3):
                expected += [f"{path}.downsample.0.weight", *norm(f"{path}.downsample.1")]
    assert keys("resnet", "resnet", depth=depth) == [*expected, "fc.weight", "fc.bias"]


def test_densenet_has_the_state_dict_of_torchvision() -> None:
    expected = ["features.conv0.weight", *norm("features.norm0")]
    for block, count in enumerate([6, 12, 24, 16], 1):
        for layer in range(1, count + 1):
            path = f"features.denseblock{block}.denselayer{layer}"
            for part in (1, 2):
                expected += [*norm(f"{path}.norm{part}"), f"{path}.conv{part}.weight"]
        if block < 4:
            path = f"features.transition{block}"
            expected += [*norm(f"{path}.norm"), f"{path}.conv.weight"]
    expected += [*norm("features.norm5"), "classifier.weight", "classifier.bias"]
    assert keys("densenet", "densenet") == expected


@pytest.mark.parametrize(
    ("bn", "convs"),
    [
        (False, [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]),
        (True, [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40]),
    ],
)
def test_vgg16_has_the_state_dict_of_torchvision(bn: bool, convs: list[int]) -> None:
    expected: list[str] = []
    for index in convs:
        expected += [f"features.{index}.weight", f"features.{index}.bias"]
        expected += norm(f"features.{index + 1}") if bn else []
    for index in (0, 3, 6):
        expected += [f"classifier.{index}.weight", f"classifier.{index}.bias"]
    assert keys("vgg", "vgg", bn=bn) == expected


def test_alexnet_has_the_state_dict_of_torchvision() -> None:
    convs = [f"features.{index}.{key}" for index in (0, 3, 6, 8, 10) for key in ("weight", "bias")]
    dense = [f"classifier.{index}.{key}" for index in (1, 4, 6) for key in ("weight", "bias")]
    assert keys("alexnet", "alexnet_one_tower") == convs + dense


def test_googlenet_has_the_state_dict_of_torchvision() -> None:
    def unit(path: str) -> list[str]:
        return [f"{path}.conv.weight", *norm(f"{path}.bn")]

    expected = [key for index in (1, 2, 3) for key in unit(f"conv{index}")]
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        for branch in ("branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1"):
            expected += unit(f"inception{name}.{branch}")
    for name in ("aux1", "aux2"):
        expected += unit(f"{name}.conv")
        expected += [f"{name}.{layer}.{key}" for layer in ("fc1", "fc2") for key in ("weight", "bias")]
    expected += ["fc.weight", "fc.bias"]
    assert sorted(keys("googlenet", "torchvision_googlenet", aux=True)) == sorted(expected)
