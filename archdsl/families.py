"""Formulas of a family of networks: one model counted under many values of its parameters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from archdsl.analysis.closed_form import FIGURES, ClosedForm, TooManyCounted, closed_form
from archdsl.analysis.cost import CostModel
from archdsl.diagnostics.model import ArchError, Diagnostic, Sink
from archdsl.elaborate.model import elaborate, look_up_model
from archdsl.elaborate.report import OPERATOR_STEPS, did_you_mean
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.records import replace
from archdsl.source import Source, Span
from archdsl.syntax import ast
from archdsl.types.dims import Dim

if TYPE_CHECKING:
    from archdsl.elaborate.module import Module

_STEPS = 250_000
"""Steps of evaluation that each of the networks may take; a far value that takes more is left out."""
_NODES = 200_000
"""Operators and calls in all of the networks together, some ten seconds of work. One that was left out counts for as
many as its steps could have made."""


def family_formulas(
    module: "Module",
    program: Program,
    given: Mapping[str, object],
    dims: Mapping[str, int],
    names: Sequence[str],
    limits: Limits,
) -> ClosedForm:
    """Formulas of a model's figures in the parameters `names`; `program` is the model under the parameters `given`.

    Raises `ArchError` (E0607) for what is no whole number, and where the networks are too many or too large.
    """
    base = {name: _whole(name, program.entry.arguments) for name in dict.fromkeys(names)}
    each = replace(limits, steps=min(limits.steps, _STEPS))

    nodes = 0

    def count(values: Mapping[str, int]) -> Mapping[str, Dim] | None:
        nonlocal nodes
        found = Sink()
        made = elaborate(module, program.name, {**given, **values}, dims, found, each)
        if made:
            nodes += sum(len(function.nodes) for function in made.functions)
        elif any(diagnostic.code == "E0907" for diagnostic in found.found):
            if values == base:
                help = f"make it smaller: formulas are found by counting it often, in {each.steps:,} steps each time"
                _refuse("the network takes too many steps of evaluation for --symbolic", help)
            nodes += each.steps // OPERATOR_STEPS
        if nodes > _NODES:
            raise TooManyCounted
        try:
            total = CostModel(made).total if made else None
            return {name: getattr(total, name) for name in FIGURES} if total else None
        except ArchError:  # a symbolic figure that is too large to be written out
            return None

    try:
        return closed_form(count, base, _choices(module, program.name))
    except TooManyCounted:
        help = "ask for fewer parameters at once, or give the others values that make the network smaller"
        _refuse(f"too many networks, or too large ones, to find formulas in {', '.join(base)}", help)


def _refuse(message: str, help: str, name: str = "", label: str = "") -> NoReturn:
    """E0607, at the name of a parameter if it is about one."""
    span = Span(Source("parameters", name), 0, len(name)) if name else None
    raise ArchError([Diagnostic("E0607", message, span, label, help=help)]) from None


def _whole(name: str, parameters: Mapping[str, object]) -> int:
    """The value that a parameter has now, which must be a whole number."""
    if name not in parameters:
        known = f"its parameters are {', '.join(parameters)}" if parameters else "it has none"
        help = did_you_mean(name, parameters) or known
        _refuse(f"the model has no parameter `{name}`", help, name, "unknown parameter")
    value = parameters[name]
    if isinstance(value, bool) or not isinstance(value, int):
        help = "formulas are polynomials in whole numbers; compare other settings with -p NAME=VALUE,VALUE"
        _refuse(f"`{name}` is not a whole number", help, name, "no formula in this")
    return value


def _choices(module: "Module", model: str) -> dict[str, list[int]]:
    """The values of parameters that take only certain whole numbers."""
    found = look_up_model(module, model, Sink(), Limits())
    return {
        parameter.name.id: [choice.value for choice in parameter.choices if isinstance(choice, ast.Int)]
        for parameter in (found[0].syntax.parameters if found else ())
        if parameter.choices
    }
