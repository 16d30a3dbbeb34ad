"""An oracle for the generated source: the program run node by node, without classes, loops or names.

Every operator's torch lowering is executed at once instead of being recorded; weights are looked up by full path.
What the source writer adds (joined classes, parameters, loops, folding, variables) is nowhere in here, so the two
agree only if that is right."""

import operator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch_cases import inputs

from archdsl.backends.torch.build import build_module
from archdsl.ir.flatten import weights
from archdsl.ir.program import Call, Function, Node, Op, Program, Repeat, Value
from archdsl.limits import Limits
from archdsl.types.dims import Expr, substitute
from archdsl.types.tensor import TensorType

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "@": operator.matmul,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


@dataclass
class Given:
    """An input as operators see it: a tensor and the type that the program gives it."""

    tensor: Any
    type: TensorType
    number: None = None  # every operator gets a tensor


@dataclass
class Option:
    value: Any


def plain(value: Any) -> Any:
    """The Python value behind an argument."""
    if isinstance(value, Given):
        return value.tensor
    if isinstance(value, Option):
        return plain(value.value)
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value


class EagerEmitter:
    """Executes what an operator describes. `path` is where its own weights are."""

    def __init__(self, run: "Run", path: str, prefix: str, iterations: tuple[int, ...]) -> None:
        self.run, self.path, self.prefix, self.iterations = run, path, prefix, iterations

    def _resolve(self, dotted: str) -> Any:
        names = {"torch": torch, "nn": nn, "F": F, **self.run.helpers}
        first, *rest = dotted.split(".")
        found = names[first]
        for name in rest:
            found = getattr(found, name)
        return found

    def module(self, target: str, *args: Any, **options: Any) -> Any:
        module = self._resolve(target)(*map(plain, args), **{key: plain(value) for key, value in options.items()})
        start = f"{self.path}."
        own = {key[len(start) :]: value for key, value in self.run.state.items() if key.startswith(start)}
        module.load_state_dict(own)
        module.train(self.run.training)
        return lambda *inputs: module(*map(plain, inputs))

    def helper(self, source: str) -> str:
        scope = {"torch": torch, "nn": nn, "F": F}
        exec(source, scope)
        name = list(scope)[-1]
        self.run.helpers[name] = scope[name]
        return name

    def initialise(self, *_: Any) -> None:
        """Weights come from the state dict."""

    def parameter(self, name: str, shape: Any, init: Any) -> Any:
        return self.run.state[f"{self.path}.{name}" if name else self.path]

    def tied(self, ref: Any) -> Any:
        segment = (ref.owner.instance or ref.owner).segment.at(self.iterations)
        owner = f"{self.prefix}{segment}"
        weight = self.run.state[f"{owner}.{ref.name}" if ref.name else owner]
        return weight.t() if ref.transposed else weight

    def call(self, function: str, *args: Any, **options: Any) -> Any:
        return self._resolve(function)(*map(plain, args), **{key: plain(value) for key, value in options.items()})

    def method(self, receiver: Any, name: str, *args: Any, **options: Any) -> Any:
        return getattr(plain(receiver), name)(*map(plain, args), **{k: plain(v) for k, v in options.items()})

    def number(self, value: float) -> Any:
        return torch.tensor(value)

    def infix(self, symbol: str, left: Any, right: Any) -> Any:
        return OPERATORS[symbol](plain(left), plain(right))

    def item(self, value: Any, *subscripts: Any) -> Any:
        return plain(value)[subscripts[0] if len(subscripts) == 1 else subscripts]

    def nested(self, value: Any, *sizes: int) -> Any:
        parts = [(part,) if size == 1 else part for part, size in zip(value, sizes, strict=True)]
        return tuple(each for part in parts for each in part)

    def size(self, dim: Any) -> Any:
        return substitute(dim, self.run.symbols)

    def option(self, value: Any, default: Any) -> Option:
        return Option(value)

    def name(self, dotted: str) -> Any:
        return self._resolve(dotted)

    def training(self) -> bool:
        return self.run.training

    def bare(self, x: Given) -> bool:
        return not x.tensor.requires_grad


class Run:
    """One execution of a program. `state` is a state dict; `inputs` are tensors in the order of the program's
    inputs."""

    def __init__(self, program: Program, state: dict[str, Any], inputs: list[Any], training: bool = False) -> None:
        self.program, self.training = program, training
        self.state = {key: value.clone() for key, value in state.items()}
        self.helpers: dict[str, Any] = {}
        self.inputs = inputs
        self.symbols: dict[str, Any] = {}
        for value, tensor in zip(program.inputs, inputs, strict=True):
            for dim, length in zip(value.type.dims, tensor.shape, strict=True):
                if isinstance(dim, Expr) and str(dim).isidentifier():
                    self.symbols[str(dim)] = length

    def outputs(self) -> list[Any]:
        """The values of the outputs that exist in this mode."""
        entry = self.program.entry
        values = dict(zip(entry.inputs, self.inputs, strict=True))
        self._nodes(entry.nodes, values, "", ())
        return [values[each.value] for each in self.program.outputs if self.training or not each.train]

    def _function(self, function: Function, inputs: list[Any], prefix: str) -> list[Any]:
        values = dict(zip(function.inputs, inputs, strict=True))
        self._nodes(function.nodes, values, prefix, ())
        return [values[value] for value in function.outputs]

    def _nodes(self, nodes: list[Node], values: dict[Value, Any], prefix: str, iterations: tuple[int, ...]) -> None:
        for node in nodes:
            if node.train_only and not self.training:
                continue
            given = [values[value] for value in node.inputs]
            if isinstance(node, Repeat):
                for i in range(node.times):
                    values.update(zip(node.parameters, given, strict=True))
                    self._nodes(node.nodes, values, prefix, (*iterations, i))
                    given = [values[value] for value in node.results]
                results = given
            elif isinstance(node, Call):
                path = prefix + (node.instance or node).segment.at(iterations)
                results = self._function(node.callee, given, f"{path}.")
            else:
                results = self._op(node, given, prefix, iterations)
            values.update(zip(node.outputs, results, strict=True))

    def _op(self, node: Op, given: list[Any], prefix: str, iterations: tuple[int, ...]) -> list[Any]:
        path = prefix + (node.instance or node).segment.at(iterations)
        emitter = EagerEmitter(self, path, prefix, iterations)
        inputs = [Given(tensor, value.type) for tensor, value in zip(given, node.inputs, strict=True)]
        result = node.op.torch(emitter, *inputs)  # type: ignore[arg-type]
        if isinstance(result, tuple) and len(node.outputs) > 1:
            return [plain(each) for each in result]
        (alone,) = result if isinstance(result, tuple) else (result,)
        return list(plain(alone)) if len(node.outputs) > 1 else [plain(alone)]


def agree(program: Program) -> None:
    """The built module gives what the oracle gives, in both modes, and has exactly the program's weights."""
    torch.manual_seed(0)
    module = build_module(program)
    state = module.state_dict()
    expected = {path: weight.shape for path, weight in weights(program, Limits())}
    assert {key: tuple(value.shape) for key, value in state.items()} == expected
    trainable = {path for path, weight in weights(program, Limits()) if weight.trainable}
    assert {key for key, _ in module.named_parameters()} == trainable
    given = inputs(program, symbol=8)
    for training in (False, True):
        module.train(training)
        if training and any(
            "Dropout" in type(part).__name__ or "Drop" in type(part).__name__ for part in module.modules()
        ):
            continue
        with torch.no_grad():
            wanted = Run(program, state, given, training).outputs()
            found = module(*given)
        found = list(found) if isinstance(found, tuple) else [found]
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            torch.testing.assert_close(ours, theirs)
