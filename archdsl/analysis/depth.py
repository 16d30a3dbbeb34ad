"""Depth: the number of weight layers on the longest path from an input to an output, as papers count it (ResNet-50,
VGG-16, DenseNet-121). What a weight layer is, the operator says (`Operator.depth`): convolutions, linear layers and
each layer of a recurrent operator, not normalisations, biases or embeddings."""

from archdsl.analysis.effort import Effort
from archdsl.ir.program import Call, Function, Node, Op, Program, Value

Paths = list[list[int | None]]
"""`paths[o][i]`: weight layers on the longest path from input i to output o; None where there is no path."""

CELLS = 3
"""Paths that are compared in a step of effort."""


def depth(program: Program, effort: Effort | None = None) -> int:
    """Weight layers on the longest path to an output that is not for training, by a fold over functions. Raises
    `ArchError` (E0914) where there are too many paths."""
    effort = effort or Effort(program)
    known: dict[Function, Paths] = {}
    kept = tuple(output.value for output in program.outputs if not output.train)
    for function in program.functions:
        outputs = kept if function is program.entry else function.outputs
        known[function] = _paths(function.inputs, function.nodes, outputs, known, effort)
    return max((length for row in known[program.entry] for length in row if length is not None), default=0)


def _paths(
    inputs: tuple[Value, ...],
    nodes: list[Node],
    outputs: tuple[Value, ...],
    known: dict[Function, Paths],
    effort: Effort,
) -> Paths:
    lengths: dict[Value, list[int | None]] = {
        value: [0 if index == position else None for index in range(len(inputs))]
        for position, value in enumerate(inputs)
    }
    none: list[int | None] = [None] * len(inputs)
    for node in nodes:
        effort.spend(len(node.outputs) * len(node.inputs) * len(inputs) // CELLS + 1)
        arrivals = [lengths.get(value, none) for value in node.inputs]
        if isinstance(node, Op):
            layers = node.op.depth(*(value.type for value in node.inputs))
            steps: Paths = [[layers] * len(node.inputs) for _ in node.outputs]
        elif isinstance(node, Call):
            steps = known[node.callee]
        else:
            steps = _power(_paths(node.parameters, node.nodes, node.results, known, effort), node.times, effort)
        for value, row in zip(node.outputs, steps, strict=True):
            lengths[value] = _step(row, arrivals, len(inputs))
    return [lengths.get(value, none) for value in outputs]


def _step(row: list[int | None], arrivals: Paths, width: int) -> list[int | None]:
    """Longest paths through one node: max-plus product of a row with what arrives."""
    best: list[int | None] = [None] * width
    for length, arrival in zip(row, arrivals, strict=True):
        if length is None:
            continue
        for index, before in enumerate(arrival):
            if before is not None:
                best[index] = max(best[index] or 0, before + length)
    return best


def _power(paths: Paths, times: int, effort: Effort) -> Paths:
    """`times` iterations of a repeat body, by repeated squaring in the max-plus algebra."""
    size = len(paths)
    effort.spend(2 * times.bit_length() * size**3 // CELLS)
    result: Paths = [[0 if row == column else None for column in range(size)] for row in range(size)]
    while times:
        if times & 1:
            result = [_step(row, result, size) for row in paths]
        paths = [_step(row, paths, size) for row in paths]
        times >>= 1
    return result
