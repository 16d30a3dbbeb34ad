"""`archdsl check --fix` and `--diff`: applying the edits that diagnostics carry."""

import os
import stat
import sys
from collections.abc import Sequence

from archdsl.cli.checked_file import check_file
from archdsl.cli.session import plural, write_text
from archdsl.diagnostics.edits import applied, together
from archdsl.diagnostics.finding import in_order
from archdsl.diagnostics.model import ArchError, Diagnostic, Sink
from archdsl.diagnostics.terminal import printable, styled
from archdsl.limits import Limits
from archdsl.records import record, replace
from archdsl.source import Source
from archdsl.syntax.parser import parse

_ROUNDS = 20
"""A mend may let the next mistake be seen, or stand where another wants to: a file is checked and mended so often."""
_PASSES = 5
"""Mending one file may show what is wrong in another that imports it: all files are gone through so often."""
_STYLES = {"+": "good", "-": "bad", "@": "frame"}
_BOM = b"\xef\xbb\xbf"


@record
class _Mended:
    """A file before and after."""

    data: bytes
    before: str
    after: str
    mends: int

    @property
    def bom(self) -> bool:
        return self.data.startswith(_BOM)


def fix(files: Sequence[str], limits: Limits) -> list[str]:
    """Mend the files on disk, each whole or not at all; returns a remark for each that was changed. Raises `ArchError`
    for one that cannot be written."""
    mends: dict[str, int] = {}
    for _ in range(_PASSES):
        changed = False
        for path in files:
            mended = _mend(path, limits)
            if mended is not None and mended.after != mended.before:
                _write(path, mended)
                mends[path] = mends.get(path, 0) + mended.mends
                changed = True
        if not changed:
            break
    return [f"mended {plural(count, 'mistake')} in {path}" for path, count in mends.items()]


def print_diff(files: Sequence[str], limits: Limits, color: bool) -> None:
    """The changes that `fix` would make to each file while the others stay as they are, as one unified diff: as it is
    for `patch`, printable on a terminal."""
    from difflib import unified_diff
    from io import StringIO

    to_terminal = sys.stdout.isatty()

    for path in files:
        mended = _mend(path, limits)
        if mended is None:
            continue
        before, after = (list(StringIO(text, newline="\n")) for text in (mended.before, mended.after))
        for line in unified_diff(before, after, path, path):
            end = "\n" if line.endswith("\n") else "\n\\ No newline at end of file\n"
            shown = line.removesuffix("\n")
            shown = printable(shown.removesuffix("\r")) if to_terminal else shown
            print(styled(shown, _STYLES.get(line[:1], ""), color and line[:1] in _STYLES), end=end)


def _mend(path: str, limits: Limits) -> _Mended | None:
    """None for a file that cannot be read as text, which `check` itself reports."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as stream:
            data = stream.read(limits.source_bytes + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    if len(data) > limits.source_bytes:
        return None
    after, mends = mend(Source(path, text), limits)
    return _Mended(data, text, after, mends)


def mend(source: Source, limits: Limits) -> tuple[str, int]:
    """The text of a file with everything mended that has a certain mend, and how many mistakes that were."""
    count = 0
    seen = {source.text}
    for _ in range(_ROUNDS):
        sink = Sink()
        # Each look has a budget of its own, as if it were a command of its own; their number is bounded.
        check_file(source.name, sink, replace(limits, command=None), [], source)
        chosen = together(in_order(sink.found), source)
        if chosen and _spoils(chosen, source, limits):
            chosen = [diagnostic for diagnostic in chosen if not _spoils([diagnostic], source, limits)]
        edits = [edit for diagnostic in chosen for edit in diagnostic.edits]
        after = applied(source.text, edits)
        if after in seen:
            break
        seen.add(after)
        source = Source(source.name, after)
        count += len(chosen)
    return source.text, count


def _spoils(diagnostics: Sequence[Diagnostic], source: Source, limits: Limits) -> bool:
    """Whether the edits make text that cannot be read. Where it could not be read before, the mend of one mistake may
    let others be seen; it must not leave the same mistake behind, or brackets and strings that do not close."""
    edits = [edit for diagnostic in diagnostics for edit in diagnostic.edits]
    before, after = Sink(), Sink()
    parse(source, before, limits)
    mended = Source(source.name, applied(source.text, edits))
    parse(mended, after, limits)
    if not before.has_errors:
        return after.has_errors
    if _unpaired(after) > _unpaired(before):
        return True
    # The same mistake again on the line that was mended, with as much text behind it: nothing was gained.
    for diagnostic in diagnostics:
        last = max(edit.span.end for edit in diagnostic.edits)
        until = [edit for edit in edits if edit.span.end <= last]
        line = mended.line_column(len(applied(source.text[:last], until)))[0]
        behind = len(source.text) - diagnostic.span.start if diagnostic.span is not None else 0
        for found in after.found:
            same = (found.code, found.message) == (diagnostic.code, diagnostic.message)
            place = found.span if same and found.span is not None and found.span.line == line else None
            if place is not None and behind <= len(mended.text) - place.start:
                return True
    return False


def _unpaired(sink: Sink) -> int:
    return sum(found.code in ("E0102", "E0103", "E0104") for found in sink.found)


def _write(path: str, mended: _Mended) -> None:
    with open(path, "rb") as stream:
        if stream.read() != mended.data:
            raise ArchError([Diagnostic("E0610", f"{path} was changed while it was mended; it is left as it is", None)])
    # Replacing a file asks the folder for permission, not the file.
    if not os.stat(path).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(path, os.W_OK):
        raise ArchError([Diagnostic("E0610", f"cannot write {path}: it is read-only", None)])
    write_text(path, ("\ufeff" if mended.bom else "") + mended.after)
