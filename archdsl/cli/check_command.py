"""`archdsl check`: everything wrong with some files, in one go."""

import argparse
import sys
import time

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.checked_file import check_file
from archdsl.cli.progress import progress
from archdsl.cli.session import bad_usage, guarded, plural, report, say_unchecked, spec_files
from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.diagnostics.terminal import printable

FORMATS = ("text", "json", "sarif", "github")


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "check",
        "Parse, elaborate and shape-check every model of some files, with the defaults of its parameters, and look up\n"
        "every name of all the rest. The findings go to standard output.\n\n"
        "--fix and --diff mend the files named, not what they import. --fix reports and exits as `check` would on\n"
        "the files that it leaves; --diff changes nothing, prints the findings to standard error, exits as `check`.",
    )
    p.add_argument("files", nargs="+", metavar="FILE", help="a spec, a folder of specs, or - for standard input")
    p.add_argument("--format", choices=FORMATS, default="text", help="how to print the findings")
    mend = p.add_mutually_exclusive_group()
    mend.add_argument("--fix", action="store_true", help="mend in the files whatever has one certain mend")
    mend.add_argument("--diff", action="store_true", help="print as a unified diff what --fix would do, and do nothing")
    opts.add_limit(p)
    opts.add_color(p)
    return guarded(p.parse_args(arguments), _check)


def _check(arguments: argparse.Namespace) -> int:
    limits = opts.limits(arguments.limit)
    if arguments.diff:
        opts.refuse(arguments, ("--format",), "is not for --diff, which prints a diff", "leave one of the two out")
    if "-" in arguments.files and (arguments.fix or arguments.diff):
        raise bad_usage("standard input is no file that could be mended", "name the file: archdsl check --fix FILE")
    sink = Sink()
    remarks: list[str] = []
    models = 0
    files = spec_files(arguments.files, sink)
    if arguments.fix:
        from archdsl.cli.mending import fix

        remarks += fix(files, limits)
    left: list[str] = []
    began = time.monotonic()
    for number, path in enumerate(files, 1):
        if limits.command is not None and limits.command.spent:
            left.append(f"file {path}")
        else:
            with progress(f"check: {number} of {plural(len(files), 'file')}, {path}", began):
                models += check_file(path, sink, limits, remarks)
    say_unchecked(sink.found, left)
    if arguments.diff:
        from archdsl.cli.mending import print_diff

        report(sink.found, arguments.color)
        print_diff(files, limits, opts.wants_color(arguments.color, sys.stdout))
    else:
        _print(sink.found, arguments)
    for remark in remarks:
        print(printable(remark), file=sys.stderr)
    print(_summary(sink, len(files), models), file=sys.stderr)
    return exits.exit_code(sink.found)


def _print(found: list[Diagnostic], arguments: argparse.Namespace) -> None:
    if arguments.format == "text":
        if found:
            from archdsl.diagnostics.text import render_text

            most = opts.terminal_cells(sys.stdout)
            print(render_text(found, opts.wants_color(arguments.color, sys.stdout), most))
        return
    from archdsl.diagnostics import json

    if arguments.format == "json":
        print(json.render_json(found))
    elif arguments.format == "sarif":
        from archdsl.diagnostics.codes import all_codes
        from archdsl.version import __version__

        print(json.render_sarif(found, {code.code: code for code in all_codes()}, __version__))
    elif found:
        print(json.render_github(found))


def _summary(sink: Sink, files: int, models: int) -> str:
    errors = sum(found.severity == "error" for found in sink.found)
    warnings = len(sink.found) - errors
    counted = [plural(errors, "error")] if errors else []
    counted += [plural(warnings, "warning")] if warnings else []
    looked_at = f"{plural(files, 'file')}, {plural(models, 'model')}"
    return f"{looked_at}: {', '.join(counted) or 'no errors'}"
