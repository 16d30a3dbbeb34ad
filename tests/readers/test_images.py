"""Images: what Pillow cannot decode, for whatever reason, is a coded diagnostic."""

import io
import os
import random
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image as images

from archdsl.diagnostics.model import ArchError
from archdsl.readers.images import FORMATS, read_image


def saved(form: str) -> bytes:
    buffer = io.BytesIO()
    picture = images.new("RGB", (40, 30))
    picture.putdata([(i % 256, i * 7 % 256, i * 13 % 256) for i in range(1200)])
    picture.save(buffer, "JPEG" if form == "MPO" else form)
    return buffer.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(ArchError) as error:
        read_image(str(path), "RGB")
    assert [found.code for found in error.value.diagnostics] == ["E0831"]
    return str(error.value)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read(tmp_path: Path, form: str) -> None:
    images.init()
    if form not in images.SAVE:
        pytest.skip(f"this Pillow has no {form}")
    (tmp_path / "x").write_bytes(saved(form))
    assert read_image(str(tmp_path / "x"), "L").size == (40, 30)


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_image_is_an_image_or_a_diagnostic(tmp_path: Path, form: str) -> None:
    images.init()
    if form not in images.SAVE:
        pytest.skip(f"this Pillow has no {form}")
    data = saved(form)
    chance = random.Random(form)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(min(len(damaged), chance.choice([40, 400, 10_000])))] = chance.randrange(256)
        del damaged[chance.choice([len(damaged), len(damaged) // 2, 30]) :]
        (tmp_path / "x").write_bytes(damaged)
        try:
            assert read_image(str(tmp_path / "x"), "RGB").mode == "RGB"
        except ArchError as error:
            assert [found.code for found in error.diagnostics] == ["E0831"]


@pytest.mark.parametrize(
    "error", [MemoryError(), images.DecompressionBombError("bomb"), KeyError(3), RuntimeError(""), struct.error("x")]
)
def test_whatever_a_decoder_raises_is_a_diagnostic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def raises(*_: object, **__: object) -> None:
        raise error

    (tmp_path / "x.png").write_bytes(saved("PNG"))
    monkeypatch.setattr(images.Image, "load", raises)
    assert "cannot be read as an image" in refusal(tmp_path / "x.png")
    monkeypatch.setattr(images, "open", raises)
    assert "cannot be read as an image" in refusal(tmp_path / "x.png")


def test_pixel_formats_that_are_unknown_are_a_diagnostic(tmp_path: Path) -> None:
    header = (
        b"DDS " + struct.pack("<7I", 124, 0x1007, 4, 4, 0, 0, 0) + bytes(44) + struct.pack("<8I", 32, 0x12345, *[0] * 6)
    )
    (tmp_path / "x.dds").write_bytes(header + bytes(200))
    refusal(tmp_path / "x.dds")


def test_a_few_bytes_do_not_become_gigapixels(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 8_000, 8, 2, 0, 0, 0))
    (tmp_path / "x.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    assert "20000 x 8000 pixels are more than 50_000_000" in refusal(tmp_path / "x.png")


def test_a_program_that_draws_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "x.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    refusal(tmp_path / "x.eps")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    assert "no regular file" in refusal(tmp_path / "x.png")
