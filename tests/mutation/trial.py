"""One mutant and the tests that may notice it, in a process of its own."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mutators import Mutant
from selection import ROOT, Selection

STAGES = ((100, 1.5), (200, 3.0), (100_000, 150.0))
"""Tests run on a mutant, stage by stage: at most so many, of at most so many seconds as they were recorded. Starting
costs as much as a hundred quick tests."""


SLOWEST = 20
"""How much longer than on an idle machine anything may take before it counts as hanging."""


def verdict(mutant: Mutant, selection: Selection, patience: float = 1.0, quick: bool = False) -> tuple[str, str, float]:
    """`killed` or `survived`, by which of the tests that were run, and the seconds that took. `patience` is a factor
    on the time that they are given; `quick` leaves out the last stage, and what that may kill is `undecided`."""
    started = time.monotonic()
    left = selection.tests(mutant)
    known = len(left)
    for count, seconds in STAGES[:-1] if quick else STAGES:
        chosen, left = affordable(left, selection, count, seconds)
        if not chosen:
            break
        cost = sum(map(selection.cost, chosen))
        how = noticed(mutant, chosen, patience * (8 + 4 * cost))
        if how != "passed":
            return "killed", how, time.monotonic() - started
    result = "undecided" if quick and left else "survived"
    return result, f"{known - len(left)} of {known} tests", time.monotonic() - started


def affordable(tests: Sequence[str], selection: Selection, count: int, seconds: float) -> tuple[list[str], list[str]]:
    """The first tests that take no more time together, and those that are left; at least one, whatever it takes."""
    chosen: list[str] = []
    left: list[str] = []
    for test in tests:
        fits = len(chosen) < count and selection.cost(test) <= seconds
        (chosen if fits else left).append(test)
        seconds -= selection.cost(test) * fits
    return (chosen, left) if chosen or not left else (left[:1], left[1:])


def noticed(mutant: Mutant, tests: Sequence[str], limit: float) -> str:
    """`passed`, or how tests noticed a mutant. Where pytest ends without a test that failed, as when a file of tests
    cannot be imported, it is asked file by file, and only what goes well with nothing changed counts."""
    how = attempt(mutant, tests, limit)
    if not how.startswith("exit"):
        return how
    files: dict[str, list[str]] = {}
    for test in tests:
        files.setdefault(test.partition("::")[0], []).append(test)
    for each in files.values():
        how = attempt(mutant, each, limit)
        if how != "passed" and attempt(None, each, limit) == "passed":
            return how
    return "passed"


def attempt(mutant: Mutant | None, tests: Sequence[str], limit: float) -> str:
    """Run tests on a mutant (None: on what is) in a child process: `passed`, or how it was noticed. `limit` is in
    seconds of the processor, which do not depend on what else runs; `SLOWEST` times as many on the clock are `time`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        code = 70
        try:
            code = run(mutant, tests, writer, limit)
        finally:
            os._exit(code)
    os.close(writer)
    deadline = time.monotonic() + SLOWEST * limit
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return "time"
        time.sleep(0.02)
    with os.fdopen(reader) as stream:
        first = stream.read().strip()
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return "processor time"
    return "passed" if code == 0 else first or f"exit {code}"


def run(mutant: Mutant | None, tests: Sequence[str], writer: int, limit: float) -> int:
    import resource

    import pytest

    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 10))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if mutant:
        install(mutant)

    class First:
        """Says which test failed first."""

        def pytest_runtest_logreport(self, report: "pytest.TestReport") -> None:
            if report.failed:
                os.write(writer, f"{report.nodeid}\n".encode()[:2000])

    os.chdir(ROOT)
    without = ("cacheprovider", "randomly", "xdist", "unraisableexception", "threadexception", "faulthandler")
    options = ["-x", "-q", "--no-header", *(part for name in without for part in ("-p", f"no:{name}"))]
    return int(pytest.main([*options, *tests], plugins=[First()]))


def install(mutant: Mutant) -> None:
    """From now on the module of the mutant is imported from its changed text."""
    import importlib.abc
    import importlib.machinery
    import importlib.util

    name = mutant.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    path = str(ROOT / mutant.path)

    class Loader(importlib.machinery.SourceFileLoader):
        def get_code(self, fullname: str):
            return compile(mutant.apply(Path(path).read_text(encoding="utf-8")), path, "exec", dont_inherit=True)

    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(self, fullname: str, folders: object, target: object = None):
            if fullname != name:
                return None
            packaged = [str(Path(path).parent)] if path.endswith("__init__.py") else None
            return importlib.util.spec_from_file_location(
                name, path, loader=Loader(name, path), submodule_search_locations=packaged
            )

    if "archdsl" in sys.modules:
        raise RuntimeError("the package is loaded already, so a changed module would not be")
    sys.meta_path.insert(0, Finder())
