"""Receptive fields: which part of an input a value of the network depends on at inference, axis by axis.

Folded over the distinct functions from the operators' `reach` rules: a block has a relation of its outputs to its
inputs as an operator has, and a repeat the power of its body's. Where paths meet, the field goes from the first to
the last position that one of them reads, so it is right across shortcuts and concatenations. A value sees an axis
whole behind a global pool, attention, `flatten` and normalisation over positions, and where paths of different
strides meet.
"""

from collections.abc import Iterable, Mapping, Sequence

from archdsl.analysis.effort import Effort
from archdsl.analysis.runs import outer_values
from archdsl.ir.program import Call, Function, Node, Op, Program, Repeat, Value
from archdsl.ir.reach import AxisReach, Reach, Seen, through
from archdsl.records import record
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

MOST_DIGITS = 18
"""An index of more digits is no index of any network."""


@record
class AxisField:
    """The field along one axis of an input. `size` positions of its `length`, None for all of them; `stride` is how far
    it moves from one position of the value to the next, as a numerator and a denominator (1, 2 after enlarging twice);
    `start` is the first position of the field of position 0, below 0 where it begins in the padding. `even` is False
    where some positions see fewer than `size`."""

    input: str
    axis: int
    length: Dim
    size: int | None
    stride: tuple[int, int] | None = None
    start: int | None = None
    even: bool = True

    def __repr__(self) -> str:
        where = f"axis {self.axis} of {self.input}"
        if self.size is None or self.stride is None:
            return f"all of {where}"
        up, down = self.stride
        step = f"{up}/{down}" if down > 1 else str(up)
        return f"{'' if self.even else 'up to '}{self.size} of {where}, stride {step}, from {self.start}"


class FieldModel:
    """Receptive fields of the values of a program. Building it visits every distinct function once."""

    def __init__(self, program: Program, effort: Effort | None = None) -> None:
        self.program = program
        self._effort = effort or Effort(program)
        self._relations: dict[Function, list[Seen]] = {}
        self._bodies: dict[Repeat, list[Seen]] = {}
        self._outer: dict[Repeat, tuple[Value, ...]] = {}
        for function in program.functions:
            known = self.values(function.nodes, dict(zip(function.inputs, identity(function.inputs), strict=True)))
            self._relations[function] = [known[value] for value in function.outputs]
        self.entry = self.values(program.entry.nodes, dict(zip(program.inputs, identity(program.inputs), strict=True)))

    def values(
        self, nodes: Sequence[Node], given: Mapping[Value, Seen], at: Mapping[Repeat, int] | None = None
    ) -> dict[Value, Seen]:
        """The dependences of every value of a body, given those of its inputs; of a repeat, the values of iteration
        `at[repeat]`, or of its last one."""
        known = dict(given)
        for node in nodes:
            self._effort.spend(10 + len(node.inputs) + len(node.outputs))
            rows = [known[value] for value in node.inputs]
            if isinstance(node, Repeat):
                found = self._repeat(node, rows, known, at or {})
                self._effort.spend(len(found) // 4)
                known |= found
                continue
            if isinstance(node, Call):
                made = self._composed([seen.items() for seen in self._relations[node.callee]], rows)
            else:
                types = [tuple(value.type for value in values) for values in (node.inputs, node.outputs)]
                relation = node.op.reach(types[0], types[1])
                self._effort.spend(sum(2 + _periods(reach) for row in relation for reach in row))
                made = self._composed(map(enumerate, relation), rows)
            known.update(zip(node.outputs, made, strict=True))
        return known

    def inside(self, call: Call, known: Mapping[Value, Seen]) -> dict[Value, Seen]:
        """The values of a called function, as `values` gives those of the caller."""
        rows = [known[value] for value in call.inputs]
        return self.values(call.callee.nodes, dict(zip(call.callee.inputs, rows, strict=True)))

    def _repeat(
        self, node: Repeat, rows: list[Seen], known: Mapping[Value, Seen], at: Mapping[Repeat, int]
    ) -> dict[Value, Seen]:
        if node not in self._outer:
            self._outer[node] = outer_values(node, self._effort)
        outer = self._outer[node]
        inputs = (*node.parameters, *outer)
        one = self._body(node, inputs)
        start = [*rows, *(known[value] for value in outer)]
        earlier = at.get(node, node.times - 1) < node.times - 1
        final = dict(zip(inputs, self._compose(self._power(one, node.times - 1), start), strict=True))
        shown = last = self.values(node.nodes, final, None if earlier else at)
        if earlier:
            before = self._compose(self._power(one, at[node]), start) if at[node] else start
            shown = self.values(node.nodes, dict(zip(inputs, before, strict=True)), at)
        return shown | dict(zip(node.outputs, (last[value] for value in node.results), strict=True))

    def _body(self, node: Repeat, inputs: tuple[Value, ...]) -> list[Seen]:
        """The values that one iteration makes of those that the loop carries; what it reads from outside stays as it
        is. Worked out once: a repeat is met for every repeat around it, and what is inside it would be again for each
        of those."""
        if node not in self._bodies:
            start = identity(inputs)
            inner = self.values(node.nodes, dict(zip(inputs, start, strict=True)))
            self._bodies[node] = [*(inner[value] for value in node.results), *start[len(node.parameters) :]]
        return self._bodies[node]

    def _composed(self, relation: Iterable[Iterable[tuple[int, Reach]]], inner: Sequence[Seen]) -> list[Seen]:
        """The dependences of each row of a relation, given those of the values that it reads."""
        made: list[Seen] = []
        for items in relation:
            row = list(items)
            self._effort.spend(4 + 8 * sum(len(inner[place]) for place, reach in row if reach is not None))
            seen = through(row, inner)
            self._effort.spend(sum(map(_periods, seen.values())))
            made.append(seen)
        return made

    def _compose(self, outer: list[Seen], inner: list[Seen]) -> list[Seen]:
        return self._composed([seen.items() for seen in outer], inner)

    def _power(self, relation: list[Seen], times: int) -> list[Seen]:
        """`times` (1 or more) steps of a relation, by repeated squaring."""
        result: list[Seen] | None = None
        while True:
            if times & 1:
                result = relation if result is None else self._compose(relation, result)
            times >>= 1
            if not times:
                assert result is not None
                return result
            relation = self._compose(relation, relation)

    def find(self, path: str) -> Seen | None:
        """The dependences of the value that is called so: an input, an output or a label of the model, or a path of
        nodes (`layer1.0.conv1`) for the result of the last; the last one of several. None where there is none."""
        nodes, labels = self.program.entry.nodes, dict(self.program.entry.labels)
        given = dict(zip(self.program.inputs, identity(self.program.inputs), strict=True))
        labels |= {value.name: value for value in self.program.inputs}
        labels |= {output.name: output.value for output in self.program.outputs}
        while path not in labels:
            found = _place(nodes, path)
            if found is None:
                return None
            node, at, path = found
            known = self.values(nodes, given, at)
            if not path:
                return known[node.outputs[0]]
            if not isinstance(node, Call):
                return None
            given = dict(zip(node.callee.inputs, (known[value] for value in node.inputs), strict=True))
            nodes, labels = node.callee.nodes, node.callee.labels
        return self.values(nodes, given)[labels[path]]

    def field(self, row: Seen) -> tuple[AxisField, ...]:
        """The field of a value on every input that it depends on, along the axes of positions."""
        found: list[AxisField] = []
        for place, value in enumerate(self.program.inputs):
            if place in row:
                found.extend(_axis_field(value, axis, row[place].get(axis)) for axis in positions(value.type))
        return tuple(found)


def _place(nodes: Sequence[Node], path: str) -> tuple[Op | Call, dict[Repeat, int], str] | None:
    """The node that a path leads through, in which iteration of the repeats around it, and the rest of the path."""
    pending: list[tuple[Sequence[Node], tuple[Repeat, ...]]] = [(nodes, ())]
    found: tuple[Op | Call, dict[Repeat, int], str] | None = None
    while pending:
        body, loops = pending.pop()
        for node in body:
            if isinstance(node, Repeat):
                pending.append((node.nodes, (*loops, node)))
                continue
            name, _, rest = path.partition(".")
            if name != node.segment.name:
                continue
            iterations = tuple(loop.times - 1 for loop in loops)
            if node.segment.index is not None:
                number, _, rest = rest.partition(".")
                if not number.isdecimal() or len(number) > MOST_DIGITS:
                    continue
                left = int(number) - node.segment.index
                iterations = ()
                for loop, stride in zip(loops, node.segment.strides, strict=True):
                    turn = min(loop.times - 1, left // stride) if stride and left >= 0 else loop.times - 1
                    left -= turn * stride
                    iterations = (*iterations, turn)
                if left:
                    continue
            found = node, dict(zip(loops, iterations, strict=True)), rest
    return found


def positions(type: TensorType) -> range:
    """The axes of an input along which positions lie: the spatial axes of an image, the sequence of indices."""
    if type.rank == 2 and not type.is_float:
        return range(1, 2)
    return range(2, type.rank)


def identity(values: Sequence[Value]) -> list[Seen]:
    """Every value depends on itself."""
    return [{place: {axis: AxisReach(axis) for axis in range(value.type.rank)}} for place, value in enumerate(values)]


def _axis_field(value: Value, axis: int, span: AxisReach | None) -> AxisField:
    length = value.type.dims[axis]
    if span is None:
        return AxisField(value.name, axis, length, None)
    from math import gcd

    common = gcd(span.step, span.period)
    stride = (span.step // common, span.period // common)
    return AxisField(value.name, axis, length, span.size, stride, span.lows[0], span.even)


def _periods(reach: Reach) -> int:
    """Positions that an operation on a reach goes through one by one."""
    return 0 if reach is None else sum(4 * span.period for span in reach.values() if span.period > 1)
