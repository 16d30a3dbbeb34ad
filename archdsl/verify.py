"""Do the two backends compute the same network? Each is compared with PyTorch in double precision."""

import copy
from collections.abc import Mapping
from typing import Any, Final

from archdsl.backends.onnx.export import onnx_model
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.footprint import check_values, check_weights
from archdsl.ir.lowering import DEFAULT_OPSET
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.records import described, record
from archdsl.runtime import feeds, index_bounds, provider_of, run, session
from archdsl.seeds import check_seed
from archdsl.weights import initial

TOLERANCE: Final = 1e-5
"""Largest allowed max|difference| / max|reference| of a float32 engine."""


def _computed(module: Any, tensors: list[Any]) -> Any:
    """The results of PyTorch. Raises `ArchError` (E0832) for an index that the network computes and that is past the
    end of an embedding, and for memory that the system refuses. Anything else that PyTorch refuses is a mistake of the
    generated code, and no diagnostic."""
    try:
        return module(*tensors)
    except (IndexError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "can't allocate memory" not in str(error):
            raise
        note = str(error).partition("\n")[0]
        raise ArchError(
            [Diagnostic("E0832", "PyTorch failed while running the network", None, notes=(note,))]
        ) from error


@record
class Comparison:
    """One output. Errors are max|difference| / max|reference| against the double-precision run (the plain
    maximum where the reference is zero everywhere)."""

    output: str
    shape: tuple[int, ...]
    torch_error: float
    onnx_error: float

    __repr__ = described

    @property
    def passed(self) -> bool:
        """Both engines are within `TOLERANCE`; a NaN is not."""
        return self.torch_error <= TOLERANCE and self.onnx_error <= TOLERANCE


@record
class Verification:
    """The result of `verify`: one comparison per output, and onnxruntime's provider."""

    comparisons: tuple[Comparison, ...]
    provider: str

    __repr__ = described

    @property
    def passed(self) -> bool:
        return all(comparison.passed for comparison in self.comparisons)


def verify(
    program: Program,
    seed: int = 0,
    *,
    weights: Mapping[str, Any] | None = None,
    dims: Mapping[str, int] | None = None,
    opset: int = DEFAULT_OPSET,
    functions: bool = False,
    device: str = "cpu",
    limits: Limits | None = None,
) -> Verification:
    """Run a program through PyTorch and onnxruntime in float32, and through PyTorch in float64, with the same
    weights (`initial(program, seed)` unless given) on the same random inputs (from the same seed).

    What is too much for this machine or for the limits is refused before anything runs (E0814, E0835, E0916).
    `dims` gives symbolic dimensions their values, otherwise as in `feeds.make_feeds`; `device` is where
    onnxruntime runs. Raises `ArchError` as `onnx_model`, `session` and `run` do.
    """
    limits = limits or Limits()
    seed = check_seed(seed)
    torch = require("torch")
    numpy = require("numpy")
    # Only now: the module imports torch, whose absence is to be a diagnostic.
    from archdsl.backends.torch.build import Doubled, build_module

    check_weights(program, "both", limits)
    arrays = initial(program, seed, limits) if weights is None else dict(weights)
    created = session(onnx_model(program, arrays, opset=opset, functions=functions, limits=limits), device)
    inputs = feeds(created, dims=dims, seed=seed, bounds=index_bounds(program, limits))
    check_values(program, {name: array.shape for name, array in inputs.items()}, "both", limits)
    outputs = run(created, inputs)

    module: Any = build_module(program, limits)
    module.load_state_dict({path: torch.as_tensor(array) for path, array in arrays.items()})
    module.eval()
    tensors = [torch.from_numpy(inputs[value.name]) for value in program.inputs]
    with torch.no_grad():
        single = _several(_computed(module, tensors))
        exact_module = copy.deepcopy(module).double()
        with Doubled():
            reference = _several(_computed(exact_module, [_widened(tensor) for tensor in tensors]))
    names = [output.name for output in program.outputs if not output.train]
    comparisons = [
        Comparison(
            name,
            tuple(exact.shape),
            relative_error(numpy, ours.detach().numpy(), exact.detach().numpy()),
            relative_error(numpy, theirs, exact.detach().numpy()),
        )
        for name, ours, theirs, exact in zip(names, single, outputs.values(), reference, strict=True)
    ]
    return Verification(tuple(comparisons), provider_of(created))


def relative_error(numpy: Any, found: Any, reference: Any) -> float:
    """max|found - reference| / max|reference| in float64; infinite where the shapes differ."""
    if found.shape != reference.shape:
        return float("inf")
    if not reference.size:
        return 0.0
    exact = numpy.asarray(reference, numpy.float64)
    difference = float(numpy.abs(numpy.asarray(found, numpy.float64) - exact).max())
    scale = float(numpy.abs(exact).max())
    return difference / scale if scale else difference


def _several(result: Any) -> tuple[Any, ...]:
    # The module returns a tuple exactly when the model has several outputs.
    return result if isinstance(result, tuple) else (result,)  # pyright: ignore[reportUnknownVariableType]


def _widened(tensor: Any) -> Any:
    return tensor.double() if tensor.is_floating_point() else tensor
