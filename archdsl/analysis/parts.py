"""Training, memory and receptive fields of the parts of a network that are rows of a table.

A row stands for nodes of one body, perhaps run several times. Costs of a node are the same in every run; what autograd
keeps, what is live and what is seen depend on where it runs, and are asked of the runs that the analyses have told
apart.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from archdsl.analysis.cost import CostModel
from archdsl.ir.program import Call, Op, Value
from archdsl.types.dims import Dim, substitute

# Read when a column asks for them: most tables show costs alone.
if TYPE_CHECKING:
    from archdsl.analysis.field import AxisField, FieldModel
    from archdsl.analysis.liveness import LivenessModel, Maximum
    from archdsl.analysis.liveness import LiveRun as Live
    from archdsl.analysis.runs import Mode
    from archdsl.analysis.runs import TrainingRun as Trained
    from archdsl.analysis.training import TrainingModel
    from archdsl.ir.reach import Seen


class Stretch(Protocol):
    """A part of a network that a row stands for: nodes of one body, none for the whole network, and the stretch of the
    block that they are in."""

    @property
    def nodes(self) -> tuple[Op | Call, ...]: ...

    @property
    def parent(self) -> "Stretch | None": ...


class Parts:
    """The figures of a network's parts, for one sample; each analysis is made when it is first asked."""

    def __init__(self, costs: CostModel) -> None:
        self.costs = costs
        self.program = costs.program
        self._effort = costs.effort
        symbol = self.program.batch_symbol
        self._one: dict[str, Dim] = {symbol: 1} if symbol else {}
        self._trained: dict[TrainingModel, dict[Stretch | None, dict[tuple[Trained, Mode], int]]] = {}
        self._live: dict[Stretch | None, dict[Live, Maximum]] = {}
        self._seen: dict[Stretch | None, dict[Value, Seen]] = {}

    @cached_property
    def training(self) -> "TrainingModel":
        from archdsl.analysis.training import TrainingModel

        return TrainingModel(self.program, effort=self._effort)

    @cached_property
    def plain_training(self) -> "TrainingModel":
        """Without recomputation."""
        from archdsl.analysis.training import TrainingModel

        return TrainingModel(self.program, recompute=False, effort=self._effort)

    @cached_property
    def liveness(self) -> "LivenessModel":
        from archdsl.analysis.liveness import LivenessModel

        return LivenessModel(self.program, self._effort)

    @cached_property
    def fields(self) -> "FieldModel":
        from archdsl.analysis.field import FieldModel

        return FieldModel(self.program, self._effort)

    def kept(self, part: Stretch) -> Dim:
        """Bytes that autograd keeps first in this part, statistics of the batch included."""
        return self._trained_total(part, self.training)[0]

    def plainly_kept(self, part: Stretch) -> Dim:
        """The same without recomputation."""
        return self._trained_total(part, self.plain_training)[0]

    def training_macs(self, part: Stretch) -> Dim:
        """Multiply-accumulates of forward and backward pass."""
        return self._trained_total(part, self.training)[1]

    def _trained_total(self, part: Stretch, model: "TrainingModel") -> tuple[Dim, Dim]:
        if not part.nodes:
            kept, macs = model.kept, model.macs
        else:
            kept = macs = 0
            for (run, mode), times in self._runs_inside(part.parent, model).items():
                self._effort.spend(2 * len(part.nodes))
                self._effort.spend_on(kept, macs)
                for node in part.nodes:
                    figures = run.figures(node, mode)
                    kept, macs = kept + figures[0] * times, macs + figures[1] * times
        return substitute(kept, self._one), substitute(macs, self._one)

    def _runs_inside(self, part: "Stretch | None", model: "TrainingModel") -> "dict[tuple[Trained, Mode], int]":
        """The runs of the blocks that a part is of, with how often each occurs."""
        trained = self._trained.setdefault(model, {})
        for each in _way(part):
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
        return trained[part]

    def peak(self, part: Stretch) -> "Maximum":
        """The most that is live while this part runs, in bytes."""
        if not part.nodes:
            return self.liveness.peak
        from archdsl.analysis.liveness import Maximum

        peak = Maximum()
        for run, around in self._live_inside(part.parent).items():
            self._effort.spend(3 * len(part.nodes))
            for node in part.nodes:
                for figure in around.candidates:
                    self._effort.spend_on(figure)
                    peak.join(run.parts.get(node, Maximum()), figure)
        return peak

    def _live_inside(self, part: "Stretch | None") -> "dict[Live, Maximum]":
        """The runs of the blocks that a part is of, with the most that is held around each."""
        from archdsl.analysis.liveness import Maximum

        for each in _way(part):
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
        return self._live[part]

    def field(self, part: Stretch) -> "tuple[AxisField, ...]":
        """The receptive field of the part's result; the last one's where it stands for several runs, the first output's
        that is not for training of a whole network."""
        if not part.nodes:
            outputs = [output.value for output in self.program.outputs if not output.train]
            return self.fields.field(self.fields.entry[outputs[0]]) if outputs else ()
        return self.fields.field(self._seen_inside(part.parent)[part.nodes[-1].outputs[0]])

    def _seen_inside(self, part: "Stretch | None") -> "dict[Value, Seen]":
        for each in _way(part):
            if each in self._seen:
                continue
            if each is None:
                self._seen[each] = self.fields.entry
                continue
            call = each.nodes[-1]
            assert isinstance(call, Call)
            self._seen[each] = self.fields.inside(call, self._seen[each.parent])
        return self._seen[part]


def _way(part: "Stretch | None") -> "list[Stretch | None]":
    """The parts around a part, the outermost first, and the part."""
    way: list[Stretch | None] = [part]
    while way[-1] is not None:
        way.append(way[-1].parent)
    return way[::-1]
