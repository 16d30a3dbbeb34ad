"""Every spec runs: PyTorch and onnxruntime agree with float64."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy
import onnxruntime
import pytest
import torch
from zoo_specs import CASES, SPECS, as_tuple, program, sample

from archdsl.analysis.cost import cost
from archdsl.backends.onnx.export import onnx_model
from archdsl.backends.torch.build import build_module
from archdsl.ir.program import Program
from archdsl.weights import initial

TOLERANCE = 1e-5
APART = {"neuron"}
"""Threshold units have no gradient; test_beginnings.py runs them with weights that mean something."""


def test_every_spec_is_run() -> None:
    assert {name for name, _, _ in CASES} == set(SPECS) - APART


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


@contextmanager
def unfilled() -> Iterator[None]:
    """A module that is built meanwhile is not filled with PyTorch's own initial values, which takes longer than running
    many a network: `load` gives it weights for everything that it holds."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("kaiming_uniform_", "uniform_", "normal_"):
            patch.setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
        yield


def distance(found: Any, reference: Any) -> float:
    assert found.shape == reference.shape
    return float(numpy.abs(found - reference).max() / numpy.abs(reference).max())


@pytest.mark.parametrize(("name", "model", "arguments"), CASES, ids=lambda value: str(value))
def test_pytorch_and_onnxruntime_agree_with_float64(name: str, model: str, arguments: dict[str, object]) -> None:
    rng = numpy.random.default_rng(0)
    net = program(name, model, **arguments)
    arrays = seeded(net, rng)
    feeds = sample(net, rng)
    with unfilled():
        module = build_module(net)
    assert set(module.state_dict()) == set(arrays)
    assert sum(parameter.numel() for parameter in module.parameters()) == cost(net).params
    load(module, arrays)

    inputs = [torch.from_numpy(feeds[value.name]) for value in net.inputs]
    with torch.no_grad():
        single = [out.numpy() for out in as_tuple(module.eval()(*inputs))]
        doubles = [item.double() if item.is_floating_point() else item for item in inputs]
        reference = [out.numpy() for out in as_tuple(module.double()(*doubles))]
        del module
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
