"""Where a body runs."""

from dataclasses import dataclass
from typing import Any

from archdsl.elaborate.builder import Builder
from archdsl.elaborate.values import Flow, Scope


@dataclass(slots=True, eq=False, repr=False)
class Frame:
    """The function being built, the lexical scope, the current value."""

    builder: Builder
    scope: Scope
    flow: Flow
    dims: dict[str, int] | None = None
    """Values of symbols from the command line; None outside a model's own body."""

    def child(self, flow: Flow, names: dict[str, Any] | None = None) -> "Frame":
        return Frame(self.builder, self.scope.child(names), flow, self.dims)
