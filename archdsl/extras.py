"""Optional packages, imported when first needed; a missing one is a diagnostic that says what to install."""

from importlib import import_module
from typing import Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic

_EXTRAS: Final = {
    "torch": "torch",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "numpy": "onnx",
    "safetensors": "onnx",
    "PIL": "onnx",
}
"""Top-level package -> the extra of archdsl that installs it."""


def require(module: str) -> Any:
    """The imported module (`require("onnx")`, `require("safetensors.numpy")`).

    Raises `ArchError` (E0801) when its package is not installed or cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name == package
        reason = "is not installed" if missing else f"cannot be imported: {error}"
        message = f"the package `{package}` {reason}"
        help = f'pip install "archdsl[{_EXTRAS[package]}]"'
        raise ArchError([Diagnostic("E0801", message, None, help=help)]) from error
