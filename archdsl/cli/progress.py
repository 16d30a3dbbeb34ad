"""A note of the work in hand, on a terminal, where it takes more than a second: a line on standard error that is gone
when it is done. Pipes and files never see it."""

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

DELAY = 1.0
"""Seconds before anything is said."""


@contextmanager
def progress(what: str, began: float | None = None) -> Generator[None]:
    """Say what is being done while the body runs, which prints nothing itself. Work that has several steps is timed
    from when it `began` (`time.monotonic`). Later it is written by a thread, since the work may be one call into a
    library; the thread ends with the body."""
    if not is_shown():
        yield
        return
    from archdsl.diagnostics.terminal import printable

    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    line = printable(what)[: (columns or 80) - 1]  # a longer one would wrap, and could not be erased
    left = DELAY - (time.monotonic() - began if began is not None else 0.0)
    if left <= 0:
        _write(line)
        try:
            yield
        finally:
            _write("")
        return
    from threading import Event, Thread

    done = Event()

    def show() -> None:
        if not done.wait(left):
            _write(line)
            done.wait()
            _write("")

    thread = Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _write(line: str) -> None:
    """Put a line in the place of the one that is there."""
    sys.stderr.write(f"\r\x1b[K{line}")
    sys.stderr.flush()


def is_shown() -> bool:
    """Whether standard error is a terminal that can erase a line."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
