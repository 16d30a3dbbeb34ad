"""What the tests of the zoo share: specs by name, instances by argument, counted figures by row."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy

from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.loader import load_file
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.module import Module
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.types.dims import symbols

ROOT = Path(__file__).parents[2]
SPECS = sorted(path.stem for path in (ROOT / "specs").glob("*.arch"))


@cache
def spec(name: str) -> Module:
    """A spec by name, which must load without so much as a warning."""
    sink = Sink()
    module = load_file(ROOT / "specs" / f"{name}.arch", sink, Limits())
    assert not sink.found, render_text(sink.found)
    assert module is not None
    return module


INSTANCES: dict[str, Program] = {}


def program(spec_name: str, model: str, **arguments: object) -> Program:
    """One instance of a model, which must elaborate without so much as a warning. Many tests look at the same
    instances, and none changes one, so each is elaborated once."""
    key = f"{spec_name}:{model} {sorted(arguments.items())}"
    if key not in INSTANCES:
        sink = Sink()
        found = elaborate(spec(spec_name), model, arguments, {}, sink, Limits())
        assert not sink.found, render_text(sink.found)
        assert found is not None
        INSTANCES[key] = found
    return INSTANCES[key]


def arguments(text: str) -> dict[str, object]:
    """`depth=20 option=B bottleneck=true` as a column of the table writes it."""
    pairs = (item.split("=") for item in text.split())
    return {name: value == "true" if value in ("true", "false") else _number(value) for name, value in pairs}


def _number(text: str) -> object:
    return int(text) if text.isdigit() else text


def rows() -> list[dict[str, str]]:
    """The published and re-derived figures, one row per instance of a spec."""
    with open(Path(__file__).with_name("seed_models.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def instances() -> list[tuple[str, str, dict[str, object]]]:
    """Every model of every spec as it stands, and every row of the figures, each once."""
    found = [(name, model, {}) for name in SPECS for model in spec(name).models]
    found += [(row["spec"], row["instance"], arguments(row["arguments"])) for row in rows()]
    return list({f"{name}:{model} {given}": (name, model, given) for name, model, given in found}.values())


SIZES = {"N": 2, "S": 6, "T": 7, "H": 5, "W": 3}
SHORTCUTS = ("half", "both_halves", "none", "exclusive_gate", "shortcut_gate", "conv", "dropout")
ORDERS = ("original", "bn_after", "relu_before", "relu_only", "full")

CASES: list[tuple[str, str, dict[str, object]]] = [
    ("alexnet", "alexnet", {"classes": 10}),
    ("alexnet", "alexnet_merged", {"classes": 10}),
    ("all_cnn", "all_cnn", {"base": "B"}),
    ("all_cnn", "all_cnn", {"base": "C"}),
    ("alphago", "alphago_policy", {"filters": 16}),
    ("autoencoder", "deep_autoencoder", {}),
    ("belief_net", "belief_net", {}),
    ("belief_net", "rbm", {}),
    ("bn_inception", "bn_inception", {"classes": 10}),
    ("convnext", "convnext", {"depths": [1, 2, 1], "widths": [16, 24, 32], "classes": 10}),
    ("deep_speech2", "deep_speech2", {"rnns": 3, "hidden": 48}),
    ("densenet", "densenet", {"depth": 121, "classes": 10}),
    ("densenet_cifar", "densenet_cifar", {"drop": 0.2}),
    ("densenet_cifar", "densenet_bc", {}),
    ("densenet_cifar", "densenet_bc", {"depth": 40, "memory_efficient": True}),
    ("digits", "digits", {}),
    ("digits1989", "digits1989", {}),
    ("dqn", "dqn", {}),
    ("fitnet", "fitnet19", {}),
    ("fractalnet", "fractalnet", {"widths": [8, 16, 16, 24, 32]}),
    ("fractalnet", "ultra_deep", {"c": 1}),
    ("googlenet", "googlenet", {"aux": True, "classes": 10}),
    ("googlenet", "torchvision_googlenet", {"aux": True, "classes": 10}),
    ("gpt", "gpt", {"layers": 3, "d": 64, "heads": 4, "vocab": 101, "context": 16}),
    ("highway", "highway19", {}),
    *[("identity_mappings", "identity_mappings", {"depth": 14, "shortcut": kind}) for kind in SHORTCUTS],
    *[("identity_mappings", "identity_mappings", {"depth": 14, "order": order}) for order in ORDERS],
    ("lenet", "lenet5", {}),
    ("lenet", "lenet_d2l", {}),
    ("lenet", "lenet_caffe", {}),
    ("lstm", "stacked_lstm", {"hidden": 24}),
    ("lstm", "bidirectional_lstm", {}),
    ("lstm", "sequence_classifier", {"layers": 2, "bidirectional": True}),
    ("lstm", "sequence_classifier", {"reads": "mean"}),
    ("maxout", "maxout_cifar", {}),
    ("maxout", "maxout_mnist", {}),
    ("mlp", "relu_mlp", {}),
    ("mlp", "sigmoid_mlp", {}),
    ("mobilenet", "efficientnet_b0", {"classes": 10}),
    ("mobilenet", "mobilenet_v2", {"classes": 10}),
    ("nin", "nin", {}),
    ("nin", "dsn", {}),
    ("nin", "nin_imagenet", {"classes": 10}),
    ("pilotnet", "pilotnet", {}),
    ("preact_resnet_cifar", "preact_resnet_cifar", {"option": "A"}),
    ("preact_resnet_cifar", "preact_resnet164", {}),
    ("prelu_net", "prelu_net", {"hidden": 32, "side": 112, "classes": 10}),
    ("resnet", "resnet", {"classes": 10, "depth": 18}),
    ("resnet", "resnet", {"classes": 10, "depth": 18, "option": "A"}),
    ("resnet", "resnet", {"classes": 10, "depth": 18, "option": "plain"}),
    ("resnet", "resnet", {"classes": 10, "depth": 50, "v1_5": True}),
    ("resnext", "resnext", {"cardinality": 8, "classes": 10}),
    ("resnet_cifar", "resnet_cifar", {"depth": 20}),
    ("resnet_cifar", "resnet_cifar", {"depth": 110, "option": "B"}),
    ("senet", "se_resnet", {"classes": 10}),
    ("stochastic_depth", "stochastic_depth", {"depth": 20}),
    *[("translation", "translation", {"vocab": 101, "d": 32, "score": how}) for how in ("dot", "general", "concat")],
    ("unet", "unet", {"base": 8}),
    ("vgg", "vgg", {"config": "A", "size": 32, "classes": 10}),
    ("vgg", "vgg", {"config": "C", "size": 32, "bn": True, "classes": 10}),
    ("vit", "vit", {"layers": 2, "d": 32, "heads": 4, "size": 32, "patch": 8, "classes": 10}),
    ("wide_resnet", "wide_resnet", {"depth": 16, "k": 2, "drop": 0.3}),
    ("zfnet", "zfnet", {"classes": 10}),
]
"""Spec, model and arguments: every spec in sizes that run in a moment. `SIZES` are those of symbols."""


def sample(net: Program, rng: numpy.random.Generator) -> dict[str, Any]:
    """An input of each declared type; token numbers are small."""
    feeds: dict[str, Any] = {}
    for value in net.inputs:
        shape = [dim if isinstance(dim, int) else _extent(dim) for dim in value.type.dims]
        if value.type.dtype == "f32":
            feeds[value.name] = rng.standard_normal(shape, dtype=numpy.float32)
        else:
            feeds[value.name] = rng.integers(0, 100, shape)
    return feeds


def _extent(dim: Any) -> int:
    names = {name: SIZES[name] for name in symbols(dim)}
    return eval(str(dim), {}, names)


def as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)
