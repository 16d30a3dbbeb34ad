"""One function of the program as steps: what is built under which place, and what is computed from what.

A `Body` is still one specialisation, in straight line except for `repeat`. `roll` folds chains and loops afterwards,
`classes` joins the specialisations of a block.
"""

from collections.abc import Container, Sequence
from typing import cast

from archdsl.backends.torch.emitter import Emitter, Helpers, place_of
from archdsl.backends.torch.items import Body, Entry, Item, Loop, Step, Weight
from archdsl.backends.torch.names import check_segment
from archdsl.backends.torch.records import Apply, Built, Code, Infix, Input, Method, Place, Run
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.internal import InternalError
from archdsl.ir.operator import Init
from archdsl.ir.program import Call, Function, Node, Op, Recompute, Repeat, Value, rounds
from archdsl.types.tensor import TensorType

MAX_LOOPS = 12
"""Loops inside one another in one function; Python itself refuses more than 20 nested statements."""

SPINE = 8
"""Levels of one operator's code, at most; what is deeper becomes several steps."""


def lower(
    function: Function,
    helpers: Helpers,
    identities: Container[Function],
    outputs: Sequence[Value] | None = None,
    data: Container[Value] = (),
) -> Body:
    """Lower one function. `identities` knows the functions that only return their input and leave no trace;
    `outputs` are its results, where they are not the function's own; `data` may have no gradient."""
    return _Lowering(function, helpers, identities, data).body(function.outputs if outputs is None else outputs)


class _Lowering:
    def __init__(
        self, function: Function, helpers: Helpers, identities: Container[Function], data: Container[Value]
    ) -> None:
        self._function = function
        self._helpers = helpers
        self._identities = identities
        self._data = data
        self._same: dict[Value, Value] = {}
        self._names: dict[Value, str] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._marks: dict[Item, Recompute] = {}
        self._numbers: dict[Value, int | float] = {}

    def body(self, results: Sequence[Value]) -> Body:
        function = self._function
        for value in function.inputs:
            self._name(value, value)
        items = self._items(function.nodes)
        outputs = tuple(map(self._source, results))
        items = needed(items, outputs)
        return Body(function, function.inputs, items, outputs, self._entries, self._names, marks=self._marks)

    def _source(self, value: Value) -> Value:
        """The value that a name stands for; identities make no value of their own."""
        return self._same.get(value, value)

    def _input(self, value: Value) -> Input:
        source = self._source(value)
        return Input(source, self._numbers.get(source))

    def _name(self, value: Value, source: Value) -> None:
        if value.name:
            self._names.setdefault(source, value.name)

    def _items(self, nodes: list[Node]) -> list[Item]:
        """Lower a straight line, opening repeats with an explicit stack."""
        top: list[Item] = []
        stack: list[tuple[list[Node], int, list[Item], tuple[int, ...], Repeat | None]] = [(nodes, 0, top, (), None)]
        while stack:
            pending, position, items, times, repeat = stack.pop()
            while position < len(pending):
                node = pending[position]
                position += 1
                if isinstance(node, Repeat):
                    stack.append((pending, position, items, times, repeat))
                    stack.append((node.nodes, 0, [], (*times, node.times), node))
                    if len(times) == MAX_LOOPS:
                        message = f"PyTorch code cannot hold more than {MAX_LOOPS} loops inside one another"
                        raise ArchError(
                            [Diagnostic("E0703", message, node.span, help="move the inner loops to a block")]
                        )
                    break
                lowered = self._op(node, times) if isinstance(node, Op) else self._call(node, times)
                items.extend(self._marked(node, lowered))
            else:
                if repeat is not None:
                    stack[-1][2].extend(self._marked(repeat, [self._loop(repeat, items)]))
        return top

    def _marked(self, node: Node, items: list[Item]) -> list[Item]:
        if node.recompute is not None:
            self._marks.update(dict.fromkeys(items, node.recompute))
        return items

    def _loop(self, node: Repeat, items: list[Item]) -> Loop:
        return Loop(
            node.times,
            node.parameters,
            items,
            tuple(map(self._source, node.results)),
            tuple(map(self._source, node.inputs)),
            node.outputs,
            node.span,
            node.train_only,
            rounds(node),
        )

    def _op(self, node: Op, times: tuple[int, ...]) -> list[Item]:
        inputs = tuple(map(self._input, node.inputs))
        emitter = Emitter(node, inputs, self._function.inputs, self._helpers, self._data)
        result: object = node.op.torch(emitter, *inputs)  # type: ignore[arg-type]
        if emitter.made is not None and node.instance is None:
            self._register(node, emitter.made, tuple(emitter.starts), times)
        if emitter.stated is not None:
            self._numbers[node.outputs[0]] = emitter.stated
        roles = {weight.role for weight in (node.instance or node).owned_weights}
        weight: Weight = "heavy" if roles & {"weight", "embedding"} else "norm" if roles else "light"
        if node.op.borrowed():
            weight = "heavy"
        codes = cast("tuple[object, ...]", result if isinstance(result, tuple) else (result,))
        targets = [node.outputs] if not isinstance(result, tuple) else [(value,) for value in node.outputs]
        steps: list[Item] = []
        for outputs, code in zip(targets, codes, strict=True):
            if not isinstance(code, Code):
                raise InternalError(f"`{node.op.name}` is lowered to {type(code).__name__}")
            if isinstance(code, Input) and len(outputs) == 1:
                self._alias(outputs[0], code.value)
                continue
            pieces, code = _cut(code, outputs[0].type)
            steps.extend(self._step(node, (between,), piece, weight) for between, piece in pieces)
            inner = _wide_receiver(code)
            if inner is not None:
                # A call of several tensors gets a line of its own before methods are called on its result.
                between = Value(outputs[0].type)
                steps.append(self._step(node, (between,), inner, weight))
                code, weight = _on_value(code, inner, between), "light"
            steps.append(self._step(node, outputs, code, weight))
        return steps

    def _call(self, node: Call, times: tuple[int, ...]) -> list[Item]:
        callee = node.callee
        if callee in self._identities:
            self._alias(node.outputs[0], self._source(node.inputs[0]))
            if node.instance is None and node.segment.index is not None:
                self._register(node, Built(callee, node.given or {}), (), times)
            return []
        place = place_of(node)
        if node.instance is None:
            self._register(node, Built(callee, node.given or {}), (), times)
        code = Run(place, tuple(Input(self._source(value)) for value in node.inputs))
        return [self._step(node, node.outputs, code, "heavy")]

    def _alias(self, value: Value, source: Value) -> None:
        self._same[value] = source
        self._name(value, source)

    def _step(self, node: Op | Call, outputs: tuple[Value, ...], code: Code, weight: Weight) -> Step:
        for value in outputs:
            self._name(value, value)
        segment = node.segment
        place = Place(segment.name, segment.index, segment.strides)
        return Step(outputs, code, weight, place, node.span, node.train_only, rounds(node))

    def _register(
        self, node: Op | Call, code: Code, starts: tuple[tuple[str, Init], ...], times: tuple[int, ...]
    ) -> None:
        segment = node.segment
        check_segment(segment.name, node.span)
        place = Place(segment.name, segment.index, segment.strides)
        used = times if segment.index is not None else ()
        self._entries.setdefault(segment.name, []).append(
            Entry(place, code, starts, used, rounds(node), node.condition, node.numbered)
        )


def needed(items: Sequence[Item], outputs: Sequence[Value]) -> list[Item]:
    """Items without those that no output depends on, in loops too; their weights are still built."""
    read = set(outputs)

    def kept(items: Sequence[Item]) -> list[Item]:
        found: list[Item] = []
        for item in reversed(items):
            if read.isdisjoint(item.outputs):
                continue
            if isinstance(item, Loop):
                read.update((*item.inputs, *item.results))
                item.steps = kept(item.steps)
            else:
                read.update(item.code.values)
            found.append(item)
        return found[::-1]

    return kept(items)


def _cut(code: Code, type: TensorType) -> tuple[list[tuple[Value, Code]], Code]:
    """A sum of a thousand operands is a tree a thousand levels deep: it is cut into pieces of `SPINE` levels, so that
    everything after this may be recursive."""
    spine: list[Code] = []
    bottom: Code | None = code
    while bottom is not None:
        spine.append(bottom)
        bottom = _first(bottom)
    if len(spine) <= SPINE:
        return [], code
    pieces: list[tuple[Value, Code]] = []
    current = spine.pop()
    depth = 0
    while spine:
        if depth == SPINE:
            value = Value(type)
            pieces.append((value, current))
            current, depth = Input(value), 0
        current = _with_first(spine.pop(), current)
        depth += 1
    return pieces, current


def _first(code: Code) -> Code | None:
    """The part that comes first in a tree's text, along which operators build up."""
    if isinstance(code, Infix):
        return code.left
    if isinstance(code, Method):
        return code.receiver
    return code.args[0] if isinstance(code, Apply) and code.args else None


def _with_first(code: Code, first: Code) -> Code:
    return code.with_parts([first, *code.parts[1:]])


def _wide_receiver(code: Code) -> Apply | None:
    """The call of several tensors at the bottom of a chain of methods."""
    if not isinstance(code, Method):
        return None
    while isinstance(code, Method):
        code = code.receiver
    return code if isinstance(code, Apply) and len(set(code.values)) > 1 else None


def _on_value(code: Code, inner: Code, value: Value) -> Code:
    """A chain of methods with its bottom replaced."""
    return Input(value) if code is inner else _with_first(code, _on_value(code.parts[0], inner, value))
