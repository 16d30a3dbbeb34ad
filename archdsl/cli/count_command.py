"""`archdsl count`: what a network costs."""

import argparse

from archdsl.analysis import columns, report
from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.session import guarded, open_family
from archdsl.diagnostics.model import ArchError
from archdsl.source import Source

_EXAMPLES = """examples:
  archdsl count specs/resnet.arch -p depth=101 --depth 2
  archdsl count specs/resnet.arch -p depth=18,34,50 --sort macs
  archdsl count zoo.arch:vgg16 zoo.arch:vgg19 --columns model,params,conv_macs,linear_macs --format markdown
"""


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "count",
        "Print the parameters, MACs, FLOPs and activations of a network, block by block. Several networks give one "
        "table\nthat compares them: several FILEs, or several values of a parameter (-p depth=18,34,50). A list is one "
        "value when it\nis written with its brackets (-p plan=[3,4,6,3]).",
        f"{_EXAMPLES}\n{columns.help_text()}",
    )
    p.add_argument("targets", nargs="+", metavar="FILE[:MODEL]", help="a spec; - for standard input")
    p.add_argument(
        "--depth",
        type=_level,
        metavar="N",
        help="open blocks N levels deep, or all (default 1 for one network, 0 for several)",
    )
    p.add_argument("--columns", metavar="NAME,...", help="what to print, in this order; the columns are listed below")
    p.add_argument("--sort", metavar="NAME", help="sort by this column, figures from the largest")
    p.add_argument("--format", choices=report.FORMATS, default="text", help="how to print the table")
    opts.add_model(p)
    return guarded(p.parse_args(arguments), _count)


def _level(text: str) -> int:
    level = report.ALL_LEVELS if text == "all" else int(text)
    if level < 0:
        raise ValueError
    return level


_level.__name__ = "number of levels"  # what argparse says the value must be


def _count(arguments: argparse.Namespace) -> int:
    families = opts.families(arguments.param)
    networks = [network for text in arguments.targets for network in open_family(text, families, arguments)]
    depth = arguments.depth if arguments.depth is not None else int(len(networks) == 1)
    reports = [report.report(network.program, depth, network.limits) for network in networks]
    names = None if arguments.columns is None else [name.strip() for name in arguments.columns.split(",")]
    style = report.Style(names, (arguments.sort or "").strip(), opts.terminal_width(report.WIDTH))
    try:
        print(report.render(reports, arguments.format, style))
    except columns.NoColumn as missing:
        raise _no_column(missing, arguments) from None
    return exits.FINE


def _no_column(missing: columns.NoColumn, arguments: argparse.Namespace) -> ArchError:
    from archdsl.elaborate.report import did_you_mean

    flag, option = ("--sort", arguments.sort)
    if arguments.columns is not None and missing.name in map(str.strip, arguments.columns.split(",")):
        flag, option = ("--columns", arguments.columns)
    source = Source("command line", f"{flag} {option}")
    help = did_you_mean(missing.name, missing.known) or f"the columns are {', '.join(missing.known)}"
    part = missing.name or option
    return opts.bad_value(source, option, part, f"there is no column `{missing.name}`", "unknown column", help)
