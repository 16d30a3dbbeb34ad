"""The generated modules compute what the program says, under the program's own weight paths."""

import copy
import inspect
import io
import traceback
from typing import Any

import pytest
import torch
from torch_cases import INSTANCES, TEXTS, from_spec, from_text, inputs
from torch_eager import agree

import archdsl
from archdsl.backends.torch.build import build_module
from archdsl.backends.torch.source import torch_source
from archdsl.ir.flatten import weights
from archdsl.limits import Limits


def texts() -> list[Any]:
    return [pytest.param(text, id=name) for name, text in TEXTS.items()]


def instances() -> list[Any]:
    return [
        pytest.param(spec, model, given, id=" ".join([spec, *(f"{k}={v}" for k, v in given.items())]))
        for spec, model, given in INSTANCES
    ]


@pytest.mark.parametrize(("spec", "model", "given"), instances())
def test_a_spec_computes_what_its_program_says_under_its_own_paths(spec: str, model: str | None, given: Any) -> None:
    agree(from_spec(spec, model, **given))


@pytest.mark.parametrize("text", texts())
def test_a_text_computes_what_its_program_says_under_its_own_paths(text: str) -> None:
    agree(from_text(text))


@pytest.mark.parametrize("text", texts())
def test_the_module_compiles_without_graph_breaks(text: str) -> None:
    program = from_text(text)
    module = build_module(program).eval()
    given = inputs(program, symbol=8)
    with torch.no_grad(), torch._dynamo.config.patch(allow_rnn=True):
        torch._dynamo.reset()
        compiled = torch.compile(module, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(*given), module(*given))


@pytest.mark.parametrize("spec", ["resnet", "densenet_cifar", "gpt", "googlenet"])
def test_a_network_trains_under_compile(spec: str) -> None:
    settings = {
        "resnet": {"depth": 18, "classes": 5},
        "densenet_cifar": {},
        "gpt": {"layers": 1, "d": 32, "heads": 4, "vocab": 50, "context": 16},
        "googlenet": {"aux": True, "classes": 5},
    }
    program = from_spec(spec, **settings[spec])
    torch.manual_seed(0)
    module = build_module(program)
    torch._dynamo.reset()
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    result = compiled(*inputs(program))
    if isinstance(result, tuple):
        result = sum(each.mean() for each in result)
    result.mean().backward()
    missing = [name for name, value in module.named_parameters() if value.grad is None]
    assert missing == []


def test_training_outputs_come_in_training_mode_alone() -> None:
    program = from_text(TEXTS["outputs of training"])
    module = build_module(program)
    aux, y = module.train()(*inputs(program))
    assert (aux.shape, y.shape) == ((2, 3), (2, 4))
    assert module.eval()(*inputs(program)).shape == (2, 4)


def test_a_shared_block_is_one_submodule() -> None:
    module = build_module(from_text(TEXTS["a shared block and a tied weight"]))
    assert sorted(name for name, _ in module.named_children()) == ["down", "enc", "linear"]


def test_a_body_used_twice_has_weights_of_its_own_each_time() -> None:
    module = build_module(from_text(TEXTS["a body that is used twice"]))
    pointers = [value.data_ptr() for value in module.parameters()]
    assert len(pointers) == len(set(pointers))


def test_weights_start_as_the_spec_says() -> None:
    module = build_module(from_text(TEXTS["learned tensors"]))
    state = module.state_dict()
    assert torch.equal(state["conv.bias"], torch.full((4,), -2.0))
    assert torch.equal(state["gain"], torch.ones(4))


def test_a_module_copies_saves_and_changes_its_memory_format() -> None:
    program = from_spec("resnet", depth=18)
    module = build_module(program).eval()
    given = inputs(program)
    with torch.no_grad():
        wanted = module(*given)
        torch.testing.assert_close(copy.deepcopy(module)(*given), wanted)
        buffer = io.BytesIO()
        torch.save(module.state_dict(), buffer)
        buffer.seek(0)
        other = build_module(program).eval()
        other.load_state_dict(torch.load(buffer, weights_only=True))
        torch.testing.assert_close(other(*given), wanted)
        other.to(memory_format=torch.channels_last)
        torch.testing.assert_close(other(*given), wanted, rtol=1e-4, atol=1e-4)


def test_the_executed_source_is_the_printed_source_and_tracebacks_show_it() -> None:
    program = from_text(TEXTS["an optional projection"])
    module = build_module(program)
    try:
        module(torch.zeros(2, 5, 8, 8))
    except RuntimeError as error:
        shown = "".join(traceback.format_exception(error))
    assert "return self.unit(x)" in shown
    assert inspect.getsource(type(module).forward) in torch_source(program)


def test_a_block_whose_steps_nothing_reads_keeps_its_weights() -> None:
    """It returns its input, and is no identity all the same."""
    net = archdsl.load(
        """block dead(n) { y = bn; for i in 0..n { z = conv(8, 3) } }
        model m { input x: f32[N, 8, 4, 4]; repeat 3 { dead(2) }; dead(0) as last; relu; output y }"""
    )
    module = net.torch()
    state = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    assert state == {path: weight.shape for path, weight in weights(net.program, Limits())}
    assert net.verify(dims={"N": 2}).passed
