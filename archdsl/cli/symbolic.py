"""`archdsl count --symbolic`: exact formulas in parameters of a model."""

import argparse
from typing import TYPE_CHECKING

from archdsl.analysis import count_report, formulas
from archdsl.cli import options as opts
from archdsl.cli.session import bad_usage, open_model
from archdsl.cli.session import report as print_diagnostics
from archdsl.diagnostics.model import ArchError, Sink
from archdsl.families import family_formulas
from archdsl.types.dims import DimTooLarge

if TYPE_CHECKING:
    from archdsl.analysis.latex import TableFloat
    from archdsl.ir.program import Program


def _around(arguments: argparse.Namespace, program: "Program") -> "TableFloat | None":
    if arguments.format != "latex":
        return None
    from archdsl.analysis.paper import around_formulas

    return around_formulas(program, arguments.symbolic, arguments.caption, arguments.label)


def print_formulas(arguments: argparse.Namespace) -> None:
    """Print the closed forms of one network. Raises `ArchError`."""
    from archdsl import api

    opts.refuse(arguments, ("--depth", "--columns", "--sort", "--convention", "--exact"), "does not go with --symbolic")
    if len(arguments.targets) > 1 or len(opts.families(arguments.param)) > 1:
        raise bad_usage("--symbolic takes one network", "give one FILE[:MODEL], and one value of each parameter")
    limits = opts.limits(arguments.limit)
    module, model, found = open_model(arguments.targets[0], limits)
    given, dims = opts.parameters(arguments.param, opts.text_parameters(module, model)), opts.dims(arguments.dim)
    sink = Sink()
    sink.found.extend(found)
    try:
        network = api.network(module, model, given, dims, sink, limits)
    except ArchError as error:
        opts.say_who_set(error.diagnostics, arguments.param)
        raise
    print_diagnostics(network.warnings, arguments.color)
    form = family_formulas(module, network.program, given, dims, arguments.symbolic, limits)
    try:
        width = opts.terminal_width(count_report.WIDTH)
        text = formulas.render(form, network.program, arguments.format, width, _around(arguments, network.program))
    except DimTooLarge:
        help = "ask for fewer parameters at once, or fix symbolic dimensions, for example with --dim H=320"
        raise bad_usage("the formulas have too many terms to be written out", help) from None
    print(text)
