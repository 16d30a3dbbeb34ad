"""What training, memory and receptive fields say of the rows of a table.

A row stands for nodes of one body, perhaps run several times. Costs of a node are the same in every run; what autograd
keeps, what is live and what is seen depend on where it runs, and are asked of the runs that the analyses have told
apart.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from archdsl.analysis.effort import Effort
from archdsl.analysis.field import AxisField, FieldModel
from archdsl.analysis.liveness import LivenessModel, Maximum
from archdsl.analysis.liveness import Run as Live
from archdsl.analysis.runs import Mode
from archdsl.analysis.runs import Run as Trained
from archdsl.analysis.training import TrainingModel
from archdsl.ir.program import Call, Program, Value
from archdsl.ir.reach import Seen
from archdsl.types.dims import Dim, substitute

if TYPE_CHECKING:
    from archdsl.analysis.table import Row


class Parts:
    """The figures of a program's rows, for one sample; each analysis is made when it is first asked."""

    def __init__(self, program: Program, effort: Effort | None = None) -> None:
        self.program = program
        self._effort = effort or Effort(program)
        symbol = program.batch_symbol
        self._one: dict[str, Dim] = {symbol: 1} if symbol else {}
        self._trained: dict[TrainingModel, dict[Row | None, dict[tuple[Trained, Mode], int]]] = {}
        self._live: dict[Row | None, dict[Live, Maximum]] = {}
        self._seen: dict[Row | None, dict[Value, Seen]] = {}

    @cached_property
    def training(self) -> TrainingModel:
        return TrainingModel(self.program, effort=self._effort)

    @cached_property
    def plain_training(self) -> TrainingModel:
        """Without recomputation."""
        return TrainingModel(self.program, recompute=False, effort=self._effort)

    @cached_property
    def liveness(self) -> LivenessModel:
        return LivenessModel(self.program, self._effort)

    @cached_property
    def fields(self) -> FieldModel:
        return FieldModel(self.program, self._effort)

    def kept(self, row: "Row") -> Dim:
        """Bytes that autograd keeps first in this row, statistics of the batch included."""
        return self._trained_total(row, self.training)[0]

    def plainly_kept(self, row: "Row") -> Dim:
        """The same without recomputation."""
        return self._trained_total(row, self.plain_training)[0]

    def training_macs(self, row: "Row") -> Dim:
        """Multiply-accumulates of forward and backward pass."""
        return self._trained_total(row, self.training)[1]

    def _trained_total(self, row: "Row", model: TrainingModel) -> tuple[Dim, Dim]:
        if row.level == 0:
            kept, macs = model.kept, model.macs
        else:
            kept = macs = 0
            for (run, mode), times in self._runs_inside(row.parent, model).items():
                self._effort.spend(2 * len(row.nodes))
                self._effort.spend_on(kept, macs)
                for node in row.nodes:
                    part = run.figures(node, mode)
                    kept, macs = kept + part[0] * times, macs + part[1] * times
        return substitute(kept, self._one), substitute(macs, self._one)

    def _runs_inside(self, row: "Row | None", model: TrainingModel) -> dict[tuple[Trained, Mode], int]:
        """The runs of the blocks that a row stands for, with how often each occurs."""
        trained = self._trained.setdefault(model, {})
        for each in _way(row):
            if each in trained:
                continue
            if each is None:
                trained[each] = {(model.entry, "step"): 1}
                continue
            found: dict[tuple[Trained, Mode], int] = {}
            for (run, mode), times in trained[each.parent].items():
                self._effort.spend(3 * len(each.nodes))
                for node in each.nodes:
                    inner = run.inside(node, mode) if isinstance(node, Call) else {}
                    for callee, count in inner.items():
                        found[callee] = found.get(callee, 0) + count * times
            trained[each] = found
        return trained[row]

    def peak(self, row: "Row") -> Maximum:
        """The most that is live while this row runs, in bytes."""
        if row.level == 0:
            return self.liveness.peak
        peak = Maximum()
        for run, around in self._live_inside(row.parent).items():
            self._effort.spend(3 * len(row.nodes))
            for node in row.nodes:
                for figure in around.candidates:
                    self._effort.spend_on(figure)
                    peak.join(run.parts.get(node, Maximum()), figure)
        return peak

    def _live_inside(self, row: "Row | None") -> dict[Live, Maximum]:
        """The runs of the blocks that a row stands for, with the most that is held around each."""
        for each in _way(row):
            if each in self._live:
                continue
            if each is None:
                self._live[each] = {self.liveness.entry: Maximum((self.liveness.inputs,))}
                continue
            found: dict[Live, Maximum] = {}
            for run, around in self._live[each.parent].items():
                self._effort.spend(3 * len(each.nodes))
                for node in each.nodes:
                    inner = run.calls.get(node, {}) if isinstance(node, Call) else {}
                    for callee, most in inner.items():
                        for figure in around.candidates:
                            found.setdefault(callee, Maximum()).join(most, figure)
            self._live[each] = found
        return self._live[row]

    def field(self, row: "Row") -> tuple[AxisField, ...]:
        """The receptive field of the row's result; the last one's where it stands for several runs, the first output's
        that is not for training of a whole network."""
        if row.level == 0:
            outputs = [output.value for output in self.program.outputs if not output.train]
            return self.fields.field(self.fields.entry[outputs[0]]) if outputs else ()
        return self.fields.field(self._seen_inside(row.parent)[row.nodes[-1].outputs[0]])

    def _seen_inside(self, row: "Row | None") -> dict[Value, Seen]:
        for each in _way(row):
            if each in self._seen:
                continue
            if each is None:
                self._seen[each] = self.fields.entry
                continue
            call = each.nodes[-1]
            assert isinstance(call, Call)
            self._seen[each] = self.fields.inside(call, self._seen[each.parent])
        return self._seen[row]


def _way(row: "Row | None") -> "list[Row | None]":
    """The rows around a row, the outermost first, and the row."""
    way: list[Row | None] = [row]
    while way[-1] is not None:
        way.append(way[-1].parent)
    return way[::-1]
