"""`archdsl count`: what a network costs."""

import argparse

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.session import bad_usage, guarded, open_network

FORMATS = ("text", "json", "csv", "markdown", "latex")


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "count",
        "Print the parameters, MACs, FLOPs and activations of a network, block by block. Several networks give one "
        "table that compares them.",
        "examples:\n  archdsl count specs/resnet.arch -p depth=101 --depth 2\n"
        "  archdsl count zoo.arch:vgg16 zoo.arch:vgg19 --format markdown",
    )
    p.add_argument("targets", nargs="+", metavar="FILE[:MODEL]", help="a spec; - for standard input")
    p.add_argument("--depth", type=_level, metavar="N", help="open blocks N levels deep (default 1)")
    p.add_argument("--format", choices=FORMATS, default="text", help="how to print the table")
    opts.add_model(p)
    return guarded(p.parse_args(arguments), _count)


def _level(text: str) -> int:
    level = int(text)
    if level < 1:
        raise ValueError
    return level


_level.__name__ = "positive integer"  # what argparse says the value must be


def _count(arguments: argparse.Namespace) -> int:
    if len(arguments.targets) > 1 and arguments.depth is not None:
        raise bad_usage("--depth does not go with several networks", "the table that compares them opens no blocks")
    networks = [open_network(text, arguments) for text in arguments.targets]
    from archdsl.analysis import report

    reports = [report.report(network.program, arguments.depth or 1, network.limits) for network in networks]
    if len(reports) == 1:
        print(report.RENDERERS[arguments.format](reports[0]))
    else:
        print(report.render_comparison(reports, arguments.format))
    return exits.FINE
