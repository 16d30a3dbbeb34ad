"""The budget of the analyses of a network.

Elaboration is paid for step by step, but a short program can be long to analyse: a loop around a tuple of thousands of
tensors relates each of them to all others, and a window that repeats after thousands of positions is compared position
by position. So what an analysis does is charged before it is done, on the account of the file where that asks for
several networks.
"""

from typing import TYPE_CHECKING

from archdsl.ir.program import Function, Op, Program
from archdsl.limits import ANALYSIS_STEPS, COMMAND_ANALYSIS_STEPS, Ledger
from archdsl.types.dims import Dim, terms_of

if TYPE_CHECKING:
    from archdsl.diagnostics.model import ArchError


class Effort:
    """The accounts of the analyses of one network: its own, of which `most` steps may be spent, and those of the file
    and of the command, if any. A step is about a microsecond."""

    __slots__ = ("_accounts", "_most", "_own", "_program")

    def __init__(
        self,
        program: Program,
        file: Ledger | None = None,
        command: Ledger | None = None,
        most: int = ANALYSIS_STEPS,
    ) -> None:
        self._program = program
        self._most = most
        self._own = Ledger()
        several = ((self._own, most), (file, ANALYSIS_STEPS), (command, COMMAND_ANALYSIS_STEPS))
        self._accounts = [(ledger, bound) for ledger, bound in several if ledger is not None]

    def spend(self, steps: int) -> None:
        """Charge steps of an analysis. Raises `ArchError` (E0914) when too many were spent: what is spent for all
        networks of a file, or of a command, is closed. Steps that are refused are on no account."""
        for ledger, bound in self._accounts:
            if ledger.analysis + steps > bound:
                raise self._overspent(ledger)
        for ledger, _ in self._accounts:
            ledger.analysis += steps

    def _overspent(self, over: Ledger) -> "ArchError":
        from archdsl.diagnostics.model import ArchError, Diagnostic

        entry = self._program.entry
        whose, most = f"the figures of `{entry.block}`", self._most
        if over is not self._own:
            over.spent = True
            most = next(bound for ledger, bound in self._accounts if ledger is over)
            command = most == COMMAND_ANALYSIS_STEPS
            whose = "the figures of all files together" if command else "the figures of all networks of this file"
        message = f"{whose} take more than {most:,} steps to work out"
        help = "ask for fewer columns, for one model at a time, and for smaller tuples of tensors"
        return ArchError([Diagnostic("E0914", message, entry.span, help=help)])

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
