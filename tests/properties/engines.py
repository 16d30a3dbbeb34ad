"""What load accepted, every analysis, both back ends and `verify` agree on."""

import copy
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

import numpy as np
import torch
from counted import DTYPES, check_against_pytorch, check_against_the_executor, fixed
from measured import kept_bytes, mkldnn
from strategies.operators import SIZES
from torch.utils.checkpoint import checkpoint

import archdsl
from archdsl.analysis import conventions
from archdsl.analysis.columns import COLUMNS
from archdsl.analysis.count_report import FORMATS
from archdsl.analysis.depth import depth
from archdsl.analysis.field import FieldModel
from archdsl.analysis.training import TrainingModel
from archdsl.backends.torch.build import Doubled
from archdsl.ir.conditions import broken, conditions
from archdsl.ir.flatten import flatten
from archdsl.ir.operator import LARGEST_F32
from archdsl.ir.printer import print_program
from archdsl.ir.program import Program
from archdsl.ir.verifier import verify as sound
from archdsl.limits import Limits
from archdsl.runtime import feeds, index_bounds, session
from archdsl.types.dims import symbols
from archdsl.types.tensor import TensorType
from archdsl.verify import TOLERANCE, Comparison, verify
from properties.stochastic import ONNXRUNTIME, UNIT, Grain, Largest, SingleDraws, disturbed

RUNS = 8
"""How many times the reference is disturbed: often enough that a threshold which one rounding crosses is crossed."""
SEEDS = (None, *range(RUNS))
MOST_NOISE = 4
"""How many times as far as rounding moves the reference an engine may be from it, where that is more than the
tolerance. Of four thousand results none that far off is at more than once."""
TRAINING_TOLERANCE = 1e-4
LESS = tuple(2.0 ** -(6 * k) for k in range(1, RUNS + 1))
"""Parts of what it may lose that the forward pass loses in further runs. Single precision need not lose anything, as
of 1 / 2 + 1 / 4; and where a little decides which way a gradient goes, as of a `relu` of next to nothing, much may lead
to where the gradient is small again."""
HALVES = ("f16", "bf16")


def check_program(text: str) -> archdsl.Network:
    """Everything below, of one spec that is valid; the same text is always tried the same way."""
    net = archdsl.load(text)
    chosen = zlib.crc32(text.encode())
    check_analyses(net, chosen)
    check_counts(net)
    if not looks_up_what_is_computed(net.program):
        check_inference(net, functions=bool(chosen & 1))
        check_training(net)
    return net


def looks_up_what_is_computed(program: Program) -> bool:
    """Whether an embedding is asked for indices that the network computes, which may be past its end."""
    given = set(program.inputs)
    return any(op.op.name == "embedding" and op.inputs[0] not in given for op in flatten(program, Limits()))


# ------------------------------------------------------------------------------------------------------- analyses


def check_analyses(net: archdsl.Network, chosen: int) -> None:
    program = net.program
    assert sound(program) == []
    assert print_program(program)
    total, memory = net.cost(), net.memory()
    assert total.params >= 0 and total.buffers >= 0 and memory is not None
    assert depth(program) >= 0
    names = [*program.entry.labels, *(output.name for output in program.outputs)]
    for name in names[:3]:
        net.receptive_field(name)
    assert FieldModel(program).entry is not None
    columns = [column.name for column in COLUMNS]
    formats, counters = list(FORMATS), conventions.names()
    for each, kind in enumerate(formats):
        given = None if (chosen + each) % 3 else columns
        convention = counters[(chosen + each) % len(counters)] if each % 2 and given is None else "archdsl"
        text = net.table((chosen + each) % 4, kind, columns=given, convention=convention)
        assert text.strip()


def check_counts(net: archdsl.Network) -> None:
    """Counts are those of an executor, and of PyTorch."""
    single = {**SIZES, net.program.batch_symbol or "": 1}
    check_against_the_executor(net.program, single)
    shapes = {v.name: [int(dim) for dim in v.type.substitute(single).dims] for v in net.program.inputs}
    heads = any(output.train for output in net.program.outputs)
    joins = any(op.op.name == "join" for op in flatten(net.program, Limits()))
    if broken({v.name: v.type.dims for v in net.program.inputs}, shapes, conditions(net.program)) is None:
        # A join that draws is a product to PyTorch's counter, which is shown the training mode for the heads.
        check_against_pytorch(net.program, sizes=single, products=not (heads and joins))


# ------------------------------------------------------------------------------------------------------ inference


def bound(program: Program) -> dict[str, int]:
    """Sizes of the symbols of its inputs."""
    found = {name for value in program.inputs for dim in value.type.dims for name in symbols(dim)}
    return {name: SIZES[name] for name in sorted(found)}


def types(program: Program) -> list[TensorType]:
    return [value.type for op in flatten(program, Limits()) for value in (*op.inputs, *op.outputs)]


def check_inference(net: archdsl.Network, functions: bool) -> None:
    """PyTorch and onnxruntime compute what PyTorch computes in double precision."""
    program = net.program
    if any(output.value.type.dtype == "bf16" for output in program.outputs):
        return  # numpy has no such type, so onnxruntime gives none
    found = verify(program, dims=bound(program), functions=functions)
    assert [c.output for c in found.comparisons] == [o.name for o in program.outputs if not o.train]
    bad = [c for c in found.comparisons if not c.passed]
    if not bad or any(type.dtype in HALVES for type in types(program)):
        return
    if leaves_single_precision(net):
        return
    noise, coarse = noise_of(net), noise_of(net, ONNXRUNTIME)
    for comparison in bad:
        check_error(comparison, noise[comparison.output], coarse[comparison.output])


def leaves_single_precision(net: archdsl.Network) -> bool:
    """Whether a value on the way, in double precision, is larger than single precision holds."""
    exact, tensors, _ = reference_of(net)
    with torch.no_grad(), Doubled(), Largest() as largest:
        exact(*tensors)
    return largest.value > LARGEST_F32


def check_error(comparison: Comparison, noise: float, coarse: float = 0.0) -> None:
    """An error above the tolerance must come from a network that magnifies what single precision loses, or what
    onnxruntime's own functions lose beyond that (`coarse`)."""
    for error, known in ((comparison.torch_error, noise), (comparison.onnx_error, max(noise, coarse))):
        right = known == float("inf") or error <= max(TOLERANCE, MOST_NOISE * known)
        assert right, f"{comparison}, noise {noise:.1e}, coarse {coarse:.1e}"


def several(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def reference_of(net: archdsl.Network) -> tuple[torch.nn.Module, list[torch.Tensor], list[str]]:
    """The module that `verify` compares with, in double precision, its inputs, and the names of its outputs."""
    program = net.program
    weights = net.weights(0)
    bounds = index_bounds(program, Limits())
    inputs = feeds(session(net.onnx_model(weights)), dims=bound(program), seed=0, bounds=bounds)
    module = net.torch()
    module.load_state_dict({path: torch.as_tensor(array) for path, array in weights.items()})
    tensors = [widened(torch.from_numpy(inputs[value.name])) for value in program.inputs]
    return module.eval().double(), tensors, [output.name for output in program.outputs if not output.train]


def noise_of(net: archdsl.Network, grains: Mapping[str, Grain] | None = None) -> dict[str, float]:
    """By output, how far the reference moves when each function's result is a little wrong; infinite where it is no
    number at all."""
    exact, tensors, names = reference_of(net)
    with torch.no_grad(), Doubled():
        plain = several(exact(*tensors))
        worst = dict.fromkeys(names, 0.0)
        for seed in SEEDS:
            with disturbed(seed, grains=grains) as wrong, wrong.inside_layers(exact):
                moved = several(exact(*map(wrong.of, tensors)))
            for name, a, b in zip(names, plain, moved, strict=True):
                worst[name] = furthest((worst[name], distance(b, a)))
    return worst


def widened(x: torch.Tensor) -> torch.Tensor:
    return x.double() if x.is_floating_point() else x


def furthest(distances: Iterable[float]) -> float:
    """The largest; infinite if one of them is no number, as where rounding leaves the domain of a root."""
    return max(error if error == error else float("inf") for error in distances)


def distance(found: torch.Tensor, reference: torch.Tensor) -> float:
    """max|d| / max|ref|; infinite where the reference is no number."""
    if not reference.numel():
        return 0.0
    reference = reference.detach().double()
    error = float((found.detach().double() - reference).abs().max())
    scale = float(reference.abs().max())
    if not np.isfinite(scale):
        return float("inf")
    return error / scale if scale else error


# ------------------------------------------------------------------------------------------------------- training


def check_training(net: archdsl.Network) -> None:
    """In training mode, outputs, gradients and statistics are those of the same module in double precision. Volumes are
    convolved without oneDNN, whose gradient of their weights is made of what happens to lie in memory for some kernels
    (3.12: `nn.Conv3d(2, 2, 6, stride=2, padding=3)` of a 5 x 6 x 4 volume)."""
    program = net.program
    if any(type.dtype in HALVES for type in types(program)):
        return
    check_single(net)
    inputs = training_inputs(program)
    torch.manual_seed(0)
    module = net.torch().train()
    exact = copy.deepcopy(module).double()
    try:
        with mkldnn(not any(isinstance(part, torch.nn.Conv3d) for part in module.modules())):
            rough = step(module, inputs)
    except ValueError:
        assert any("train" in warning.message for warning in net.warnings), "refused without a warning"
        return
    check_step(rough, exact, inputs)


def check_single(net: archdsl.Network) -> None:
    """PyTorch trains on a batch of one sample where the conditions say so."""
    program = net.program
    if program.batch_symbol is None:
        return
    sizes = {**SIZES, program.batch_symbol: 1}
    inputs = training_inputs(program, sizes)
    shapes = {value.name: x.shape for value, x in zip(program.inputs, inputs, strict=True)}
    refused = broken({v.name: v.type.dims for v in program.inputs}, shapes, conditions(program, training=True))
    if refused is not None and not refused.reason.startswith("`batch_norm`"):
        return  # at inference, too
    try:
        net.torch().train()(*inputs)
    except ValueError as error:
        warned = any("train" in warning.message for warning in net.warnings)
        assert refused is not None or warned, f"refused against the conditions: {error}"
    else:
        assert refused is None, refused


def check_step(rough: dict[str, torch.Tensor], exact: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> None:
    """A step in single precision is that of the same module in double precision, but for what single precision loses.
    Each result is measured by itself: a small gradient beside large ones is as right as they are."""
    state = copy.deepcopy(exact.state_dict())

    def again(**disturbance: Any) -> dict[str, torch.Tensor]:
        exact.load_state_dict(state)
        return step(exact, inputs, double=True, **disturbance)

    fine = again()
    assert rough.keys() == fine.keys()
    errors = {name: distance(rough[name], reference) for name, reference in fine.items()}
    bad = {name: error for name, error in errors.items() if not error <= TRAINING_TOLERANCE}
    if not bad:
        return
    with Largest() as largest:
        again()
    if largest.value > LARGEST_F32:
        return
    moved = [again(disturb=True, seed=seed) for seed in SEEDS]
    moved += [again(disturb=True, seed=seed, forward=part) for seed, part in enumerate(LESS)]
    for name, error in bad.items():
        noise = furthest(distance(each[name], fine[name]) for each in moved)
        assert noise == float("inf") or error <= MOST_NOISE * noise, f"{name} differs by {error:.1e}, noise {noise:.1e}"


def training_inputs(program: Program, sizes: Mapping[str, int] = SIZES) -> list[torch.Tensor]:
    stream = torch.Generator().manual_seed(5)
    bounds = index_bounds(program, Limits())
    found: list[torch.Tensor] = []
    for value in program.inputs:
        type = value.type.substitute(sizes)
        shape = [int(dim) for dim in type.dims]
        dtype = DTYPES[type.dtype]
        most = min(bounds.get(value.name, 2), 2)
        drawn = (
            torch.randn(shape, generator=stream) if type.is_float else torch.randint(0, most, shape, generator=stream)
        )
        found.append(drawn.to(dtype))
    return found


@contextmanager
def doubled(module: torch.nn.Module) -> Iterator[None]:
    """`Doubled`, for a backward pass as well. PyTorch leaves the modes of functions for as long as `backward` runs, so
    what the generated code computes again there enters its own."""

    def again(method: Callable[..., Any], *inputs: Any, **options: Any) -> Any:
        def run(*given: Any) -> Any:
            with Doubled():
                return method(*given)

        return checkpoint(run, *inputs, **options)

    names = type(module).forward.__globals__  # pyright: ignore[reportFunctionMemberAccess]
    with mock.patch.dict(names, {"checkpoint": again} if "checkpoint" in names else {}), Doubled(), SingleDraws():
        yield


def step(
    module: torch.nn.Module,
    inputs: Sequence[torch.Tensor],
    double: bool = False,
    disturb: bool = False,
    seed: int | None = None,
    forward: float = 1.0,
) -> dict[str, torch.Tensor]:
    """Outputs, gradients and state after one forward and backward pass; or disturbed, in the forward pass by this part
    of what single precision may lose."""
    torch.manual_seed(0)
    module.zero_grad()
    given = [widened(x) for x in inputs] if double else inputs
    around = disturbed(seed, UNIT * forward) if disturb else nullcontext()
    # The disturbance is around what is double already.
    with doubled(module) if double else nullcontext(), around as disturbance:
        results = several(module(*(map(disturbance.of, given) if disturbance else given)))
        found = {f"output {i}": y.detach() for i, y in enumerate(results)}
        total: Any = 0
        for i, y in enumerate(results):
            if y.is_floating_point() and y.requires_grad:
                ramp = torch.linspace(-1, 3, y.numel(), dtype=torch.float64).reshape(y.shape).to(y.dtype)
                total = total + (y * ramp).sum() * (i + 1)
        if disturbance is not None:
            disturbance.unit = UNIT
        if isinstance(total, torch.Tensor):
            total.backward()
    found |= {f"gradient of {n}": p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
    return found | {f"state {n}": b.clone() for n, b in module.named_buffers() if b.is_floating_point()}


def check_kept(net: archdsl.Network) -> None:
    """Bytes that autograd keeps are those that are counted."""
    inputs = training_inputs(net.program)
    torch.manual_seed(0)
    module = net.torch().train()
    assert kept_bytes(module, *inputs) == fixed(TrainingModel(net.program).kept, SIZES)
