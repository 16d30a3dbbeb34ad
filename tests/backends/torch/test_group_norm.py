"""Group normalisation of data: PyTorch's own code for the channels-last layout ends the process in the backward pass
where nobody asks for the gradient of its input, so each case runs in a process of its own."""

import os
import sys

import pytest
import torch

from archdsl.api import load

MODEL = "model m {{\n  input x: {}\n  {} -> group_norm(2)\n  output y\n}}\n"


def gradient(text: str, *inputs: torch.Tensor) -> torch.Tensor:
    module = load(text).torch().train()
    (module(*inputs) * torch.arange(1.0, 1 + module(*inputs).numel()).view_as(module(*inputs))).sum().backward()
    return module.group_norm.weight.grad


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("f32[N, 3, 5, 4]", "permute([0, 3, 1, 2])"),
        ("f32[N, 1, 1, 4]", "permute([0, 3, 1, 2])"),
        ("f32[N, 3, 2, 2, 4]", "relu -> permute([0, 4, 1, 2, 3]) -> tanh"),
        ("f32[N, 4, 3, 5]", "id"),
    ],
)
def test_data_may_lie_as_it_will(type: str, body: str) -> None:
    text = MODEL.format(type, body)
    shape = [int(dim) for dim in load(text).program.inputs[0].type.substitute({"N": 2}).dims]
    x = torch.randn(shape)
    expected = gradient(text, x.clone().requires_grad_())
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        wide = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
        right = all(torch.allclose(gradient(text, each), expected) for each in (x, x.to(memory_format=wide)))
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_what_was_learned_is_normalised_as_it_lies() -> None:
    source = load(MODEL.format("f32[N, 3, 5, 4]", "linear(4) -> permute([0, 3, 1, 2])")).torch_source()
    assert "self.group_norm(self.linear(x).permute(0, 3, 1, 2))" in source
    plain = load(MODEL.format("f32[N, 3, 5, 4]", "permute([0, 3, 1, 2])").replace("(2)", "(2, !affine)")).torch_source()
    assert "self.group_norm(x.permute(0, 3, 1, 2))" in plain
