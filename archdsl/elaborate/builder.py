"""Building one function: nodes in order, open `repeat` bodies, and at the end the path segments."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archdsl.ir.program import (
    Call,
    Function,
    Node,
    Op,
    Output,
    Recompute,
    Repeat,
    Round,
    Segment,
    Unrolled,
    Value,
    walk,
)
from archdsl.ir.segments import objection
from archdsl.source import Span
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.types.derivations import Derivation


class Builder:
    """Nodes of a function under construction. `regions` is the stack of node lists: the function's own, then one per
    open `repeat` body."""

    def __init__(self) -> None:
        self.inputs: list[Value] = []
        self.outputs: list[Output] = []
        self.labels: dict[str, Value] = {}
        self.symbols: set[str] = set()
        """Names of dimensions that inputs declare and nothing else binds."""
        self.regions: list[list[Node]] = [[]]
        self.owned: set[Op] = set()
        """Operators of this function, whose weights may be borrowed in it."""
        self.repeats = 0
        """`repeat` statements that are being run, folded or not."""
        self.round: Round | None = None
        """The round of the innermost loop that is being run: the mark of the nodes that are added."""
        self.condition: Derivation | None = None
        """Under which condition the nodes that are added exist, where that is remembered."""
        self.labelled: dict[Node, Span] = {}
        """Where the nodes that a label names have it from."""
        self.recompute: Recompute | None = None
        """The innermost `recompute` that is being run: the mark of the nodes that are added."""

    @property
    def depth(self) -> int:
        """Number of `repeat` bodies that are open."""
        return len(self.regions) - 1

    def add_input(self, type: TensorType, name: str = "") -> Value:
        value = Value(type, name)
        self.inputs.append(value)
        return value

    def add(self, node: Node) -> None:
        node.recompute, node.round, node.condition = self.recompute, self.round, self.condition
        self.regions[-1].append(node)
        if isinstance(node, Op):
            self.owned.add(node)

    @contextmanager
    def rounds(self, span: Span, times: int | None = None) -> Generator[Callable[[], None]]:
        """The run of a loop: whoever runs it calls what this gives before each round. `times` is how many there will
        be, with the formula of that."""
        outer, loop, done = self.round, Unrolled(span, times), 0

        def begin() -> None:
            nonlocal done
            self.round = Round(loop, done, outer)
            done += 1

        try:
            yield begin
        finally:
            self.round = outer

    def added(self, node: Node | None) -> bool:
        """Whether a node is the one added last, and not a later use of a shared instance."""
        here = self.regions[-1]
        return node is not None and bool(here) and here[-1] is node

    def unused(self, values: Iterable[Value], outputs: tuple[Value, ...]) -> set[Value]:
        """Those of the values that nothing in the function reads."""
        left = set(values).difference(outputs)
        pending = [self.regions[0]] if left else []
        while pending:
            for node in pending.pop():
                left.difference_update(node.inputs)
                if isinstance(node, Repeat):
                    left.difference_update(node.results)
                    pending.append(node.nodes)
        return left

    def dead_ends(self, outputs: tuple[Value, ...]) -> list[Node]:
        """Nodes whose results nothing reads and whose weights nothing borrows. Views (`x = id`) cost nothing and may be
        there for one arm of an `if` only: they are none themselves, and what only they read is read by nobody."""
        nodes = [node for node, _ in walk(self.regions[0])]
        reads: Counter[Value] = Counter(outputs)
        makers: dict[Value, Node] = {}
        for node in nodes:
            reads.update(node.inputs)
            if isinstance(node, Repeat):
                reads.update(node.results)
            makers.update(dict.fromkeys(node.outputs, node))
        borrowed = {ref.owner for node in nodes if isinstance(node, Op) for ref in node.op.borrowed()}

        def unread(node: Node) -> bool:
            return node not in borrowed and not any(reads[value] for value in node.outputs)

        def unread_view(node: Node) -> bool:
            return isinstance(node, Op) and node.op.view and unread(node)

        views = [node for node in nodes if unread_view(node)]
        while views:
            for value in views.pop().inputs:
                reads[value] -= 1
                if not reads[value] and value in makers and unread_view(makers[value]):
                    views.append(makers[value])
        return [node for node in nodes if unread(node) and not (isinstance(node, Op) and node.op.view)]

    def label(self, node: Node | None, name: str, span: Span, numbered: tuple[str, int] | None = None) -> None:
        """Rename a node that was just added (`as name`). A shared instance keeps its own name."""
        if isinstance(node, (Op, Call)) and node.instance is None:
            node.segment, node.numbered = Segment(name), numbered
            self.labelled[node] = span

    def misnamed(self, top: bool) -> Iterator[tuple[str, Span, str]]:
        """Names of parts that PyTorch cannot hold, each with where it is from and the reason, once for each place;
        `top` of a model's own body."""
        seen: set[tuple[str, int]] = set()
        for node, _ in walk(self.regions[0]):
            if isinstance(node, Repeat):
                continue
            name, span = node.segment.name, self.labelled.get(node, node.span)
            if (name, span.start) not in seen and (reason := objection(name, top)):
                seen.add((name, span.start))
                yield name, span, reason

    def finish(
        self,
        block: str,
        arguments: dict[str, object],
        outputs: tuple[Value, ...],
        origin: Any,
        span: Any,
        doc: str,
    ) -> Function:
        """The finished function, with a segment on every node."""
        nodes = self.regions[0]
        assign_segments(nodes)
        return Function(block, arguments, tuple(self.inputs), nodes, outputs, origin, span, doc, self.labels)


def assign_segments(nodes: list[Node]) -> None:
    """Number the names of a function body (language reference, "Parameter paths").

    A name that occurs once is the segment; a name that occurs several times is a list numbered in source order, where
    an occurrence inside `repeat n` counts n times. Nodes come in with the bare name in their segment."""
    totals: dict[str, int] = {}
    _count(nodes, 1, totals)
    _number(nodes, dict.fromkeys(totals, 0), totals, ())


def _count(nodes: list[Node], times: int, totals: dict[str, int]) -> None:
    for node in nodes:
        if isinstance(node, Repeat):
            _count(node.nodes, times * int(node.times), totals)
        elif node.instance is None:
            totals[node.segment.name] = totals.get(node.segment.name, 0) + times


def _number(
    nodes: list[Node],
    next_index: dict[str, int],
    totals: Mapping[str, int],
    strides: tuple[dict[str, int], ...],
) -> None:
    """`next_index` is where each name's list stands; `strides` holds, per enclosing repeat, how far one iteration
    moves each name. Recursion follows nested repeats, which the parser bounds."""
    for node in nodes:
        if isinstance(node, Repeat):
            per_iteration: dict[str, int] = {}
            _count(node.nodes, 1, per_iteration)
            start = {name: next_index[name] for name in per_iteration}
            _number(node.nodes, next_index, totals, (*strides, per_iteration))
            for name, count in per_iteration.items():
                next_index[name] = start[name] + count * int(node.times)
        elif node.instance is not None:
            node.segment = node.instance.segment
        else:
            name = node.segment.name
            if totals[name] == 1:
                node.segment = Segment(name)
            else:
                node.segment = Segment(name, next_index[name], tuple(level[name] for level in strides))
            next_index[name] += 1


def substitute_inputs(nodes: list[Node], replacements: Mapping[Value, Value]) -> None:
    """Replace values that nodes read, in place, nested repeat bodies included."""
    pending = [nodes]
    while pending:
        for node in pending.pop():
            node.inputs = tuple(replacements.get(value, value) for value in node.inputs)
            if isinstance(node, Repeat):
                node.results = tuple(replacements.get(value, value) for value in node.results)
                pending.append(node.nodes)


def mark_train_only(nodes: list[Node], outputs: list[Output]) -> None:
    """Mark the nodes of the entry function that exist in training only: those that only training outputs depend on, and
    those that nothing depends on and that read what such a node makes, for in evaluation there is nothing to read."""
    kept: set[Value] = {output.value for output in outputs if not output.train}
    training: set[Value] = {output.value for output in outputs if output.train}
    for node in reversed(nodes):
        reads = _read_by(node)
        if any(value in kept for value in node.outputs):
            kept |= reads
        elif any(value in training for value in node.outputs):
            training |= reads
            node.train_only = True
    absent: set[Value] = set()
    for node in nodes:
        # A node that is kept reads kept values alone, so this marks dead ones only.
        if node.train_only or not absent.isdisjoint(_read_by(node)):
            node.train_only = True
            absent.update(node.outputs)


def _read_by(node: Node) -> set[Value]:
    """Every value a node reads, those a repeat makes itself included (harmless: nobody outside sees them)."""
    found: set[Value] = set(node.inputs)
    if not isinstance(node, Repeat):
        return found
    found.update(node.results)
    pending = [node.nodes]
    while pending:
        for node in pending.pop():
            found.update(node.inputs)
            if isinstance(node, Repeat):
                found.update(node.results)
                pending.append(node.nodes)
    return found


def reachable(entry: Function) -> list[Function]:
    """Every distinct function the entry needs in the order of first use, callees before callers, the entry last."""
    ordered: list[Function] = []
    state: dict[Function, bool] = {}
    stack: list[tuple[Function, bool]] = [(entry, False)]
    while stack:
        function, expanded = stack.pop()
        if expanded:
            if not state[function]:
                state[function] = True
                ordered.append(function)
            continue
        if function in state:
            continue
        state[function] = False
        stack.append((function, True))
        callees = dict.fromkeys(node.callee for node, _ in walk(function.nodes) if isinstance(node, Call))
        stack.extend((callee, False) for callee in reversed(callees))
    return ordered


def total_operators(functions: list[Function]) -> int:
    """How many operators the last function runs, everything written out; `functions` lists callees first."""
    sizes: dict[Function, int] = {}
    for function in functions:
        sizes[function] = sum(
            times * (1 if isinstance(node, Op) else sizes[node.callee] if isinstance(node, Call) else 0)
            for node, times in walk(function.nodes)
        )
    return sizes[functions[-1]]
