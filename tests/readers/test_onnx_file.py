"""ONNX files of any origin: checked before they are opened, and run within bounds."""

import os
import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from archdsl.cli import guard
from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.readers.onnx_file import check_model

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def model(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: list[Any] | None = None) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights or [])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return made.SerializeToString()


def tensor(name: str, shape: list[Any] | None, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def identity(dim: object) -> bytes:
    return model([helper.make_node("Identity", ["x"], ["y"])], [tensor("x", [dim])], [tensor("y", None)])


def refusal(path: Path) -> str:
    with pytest.raises(ArchError) as error:
        check_model(str(path))
    assert [found.code for found in error.value.diagnostics] == ["E0830"]
    return str(error.value)


def external(location: str) -> bytes:
    weight = TensorProto(name="w", dims=[4], data_type=1, data_location=1)
    for key, value in (("location", location), ("length", "16")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    inside = helper.make_node("Constant", [], ["w"], value=weight)
    branch = helper.make_graph([inside], "b", [], [tensor("w", [4])])
    nodes = [helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]
    return model(nodes, [tensor("c", [1], TensorProto.BOOL)], [tensor("y", [4])])


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "", "a\\b", "C:w", "a\x00b", "link", "."])
def test_weights_elsewhere_are_refused_however_deep_the_tensor_hides(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(bytes(16))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "m.onnx").write_bytes(external(location))
    assert "keeps weights at" in refusal(tmp_path / "in" / "m.onnx")


def test_the_honest_size_is_that_of_the_model_and_its_weights(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(1000))
    (tmp_path / "m.onnx").write_bytes(external("w.bin"))
    assert check_model(str(tmp_path / "m.onnx")) == 1000 + os.path.getsize(tmp_path / "m.onnx")


def test_any_damage_is_a_diagnostic_or_still_a_model(tmp_path: Path) -> None:
    data = external("w.bin")
    (tmp_path / "w.bin").write_bytes(bytes(16))
    path = tmp_path / "m.onnx"
    chance = random.Random(1)
    for trial in range(600):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(1, len(damaged))])])
        try:
            assert check_model(str(path)) > 0, trial
        except ArchError as error:
            assert [found.code for found in error.diagnostics] == ["E0830"], trial


def test_graphs_inside_graphs_are_followed_so_far_and_no_further(tmp_path: Path) -> None:
    data = b""
    for _ in range(200):
        attribute = b"\x32" + _length(data) + data
        node = b"\x2a" + _length(attribute) + attribute
        data = b"\x0a" + _length(node) + node
    (tmp_path / "m.onnx").write_bytes(b"\x3a" + _length(data) + data)
    assert "nested deeper" in refusal(tmp_path / "m.onnx")


def _length(data: bytes) -> bytes:
    return bytes([len(data) & 127 | 128, len(data) >> 7 & 127 | 128, len(data) >> 14])


@pytest.mark.parametrize(
    "contents", [b"", b"\x00", b"\xff" * 64, b"model m { }", b"\x08\x08", b"\x0b\x0c", b"\x3a\x80" * 9]
)
def test_what_is_no_model_is_refused(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(contents)
    refusal(tmp_path / "m.onnx")


def test_a_dimension_that_is_negative_at_the_usual_size_gets_a_size_at_which_it_is_not(
    tmp_path: Path, command: Command
) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    (tmp_path / "m.onnx").write_bytes(model([node], [tensor("x", ["N", "H - 100"])], [tensor("y", None)]))
    assert "x: float32[1, 64]" in command("run", tmp_path / "m.onnx")[1]
    code, _, err = command("run", tmp_path / "m.onnx", "--dim", "H=5")
    assert code == 2 and "the dimension H - 100 is -95" in err


@pytest.mark.parametrize("dim", ["(" * 10 + "H" + "**8)" * 10, "H**8**8", "x" * 5000, "H - H", "1//0", "", "a b"])
def test_an_odd_dimension_costs_nothing(tmp_path: Path, command: Command, dim: str) -> None:
    (tmp_path / "m.onnx").write_bytes(identity(dim))
    assert command("run", tmp_path / "m.onnx")[0] in (0, 2)


@pytest.mark.parametrize("length", [10**9, 2**62])
def test_an_input_larger_than_anybody_feeds_is_refused(tmp_path: Path, command: Command, length: int) -> None:
    (tmp_path / "m.onnx").write_bytes(identity(length))
    code, _, err = command("run", tmp_path / "m.onnx")
    assert code == 2 and "E0831" in err


def test_outputs_that_are_no_tensors_of_numbers_are_described(tmp_path: Path, command: Command) -> None:
    value = helper.make_tensor("t", TensorProto.STRING, [2], [b"a", b"\xff\x1b"])
    sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "x"], ["s"]),
        helper.make_node("Constant", [], ["t"], value=value),
        helper.make_node("Cast", ["x"], ["b"], to=TensorProto.BFLOAT16),
    ]
    outputs = [sequence, tensor("t", [2], TensorProto.STRING)]
    (tmp_path / "m.onnx").write_bytes(model(nodes[:2], [tensor("x", [3])], outputs))
    code, out, err = command("run", tmp_path / "m.onnx")
    if code == 0:
        assert "s: sequence[2]\n" in out
    else:
        assert code == 1 and "E083" in err
    value = helper.make_tensor("t", TensorProto.STRING, [2], [b"a", b"b"])
    nodes[1] = helper.make_node("Constant", [], ["t"], value=value)
    (tmp_path / "m.onnx").write_bytes(model(nodes[:2], [tensor("x", [3])], outputs))
    code, out, err = command("run", tmp_path / "m.onnx")
    assert code == 0, err
    assert "t: text[2]\n" in out and "s: sequence[2]\n" in out
    (tmp_path / "m.onnx").write_bytes(model(nodes[2:], [tensor("x", [3])], [tensor("b", [3], TensorProto.BFLOAT16)]))
    assert command("run", tmp_path / "m.onnx")[0] in (0, 1)


@pytest.mark.parametrize("place", [b"qqqq", b"zzzz"])
def test_names_that_are_no_utf8_are_a_diagnostic(tmp_path: Path, command: Command, place: bytes) -> None:
    data = model([helper.make_node("Identity", ["qqqq"], ["zzzz"])], [tensor("qqqq", [3])], [tensor("zzzz", [3])])
    (tmp_path / "m.onnx").write_bytes(data.replace(place, b"\xff\xfe\x80\xc0"))
    code, _, err = command("run", tmp_path / "m.onnx")
    assert code in (1, 2) and "error[E08" in err


def test_a_few_bytes_that_ask_for_gigabytes_are_stopped(tmp_path: Path, command: Command) -> None:
    weight = helper.make_tensor("n", TensorProto.INT64, [1], [1 << 33])
    nodes = [helper.make_node("ConstantOfShape", ["n"], ["y"])]
    (tmp_path / "m.onnx").write_bytes(model(nodes, [], [tensor("y", None)], [weight]))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    code, _, err = command("run", tmp_path / "m.onnx")
    assert code == 4 and "E0920" in err and "MiB of memory" in err
    assert max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) < 500 * 1024 or before > 500 * 1024


def loop() -> bytes:
    """A loop of ten million million turns."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Sin", ["v"], ["w"])],
        "body",
        [tensor("i", [], TensorProto.INT64), tensor("c", [], TensorProto.BOOL), tensor("v", [1])],
        [tensor("d", [], TensorProto.BOOL), tensor("w", [1])],
    )
    turns = helper.make_tensor("n", TensorProto.INT64, [], [10**13])
    go = helper.make_tensor("go", TensorProto.BOOL, [], [True])
    nodes = [helper.make_node("Loop", ["n", "go", "x"], ["y"], body=body)]
    return model(nodes, [tensor("x", [1])], [tensor("y", [1])], [turns, go])


def test_a_loop_without_an_end_is_stopped(tmp_path: Path, command: Command) -> None:
    (tmp_path / "m.onnx").write_bytes(loop())
    code, _, err = command("run", tmp_path / "m.onnx", "--max-seconds", 2)
    assert code == 4 and "it took more than 2 seconds of processor time" in err
    assert "--max-seconds" in err


def test_a_crash_of_the_runtime_is_a_diagnostic(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_COMMAND", ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
    (tmp_path / "m.onnx").write_bytes(identity(3))
    code, _, err = command("run", tmp_path / "m.onnx")
    assert code == 4 and "onnxruntime ended with SIGSEGV" in err


def test_bounds_are_refused_beside_a_spec_and_must_be_positive(tmp_path: Path, command: Command) -> None:
    (tmp_path / "m.arch").write_text("model m { input x: f32[N, 4]\n relu\n output y }")
    code, _, err = command("run", tmp_path / "m.arch", "--max-seconds", 3)
    assert code == 2 and "--max-seconds bounds an ONNX file" in err
    for value in ("0", "-1", "x", "9" * 5000):
        assert command("run", tmp_path / "m.onnx", "--max-memory", value)[0] == 2
