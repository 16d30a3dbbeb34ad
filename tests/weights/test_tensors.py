"""safetensors files: what fits is read exactly, what does not is a diagnostic, whatever the bytes."""

import json
import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.weights import initial, load_safetensors, save_safetensors

TEXT = """model m {
  input x: f32[N, 3, 8, 8]
  conv(4, 3, bias) -> bn as norm -> relu -> flatten -> linear(5)
  output y
}"""


@pytest.fixture
def program():
    return archdsl.load(TEXT).program


@pytest.fixture
def file(tmp_path: Path, program) -> Path:
    save_safetensors(tmp_path / "w.safetensors", initial(program, 0))
    return tmp_path / "w.safetensors"


def codes(path: Path, program) -> list[str]:
    with pytest.raises(ArchError) as error:
        load_safetensors(path, program)
    return [diagnostic.code for diagnostic in error.value.diagnostics]


def message(path: Path, program) -> str:
    with pytest.raises(ArchError) as error:
        load_safetensors(path, program)
    return str(error.value)


def test_what_was_saved_is_what_is_loaded(file: Path, program):
    loaded = load_safetensors(file, program)
    saved = initial(program, 0)
    assert list(loaded) == list(saved)
    for path, values in saved.items():
        assert loaded[path].dtype == values.dtype and np.array_equal(loaded[path], values)


def test_the_safetensors_package_reads_the_same_tensors(file: Path, program):
    from safetensors.numpy import load_file

    theirs = load_file(file)
    ours = initial(program, 0)
    assert set(theirs) == set(ours)
    assert all(np.array_equal(theirs[path], ours[path]) and theirs[path].shape == ours[path].shape for path in ours)


def test_equal_weights_give_equal_bytes_in_any_order(file: Path, program, tmp_path: Path):
    weights = initial(program, 0)
    save_safetensors(tmp_path / "reversed", dict(reversed(weights.items())))
    assert (tmp_path / "reversed").read_bytes() == file.read_bytes()


def test_a_state_dict_saved_by_pytorch_is_read_in_any_precision(program, tmp_path: Path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    weights = initial(program, 0)
    for dtype, tolerance in ((torch.float64, 0), (torch.float16, 1e-3), (torch.bfloat16, 8e-3)):
        tensors = {path: torch.from_numpy(array) for path, array in weights.items()}
        tensors = {path: t.to(dtype) if t.is_floating_point() else t for path, t in tensors.items()}
        save_file(tensors, tmp_path / "t")
        for path, values in load_safetensors(tmp_path / "t", program).items():
            assert values.dtype == weights[path].dtype and values.shape == weights[path].shape
            assert np.allclose(values, weights[path], rtol=tolerance, atol=1e-6 if tolerance else 0)


def test_a_missing_step_counter_is_zero(program, tmp_path: Path):
    weights = initial(program, 0)
    del weights["norm.num_batches_tracked"]
    save_safetensors(tmp_path / "w", weights)
    assert load_safetensors(tmp_path / "w", program)["norm.num_batches_tracked"] == 0


def test_a_misspelt_name_is_reported_from_both_sides_with_the_nearest(program, tmp_path: Path):
    weights = initial(program, 0)
    weights["conv.wieght"] = weights.pop("conv.weight")
    save_safetensors(tmp_path / "w", weights)
    assert codes(tmp_path / "w", program) == ["E0811", "E0812"]
    text = message(tmp_path / "w", program)
    assert "conv.weight (similar: conv.wieght)" in text and "conv.wieght (similar: conv.weight)" in text


def test_many_missing_names_are_counted(program, tmp_path: Path):
    save_safetensors(tmp_path / "w", {})
    assert codes(tmp_path / "w", program) == ["E0811"]
    assert "and 3 more" in message(tmp_path / "w", program)


def test_another_shape_or_kind_is_named_with_what_was_expected(program, tmp_path: Path):
    weights = initial(program, 0)
    weights["linear.bias"] = np.zeros(6, np.float32)
    weights["conv.bias"] = np.zeros(4, np.int32)
    save_safetensors(tmp_path / "w", weights)
    assert codes(tmp_path / "w", program) == ["E0813"]
    text = message(tmp_path / "w", program)
    assert "linear.bias: expected [5], found [6]" in text and "conv.bias" in text


def test_every_truncation_is_a_diagnostic(file: Path, program):
    data = file.read_bytes()
    for length in [*range(64), *range(64, len(data), 97), len(data) - 1]:
        file.write_bytes(data[:length])
        assert codes(file, program) == ["E0810"], length


def test_hostile_headers_are_diagnostics(file: Path, program):
    def wrapped(header: bytes, data: bytes = b"") -> bytes:
        return len(header).to_bytes(8, "little") + header + data

    entry = {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 4]}
    hostile = [
        b"\xff" * 100,
        (2**40).to_bytes(8, "little") + b"{}",
        wrapped(b"[" * 50_000),
        wrapped(b'{"a":' * 20_000),
        wrapped(json.dumps({"a": entry}).encode(), b"1234"),
        wrapped(json.dumps({"a": {**entry, "shape": [-1]}}).encode(), b"1234"),
        wrapped(json.dumps({"a": {**entry, "shape": [1], "data_offsets": [8, 4]}}).encode(), b"1234"),
        wrapped(b"\x80\x04."),
        wrapped(b"[]"),
        wrapped(b"1"),
        wrapped(b"\xff{}"),
        wrapped(b'{"a": {}}'),
        wrapped(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": 1}', b"1234"),
        wrapped(b'{"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}', b"1234"),
        wrapped(b'{"a": {"dtype": "F32", "shape": [true], "data_offsets": [0, 4]}}', b"1234"),
        wrapped(b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 4]}}', b"1234"),
        wrapped(b'{"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}}', b"1234"),
        wrapped(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', b"12345"),
        wrapped(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [1, 5]}}', b"12345"),
        wrapped(json.dumps({"a": {**entry, "shape": [1] * 1000}}).encode(), b"1234"),
    ]
    for data in hostile:
        file.write_bytes(data)
        assert codes(file, program) == ["E0810"], data[:40]


FORMATS = {
    4: ["F4"], 6: ["F6_E2M3", "F6_E3M2"], 16: ["F16", "BF16", "I16", "U16"], 32: ["F32", "I32", "U32"],
    8: ["I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"],
    64: ["F64", "I64", "U64", "C64"],
}  # fmt: skip
"""Bits of an element in each number format of safetensors."""


@pytest.mark.parametrize("dtype", [name for names in FORMATS.values() for name in names])
def test_a_tensor_in_any_format_has_the_size_of_its_elements_and_only_those_of_numbers_fit(
    program, tmp_path: Path, dtype: str
):
    bits = next(bits for bits, names in FORMATS.items() if dtype in names)
    for size in (bits, bits - 1, bits + 1):
        entry = {"x": {"dtype": dtype, "shape": [8], "data_offsets": [0, size]}}
        header = json.dumps(entry).encode()
        (tmp_path / "one").write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
        with pytest.raises(ArchError) as caught:
            load_safetensors(tmp_path / "one", program)
        codes = {found.code for found in caught.value.diagnostics}
        assert codes == ({"E0810"} if size != bits else {"E0811", "E0812"} & codes), dtype


@pytest.mark.parametrize(("shape", "sound"), [([0], True), ([2, 0, 3], True), ([1] * 64, True), ([1] * 65, False)])
def test_a_tensor_may_be_empty_and_have_up_to_64_axes(program, tmp_path: Path, shape: list[int], sound: bool):
    size = 0 if 0 in shape else 4
    header = json.dumps({"x": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    (tmp_path / "one").write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
    assert ("E0810" in codes(tmp_path / "one", program)) == (not sound)


def test_parameters_that_are_trained_are_saved_as_the_numbers_that_they_hold(tmp_path: Path):
    torch = pytest.importorskip("torch")
    values = torch.arange(6.0).reshape(2, 3)
    kinds = {"plain": values.numpy(), "trained": torch.nn.Parameter(values), "halved": values.bfloat16()}
    for name, kind in kinds.items():
        save_safetensors(tmp_path / name, {"x": kind})
    assert len({(tmp_path / name).read_bytes() for name in kinds}) == 1


def test_a_failed_save_leaves_the_old_file_and_nothing_else(file: Path, program, monkeypatch: pytest.MonkeyPatch):
    before = file.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="no"):
        save_safetensors(file, initial(program, 1))
    assert file.read_bytes() == before and [path.name for path in file.parent.iterdir()] == [file.name]


def test_long_names_cost_no_time_and_are_not_printed_whole(program, tmp_path: Path):
    save_safetensors(tmp_path / "w", {f"{i}{'ab' * 50_000}": np.zeros(1, np.float32) for i in range(50)})
    start = time.perf_counter()
    text = message(tmp_path / "w", program)
    assert time.perf_counter() - start < 3
    assert len(text) < 5_000 and "ababab..." in text


def test_a_pipe_is_refused_and_not_waited_for(program, tmp_path: Path):
    os.mkfifo(tmp_path / "w")
    assert codes(tmp_path / "w", program) == ["E0810"]


def test_wide_numbers_come_first_so_that_every_tensor_is_aligned(tmp_path: Path):
    path = tmp_path / "mixed.safetensors"
    save_safetensors(path, {"a": np.ones(3, np.float32), "b": np.ones(2, np.int64), "c": np.ones(1, np.float16)})
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert size % 8 == 0
    assert {name: header[name]["data_offsets"] for name in "abc"} == {"b": [0, 16], "a": [16, 28], "c": [28, 30]}


def test_saving_copies_no_weights(tmp_path: Path):
    weights = {"big": np.ones(1 << 20, np.float32)}
    tracemalloc.start()
    save_safetensors(tmp_path / "big.safetensors", weights)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < weights["big"].nbytes / 2
