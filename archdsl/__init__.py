"""archdsl: a compiler for neural-network architectures.

```python
import archdsl

net = archdsl.load("resnet", depth=50)   # of the zoo; or a path, or the text of a spec
net.cost().params      # 25557032, no framework imported
net.torch()            # torch.nn.Module
net.onnx("resnet50.onnx")
```

Importing the package imports nothing else; what a call needs comes with the call.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl.api import Network as Network
    from archdsl.api import load as load
    from archdsl.diagnostics.model import ArchError as ArchError
    from archdsl.diagnostics.model import Diagnostic as Diagnostic
    from archdsl.limits import Limits as Limits
    from archdsl.project import check as check
    from archdsl.project import formulas as formulas
    from archdsl.project import models as models
    from archdsl.project import test as test
    from archdsl.version import __version__ as __version__

_HOMES = {
    "__version__": "archdsl.version",
    "ArchError": "archdsl.diagnostics.model",
    "Diagnostic": "archdsl.diagnostics.model",
    "Limits": "archdsl.limits",
    "Network": "archdsl.api",
    "check": "archdsl.project",
    "formulas": "archdsl.project",
    "load": "archdsl.api",
    "models": "archdsl.project",
    "test": "archdsl.project",
}

__all__ = [
    "ArchError", "Diagnostic", "Limits", "Network", "__version__", "check", "formulas", "load", "models", "test",
]  # fmt: skip


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'archdsl' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
