"""The process in which `archdsl run` runs an ONNX file: it takes its bounds, then runs the command.

`guard.py` starts it, on systems that have such bounds.
"""

import resource
import sys
from collections.abc import Sequence

from archdsl.cli import exits, run_command
from archdsl.cli.guard import OUT_OF_MEMORY
from archdsl.cli.session import report
from archdsl.diagnostics.model import ArchError


def main(arguments: Sequence[str]) -> int:
    """The bounded process: takes its bounds, then runs the command."""
    memory, seconds, *rest = arguments
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_CPU, int(seconds))
    if int(memory):
        # Counts what is mapped for writing, not the libraries, and not what the graphics driver reserves.
        _lower(resource.RLIMIT_DATA, int(memory))
    parsed = run_command.parser().parse_args(rest)
    try:
        code = run_command.run_here(parsed)
        sys.stdout.flush()
        return code
    except ArchError as error:
        texts = " ".join(note for found in error.diagnostics for note in found.notes)
        if any(words in texts for words in ("bad_alloc", "Failed to allocate memory", "bad allocation")):
            return OUT_OF_MEMORY
        report(error.diagnostics, parsed.color)
        return exits.exit_code(error.diagnostics)
    except MemoryError:
        return OUT_OF_MEMORY


def _lower(which: int, value: int) -> None:
    """Set a bound, unless a lower one holds already."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
