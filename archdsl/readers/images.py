"""Images, through Pillow: one boundary around its decoders, which raise what they like."""

import os
import stat
import warnings
from typing import Any, Final

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.extras import require
from archdsl.files import open_input

FORMATS: Final = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
"""The formats that are read, in Pillow's names. Its other decoders are for formats that hold more than pixels: EPS is a
program, which it has an interpreter run."""

MOST_PIXELS: Final = 50_000_000
"""Larger images are refused before they are decoded: one takes four bytes a pixel, twice while it changes its mode."""


def read_image(path: str, mode: str) -> Any:
    """A decoded image in a mode, "RGB" or "L". Raises `ArchError` (E0831) for anything that is no such image, `OSError`
    for a file that cannot be opened."""
    images = require("PIL.Image")
    name = os.path.basename(path)
    with open_input(path) as file, warnings.catch_warnings():
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise refuse(f"{name} is no regular file, and an image is read from one")
        # Pillow warns of odd metadata and of large images; neither is for the reader of our output.
        warnings.simplefilter("ignore")
        try:
            images.init()
            known = [one for one in FORMATS if one in images.OPEN]
            opened = images.open(file, formats=known)
            width, height = opened.size
        except Exception as error:  # decoders raise whatever a damaged file makes them raise
            raise _unreadable(name, error) from None
        if width * height > MOST_PIXELS:
            note = f"{width} x {height} pixels are more than {MOST_PIXELS:_}"
            raise refuse(f"{name} is too large an image", note)
        try:
            opened.load()
            return opened if opened.mode == mode else opened.convert(mode)
        except Exception as error:
            raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> ArchError:
    reason = " ".join(str(error).split())[:400] or type(error).__name__
    help = f"images are {', '.join(known for known in FORMATS if known != 'MPO')}; an array is given as an .npy file"
    return refuse(f"{name} cannot be read as an image", reason, help)


def refuse(message: str, note: str = "", help: str = "") -> ArchError:
    return ArchError([Diagnostic("E0831", message, None, notes=(note,) if note else (), help=help)])
