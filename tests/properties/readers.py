"""Whatever bytes a file holds, reading it gives what is asked for or a coded diagnostic."""

import os
import tempfile
from collections.abc import Callable
from functools import cache

from strategies.files import MODEL, File

import archdsl
from archdsl import runtime
from archdsl.diagnostics.model import ArchError, Sink
from archdsl.elaborate.loader import load_file
from archdsl.feeds import InputSpec, make_feeds
from archdsl.limits import Limits
from archdsl.weights import load_safetensors, read_keys
from properties.loading import SMALL, check_diagnostics

FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""In memory, where there is such a place."""
IMAGE = InputSpec("x", "float32", ("N", 3, "H", 8))
LARGEST_RUN = 1 << 20
"""Elements of an input up to which a model is run."""


def check_file(file: File) -> bool:
    """Whether it could be read."""
    handle, path = tempfile.mkstemp(f".{file.kind}", dir=FOLDER)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(file.data)
        READERS[file.kind](path)
    except ArchError as error:
        assert error.diagnostics
        check_diagnostics(list(error.diagnostics))
        str(error)
        return False
    finally:
        os.unlink(path)
    return True


@cache
def network() -> archdsl.Network:
    return archdsl.load(MODEL)


def _array(path: str) -> None:
    arrays = make_feeds([IMAGE], {"x": path}, dims={}, seed=0, bounds={})
    assert arrays["x"].dtype.name == "float32" and arrays["x"].shape[1] == 3


def _weights(path: str) -> None:
    program = network().program
    found = load_safetensors(path, program, Limits())
    assert list(found) == list(network().weights())


def _keys(path: str) -> None:
    read_keys(path, Limits()).paths(["stem.weight", "a.b", "aux", "features.1.norm.1.bias"], "the names")


def _spec(path: str) -> None:
    sink = Sink()
    load_file(path, sink, SMALL)
    check_diagnostics(sink.found)
    sink.raise_errors()


def _model(path: str) -> None:
    created = runtime.session(path)
    inputs = runtime.feeds(created, dims={}, seed=0)
    if sum(array.size for array in inputs.values()) <= LARGEST_RUN:
        for name, array in runtime.run(created, inputs).items():
            runtime.describe(name, array)


READERS: dict[str, Callable[[str], None]] = {
    "npy": _array,
    "png": _array,
    "safetensors": _weights,
    "onnx": _model,
    "keys": _keys,
    "arch": _spec,
}
