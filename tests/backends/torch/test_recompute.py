"""`recompute { ... }` in the generated modules: the same training, less kept for it."""

import ast
import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch_cases import from_text, inputs
from torch_eager import Run

from archdsl.backends.torch.build import build_module
from archdsl.backends.torch.source import torch_source
from archdsl.ir.program import Program

BODIES = {
    "a chain": "recompute if on { conv(4, 3) -> bn -> relu } as squeeze; conv(2, 1)",
    "dropout and statistics": """
        recompute if on { conv(4, 3) -> bn -> dropout(0.5) -> relu; conv(4, 1) -> dropout(0.5) -> bn }""",
    "several results": "recompute if on { conv(6, 3) -> tanh -> split(3) }; [id, x] -> concat",
    "one inside another": """
        recompute if on { conv(4, 3) -> recompute if on { bn -> relu -> dropout(0.3) }; conv(4, 1) -> bn }""",
    "inside a repeat": """
        conv(4, 1)
        repeat 3 { recompute if on { conv(4, 3) -> bn -> relu }; repeat 2 { conv(4, 1) } }""",
    "around a repeat": """
        conv(4, 1)
        recompute if on { repeat 3 { conv(4, 3) -> bn -> tanh; repeat 2 { conv(4, 1) } } }""",
    "two repeats around": """
        conv(4, 1)
        repeat 2 { tanh; repeat 3 { recompute if on { conv(4, 1) -> bn }; tanh } }""",
    "a loop of blocks": "for i in 0..5 { recompute if on { unit(4, on) as layer } }",
    "a block that does it itself": """
        for i in 0..2 { unit(4, on) as layer }
        recompute if on { repeat 3 { unit(4, on) as layer } }""",
    "a growing tuple": "for i in 0..4 { [id, recompute if on { concat -> bn -> relu -> conv(3, 3) }] }; concat",
    "a growing tuple through blocks": 'for i in 0..4 { [id, dense(3, on) as "layer{i+1}"] }; concat',
    "a tuple that grows by two": "for i in 0..3 { [id, concat -> conv(3, 1), concat -> conv(2, 1)] }; concat",
    "a tuple of which one is used apart": """
        for i in 0..4 { [id, recompute if on { concat -> conv(3, 3) as y; [y, x] -> add }] }
        concat""",
    "a tied weight": "flatten -> recompute if on { linear(9) as l -> tanh; linear(192, tie = transpose(l.weight)) }",
    "a shared instance": "shared s = conv(3, 3); s -> recompute if on { s -> bn -> tanh -> s } -> relu",
    "a value from before": "conv(4, 3) as a; recompute if on { bn -> relu; [id, a] -> add; tanh }; [id, a] -> mul",
    "next to each other": """
        recompute if on { conv(4, 3) -> bn } -> recompute if on { relu -> conv(4, 3) -> bn } -> tanh""",
    "in training only": """
        output aux(train) = recompute if on { conv(4, 3) -> bn -> relu; conv(4, 3) }
        recompute if on { conv(4, 3); output more(train) = conv(2, 1); bn }""",
}
BLOCKS = """
block unit(c, on) { conv(c, 3) -> bn; recompute if on { relu -> conv(c, 1) -> bn -> dropout(0.2) } }
block dense(k, on) {
  recompute if on { concat -> bn as norm1 -> relu -> conv(4*k, 1, !bias) as conv1 } as squeeze
  bn as norm2 -> relu -> conv(k, 3, !bias) as conv2
}
"""


def program(body: str, on: bool) -> Program:
    return from_text(f"{BLOCKS}model m(flag on) {{\n input x: f32[N, 3, 8, 8]\n {body}\n output y\n}}", on=on)


def pair(body: str) -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """The module that keeps everything and the one that computes again, of equal weights, and an input, in float64."""
    kept, recomputed = build_module(program(body, False)).double(), build_module(program(body, True)).double()
    assert list(kept.state_dict()) == list(recomputed.state_dict())
    recomputed.load_state_dict(kept.state_dict())
    (x,) = inputs(program(body, False))
    return kept, recomputed, x.double().requires_grad_()


def step(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Output, gradients and buffers after one step of training."""
    torch.manual_seed(7)
    x = x.detach().requires_grad_()
    found = module.train()(x)
    outputs = found if isinstance(found, tuple) else (found,)
    sum((y.square().mean() for y in outputs), torch.zeros(())).backward()
    gradients = [p.grad for p in module.parameters()]
    assert x.grad is not None
    assert all(g is not None and g.abs().sum() > 0 for g in gradients)
    return [*(y.detach() for y in outputs), x.grad, *(g for g in gradients if g is not None), *module.buffers()]


def bodies() -> list[Any]:
    return [pytest.param(body, id=name) for name, body in BODIES.items()]


@pytest.mark.parametrize("body", bodies())
def test_training_gives_the_same_outputs_gradients_and_statistics(body: str) -> None:
    kept, recomputed, x = pair(body)
    for ours, theirs in zip(step(recomputed, x), step(kept, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(recomputed.eval()(x), kept.eval()(x), rtol=0, atol=0)


def loss(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(7)
    found = module.train()(x)
    outputs = found if isinstance(found, tuple) else (found,)
    return sum((y.square().mean() for y in outputs), torch.zeros(()))


def backward_twice(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor | None]:
    """Gradients of two backward passes through one graph, and buffers."""
    found = loss(module, x)
    found.backward(retain_graph=True)
    found.backward()
    return [x.grad, *(p.grad for p in module.parameters()), *module.buffers()]


def gradient_of_a_gradient(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor | None]:
    """A penalty on the gradient of the input, as WGAN-GP has it, differentiated; and buffers."""
    (gradient,) = torch.autograd.grad(loss(module, x), x, create_graph=True)
    gradient.square().sum().backward()
    return [x.grad, *(p.grad for p in module.parameters()), *module.buffers()]


@pytest.mark.parametrize("pass_", [backward_twice, gradient_of_a_gradient])
@pytest.mark.parametrize("body", bodies())
def test_a_second_backward_pass_runs_through_recomputation(body: str, pass_: Any) -> None:
    kept, recomputed, x = pair(body)
    found, wanted = (pass_(module, x.detach().requires_grad_()) for module in (recomputed, kept))
    assert any(each is not None and each.abs().sum() > 0 for each in wanted[1:2])
    for ours, theirs in zip(found, wanted, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("body", bodies())
def test_it_computes_what_its_program_says(body: str) -> None:
    torch.manual_seed(0)
    found = program(body, True)
    module = build_module(found).eval()
    given = inputs(found)
    with torch.no_grad():
        wanted = Run(found, module.state_dict(), given, training=False).outputs()
        torch.testing.assert_close(module(*given), wanted[0])


@pytest.mark.parametrize("body", bodies())
def test_it_keeps_its_paths_through_copies(body: str) -> None:
    _, recomputed, x = pair(body)
    twin = copy.deepcopy(recomputed)
    for ours, theirs in zip(step(twin, x), step(recomputed, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def saved(module: nn.Module, x: torch.Tensor) -> int:
    """How many tensors the forward pass saves."""
    count = 0

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(x)
    return count


def test_nothing_inside_is_saved_in_training_and_nothing_is_computed_twice_otherwise() -> None:
    kept, recomputed, x = pair("recompute if on { conv(4, 3) -> bn -> relu -> conv(4, 3) }")
    assert saved(recomputed.train(), x) == 1 < saved(kept.train(), x)  # the input alone
    assert saved(recomputed.eval(), x) == saved(kept.eval(), x)
    with torch.no_grad():
        torch.testing.assert_close(recomputed.train()(x), kept.train()(x), rtol=0, atol=0)
    # Without gradients nothing is saved and nothing runs again; statistics move once.
    torch.testing.assert_close(list(recomputed.buffers()), list(kept.buffers()), rtol=0, atol=0)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_statistics_move_once_in_a_step_and_settings_are_put_back(momentum: float | None) -> None:
    _, module, x = pair("recompute if on { conv(4, 3) -> bn -> relu -> conv(4, 1) }")
    (norm,) = (part for part in module.modules() if isinstance(part, nn.BatchNorm2d))
    norm.momentum = momentum
    for count in (1, 2):
        y = module.train()(x).sum()
        y.backward(retain_graph=True)
        y.backward()
        assert norm.num_batches_tracked is not None and int(norm.num_batches_tracked) == count
        assert norm.momentum == momentum
    assert dict(module.named_buffers())["batch_norm.num_batches_tracked"] is norm.num_batches_tracked


def test_a_mistake_in_the_second_run_still_puts_the_settings_back() -> None:
    _, module, x = pair("recompute if on { conv(4, 3) -> bn -> relu -> conv(4, 1) }")
    y = module.train()(x)
    (norm,) = (part for part in module.modules() if isinstance(part, nn.BatchNorm2d))

    def fail(*_: object) -> None:
        raise RuntimeError("stop")

    norm.register_forward_hook(fail)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="stop"):
            y.sum().backward()
        assert norm.momentum == 0.1 and norm.num_batches_tracked is not None


def test_the_source_is_a_method_and_a_call_of_it() -> None:
    source = torch_source(program(BODIES["a chain"], True))
    assert (
        """\
    def squeeze(self, x: Tensor) -> Tensor:
        return F.relu(self.batch_norm(self.conv[0](x)))

    def forward(self, x: Tensor) -> Tensor:
        x = recompute(self.squeeze, x)  # [N, 4, 8, 8]
        return self.conv[1](x)  # [N, 2, 8, 8]
"""
        in source
    )
    assert "StatisticsKept(module)" in source


def test_only_what_is_needed_is_defined_and_imported() -> None:
    assert "checkpoint" not in torch_source(program(BODIES["a chain"], False))
    without = torch_source(program("recompute { conv(4, 3) -> relu }", True))
    assert "contextlib" not in without and "context_fn" not in without and "use_reentrant=False" in without


def test_a_method_takes_the_counters_that_its_submodules_need_and_no_others() -> None:
    assert "def recomputed(self, i: int, j: int, x: Tensor) -> Tensor:" in torch_source(
        program(BODIES["two repeats around"], True)
    )
    assert "def recomputed(self, x: Tensor) -> Tensor:" in torch_source(
        program("repeat 3 { conv(3, 1) -> recompute { relu -> tanh } }", True)
    )


def test_a_method_never_takes_the_name_of_a_submodule() -> None:
    module = build_module(
        program("recompute { conv(3, 1) as forward1 -> relu -> conv(3, 1) as squeeze } as squeeze", True)
    )
    assert sorted(name for name, _ in module.named_children()) == ["forward1", "squeeze"]
    module.train()(torch.zeros(1, 3, 8, 8))


def test_a_label_that_is_no_python_name_names_a_method_all_the_same() -> None:
    module = build_module(
        program('recompute { relu } as "3x"; recompute { tanh } as lambda; recompute { relu } as __init__', True)
    )
    assert {"x3x", "lambda_", "init"} < vars(type(module)).keys()
    module.train()(torch.zeros(1, 3, 8, 8))


def test_a_method_takes_only_what_its_results_depend_on() -> None:
    text = "relu; b = tanh; recompute { conv(4, 1); [b, x] -> add -> conv(3, 1); x -> conv(2, 1) }"
    source = torch_source(program(text, True))
    assert (
        "    def recomputed(self, x: Tensor) -> Tensor:\n        return self.conv[2](x)\n" in source
        and "tanh" not in source
    )
    build_module(program(text, True)).train()(torch.zeros(1, 3, 8, 8))


def test_what_exists_in_training_only_does_not_cut_a_region_in_two() -> None:
    text = "recompute { conv(4, 3) as a; output aux(train) = relu -> conv(2, 1) as b; bn as c }"
    source = torch_source(program(text, True))
    assert source.count("recompute(self.") == 2
    assert "        a = self.a(x)\n        x = self.c(a)\n        return a, x\n" in source


def test_a_tuple_that_a_loop_makes_longer_is_one_variable_in_a_loop() -> None:
    source = torch_source(program(BODIES["a growing tuple through blocks"], True))
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert names == ["StatisticsKept", "Dense", "M"]
    assert (
        """\
    def squeeze(self, *xs: Tensor) -> Tensor:
        x = F.relu(self.norm1(torch.cat(xs, dim=1)))
        return self.conv1(x)

    def forward(self, *xs: Tensor) -> Tensor:
        x = F.relu(self.norm2(recompute(self.squeeze, *xs)))
        return self.conv2(x)
"""
        in source
    )
    assert (
        """\
        xs = (x,)
        for i in range(4):
            xs = (*xs, getattr(self, f"layer{i + 1}")(*xs))
        return torch.cat(xs, dim=1)"""
        in source
    )


def test_a_block_that_looks_at_one_of_its_inputs_names_them_all() -> None:
    text = """
    block b() { [concat, id] -> concat }
    block first(n) { concat as all; all -> split(n + 1) }
    block pick() { split(3) as t; a, b, c = t; [t, a] -> concat }
    model m {
      input x: f32[N, 6, 4, 4]
      [x, x -> relu] -> b
      [id, x, x -> relu] -> b
      pick
      output y
    }"""
    found = from_text(text)
    module = build_module(found).eval()
    given = inputs(found)
    torch.testing.assert_close(module(*given), Run(found, {}, given, training=False).outputs()[0])
