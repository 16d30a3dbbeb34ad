"""Running an ONNX file of any origin: in a process of its own, with bounds on its memory and its processor time.

A graph is a program. A hundred bytes of it can ask for gigabytes or run for ever, inside libraries that do not ask
back, and may crash them. So the file is run by a second interpreter, which the system stops at the bounds; here its
output is passed on, or its end is told as a diagnostic.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from archdsl.cli.progress import progress
from archdsl.diagnostics.model import ArchError, Diagnostic

_COMMAND: Final = ("-P", "-m", "archdsl.cli.bounded")
"""Named as a text: it knows the command that it runs, which calls this module."""

OUT_OF_MEMORY: Final = 71
"""The code that process returns when memory was refused to it."""

_BASE_BYTES: Final = 400 << 20
"""The memory that any run may take: the interpreter with its libraries has about 150 MiB."""

_BYTES_PER_CORE: Final = 10 << 20
"""onnxruntime starts a thread for each, with a stack of 8 MiB."""

_BASE_SECONDS: Final = 5
_FACTOR: Final = 4
"""Weights are read, copied into the layout of the kernels, and read again."""

_FEED_FACTOR: Final = 64
"""Values inside a network have many times the channels of its input."""


def is_possible() -> bool:
    """Whether this system bounds processes, which Windows does not as POSIX does."""
    return os.name == "posix"


def allowance(model_bytes: int, feed_bytes: int) -> tuple[int, int]:
    """Bytes of memory and seconds of processor time for a model of so many bytes, weights included, and data of so many
    that the caller gave or asked for."""
    honest = _FACTOR * model_bytes + _FEED_FACTOR * feed_bytes
    memory = _BASE_BYTES + _BYTES_PER_CORE * (os.cpu_count() or 1) + honest
    return memory, _BASE_SECONDS + (honest >> 20)


def run_guarded(arguments: Sequence[str], name: str, memory: int, seconds: int) -> int:
    """Run `archdsl run` with these arguments in a bounded process and pass its output on; returns its exit code. No
    bound on memory where `memory` is 0. Raises `ArchError` (E0920) when it was stopped."""
    import subprocess

    if any("\0" in argument for argument in arguments):  # only from Python: no system passes it on
        raise ArchError([Diagnostic("E0607", "an argument has a NUL character in it", None)])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
        "PYTHONIOENCODING": "utf-8:surrogateescape",
        # Each of its threads would take memory at once that it never uses.
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, *_COMMAND, str(memory), str(seconds), *arguments]
    try:
        with progress(f"run: {name} on onnxruntime"):  # here: that process has no terminal
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30 + 10 * seconds
            )
    except subprocess.TimeoutExpired:
        raise _stopped(name, f"it did not end within {30 + 10 * seconds} seconds", memory, seconds) from None
    if done.returncode < 0:
        ended = signal.Signals(-done.returncode)
        if ended in (signal.SIGXCPU, signal.SIGKILL):
            raise _stopped(name, f"it took more than {seconds} seconds of processor time", memory, seconds)
        raise _stopped(name, f"onnxruntime ended with {ended.name}", memory, seconds)
    if done.returncode == OUT_OF_MEMORY:
        raise _stopped(name, f"it asked for more than {memory >> 20:_} MiB of memory", memory, seconds)
    for stream, text in ((sys.stdout, done.stdout), (sys.stderr, done.stderr)):
        if text:
            print(text.decode("utf-8", "backslashreplace"), end="", file=stream)
    return done.returncode


def _stopped(name: str, reason: str, memory: int, seconds: int) -> ArchError:
    bounds = f"{memory >> 20:_} MiB and " if memory else ""
    help = (
        f"a file of its size gets {bounds}{seconds} seconds; "
        "allow more with --max-memory MIB and --max-seconds N if you trust it"
    )
    return ArchError([Diagnostic("E0920", f"running {name} was stopped", None, notes=(reason,), help=help)])
