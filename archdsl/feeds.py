"""Arrays for the inputs of a model: from `.npy` files, from images, or at random."""

import ast
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.records import described, record

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

_LARGEST_BYTES: Final = 1 << 34
"""Bytes of one input beyond which it is refused rather than allocated."""


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

    Raises `ArchError` (E0831) for data that cannot be fed, `OSError` for a file that cannot be read.
    """
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
    for name in {name for spec in specs for dim in spec.shape if isinstance(dim, str) for name in _names(dim)}:
        sizes.setdefault(name, _usual(name, specs))
    stream = numpy.random.default_rng(seed)
    for spec in specs:
        # The stream advances for every input, so that data given for one leaves the others as they were.
        shape = tuple(_length(dim, sizes) for dim in spec.shape)
        if spec.name not in arrays:
            arrays[spec.name] = _random(numpy, stream, spec, shape, bounds.get(spec.name, 2))
    return {spec.name: arrays[spec.name] for spec in specs}


def preparation(source: str, array: "Array") -> str:
    """What was done to an image to make `array` of it; "" for a source that is no image."""
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
    count = numpy.dtype(spec.dtype).itemsize
    for length in shape:
        count *= length
    if count > _LARGEST_BYTES:
        raise _refuse(f"the input {spec.name} of shape {list(shape)} takes {count} bytes")
    if spec.dtype.startswith("float"):
        return stream.standard_normal(shape, numpy.float32).astype(spec.dtype)
    return stream.integers(0, 2 if spec.dtype == "bool" else bound, shape).astype(spec.dtype)


def _from_npy(numpy: Any, spec: InputSpec, path: str, sizes: dict[str, int]) -> Any:
    try:
        # Mapped: a header cannot ask for more than the file holds.
        array = numpy.lib.format.open_memmap(path, mode="r")
    except (ValueError, EOFError, SyntaxError, RecursionError, MemoryError, OverflowError) as error:
        raise _refuse(f"{os.path.basename(path)} is not an array in .npy format", str(error)) from None
    kinds = {"f": "f", "i": "iu", "u": "iu", "b": "b"}
    if array.dtype.kind not in kinds[numpy.dtype(spec.dtype).kind]:
        raise _refuse(f"{os.path.basename(path)} holds {array.dtype}, and {spec.name} takes {spec.dtype}")
    _fix(spec, array.shape, os.path.basename(path), sizes)
    return numpy.array(array, spec.dtype, order="C")


def _from_image(numpy: Any, spec: InputSpec, path: str, sizes: dict[str, int]) -> Any:
    name = os.path.basename(path)
    channels = spec.shape[1] if len(spec.shape) == 4 else None
    if channels not in (1, 3) or not spec.dtype.startswith("float"):
        wanted = f"{spec.name} is {spec.dtype}{_shape(spec.shape)}"
        raise _refuse(f"{name}: an image needs a float input [N, 1 or 3, H, W]", wanted)
    images = require("PIL.Image")
    with open(path, "rb") as file:
        try:
            image = images.open(file).convert("RGB" if channels == 3 else "L")
        except (OSError, ValueError, SyntaxError, EOFError, images.DecompressionBombError) as error:
            raise _refuse(f"{name} cannot be read as an image", str(error)) from None
    width, height = image.size
    target = [_known(dim, sizes, own) for dim, own in zip(spec.shape[2:], (height, width), strict=True)]
    if target != [height, width]:
        image = image.resize((target[1], target[0]), images.Resampling.BILINEAR)
    pixels = numpy.asarray(image, numpy.float32).reshape(target[0], target[1], channels) / numpy.float32(255)
    if channels == 3:
        pixels = (pixels - numpy.float32(IMAGE_MEAN)) / numpy.float32(IMAGE_DEVIATION)
    batch = numpy.repeat(pixels.transpose(2, 0, 1)[None], _known(spec.shape[0], sizes, 1), 0)
    _fix(spec, batch.shape, name, sizes)
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


def _usual(name: str, specs: Sequence[InputSpec]) -> int:
    """The value of a symbol that nothing fixes: the largest with which no dimension of its own is longer than the
    default, and at least 1."""
    own = [dim for spec in specs for dim in spec.shape if isinstance(dim, str) and set(_names(dim)) == {name}]
    for size in range(DEFAULT_LENGTH, 1, -1):
        if all((evaluate(dim, {name: size}) or 0) <= DEFAULT_LENGTH for dim in own):
            return size
    return 1


_OPERATIONS: Final[Mapping[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
    ast.FloorDiv: int.__floordiv__,
}


def evaluate(text: str, sizes: Mapping[str, int]) -> int | None:
    """The value of a dimension's text (`2*H + 1`) under the symbols' values; None if a symbol has none, or
    the text, which may come from any ONNX file, is no such expression."""
    if text in sizes:
        return sizes[text]
    tree = _parse(text)
    try:
        return _value(tree, sizes) if tree is not None else None
    except (KeyError, ZeroDivisionError):
        return None


def _names(text: str) -> list[str]:
    tree = _parse(text)
    return [] if tree is None else [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _parse(text: str) -> ast.expr | None:
    """The expression of a dimension; None for a text that is too long or no expression."""
    if len(text) > 200:
        return None
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _value(tree: ast.expr, sizes: Mapping[str, int]) -> int:
    """Recursion is bounded by the text's 200 characters. Raises `KeyError` for anything but symbols and
    arithmetic."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        return tree.value
    if isinstance(tree, ast.Name):
        return sizes[tree.id]
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Pow) and isinstance(tree.right, ast.Constant):
        exponent = tree.right.value
        if isinstance(exponent, int) and 0 <= exponent <= 8:
            return _value(tree.left, sizes) ** exponent
    if isinstance(tree, ast.BinOp):
        return _OPERATIONS[type(tree.op)](_value(tree.left, sizes), _value(tree.right, sizes))
    raise KeyError(type(tree).__name__)


def _refuse(message: str, note: str = "", help: str = "") -> ArchError:
    return ArchError([Diagnostic("E0831", message, None, notes=(note,) if note else (), help=help)])
