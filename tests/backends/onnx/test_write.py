"""Files: the same bytes by every way, complete at any moment, weights beside the model never anywhere else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import archdsl
from archdsl.backends.onnx.export import export_onnx, onnx_model, write_onnx
from archdsl.runtime import run, session

TEXT = "model m { input x: f32[N, 64]\n linear(64) -> relu -> linear(64)\n output y }"


@pytest.fixture
def network() -> archdsl.Network:
    return archdsl.load(TEXT)


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def evaluate(path: Path) -> np.ndarray:
    return run(session(path), {"x": np.ones((1, 64), np.float32)})["y"]


@pytest.mark.parametrize("threshold", [0, 1 << 30])
@pytest.mark.parametrize("functions", [False, True])
def test_streaming_gives_the_bytes_of_writing_the_model_in_memory(
    network: archdsl.Network, tmp_path: Path, threshold: int, functions: bool
):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    weights = network.weights()
    export_onnx(network.program, weights, tmp_path / "a" / "m.onnx", functions=functions, external_threshold=threshold)
    model = onnx_model(network.program, weights, functions=functions)
    write_onnx(model, tmp_path / "b" / "m.onnx", threshold)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert onnx.load(tmp_path / "a" / "m.onnx") == model or threshold == 0


def test_a_model_without_anything_in_its_graph_is_written_as_it_is(tmp_path: Path) -> None:
    model = onnx.ModelProto(ir_version=8, producer_name="nobody")
    model.graph.SetInParent()
    write_onnx(model, tmp_path / "empty.onnx")
    assert (tmp_path / "empty.onnx").read_bytes() == model.SerializeToString()


def test_weights_beyond_the_threshold_lie_beside_the_model(network: archdsl.Network, tmp_path: Path):
    path = tmp_path / "net.onnx"
    export_onnx(network.program, network.weights(), path)
    inside = evaluate(path)
    assert files(tmp_path) == ["net.onnx"]
    export_onnx(network.program, network.weights(), path, external_threshold=0)
    data, name = files(tmp_path)
    assert name == "net.onnx" and data.startswith("net-") and data.endswith(".data")
    assert path.stat().st_size < 4096
    assert np.array_equal(evaluate(path), inside)
    onnx.checker.check_model(str(path), full_check=True)
    stored = onnx.load(path, load_external_data=False)
    for tensor in stored.graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        # Biases are small enough to stay.
        assert bool(entries) == tensor.name.endswith("weight")
        assert not entries or (entries["location"] == data and int(entries["offset"]) % 4096 == 0)


def test_tensors_of_a_kibibyte_or_more_start_at_pages_of_the_data_file_and_smaller_ones_stay(tmp_path: Path):
    """So ONNX recommends it, that runtimes can map the file."""
    layers = "linear(31) as a -> linear(32) as b -> linear(64) as c -> linear(8) as d"
    text = f"model m {{ input x: f32[N, 8]\n {layers}\n output y }}"
    export_onnx((network := archdsl.load(text)).program, network.weights(), tmp_path / "m.onnx", external_threshold=0)
    stored = onnx.load(tmp_path / "m.onnx", load_external_data=False).graph.initializer
    places = {t.name: {e.key: e.value for e in t.external_data} for t in stored}
    assert [places[f"{name}.weight"].get("length") for name in "abcd"] == [None, "3968", "8192", "2048"]
    assert [places[f"{name}.weight"].get("offset") for name in "bcd"] == ["0", "4096", "12288"]
    assert not any(places[f"{name}.bias"] for name in "abcd")


def test_what_else_lies_in_the_folder_is_not_in_the_way(network: archdsl.Network, tmp_path: Path):
    for name in ("weights", "net", "model"):
        (tmp_path / name).mkdir()
    export_onnx(network.program, network.weights(), tmp_path / "net.onnx", external_threshold=0)
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)
    assert len(files(tmp_path)) == 5


@pytest.mark.parametrize(
    "name", ["..onnx", "...onnx", "a b\\..\\c.onnx", "C:x.onnx", "-é\n'\".onnx", "x" * 250 + ".onnx", "plain"]
)
def test_no_file_name_makes_the_location_more_than_a_plain_name(network: archdsl.Network, tmp_path: Path, name: str):
    path = tmp_path / name
    export_onnx(network.program, network.weights(), path, external_threshold=0)
    stored = onnx.load(path, load_external_data=False)
    locations = {e.value for t in stored.graph.initializer for e in t.external_data if e.key == "location"}
    (location,) = locations
    assert (tmp_path / location).is_file() and location.isascii() and location[0].isalnum() | (location[0] == "_")
    assert all(sign not in location for sign in "/\\: ")
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("threshold", [0, 1 << 30])
def test_a_write_that_fails_leaves_the_old_model_and_nothing_temporary(
    network: archdsl.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threshold: int
):
    path = tmp_path / "m.onnx"
    export_onnx(network.program, network.weights(0), path, external_threshold=threshold)
    before, listing = evaluate(path), files(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        export_onnx(network.program, network.weights(1), path, external_threshold=threshold)
    assert files(tmp_path) == listing
    assert np.array_equal(evaluate(path), before)


def test_weights_that_break_while_they_are_written_leave_the_old_model(
    network: archdsl.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from archdsl.backends.onnx import write

    path = tmp_path / "m.onnx"
    export_onnx(network.program, network.weights(0), path)
    before = path.read_bytes()
    original, calls = write._data, []

    def breaks(tensor: write.Initializer) -> memoryview:
        calls.append(tensor)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(tensor)

    monkeypatch.setattr(write, "_data", breaks)
    with pytest.raises(KeyboardInterrupt):
        export_onnx(network.program, network.weights(1), path)
    assert path.read_bytes() == before and files(tmp_path) == ["m.onnx"]


KILLED = """
import os, signal, sys, archdsl
from archdsl.backends.onnx.export import export_onnx
network = archdsl.load(sys.argv[2])
weights = network.weights(1)
count = 0
def watched(name):
    original = getattr(os, name)
    def call(*arguments):
        global count
        if count == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        result = original(*arguments)
        if count == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return result
    setattr(os, name, call)
watched("fsync")
watched("replace")
export_onnx(network.program, weights, sys.argv[1], external_threshold=0)
"""


def test_a_kill_at_any_step_leaves_the_old_model_or_the_new_one(network: archdsl.Network, tmp_path: Path):
    def write(seed: int, path: Path) -> np.ndarray:
        export_onnx(network.program, network.weights(seed), path, external_threshold=0)
        return evaluate(path)

    new = write(1, tmp_path / "m.onnx")
    outcomes: list[bool] = []
    for step in range(100):
        directory = tmp_path / str(step)
        directory.mkdir()
        old = write(0, directory / "m.onnx")
        arguments = [sys.executable, "-c", KILLED, str(directory / "m.onnx"), TEXT, str(step)]
        code = subprocess.run(arguments, check=False).returncode
        found = evaluate(directory / "m.onnx")
        assert np.array_equal(found, old) or np.array_equal(found, new), step
        outcomes.append(np.array_equal(found, new))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    # Data file: fsync, replace, fsync of the directory; model: the same; a step before and after each.
    assert len(outcomes) == 13
    assert outcomes == sorted(outcomes) and outcomes[0] is False and outcomes[-1] is True


def test_writing_through_a_symbolic_link_keeps_the_link(network: archdsl.Network, tmp_path: Path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "m.onnx").write_bytes(b"old")
    (tmp_path / "link.onnx").symlink_to(tmp_path / "store" / "m.onnx")
    export_onnx(network.program, network.weights(), tmp_path / "link.onnx")
    assert (tmp_path / "link.onnx").is_symlink() and evaluate(tmp_path / "store" / "m.onnx").shape == (1, 64)


def test_the_file_has_the_permissions_of_an_ordinary_new_file(network: archdsl.Network, tmp_path: Path):
    (tmp_path / "plain").write_bytes(b"")
    export_onnx(network.program, network.weights(), tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_directory_that_does_not_exist_is_an_os_error(network: archdsl.Network, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        export_onnx(network.program, network.weights(), tmp_path / "no" / "m.onnx")
