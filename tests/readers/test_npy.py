"""Arrays from files: what numpy writes is read, and whatever else the bytes are is a coded diagnostic."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics.model import ArchError
from archdsl.readers.npy import read_npy


def read(path: Path, allowed: str = "fiub"):
    return read_npy(np, str(path), allowed, "x takes float32")


def refusal(path: Path, allowed: str = "fiub") -> str:
    with pytest.raises(ArchError) as error:
        read(path, allowed)
    assert [found.code for found in error.value.diagnostics] == ["E0831"]
    return str(error.value)


def written(path: Path, header: str | bytes, data: bytes = bytes(64), version: bytes = b"\x01\x00") -> Path:
    text = header.encode() if isinstance(header, str) else header
    length = len(text).to_bytes(2 if version[0] == 1 else 4, "little")
    path.write_bytes(b"\x93NUMPY" + version + length + text + data)
    return path


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2", "<i8", ">i2", "|u1", "|b1", "|i1"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 4), (2, 3, 4)])
@pytest.mark.parametrize("order", "CF")
def test_what_numpy_saves_is_what_is_read(tmp_path: Path, dtype: str, shape: tuple[int, ...], order: str) -> None:
    array = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype), order=order)
    np.save(tmp_path / "x.npy", array)
    found = read(tmp_path / "x.npy")
    assert found.dtype == array.dtype and found.shape == shape
    assert np.array_equal(found, array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    with open(tmp_path / "x.npy", "wb") as file:
        np.lib.format.write_array(file, np.arange(6.0).reshape(2, 3), version)
    assert np.array_equal(read(tmp_path / "x.npy"), np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    "header",
    [
        "(",
        "{",
        "",
        "{}",
        "{'descr': (), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), []: 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10**9, 9)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 4000 + ")}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9999999999999999999)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (17,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<i3', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '', 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').abort()",
        "[" * 9000,
        "'" * 9000,
        b"\xff\xfe\x00",
    ],
)
@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_a_lying_header_is_a_diagnostic(tmp_path: Path, header: str | bytes, version: bytes) -> None:
    refusal(written(tmp_path / "x.npy", header, version=version))


def test_the_bytes_that_are_missing_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (17,), }")
    assert "its header promises 68 bytes of numbers, and 64 bytes follow the header" in refusal(path)


def test_another_kind_of_number_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3, complex))
    assert "x.npy holds complex128, and x takes float32" in refusal(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", np.zeros(3, np.int64))
    assert "x.npy holds int64, and x takes float32" in refusal(tmp_path / "x.npy", "f")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npy")
    assert "no regular file" in refusal(tmp_path / "x.npy")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_file_is_an_array_or_a_diagnostic(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    np.save(path, np.arange(12, dtype=np.float32).reshape(3, 4))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, 130))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b"'", b"(", b")", b",", b"[", b"9" * 20, b"<f8", b"{"]))
        )
    path.write_bytes(bytes(content))
    try:
        array = read(path)
    except ArchError as error:
        assert [found.code for found in error.diagnostics] == ["E0831"]
    else:
        assert array.nbytes <= len(content)
