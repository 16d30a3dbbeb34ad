"""Reporting from anywhere in the elaborator: diagnostics with the chain of block calls, budgets, suggestions."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from archdsl.diagnostics.model import Diagnostic, Frame, Label, Sink
from archdsl.elaborate.values import UNKNOWN, Unknown
from archdsl.limits import Limits
from archdsl.source import Span

# What one piece of work costs in evaluation steps. The weights are proportional to measured time, so that the step limit is
# reached in well under a second whatever the spec does.
EXPRESSION_STEP = 1
CALL_STEPS = 20
OPERATOR_STEPS = 40


class LimitReached(Exception):
    """A budget is spent: unwinds the elaborator to its entry. The diagnostic has already been recorded."""


@dataclass(slots=True, eq=False, repr=False)
class Reporter:
    """Collects diagnostics, knows the current chain of block calls, and keeps the budgets."""

    sink: Sink
    limits: Limits
    frames: list[Frame] = field(default_factory=list[Frame])
    steps: int = 0
    instances: int = 0

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        help: str = "",
        notes: tuple[str, ...] = (),
        related: tuple[Label, ...] = (),
        severity: str = "error",
    ) -> Unknown:
        """Record a finding with the current trace; returns poison, so that `return report.error(...)` reads well."""
        self.sink.add(
            Diagnostic(
                code=code,
                message=message,
                span=span,
                label=label,
                related=related,
                notes=notes,
                help=help,
                trace=tuple(reversed(self.frames)),
                severity="warning" if severity == "warning" else "error",
            )
        )
        return UNKNOWN

    def limit(self, code: str, message: str, span: Span, name: str, label: str = "") -> LimitReached:
        """Record that a limit was hit; the caller raises what is returned."""
        self.error(
            code,
            message,
            span,
            label,
            help=f"if the network really is that large, raise the limit with --limit {name}=...",
        )
        return LimitReached()

    def spend(self, steps: int, span: Span) -> None:
        """Charge evaluation steps."""
        self.steps += steps
        if self.steps > self.limits.steps:
            raise self.limit(
                "E0907",
                f"elaboration takes more than {self.limits.steps:,} steps",
                span,
                "steps",
                "the budget ran out here",
            )

    def instantiate(self, span: Span) -> None:
        """Charge one distinct instantiation."""
        self.instances += 1
        if self.instances > self.limits.instances:
            raise self.limit(
                "E0906",
                f"more than {self.limits.instances:,} distinct instantiations of blocks",
                span,
                "instances",
                "the budget ran out here",
            )


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate a person probably meant, or None. `difflib` is imported only here: it is needed only after a mistake."""
    from difflib import get_close_matches

    pool = sorted(set(candidates))
    lowered = {candidate.lower(): candidate for candidate in pool}
    if name.lower() in lowered:
        return lowered[name.lower()]
    found = get_close_matches(name, pool, n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A suggestion for the help line, or the empty string."""
    found = nearest(name, candidates)
    return f"did you mean `{found}`?" if found else ""
