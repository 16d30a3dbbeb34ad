"""How the inputs of operators lie in memory when PyTorch runs a network for one sample.

PyTorch takes other functions for a tensor whose elements do not lie in order, and tools that count functions see that.
The operators' `autograd` rules say how results lie; a function is run once for each layout of its inputs, and a repeat
until one returns.
"""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, cast

from archdsl.analysis import strides as layout
from archdsl.analysis.effort import Effort
from archdsl.analysis.gradients import data_of
from archdsl.analysis.runs import outer_values, trampoline
from archdsl.analysis.strides import Strides
from archdsl.analysis.training import Recorder, Storage, TracedTensor
from archdsl.analysis.uses import USES_STEPS, uses
from archdsl.ir.program import Call, Function, Op, Program, Repeat, Value
from archdsl.types.dims import substitute

if TYPE_CHECKING:
    from archdsl.ir.lowering import Tape

_Layout = tuple[Strides, bool]
"""Strides, and whether the tensor is a number in the code that reads it."""

_Request = tuple[Function | Repeat, tuple[_Layout, ...]]
_Steps = Generator[_Request, list[_Layout], list[_Layout]]


class Layouts:
    """The layouts of one program in inference."""

    def __init__(self, program: Program, effort: Effort | None = None) -> None:
        self._effort = effort or Effort(program)
        self._outer: dict[Repeat, tuple[Value, ...]] = {}
        self._sample = {program.batch_symbol or "": 1}
        self._found: dict[Op, set[bool]] = {}
        self._data = data_of(program)
        trampoline((program.entry, ((None, False),) * len(program.inputs)), self._steps)

    def contiguous(self, node: Op) -> bool | None:
        """Whether the first input of a node lies in order; None where that differs from one run of it to another."""
        found = self._found.get(node, {True})
        return found == {True} if len(found) == 1 else None

    def _outer_values(self, repeat: Repeat) -> tuple[Value, ...]:
        if repeat not in self._outer:
            self._outer[repeat] = outer_values(repeat, self._effort)
        return self._outer[repeat]

    def _in_order(self, value: Value, strides: Strides) -> bool:
        if strides is None:
            return True
        dims, steps = ([substitute(dim, self._sample) for dim in dims] for dims in (value.type.dims, strides))
        return layout.canonical(dims, steps) is None

    def _steps(self, request: _Request) -> _Steps:
        body, layouts = request
        repeat = isinstance(body, Repeat)
        known = dict(
            zip((*body.parameters, *self._outer_values(body)) if repeat else body.inputs, layouts, strict=True)
        )
        self._effort.spend(10 + 2 * len(known))
        for node in body.nodes:
            given = [known[value] for value in node.inputs]
            self._effort.spend(USES_STEPS + 5 * (len(given) + len(node.outputs)) if isinstance(node, Op) else 10)
            if isinstance(node, Op):
                if given:
                    self._found.setdefault(node, set()).add(self._in_order(node.inputs[0], given[0][0]))
                results = self._results(node, given)
            elif isinstance(node, Call):
                results = yield node.callee, tuple((strides, False) for strides, _ in given)
            else:
                outer = [known[value] for value in self._outer_values(node)]
                flowing = tuple([(strides, False) for strides, _ in given])
                history: dict[tuple[_Layout, ...], int] = {}
                while flowing not in history and len(history) < node.times:
                    self._effort.spend(10 + 2 * (len(flowing) + len(outer)))
                    history[flowing] = len(history)
                    flowing = tuple((yield node, (*flowing, *outer)))
                if flowing in history:  # what follows goes round
                    start = history[flowing]
                    flowing = list(history)[start + (node.times - start) % (len(history) - start)]
                results = list(flowing)
            known.update(zip(node.outputs, results, strict=True))
        return [known[value] for value in (body.results if repeat else body.outputs)]

    def _results(self, node: Op, given: Sequence[_Layout]) -> list[_Layout]:
        tensors = [
            TracedTensor(value.type, value not in self._data, Storage(0, kept=True), strides, number)
            for value, (strides, number) in zip(node.inputs, given, strict=True)
        ]
        if _is_idle(node):
            return [given[0]]
        made = cast("TracedTensor | tuple[TracedTensor, ...]", node.op.autograd(cast("Tape", Recorder()), *tensors))
        return [(each.strides, each.number) for each in (made if isinstance(made, tuple) else (made,))]


def _is_idle(node: Op) -> bool:
    """Whether it hands on its input in inference, whatever it makes of it in training."""
    found = uses(node.op, tuple(value.type for value in node.inputs), tuple(value.type for value in node.outputs))
    return [use.name for use in found] in (["nn.Dropout"], ["DropPath"], ["DropLayer"])
