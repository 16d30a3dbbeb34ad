"""Every spec runs: PyTorch and onnxruntime agree with float64, and training reaches every parameter."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy
import onnxruntime
import pytest
import torch
from zoo_specs import SPECS, program

from archdsl.analysis.cost import cost
from archdsl.backends.onnx.export import onnx_model
from archdsl.backends.torch.build import build_module
from archdsl.ir.program import Program
from archdsl.types.dims import symbols
from archdsl.weights import initial

TOLERANCE = 1e-5
SIZES = {"N": 2, "T": 7, "H": 5, "W": 3}
SHORTCUTS = ("half", "none", "exclusive_gate", "shortcut_gate", "conv", "dropout")
ORDERS = ("original", "bn_after", "relu_before", "relu_only", "full")

CASES: list[tuple[str, str, dict[str, object]]] = [
    ("alexnet", "alexnet", {}),
    ("alexnet", "alexnet_merged", {}),
    ("all_cnn", "all_cnn", {"base": "B"}),
    ("all_cnn", "all_cnn", {"base": "C"}),
    ("alphago", "alphago_policy", {"filters": 16}),
    ("autoencoder", "deep_autoencoder", {}),
    ("belief_net", "belief_net", {}),
    ("belief_net", "rbm", {}),
    ("bn_inception", "bn_inception", {"classes": 10}),
    ("densenet", "densenet", {"depth": 121}),
    ("densenet_cifar", "densenet_cifar", {"drop": 0.2}),
    ("densenet_cifar", "densenet_bc", {}),
    ("digits", "digits", {}),
    ("digits1989", "digits1989", {}),
    ("dqn", "dqn", {}),
    ("fitnet", "fitnet19", {}),
    ("fractalnet", "fractalnet", {"widths": [8, 16, 16, 24, 32]}),
    ("fractalnet", "ultra_deep", {"c": 1}),
    ("googlenet", "googlenet", {"aux": True}),
    ("googlenet", "torchvision_googlenet", {"aux": True}),
    ("gpt", "gpt", {"layers": 3, "d": 64, "heads": 4, "vocab": 101, "context": 16}),
    ("highway", "highway19", {}),
    *[("identity_mappings", "identity_mappings", {"depth": 14, "shortcut": kind}) for kind in SHORTCUTS],
    *[("identity_mappings", "identity_mappings", {"depth": 14, "order": order}) for order in ORDERS],
    ("lenet", "lenet5", {}),
    ("lenet", "lenet_d2l", {}),
    ("lenet", "lenet_caffe", {}),
    ("maxout", "maxout_cifar", {}),
    ("maxout", "maxout_mnist", {}),
    ("mlp", "relu_mlp", {}),
    ("mlp", "sigmoid_mlp", {}),
    ("nin", "nin", {}),
    ("nin", "dsn", {}),
    ("nin", "nin_imagenet", {"classes": 10}),
    ("pilotnet", "pilotnet", {}),
    ("preact_resnet_cifar", "preact_resnet_cifar", {"option": "A"}),
    ("preact_resnet_cifar", "preact_resnet164", {}),
    ("resnet", "resnet", {"depth": 18}),
    ("resnet", "resnet", {"depth": 18, "option": "A"}),
    ("resnet", "resnet", {"depth": 18, "option": "plain"}),
    ("resnet", "resnet", {"depth": 50, "v1_5": True}),
    ("resnet_cifar", "resnet_cifar", {"depth": 20}),
    ("resnet_cifar", "resnet_cifar", {"depth": 110, "option": "B"}),
    ("senet", "se_resnet", {"classes": 10}),
    ("stochastic_depth", "stochastic_depth", {"depth": 20}),
    ("unet", "unet", {"base": 8}),
    ("vgg", "vgg", {"config": "A", "size": 32}),
    ("vgg", "vgg", {"config": "C", "size": 32, "bn": True}),
    ("wide_resnet", "wide_resnet", {"depth": 16, "k": 2, "drop": 0.3}),
    ("zfnet", "zfnet", {}),
]

APART = {"neuron"}
"""Threshold units have no gradient; test_beginnings.py runs them with weights that mean something."""


def test_every_spec_is_run() -> None:
    assert {name for name, _, _ in CASES} == set(SPECS) - APART


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


def seeded(net: Program, rng: numpy.random.Generator) -> dict[str, Any]:
    """Initial weights, with running statistics that differ from layer to layer so that none can be mistaken."""
    arrays = initial(net, seed=1)
    for path, array in arrays.items():
        if path.endswith("running_mean"):
            arrays[path] = (0.1 * rng.standard_normal(array.shape)).astype(array.dtype)
        elif path.endswith("running_var"):
            arrays[path] = rng.uniform(0.8, 1.25, array.shape).astype(array.dtype)
    return arrays


def load(module: torch.nn.Module, arrays: Mapping[str, Any]) -> None:
    module.load_state_dict({path: torch.from_numpy(numpy.asarray(array)) for path, array in arrays.items()})


def as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def distance(found: Any, reference: Any) -> float:
    assert found.shape == reference.shape
    return float(numpy.abs(found - reference).max() / numpy.abs(reference).max())


@pytest.mark.parametrize(("name", "model", "arguments"), CASES, ids=lambda value: str(value))
def test_pytorch_and_onnxruntime_agree_with_float64_and_training_reaches_every_parameter(
    name: str, model: str, arguments: dict[str, object]
) -> None:
    rng = numpy.random.default_rng(0)
    net = program(name, model, **arguments)
    arrays = seeded(net, rng)
    feeds = sample(net, rng)
    module = build_module(net)
    assert set(module.state_dict()) == set(arrays)
    assert sum(parameter.numel() for parameter in module.parameters()) == cost(net).params
    load(module, arrays)

    inputs = [torch.from_numpy(feeds[value.name]) for value in net.inputs]
    with torch.no_grad():
        single = [out.numpy() for out in as_tuple(module.eval()(*inputs))]
        exact = copy.deepcopy(module).double().eval()
        doubles = [item.double() if item.is_floating_point() else item for item in inputs]
        reference = [out.numpy() for out in as_tuple(exact(*doubles))]
        del exact
    session = onnxruntime.InferenceSession(
        onnx_model(net, arrays).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in net.outputs if not output.train]
    assert [output.name for output in session.get_outputs()] == names
    run = session.run(None, feeds)
    del session
    assert len(single) == len(run) == len(reference) == len(names)
    for out, torch_result, onnx_result, exact_result in zip(names, single, run, reference, strict=True):
        assert distance(torch_result, exact_result) <= TOLERANCE, f"{out}: PyTorch"
        assert distance(onnx_result, exact_result) <= TOLERANCE, f"{out}: onnxruntime"

    trained = as_tuple(module.train()(*inputs))
    assert len(trained) == len(net.outputs)
    torch.stack([result.square().mean() for result in trained]).sum().backward()
    for path, parameter in module.named_parameters():
        assert parameter.grad is not None, path
        assert torch.isfinite(parameter.grad).all(), path
