"""What a training step costs beyond the forward pass: the memory that PyTorch's autograd keeps, and the
multiply-accumulates of the backward pass.

Both come from the operators' `autograd` rules, run over the program as PyTorch would run the emitted code in training
mode on the CPU. Memory is counted by storage: a storage of which anything is kept counts whole, once, at the operator
that keeps it first. Parameters, buffers and the model's inputs are not counted.

A function is run once for each distinct situation it is called in (which inputs need a gradient, how they lie in
memory, which share a storage, which are kept already), a repeat until its iterations are alike; so the work does not
grow with the number of layers.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from archdsl.analysis import strides as layout
from archdsl.analysis.cost import too_large
from archdsl.analysis.strides import Strides
from archdsl.ir.program import Call, Function, Node, Op, Program, Repeat, Value
from archdsl.types.dims import Dim, DimTooLarge
from archdsl.types.tensor import DTYPE_BYTES, TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import Tape


@dataclass(slots=True, eq=False, repr=False)
class Storage:
    """Memory that tensors are views of; what is not counted is `kept` from the start."""

    bytes: Dim
    kept: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Tensor:
    """A tensor during the run (an `ir.lowering.Traced`)."""

    type: TensorType
    needs_grad: bool
    storage: Storage
    strides: Strides = None

    @property
    def contiguous(self) -> bool:
        return self.strides is None


_Sight = tuple[bool, Strides, int]
"""A tensor seen from a function it is passed to: whether it needs a gradient, its strides, which storage it is of."""
_Key = tuple[tuple[_Sight, ...], tuple[tuple[bool, Dim], ...]]
"""A situation: the inputs, and the storages they are views of, each with whether it is kept and its bytes."""


@dataclass(slots=True, eq=False, repr=False)
class Run:
    """One run of a function, or of one iteration of a repeat, in one situation.

    `kept` is the bytes it adds to what is kept, `macs` the multiply-accumulates of forward and backward pass. `parts`
    holds both for each node of the body, repeats opened, and `calls` how often each run of a callee occurs.
    """

    kept: Dim = 0
    macs: Dim = 0
    parts: dict[Node, tuple[Dim, Dim]] = field(default_factory=dict[Node, tuple[Dim, Dim]])
    calls: "dict[Call, dict[Run, int]]" = field(default_factory=dict[Call, "dict[Run, int]"])
    marked: tuple[int, ...] = ()
    """Storages of the inputs that it keeps."""
    storages: tuple[tuple[Dim, bool], ...] = ()
    """New storages that leave it, each with its bytes and whether it is kept."""
    results: tuple[_Sight, ...] = ()
    """The results; storages are numbered from those of the inputs on."""

    def add(self, other: "Run", times: int) -> None:
        """Count an iteration of a repeat."""
        self.kept = self.kept + other.kept * times
        self.macs = self.macs + other.macs * times
        for node, (kept, macs) in other.parts.items():
            self.part(node, kept * times, macs * times)
        for call, runs in other.calls.items():
            for run, count in runs.items():
                self.call(call, run, count * times)

    def part(self, node: Node, kept: Dim, macs: Dim) -> None:
        before = self.parts.get(node, (0, 0))
        self.parts[node] = (before[0] + kept, before[1] + macs)

    def call(self, node: Call, run: "Run", times: int) -> None:
        runs = self.calls.setdefault(node, {})
        runs[run] = runs.get(run, 0) + times


class Recorder:
    """The `Tape` of one run."""

    def __init__(self) -> None:
        self.kept: Dim = 0
        self.macs: Dim = 0

    def new(self, type: TensorType, *sources: Tensor, like: Tensor | None = None) -> Tensor:
        needs_grad = type.is_float and any(source.needs_grad for source in sources)
        strides = layout.like(type.dims, like.strides) if like and like.type.rank == type.rank else None
        return Tensor(type, needs_grad, Storage(type.elements * DTYPE_BYTES[type.dtype]), strides)

    def parameter(self, shape: Sequence[int]) -> Tensor:
        return Tensor(TensorType(tuple(shape)), True, Storage(0, kept=True))

    def constant(self, type: TensorType) -> Tensor:
        return Tensor(type, False, Storage(0, kept=True))

    def keep(self, *tensors: Tensor) -> None:
        for tensor in tensors:
            if not tensor.storage.kept:
                tensor.storage.kept = True
                self.kept = self.kept + tensor.storage.bytes

    def product(self, macs: Dim, *operands: Tensor) -> None:
        self.macs = self.macs + macs * (1 + sum(operand.needs_grad for operand in operands))

    def reshape(self, x: Tensor, dims: Sequence[Dim]) -> Tensor:
        type = x.type.with_dims(*dims)
        view, strides = layout.reshaped(x.type.dims, x.strides, dims)
        return Tensor(type, x.needs_grad, x.storage, strides) if view else self.new(type, x)

    def permute(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        dims = [x.type.dims[axis] for axis in axes]
        before = layout.in_order(x.type.dims) if x.strides is None else x.strides
        strides = layout.canonical(dims, [before[axis] for axis in axes])
        return Tensor(x.type.with_dims(*dims), x.needs_grad, x.storage, strides)

    def detach(self, x: Tensor) -> Tensor:
        return Tensor(x.type, False, x.storage, x.strides)

    def expand(self, x: Tensor, type: TensorType) -> Tensor:
        before = layout.in_order(x.type.dims) if x.strides is None else x.strides
        axes = zip(x.type.dims, type.dims, before, strict=True)
        strides = [step if new == old else 0 for old, new, step in axes]
        return Tensor(type, x.needs_grad, x.storage, layout.canonical(type.dims, strides))

    def part(self, x: Tensor, type: TensorType, step: int = 1, axis: int = 0) -> Tensor:
        before = list(layout.in_order(x.type.dims) if x.strides is None else x.strides)
        before[axis] = before[axis] * step
        return Tensor(type, x.needs_grad, x.storage, layout.canonical(type.dims, before))


_Request = tuple[Function | Repeat, _Key]
_Steps = Generator[_Request, Run, Run]


class TrainingModel:
    """The training figures of a program and of its parts, for the whole batch: `kept` in bytes and `macs`, polynomials
    in the batch symbol.

    Raises `ArchError` (E0611) if a symbolic figure grows past what is printed exactly.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._runs: dict[_Request, Run] = {}
        self._outer: dict[Repeat, tuple[Value, ...]] = {}
        inputs = [Tensor(value.type, False, Storage(0, kept=True)) for value in program.inputs]
        try:
            self.entry = self._run((program.entry, _situation(inputs)[0]))
        except DimTooLarge:
            raise too_large(program.entry, "training cost") from None

    @property
    def kept(self) -> Dim:
        """Bytes that autograd keeps for the backward pass."""
        return self.entry.kept

    @property
    def macs(self) -> Dim:
        """Multiply-accumulates of forward and backward pass."""
        return self.entry.macs

    def _run(self, wanted: _Request) -> Run:
        """The run of a request, and of all that it asks for, on a stack of its own."""
        stack: list[tuple[_Request, _Steps]] = [(wanted, self._steps(*wanted))]
        answer: Run | None = None
        while stack:
            request, steps = stack[-1]
            try:
                asked = steps.send(answer) if answer else next(steps)
            except StopIteration as finished:
                answer = self._runs[request] = finished.value
                stack.pop()
                continue
            answer = self._runs.get(asked)
            if answer is None:
                stack.append((asked, self._steps(*asked)))
        assert answer is not None
        return answer

    def _steps(self, body: Function | Repeat, key: _Key) -> _Steps:
        """One run of a body, which asks for the runs of what it calls."""
        inputs = body.inputs if isinstance(body, Function) else (*body.parameters, *self._outer_values(body))
        storages = [Storage(size, kept) for kept, size in key[1]]
        known = {
            value: Tensor(value.type, needs_grad, storages[at], strides)
            for value, (needs_grad, strides, at) in zip(inputs, key[0], strict=True)
        }
        run = Run()
        for node in body.nodes:
            given = [known[value] for value in node.inputs]
            if isinstance(node, Op):
                tape = Recorder()
                # Every `Traced` that the operator sees was made by this tape or one like it.
                made = cast("Tensor | tuple[Tensor, ...]", node.op.autograd(cast("Tape", tape), *given))
                results = made if isinstance(made, tuple) else (made,)
                run.kept, run.macs = run.kept + tape.kept, run.macs + tape.macs
                run.part(node, tape.kept, tape.macs)
            elif isinstance(node, Call):
                key_inside, views = _situation(given)
                inner = yield node.callee, key_inside
                results = _apply(inner, views, node.outputs)
                run.kept, run.macs = run.kept + inner.kept, run.macs + inner.macs
                run.part(node, inner.kept, inner.macs)
                run.call(node, inner, 1)
            else:
                results = yield from self._iterations(node, given, known, run)
            known.update(zip(node.outputs, results, strict=True))
        outputs = body.outputs if isinstance(body, Function) else body.results
        return _leave(run, storages, [known[value] for value in outputs], key)

    def _iterations(
        self, node: Repeat, given: list[Tensor], known: dict[Value, Tensor], run: Run
    ) -> Generator[_Request, Run, list[Tensor]]:
        """All iterations of a repeat. What an iteration does depends on the situation it finds alone, so once a
        situation returns, the iterations since then go on alike."""
        outer = [known[value] for value in self._outer_values(node)]
        seen: dict[_Key, int] = {}
        history: list[Run] = []
        done = 0
        while done < node.times:
            key, views = _situation([*given, *outer])
            if key in seen:
                period = history[seen[key] :]
                whole = (node.times - done) // len(period)
                for each in period:
                    run.add(each, whole)
                done += whole * len(period)
                seen.clear()
                if done == node.times:
                    break
            seen[key] = len(history)
            inner = yield node, key
            history.append(inner)
            given = _apply(inner, views, node.outputs)
            run.add(inner, 1)
            done += 1
        return given

    def _outer_values(self, repeat: Repeat) -> tuple[Value, ...]:
        """Values of the enclosing function that the body of a repeat reads."""
        if repeat not in self._outer:
            self._outer[repeat] = outer_values(repeat)
        return self._outer[repeat]


def outer_values(repeat: Repeat) -> tuple[Value, ...]:
    """Values of the enclosing function that the body of a repeat reads, in order of first use."""
    made = set(repeat.parameters)
    read: dict[Value, None] = {}
    pending: list[Node] = list(reversed(repeat.nodes))
    while pending:
        node = pending.pop()
        read.update(dict.fromkeys(node.inputs))
        made.update(node.outputs)
        if isinstance(node, Repeat):
            made.update(node.parameters)
            read.update(dict.fromkeys(node.results))
            pending.extend(reversed(node.nodes))
    read.update(dict.fromkeys(repeat.results))
    return tuple(value for value in read if value not in made)


def _situation(tensors: Sequence[Tensor]) -> tuple[_Key, list[Storage]]:
    places: dict[int, int] = {}
    storages: list[Storage] = []
    sights: list[_Sight] = []
    for tensor in tensors:
        place = places.setdefault(id(tensor.storage), len(storages))
        if place == len(storages):
            storages.append(tensor.storage)
        sights.append((tensor.needs_grad, tensor.strides, place))
    return (tuple(sights), tuple((storage.kept, storage.bytes) for storage in storages)), storages


def _apply(run: Run, storages: list[Storage], outputs: Sequence[Value]) -> list[Tensor]:
    """The results of a call in the caller's own storages."""
    for place in run.marked:
        storages[place].kept = True
    everything = [*storages, *(Storage(size, kept) for size, kept in run.storages)]
    return [
        Tensor(value.type, needs_grad, everything[place], strides)
        for value, (needs_grad, strides, place) in zip(outputs, run.results, strict=True)
    ]


def _leave(run: Run, storages: list[Storage], results: Sequence[Tensor], key: _Key) -> Run:
    run.marked = tuple(place for place, (kept, _) in enumerate(key[1]) if storages[place].kept and not kept)
    places = {id(storage): place for place, storage in enumerate(storages)}
    new: list[Storage] = []
    sights: list[_Sight] = []
    for result in results:
        place = places.setdefault(id(result.storage), len(places))
        if place == len(storages) + len(new):
            new.append(result.storage)
        sights.append((result.needs_grad, result.strides, place))
    run.storages = tuple((storage.bytes, storage.kept) for storage in new)
    run.results = tuple(sights)
    return run
