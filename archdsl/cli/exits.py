"""Exit codes, and which of them some diagnostics amount to."""

from collections.abc import Iterable

from archdsl.diagnostics.model import Diagnostic

FINE = 0
SPEC = 1
"""The spec has errors, or a test or verification failed."""
USAGE = 2
IO = 3
LIMIT = 4
MISSING = 5
"""A component is not installed: torch, an execution provider."""
BUG = 70
INTERRUPTED = 130
BROKEN_PIPE = 141
"""The code that a shell reports for a program that the closed pipe stopped (128 + SIGPIPE)."""

_USAGE_CODES = (
    "E0605", "E0606", "E0607", "E0609", "E0612", "E0613", "E0614", "E0820", "E0821", "E0831",
)  # fmt: skip
_IO_CODES = ("E0601", "E0602", "E0603", "E0608", "E0610")
_MISSING_CODES = ("E0801", "E0802")


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """0 without errors; else the most telling of the codes: limit, missing component, input/output, usage,
    spec."""
    codes = [diagnostic.code for diagnostic in diagnostics if diagnostic.severity == "error"]
    if not codes:
        return FINE
    if any(code.startswith("E09") for code in codes):
        return LIMIT
    for family, result in ((_MISSING_CODES, MISSING), (_IO_CODES, IO), (_USAGE_CODES, USAGE)):
        if any(code in family for code in codes):
            return result
    return SPEC
