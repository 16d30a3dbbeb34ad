"""Tensors that may come without a gradient when a network trains: data, and what is made of data alone.

A function is called with data in one place and with what was learned in another, and has one code for both. So what is
found is what lacks a gradient *somewhere*: a value that does so in one call does so here.
"""

from collections import defaultdict
from typing import TYPE_CHECKING, cast

from archdsl.analysis.training import Recorder, Storage, TracedTensor
from archdsl.ir.program import Call, Function, Node, Op, Program, Value, walk

if TYPE_CHECKING:
    from archdsl.ir.lowering import Tape


def without_gradient(program: Program) -> set[Value]:
    """The values that lack a gradient in some run."""
    readers: defaultdict[Value, list[Node | Function]] = defaultdict(list)
    calls: defaultdict[Function, list[Call]] = defaultdict(list)
    turns: defaultdict[Value, list[Value]] = defaultdict(list)  # from one round of a loop to the next, and out of it
    found: set[Value] = set()
    waiting = list(program.inputs)
    for function in program.functions:
        for value in function.outputs:
            readers[value].append(function)
        for node, _ in walk(function.nodes):
            for value in node.inputs:
                readers[value].append(node)
            if isinstance(node, Op):
                waiting += _bare(node, found)  # a number, or what hands no gradient on
            elif isinstance(node, Call):
                calls[node.callee].append(node)
            else:
                pairs = zip(node.results, node.parameters, node.outputs, strict=True)
                for result, parameter, output in pairs:
                    turns[result] += (parameter, output)
    while waiting:
        value = waiting.pop()
        if value in found:
            continue
        found.add(value)
        waiting += turns[value]
        for reader in readers[value]:
            if isinstance(reader, Op):
                waiting += _bare(reader, found)
            elif isinstance(reader, Function):
                places = [place for place, output in enumerate(reader.outputs) if output is value]
                waiting += [call.outputs[place] for call in calls[reader] for place in places]
            else:
                inner = reader.callee.inputs if isinstance(reader, Call) else reader.parameters
                waiting += [own for own, given in zip(inner, reader.inputs, strict=True) if given is value]
    return found


def data_of(program: Program) -> set[Value]:
    """The values that lack a gradient in some run, where the code of an operator depends on that; else none."""
    nodes = (node for function in program.functions for node, _ in walk(function.nodes))
    if not any(isinstance(node, Op) and node.op.asks_for_gradients for node in nodes):
        return set()
    return without_gradient(program)


def _bare(node: Op, found: set[Value]) -> list[Value]:
    """The results that lack a gradient where those inputs do."""
    given = [TracedTensor(value.type, value not in found, Storage(0, kept=True)) for value in node.inputs]
    made = cast("TracedTensor | tuple[TracedTensor, ...]", node.op.autograd(cast("Tape", Recorder()), *given))
    results = made if isinstance(made, tuple) else (made,)
    return [value for value, tensor in zip(node.outputs, results, strict=True) if not tensor.needs_grad]
