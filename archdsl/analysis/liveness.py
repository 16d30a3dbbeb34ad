"""The largest memory that values take at once during inference, in the order of the program.

An idealisation, exact in what it says: a value exists from the operator that makes it to the last one that reads it; an
operator's results exist while its inputs still do; views take nothing and keep what they are views of. The caller holds
the inputs all along, and the outputs stay. Weights are apart. What a kernel needs inside (workspaces, the scores of an
attention, copies that a `reshape` makes) is not counted, nor is an operation in place foreseen.

A function is run once for each distinct situation it is called in: which of its inputs nobody else holds, and how large
they are; a repeat until its iterations are alike. So the work does not grow with the number of layers.
"""

from collections.abc import Generator, Mapping, Sequence

from archdsl.analysis.effort import Effort, too_large
from archdsl.analysis.runs import outer_values, trampoline
from archdsl.ir.program import Call, Function, Node, Op, Program, Repeat, Value
from archdsl.records import field, record
from archdsl.types.dims import Dim, DimTooLarge, at_least, evaluate, terms_of, total_of
from archdsl.types.tensor import DTYPE_BYTES

MOST_CANDIDATES = 8
"""A symbolic maximum of more expressions than this is refused."""


class Maximum:
    """The largest of some figures: those of which none is at least as large as another for all values of the symbols.
    With numbers it is one number."""

    __slots__ = ("candidates",)

    def __init__(self, candidates: tuple[Dim, ...] = ()) -> None:
        self.candidates = candidates

    def add(self, figure: Dim) -> None:
        """Raises `DimTooLarge` for more candidates than are worth printing."""
        if any(at_least(known, figure) is True for known in self.candidates):
            return
        kept = [known for known in self.candidates if at_least(figure, known) is not True]
        if len(kept) == MOST_CANDIDATES:
            raise DimTooLarge
        self.candidates = (*kept, figure)

    def join(self, other: "Maximum", more: Dim = 0) -> None:
        """Add everything of another maximum, each with `more` on top."""
        for figure in other.candidates:
            self.add(figure + more)

    @property
    def figure(self) -> Dim | None:
        """The maximum where it is decided, 0 of nothing; None where it depends on the symbols."""
        if not self.candidates:
            return 0
        return self.candidates[0] if len(self.candidates) == 1 else None

    def evaluate(self, **sizes: int) -> int:
        """The maximum for some sizes of the symbols. Raises `ValueError` where one is missing."""
        return max((evaluate(figure, sizes) for figure in self.candidates), default=0)

    def __repr__(self) -> str:
        if self.figure is not None:
            return str(self.figure)
        return f"max({', '.join(map(str, self.candidates))})"


@record
class Allocation:
    """Memory that values are views of: its bytes, and how many values hold it. What the caller holds is never freed."""

    bytes: Dim
    holders: int = 0


_Key = tuple[tuple[int, ...], tuple[tuple[Dim, bool], ...], tuple[bool, ...]]
"""A situation: which memory each input is of; of each memory its bytes and whether it dies inside; which results are
wanted."""


@record
class LiveRun:
    """One run of a function or of an iteration, in bytes above what is held outside all along.

    `parts` is the peak while each node runs; `calls`, for each run of a callee, the most that is held around it.
    `results` says which memory each wanted result is of, those of the inputs first, then `made`; `left` is what is held
    at the end.
    """

    peak: Maximum = field(default_factory=Maximum)
    parts: dict[Node, Maximum] = field(default_factory=dict[Node, Maximum])
    calls: "dict[Call, dict[LiveRun, Maximum]]" = field(default_factory=dict[Call, "dict[LiveRun, Maximum]"])
    results: tuple[int | None, ...] = ()
    made: tuple[Dim, ...] = ()
    left: Dim = 0

    def note(self, node: Node, live: Dim) -> None:
        self.peak.add(live)
        self.parts.setdefault(node, Maximum()).add(live)

    def absorb(self, node: Node, inner: "LiveRun", around: Dim, effort: Effort) -> None:
        """Count a run inside this one, with `around` bytes held besides its own."""
        copied = 1 if isinstance(node, Call) else len(inner.parts) + sum(map(len, inner.calls.values()))
        effort.spend(copied * (3 + 4 * terms_of(around)))
        self.peak.join(inner.peak, around)
        self.parts.setdefault(node, Maximum()).join(inner.peak, around)
        if isinstance(node, Call):
            self.calls.setdefault(node, {}).setdefault(inner, Maximum()).add(around)
            return
        for part, peak in inner.parts.items():
            self.parts.setdefault(part, Maximum()).join(peak, around)
        for call, runs in inner.calls.items():
            for run, most in runs.items():
                self.calls.setdefault(call, {}).setdefault(run, Maximum()).join(most, around)


_Request = tuple[Function | Repeat, _Key]
_Steps = Generator[_Request, LiveRun, LiveRun]


class LivenessModel:
    """Peaks of a program and of its parts, in bytes for one sample, or for some `sizes` of the symbols. Building
    it visits every distinct situation once.

    Raises `ArchError` (E0611) if a symbolic figure grows past what is printed exactly.
    """

    def __init__(self, program: Program, effort: Effort | None = None, sizes: Mapping[str, int] | None = None) -> None:
        self.program = program
        self._effort = effort or Effort(program)
        symbol = program.batch_symbol
        self._values: Mapping[str, Dim] = sizes if sizes is not None else {symbol: 1} if symbol else {}
        self._outer: dict[Repeat, tuple[Value, ...]] = {}
        self._inside: dict[Repeat, set[Value]] = {}
        self._read_here: dict[Node, list[Value]] = {}
        self._read: dict[Function, tuple[bool, ...]] = {}
        for function in program.functions:
            read = self._reads(function.nodes, function.outputs)
            self._read[function] = tuple(value in read for value in function.inputs)
        try:
            given = [self._bytes(value) for value in program.inputs]
            self.inputs = total_of(given)
            stay = {output.value for output in program.outputs if not output.train}
            wanted = tuple(value in stay for value in program.entry.outputs)
            key = (tuple(range(len(given))), tuple((size, False) for size in given), wanted)
            self.entry = trampoline((program.entry, key), self._steps)
            self.peak = Maximum()
            self.peak.join(self.entry.peak, self.inputs)
        except DimTooLarge:
            raise too_large(program.entry, "peak memory") from None

    def _bytes(self, value: Value) -> Dim:
        kind = value.type.substitute(self._values)
        return kind.elements * DTYPE_BYTES[kind.dtype]

    def _reads(self, nodes: Sequence[Node], results: Sequence[Value]) -> set[Value]:
        """Values that the nodes of a body, or what they call, read."""
        found = set(results)
        for node in nodes:
            if not node.train_only:
                found.update(self._read_by(node))
        return found

    def _read_by(self, node: Node) -> list[Value]:
        if isinstance(node, Call):
            return [value for value, read in zip(node.inputs, self._read[node.callee], strict=True) if read]
        if isinstance(node, Op):
            return list(node.inputs)
        if node not in self._read_here:
            inside = self._reads_inside(node)
            carried = [value for value, name in zip(node.inputs, node.parameters, strict=True) if name in inside]
            self._read_here[node] = [*carried, *(value for value in self._outer_values(node) if value in inside)]
        return self._read_here[node]

    def _reads_inside(self, repeat: Repeat) -> set[Value]:
        """Values that the body of a repeat reads. Worked out once, and not again for every repeat around it."""
        if repeat not in self._inside:
            self._effort.spend(len(repeat.nodes))
            self._inside[repeat] = self._reads(repeat.nodes, repeat.results)
        return self._inside[repeat]

    def _outer_values(self, repeat: Repeat) -> tuple[Value, ...]:
        if repeat not in self._outer:
            self._outer[repeat] = outer_values(repeat, self._effort)
        return self._outer[repeat]

    def _steps(self, request: _Request) -> _Steps:
        """One run of a body, which asks for the runs of what it calls."""
        body, key = request
        entry = isinstance(body, Function)
        inputs = body.inputs if entry else (*body.parameters, *self._outer_values(body))
        results = body.outputs if entry else body.results
        kept = {value for value, wanted in zip(results, key[2], strict=True) if wanted}
        frame = _Frame([Allocation(size, 0 if dies else 1) for size, dies in key[1]])
        frame.live = total_of(size for size, dies in key[1] if dies)
        last = self._last_reads(body.nodes, kept)
        frame.run.peak.add(frame.live)
        for value, place in zip(inputs, key[0], strict=True):
            frame.bind(value, frame.memories[place])
        frame.drop([value for value in inputs if value not in last])
        for position, node in enumerate(body.nodes):
            if node.train_only:
                continue
            read = set(self._read_by(node))
            self._effort.spend(10 + 2 * len(read) + 3 * len(node.outputs))
            self._effort.spend_on(frame.live)
            dying = [value for value in read if last[value] == position]
            if isinstance(node, Op):
                self._apply(frame, node)
                frame.drop(dying)
            elif isinstance(node, Call):
                wanted = tuple(value in last for value in node.outputs)
                given = [frame.held.get(value, _NOTHING) for value in node.inputs]
                inner_key, around = frame.situation(given, dying, wanted)
                inner = yield node.callee, inner_key
                frame.run.absorb(node, inner, around, self._effort)
                frame.drop(dying)
                frame.live = around + inner.left
                frame.receive(node.outputs, inner, frame.distinct(given))
            else:
                yield from self._iterations(frame, node, dying, last)
            frame.drop([value for value in node.outputs if value not in last and value in frame.held])
        return frame.finish([value if value in kept else None for value in results], len(key[1]))

    def _last_reads(self, nodes: Sequence[Node], kept: set[Value]) -> dict[Value, int]:
        """For each value that is read, the position of the last node that reads it; past the end for results."""
        last: dict[Value, int] = {}
        for position, node in enumerate(nodes):
            if not node.train_only:
                last.update(dict.fromkeys(self._read_by(node), position))
        last.update(dict.fromkeys(kept, len(nodes)))
        return last

    def _apply(self, frame: "_Frame", node: Op) -> None:
        """An operator makes its results, of which views are bound to what they are views of."""
        for place, value in enumerate(node.outputs):
            if node.op.training_only:
                memory = Allocation(0)
            elif not node.op.view:
                memory = Allocation(self._bytes(value))
                frame.live = frame.live + memory.bytes
            elif node.inputs:
                memory = frame.held[node.inputs[min(place, len(node.inputs) - 1)]]
            else:
                memory = Allocation(0)  # of a weight
            frame.bind(value, memory)
        frame.run.note(node, frame.live)

    def _iterations(
        self, frame: "_Frame", node: Repeat, dying: Sequence[Value], last: dict[Value, int]
    ) -> Generator[_Request, LiveRun, None]:
        """All iterations of a repeat. What an iteration does depends on the situation it finds alone, so once a
        situation returns, the iterations since then go on alike, up to the last one: only there values from outside may
        die, and results be unwanted."""
        outer = self._outer_values(node)
        inside = self._reads_inside(node)
        carried = tuple(name in inside for name in node.parameters)
        names = list(node.inputs)  # who holds what the loop carries: the caller's names at first, ours afterwards
        ours = [Value(name.type) for name in node.parameters]
        leaving = [value for value in dying if value not in outer]
        seen: dict[_Key, int] = {}
        done = 0
        while done < node.times:
            final = done == node.times - 1
            given = [frame.held.get(name, _NOTHING) for name in (*names, *outer)]
            wanted = tuple(value in last for value in node.outputs) if final else carried
            gone = [value for value in ([*leaving, *dying] if final else leaving) if value in frame.held]
            key, around = frame.situation(given, gone, wanted)
            if not final and key in seen:
                period = done - seen[key]
                skipped = (node.times - 1 - done) // period * period
                done += skipped
                seen.clear()
                if skipped:
                    continue
            seen[key] = done
            inner = yield node, key
            self._effort.spend(10 + 3 * len(given))
            frame.run.absorb(node, inner, around, self._effort)
            frame.drop(gone)
            frame.live = around + inner.left
            done += 1
            frame.receive(node.outputs if final else ours, inner, frame.distinct(given))
            names = ours
            leaving = [value for value in ours if value in frame.held]


_NOTHING = Allocation(0, 1)
"""Of a value that nobody reads."""


class _Frame:
    """A body while it runs: what each value holds, how much that is, the run so far."""

    def __init__(self, memories: list[Allocation]) -> None:
        self.memories = memories
        self.held: dict[Value, Allocation] = {}
        self.live: Dim = 0
        self.run = LiveRun()

    def bind(self, value: Value, memory: Allocation) -> None:
        self.held[value] = memory
        memory.holders += 1

    def drop(self, values: Sequence[Value]) -> None:
        """Forget values, and free what nobody holds any more."""
        for value in values:
            memory = self.held.pop(value)
            memory.holders -= 1
            if not memory.holders:
                self.live = self.live - memory.bytes

    def distinct(self, given: Sequence[Allocation]) -> list[Allocation]:
        return list({id(memory): memory for memory in given}.values())

    def situation(
        self, given: Sequence[Allocation], dying: Sequence[Value], wanted: tuple[bool, ...]
    ) -> tuple[_Key, Dim]:
        """How a call finds its inputs if it is the last to read the values `dying`, and what is held around it."""
        memories = self.distinct(given)
        places = {id(memory): place for place, memory in enumerate(memories)}
        leaving: dict[int, int] = {}
        for value in dying:
            leaving[id(self.held[value])] = leaving.get(id(self.held[value]), 0) + 1
        dies = [memory.holders == leaving.get(id(memory), 0) for memory in memories]
        around = self.live - total_of(memory.bytes for memory, gone in zip(memories, dies, strict=True) if gone)
        states = tuple((memory.bytes, gone) for memory, gone in zip(memories, dies, strict=True))
        return (tuple(places[id(memory)] for memory in given), states, wanted), around

    def receive(self, names: Sequence[Value], inner: LiveRun, memories: Sequence[Allocation]) -> None:
        """Bind the results of a call; unwanted ones are gone."""
        everything = [*memories, *(Allocation(size) for size in inner.made)]
        for name, place in zip(names, inner.results, strict=True):
            if place is not None:
                self.bind(name, everything[place])

    def finish(self, results: Sequence[Value | None], inputs: int) -> LiveRun:
        places = {id(memory): place for place, memory in enumerate(self.memories)}
        made: list[Dim] = []
        found: list[int | None] = []
        for value in results:
            if value is None:
                found.append(None)
                continue
            memory = self.held[value]
            place = places.setdefault(id(memory), inputs + len(made))
            if place == inputs + len(made):
                made.append(memory.bytes)
            found.append(place)
        self.run.results, self.run.made, self.run.left = tuple(found), tuple(made), self.live
        return self.run
