"""Networks counted by another convention than ours: what it counts, what it does not see, what it cannot tell."""

from collections.abc import Mapping

from archdsl.analysis.columns import Column
from archdsl.analysis.conventions import Convention, Rule
from archdsl.analysis.cost import CostModel, occurrences
from archdsl.analysis.figures import Cell
from archdsl.analysis.layouts import Layouts
from archdsl.analysis.parts import Parts
from archdsl.analysis.table import Row
from archdsl.analysis.uses import USES_STEPS, UnknownFigure, Use, uses
from archdsl.ir.program import Call, Function, Op
from archdsl.records import field, record
from archdsl.types.dims import Dim

NOT_KNOWN = "not known"


@record
class Tally:
    """The count of some part of a network by a convention: what it counts, by the name of the module or function; the
    multiply-accumulates that it does not see, by the same; what cannot be told."""

    counted: dict[str, Dim] = field(default_factory=dict[str, Dim])
    unseen: dict[str, Dim] = field(default_factory=dict[str, Dim])
    unknown: set[str] = field(default_factory=set[str])

    def add(self, other: "Tally", times: int) -> None:
        for mine, others in ((self.counted, other.counted), (self.unseen, other.unseen)):
            for name, amount in others.items():
                mine[name] = mine.get(name, 0) + amount * times
        self.unknown |= other.unknown

    def miss(self, use: Use) -> None:
        """Note multiply-accumulates that are not seen; a name may be used several times."""
        self.unseen[use.name] = self.unseen.get(use.name, 0) + use.macs

    @property
    def total(self) -> Dim:
        total: Dim = 0
        for amount in self.counted.values():
            total = total + amount
        return total


class Recount:
    """A network counted by a convention, function by function as `CostModel` does."""

    def __init__(self, model: CostModel, convention: Convention) -> None:
        self.convention = convention
        self._model = model
        self._layouts = Layouts(model.program, model.effort) if convention.layouts else None
        self._functions: dict[Function, Tally] = {}
        for function in model.program.functions:
            tally = self._functions[function] = Tally()
            for node, _, times, _ in occurrences(function.nodes):
                tally.add(self.of(node), times)
        self.total = self._functions[model.program.entry]

    def of(self, node: Op | Call) -> Tally:
        """One run of an operator or of the called function."""
        if isinstance(node, Call):
            return self._functions[node.callee]
        tally = Tally()
        self._model.effort.spend(USES_STEPS)
        self._model.effort.spend_inside(node, 15)
        for use in uses(node.op, self._model.sample(node.inputs), self._model.sample(node.outputs)):
            if self._layouts is not None:
                use.contiguous = self._layouts.contiguous(node)
            self._count(use, tally)
        return tally

    def _count(self, use: Use, tally: Tally) -> None:
        rule = self._rule(use.name)
        if rule is None:
            if use.macs != 0:
                tally.miss(use)
            if any(self._rule(name) for name in use.inside):
                tally.unknown.add(use.name)
            return
        try:
            amount = rule(use)
        except UnknownFigure:
            tally.unknown.add(use.name)
            return
        if amount != 0:
            tally.counted[use.name] = tally.counted.get(use.name, 0) + amount
        elif use.macs != 0:
            tally.miss(use)

    def _rule(self, name: str) -> Rule | None:
        rules = self.convention.rules
        return rules.get(name) or rules.get(name[:-2] if name[-2:] in ("1d", "2d", "3d") else name) or rules.get("")


def column(convention: Convention, recounts: Mapping[Parts, Recount]) -> Column:
    """A column with the figures of a convention for each row of some networks, in words where that is no figure:
    `ignored` where the tool sees nothing of the multiply-accumulates there are."""

    def value(row: Row) -> Cell:
        recount = recounts[row.parts]
        tally = recount.of(row.nodes[0]) if row.nodes else recount.total
        if tally.unknown:
            return NOT_KNOWN
        if tally.unseen and tally.total == 0:
            return "ignored"
        return tally.total * row.times

    name = convention.heading.replace("-", "_").replace(" ", "_").lower()
    return Column(name, convention.heading, convention.unit, f"what {convention.tool} counts", value)
