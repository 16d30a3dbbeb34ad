"""A program to the skeleton of a `ModelProto`: everything but the weights' data.

By default calls are opened and the model is one graph. With `functions` each distinct function becomes one
model-local function of the domain `archdsl`, which takes its tensors, then its weights, then symbols that it
cannot read off its tensors; repeats become repeated calls.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from archdsl.backends.onnx.graph_records import GraphBody, Val, unique
from archdsl.backends.onnx.node_emitter import NodeEmitter
from archdsl.backends.onnx.proto import Protos
from archdsl.backends.onnx.rewrites import rewrite
from archdsl.ir.flatten import FlatCall, Unrolling, check_size, flatten, unroll
from archdsl.ir.program import Function, Program, Value
from archdsl.limits import Limits
from archdsl.records import record
from archdsl.types.dims import symbol

DOMAIN: Final = "archdsl"
"""Domain of model-local functions."""


@record
class Skeleton:
    """A model without initializers: `constants` as `TensorProto`s and `weights` are to be added in that order; of each
    weight it is the path, and the name of the initializer."""

    model: Any
    constants: tuple[Any, ...]
    weights: dict[str, str]


def build(program: Program, onnx: Any, opset: int, dtype: str, functions: bool, limits: Limits) -> Skeleton:
    """Lower a program. Raises `ArchError`: E0910 (too many nodes), E0822 (a dimension cannot be computed)."""
    check_size(program, limits)
    protos = Protos(onnx, dtype)
    model = onnx.ModelProto()
    outputs = [output for output in program.outputs if not output.train]
    inputs = [Val(known=value.type, name=value.name) for value in program.inputs]
    body = GraphBody.of(inputs, dtype)
    emitter = NodeEmitter(body, opset, is_function=False)
    emitter.bind(program.inputs, inputs)
    if functions:
        lowered = _Functions(protos, opset, dtype)
        for function in program.functions:
            if function is not program.entry:
                lowered.add(function)
        walk = unroll(program.entry, tuple(output.value for output in outputs))
        lowered.lower(walk, body, emitter)
        results: Sequence[Value] = walk.outputs
        lowered.write(body, model)
    else:
        flat = flatten(program, limits, training=False)
        for application in flat:
            emitter.apply(application)
        results = [value for value in flat.outputs if value is not None]
    _set_outputs(body, emitter.read(results), [output.name for output in outputs])
    body.remove_unused()
    rewrite(body)
    # ONNX has one set of names for all values. Inputs keep theirs, by which they are fed; weights keep their paths,
    # where no input is called so; an output that is called like one of these gets a number.
    taken = dict.fromkeys((value.name for value in inputs), 1)
    for value, name in (
        *zip(body.weights.values(), body.weights, strict=True),
        *((out, out.name) for out in body.outputs),
    ):
        value.name = unique(name, taken)
    body.name_all(list(taken))
    _write_graph(model.graph, protos, body)
    model.opset_import.add().version = opset
    if functions:
        own = model.opset_import.add()
        own.domain, own.version = DOMAIN, 1
    constants = tuple(protos.tensor(constant) for constant in body.constants.values())
    return Skeleton(model, constants, {path: value.name for path, value in body.weights.items()})


def _set_outputs(body: GraphBody, results: Iterable[Val], names: Sequence[str]) -> None:
    """Make values the outputs of a body under the given names. A value that is no node's, or leaves twice, or
    has a name already, gets an `Identity`."""
    for result, name in zip(results, names, strict=True):
        value = result
        if value.record is None or value.name:
            value = body.add("Identity", [result], {}, f"output {name}")[0]
            value.known = result.known
        value.name = name
        body.outputs.append(value)


def _write_graph(graph: Any, protos: Protos, body: GraphBody) -> None:
    for step in body.records:
        protos.node(graph.node, step)
    for value in body.inputs:
        protos.value_info(graph.input, value)
    for value in body.outputs:
        protos.value_info(graph.output, value)
    leaving = set(body.outputs)
    for step in body.records:
        for value in step.outputs:
            if value.known is not None and value not in leaving:
                protos.value_info(graph.value_info, value)


@record
class _Lowered:
    """A function whose body is done, under the name that the model gives it. `read` are the positions of the inputs
    that are left: what only training reads is no input."""

    function: Function
    name: str
    body: GraphBody
    read: tuple[int, ...]


class _Functions:
    """Model-local functions of one model, callees before callers."""

    def __init__(self, protos: Protos, opset: int, dtype: str) -> None:
        self._protos = protos
        self._opset = opset
        self._dtype = dtype
        self._done: dict[Function, _Lowered] = {}
        self._names: dict[str, int] = {}

    def add(self, function: Function) -> None:
        inputs = [Val(known=value.type) for value in function.inputs]
        body = GraphBody.of(inputs, self._dtype)
        emitter = NodeEmitter(body, self._opset, is_function=True)
        emitter.bind(function.inputs, inputs)
        walk = unroll(function)
        self.lower(walk, body, emitter)
        taken: dict[str, int] = {}
        for value, known in zip(inputs, function.inputs, strict=True):
            value.name = unique(known.name or "x", taken)
        names = [unique(value.name or "y", taken) for value in function.outputs]
        _set_outputs(body, emitter.read(walk.outputs), names)
        body.remove_unused()
        rewrite(body)
        for path, value in body.weights.items():
            value.name = unique(path, taken)
        for name, value in body.sizes.items():
            value.name = unique(f"size {name}", taken)
        body.name_all(list(taken))
        name = unique(function.block, self._names)
        needed = {value for step in body.records for value in step.inputs}
        read = tuple(index for index, value in enumerate(inputs) if value in needed)
        body.inputs = [inputs[index] for index in read]
        self._done[function] = _Lowered(function, name, body, read)

    def lower(self, walk: Unrolling, body: GraphBody, emitter: NodeEmitter) -> None:
        """Lower the nodes of one function into `body`."""
        for node in walk:
            if isinstance(node, FlatCall):
                self._call(node, body, emitter)
            else:
                emitter.apply(node)

    def _call(self, call: FlatCall, body: GraphBody, emitter: NodeEmitter) -> None:
        callee = self._done[call.node.callee]
        inputs = emitter.read([call.inputs[index] for index in callee.read])
        for key, formal in callee.body.weights.items():
            value = body.weight(f"{call.owner_path}.{key}")
            value.known = formal.known
            inputs.append(value)
        emitter.at(call.node.span)
        inputs.extend(emitter.dimension(symbol(name)) for name in callee.body.sizes)
        results = body.add(callee.name, inputs, {}, call.path, len(call.outputs), DOMAIN)
        for result, value in zip(results, call.outputs, strict=True):
            result.known = value.type
        emitter.bind(call.outputs, results)

    def write(self, entry: GraphBody, model: Any) -> None:
        """Write the functions that are called, directly or not."""
        called: set[str] = set()
        pending = [entry]
        by_name = {lowered.name: lowered for lowered in self._done.values()}
        while pending:
            for step in pending.pop().records:
                if step.domain and step.op_type not in called:
                    called.add(step.op_type)
                    pending.append(by_name[step.op_type].body)
        for lowered in self._done.values():
            if lowered.name in called:
                self._write(lowered, model.functions.add())

    def _write(self, lowered: _Lowered, function: Any) -> None:
        body = lowered.body
        function.name = lowered.name
        function.domain = DOMAIN
        function.doc_string = lowered.function.doc
        formal = (*body.inputs, *body.weights.values(), *body.sizes.values())
        function.input.extend([value.name for value in formal])
        function.output.extend([value.name for value in body.outputs])
        for constant in body.constants.values():
            self._protos.constant_node(function.node, constant)
        for step in body.records:
            self._protos.node(function.node, step)
        function.opset_import.add().version = self._opset
        own = function.opset_import.add()
        own.domain, own.version = DOMAIN, 1
