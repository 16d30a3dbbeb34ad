"""Do these tensors fit that program? One diagnostic each for missing, unexpected and mis-shaped ones."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.ir.flatten import weights
from archdsl.ir.operator import Weight
from archdsl.ir.program import Program
from archdsl.limits import Limits

SHOWN: Final = 5
"""How many names a diagnostic lists before it counts the rest."""
_LONGEST_SHOWN: Final = 200
_LONGEST_COMPARED: Final = 120
"""Characters of a name."""


def match(
    program: Program, found: Mapping[str, tuple[tuple[int, ...], str]], origin: str, limits: Limits
) -> dict[str, Weight]:
    """The program's weights by path, checked against the shapes and kinds found (`f` float, `i` integer,
    anything else fits nothing). Counters (batch norm's `num_batches_tracked`) may be missing. `origin` names
    the tensors in messages.

    Raises `ArchError` with E0811 (missing), E0812 (unexpected), E0813 (another shape or kind), all that
    apply.
    """
    expected = dict(weights(program, limits))
    missing = [path for path, weight in expected.items() if path not in found and weight.role != "counter"]
    unexpected = [name for name in found if name not in expected]
    diagnostics: list[Diagnostic] = []
    if missing:
        lines = _named(missing, unexpected)
        diagnostics.append(_report("E0811", f"{origin} lacks {_count(missing)} of {program.name}", lines))
    if unexpected:
        lines = _named(unexpected, missing)
        message = f"{origin} has {_count(unexpected)} that {program.name} does not have"
        diagnostics.append(_report("E0812", message, lines))
    wrong = list(_wrong(expected, found))
    if wrong:
        message = f"{origin} has {_count(wrong)} of another shape or kind than in {program.name}"
        diagnostics.append(_report("E0813", message, listed(wrong)))
    if missing and unexpected:
        diagnostics[0].help = "where only names differ, a key map (--keys) pairs them: `archdsl explain E0815`"
    elif unexpected:
        rule = f"`{shortened(unexpected[0])} -`"
        diagnostics[0].help = f"what is not wanted is left out by a key map (--keys) with lines like {rule}"
    if diagnostics:
        raise ArchError(diagnostics)
    return expected


def _wrong(expected: dict[str, Weight], found: Mapping[str, tuple[tuple[int, ...], str]]) -> Iterable[str]:
    for path, weight in expected.items():
        if path not in found:
            continue
        shape, kind = found[path]
        if shape != weight.shape:
            yield f"{path}: expected {list(weight.shape)}, found {shortened(str(list(shape)))}"
        elif kind != kind_of(weight):
            yield f"{path}: expected {weight.dtype}, found another kind of number"


def kind_of(weight: Weight) -> str:
    """`f` for floats, `i` for integers."""
    return "f" if weight.dtype.startswith(("f", "b")) else "i"


def _named(names: list[str], candidates: list[str]) -> tuple[str, ...]:
    """Names to show, each with the most similar one of the other side."""
    lines: list[str] = []
    # Similarity costs time with the number of candidates and more with their length; beyond these bounds a suggestion
    # is a guess anyway.
    plain = [name for name in candidates[:2000] if len(name) <= _LONGEST_COMPARED]
    for name in names[:SHOWN]:
        close = get_close_matches(name, plain, n=1) if len(name) <= _LONGEST_COMPARED else []
        shown = shortened(name)
        lines.append(f"{shown} (similar: {close[0]})" if close else shown)
    return listed(lines, len(names))


def shortened(name: str) -> str:
    """A name as a message shows it: a file may hold one of a megabyte."""
    return name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..."


def listed(lines: list[str], total: int | None = None) -> tuple[str, ...]:
    """The first few lines, and how many more there are."""
    total = len(lines) if total is None else total
    rest = total - min(total, SHOWN)
    return (*lines[:SHOWN], *((f"and {rest} more",) if rest else ()))


def _count(names: list[str]) -> str:
    return f"{len(names)} weight{'s' if len(names) > 1 else ''}"


def _report(code: str, message: str, notes: tuple[str, ...]) -> Diagnostic:
    return Diagnostic(code, message, None, notes=notes)
