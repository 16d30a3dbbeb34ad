"""The cost of a training step beyond the forward pass: the memory that PyTorch's autograd keeps, and the
multiply-accumulates of the backward pass.

Both come from the operators' `autograd` rules, run over the program as PyTorch would run the emitted code in training
mode on the CPU. Memory is counted by storage: a storage of which anything is kept counts whole, once, at the operator
that keeps it first. Parameters, buffers and the model's inputs are not counted. Symbolic axes are taken to be longer
than 1: with a single sample PyTorch finds some more layouts in order and copies less.

A function is run once for each distinct situation it is called in (which inputs need a gradient, how they lie in
memory, which share a storage, which are kept already), a repeat until its iterations are alike; so the work does not
grow with the number of layers.

Of a `recompute { ... }` autograd keeps the inputs, and the backward pass multiplies again what the forward pass did, up
to the last tensor it needs: PyTorch stops there (`early_stop`).
"""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, cast

from archdsl.analysis import strides as layout
from archdsl.analysis.effort import Effort, too_large
from archdsl.analysis.runs import Figures, RecomputeRegion, Sight, TrainingRun, outer_values, trampoline, units
from archdsl.analysis.strides import Strides
from archdsl.ir.program import Call, Function, Node, Op, Program, Repeat, Value
from archdsl.records import record, replace
from archdsl.types.dims import Dim, DimTooLarge
from archdsl.types.tensor import DTYPE_BYTES, TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import Tape


@record
class Storage:
    """Memory that tensors are views of; what is not counted is `kept` from the start."""

    bytes: Dim
    kept: bool = False


@record
class TracedTensor:
    """A tensor during the run (an `ir.lowering.Traced`)."""

    type: TensorType
    needs_grad: bool
    storage: Storage
    strides: Strides = None
    number: bool = False

    @property
    def contiguous(self) -> bool:
        return self.strides is None

    @property
    def channels_last(self) -> bool:
        return layout.is_channels_last(self.type.dims, self.strides)


_Key = tuple[tuple[Sight, ...], tuple[tuple[bool, Dim], ...]]
"""A situation: the inputs, and the storages they are views of, each with whether it is kept and its bytes."""


class Recorder:
    """The `Tape` of one run."""

    def __init__(self) -> None:
        self.kept: Dim = 0
        self.macs: Dim = 0
        self.forward: Dim = 0
        self.prefix: Dim | None = None

    @property
    def figures(self) -> Figures:
        return self.kept, self.macs, self.forward, self.prefix or 0

    def new(
        self,
        type: TensorType,
        *sources: TracedTensor,
        like: TracedTensor | Sequence[TracedTensor] = (),
        format: TracedTensor | None = None,
    ) -> TracedTensor:
        needs_grad = type.is_float and any(source.needs_grad for source in sources)
        models = [like] if isinstance(like, TracedTensor) else like
        alike = [(model.type.dims, model.strides) for model in models if model.type.rank <= type.rank]
        strides = layout.like(type.dims, *alike) if any(strides is not None for _, strides in alike) else None
        if format and format.channels_last:
            strides = layout.channels_last(type.dims)
        return TracedTensor(type, needs_grad, Storage(type.elements * DTYPE_BYTES[type.dtype]), strides)

    def parameter(self, shape: Sequence[int]) -> TracedTensor:
        return TracedTensor(TensorType(tuple(shape)), True, Storage(0, kept=True))

    def constant(self, type: TensorType) -> TracedTensor:
        if not type.dims:
            return TracedTensor(type, False, Storage(DTYPE_BYTES[type.dtype]), number=True)
        return TracedTensor(type, False, Storage(0, kept=True))

    def keep(self, *tensors: TracedTensor) -> None:
        for tensor in tensors:
            if tensor.number:
                continue
            self.prefix = self.forward
            if not tensor.storage.kept:
                tensor.storage.kept = True
                self.kept = self.kept + tensor.storage.bytes

    def product(self, macs: Dim, *operands: TracedTensor) -> None:
        self.forward = self.forward + macs
        self.macs = self.macs + macs * (1 + sum(operand.needs_grad for operand in operands))

    def reshape(self, x: TracedTensor, dims: Sequence[Dim]) -> TracedTensor:
        type = x.type.with_dims(*dims)
        view, strides = layout.reshaped(x.type.dims, x.strides, dims)
        return TracedTensor(type, x.needs_grad, x.storage, strides) if view else self.new(type, x)

    def permute(self, x: TracedTensor, axes: Sequence[int]) -> TracedTensor:
        dims = [x.type.dims[axis] for axis in axes]
        before = layout.in_order(x.type.dims) if x.strides is None else x.strides
        strides = layout.canonical(dims, [before[axis] for axis in axes])
        return TracedTensor(x.type.with_dims(*dims), x.needs_grad, x.storage, strides)

    def aligned(self, x: TracedTensor, axes: Sequence[int | None]) -> TracedTensor:
        before = layout.in_order(x.type.dims) if x.strides is None else x.strides
        dims = [1 if axis is None else x.type.dims[axis] for axis in axes]
        strides = tuple(1 if axis is None else before[axis] for axis in axes)
        return TracedTensor(x.type.with_dims(*dims), x.needs_grad, x.storage, strides)

    def detach(self, x: TracedTensor) -> TracedTensor:
        return TracedTensor(x.type, False, x.storage, x.strides)

    def expand(self, x: TracedTensor, type: TensorType) -> TracedTensor:
        before = layout.in_order(x.type.dims) if x.strides is None else x.strides
        axes = zip(x.type.dims, type.dims, before, strict=True)
        strides = [step if new == old else 0 for old, new, step in axes]
        return TracedTensor(type, x.needs_grad, x.storage, layout.canonical(type.dims, strides))

    def part(self, x: TracedTensor, type: TensorType, step: int = 1, axis: int = 0) -> TracedTensor:
        before = list(layout.in_order(x.type.dims) if x.strides is None else x.strides)
        before[axis] = before[axis] * step
        return TracedTensor(type, x.needs_grad, x.storage, layout.canonical(type.dims, before))


_Request = tuple[Function | Repeat | RecomputeRegion, _Key]
_Steps = Generator[_Request, TrainingRun, TrainingRun]


class TrainingModel:
    """The training figures of a program and of its parts, for the whole batch: `kept` in bytes and `macs`, polynomials
    in the batch symbol; with `recompute` False as if no region were marked.

    Raises `ArchError` (E0611) if a symbolic figure grows past what is printed exactly.
    """

    def __init__(self, program: Program, recompute: bool = True, effort: Effort | None = None) -> None:
        self.program = program
        self._effort = effort or Effort(program)
        self._recompute = recompute
        self._outer: dict[Repeat, tuple[Value, ...]] = {}
        self._regions: dict[Function | Repeat | RecomputeRegion, list[Node | RecomputeRegion]] = {}
        inputs = [TracedTensor(value.type, False, Storage(0, kept=True)) for value in program.inputs]
        try:
            self.entry = trampoline((program.entry, _situation(inputs)[0]), self._steps)
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

    def _steps(self, request: _Request) -> _Steps:
        """One run of a body, which asks for the runs of what it calls."""
        body, key = request
        storages = [Storage(size, kept) for kept, size in key[1]]
        known = {
            value: TracedTensor(value.type, needs_grad, storages[at], strides, number)
            for value, (needs_grad, strides, at, number) in zip(self._inputs(body), key[0], strict=True)
        }
        run = TrainingRun()
        for unit in self._units(body):
            self._effort.spend(20 + 3 * (len(unit.inputs) + len(unit.outputs)))
            given = [known[value] for value in unit.inputs]
            if isinstance(unit, Op):
                self._effort.spend_inside(unit, 60)
                tape = Recorder()
                # Every `Traced` that the operator sees was made by this tape or one like it.
                made = cast("TracedTensor | tuple[TracedTensor, ...]", unit.op.autograd(cast("Tape", tape), *given))
                results = made if isinstance(made, tuple) else (made,)
                run.add(TrainingRun(tape.kept, tape.macs, tape.forward, tape.prefix, {unit: tape.figures}))
            elif isinstance(unit, Repeat):
                results = yield from self._iterations(unit, list(map(_passed, given)), known, run)
            else:
                key_inside, views = _situation(list(map(_passed, given)) if isinstance(unit, Call) else given)
                inner = yield unit.callee if isinstance(unit, Call) else unit, key_inside
                results = _apply(inner, views, unit.outputs)
                called = inner.called(unit) if isinstance(unit, Call) else inner
                self._effort.spend(called.size)
                run.add(called)
            known.update(zip(unit.outputs, results, strict=True))
        self._effort.spend_on(run.kept, run.macs)
        self._effort.spend(run.size)
        run.close()
        outputs = body.results if isinstance(body, Repeat) else body.outputs
        results = [known[value] for value in outputs]
        if isinstance(body, RecomputeRegion):
            return _forget(run, body, storages, results, key)
        return _leave(run, storages, list(map(_passed, results)), key)

    def _inputs(self, body: Function | Repeat | RecomputeRegion) -> tuple[Value, ...]:
        return (*body.parameters, *self._outer_values(body)) if isinstance(body, Repeat) else body.inputs

    def _units(self, body: Function | Repeat | RecomputeRegion) -> "list[Node | RecomputeRegion]":
        """The nodes of a body, those of each `recompute { ... }` put together."""
        if body not in self._regions:
            around = body.recompute if isinstance(body, Repeat | RecomputeRegion) else None
            self._regions[body] = units(body.nodes, around) if self._recompute else list(body.nodes)
        return self._regions[body]

    def _iterations(
        self, node: Repeat, given: list[TracedTensor], known: dict[Value, TracedTensor], run: TrainingRun
    ) -> Generator[_Request, TrainingRun, list[TracedTensor]]:
        """All iterations of a repeat. What an iteration does depends on the situation it finds alone, so once a
        situation returns, the iterations since then go on alike."""
        outer = [known[value] for value in self._outer_values(node)]
        seen: dict[_Key, int] = {}
        history: list[TrainingRun] = []
        done = 0
        while done < node.times:
            key, views = _situation([*given, *outer])
            if key in seen:
                period = history[seen[key] :]
                whole = (node.times - done) // len(period)
                if whole:
                    for each in period:
                        self._effort.spend(each.size)
                        run.add(each, whole)
                done += whole * len(period)
                seen.clear()
                if done == node.times:
                    break
            seen[key] = len(history)
            inner = yield node, key
            self._effort.spend(10 + 3 * len(views) + inner.size)
            history.append(inner)
            given = _apply(inner, views, node.outputs)
            run.add(inner, 1)
            done += 1
        return given

    def _outer_values(self, repeat: Repeat) -> tuple[Value, ...]:
        """Values of the enclosing function that the body of a repeat reads."""
        if repeat not in self._outer:
            self._outer[repeat] = outer_values(repeat, self._effort)
        return self._outer[repeat]


def _passed(tensor: TracedTensor) -> TracedTensor:
    """A tensor on its way into a function or out of it, or round a loop: there a number is a tensor too."""
    return replace(tensor, number=False) if tensor.number else tensor


def _situation(tensors: Sequence[TracedTensor]) -> tuple[_Key, list[Storage]]:
    places: dict[int, int] = {}
    storages: list[Storage] = []
    sights: list[Sight] = []
    for tensor in tensors:
        place = places.setdefault(id(tensor.storage), len(storages))
        if place == len(storages):
            storages.append(tensor.storage)
        sights.append((tensor.needs_grad, tensor.strides, place, tensor.number))
    return (tuple(sights), tuple((storage.kept, storage.bytes) for storage in storages)), storages


def _apply(run: TrainingRun, storages: list[Storage], outputs: Sequence[Value]) -> list[TracedTensor]:
    """The results of a call in the caller's own storages."""
    for place in run.marked:
        storages[place].kept = True
    everything = [*storages, *(Storage(size, kept) for size, kept in run.storages)]
    return [
        TracedTensor(value.type, needs_grad, everything[place], strides, number)
        for value, (needs_grad, strides, place, number) in zip(outputs, run.results, strict=True)
    ]


def _forget(
    run: TrainingRun, region: RecomputeRegion, storages: list[Storage], results: Sequence[TracedTensor], key: _Key
) -> TrainingRun:
    """Keep of a region that is run again its inputs, and nothing that it makes. A number is an input where something
    inside needs it as a tensor."""
    kept: Dim = 0
    numbers = {place for _, _, place, number in key[0] if number}
    for place, (storage, (was_kept, size)) in enumerate(zip(storages, key[1], strict=True)):
        if place in numbers and not storage.kept:
            continue
        kept = kept if was_kept else kept + size
        storage.kept = True
    own = {id(storage) for storage in storages}
    for result in results:
        if id(result.storage) not in own:
            result.storage.kept = False
    return _leave(run.again(region.nodes[0], kept), storages, results, key)


def _leave(run: TrainingRun, storages: list[Storage], results: Sequence[TracedTensor], key: _Key) -> TrainingRun:
    run.marked = tuple(place for place, (kept, _) in enumerate(key[1]) if storages[place].kept and not kept)
    places = {id(storage): place for place, storage in enumerate(storages)}
    new: list[Storage] = []
    sights: list[Sight] = []
    for result in results:
        place = places.setdefault(id(result.storage), len(places))
        if place == len(storages) + len(new):
            new.append(result.storage)
        sights.append((result.needs_grad, result.strides, place, result.number))
    run.storages = tuple((storage.bytes, storage.kept) for storage in new)
    run.results = tuple(sights)
    return run
