"""Every weight starts as its operator says, in both back ends: PyTorch's by the very call that filled it, the seeded
weights of ONNX by the moments of many draws."""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from contract_cases import CASES, Case
from torch.utils._python_dispatch import TorchDispatchMode

from archdsl.backends.torch.emitter import Emitter
from archdsl.ir.operator import Init, Weight
from archdsl.weights.initial import one

OWNERS = [case for case in CASES if case.op()[0].weights(*case.op()[1])]

Filled = tuple[str, float, float] | None
"""How a memory was filled last: as an `Init` says it; None by anything else, or not at all."""


class Fillings(TorchDispatchMode):
    """Notes how every tensor that is made is filled."""

    def __init__(self) -> None:
        super().__init__()
        self.by_storage: dict[int, tuple[torch.Tensor, Filled]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name, numbers = func.overloadpacket.__name__, [*args[1:], *(kwargs or {}).values()]
        filled: Filled = None
        match name, numbers:
            case (("uniform_" | "normal_"), [low, high, *_]):
                filled = name[:-1], low, high
            case "uniform_", []:
                filled = "uniform", 0.0, 1.0
            case "normal_", [] | [_]:
                filled = "normal", numbers[0] if numbers else 0.0, (kwargs or {}).get("std", 1.0)
            case "fill_", [value]:
                filled = "constant", float(value), 0.0
            case (("zeros" | "zero_"), _):
                filled = "constant", 0.0, 0.0
            case "ones", _:
                filled = "constant", 1.0, 0.0
            case "full", [value, *_]:
                filled = "constant", float(value), 0.0
            case (("detach" | "view" | "alias" | "lift_fresh" | "expand" | "t" | "transpose"), _):
                return result
            case _:
                pass
        if isinstance(result, torch.Tensor):
            # The tensor is kept with it, so that its memory is not given to another one.
            self.by_storage[result.untyped_storage()._cdata] = result, filled
        return result

    def of(self, tensor: torch.Tensor) -> Filled:
        return self.by_storage[tensor.untyped_storage()._cdata][1]


def starts(case: Case) -> list[tuple[Weight, Filled, torch.Tensor]]:
    """Each weight with how PyTorch filled it, made once more from the generated class."""
    op, inputs, _ = case.op()
    made = type(case.network().torch())
    with Fillings() as fillings:
        state = made().state_dict()
    weights = {weight.name: weight for weight in op.weights(*inputs)}
    found = [(weights[path.rpartition(".")[2] if "." in path else ""], tensor) for path, tensor in state.items()]
    assert len(found) == len(weights)
    return [(weight, fillings.of(tensor), tensor) for weight, tensor in found]


@pytest.mark.parametrize("case", OWNERS, ids=str)
def test_pytorch_starts_weights_by_the_rule_that_the_operator_states(case: Case) -> None:
    for weight, filled, tensor in starts(case):
        assert tuple(tensor.shape) == weight.shape
        init = weight.init
        if init.kind == "constant":
            assert tensor.double().numpy() == pytest.approx(init.low, abs=1e-7)
        else:
            assert filled == (init.kind, pytest.approx(init.low, rel=1e-6), pytest.approx(init.high, rel=1e-6)), weight


TOLD = [
    case for case in OWNERS if re.search(r"\b(std|bias_init)\b", case.example.call) and case.operator.name != "param"
]


@pytest.mark.parametrize("case", TOLD, ids=str)
def test_a_start_that_pytorch_is_not_told_of_or_that_is_a_little_off_is_noticed(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Emitter.initialise

    def nothing(*_: object) -> None:
        pass

    def off(self: Emitter, module: Any, weight: str, init: Init) -> None:
        honest(self, module, weight, Init(init.kind, init.low * 1.001, init.high * 1.001))

    for wrong in (nothing, off):
        monkeypatch.setattr(Emitter, "initialise", wrong)
        with pytest.raises(AssertionError):
            test_pytorch_starts_weights_by_the_rule_that_the_operator_states(case)


INITS = sorted({weight.init for case in OWNERS for weight in case.op()[0].weights(*case.op()[1])}, key=repr)


@pytest.mark.parametrize("init", INITS, ids=repr)
def test_seeded_weights_have_the_moments_of_the_rule(init: Init) -> None:
    values = one(np, "a.weight", Weight("weight", (1 << 18,), init), 0).astype(np.float64)
    if init.kind == "constant":
        assert (values == np.float32(init.low)).all()
        return
    middle, width = (init.low + init.high) / 2, init.high - init.low
    mean, deviation = (middle, width / math.sqrt(12)) if init.kind == "uniform" else (init.low, init.high)
    assert abs(values.mean() - mean) <= 0.01 * deviation
    assert values.std() == pytest.approx(deviation, rel=0.01)
    if init.kind == "uniform":
        assert init.low - 1e-6 <= values.min() <= init.low + 1e-4 * width
        assert init.high - 1e-4 * width <= values.max() <= init.high + 1e-6
    else:
        assert 4 * deviation < np.abs(values - mean).max() < 7 * deviation
        assert np.mean(np.abs(values - mean) < deviation) == pytest.approx(0.6827, abs=0.005)


@pytest.mark.parametrize("case", OWNERS, ids=str)
def test_seeded_weights_are_drawn_by_the_rule_of_their_own_weight(case: Case) -> None:
    op, inputs, _ = case.op()
    weights = {weight.name: weight for weight in op.weights(*inputs)}
    for path, values in case.network().weights().items():
        weight = weights[path.rpartition(".")[2] if "." in path else ""]
        assert values.shape == weight.shape
        assert (values == one(np, path, weight, 0)).all()
