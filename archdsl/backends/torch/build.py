"""An `nn.Module` from a program: the source of `torch_source`, executed, and weights put into it."""

import linecache
import weakref
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch
from torch import nn

from archdsl.backends.torch.source import model_class, torch_source
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.weights.tensors import fitted

_built = 0


def build_module(program: Program) -> nn.Module:
    """Execute the generated source and make one model, with PyTorch's own initialisation.

    The source is registered with `linecache`, so tracebacks and debuggers show it. Raises `ArchError`
    as `torch_source` does.
    """
    global _built
    source = torch_source(program)
    _built += 1
    file = f"<archdsl {program.name} {_built}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = ModuleType(f"archdsl_generated_{_built}")
    module.__file__ = file
    exec(compile(source, file, "exec"), module.__dict__)
    model: type[nn.Module] = module.__dict__[model_class(program)]
    weakref.finalize(model, linecache.cache.pop, file, None)
    return model()


def load_weights(module: nn.Module, program: Program, weights: Mapping[str, Any], limits: Limits) -> None:
    """Put weights, arrays or tensors by path, into a module of `build_module`. A step counter may be missing. Raises
    `ArchError` (E0811 to E0813) where they do not fit, in place of PyTorch's own exception."""
    expected, arrays = fitted(program, weights, limits)
    state: dict[str, Any] = module.state_dict()
    given = {path: torch.as_tensor(arrays[path]) for path in expected if path in arrays}
    module.load_state_dict({**state, **given})
