"""Every spec: the memory that autograd keeps and the products of a training step are those that PyTorch measures."""

import sys
from pathlib import Path

import numpy
import pytest
import torch
from zoo_specs import CASES, SIZES, program, sample

from archdsl.analysis.training import TrainingModel
from archdsl.backends.torch.build import build_module
from archdsl.types.dims import substitute

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
from measured import kept_bytes


@pytest.mark.parametrize(("name", "model", "arguments"), CASES, ids=lambda value: str(value))
def test_a_spec_keeps_for_the_backward_pass_what_pytorch_measures(
    name: str, model: str, arguments: dict[str, object]
) -> None:
    net = program(name, model, **arguments)
    feeds = sample(net, numpy.random.default_rng(0))
    module = build_module(net).train()
    measured = kept_bytes(module, *(torch.from_numpy(feeds[value.name]) for value in net.inputs))
    assert substitute(TrainingModel(net).kept, SIZES) == measured
