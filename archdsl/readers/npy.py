"""Arrays in numpy's `.npy` format. The header is parsed here: numpy evaluates it, and raises whatever that raises."""

import os
import re
import stat
from math import prod
from typing import TYPE_CHECKING, Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.files import open_input
from archdsl.readers import Damaged
from archdsl.records import record

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_MAGIC: Final = b"\x93NUMPY"

_LONGEST_HEADER: Final = 10_000
"""Bytes; numpy's own bound. A header that it writes for a plain array has 128."""

_MOST_AXES: Final = 32

_ENTRY: Final = re.compile(
    r"""\s*(?P<quote>['"])(?P<key>\w+)(?P=quote)\s*:\s*"""
    r"""(?:(?P<mark>['"])(?P<text>[^'"\\]*)(?P=mark)|(?P<flag>True|False)|\((?P<shape>[\d\sL,]*)\)|(?P<list>\[))"""
    r"""\s*(?:,\s*|(?=\}))"""
)
_NUMBER: Final = re.compile(r"[<>|=]?([fiub])([1248])")


@record
class Header:
    """The header of an `.npy` file, about its array. `dtype` is numpy's name; `start` is where the numbers begin."""

    dtype: str
    shape: tuple[int, ...]
    column_major: bool
    start: int

    @property
    def kind(self) -> str:
        """`f`, `i`, `u` or `b` for numbers and booleans; "" for anything else."""
        found = _NUMBER.fullmatch(self.dtype)
        return found[1] if found else ""

    @property
    def bytes(self) -> int:
        return prod(self.shape) * int(self.dtype[-1])


def read_npy(numpy: Any, path: str, allowed: str, wanted: str) -> "Array":
    """The array of a file, mapped, not read. Its numbers are of a kind in `allowed` (`iu`); `wanted` says in messages
    what would fit.

    Raises `ArchError` (E0831) for anything that is no such array, complete in its file, and `OSError` for a file that
    cannot be opened.
    """
    name = os.path.basename(path)
    with open_input(path) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _refuse(f"{name} is no regular file, and an array is mapped from one")
        try:
            header = _header(file.read(12 + _LONGEST_HEADER))
            if header.kind not in tuple(allowed):
                raise _refuse(f"{name} holds {_title(numpy, header)}, and {wanted}")
            _check_length(header, os.fstat(file.fileno()).st_size)
        except Damaged as error:
            raise _refuse(f"{name} is not an array in .npy format", str(error)) from None
        if not header.bytes:
            return numpy.empty(header.shape, header.dtype)
        order = "F" if header.column_major else "C"
        return numpy.memmap(file, header.dtype, "r", header.start, header.shape, order)


def _header(data: bytes) -> Header:
    """The header of a file that starts with `data`. Raises `Damaged`."""
    if data[:6] != _MAGIC:
        raise Damaged("the first bytes are not those of the format")
    wide = data[6:7] in (b"\x02", b"\x03")
    if len(data) < 12 or not (wide or data[6:7] == b"\x01"):
        raise Damaged("the version of the format is unknown" if len(data) >= 12 else "it ends inside its header")
    start = 12 if wide else 10
    length = int.from_bytes(data[8:start], "little")
    if length > _LONGEST_HEADER:
        raise Damaged(f"its header has {length:_} bytes, more than {_LONGEST_HEADER:_}")
    if start + length > len(data):
        raise Damaged("it ends inside its header")
    text = data[start : start + length].decode("utf-8" if data[6:7] == b"\x03" else "latin-1", "replace")
    return _fields(text.strip(), start + length)


def _fields(text: str, start: int) -> Header:
    """The header's text, which is a dictionary as Python prints one, with exactly three keys."""
    entries: dict[str, re.Match[str]] = {}
    at = 1
    while text[:1] == "{" and (found := _ENTRY.match(text, at)):
        if found["key"] in entries:
            raise Damaged(f"its header says `{found['key']}` twice")
        entries[found["key"]] = found
        at = found.end()
        if found["list"]:
            raise Damaged("it holds records of several fields")
    if text[:1] != "{" or text[at:].strip() != "}":
        raise Damaged("its header is no dictionary of descr, fortran_order and shape")
    if set(entries) != {"descr", "fortran_order", "shape"}:
        raise Damaged(f"its header says {', '.join(entries) or 'nothing'} instead of descr, fortran_order and shape")
    dtype, flag, shape = entries["descr"]["text"], entries["fortran_order"]["flag"], entries["shape"]["shape"]
    if dtype is None or flag is None or shape is None:
        raise Damaged("its header gives descr, fortran_order or shape as something else than text, flag and lengths")
    return Header(dtype, _lengths(shape), flag == "True", start)


def _lengths(text: str) -> tuple[int, ...]:
    """The lengths of a shape, written `3, 4` or `3,`; numpy on Python 2 wrote `3L`."""
    words = [word.strip().removesuffix("L") for word in text.split(",")]
    if words == [""]:
        return ()
    if words[-1] == "":
        words.pop()
    elif len(words) == 1:
        raise Damaged("its shape is no tuple")
    if len(words) > _MOST_AXES:
        raise Damaged(f"it has {len(words)} axes, more than {_MOST_AXES}")
    if not all(word.isascii() and word.isdigit() and len(word) < 20 for word in words):
        raise Damaged("its shape holds something else than lengths")
    return tuple(map(int, words))


def _check_length(header: Header, size: int) -> None:
    """Whether the numbers that the header promises are in the file. Raises `Damaged`."""
    if any(length >= 1 << 62 for length in header.shape) or prod(filter(None, header.shape)) >= 1 << 59:
        raise Damaged("its shape is larger than any memory")
    if header.start + header.bytes > size:
        there = f"{max(size - header.start, 0):_} bytes follow the header"
        raise Damaged(f"its header promises {header.bytes:_} bytes of numbers, and {there}")


def _title(numpy: Any, header: Header) -> str:
    """A type in numpy's words where it is a plain one."""
    if re.fullmatch(r"[<>|=]?[fiubc]\d{1,2}", header.dtype):
        try:
            return str(numpy.dtype(header.dtype))
        except TypeError:  # `i3`
            pass
    return f"the type {header.dtype[:40]!r}"


def _refuse(message: str, note: str = "") -> ArchError:
    return ArchError([Diagnostic("E0831", message, None, notes=(note,) if note else ())])
