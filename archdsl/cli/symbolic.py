"""`archdsl count --symbolic`: exact formulas in parameters of a model."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from archdsl.analysis import formulas, report
from archdsl.analysis.closed_form import FIGURES, TooManyCounted, closed_form
from archdsl.analysis.cost import CostModel
from archdsl.cli import options as opts
from archdsl.cli.session import bad_usage, open_model
from archdsl.cli.session import report as print_diagnostics
from archdsl.diagnostics.model import ArchError, Sink
from archdsl.elaborate.model import elaborate, look_up_model
from archdsl.elaborate.report import OPERATOR_STEPS, did_you_mean
from archdsl.limits import Limits
from archdsl.records import replace
from archdsl.source import Source
from archdsl.syntax import ast
from archdsl.types.dims import Dim, DimTooLarge

if TYPE_CHECKING:
    from archdsl.elaborate.module import Module

_STEPS = 250_000
"""Steps of evaluation that each of the networks may take; a far value that takes more is left out."""
_NODES = 200_000
"""Operators and calls in all of the networks together, some ten seconds of work. One that was left out counts for as
many as its steps could have made."""


def print_formulas(arguments: argparse.Namespace) -> None:
    """Print the closed forms of one network. Raises `ArchError`."""
    from archdsl import api

    opts.refuse(arguments, ("--depth", "--columns", "--sort", "--convention"), "does not go with --symbolic")
    if len(arguments.targets) > 1 or len(opts.families(arguments.param)) > 1:
        raise bad_usage("--symbolic takes one network", "give one FILE[:MODEL], and one value of each parameter")
    limits = opts.limits(arguments.limit)
    given, dims = opts.parameters(arguments.param), opts.dims(arguments.dim)
    module, model, found = open_model(arguments.targets[0], limits)
    sink = Sink()
    sink.found.extend(found)
    try:
        network = api.network(module, model, given, dims, sink, limits)
    except ArchError as error:
        opts.say_who_set(error.diagnostics, arguments.param)
        raise
    print_diagnostics(network.warnings, arguments.color)
    base = {name: _whole(name, network.program.entry.arguments) for name in dict.fromkeys(arguments.symbolic)}
    each = replace(limits, steps=min(limits.steps, _STEPS))

    nodes = 0

    def count(values: Mapping[str, int]) -> Mapping[str, Dim] | None:
        nonlocal nodes
        found = Sink()
        program = elaborate(module, model, {**given, **values}, dims, found, each)
        if program:
            nodes += sum(len(function.nodes) for function in program.functions)
        elif any(diagnostic.code == "E0907" for diagnostic in found.found):
            if values == base:
                help = f"make it smaller: formulas are found by counting it often, in {each.steps:,} steps each time"
                raise bad_usage("the network takes too many steps of evaluation for --symbolic", help)
            nodes += each.steps // OPERATOR_STEPS
        if nodes > _NODES:
            raise TooManyCounted
        try:
            total = CostModel(program).total if program else None
            return {name: getattr(total, name) for name in FIGURES} if total else None
        except ArchError:  # a symbolic figure that is too large to be written out
            return None

    try:
        form = closed_form(count, base, _choices(module, model))
    except TooManyCounted:
        names = ", ".join(base)
        help = "ask for fewer parameters at once, or give the others values that make the network smaller"
        raise bad_usage(f"too many networks, or too large ones, to find formulas in {names}", help) from None
    try:
        text = formulas.render(form, network.program, arguments.format, opts.terminal_width(report.WIDTH))
    except DimTooLarge:
        help = "ask for fewer parameters at once, or fix symbolic dimensions, for example with --dim H=320"
        raise bad_usage("the formulas have too many terms to be written out", help) from None
    print(text)


def _whole(name: str, parameters: Mapping[str, object]) -> int:
    """The value that a parameter has now, which must be a whole number."""
    source = Source("command line", f"--symbolic {name}")
    if name not in parameters:
        known = f"its parameters are {', '.join(parameters)}" if parameters else "it has none"
        help = did_you_mean(name, parameters) or known
        raise opts.bad_value(source, name, name, f"the model has no parameter `{name}`", "unknown parameter", help)
    value = parameters[name]
    if isinstance(value, bool) or not isinstance(value, int):
        help = "formulas are polynomials in whole numbers; compare other settings with -p NAME=VALUE,VALUE"
        raise opts.bad_value(source, name, name, f"`{name}` is not a whole number", "no formula in this", help)
    return value


def _choices(module: "Module", model: str) -> dict[str, list[int]]:
    """The values of parameters that take only certain whole numbers."""
    found = look_up_model(module, model, Sink(), Limits())
    assert found is not None  # it has been elaborated
    return {
        parameter.name.id: [choice.value for choice in parameter.choices if isinstance(choice, ast.Int)]
        for parameter in found[0].syntax.parameters
        if parameter.choices
    }
