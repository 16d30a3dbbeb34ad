"""A clock that ends what hangs."""

import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def alarm(seconds: float, raised: type[BaseException] = KeyboardInterrupt) -> Generator[None]:
    """Raise an exception in what runs inside after so many seconds of the clock."""

    def stop(*_: object) -> None:
        raise raised

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
