"""An `nn.Module` from a program: the source of `torch_source`, executed."""

import linecache
import weakref
from types import ModuleType

from torch import nn

from archdsl.backends.torch.source import model_class, torch_source
from archdsl.ir.program import Program

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
