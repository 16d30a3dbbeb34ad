"""Writing files so that a path always holds the old complete file or the new complete file, and opening files without
waiting."""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO


def write_atomic(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Replace the file at `path` by the chunks, or leave it as it was: they go to a temporary file beside it,
    which is forced to disk and renamed, so that even `kill -9` or a power cut leaves one of the two. A
    symbolic link stays a link. A path that is a device or a pipe is written directly, as it cannot be renamed
    over. A file that is replaced hands on its permissions.

    Raises `OSError`, also for a pipe that nobody reads; then, and when `chunks` raises, the temporary file is removed.
    """
    target = real_path(path)
    if os.path.exists(target) and not os.path.isfile(target):
        try:
            descriptor = _open_at_once(target, os.O_WRONLY | os.O_TRUNC)
        except OSError as error:
            raise (
                OSError(error.errno, "nobody reads this pipe", path) if error.errno == errno.ENXIO else error
            ) from None
        with open(descriptor, "wb") as device:
            for chunk in chunks:
                device.write(chunk)
        return
    directory, name = os.path.split(target)
    with AtomicFile(directory, name) as file:
        for chunk in chunks:
            file.write(chunk)


def real_path(path: str | os.PathLike[str]) -> str:
    """The path with symbolic links followed, where that leads to something: the links in `/dev/fd` to pipes are only
    followed by the system. Raises `OSError` for what can be no path."""
    _check_path(path)
    real = os.path.realpath(path)
    return real if os.path.exists(real) or not os.path.exists(path) else os.path.abspath(path)


def open_input(path: str | os.PathLike[str]) -> "BinaryIO":
    """A file opened for reading. A pipe that nobody has opened for writing, which `open` would wait for, is empty; any
    other is read to its end as usual. Raises `OSError`, for what can be no path as well."""
    _check_path(path)
    return open(path, "rb", opener=_open_at_once)


def _open_at_once(path: str, flags: int) -> int:
    """An opener for `open` that waits for nobody at the other end of a pipe."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such pipes
    if os.name == "posix":
        os.set_blocking(descriptor, True)
    return descriptor


def _check_path(path: str | os.PathLike[str]) -> None:
    """Raise `OSError` for what no system has a file of, where Python has a `ValueError`, as for a wrong argument."""
    try:
        valid = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        valid = False
    if not valid:
        raise OSError(errno.EINVAL, "the path is not valid", path)


class AtomicFile:
    """The file that `write_atomic` writes: `name` in `directory` once the `with` block has ended well. A writer that
    learns the name while it writes sets it then."""

    def __init__(self, directory: str, name: str = "") -> None:
        self.name = name
        self._directory = directory
        # Not derived from the name, which may be as long as the file system allows.
        self._temporary = os.path.join(directory, f".archdsl-{os.getpid()}-{secrets.token_hex(8)}.tmp")
        self._file: BinaryIO | None = None

    def __enter__(self) -> "AtomicFile":
        _remove_left_over(self._directory)
        try:
            self._file = open(self._temporary, "xb")
        except OSError as error:
            # The caller never heard of the temporary file.
            error.filename = os.path.join(self._directory, self.name)
            raise
        return self

    def write(self, chunk: bytes | memoryview) -> None:
        assert self._file is not None
        self._file.write(chunk)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        file = self._file
        assert file is not None
        renamed = False
        try:
            if kind is None:
                file.flush()
                os.fsync(file.fileno())
            file.close()
            if kind is None:
                with suppress(FileNotFoundError):
                    os.chmod(self._temporary, stat.S_IMODE(os.stat(os.path.join(self._directory, self.name)).st_mode))
                os.replace(self._temporary, os.path.join(self._directory, self.name))
                renamed = True
                _sync_directory(self._directory)
        finally:
            file.close()
            if not renamed:
                with suppress(FileNotFoundError):
                    os.unlink(self._temporary)


_LEFT_OVER = re.compile(r"\.archdsl-(\d{1,9})-[0-9a-f]{16}\.tmp")
_LEFT_SECONDS = 60.0
"""How long a temporary file is left alone whoever made it: on a shared file system its process may run elsewhere."""


def _remove_left_over(directory: str) -> None:
    """Remove temporary files whose processes were killed while they wrote."""
    with suppress(OSError):
        for entry in os.scandir(directory or "."):
            found = _LEFT_OVER.fullmatch(entry.name)
            if found and time.time() - entry.stat().st_mtime > _LEFT_SECONDS and not _runs(int(found[1])):
                os.unlink(entry.path)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, and is somebody else's
        return True
    return True


def _sync_directory(directory: str) -> None:
    """Force a rename to disk, where the system can (Windows cannot open a directory)."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        # Some network file systems refuse it; the rename has happened all the same.
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
