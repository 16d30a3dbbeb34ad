"""The generated modules compute what the program says, under the program's own weight paths."""

import copy
import inspect
import io
import traceback
from typing import Any

import pytest
import torch
from torch_cases import INSTANCES, from_spec, from_text, inputs
from torch_eager import Run

from archdsl.backends.torch.build import build_module
from archdsl.backends.torch.source import torch_source
from archdsl.ir.flatten import weights
from archdsl.ir.program import Program
from archdsl.limits import Limits

TEXTS = {
    "a repeat with two convolutions of one name": """
        model m() { input x: f32[N, 4, 6, 6]
          conv(4, 3) -> relu
          repeat 3 { conv(4, 1) -> bn -> relu -> conv(4, 3) }
          conv(8, 1)
          output y }""",
    "a repeat in a repeat": """
        model m() { input x: f32[N, 4, 6, 6]
          repeat 2 { conv(4, 1) ; repeat 3 { conv(4, 3) -> bn } ; relu }
          output y }""",
    "a repeat that also reads an earlier value": """
        model m() { input x: f32[N, 4, 6, 6]
          conv(4, 3) as stem
          repeat 3 { add { conv(4, 3) | stem -> relu } }
          output y }""",
    "a repeat whose input is needed again": """
        model m() { input x: f32[N, 4, 6, 6]
          conv(4, 3) as stem
          repeat 3 { conv(4, 3) -> relu }
          [id, stem] -> add
          output y }""",
    "a loop over layers of growing width": """
        block grow(k) { concat { id | bn -> relu -> conv(k, 3) } }
        model m() { input x: f32[N, 4, 6, 6]
          for i in 0..5 { grow(3) }
          output y }""",
    "a loop of unrolled operators": """
        model m() { input x: f32[N, 3, 6, 6]
          for i in 0..4 { conv(4 * (i + 1), 3) -> bn -> relu }
          output y }""",
    "a loop in a loop of unrolled operators": """
        model m() { input x: f32[N, 3, 16, 16]
          for i in 0..3 { for j in 0..2 { conv(8, 3) -> relu } ; max_pool(2) }
          output y }""",
    "specialisations that differ in numbers and in how often they loop": """
        block grow(k, n) [N, c, ...S] { for i in 0..n { concat { id | conv(k, 3) -> relu } } }
        model m() { input x: f32[N, 4, 6, 6]
          grow(2, 3) -> grow(3, 5) -> grow(4, 2)
          output y }""",
    "numbered labels": """
        block layer(k) { bn -> relu -> conv(k, 3) }
        block dense(k, n) { for i in 0..n { concat { id | layer(k) as "layer{i+1}" } } }
        model m() { input x: f32[N, 4, 6, 6]
          dense(2, 4) -> dense(3, 6)
          output y }""",
    "a label that numbers a chain": """
        model m() { input x: f32[N, 3, 8, 8]
          conv(4, 3) as features -> bn as features -> relu as features -> max_pool(2) as features
          conv(5, 3) as features -> relu as features -> flatten -> linear(3)
          output y }""",
    "an optional projection": """
        block unit(out, stride = 1) [N, c, ...S] {
          add { conv(out, 3, stride) -> bn | if c != out or stride != 1 { conv(out, 1, stride) as shortcut } }
          relu
        }
        model m() { input x: f32[N, 4, 8, 8]
          unit(4) -> unit(8, 2) -> unit(8) -> unit(16, 2)
          output y }""",
    "an identity in some specialisations of a block": """
        block shortcut(out) [N, c, ...S] { if c != out { conv(out, 1) -> bn } }
        block unit(out) { add { conv(out, 3) | shortcut(out) } }
        model m() { input x: f32[N, 4, 8, 8]
          unit(4) -> unit(8) -> unit(8) -> unit(6)
          output y }""",
    "bodies in braces": """
        block residual2(body: block) { add { body | id } }
        model m() { input x: f32[N, 4, 8, 8]
          residual2 { conv(4, 3) -> relu }
          residual2 { conv(4, 3) -> relu }
          residual2 { conv(4, 1) -> bn }
          output y }""",
    "a body that is used twice": """
        block twice(body: block) { body -> body }
        model m() { input x: f32[N, 4, 8, 8]
          twice { conv(4, 3) -> relu }
          twice { conv(4, 1) -> bn }
          output y }""",
    "recursion": """
        block fractal(depth, out) {
          if depth == 1 { conv(out, 3) -> relu }
          else { mean { fractal(depth - 1, out) -> fractal(depth - 1, out) | conv(out, 3) -> relu } }
        }
        model m() { input x: f32[N, 3, 8, 8]
          fractal(3, 4)
          output y }""",
    "a shared block and a tied weight": """
        block encode(out) { linear(out) -> tanh }
        model m() { input a: f32[N, 6]
          input b: f32[N, 6]
          shared enc = encode(6)
          left = a -> enc
          right = b -> enc
          [left, right] -> mul -> linear(4) as down -> linear(6, tie = transpose(down.weight))
          output y }""",
    "several outputs and inputs": """
        model m() { input a: f32[N, 6]
          input b: f32[N, 6]
          s = [a, b] -> add
          d = [a, b] -> sub
          output s
          output d
          output p = [s, d] -> mul -> linear(2) }""",
    "outputs of training": """
        model m() { input x: f32[N, 6]
          linear(8) as hidden -> relu
          output aux(train) = hidden -> linear(3)
          linear(4)
          output y }""",
    "names that Python or the code needs": """
        model m() { input input_: f32[N, 6]
          lambda = linear(6) -> relu
          self = lambda -> linear(6)
          torch = [lambda, self] -> add
          x = [torch, lambda] -> mul
          l = [x, self] -> sub
          nn = [l, x] -> add
          F = [nn, l] -> mul
          [F, nn, x] -> add
          output y }""",
    "learned tensors": """
        model m() { input x: f32[N, 4, 6, 6]
          scale as gain
          conv(4, 3, bias_init = -2.0) -> bn
          output y }""",
    "a block with several results": """
        block halves(c) [N, _] { linear(2 * c) -> split(2, axis = -1) }
        model m() { input x: f32[N, 6]
          a, b = halves(4)
          c, d = x -> halves(3)
          p = [a, b] -> mul -> linear(3)
          [[c, d] -> add, p] -> sub
          output y }""",
    "values called like the helpers and classes of the file": """
        block embed(d) [N, T] { positions = id -> positions ; positions -> embedding(9, d) }
        model m() { input ids: i64[N, T]
          Embed = embed(4)
          attend = Embed -> layer_norm
          [attend, Embed, Embed] -> attention(2) -> linear(2)
          output y }""",
    "parameters called like the classes of the file": """
        block Unit(Conv) { conv(Conv, 3) }
        block stage(Unit_, layer, i) {
          for k in 0..i { Unit(Unit_) -> relu }
          repeat layer { conv(Unit_, 1) -> relu -> conv(Unit_, 3) }
        }
        model m() { input x: f32[N, 3, 6, 6]
          stage(4, 2, 3) -> stage(5, 3, 2)
          output y }""",
    "a learned tensor of its own": """
        model m() { input x: f32[N, 5, 4]
          p = param([1, 5, 4])
          q = param([1, 1, 4])
          [[x, p] -> add, q] -> mul -> linear(2)
          output y }""",
    "a swap that a loop carries": """
        model m() { input a: f32[N, 4]
          input b: f32[N, 4]
          [a, b]
          repeat 3 { p, q = id ; r = p -> linear(4) ; [q, r] }
          add
          output y }""",
    "a block whose parts are numbered": """
        block head(out) { conv(out, 1) as "0" -> relu as "1" -> flatten as "2" -> linear(out) as "3" }
        model m() { input x: f32[N, 3, 4, 4]
          left = x -> head(4)
          right = x -> head(5)
          [left, right] -> concat
          output y }""",
    "sizes from shapes": """
        model m() { input x: f32[N, 4, H, W]
          conv(8, 3, stride = 2)
          reshape([N, 8, -1])
          output y }""",
}


def texts() -> list[Any]:
    return [pytest.param(text, id=name) for name, text in TEXTS.items()]


def instances() -> list[Any]:
    return [
        pytest.param(spec, model, given, id=" ".join([spec, *(f"{k}={v}" for k, v in given.items())]))
        for spec, model, given in INSTANCES
    ]


def agree(program: Program) -> None:
    """The built module gives what the oracle gives, in both modes, and has exactly the program's weights."""
    torch.manual_seed(0)
    module = build_module(program)
    state = module.state_dict()
    expected = {path: weight.shape for path, weight in weights(program, Limits())}
    assert {key: tuple(value.shape) for key, value in state.items()} == expected
    trainable = {path for path, weight in weights(program, Limits()) if weight.trainable}
    assert {key for key, _ in module.named_parameters()} == trainable
    given = inputs(program, symbol=8)
    for training in (False, True):
        module.train(training)
        if training and any(
            "Dropout" in type(part).__name__ or "Drop" in type(part).__name__ for part in module.modules()
        ):
            continue
        with torch.no_grad():
            wanted = Run(program, state, given, training).outputs()
            found = module(*given)
        found = list(found) if isinstance(found, tuple) else [found]
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            torch.testing.assert_close(ours, theirs)


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
    with torch.no_grad():
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
