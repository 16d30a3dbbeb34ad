"""Key maps: small text files that say which names of a weights file are which paths of a model.

A line is a rule, the name in the file and the path in the model with white space between; `#` starts a comment.

    features.*.norm.1.*   features.*.norm1.*     # each `*` keeps the text it stands for
    aux*                  -                      # left out on purpose

A `*` stands for any text, the shortest that fits; the path has as many as the name, or is `-`. A rule without `*` goes
before those with one, and of these the first that fits counts. A name that no rule fits stays as it is.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic, Sink
from archdsl.elaborate.loader import read_source
from archdsl.limits import Limits
from archdsl.source import Source, Span
from archdsl.weights.match import listed, shortened

LEFT_OUT: Final = "-"
"""The word in place of a path for tensors that are not to be loaded."""

MOST_PATTERNS: Final = 100
"""Rules with `*` in one map: each is tried on each name."""

MOST_TRIES: Final = 10_000_000
"""Stars in all rules times names, about the time that pairing them takes."""


class KeyMap:
    """The rules of one key map. `name` is what messages call it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.exact: dict[str, str] = {}
        self.patterns: list[tuple[list[str], list[str] | None]] = []

    def path(self, name: str) -> str | None:
        """The path that a name means; None for one that is left out."""
        if name in self.exact:
            path = self.exact[name]
            return None if path == LEFT_OUT else path
        for old, new in self.patterns:
            texts = _fit(old, name)
            if texts is None:
                continue
            return None if new is None else new[0] + "".join(map("".join, zip(texts, new[1:], strict=True)))
        return name

    def paths(self, names: Iterable[str], origin: str) -> dict[str, str]:
        """The names of `origin` by the path each means, without those that are left out. Raises `ArchError` (E0816)
        where several mean one path."""
        found: dict[str, list[str]] = {}
        names = list(names)
        stars = sum(len(old) for old, _ in self.patterns)
        if len(names) * stars > MOST_TRIES:
            message = f"the rules of {self.name} have too many `*` for the {len(names):_} names of {origin}"
            raise ArchError([Diagnostic("E0815", message, None, help="write rules with fewer `*`, or fewer rules")])
        for name in names:
            path = self.path(name)
            if path is not None:
                found.setdefault(path, []).append(name)
        clashes = [
            f"{shortened(path)}: {', '.join(map(shortened, several[:3]))}"
            for path, several in found.items()
            if len(several) > 1
        ]
        if clashes:
            message = f"{self.name} takes several names of {origin} for one path"
            raise ArchError([Diagnostic("E0816", message, None, notes=listed(clashes))])
        return {path: names[0] for path, names in found.items()}


def _fit(parts: list[str], name: str) -> list[str] | None:
    """The texts that the stars between `parts` stand for in `name`, or None. In linear time: if any texts fit, the
    shortest from the left do, up to the last star, which takes the rest."""
    first, *middle, last = parts
    if not name.startswith(first):
        return None
    texts: list[str] = []
    position = len(first)
    for part in middle:
        start = name.find(part, position)
        if start < 0:
            return None
        texts.append(name[position:start])
        position = start + len(part)
    if len(name) - len(last) < position or not name.endswith(last):
        return None
    return [*texts, name[position : len(name) - len(last)]]


def read_keys(path: str | os.PathLike[str], limits: Limits | None = None) -> KeyMap:
    """The key map of a file. Raises `ArchError`: E0601 to E0604 and E0901 (cannot be read), E0815 (a line that is no
    rule, one diagnostic each)."""
    sink = Sink()
    source = read_source(path, sink, limits or Limits())
    sink.raise_errors()
    assert source is not None
    made = KeyMap(os.path.basename(source.name))
    for line, start in enumerate(source.line_starts, 1):
        rule = source.line_text(line).partition("#")[0]
        if rule.strip():
            _add(made, rule.split(), _span(source, start, rule), sink)
    sink.raise_errors()
    return made


def key_map(keys: str | os.PathLike[str] | Mapping[str, str | None], limits: Limits | None = None) -> KeyMap:
    """The key map that an argument `keys` means: a file's, or rules given as a mapping from names to paths, None for
    what is left out. Raises `ArchError` as `read_keys` does, `TypeError` for anything else."""
    if isinstance(keys, str | os.PathLike):
        return read_keys(keys, limits)
    rules: list[tuple[str, str]] = []
    for name, path in _pairs(keys):
        if not isinstance(name, str) or not isinstance(path, str | None):
            raise TypeError(
                f"keys maps names of weights to paths (str, or None to leave out), not {name!r} to {path!r}"
            )
        rules.append((name, LEFT_OUT if path is None else path))
    made = KeyMap("keys")
    sink = Sink()
    source = Source("keys", "\n".join(f"{name} {path}" for name, path in rules))
    for (name, path), start in zip(rules, source.line_starts, strict=False):
        _add(made, [name, path], Span(source, start, start + len(name) + 1 + len(path)), sink)
    sink.raise_errors()
    return made


def _pairs(keys: Any) -> Iterable[tuple[object, object]]:
    if not isinstance(keys, Mapping):
        raise TypeError(f"keys is the path of a key map, or a mapping from names to paths, not {type(keys).__name__}")
    return keys.items()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _add(made: KeyMap, fields: list[str], span: Span, sink: Sink) -> None:
    def refuse(message: str, help: str = "") -> None:
        sink.add(Diagnostic("E0815", message, span, help=help))

    if len(fields) != 2:
        refuse("a rule is a name and a path", "write NAME PATH, or NAME - to leave a tensor out")
        return
    old, new = fields
    stars = old.count("*")
    if new != LEFT_OUT and new.count("*") != stars:
        refuse(f"{_stars(stars)} in the name and {_stars(new.count('*'))} in the path", "each keeps the text it fits")
    elif old in made.exact:
        refuse(f"`{shortened(old)}` has a rule already")
    elif not stars:
        made.exact[old] = new
    elif len(made.patterns) == MOST_PATTERNS:
        refuse(f"a key map has at most {MOST_PATTERNS} rules with `*`")
    else:
        made.patterns.append((old.split("*"), None if new == LEFT_OUT else new.split("*")))


def _stars(count: int) -> str:
    return f"{count or 'no'} `*`"


def _span(source: Source, start: int, line: str) -> Span:
    indent = len(line) - len(line.lstrip())
    return Span(source, start + indent, start + len(line.rstrip()))
