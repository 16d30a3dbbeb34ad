"""Generated modules as objects: copied, pickled, handed to other processes, compiled and exported by PyTorch."""

import copy
import importlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch_cases import from_spec, inputs

from archdsl.backends.torch.build import build_module
from archdsl.backends.torch.source import torch_source

SMALL: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("densenet_cifar", "densenet_bc", {"depth": 22}),
    ("densenet_cifar", "densenet_bc", {"depth": 22, "memory_efficient": True}),
    ("googlenet", None, {"aux": True, "classes": 10}),
    ("gpt", None, {"layers": 2, "d": 32, "heads": 4, "vocab": 50, "context": 16}),
    ("resnet_cifar", None, {"depth": 20}),
    ("unet", None, {"base": 8}),
)


def small() -> list[Any]:
    return [pytest.param(*each, id=" ".join([each[1] or each[0], *map(str, each[2].values())])) for each in SMALL]


def results(module: nn.Module, given: list[torch.Tensor]) -> Any:
    torch.manual_seed(0)
    with torch.no_grad():
        return module.eval()(*given)


@pytest.mark.parametrize(("spec", "model", "given"), small())
def test_a_module_survives_pickling_and_copying(spec: str, model: str | None, given: dict[str, Any]) -> None:
    program = from_spec(spec, model, **given)
    module = build_module(program)
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    again = torch.load(buffer, weights_only=False)
    given_inputs = inputs(program, symbol=8)
    assert type(again) is type(module)
    for twin in (again, copy.deepcopy(module)):
        assert list(twin.state_dict()) == list(module.state_dict())
        torch.testing.assert_close(results(twin, given_inputs), results(module, given_inputs), rtol=0, atol=0)
        next(twin.parameters()).data.zero_()
        assert next(module.parameters()).abs().sum() > 0


def test_a_pickle_is_read_by_a_process_that_has_never_seen_the_spec(tmp_path: Path) -> None:
    program = from_spec("densenet_cifar", "densenet_bc", depth=22, memory_efficient=True)
    module, given = build_module(program), inputs(program)
    torch.save({"module": module, "x": given, "y": results(module, given)}, tmp_path / "whole.pt")
    code = """
import sys, torch
found = torch.load(sys.argv[1], weights_only=False)
with torch.no_grad():
    assert torch.equal(found["module"](*found["x"]), found["y"])
found["module"].train()(*found["x"]).sum().backward()
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "whole.pt"], check=True, timeout=120)


def test_a_compiled_file_is_imported_and_its_modules_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = from_spec("densenet_cifar", "densenet_bc", depth=22, memory_efficient=True)
    (tmp_path / "generated_densenet.py").write_text(torch_source(program), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("generated_densenet").DenseNetCifar()
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    given = inputs(program)
    again = torch.load(buffer, weights_only=False)
    torch.testing.assert_close(results(again, given), results(module, given), rtol=0, atol=0)


def test_equal_sources_have_one_class() -> None:
    first, second, other = (build_module(from_spec("resnet_cifar", depth=depth)) for depth in (20, 20, 32))
    assert type(first) is type(second) is not type(other)
    assert not torch.equal(next(first.parameters()), next(second.parameters()))


def test_pytorch_compiles_a_training_step_with_recomputation() -> None:
    program = from_spec("densenet_cifar", "densenet_bc", depth=16, memory_efficient=True)
    plain = build_module(program).train()
    twin = copy.deepcopy(plain)
    torch._dynamo.reset()
    compiled = torch.compile(twin, backend="aot_eager")
    (x,) = inputs(program)
    for module in (plain, compiled):
        module(x).square().sum().backward()
    for ours, theirs in zip(twin.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(twin.state_dict(), plain.state_dict())


@pytest.mark.parametrize(("spec", "model", "given"), small())
def test_pytorch_exports_it(spec: str, model: str | None, given: dict[str, Any]) -> None:
    program = from_spec(spec, model, **given)
    module = build_module(program).eval()
    given_inputs = inputs(program, symbol=8)
    exported = torch.export.export(module, tuple(given_inputs)).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(*given_inputs), module(*given_inputs))
