"""What operators do in training mode, where the examples only look at inference."""

import pytest
import torch
from contract_cases import CASES, Case, model_text, operators, random_weights

from archdsl.api import load
from archdsl.ir.operator import Operator


def training_module(call: str, *inputs: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return load(model_text(call, inputs)).torch().train()


def test_join_keeps_exactly_one_branch_when_each_is_dropped_for_sure() -> None:
    module = training_module("join(1.0)", "f32[N, 3]", "f32[N, 3]", "f32[N, 3]")
    branches = [torch.full((2, 3), float(i)) for i in (1, 2, 3)]
    results = {float(module(*branches)[0, 0]) for _ in range(200)}
    assert results == {1.0, 2.0, 3.0}


def test_join_takes_the_mean_of_the_surviving_branches() -> None:
    module = training_module("join(0.5)", "f32[N, 3]", "f32[N, 3]")
    results = [float(module(torch.zeros(1, 3), torch.ones(1, 3))[0, 0]) for _ in range(400)]
    assert set(results) == {0.0, 0.5, 1.0}
    # Both survive with 1/4; otherwise one does, either with the same probability.
    assert 60 <= results.count(0.5) <= 140
    assert 100 <= results.count(0.0) <= 200


def test_drop_path_drops_whole_samples_and_scales_the_others_to_keep_the_mean() -> None:
    module = training_module("drop_path(0.25)", "f32[N, 3, 2]")
    y = module(torch.ones(2000, 3, 2))
    assert torch.equal(y.amax((1, 2)), y.amin((1, 2)))
    assert {round(float(value), 4) for value in y[:, 0, 0].unique()} == {0.0, 1.3333}
    assert float(y.mean()) == pytest.approx(1.0, abs=0.06)


def test_drop_path_per_batch_drops_all_samples_or_none_and_keeps_the_mean() -> None:
    module = training_module('drop_path(0.25, per = "batch")', "f32[N, 3, 2]")
    results = [module(torch.ones(4, 3, 2)) for _ in range(2000)]
    assert all(torch.equal(y, torch.full_like(y, float(y[0, 0, 0]))) for y in results)
    firsts = torch.stack([y[0, 0, 0] for y in results])
    assert {round(float(value), 4) for value in firsts.unique()} == {0.0, 1.3333}
    assert float(firsts.mean()) == pytest.approx(1.0, abs=0.06)


def test_drop_path_of_probability_one_drops_everything_and_of_zero_nothing() -> None:
    x = torch.randn(4, 3)
    assert torch.equal(training_module("drop_path(1.0)", "f32[N, 3]")(x), torch.zeros(4, 3))
    assert torch.equal(training_module("drop_path", "f32[N, 3]")(x), x)


def test_dropout_zeroes_elements_in_training_only() -> None:
    module = training_module("dropout(0.5)", "f32[N, 100]")
    x = torch.ones(10, 100)
    assert 0.4 < float((module(x) == 0).float().mean()) < 0.6
    assert torch.equal(module.eval()(x), x)


def test_batch_norm_moves_its_running_averages_by_its_momentum() -> None:
    module = training_module("bn(momentum = 0.25)", "f32[N, 2, 4]")
    module(torch.full((3, 2, 4), 8.0))
    state = module.state_dict()
    (mean,) = (value for name, value in state.items() if name.endswith("running_mean"))
    (steps,) = (value for name, value in state.items() if name.endswith("num_batches_tracked"))
    assert torch.allclose(mean, torch.full((2,), 2.0))
    assert int(steps) == 1


def test_nothing_is_learned_through_detach() -> None:
    module = load("model m { input x: f32[N, 3]\n linear(4) as a -> detach -> linear(2) as b\n output y }").torch()
    module(torch.ones(2, 3)).sum().backward()
    grown = {path for path, parameter in module.named_parameters() if parameter.grad is not None}
    assert grown == {"b.weight", "b.bias"}


def test_a_constant_is_no_state_and_a_number_is_written_as_one() -> None:
    network = load(model_text("mul { id | constant([[2, 3]]) as pair } -> sub { constant(1) | id }", ("f32[N, 2]",)))
    module = network.torch()
    assert module.state_dict() == {}
    assert torch.equal(module(torch.ones(1, 2)), torch.tensor([[-1.0, -2.0]]))
    assert "1.0 - x0 * self.pair()" in network.torch_source()
    assert network.cost().activations == 2 * 2


WEIGHTED = [case for case in CASES if case.operator.weights is not Operator.weights]
FIRST = [Case(operator, operator.examples[0]) for operator in operators()]


@pytest.mark.parametrize("case", WEIGHTED, ids=str)
def test_every_trainable_weight_gets_a_gradient(case: Case) -> None:
    module = case.network().torch().train()
    arrays = random_weights(case.network())
    module.load_state_dict({path: torch.from_numpy(array.copy()) for path, array in arrays.items()})
    torch.manual_seed(0)
    parameters = dict(module.named_parameters())
    if not parameters:
        pytest.skip("the example learns nothing")
    result = module(*(torch.from_numpy(array) for array in case.arrays().values()))
    results = result if isinstance(result, tuple) else (result,)
    sum((each**3).sum() for each in results).backward()
    assert [name for name, parameter in parameters.items() if parameter.grad is None] == []


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_every_operator_is_captured_whole_by_the_compiler_front_end(case: Case) -> None:
    """`backend="eager"` runs what TorchDynamo captured; `fullgraph` forbids falling back to Python."""
    torch.compiler.reset()
    # Recurrent modules are left out by default, for the time that a compiled loop would take.
    with torch._dynamo.config.patch(allow_rnn=True):
        module = case.network().torch().train()
        compiled = torch.compile(module, backend="eager", fullgraph=True)
        inputs = [torch.from_numpy(array) for array in case.arrays().values()]
        assert shapes(compiled(*inputs)) == shapes(module(*inputs))


def shapes(result: object) -> list[tuple[int, ...]]:
    return [tuple(t.shape) for t in (result if isinstance(result, tuple) else (result,))]
