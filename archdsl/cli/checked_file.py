"""Checking one file: what `archdsl check` does with each, and what mending asks after every round."""

from typing import TYPE_CHECKING

from archdsl.cli.session import load_any, say_unchecked
from archdsl.diagnostics.model import Sink
from archdsl.limits import Limits

if TYPE_CHECKING:
    from archdsl.source import Source


def check_file(path: str, sink: Sink, limits: Limits, remarks: list[str], source: "Source | None" = None) -> int:
    """Check one file, or a source as if it were the text of one; returns the number of models that were elaborated."""
    from archdsl.elaborate.check import check_module
    from archdsl.elaborate.loader import load_source

    before = len(sink.found)
    module = load_any(path, sink, limits) if source is None else load_source(source, sink, limits)
    if module is None or any(found.severity == "error" for found in sink.found[before:]):
        return 0
    checked = check_module(module, sink, limits)
    for name, missing in checked.without_defaults.items():
        given = " ".join(f"-p {parameter}=..." for parameter in missing)
        remarks.append(
            f"note: {path}:{name} has no defaults: only its names were checked; `archdsl count` it with {given}"
        )
    say_unchecked(sink.found[before:], checked.left)
    return checked.elaborated
