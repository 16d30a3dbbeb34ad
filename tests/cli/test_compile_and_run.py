"""`archdsl compile`, `run` and `verify`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Ran

pytest.importorskip("onnxruntime")
numpy = pytest.importorskip("numpy")

Archdsl = Callable[..., Ran]


def test_compile_writes_both_beside_each_other_and_prints_the_totals(
    archdsl: Archdsl, spec: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    ran = archdsl("compile", spec)
    assert ran.code == 0, ran.err
    assert sorted(os.listdir()) == ["tiny.onnx", "tiny.py"]
    assert "318" in ran.out
    assert "wrote" in ran.out


def test_the_source_runs_without_archdsl(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert archdsl("compile", spec, "-o", tmp_path, "--to", "torch").code == 0
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport tiny, torch\n"
        "print(tuple(tiny.Tiny()(torch.zeros(2, 3, 8, 8)).shape), 'archdsl' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 10) False\n"


def test_one_file_is_written_where_it_is_named(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert archdsl("compile", spec, "-o", out / "net.onnx").code == 0
    assert archdsl("compile", spec, "-o", out / "net.py").code == 0
    assert sorted(os.listdir(out)) == ["net.onnx", "net.py"]


def test_a_file_name_and_another_target_contradict_each_other(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    ran = archdsl("compile", spec, "-o", tmp_path / "net.py", "--to", "onnx")
    assert ran.code == 2
    assert not (tmp_path / "net.py").exists()


@pytest.mark.parametrize(
    "option",
    [["--weights", "w"], ["--keys", "k"], ["--seed", 1], ["--opset", 21], ["--dtype", "f16"], ["--functions"]],
)
def test_options_of_onnx_are_refused_where_none_is_written(
    archdsl: Archdsl, spec: Path, tmp_path: Path, option: list[object]
) -> None:
    ran = archdsl("compile", spec, "--to", "torch", "-o", tmp_path / "out", *option)
    assert ran.code == 2
    assert f"{option[0]} says how ONNX is written" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option",
    [["-p", "n=3"], ["--weights", "w"], ["--keys", "k"], ["--opset", 21], ["--dtype", "f16"], ["--functions"]],
)
def test_options_of_a_spec_are_refused_beside_an_onnx_file(
    archdsl: Archdsl, spec: Path, tmp_path: Path, option: list[object]
) -> None:
    path = tmp_path / "net.onnx"
    assert archdsl("compile", spec, "-o", path).code == 0
    ran = archdsl("run", path, *option)
    assert ran.code == 2
    assert f"{option[0]} does not go with an ONNX file" in ran.err


def test_what_cannot_be_written_as_onnx_leaves_the_old_source(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text("old")
    ran = archdsl("compile", spec, "-o", tmp_path, "--limit", "nodes=3")
    assert ran.code == 4
    assert {path.name: path.read_text() for path in tmp_path.glob("tiny.[op]*")} == {"tiny.py": "old"}


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert archdsl("compile", spec, "-o", tmp_path / f"{name}.onnx", "--seed", seed).code == 0
    a, b, c = ((tmp_path / f"{name}.onnx").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_failed_compile_leaves_the_old_file_as_it_was(
    archdsl: Archdsl, spec: Path, bad: Path, tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    path.write_text("old")
    assert archdsl("compile", bad, "-o", path).code == 1
    assert path.read_text() == "old"


def test_an_output_that_cannot_be_written_is_an_output_error(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    for output in (blocker / "inside", blocker / "net.py", blocker / "net.onnx"):
        ran = archdsl("compile", spec, "-o", output)
        assert ran.code == 3, ran.err
        assert "E0610" in ran.err


def test_weights_are_read_from_a_file_and_must_fit(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    import archdsl as package
    from archdsl.weights import save_safetensors

    weights = package.load(spec).weights(7)
    save_safetensors(tmp_path / "w.safetensors", weights)
    assert archdsl("compile", spec, "-o", tmp_path / "a.onnx", "--weights", tmp_path / "w.safetensors").code == 0
    assert archdsl("compile", spec, "-o", tmp_path / "b.onnx", "--seed", 7).code == 0
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    ran = archdsl("compile", spec, "-p", "n=3", "-o", tmp_path / "c.onnx", "--weights", tmp_path / "w.safetensors")
    assert ran.code == 1
    assert "E0811" in ran.err
    missing = archdsl("compile", spec, "-o", tmp_path / "d.onnx", "--weights", tmp_path / "none.safetensors")
    assert missing.code == 3


def test_weights_with_other_names_are_read_by_a_key_map(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    import archdsl as package
    from archdsl.weights import save_safetensors

    weights = package.load(spec).weights(7)
    file, keys = tmp_path / "w.safetensors", tmp_path / "net.keys"
    save_safetensors(file, {f"net.{path}": array for path, array in weights.items()})
    keys.write_text("net.*  *\n")
    given = ("--weights", file, "--keys", keys)
    assert archdsl("compile", spec, "-o", tmp_path / "a.onnx", *given).code == 0
    assert archdsl("compile", spec, "-o", tmp_path / "b.onnx", "--seed", 7).code == 0
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    for command in ("run", "verify"):
        assert archdsl(command, spec, *given).code == 0
    ran = archdsl("run", spec, "--weights", file)
    assert ran.code == 1
    assert "--keys" in ran.err
    ran = archdsl("run", spec, "--weights", file, "--keys", tmp_path / "nets.keys")
    assert ran.code == 3
    assert f"did you mean `{keys}`?" in ran.err


@pytest.mark.parametrize("command", [["run"], ["verify"], ["compile", "--to", "onnx"]])
def test_a_key_map_without_weights_is_refused(archdsl: Archdsl, spec: Path, command: list[str]) -> None:
    ran = archdsl(*command, spec, "--keys", "net.keys")
    assert ran.code == 2
    assert "--keys says what the names in a file of weights mean" in ran.err


@pytest.mark.parametrize("option", [["--opset", "7"], ["--opset", "999"]])
def test_an_operator_set_we_do_not_write_is_wrong_usage(
    archdsl: Archdsl, spec: Path, tmp_path: Path, option: list[str]
) -> None:
    ran = archdsl("compile", spec, "-o", tmp_path / "a.onnx", *option)
    assert ran.code == 2
    assert "E0820" in ran.err


def test_run_prints_the_provider_and_the_outputs(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("run", spec)
    assert ran.code == 0, ran.err
    assert "CPUExecutionProvider" in ran.out
    assert "y: float32[1, 10]" in ran.out


def test_a_side_that_is_a_multiple_of_a_symbol_is_about_64_like_any_other(archdsl: Archdsl, tmp_path: Path) -> None:
    spec = tmp_path / "pyramid.arch"
    spec.write_text("model m {\n  input x: f32[N, 1, 32*H, 5*W + 1]\n  relu\n  output y\n}\n")
    assert "[1, 1, 64, 61]" in archdsl("run", str(spec)).out
    assert "[1, 1, 32, 61]" in archdsl("run", str(spec), "--dim", "H=1").out


def test_run_takes_an_array_for_a_spec_and_for_the_file_made_from_it(
    archdsl: Archdsl, spec: Path, tmp_path: Path
) -> None:
    numpy.save(tmp_path / "x.npy", numpy.ones((2, 3, 8, 8), "float32"))
    assert archdsl("compile", spec, "-o", tmp_path / "net.onnx").code == 0
    one = archdsl("run", spec, "--input", tmp_path / "x.npy")
    two = archdsl("run", tmp_path / "net.onnx", "--input", f"x={tmp_path / 'x.npy'}")
    assert one.code == two.code == 0
    output = [[line for line in ran.out.split("\n") if line.startswith("output")] for ran in (one, two)]
    assert output[0] == output[1]
    assert "float32[2, 10]" in output[0][0]


@pytest.mark.parametrize(
    ("option", "code"),
    [("x.npy", 3), ("nothing=random", 2), ("wrong.npy", 2), ("text.png", 2)],
)
def test_an_input_that_cannot_be_fed_says_so(
    archdsl: Archdsl, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    numpy.save("wrong.npy", numpy.ones((2, 4, 8, 8), "float32"))
    Path("text.png").write_text("no image")
    ran = archdsl("run", spec, "--input", option)
    assert ran.code == code, ran.err
    assert "error[E" in ran.err


def test_a_missing_provider_is_an_error_and_never_a_fallback(archdsl: Archdsl, spec: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    for command in ("run", "verify"):
        ran = archdsl(command, spec, "--device", "cuda")
        assert (ran.code, ran.out) == (5, "")
        assert "pip install onnxruntime-gpu" in ran.err


@pytest.mark.parametrize("contents", [b"", b"not a model", b"\x08\x08"])
def test_a_file_that_is_no_model_is_refused(archdsl: Archdsl, tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(contents)
    ran = archdsl("run", path)
    assert ran.code == 1
    assert "E0830" in ran.err


def test_options_that_an_onnx_file_cannot_honour_are_refused(archdsl: Archdsl, tmp_path: Path) -> None:
    ran = archdsl("run", tmp_path / "net.onnx", "-p", "n=3")
    assert ran.code == 2


def test_a_size_that_no_input_of_a_model_has_is_refused(archdsl: Archdsl, tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text("model m { input x: f32[N, T, 4]; linear(2); output y }")
    archdsl("compile", tmp_path / "m.arch", "-o", tmp_path)
    ran = archdsl("run", tmp_path / "m.onnx", "--dim", "t=5")
    assert (ran.code, "E0606" in ran.err, "did you mean `T`?" in ran.err) == (2, True, True), ran.err
    assert archdsl("run", tmp_path / "m.onnx", "--dim", "T=5").code == 0


def test_a_missing_onnx_file_is_an_input_error(archdsl: Archdsl, tmp_path: Path) -> None:
    assert archdsl("run", tmp_path / "net.onnx").code == 3


def test_verify_agrees_on_a_sound_network(archdsl: Archdsl, spec: Path) -> None:
    pytest.importorskip("torch")
    ran = archdsl("verify", spec)
    assert ran.code == 0, ran.out + ran.err
    assert "  ok" in ran.out


def test_verify_fails_when_the_engines_disagree(archdsl: Archdsl, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr("archdsl.verify.TOLERANCE", -1.0)
    ran = archdsl("verify", spec)
    assert ran.code == 1
    assert "FAIL" in ran.out


@pytest.mark.parametrize("package", ["torch", "onnx", "onnxruntime", "numpy"])
def test_a_missing_package_is_exit_code_5_and_names_the_command(
    archdsl: Archdsl, spec: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    ran = archdsl("verify", spec)
    assert (ran.code, ran.out) == (5, "")
    assert "pip install" in ran.err


def test_a_pytorch_checkpoint_given_as_weights_is_told_how_to_become_one(
    archdsl: Archdsl, spec: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.pt").write_bytes(b"PK\x03\x04 no safetensors")
    ran = archdsl("run", spec, "--weights", tmp_path / "net.pt")
    assert ran.code == 1
    assert 'save_file(model.state_dict(), "net.safetensors")' in ran.err


@pytest.mark.parametrize("command", [("count",), ("compile",), ("check",), ("test",), ("show", "--stage", "ast")])
def test_a_command_that_reads_specs_refuses_an_onnx_file_for_what_it_is(
    archdsl: Archdsl, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\xff\x00")
    ran = archdsl(*command, tmp_path / "net.onnx")
    assert ran.code == 2
    assert "is an ONNX model, and a spec (.arch) is needed" in ran.err + ran.out


def test_run_says_what_it_made_of_an_image_and_which_numbers_are_classes(
    archdsl: Archdsl, spec: Path, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (20, 10)).save(tmp_path / "cat.png")
    ran = archdsl("run", spec, "--input", tmp_path / "cat.png")
    assert "brought to 8 x 8, scaled to [0, 1], normalised by ImageNet's mean and deviation\n" in ran.out
    assert "best classes by index, with raw value: " in ran.out
    ran = archdsl("run", spec, "--dim", "N=2")
    assert "ImageNet" not in ran.out
    assert "best classes of the first sample, by index, with raw value: " in ran.out


def test_an_array_without_a_batch_is_told_to_get_one(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    numpy.save(tmp_path / "one.npy", numpy.zeros((3, 8, 8), "float32"))
    ran = archdsl("run", spec, "--input", tmp_path / "one.npy")
    assert "expected [N, 3, 8, 8], found [3, 8, 8]" in ran.err
    assert "`array[None]`" in ran.err


def test_onnxruntime_prints_no_log_of_its_own_beside_the_finding(tmp_path: Path) -> None:
    spec = tmp_path / "look.arch"
    spec.write_text("model m {\n  input ids: i64[N, 4]\n  embedding(3, 2)\n  output y\n}\n")
    numpy.save(tmp_path / "ids.npy", numpy.full((1, 4), 7))
    command = [sys.executable, "-m", "archdsl", "run", str(spec), "--input", str(tmp_path / "ids.npy")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error[E0832]: the model failed while running\n")
    assert len(ran.stderr.splitlines()) == 2


def test_an_output_that_looks_like_another_kind_of_file_is_no_folder_by_accident(
    archdsl: Archdsl, spec: Path, tmp_path: Path
) -> None:
    ran = archdsl("compile", spec, "-o", tmp_path / "net.pt")
    assert ran.code == 2
    assert "a file that ends in .pt is not written, only .py and .onnx" in ran.err
    assert not (tmp_path / "net.pt").exists()
    assert archdsl("compile", spec, "--to", "torch", "-o", f"{tmp_path}/net.pt/").code == 0
    assert archdsl("compile", spec, "--to", "torch", "-o", tmp_path / "v1.2").code == 0
    assert (tmp_path / "net.pt" / "tiny.py").exists() and (tmp_path / "v1.2" / "tiny.py").exists()


@pytest.mark.parametrize("command", ["compile", "run", "verify"])
@pytest.mark.parametrize("seed", ["-1", "1.5", "x", "", str(1 << 64), "9" * 5000])
def test_a_seed_is_the_same_kind_of_number_in_every_command(
    archdsl: Archdsl, spec: Path, tmp_path: Path, command: str, seed: str
) -> None:
    ran = archdsl(command, spec, "--seed", seed)
    assert (ran.code, ran.out) == (2, "")
    assert "--seed" in ran.err
