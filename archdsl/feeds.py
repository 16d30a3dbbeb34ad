"""Arrays for the inputs of a model: from `.npy` files, from images, or at random."""

import os
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.elaborate.report import did_you_mean, no_such_symbol
from archdsl.extras import require
from archdsl.readers.images import read_image
from archdsl.readers.npy import read_npy
from archdsl.records import described, record
from archdsl.seeds import check_seed
from archdsl.types.dim_text import evaluate, symbols

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

DEFAULT_LENGTH: Final = 64
"""Length of a symbolic dimension that nothing else fixes; the batch, the first dimension of the first input,
is 1. Of `32*H` it is the whole that is 64, so that `H` is 2."""

IMAGE_MEAN: Final = (0.485, 0.456, 0.406)
IMAGE_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue in [0, 1], by which torchvision's models
normalise."""

LARGEST_BYTES: Final = 1 << 28
"""Bytes that one input may take which is made up or comes from an image: a few bytes of a model can ask for any number.
An array of an `.npy` file has its own."""

_FURTHEST: Final = 4096
_MOST_TRIES: Final = 40_000
"""Values tried for a symbol, and in all: an ONNX file may have many inputs, each with symbols of its own."""


@record
class InputSpec:
    """One input of a model: numpy's name of its dtype, and a shape in which a symbolic dimension is its
    text."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    __repr__ = described


def make_feeds(
    specs: Sequence[InputSpec],
    given: Mapping[str, str],
    *,
    dims: Mapping[str, int],
    seed: int,
    bounds: Mapping[str, int],
) -> "dict[str, Array]":
    """One array per input.

    `given` maps an input's name to where its data comes from: the path of an `.npy` file, the path of an
    image, or `random`; the name "" means the first input, and inputs not named are random.

    - An `.npy` file must have the input's shape; its numbers are converted within their kind (float64 to
    float32).
    - An image goes to an input `[N, C, H, W]` with 1 channel (grey) or 3 (red, green, blue): resized
    bilinearly to H x W (its own size where those are symbolic), scaled to [0, 1], with 3 channels also
    normalised by ImageNet's mean and deviation, and repeated over a fixed batch.
    - Random floats are standard normal, random integers lie in 0 .. `bounds[name]` - 1 (0 or 1 without a
    bound).

    Symbolic dimensions come from files first, then from `dims`; the batch is otherwise 1, any other dimension 64, or
    what comes next below it where it is, say, a multiple of 5.

    Raises `ArchError` (E0831) for data that cannot be fed, `OSError` for a file that cannot be read, `ValueError` for a
    seed that is none.
    """
    stream = require("numpy").random.default_rng(check_seed(seed))
    numpy = require("numpy")
    sources = _sources(specs, given)
    sizes = dict(dims)
    arrays: dict[str, Array] = {}
    for spec in specs:
        source = sources[spec.name]
        if source.endswith(".npy"):
            arrays[spec.name] = _from_npy(numpy, spec, source, sizes)
        elif source != "random":
            arrays[spec.name] = _from_image(numpy, spec, source, sizes)
    if specs and specs[0].shape and isinstance(specs[0].shape[0], str):
        sizes.setdefault(specs[0].shape[0], 1)
    decided = _decided(specs)
    for name, own in decided.items():
        if name not in sizes:
            sizes[name] = _usual(own, name, _MOST_TRIES // sum(map(len, decided.values())) if own else 1)
    for spec in specs:
        # The stream advances for every input, so that data given for one leaves the others as they were.
        shape = tuple(_length(dim, sizes) for dim in spec.shape)
        if spec.name not in arrays:
            arrays[spec.name] = _random(numpy, stream, spec, shape, bounds.get(spec.name, 2))
    return {spec.name: arrays[spec.name] for spec in specs}


def check_dims(specs: Sequence[InputSpec], dims: Mapping[str, int]) -> None:
    """Raise `ArchError` (E0606) for sizes of symbols that no input of a model has."""
    declared = _decided(specs)
    found: list[Diagnostic] = []
    for name in dims:
        if name not in declared:
            message, notes = no_such_symbol(name, declared)
            found.append(Diagnostic("E0606", message, None, notes=notes, help=did_you_mean(name, declared)))
    if found:
        raise ArchError(found)


def preparation(source: str, array: "Array") -> str:
    """A sentence about what was done to an image to make `array` of it; "" for a source that is no image."""
    if source == "random" or source.endswith(".npy"):
        return ""
    channels, height, width = array.shape[1:]
    done = f"brought to {height} x {width}, scaled to [0, 1]"
    return f"{done}, normalised by ImageNet's mean and deviation" if channels == 3 else f"made grey, {done}"


def _sources(specs: Sequence[InputSpec], given: Mapping[str, str]) -> dict[str, str]:
    names = [spec.name for spec in specs]
    sources = dict.fromkeys(names, "random")
    for name, source in given.items():
        chosen = name or (names[0] if names else "")
        if chosen not in sources:
            raise _refuse(f"the model has no input {name or 'at all'}", f"inputs: {', '.join(names)}")
        sources[chosen] = source
    return sources


def _random(numpy: Any, stream: Any, spec: InputSpec, shape: tuple[int, ...], bound: int) -> Any:
    _check_size(spec, shape, numpy.dtype(spec.dtype).itemsize)
    if spec.dtype.startswith("float"):
        return stream.standard_normal(shape, numpy.float32).astype(spec.dtype, copy=False)
    return stream.integers(0, 2 if spec.dtype == "bool" else bound, shape).astype(spec.dtype, copy=False)


def _check_size(spec: InputSpec, shape: tuple[int, ...], itemsize: int) -> None:
    """Refuse an array that cannot be, or that is larger than anybody fed a network."""
    for dim, length in zip(spec.shape, shape, strict=True):
        if length < 0:
            raise _refuse(f"{spec.name} cannot be of shape {list(shape)}", f"the dimension {dim} is {length}")
    if prod(shape) * itemsize > LARGEST_BYTES or max(shape, default=0) > LARGEST_BYTES:
        message = f"the input {spec.name} of shape {list(shape)} takes {prod(shape) * itemsize:_} bytes"
        raise _refuse(message, f"more than {LARGEST_BYTES:_} are not made up; an .npy file may hold them")


def _from_npy(numpy: Any, spec: InputSpec, path: str, sizes: dict[str, int]) -> Any:
    name = os.path.basename(path)
    kinds = {"f": "f", "i": "iu", "u": "iu", "b": "b"}
    wanted = f"{spec.name} takes {spec.dtype}"
    array = read_npy(numpy, path, kinds[numpy.dtype(spec.dtype).kind], wanted)
    _fix(spec, array.shape, name, sizes)
    return numpy.array(array, spec.dtype, order="C")


def _from_image(numpy: Any, spec: InputSpec, path: str, sizes: dict[str, int]) -> Any:
    name = os.path.basename(path)
    channels = spec.shape[1] if len(spec.shape) == 4 else None
    if channels not in (1, 3) or not spec.dtype.startswith("float"):
        wanted = f"{spec.name} is {spec.dtype}{_shape(spec.shape)}"
        raise _refuse(f"{name}: an image needs a float input [N, 1 or 3, H, W]", wanted)
    image = read_image(path, "RGB" if channels == 3 else "L")
    width, height = image.size
    target = [_known(dim, sizes, own) for dim, own in zip(spec.shape[2:], (height, width), strict=True)]
    copies = _known(spec.shape[0], sizes, 1)
    _fix(spec, (copies, channels, *target), name, sizes)
    _check_size(spec, (copies, channels, *target), 4)
    if target != [height, width]:
        image = image.resize((target[1], target[0]), require("PIL.Image").Resampling.BILINEAR)
    pixels = numpy.asarray(image, numpy.float32).reshape(target[0], target[1], channels) / numpy.float32(255)
    if channels == 3:
        pixels = (pixels - numpy.float32(IMAGE_MEAN)) / numpy.float32(IMAGE_DEVIATION)
    batch = numpy.repeat(pixels.transpose(2, 0, 1)[None], copies, 0)
    return numpy.ascontiguousarray(batch.astype(spec.dtype))


def _fix(spec: InputSpec, shape: tuple[int, ...], origin: str, sizes: dict[str, int]) -> None:
    """Check a shape against the input's, and take the value of each symbol from it."""
    wanted = f"expected {_shape(spec.shape)}, found {_shape(shape)}"
    if len(shape) != len(spec.shape):
        one_sample = all(
            isinstance(dim, str) or dim == length for dim, length in zip(spec.shape[1:], shape, strict=False)
        )
        help = "put the batch axis in front: `array[None]`" if one_sample and len(shape) + 1 == len(spec.shape) else ""
        raise _refuse(f"{origin} does not fit the input {spec.name}", wanted, help)
    for dim, length in zip(spec.shape, shape, strict=True):
        if isinstance(dim, int):
            fits = dim == length
        else:
            value = evaluate(dim, sizes)
            fits = value in (None, length)
            if value is None:
                sizes[dim] = length
        if not fits:
            raise _refuse(f"{origin} does not fit the input {spec.name}", wanted)


def _shape(shape: Sequence[int | str]) -> str:
    """A shape as specs write it."""
    return f"[{', '.join(map(str, shape))}]"


def _known(dim: int | str, sizes: Mapping[str, int], default: int) -> int:
    """A dimension's value; `default` where it is symbolic and not fixed yet."""
    if isinstance(dim, int):
        return dim
    value = evaluate(dim, sizes)
    return default if value is None else value


def _length(dim: int | str, sizes: Mapping[str, int]) -> int:
    """A dimension's value; the default for a text that is no expression of symbols."""
    return _known(dim, sizes, DEFAULT_LENGTH)


def _usual(own: Sequence[str], name: str, tries: int) -> int:
    """The value of a symbol that nothing fixes, `own` being the dimensions that it alone decides: the largest with
    which none of them is longer than the default or empty. Of `H - 100` that is 164. If none of the first so many
    fits, it is 1."""

    def fits(size: int) -> bool:
        values = [evaluate(dim, {name: size}) for dim in own]
        return all(value is None or 0 < value <= DEFAULT_LENGTH for value in values)

    below = range(DEFAULT_LENGTH, max(DEFAULT_LENGTH - tries, 0), -1)
    above = range(DEFAULT_LENGTH + 1, min(DEFAULT_LENGTH + tries, _FURTHEST))
    size = next((size for size in (*below, *above) if fits(size)), 0)
    while DEFAULT_LENGTH < size < above.stop and fits(size + 1):
        size += 1
    return size or 1


def _decided(specs: Sequence[InputSpec]) -> dict[str, list[str]]:
    """Every symbol of the inputs, with the dimensions in which it stands alone."""
    found: dict[str, list[str]] = {}
    for dim in {dim for spec in specs for dim in spec.shape if isinstance(dim, str)}:
        names = set(symbols(dim))
        for name in names:
            found.setdefault(name, []).extend([dim] if len(names) == 1 else [])
    return found


def _refuse(message: str, note: str = "", help: str = "") -> ArchError:
    return ArchError([Diagnostic("E0831", message, None, notes=(note,) if note else (), help=help)])
