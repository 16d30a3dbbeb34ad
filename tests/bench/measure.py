"""Measuring side by side.

Contestants take turns, so a machine that slows down slows all of them; medians are reported, and ratios are taken turn
by turn. Every contestant has a process of its own: where a process's memory happens to lie is worth two per cent.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = Path(__file__).resolve().parent / "children"
MIB = 1 << 20

T = TypeVar("T")


class ChildFailed(Exception):
    """A measured process failed; the message is the end of what it wrote."""


@dataclass(frozen=True)
class Run:
    """One whole process: seconds, peak resident bytes, standard output.

    The seconds are processor time, user and system, from its start to its end. With one thread that is the wall-clock
    time of a machine that has nothing else to do, and what else it does counts for little."""

    seconds: float
    peak: int
    output: str


def environment(threads: int = 1) -> dict[str, str]:
    """The same for every child: this checkout, byte code cached as after an installation, so many threads."""
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    settings.update(PYTHONPATH=str(ROOT), OMP_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1")
    settings.setdefault("TORCHINDUCTOR_CACHE_DIR", str(ROOT / "build" / "bench" / "inductor"))
    return settings


def run_process(program: str, *arguments: str) -> Run:
    """Run `program` to its end: a script of `children/`, "archdsl" for the command line, or Python code after "-c"."""
    reader, writer = os.pipe()
    command = [sys.executable, str(CHILDREN / "measured.py"), str(writer), program, *arguments]
    with open(reader, encoding="ascii") as report:
        before = _children_seconds()
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, pass_fds=[writer], check=False
        )
        seconds = _children_seconds() - before
        os.close(writer)
        peak = report.read()
    if done.returncode or not peak:
        raise ChildFailed(f"{program} {' '.join(arguments)} failed\n{_end(done.stderr)}")
    return Run(seconds, int(peak), done.stdout)


class Worker:
    """A process that is ready to do one thing again and again. `seconds()` is how long it took this time."""

    def __init__(self, script: str, *arguments: str, threads: int = 1) -> None:
        self._name = f"{script} {' '.join(arguments)}"
        self._process = subprocess.Popen(
            [sys.executable, str(CHILDREN / script), *arguments],
            cwd=ROOT,
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *details: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ready(self) -> "Worker":
        """Wait until the worker has loaded everything. Raises `ChildFailed`."""
        self._answer()
        return self

    def seconds(self) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> Any:
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailed(f"{self._name} failed\n{_end(self._process.stderr.read())}")
        return json.loads(line)


def take_turns(contestants: Mapping[str, Callable[[], T]], rounds: int, warmups: int = 1) -> dict[str, list[T]]:
    """What each contestant returns, by round. Each round starts with another one, so that all have each place in the
    order equally often; the first `warmups` rounds do not count."""
    names = list(contestants)
    found: dict[str, list[T]] = {name: [] for name in names}
    for number in range(-warmups, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            result = contestants[name]()
            if number >= 0:
                found[name].append(result)
    return found


def progress(what: str) -> None:
    """Say on standard error what is being measured, for whoever waits."""
    print(f"... {what}", file=sys.stderr, flush=True)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the ratios turn by turn."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _end(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-12:])
