"""A campaign: inputs drawn from random bytes by the strategies, tried in processes of their own, failures made small
and kept.

Nothing of hypothesis but its strategies is in the way of an input: `fuzz_one_input` draws one from bytes that a seed
gives, so an input has a number, a campaign goes on where the last one stopped, and two processes share the numbers.
"""

import hashlib
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alarm import alarm
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.database import InMemoryExampleDatabase
from kinds import KINDS, Kind, packed

HERE = Path(__file__).parent
FAILURES = HERE / "failures"
SLICE = 30.0
"""Seconds a process works on one kind before it reports."""
HANG = 60.0
"""Seconds without a next input after which a process counts as hanging: of its own processor time, since a machine with
other work to do says nothing of us, or ten times as many where it uses none."""
MEMORY = 8 << 30
"""Bytes of address space of a process."""
SHRINKING = 45.0
"""Seconds that a failure may take to become small."""
QUIET = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
    print_blob=False,
    phases=[Phase.reuse, Phase.shrink],
)


def origin(error: BaseException) -> str:
    """Where a failure comes from: its type, and the innermost line of archdsl, or of the property that it breaks."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/archdsl/" in f.filename] if not isinstance(error, AssertionError) else []
    last = (ours or [f for f in frames if "/tests/" in f.filename] or frames)[-1]
    return f"{type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"


class Runner:
    """Tries inputs of one kind, by their numbers."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.database = InMemoryExampleDatabase()
        self.only: str | None = None
        self.last: tuple[Any, BaseException] | None = None
        self.tried = 0

        def test(value: Any) -> None:
            self.tried += 1
            try:
                kind.check(value)
            except Exception as error:
                if self.only in (None, origin(error)):
                    self.last = value, error
                    raise

        self.test = settings(QUIET, database=self.database)(given(kind.strategy())(test))
        self.draw: Callable[[bytes], object] = self.test.hypothesis.fuzz_one_input  # pyright: ignore[reportFunctionMemberAccess]

    def bytes_of(self, number: int) -> bytes:
        return random.Random(f"{self.kind.name} {number}").randbytes(self.kind.size)

    def try_one(self, number: int) -> str:
        """Where it fails; empty where it does not."""
        try:
            self.draw(self.bytes_of(number))
        except Exception as error:
            return origin(error)
        return ""

    def drawn(self, number: int) -> Any:
        """The input of that number, untried; None where its bytes are too few."""
        found: list[Any] = []

        def test(value: Any) -> None:
            found.append(value)

        test = settings(QUIET, database=None)(given(self.kind.strategy())(test))
        test.hypothesis.fuzz_one_input(self.bytes_of(number))  # pyright: ignore[reportFunctionMemberAccess]
        return found[0] if found else None

    def smallest(self, number: int) -> tuple[Any, BaseException]:
        """The smallest input that fails as this one does, and how."""
        self.only = self.try_one(number)
        assert self.last is not None
        found = self.last
        try:
            with alarm(SHRINKING):
                self.test()
        except BaseException:  # whatever ends it, the smallest so far is what is wanted
            found = self.last
        return found


class Slice:
    """One process at work on some numbers of one kind."""

    def __init__(self, kind: Kind, first: int, stride: int, most: int) -> None:
        self.kind, self.first, self.stride, self.most = kind, first, stride, most
        self.shared = mmap.mmap(-1, 16)
        self.reader, writer = os.pipe()
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.reader)
            code = 1
            try:
                self._work(writer)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writer)
        self.seen = (-1, time.monotonic(), 0.0)

    def _work(self, writer: int) -> None:
        silence()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        runner = Runner(self.kind)
        found: dict[str, int] = {}
        failures = 0
        number, done = self.first, 0
        while done < self.most and time.monotonic() - self.began < SLICE:
            self.shared[:16] = struct.pack("qq", number, done)
            where = runner.try_one(number)
            if where:
                failures += 1
                found.setdefault(where, number)
            number, done = number + self.stride, done + 1
        report = {"done": done, "failures": failures, "found": found, "seconds": time.process_time()}
        os.write(writer, json.dumps(report).encode())

    def place(self) -> tuple[int, int]:
        number, done = struct.unpack("qq", self.shared[:16])
        return number, done

    def lost(self, how: str) -> dict[str, Any]:
        """What is known of a process that could not report: the input it was at is its failure."""
        number, done = self.place()
        spent = time.monotonic() - self.began
        return {"done": done + 1, "failures": 1, "found": {how: number}, "seconds": spent}

    def finished(self) -> dict[str, Any] | None:
        """What it found, once it has ended; one that hangs or dies is a failure of the input it was at."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            number, _ = self.place()
            now, used = time.monotonic(), used_by(self.pid)
            if number != self.seen[0]:
                self.seen = number, now, used
            elif used - self.seen[2] > HANG or now - self.seen[1] > 10 * HANG:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                os.close(self.reader)
                return self.lost(f"more than {HANG:.0f} seconds")
            return None
        data = b""
        while piece := os.read(self.reader, 1 << 16):
            data += piece
        os.close(self.reader)
        if status == 0 and data:
            return json.loads(data)
        how = f"signal {status & 127}" if status & 127 else f"exit {status >> 8}"
        return self.lost(f"the process ended: {how}")


def used_by(pid: int) -> float:
    """Processor time of a process in seconds (the clock of another process, `clock_getcpuclockid`)."""
    return time.clock_gettime(~pid << 3 | 2)


def silence() -> None:
    """What libraries print about bad input is not of interest."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    import warnings

    warnings.simplefilter("ignore")


def keep(kind: Kind, number: int, where: str) -> Path:
    """Write the smallest input that fails like this one, in a process of its own."""
    FAILURES.mkdir(exist_ok=True)
    name = f"{kind.name}-{hashlib.sha256(where.encode()).hexdigest()[:8]}.json"
    path = FAILURES / name
    pid = os.fork()
    if pid == 0:
        try:
            silence()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            runner = Runner(kind)
            if where.startswith(("more than", "the process")):
                # It cannot be tried again here: only what it is can be said.
                value, told = runner.drawn(number), where
            else:
                value, error = runner.smallest(number)
                told = "".join(traceback.format_exception(error)[-6:])
            record = {"kind": kind.name, "number": number, "where": where, "input": packed(value), "told": told}
            path.write_text(json.dumps(record, indent=1, ensure_ascii=True) + "\n")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return path


class Campaign:
    """All kinds in turn, until the time is over or as many inputs as are wanted were tried."""

    def __init__(self, folder: Path, processes: int) -> None:
        self.state = folder / "numbers.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.numbers: dict[str, int] = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.processes = processes
        self.tried = dict.fromkeys(KINDS, 0)
        self.failures = dict.fromkeys(KINDS, 0)
        self.busy = dict.fromkeys(KINDS, 0.0)
        self.seconds = dict.fromkeys(KINDS, 0.0)
        """Of processor time: what else the machine does says nothing of us."""
        self.kept: dict[str, Path] = {}

    def run(self, kinds: list[Kind], until: float, wanted: dict[str, int]) -> None:
        """`wanted` limits the inputs of a kind."""
        running: list[Slice] = []
        while True:
            open_kinds = [k for k in kinds if self.tried[k.name] < wanted.get(k.name, 1 << 60)]
            late = time.monotonic() >= until
            if not running and (late or not open_kinds):
                return
            while len(running) < self.processes and open_kinds and not late:
                kind = min(open_kinds, key=lambda k: self.busy[k.name] / k.share)
                left = wanted.get(kind.name, 1 << 60) - self.tried[kind.name]
                # Every slice has numbers of its own: as many as no process could try.
                first = self.numbers.get(kind.name, 0)
                most = min(left, 100_000)
                self.numbers[kind.name] = first + most
                self.busy[kind.name] += SLICE
                running.append(Slice(kind, first, 1, most))
            time.sleep(0.05)
            for each in list(running):
                report = each.finished()
                if report is not None:
                    running.remove(each)
                    self.take(each, report)

    def take(self, each: Slice, report: dict[str, Any]) -> None:
        name = each.kind.name
        self.tried[name] += report["done"]
        self.failures[name] += report["failures"]
        self.busy[name] += time.monotonic() - each.began - SLICE
        self.seconds[name] += report["seconds"]
        # Numbers that were set aside and not reached are given back, unless others are further already.
        if self.numbers[name] == each.first + each.most:
            self.numbers[name] = each.first + report["done"]
        self.state.write_text(json.dumps(self.numbers) + "\n")
        for where, number in report["found"].items():
            if f"{name} {where}" not in self.kept:
                self.kept[f"{name} {where}"] = path = keep(each.kind, number, where)
                print(f"{name} {number}: {where}: {path}", file=sys.stderr, flush=True)
