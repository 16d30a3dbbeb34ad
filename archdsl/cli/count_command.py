"""`archdsl count`: what a network costs."""

import argparse
import sys
import time
from collections.abc import Sequence

from archdsl.analysis import columns, count_report
from archdsl.analysis.cost import OWN_CONVENTION
from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.progress import progress
from archdsl.cli.session import bad_usage, guarded, open_family, plural
from archdsl.diagnostics.model import ArchError
from archdsl.source import Source

_EXAMPLES = """examples:
  archdsl count specs/resnet.arch -p depth=101 --depth 2
  archdsl count specs/resnet.arch -p depth=18,34,50 --sort macs
  archdsl count specs/resnet.arch --convention fvcore
  archdsl count specs/densenet_cifar.arch --symbolic k --symbolic depth
  archdsl count zoo.arch:vgg16 zoo.arch:vgg19 --columns model,params,conv_macs,linear_macs --format markdown
"""


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "count",
        "Print the parameters, MACs, FLOPs and activations of a network, block by block. Several networks give one "
        "table\nthat compares them: several FILEs, or several values of a parameter (-p depth=18,34,50). A list is one "
        "value when it\nis written with its brackets (-p plan=[3,4,6,3]).",
        _epilog() if {"-h", "--help"} & set(arguments) else "",
    )
    p.add_argument(
        "targets",
        nargs="+",
        metavar="FILE[:MODEL]",
        help="a spec, all its models if none is named; - for standard input",
    )
    p.add_argument(
        "--depth",
        type=_level,
        metavar="N",
        help="open blocks N levels deep, or all (default 1 for one network, 0 for several)",
    )
    p.add_argument(
        "--columns",
        metavar="NAME,...",
        help="what to print, in this order (the columns are listed below); names come before figures alone",
    )
    p.add_argument("--sort", metavar="NAME", help="sort by this column, figures from the largest")
    p.add_argument(
        "--convention",
        default=OWN_CONVENTION,
        metavar="NAME",
        help="count as another tool does; the conventions are listed below, `counted` is the column of their figures",
    )
    p.add_argument(
        "--symbolic",
        action="append",
        default=[],
        metavar="PARAM",
        help="print exact formulas in a parameter of the model (repeatable), verified at values that are named",
    )
    p.add_argument("--format", choices=count_report.FORMATS, default="text", help="how to print the table")
    p.add_argument("--caption", metavar="LATEX", help="caption of a LaTeX table (default from the model; '' for none)")
    p.add_argument("--label", metavar="NAME", help="label of a LaTeX table (default from the model; '' for none)")
    p.add_argument("--exact", action="store_true", help="in LaTeX, figures to the unit, not in M, G or MiB")
    opts.add_model(p)
    return guarded(p.parse_args(arguments), _count)


def _epilog() -> str:
    from archdsl.analysis import conventions

    return f"{_EXAMPLES}\n{columns.help_text()}\n\n{conventions.help_text()}"


def _level(text: str) -> int:
    if text == "all":
        return count_report.ALL_LEVELS
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"takes a number of levels, or all, not `{text[:100]}`")
    return int(text)


def _count(arguments: argparse.Namespace) -> int:
    _check_paper(arguments)
    if arguments.symbolic:
        from archdsl.cli.symbolic import print_formulas

        print_formulas(arguments)
        return exits.FINE
    if arguments.convention != OWN_CONVENTION:
        from archdsl.analysis import conventions

        if arguments.convention not in conventions.names():
            raise _unknown("--convention", arguments, "convention", arguments.convention, conventions.names())
    families = opts.families(arguments.param)
    limits = opts.limits(arguments.limit)
    networks = [
        network for text in arguments.targets for network in open_family(text, families, arguments, limits, every=True)
    ]
    if not networks:
        raise bad_usage("no model can be counted as it is", "name one, and set its parameters with -p")
    depth = arguments.depth if arguments.depth is not None else int(len(networks) == 1)
    began = time.monotonic()
    reports: list[count_report.Report] = []
    for number, network in enumerate(networks, 1):
        with progress(f"count: {number} of {plural(len(networks), 'network')}, {network.name}", began):
            reports.append(count_report.report(network.program, depth, network.limits, network.file))
    _say_what_depth_is(arguments, reports)
    names = None if arguments.columns is None else [name.strip() for name in arguments.columns.split(",")]
    width = opts.terminal_width(count_report.WIDTH)
    if arguments.sort is not None and not arguments.sort.strip():
        raise _unknown("--sort", arguments, "column", "", [column.name for column in columns.COLUMNS])
    style = count_report.Style(names, (arguments.sort or "").strip(), width, arguments.convention)
    style.caption, style.label, style.exact = arguments.caption, arguments.label, arguments.exact
    try:
        with progress("count: working out the columns"):
            text = count_report.render(reports, arguments.format, style)
        print(text)
    except columns.NoColumn as missing:
        columns_named = [] if names is None else names
        flag = "--columns" if missing.name in columns_named else "--sort"
        raise _unknown(flag, arguments, "column", missing.name, missing.known) from None
    return exits.FINE


def _check_paper(arguments: argparse.Namespace) -> None:
    """Whether what is asked of a LaTeX table is asked of one, and can be had. Raises `ArchError` (E0607)."""
    if arguments.format != "latex":
        opts.refuse(arguments, ("--caption", "--label", "--exact"), "is for LaTeX", "add --format latex")
    elif arguments.caption or arguments.label:
        from archdsl.analysis.paper import wrong

        for what in ("caption", "label"):
            fault = wrong(what, getattr(arguments, what))
            if fault:
                raise bad_usage(f"--{fault}")


def _say_what_depth_is(arguments: argparse.Namespace, reports: Sequence[count_report.Report]) -> None:
    """`--depth 18` opens blocks. Where there are fewer levels to open, and the model has a parameter of that name, it
    was probably meant to be that."""
    given = [option.partition("=")[0].strip() for option in arguments.param]
    if arguments.depth is None or arguments.depth == count_report.ALL_LEVELS or "depth" in given:
        return
    for each in reports:
        deepest = max((row.level for row in each.rows), default=0)
        if "depth" in each.program.entry.arguments and arguments.depth > max(deepest, 1):
            value = f"-p depth={arguments.depth}"
            note = f"note: --depth opens blocks; the parameter `depth` of {each.program.name} is set with {value}"
            print(note, file=sys.stderr)


def _unknown(flag: str, arguments: argparse.Namespace, what: str, name: str, known: Sequence[str]) -> ArchError:
    """E0607 for a name that an option does not know."""
    from archdsl.elaborate.report import did_you_mean

    option = getattr(arguments, flag.removeprefix("--"))
    source = Source("command line", f"{flag} {option}")
    help = did_you_mean(name, known) or f"the {what}s are {', '.join(known)}"
    return opts.bad_value(source, option, name or option, f"there is no {what} `{name}`", f"unknown {what}", help)
