"""`archdsl test`: the figures a spec claims, beside the figures it has."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.progress import progress
from archdsl.cli.session import colored_verdict, guarded, load_any, plural, report, say_unchecked, spec_files
from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.diagnostics.terminal import printable, styled, width
from archdsl.diagnostics.wrapping import wrapped
from archdsl.limits import Limits

if TYPE_CHECKING:
    from archdsl.spec_tests import TestResult


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "test",
        "Run the `test` items of some files and print the published figures beside the computed ones.\n"
        "The exit code is 1 if any disagree.",
    )
    p.add_argument("files", nargs="+", metavar="FILE", help="a spec, a folder of specs, or - for standard input")
    opts.add_limit(p)
    opts.add_color(p)
    return guarded(p.parse_args(arguments), _test)


def _test(arguments: argparse.Namespace) -> int:
    limits = opts.limits(arguments.limit)
    results: list[TestResult] = []
    unread = 0
    folders = Sink()
    paths = spec_files(arguments.files, folders)
    report(folders.found, arguments.color)
    found = folders.found
    left: list[str] = []
    began = time.monotonic()
    for number, path in enumerate(paths, 1):
        if limits.command is not None and limits.command.spent:
            left.append(path)
            continue
        sink = Sink()
        with progress(f"test: {number} of {plural(len(paths), 'file')}, {path}", began):
            inside = _test_file(path, sink, limits)
        report(sink.found, arguments.color)
        found.extend(sink.found)
        results.extend(inside)
        unread += sink.has_errors and not inside
        if any(result.checks for result in inside):
            color, most = opts.wants_color(arguments.color, sys.stdout), opts.terminal_cells(sys.stdout)
            print(_table(path, inside, color, most), end="\n\n")
        elif not inside and not sink.has_errors:
            print(f"note: {printable(path)} has no tests", file=sys.stderr)
    if left:
        print(
            printable(f"note: not tested, because the budget of the command is spent: {', '.join(left)}"),
            file=sys.stderr,
        )
    print(_summary(results, unread + len(left), found), file=sys.stderr)
    code = exits.exit_code(found)
    return exits.SPEC if code == exits.FINE and not all(result.passed for result in results) else code


def _summary(results: "list[TestResult]", unread: int, found: list[Diagnostic]) -> str:
    """`7 tests, 43 checks: all hold`, which is said only where everything that was asked for was checked."""
    checks = [check.passed for result in results for check in result.checks]
    failed = checks.count(False)
    unbuilt = sum(result.failed_to_build for result in results)
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    outcomes = [f"{failed} failed"] if failed else []
    outcomes += [f"{plural(unbuilt, 'test')} not checked"] if unbuilt else []
    outcomes += [f"{plural(unread, 'file')} not read"] if unread else []
    outcomes += [plural(errors, "error")] if errors else []
    return f"{plural(len(results), 'test')}, {plural(len(checks), 'check')}: {', '.join(outcomes) or 'all hold'}"


def _test_file(path: str, sink: Sink, limits: Limits) -> "list[TestResult]":
    from archdsl.spec_tests import run_tests

    module = load_any(path, sink, limits)
    if module is None or sink.has_errors:
        return []
    results = run_tests(module, sink, limits)
    say_unchecked(sink.found, [f"test at line {item.syntax.span.line}" for item in module.tests[len(results) :]])
    return results


def _table(path: str, results: "list[TestResult]", color: bool, most: int | None) -> str:
    """Checks of one file, their columns aligned over all of its tests; where a line is wider than `most` cells, what a
    check cites is set below it, and at last each check is a record."""
    head = ("check", "published", "computed")
    cells = [
        tuple(printable(text) for text in (check.text, check.expected, check.computed))
        for result in results
        for check in result.checks
    ]
    widths = [max(width(row[column]) for row in (head, *cells)) for column in range(3)]
    lines = [f"      {_row(head, widths)}".rstrip()]
    for result in results:
        unbuilt = "  (errors; not checked in full)" if result.failed_to_build else ""
        lines.append(f"  {printable(result.name)}{unbuilt}")
        for check in result.checks:
            texts = tuple(printable(text) for text in (check.text, check.expected, check.computed))
            verdict = "ok  " if check.passed else "FAIL"
            source = f"  {printable(check.citation)}" if check.citation else ""
            lines.append(f"  {verdict}{_row(texts, widths)}{source}".rstrip())
    if most is not None and any(width(line) > most for line in lines):
        lines = _narrow(results, most)
    title = [printable(path)] if most is None else wrapped(printable(path), most)
    return "\n".join(
        [*(styled(line, "bold", color) for line in title), *(colored_verdict(line, color) for line in lines)]
    )


def _narrow(results: "list[TestResult]", most: int) -> list[str]:
    """The same as a table of `analysis.grid`, which has a form for every width."""
    from archdsl.analysis.grid import grid

    head = ["check", "published", "computed", "source"]
    lines: list[str] = []
    for result in results:
        unbuilt = "  (errors; not checked in full)" if result.failed_to_build else ""
        lines += ["", *wrapped(f"{printable(result.name)}{unbuilt}", most)]
        rows = [
            [f"{'ok  ' if check.passed else 'FAIL'}  {check.text}", check.expected, check.computed, check.citation]
            for check in result.checks
        ]
        shown = 3 + any(check.citation for check in result.checks)
        texts = [[printable(cell) for cell in row[:shown]] for row in rows]
        lines += grid(head[:shown], texts, [], [False, True, True, False][:shown], most) if texts else []
    return lines[1:]


def _row(texts: tuple[str, ...], widths: list[int]) -> str:
    check, published, computed = texts
    first = check + " " * (widths[0] - width(check))
    others = [" " * (size - width(text)) + text for text, size in zip((published, computed), widths[1:], strict=True)]
    return "  ".join(["", first, *others])
