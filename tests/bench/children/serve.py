"""The worker's side of `measure.Worker`: ready, then the time of one go for each line that comes in."""

import sys
import time
from collections.abc import Callable


def serve(action: Callable[[], object], clock: Callable[[], float] = time.process_time) -> None:
    """Run `action` once to warm up, say so, and then time it whenever asked. The clock counts this process's own
    seconds unless another is given."""
    action()
    print("true", flush=True)
    for _ in sys.stdin:
        started = clock()
        action()
        print(clock() - started, flush=True)
