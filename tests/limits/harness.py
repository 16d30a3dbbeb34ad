"""Runs command lines in forked processes with a bound on memory and on processor time.

Forking from a process that has imported the package costs milliseconds where a new process costs a tenth of a second,
so that hundreds of bombs fit into a test run.
"""

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from archdsl.records import record

MIB = 1 << 20
MEMORY = 500 * MIB
SECONDS = 5


@record
class Outcome:
    """What became of a command line: its exit code (negative: the signal that stopped it), what it printed, processor
    seconds and bytes at the peak."""

    code: int
    text: str
    seconds: float
    peak: int

    @property
    def codes(self) -> set[str]:
        """Codes of the errors that were printed."""
        return set(re.findall(r"^error\[(E\d{4})\]", self.text, re.MULTILINE))


def run_all(
    lines: Sequence[Sequence[str]], folder: Path, modules: Sequence[str] = (), memory: int | None = None
) -> list[Outcome]:
    """The outcome of each command line. `modules` are imported before, and what they cost is not measured. `memory` is
    what a process may map: by default all that it may take, and without a bound where there are modules, since PyTorch
    and onnxruntime reserve addresses that they never use."""
    bound = memory if memory is not None else 0 if modules else MEMORY
    request = json.dumps({"lines": [list(line) for line in lines], "modules": list(modules), "memory": bound})
    done = subprocess.run(
        [sys.executable, __file__], input=request, capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [Outcome(**each) for each in json.loads(done.stdout)]


def _run(line: list[str], start: int, memory: int) -> dict[str, object]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        from archdsl.cli.main import main

        os.close(reader)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (2 * SECONDS, 2 * SECONDS + 1))
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        code = main(line)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    _, status, used = os.wait4(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "text": text,
        "seconds": used.ru_utime + used.ru_stime,
        "peak": max(1024 * used.ru_maxrss - start, 0),
    }


def _serve() -> None:
    from importlib import import_module

    request = json.load(sys.stdin)
    for name in ("archdsl.cli.main", *request["modules"]):
        import_module(name)
    start = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if request["modules"] else 0
    json.dump([_run(line, start, request["memory"]) for line in request["lines"]], sys.stdout)


if __name__ == "__main__":
    _serve()
