"""Records of the analyses of training about one run of a body, and how the nodes of a body are put together."""

from collections.abc import Callable, Generator, Hashable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Literal, TypeVar

from archdsl.analysis.strides import Strides
from archdsl.ir.program import Call, Node, Recompute, Repeat, Value
from archdsl.records import field, record
from archdsl.types.dims import Dim

if TYPE_CHECKING:
    from archdsl.analysis.effort import Effort

Sight = tuple[bool, Strides, int, bool]
"""A tensor seen from a function it is passed to: whether it needs a gradient, its strides, which storage it is of, and
whether it is a number in the code that reads it."""

Figures = tuple[Dim, Dim, Dim, Dim]
"""Bytes kept; multiply-accumulates of a training step, of the forward pass, and of the forward pass up to the last
tensor that is kept, which is how far it is run again."""

Mode = Literal["step", "dropped", "again", "prefix"]
"""How a callee runs: in a training step; in one that keeps nothing of it, for it is run again; that second time, whole;
or that second time up to the last tensor that is needed."""


@record
class RecomputeRegion:
    """The nodes of one `recompute { ... }` that stand in a row, with the values from outside that they read and all
    that they make."""

    recompute: Recompute
    nodes: list[Node]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


@record
class TrainingRun:
    """One run of a function, of one iteration of a repeat, of a region or of a node, in one situation.

    `kept` is the bytes it adds to what is kept; `macs`, `forward` and `prefix` as in `Figures`, the last None where
    nothing is kept inside. `parts` holds all four for each node of the body, repeats and regions opened, `calls` how
    often each run of a callee occurs, and `prefix_calls` how often in a second run up to the last tensor.
    """

    kept: Dim = 0
    macs: Dim = 0
    forward: Dim = 0
    prefix: Dim | None = None
    parts: dict[Node, Figures] = field(default_factory=dict[Node, Figures])
    calls: "dict[Call, dict[tuple[TrainingRun, Mode], int]]" = field(
        default_factory=dict[Call, "dict[tuple[TrainingRun, Mode], int]"]
    )
    prefix_calls: "dict[Call, dict[tuple[TrainingRun, Mode], int]]" = field(
        default_factory=dict[Call, "dict[tuple[TrainingRun, Mode], int]"]
    )
    marked: tuple[int, ...] = ()
    """Storages of the inputs that it keeps."""
    storages: tuple[tuple[Dim, bool], ...] = ()
    """New storages that leave it, each with its bytes and whether it is kept."""
    results: tuple[Sight, ...] = ()
    """The results; storages are numbered from those of the inputs on."""
    _sequence: "list[tuple[TrainingRun, int]]" = field(default_factory=list["tuple[TrainingRun, int]"])

    @property
    def size(self) -> int:
        """The work of adding this run to another."""
        return 4 * len(self.parts) + 4 * sum(map(len, self.calls.values()))

    def called(self, node: Call) -> "TrainingRun":
        """The run of a node that calls what this is a run of."""
        figures = (self.kept, self.macs, self.forward, self.prefix or 0)
        return TrainingRun(
            self.kept, self.macs, self.forward, self.prefix, {node: figures},
            {node: {(self, "step"): 1}}, {node: {(self, "prefix"): 1}} if self.prefix is not None else {},
        )  # fmt: skip

    def add(self, other: "TrainingRun", times: int = 1) -> None:
        """Count what runs next, so many times in a row."""
        self._sequence.append((other, times))
        self.kept = self.kept + other.kept * times
        self.macs = self.macs + other.macs * times
        self.forward = self.forward + other.forward * times
        for node, (kept, macs, forward, _) in other.parts.items():
            before = self.parts.get(node, (0, 0, 0, 0))
            self.parts[node] = (before[0] + kept * times, before[1] + macs * times, before[2] + forward * times, 0)
        _count(self.calls, other.calls, times)

    def close(self) -> None:
        """Work out how far a second run goes, when everything has been added."""
        kept = [place for place, (run, _) in enumerate(self._sequence) if run.prefix is not None]
        if kept:
            last, times = self._sequence[kept[-1]]
            whole = [*self._sequence[: kept[-1]], *([(last, times - 1)] if times > 1 else [])]
            self.prefix = last.prefix
            for node, figures in last.parts.items():
                self._reach(node, figures[3])
            _count(self.prefix_calls, last.prefix_calls, 1)
            for run, count in whole:
                assert self.prefix is not None
                self.prefix = self.prefix + run.forward * count
                for node, figures in run.parts.items():
                    self._reach(node, figures[2] * count)
                _count(self.prefix_calls, _forward(run.calls), count)
        self._sequence.clear()

    def _reach(self, node: Node, macs: Dim) -> None:
        kept, all_macs, forward, prefix = self.parts[node]
        self.parts[node] = (kept, all_macs, forward, prefix + macs)

    def again(self, first: Node, kept: Dim) -> "TrainingRun":
        """This run as one of which nothing is kept but `kept` bytes of its inputs, at its first node, and which runs a
        second time in the backward pass. A second run around it would stop at its inputs."""
        calls: dict[Call, dict[tuple[TrainingRun, Mode], int]] = {}
        for node, runs in self.calls.items():
            dropped: dict[tuple[TrainingRun, Mode], int] = {}
            for (run, mode), times in runs.items():
                dropped[run, "dropped" if mode == "step" else mode] = times
            calls[node] = dropped
        _count(calls, self.prefix_calls, 1)
        parts: dict[Node, Figures] = {
            node: (kept if node is first else 0, macs + prefix, forward, 0)
            for node, (_, macs, forward, prefix) in self.parts.items()
        }
        return TrainingRun(kept, self.macs + (self.prefix or 0), self.forward, 0, parts, calls)

    def figures(self, node: Node, mode: Mode) -> tuple[Dim, Dim]:
        """Bytes kept and multiply-accumulates of a node of the body, if the body runs in a mode."""
        kept, macs, forward, prefix = self.parts.get(node, (0, 0, 0, 0))
        if mode == "step":
            return kept, macs
        return 0, macs if mode == "dropped" else forward if mode == "again" else prefix

    def inside(self, call: Call, mode: Mode) -> "dict[tuple[TrainingRun, Mode], int]":
        """How often which runs of a callee occur, if the body runs in a mode."""
        if mode == "prefix":
            return self.prefix_calls.get(call, {})
        runs = self.calls.get(call, {})
        if mode == "step":
            return runs
        if mode == "again":
            return _forward({call: runs})[call]
        found: dict[tuple[TrainingRun, Mode], int] = {}
        for (run, how), times in runs.items():
            key: tuple[TrainingRun, Mode] = (run, "dropped" if how == "step" else how)
            found[key] = found.get(key, 0) + times
        return found


_Calls = dict[Call, dict[tuple[TrainingRun, Mode], int]]


def _count(into: _Calls, calls: _Calls, times: int) -> None:
    for node, runs in calls.items():
        counted = into.setdefault(node, {})
        for key, count in runs.items():
            counted[key] = counted.get(key, 0) + count * times


def _forward(calls: _Calls) -> _Calls:
    """The calls of a forward pass alone, run again."""
    found: _Calls = {}
    for node, runs in calls.items():
        again = found.setdefault(node, {})
        for (run, mode), times in runs.items():
            if mode in ("step", "dropped"):
                again[run, "again"] = again.get((run, "again"), 0) + times
    return found


def units(nodes: Sequence[Node], around: Recompute | None) -> list[Node | RecomputeRegion]:
    """Nodes that stand in the region `around`, or in none, with those of each region inside it put together. What
    exists in training only comes last, and is a region of its own: so it is in the generated code, whose other regions
    run in evaluation too."""
    found: list[Node | RecomputeRegion] = []

    def kind(node: Node) -> tuple[Recompute | None, bool]:
        return _region(node, around), node.train_only

    for (region, _), group in groupby(sorted(nodes, key=lambda node: node.train_only), kind):
        row = list(group)
        if region is None:
            found += row
        else:
            made = tuple(value for node in row for value in node.outputs)
            found.append(RecomputeRegion(region, row, _read(row, made), made))
    return found


def _region(node: Node, around: Recompute | None) -> Recompute | None:
    """The outermost region of a node inside `around`."""
    region = node.recompute
    while region is not None and region is not around and region.outer is not around:
        region = region.outer
    return None if region is around else region


def outer_values(repeat: Repeat, effort: "Effort | None" = None) -> tuple[Value, ...]:
    """Values of the enclosing function that the body of a repeat reads, in order of first use. All repeats inside it
    are looked through, which is charged for."""
    return _read(repeat.nodes, repeat.parameters, repeat.results, effort)


def _read(
    nodes: Sequence[Node], known: Sequence[Value], more: Sequence[Value] = (), effort: "Effort | None" = None
) -> tuple[Value, ...]:
    """Values that nodes read, then `more`, other than those that they make or that are `known`."""
    made = set(known)
    read: dict[Value, None] = {}
    pending: list[Node] = list(reversed(nodes))
    while pending:
        node = pending.pop()
        if effort is not None:
            effort.spend(3 + len(node.inputs) // 4)
        read.update(dict.fromkeys(node.inputs))
        made.update(node.outputs)
        if isinstance(node, Repeat):
            made.update(node.parameters)
            read.update(dict.fromkeys(node.results))
            pending.extend(reversed(node.nodes))
    read.update(dict.fromkeys(more))
    return tuple(value for value in read if value not in made)


RequestT = TypeVar("RequestT", bound=Hashable)
RunT = TypeVar("RunT")


def trampoline(wanted: RequestT, steps: Callable[[RequestT], Generator[RequestT, RunT, RunT]]) -> RunT:
    """The run of a request. `steps` starts one, which asks for the runs of what it calls by yielding their requests;
    each request is run once. The stack is kept here, so calls may nest as deep as they like."""
    runs: dict[RequestT, RunT] = {}
    stack = [(wanted, steps(wanted))]
    answer: RunT | None = None
    while stack:
        request, run = stack[-1]
        try:
            asked = next(run) if answer is None else run.send(answer)
        except StopIteration as finished:
            answer = runs[request] = finished.value
            stack.pop()
            continue
        answer = runs.get(asked)
        if answer is None:
            stack.append((asked, steps(asked)))
    return runs[wanted]
