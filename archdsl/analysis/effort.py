"""The budget of the analyses of a network.

Elaboration is paid for step by step, but a short program can be long to analyse: a loop around a tuple of thousands of
tensors relates each of them to all others, and a window that repeats after thousands of positions is compared position
by position. So what an analysis does is charged before it is done, on the account of the file where that asks for
several networks.
"""

from archdsl.ir.program import Function, Op, Program
from archdsl.limits import ANALYSIS_STEPS, Ledger
from archdsl.types.dims import Dim, terms_of


class Effort:
    """The account of the analyses of one network. A step is about a microsecond."""

    __slots__ = ("_ledger", "_program")

    def __init__(self, program: Program, file: Ledger | None = None) -> None:
        self._program = program
        self._ledger = file or Ledger()

    def spend(self, steps: int) -> None:
        """Charge steps of an analysis. Raises `ArchError` (E0914) when too many were spent."""
        self._ledger.analysis += steps
        if self._ledger.analysis > ANALYSIS_STEPS:
            from archdsl.diagnostics.model import ArchError, Diagnostic

            entry = self._program.entry
            message = f"the figures of `{entry.block}` take more than {ANALYSIS_STEPS:,} steps to work out"
            help = "ask for fewer columns, for one model at a time, and for smaller tuples of tensors"
            raise ArchError([Diagnostic("E0914", message, entry.span, help=help)])

    def spend_inside(self, node: Op, steps: int) -> None:
        """Charge steps for every layer inside an operator: stacks of recurrent ones go through them one by one."""
        self.spend(steps * max(node.op.entries() - len(node.outputs), 0))

    def spend_on(self, *figures: Dim) -> None:
        """Charge arithmetic with figures, which costs something where they are long polynomials."""
        for figure in figures:
            terms = terms_of(figure)
            if terms > 1:
                self.spend(4 * terms)


def too_large(function: Function, what: str = "cost") -> Exception:
    """The diagnostic for a figure that outgrew its bounds (`DimTooLarge`)."""
    from archdsl.diagnostics.model import ArchError, Diagnostic

    return ArchError(
        [
            Diagnostic(
                code="E0611",
                message=f"the {what} of `{function.block}` is a symbolic expression too large to write out",
                span=function.span,
                help="give the symbolic dimensions values, for example with --dim H=320",
            )
        ]
    )
