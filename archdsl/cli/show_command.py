"""`archdsl show`: what the compiler made of a spec."""

import argparse

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.session import bad_usage, guarded, open_network, read_source
from archdsl.diagnostics.model import Sink


def main(arguments: list[str]) -> int:
    p = opts.parser("show", "Print the syntax tree of a file, or the intermediate representation of a model.")
    p.add_argument("target", metavar="FILE[:MODEL]", help="a spec; - for standard input")
    p.add_argument("--stage", choices=("ast", "ir"), default="ir", help="what to print (default ir)")
    opts.add_model(p)
    return guarded(p.parse_args(arguments), _show)


def _show(arguments: argparse.Namespace) -> int:
    if arguments.stage == "ir":
        from archdsl.ir.printer import print_program

        print(print_program(open_network(arguments.target, arguments).program), end="")
        return exits.FINE
    chosen = opts.target(arguments.target)
    why = "does not go with --stage ast"
    opts.refuse(arguments, ("-p", "--dim"), why, "the syntax tree is that of the file, whatever its parameters are")
    if chosen.model is not None:
        raise bad_usage(f":{chosen.model} {why}", "the syntax tree is that of the whole file")
    from archdsl.syntax.dump import dump
    from archdsl.syntax.parser import parse

    sink = Sink()
    limits = opts.limits(arguments.limit)
    source = read_source(chosen.path, sink, limits)
    tree = parse(source, sink, limits) if source else None
    sink.raise_errors()
    assert tree is not None
    print(dump(tree))
    return exits.FINE
