"""The cost model: exact counts, folded over the distinct functions of a program.

Each function is looked at once, callees first, so the work is proportional to the distinct blocks: a thousand
calls are a multiplication. All figures are per sample: the batch symbol (`Program.batch_symbol`) is 1.
Dimensions that stay symbolic give symbolic figures, exact for every value of the symbols.
"""

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from archdsl.analysis.effort import Effort, too_large
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS, WeightRole, WorkKind
from archdsl.ir.program import Call, Function, Node, Op, Program, Repeat, Value
from archdsl.records import field, record
from archdsl.types.dims import Dim, DimTooLarge
from archdsl.types.tensor import DTYPE_BYTES, TensorType

if TYPE_CHECKING:
    from fractions import Fraction

CONVENTIONS = (
    "params: trainable scalars, shared weights once; buffers: statistics kept by normalisation layers",
    "MACs: multiply-accumulates of convolutions, linear and recurrent layers, and matrix products, nothing else",
    "FLOPs: 2 x MACs, plus bias, normalisation, activation, pooling, element-wise and softmax work",
    "activations: scalars written by every operator that is not a view of its input",
)
"""The meaning of the figures; printed with every table. A first line saying per what they are counted goes before
them."""

OWN_CONVENTION = "archdsl"
"""The name of these conventions beside those of other counters (`analysis.conventions`)."""


@record
class Cost:
    """Counts of some part of a network; they add, and multiply by how often the part occurs.

    params: trainable scalars, split in `roles` (weight, bias, normalisation, embedding). buffers:
    non-trainable scalars (running statistics). bytes_by_dtype: bytes of all state as stored, counters included.
    work: MACs and FLOPs by kind. activations: scalars written. moved: bytes read and written, if every
    operator that is not a view reads once what it needs of its inputs and weights (`Operator.reads`) and writes its
    results once.
    """

    roles: dict[WeightRole, int] = field(default_factory=dict[WeightRole, int])
    buffers: int = 0
    bytes_by_dtype: dict[str, int] = field(default_factory=dict[str, int])
    work: dict[WorkKind, Dim] = field(default_factory=dict[WorkKind, Dim])
    activations: Dim = 0
    moved: Dim = 0

    @property
    def params(self) -> int:
        """Trainable scalars."""
        return sum(self.roles.values())

    @property
    def weight_bytes(self) -> int:
        """Bytes of all state as stored."""
        return sum(self.bytes_by_dtype.values())

    @property
    def macs(self) -> Dim:
        """Multiply-accumulates of all kinds."""
        total: Dim = 0
        for kind in MAC_KINDS:
            total = total + self.work.get(kind, 0)
        return total

    @property
    def macs_by_kind(self) -> dict[WorkKind, Dim]:
        """Multiply-accumulates of each kind that occurs."""
        return {kind: self.work[kind] for kind in MAC_KINDS if kind in self.work}

    @property
    def flops(self) -> Dim:
        """Floating-point operations: two for each multiply-accumulate, and everything else."""
        total = self.macs * 2
        for kind in FLOP_KINDS:
            total = total + self.work.get(kind, 0)
        return total

    @property
    def intensity(self) -> "Fraction | None":
        """FLOPs per byte moved; None where nothing moves, or where that depends on symbols."""
        if not isinstance(self.flops, int) or not isinstance(self.moved, int) or not self.moved:
            return None
        from fractions import Fraction

        return Fraction(self.flops, self.moved)

    def __add__(self, other: "Cost") -> "Cost":
        total = self * 1
        total.add(other)
        return total

    def __mul__(self, times: int) -> "Cost":
        return Cost(
            {role: count * times for role, count in self.roles.items()},
            self.buffers * times,
            {dtype: size * times for dtype, size in self.bytes_by_dtype.items()},
            {kind: amount * times for kind, amount in self.work.items()},
            self.activations * times,
            self.moved * times,
        )

    __rmul__ = __mul__

    def add(self, other: "Cost", times: int = 1, weights: int | None = None) -> None:
        """Add `other`, its work `times` over and its weights `weights` times (as often as its work if not
        said)."""
        copies = times if weights is None else weights
        if copies:
            for role, count in other.roles.items():
                self.roles[role] = self.roles.get(role, 0) + count * copies
            self.buffers += other.buffers * copies
            for dtype, size in other.bytes_by_dtype.items():
                self.bytes_by_dtype[dtype] = self.bytes_by_dtype.get(dtype, 0) + size * copies
        if times:
            for kind, amount in other.work.items():
                self.work[kind] = self.work.get(kind, 0) + amount * times
            self.activations = self.activations + other.activations * times
            self.moved = self.moved + other.moved * times

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cost) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        roles = frozenset(item for item in self.roles.items() if item[1])
        work = frozenset(item for item in self.work.items() if item[1] != 0)
        sizes = frozenset(item for item in self.bytes_by_dtype.items() if item[1])
        return (roles, self.buffers, sizes, work, self.activations, self.moved)

    def __repr__(self) -> str:
        figures = f"macs={self.macs}, flops={self.flops}, activations={self.activations}"
        return f"Cost(params={self.params}, {figures})"


def cost(program: Program) -> Cost:
    """The cost of the whole program, train-only parts included.

    Raises `ArchError` (E0611) if a symbolic figure grows past what is printed exactly.
    """
    return CostModel(program).total


class CostModel:
    """Costs of a program and of its parts. Building it visits every distinct function once.

    Figures are per sample, or for some `sizes` of the symbols, the batch included. Raises `ArchError` (E0611) as `cost`
    does.
    """

    def __init__(self, program: Program, effort: Effort | None = None, sizes: Mapping[str, int] | None = None) -> None:
        self.program = program
        self.effort = effort or Effort(program)
        symbol = program.batch_symbol
        self._values: Mapping[str, Dim] = sizes if sizes is not None else {symbol: 1} if symbol else {}
        self._types: dict[TensorType, TensorType] = {}
        self._parts: dict[str, Cost | None] = {}
        self._labelled: dict[str | Value, list[Occurrence]] | None = None
        self.functions: dict[Function, Cost] = {}
        """The cost of one call of each function, its own weights included."""
        for function in program.functions:
            try:
                self.functions[function] = self.nodes(function.nodes)
            except DimTooLarge:
                raise too_large(function) from None
        self.total = self.functions[program.entry]
        try:
            _ = self.total.flops
        except DimTooLarge:
            raise too_large(program.entry) from None

    def nodes(self, nodes: list[Node]) -> Cost:
        """The cost of running some nodes of one function in a row."""
        total = Cost()
        calls: dict[tuple[Function, int, int], int] = {}
        for node, _, times, copies in occurrences(nodes):
            if isinstance(node, Op):
                total.add(self.op(node), times, copies)
            else:
                # Calls of one function are counted first and added once: a thousand cost what one costs.
                key = (node.callee, times, copies)
                calls[key] = calls.get(key, 0) + 1
        for (callee, times, copies), count in calls.items():
            total.add(self.functions[callee], times * count, copies * count)
        return total

    def node(self, node: Node) -> Cost:
        """The cost of one node as it stands in its function: a repeat with all its iterations, a use of a
        shared instance without weights."""
        return self.nodes([node])

    def of(self, node: Op | Call) -> Cost:
        """The cost of one run of an operator or of the called function, weights included even if they are
        shared."""
        return self.op(node) if isinstance(node, Op) else self.functions[node.callee]

    def op(self, node: Op) -> Cost:
        """The cost of one application of an operator, with the weights it owns."""
        self.effort.spend(10 + len(node.inputs) + len(node.outputs))
        self.effort.spend_inside(node, 15)
        inputs, outputs = self.sample(node.inputs), self.sample(node.outputs)
        for kind in (*inputs, *outputs):
            self.effort.spend_on(*kind.dims)
        result = Cost(work=dict(node.op.work(inputs, outputs)))
        for weight in node.owned_weights:
            count = weight.elements
            size = result.bytes_by_dtype.get(weight.dtype, 0) + count * DTYPE_BYTES[weight.dtype]
            result.bytes_by_dtype[weight.dtype] = size
            if weight.trainable:
                result.roles[weight.role] = result.roles.get(weight.role, 0) + count
            elif weight.role == "statistic":
                result.buffers += count
        if not node.op.view and not node.op.training_only:
            for output in outputs:
                result.activations = result.activations + output.elements
            result.moved = self._moved(node, inputs, outputs)
        return result

    def _moved(self, node: Op, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Dim:
        """Bytes of what an operator reads and writes; weights that it shares or borrows are read as its own are."""
        total: Dim = 0
        sources = (*inputs, *node.op.weights(*inputs))
        for elements, source in zip(node.op.reads(inputs, outputs), sources, strict=True):
            total = total + elements * DTYPE_BYTES[source.dtype]
        for kind in outputs:
            total = total + kind.elements * DTYPE_BYTES[kind.dtype]
        for ref in node.op.borrowed():
            total = total + prod(ref.shape) * DTYPE_BYTES["f32"]
        return total

    def part(self, label: str) -> Cost | None:
        """The cost of what the entry calls `label`: every node with that path segment, or the node that makes
        the value so named; None where there is none. All of a list's elements count (`layer1` is `layer1.0`,
        `layer1.1`, ...)."""
        if label not in self._parts:
            if self._labelled is None:
                self._labelled = self._by_label()
            value = self.program.entry.labels.get(label)
            found = self._labelled.get(label) or (self._labelled.get(value, []) if value else [])
            total = Cost()
            for node, _, times, copies in found:
                self.effort.spend(10)
                total.add(self.of(node), times, copies)
            self._parts[label] = total if found else None
        return self._parts[label]

    def _by_label(self) -> "dict[str | Value, list[Occurrence]]":
        """The operators and calls of the entry by their path segments, and by the values that they make."""
        found: dict[str | Value, list[Occurrence]] = {}
        for occurrence in occurrences(self.program.entry.nodes):
            node, loops, _, _ = occurrence
            self.effort.spend(2 + len(loops) + len(node.outputs))
            found.setdefault(node.segment.name, []).append(occurrence)
            for value in node.outputs:
                found.setdefault(value, []).append(occurrence)
        return found

    def sample(self, values: tuple[Value, ...]) -> tuple[TensorType, ...]:
        """Types for one sample."""
        found: list[TensorType] = []
        for value in values:
            kind = self._types.get(value.type)
            if kind is None:
                kind = self._types[value.type] = value.type.substitute(self._values)
            found.append(kind)
        return tuple(found)


Occurrence = tuple[Op | Call, tuple[int, ...], int, int]
"""A node, the lengths of the repeats around it (outermost first), how often it runs, how many copies of its
weights exist."""


def occurrences(nodes: list[Node]) -> list[Occurrence]:
    """Operators and calls of a body in execution order, repeats opened.

    Weights are told apart by their path: a node whose segment does not move with a loop is the same instance
    in every iteration (one shared by all of them), and a later use of a shared instance owns none.
    """
    found: list[Occurrence] = []
    stack: list[tuple[list[Node], int, tuple[int, ...]]] = [(nodes, 0, ())]
    while stack:
        body, position, loops = stack.pop()
        while position < len(body):
            node = body[position]
            position += 1
            if isinstance(node, Repeat):
                stack.append((body, position, loops))
                stack.append((node.nodes, 0, (*loops, node.times)))
                break
            times = copies = 1
            for loop in loops:
                times *= loop
            if node.instance is not None:
                copies = 0
            elif loops and node.segment.index is not None:
                for loop, stride in zip(loops, node.segment.strides, strict=True):
                    copies *= loop if stride else 1
            found.append((node, loops, times, copies))
    return found


def per_sample_text(program: Program) -> str:
    """The first line of the conventions: per what the figures are counted."""
    symbol = program.batch_symbol
    if symbol:
        return f"per sample ({symbol} = 1)"
    return "for the inputs as declared (no batch symbol)"
