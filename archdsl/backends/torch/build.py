"""An `nn.Module` from a program: the source of `torch_source`, executed, and weights put into it."""

import linecache
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from archdsl.backends.torch.source import model_class, torch_source
from archdsl.extras import require
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.weights.tensors import fitted

_built = 0
_models: "WeakValueDictionary[str, type[nn.Module]]" = WeakValueDictionary()
"""The model's class of every source that is in use: equal sources have one class."""


def build_module(program: Program, limits: Limits | None = None) -> nn.Module:
    """Execute the generated source and make one model, with PyTorch's own initialisation.

    The source is registered with `linecache`, so tracebacks, debuggers and `inspect.getsource` show it. The model can
    be copied, and pickled as a whole: the pickle holds the source. Raises `ArchError` as `torch_source` does.
    """
    return _model(torch_source(program, limits=limits), model_class(program))()


def _model(source: str, name: str) -> type[nn.Module]:
    """The model's class, called `name`, of a source."""
    global _built
    known = _models.get(source)
    if known is not None:
        return known
    _built += 1
    file = f"<archdsl {name} {_built}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = ModuleType(f"archdsl_generated_{_built}")
    module.__file__ = file
    exec(compile(source, file, "exec"), module.__dict__)
    model: type[nn.Module] = module.__dict__[name]
    # `inspect` asks `sys.modules` for the file of a class. What stands there holds no class, so that nothing is kept
    # alive by it.
    place = sys.modules[module.__name__] = ModuleType(module.__name__)
    place.__file__ = file
    weakref.finalize(model, _forget, file, module.__name__)

    def reduce(self: nn.Module, _: object) -> tuple[object, ...]:
        return _blank, (source, name, type(self).__name__), self.__getstate__()

    for each in module.__dict__.values():
        if isinstance(each, type) and each.__module__ == module.__name__:
            each.__reduce_ex__ = reduce  # pyright: ignore[reportAttributeAccessIssue]
    _models[source] = model
    return model


def _forget(file: str, module: str) -> None:
    linecache.cache.pop(file, None)
    sys.modules.pop(module, None)


def _blank(source: str, name: str, part: str) -> nn.Module:
    """What unpickling begins with: an instance of one class of a source, to be filled."""
    model = _model(source, name)
    method = next(each for each in vars(model).values() if isinstance(each, FunctionType))
    found: type[nn.Module] = method.__globals__[part]
    return found.__new__(found)


class Doubled(TorchFunctionMode):
    """While this is entered, tensors that code makes in single precision, because it says so (`x.to(torch.float32)`) or
    by default (`torch.tensor(0.5)`), are double: so a module whose weights are double is so from end to end."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        return result.double() if isinstance(result, torch.Tensor) and result.dtype == torch.float32 else result


def load_weights(module: nn.Module, program: Program, weights: Mapping[str, Any], limits: Limits) -> None:
    """Put weights, arrays or tensors by path, into a module of `build_module`. A step counter may be missing. Raises
    `ArchError` (E0811 to E0813) where they do not fit, in place of PyTorch's own exception."""
    expected, arrays = fitted(program, weights, limits)
    numpy = require("numpy")
    state: dict[str, Any] = module.state_dict()
    for path in expected:
        if path in arrays:
            # PyTorch takes arrays of this machine's byte order, with no axis backwards, and warns of read-only ones.
            native = arrays[path].dtype.newbyteorder("=")
            state[path] = torch.as_tensor(numpy.require(arrays[path], native, ["C", "W"]))
    module.load_state_dict(state)
