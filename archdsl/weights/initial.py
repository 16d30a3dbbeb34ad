"""Seeded initial weights, by the rule each operator states (PyTorch's).

Every weight has a random stream of its own, keyed by the SHA-256 of the seed and its path. So adding,
removing or reordering layers never changes the weights of the others, and a weight can be made without making
any other.
"""

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.ir.flatten import weights
from archdsl.ir.operator import Weight
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.seeds import check_seed
from archdsl.types.tensor import DTYPE_BYTES

if TYPE_CHECKING:
    import numpy

    Arrays = dict[str, numpy.ndarray[Any, Any]]

NUMPY_TYPES: Final = {
    "f16": "<f2",
    "f32": "<f4",
    "f64": "<f8",
    "i32": "<i4",
    "i64": "<i8",
    "u8": "|u1",
    "bool": "|b1",
}
"""numpy's name of each dtype as it is stored: little-endian."""


def initial(program: Program, seed: int, limits: Limits | None = None) -> "Arrays":
    """Every weight of a program, counters included, by path, in state-dict order.

    Raises `ArchError`: E0910 (too many nodes), E0814 (more than this machine's memory), E0801 (no numpy).
    """
    seed = check_seed(seed)
    entries = _entries(program, limits or Limits())
    numpy = require("numpy")
    return {path: one(numpy, path, weight, seed) for path, weight in entries}


def check_memory(program: Program, limits: Limits, copies: int = 1) -> None:
    """Raise `ArchError` for weights that somebody else is about to make, so many `copies` of each at once: E0814 (more
    than this machine's memory), E0910 (too many nodes)."""
    _entries(program, limits, copies)


def one(numpy: Any, path: str, weight: Weight, seed: int) -> Any:
    """One weight's initial value: an array of its shape and dtype."""
    dtype = NUMPY_TYPES[weight.dtype]
    init = weight.init
    if init.kind == "constant":
        return numpy.full(weight.shape, init.low, dtype)
    key = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    words = [int.from_bytes(key[start : start + 4], "little") for start in range(0, 32, 4)]
    stream = numpy.random.Generator(numpy.random.SFC64(words))
    if init.kind == "uniform":
        values = stream.random(weight.shape, numpy.float32)
        values *= numpy.float32(init.high - init.low)
    else:
        values = stream.standard_normal(weight.shape, numpy.float32)
        values *= numpy.float32(init.high)
    values += numpy.float32(init.low)
    return values.astype(dtype, copy=False)


def _entries(program: Program, limits: Limits, copies: int = 1) -> list[tuple[str, Weight]]:
    """The weights by path. What cannot fit is refused before the first byte is allocated: the system would promise it
    and kill us later."""
    entries = list(weights(program, limits))
    total = copies * sum(weight.elements * DTYPE_BYTES[weight.dtype] for _, weight in entries)
    memory = machine_memory()
    if total <= memory:
        return entries
    path, largest = max(entries, key=lambda entry: entry[1].elements)
    raise ArchError(
        [
            Diagnostic(
                code="E0814",
                message=f"{_several(copies)} take {_gib(total)} and this machine has {_gib(memory)}",
                span=program.entry.span,
                notes=(f"the largest is {path} with {largest.elements:_} elements",),
            )
        ]
    )


def _several(copies: int) -> str:
    return "the weights" if copies == 1 else f"{copies} copies of the weights, as running the network needs them,"


def machine_memory() -> int:
    """Bytes of memory that this process may use: those of the machine, of the container that it is in, of its own
    bounds, whichever is least; a large bound where the system does not say."""
    found = [1 << 40]
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError), open(path, encoding="ascii") as stream:
            found.append(int(stream.read(32)))
    with suppress(ImportError, OSError):  # Windows has no such bounds
        import resource

        for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            soft, _ = resource.getrlimit(which)
            found.append(soft if soft != resource.RLIM_INFINITY else found[0])
    return min(each for each in found if each > 0)


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
