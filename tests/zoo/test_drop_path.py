"""FractalNet's global drop-path: one draw for the whole network (Larsson et al., 2017)."""

from collections import Counter
from typing import Any

import pytest
import torch
from zoo_specs import program

from archdsl.backends.onnx.export import onnx_model
from archdsl.backends.torch.build import build_module
from archdsl.weights import initial

COLUMNS, BLOCKS = 3, 2
SMALL = {"c": COLUMNS, "widths": [3, 4]}


def fractal(**arguments: object) -> Any:
    torch.manual_seed(0)
    return build_module(program("fractalnet", "fractalnet", **SMALL, **arguments)).train()


def joins(module: Any) -> list[tuple[str, Any]]:
    return [(name, part) for name, part in module.named_modules() if type(part).__name__ == "ColumnJoin"]


def survivors(module: Any, x: torch.Tensor) -> list[tuple[int, set[int]]]:
    """For each join of one forward pass: how many branches it has, and which of them make up its result."""
    found: list[tuple[int, set[int]]] = []

    def look(part: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        branches = inputs[1:]
        for mask in range(1, 2 ** len(branches)):
            kept = {i for i in range(len(branches)) if mask >> i & 1}
            if torch.allclose(output, torch.stack([branches[i] for i in kept]).mean(0), atol=1e-6):
                found.append((len(branches), kept))
                return
        raise AssertionError("the result of a join is no mean of its branches")

    hooks = [part.register_forward_hook(look) for _, part in joins(module)]
    module(x)
    for hook in hooks:
        hook.remove()
    return found


def test_a_global_draw_keeps_one_column_and_the_same_one_in_every_join() -> None:
    module = fractal(global_drop=1.0)
    x = torch.randn(4, 3, 4, 4)
    drawn = Counter[int]()
    for _ in range(240):
        found = survivors(module, x)
        assert len(found) == len(joins(module)) == BLOCKS * 2
        columns = {tuple(kept) for branches, kept in found if branches == COLUMNS}
        assert len(columns) == 1, "the blocks keep different columns"
        ((column,),) = columns
        assert all(kept == {column} for branches, kept in found if column < branches)
        drawn[column] += 1
    # 240 draws of three: 80 each, standard deviation 7.3; four of them either way.
    assert set(drawn) == {0, 1, 2}
    assert all(51 <= count <= 109 for count in drawn.values()), drawn


def test_a_global_draw_trains_the_layers_of_one_column_and_no_other() -> None:
    module = fractal(global_drop=1.0, dropout_p=[0.0, 0.0])
    x = torch.randn(4, 3, 4, 4)
    trained = set[int]()
    for _ in range(24):
        module.zero_grad()
        module(x).square().sum().backward()
        weights = [p for name, p in module.named_parameters() if name.endswith("conv.weight")]
        trained.add(sum(bool(p.grad.any()) for p in weights))
    # Column 0 has four layers in each block, column 1 two, column 2 one.
    assert trained == {BLOCKS * 4, BLOCKS * 2, BLOCKS * 1}


def test_half_of_the_batches_are_drawn_globally_and_the_others_leave_it_to_the_joins() -> None:
    module = fractal()
    draws = Counter(int(module.draw_column(torch.zeros(1))) for _ in range(3000))
    assert set(draws) == {-1, 0, 1, 2}
    # Standard deviations 27.4 and 20.4; four of them either way.
    assert abs(draws[-1] - 1500) <= 110
    assert all(abs(draws[column] - 500) <= 82 for column in range(COLUMNS))


def test_without_a_global_draw_every_join_draws_for_itself() -> None:
    module = fractal(global_drop=0.0, drop=0.5)
    x = torch.randn(4, 3, 4, 4)
    ways = Counter[tuple[tuple[int, ...], ...]]()
    for _ in range(60):
        last = [tuple(sorted(kept)) for branches, kept in survivors(module, x) if branches == COLUMNS]
        ways[tuple(last)] += 1
        assert all(last), "a join that drops everything"
    assert any(first != second for first, second in ways)
    assert any(len(first) > 1 for first, _ in ways)


def test_evaluation_takes_the_mean_of_all_columns_and_draws_nothing() -> None:
    module = fractal(global_drop=1.0).eval()
    x = torch.randn(4, 3, 4, 4)
    state = torch.get_rng_state()
    with torch.no_grad():
        found = survivors(module, x)
        assert torch.equal(module(x), module(x))
    assert found == [(branches, set(range(branches))) for branches, _ in found]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("functions", [False, True])
def test_onnx_knows_nothing_of_the_draw(functions: bool) -> None:
    def model(global_drop: float) -> Any:
        net = program("fractalnet", "fractalnet", **SMALL, global_drop=global_drop)
        return onnx_model(net, initial(net, seed=0), functions=functions)

    often = model(1.0)
    assert [entry.name for entry in often.graph.input] == ["image"]
    assert all(name != "column" for function in often.functions for name in function.input)
    assert "draw_column" not in str(often.graph)
    del often.metadata_props[:]
    never = model(0.0)
    del never.metadata_props[:]
    assert often.SerializeToString() == never.SerializeToString()


def test_the_same_seed_draws_the_same_columns() -> None:
    module = fractal()
    x = torch.zeros(1)
    runs = []
    for _ in range(2):
        torch.manual_seed(7)
        runs.append([int(module.draw_column(x)) for _ in range(50)])
    assert runs[0] == runs[1]
