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

    def child(self, flow: Flow, names: dict[str, Any] | None = None) -> "Frame":
        return Frame(self.builder, self.scope.child(names), flow, self.dims)
