"""Where a body runs."""

from typing import Any

from archdsl.elaborate.builder import Builder
from archdsl.elaborate.values import Flow, Scope
from archdsl.records import record


@record
class Frame:
    """The function being built, the lexical scope, the current value."""

    builder: Builder
    scope: Scope
    flow: Flow
    dims: dict[str, int] | None = None
    """Values of symbols from the command line; None outside a model's own body."""
    round: Scope | None = None
    """The names of the innermost round of a loop that is being run in this function."""
    reads: bool = False
    """Whether a statement has started from the current value."""

    def around(self, name: str) -> Any:
        """What a name stands for outside the round of the loop that is being run, where the round has not made it
        anew; None outside a loop."""
        scope: Scope | None = self.scope if self.round is not None else None
        while scope is not None:
            if name in scope.names:
                return None
            if scope is self.round:
                return scope.parent and scope.parent.lookup(name)
            scope = scope.parent
        return None

    def next_round(self) -> "Frame":
        """Where one round of a loop runs."""
        inner = self.child(self.flow)
        inner.round = inner.scope
        return inner

    def child(self, flow: Flow, names: dict[str, Any] | None = None) -> "Frame":
        return Frame(self.builder, self.scope.child(names), flow, self.dims, self.round)
