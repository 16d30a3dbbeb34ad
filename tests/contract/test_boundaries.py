"""Every operator at the edges of what it takes: inputs without axes, with one, with axes of length 1, with symbols,
with too few axes; numbers beyond what engines keep, empty lists, zeros. Whatever comes in, loading refuses it with a
diagnostic, or everything after it works: counting, PyTorch in both modes, ONNX, and all engines agree."""

import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import torch
from contract_cases import SIZES, model_text, operators

from archdsl.api import Network, load
from archdsl.backends.torch import build
from archdsl.diagnostics.model import ArchError
from archdsl.ir.operator import ArgumentSpec, Example, Operator
from archdsl.verify import verify

LARGE = ("2**31", "2**62")
NUMBERS = ("0", "-1", *LARGE)
LISTS = (*NUMBERS, "[]", "[0, 0]", "[2**40]")
VALUES: dict[str, tuple[str, ...]] = {
    "float": ("1e39", "-1e39", "1e300", "0", "-0.0", "1e-320"),
    "int": NUMBERS,
    "window": LISTS,
    "padding": LISTS,
    "ints": LISTS,
    "int | ints": LISTS,
    "dim": (*NUMBERS, "H", "1 - H", "H - 9"),
    "dims": ("[]", "[-1]", "[1]", "[-1, 1]", "[0]"),
    "lengths": (),
    "list": ("[]", "1e39", "[1e39]", "1e300", "2**62", "-0.0"),
    "string": ('""', '"->"'),
    "bool": (),
    "weight": (),
    "tensor": (),
}
"""For each kind of argument the values at its edges."""

RUN_BELOW = 1_000_000
"""Elements that a network may write to be run as well: what is larger is only written down."""

Dims = list[str]


def shapes(inputs: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The inputs of an example, and others near the edge, each axis in turn 1 and a symbol."""
    longest = max((len(_dims(text)) for text in inputs), default=0)
    changes: list[Callable[[Dims], Dims]] = [
        lambda dims: dims,
        lambda dims: [],
        lambda dims: ["1"],
        lambda dims: ["N"],
        lambda dims: ["1"] * len(dims),
        lambda dims: dims[:1] + ["1"] * (len(dims) - 1),
        lambda dims: dims[:2],
        lambda dims: dims[:1] + dims[2:],
        lambda dims: dims[:2] + ["H", "W", "T"][: len(dims[2:])],
    ]
    for axis in range(longest):
        changes.append(lambda dims, axis=axis: [*dims[:axis], "1", *dims[axis + 1 :]])
        changes.append(lambda dims, axis=axis: [*dims[:axis], "H", *dims[axis + 1 :]])
    yield from dict.fromkeys(tuple(_changed(text, change) for text in inputs) for change in changes)


def _dims(text: str) -> Dims:
    return re.findall(r"[^,\[\]\s][^,\[\]]*", text.partition("[")[2])


def _changed(text: str, change: Callable[[Dims], Dims]) -> str:
    return f"{text.partition('[')[0]}[{', '.join(change(_dims(text)))}]"


def settings(operator: type[Operator], example: Example) -> Iterator[str]:
    """The example with one argument set to a value at its edge. Results of which there are several stay in a tuple."""
    for spec in operator.arguments():
        for value in VALUES[spec.kind]:
            if not _endless(operator, spec, value):
                text = model_text(f"edge({spec.name} = {value})", example.inputs)
                yield text.replace("{\n", f"{{\n  let edge = {example.call}\n", 1)


def _endless(operator: type[Operator], spec: ArgumentSpec, value: str) -> bool:
    """Windows that one is charged for by the piece are the business of the limits, and no f32 holds such a power."""
    large = {("local_response_norm", "size"), ("adaptive_avg_pool", "output_size"), ("lp_pool", "p")}
    return (operator.name, spec.name) in large and "2**" in value


def pursue(text: str, dims: dict[str, int]) -> str:
    """Take a model all the way. What it came to: "refused", "counted" or "ran"."""
    network = analysed(text)
    if network is None:
        return "refused"
    try:
        if _is_large(load(text, dims=dims) if dims else network):
            network.torch_source()
            return "counted"
        module = network.torch()
        found = verify(network.program, dims=dims)
        assert found.passed, found
    except ArchError:
        return "refused"
    if min(dims.values(), default=2) > 1:
        _train(network, module, dims)
    return "ran"


@cache
def analysed(text: str) -> Network | None:
    """A model that is accepted and counted, whatever sizes it is then given."""
    try:
        network = load(text)
        network.table()
        network.memory()
        network.training_macs()
    except ArchError:
        return None
    return network


@pytest.fixture(autouse=True)
def written_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A network is the same source whatever sizes it is given, and writing it takes longer than running it."""
    analysed.cache_clear()
    monkeypatch.setattr(build, "torch_source", cache(build.torch_source))
    yield
    analysed.cache_clear()


def _is_large(network: Network) -> bool:
    return max(int(value) for value in (network.cost().activations, network.cost().params)) > RUN_BELOW


def _train(network: Network, module: torch.nn.Module, dims: dict[str, int]) -> None:
    """A forward and a backward pass in training mode, unless a warning says that PyTorch will refuse it."""
    if any("in training" in warning.message for warning in network.warnings):
        return
    inputs: list[torch.Tensor] = []
    for value in network.program.inputs:
        shape = [int(dim) for dim in value.type.substitute(dims).dims]
        is_float = value.type.dtype == "f32"
        inputs.append(torch.randn(shape, requires_grad=True) if is_float else torch.zeros(shape, dtype=torch.int64))
    results = module.train()(*inputs)
    for result in results if isinstance(results, tuple) else (results,):
        if result.requires_grad:
            result.sum().backward(retain_graph=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("operator", operators(), ids=lambda operator: operator.name)
def test_an_operator_refuses_a_shape_or_works_with_it(operator: type[Operator]) -> None:
    seen: set[tuple[str, ...]] = set()
    for example in operator.examples[:4]:
        for inputs in shapes(example.inputs):
            text = model_text(example.call, inputs)
            for sizes in (SIZES, dict.fromkeys(SIZES, 1)):
                used = {name: size for name, size in sizes.items() if re.search(rf"\b{name}\b", " ".join(inputs))}
                if (text, str(used)) not in seen:
                    seen.add((text, str(used)))
                    pursue(text, used)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("operator", operators(), ids=lambda operator: operator.name)
def test_an_operator_refuses_a_value_or_works_with_it(operator: type[Operator]) -> None:
    for example in operator.examples[:2]:
        used = {name: size for name, size in SIZES.items() if re.search(rf"\b{name}\b", " ".join(example.inputs))}
        for text in settings(operator, example):
            pursue(text, used)


ACCEPTED = [
    ("a learned number scales", 'mul { id | param([], init = "ones") as gain }', "f32[N, 3]"),
    ("a learned number of any start", 'mul { id | param([], init = "normal") as gain }', "f32[N, 3]"),
    ("one element is read as a number", "reshape([])", "f32[1, 1]"),
    ("brackets of a pattern may hold nothing", 'rearrange("1 1 ->")', "f32[1, 1]"),
    ("the step of a number", "mul { id | constant(0.5) -> step }", "f32[N, 3]"),
    ("two numbers are multiplied", "[constant(0.5), constant(2)] -> mul -> step", "f32[N, 3]"),
    ("a parameter is an output", "param([3])", "f32[N, 6]"),
    ("one branch leaves the sizes as they are", "mul -> repeat_dim(H)", "f32[1, H]"),
    ("one branch of each merge", "add -> max -> min -> mean -> join -> id -> repeat_dim(H)", "f32[1, H]"),
    ("one part of a split", "split(1) -> reshape([H, 1])", "f32[1, H]"),
    ("padding in three axes", "max_pool(3, stride = 1, padding = 1)", "f32[N, 3, 4, 4, 1]"),
    ("groups of two values", "group_norm(2)", "f32[N, 4]"),
]


@pytest.mark.parametrize(("claim", "body", "type"), ACCEPTED, ids=[claim for claim, _, _ in ACCEPTED])
def test_the_edge_runs(claim: str, body: str, type: str) -> None:
    text = f"model m {{\n  input x: {type}\n  {body}\n  output y\n}}\n"
    assert pursue(text, {name: 3 for name in SIZES if name in type}) == "ran"
