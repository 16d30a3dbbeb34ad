"""The standard library: blocks written in `.arch`, available in every spec without `use`.

`INDEX` says which file defines a name, so that a name costs the parsing of one small file when it is first used and
nothing before; a test holds it against the files.
"""

from pathlib import Path

INDEX: dict[str, str] = {}


def text(stem: str) -> str:
    """The source of one file of the standard library."""
    return (Path(__file__).parent / f"{stem}.arch").read_text(encoding="utf-8")


def stems() -> tuple[str, ...]:
    """Names of the files, in order: what `use std.<name> (...)` may say."""
    return tuple(dict.fromkeys(INDEX.values()))
