"""Key maps: names of a weights file become paths by rules, and a map that is wrong says where."""

from pathlib import Path

import numpy as np
import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.limits import Limits
from archdsl.weights import KeyMap, read_keys, save_safetensors
from archdsl.weights.keys import MOST_PATTERNS

TEXT = """model m {
  input x: f32[N, 3, 8, 8]
  conv(4, 3, !bias) as conv -> bn as norm -> relu -> flatten -> linear(5) as head
  output y
}"""


def key_map(folder: Path, text: str) -> KeyMap:
    path = folder / "map.keys"
    path.write_text(text, encoding="utf-8")
    return read_keys(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ArchError) as error:
        key_map(folder, text)
    assert {diagnostic.code for diagnostic in error.value.diagnostics} == {"E0815"}
    return str(error.value)


@pytest.mark.parametrize(
    ("rules", "name", "path"),
    [
        ("", "conv.weight", "conv.weight"),
        ("stem.w conv.weight", "stem.w", "conv.weight"),
        ("stem.w conv.weight", "stem.weight", "stem.weight"),
        ("module.* *", "module.conv.weight", "conv.weight"),
        ("* net.*", "conv.weight", "net.conv.weight"),
        ("f.*.norm.*.* f.*.norm*.*", "f.block1.layer2.norm.1.weight", "f.block1.layer2.norm1.weight"),
        ("*.a.* *-*", "x.a.y.a.z", "x-y.a.z"),
        ("*ab*ab ** ", "abab", ""),
        ("*ab*b ** ", "ab", "ab"),
        ("head* -", "head.weight", None),
        ("head.bias -", "head.bias", None),
        ("*.bias -\nhead.bias b", "head.bias", "b"),
        ("h* first\nhe* second*".replace("first", "first*"), "head", "firstead"),
    ],
)
def test_a_name_goes_by_the_rule_that_fits_it_first(tmp_path: Path, rules: str, name: str, path: str | None):
    assert key_map(tmp_path, f"# a map\n\n{rules}   # and why\n").path(name) == path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\n", "a rule is a name and a path"),
        ("one two three", "a rule is a name and a path"),
        ("a.* b", "1 `*` in the name and no `*` in the path"),
        ("a.* b.*.*", "1 `*` in the name and 2 `*` in the path"),
        ("a b\na c", "`a` has a rule already"),
        ("".join(f"a{i}.* b{i}.*\n" for i in range(MOST_PATTERNS + 1)), f"at most {MOST_PATTERNS} rules"),
    ],
)
def test_a_line_that_is_no_rule_is_shown(tmp_path: Path, text: str, said: str):
    assert said in refusal(tmp_path, text)


def test_every_bad_line_is_reported_where_it_stands(tmp_path: Path):
    shown = refusal(tmp_path, "fine path\n  lonely  # why\n*\n")
    assert "map.keys:2:3" in shown and "map.keys:3:1" in shown


def test_names_that_become_one_are_refused(tmp_path: Path):
    with pytest.raises(ArchError) as error:
        key_map(tmp_path, "*.w *.weight").paths(["a.w", "a.weight", "b.w"], "w.safetensors")
    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.code, diagnostic.notes) == ("E0816", ("a.weight: a.w, a.weight",))


def test_a_map_of_many_rules_and_long_names_takes_no_time_to_speak_of(tmp_path: Path):
    stars = "*a" * 200
    found = key_map(tmp_path, "".join(f"{i}{stars} {i}{stars}\n" for i in range(MOST_PATTERNS)))
    assert found.path("9" + "a" * 100_000 + "b") == "9" + "a" * 100_000 + "b"


@pytest.mark.parametrize(
    ("content", "limits", "code"),
    [(None, {}, "E0601"), (b"\xff", {}, "E0604"), (b"a b\n" * 10, {"source_bytes": 20}, "E0901")],
)
def test_a_map_that_cannot_be_read_is_a_diagnostic(
    tmp_path: Path, content: bytes | None, limits: dict[str, int], code: str
):
    path = tmp_path / "map.keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArchError) as error:
        read_keys(path, Limits(**limits))
    assert [diagnostic.code for diagnostic in error.value.diagnostics] == [code]


@pytest.fixture
def others(tmp_path: Path) -> tuple[archdsl.Network, dict[str, np.ndarray], Path, Path]:
    """A network, its weights under other names with one too many, a file of them, and a map."""
    network = archdsl.load(TEXT)
    weights = network.weights(3)
    theirs = {f"net.{path}".replace("head", "fc"): array for path, array in weights.items()}
    theirs["net.teacher.weight"] = np.ones(7, np.float32)
    save_safetensors(tmp_path / "w.safetensors", theirs)
    (tmp_path / "map.keys").write_text("net.teacher.weight -\nnet.fc.* head.*\nnet.* *\n")
    return network, theirs, tmp_path / "w.safetensors", tmp_path / "map.keys"


def test_both_engines_take_renamed_weights_from_files_and_from_memory(others):
    network, theirs, file, keys = others
    pytest.importorskip("torch")
    import torch

    x = np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)
    for weights in (file, theirs):
        module = network.torch(weights, keys=keys).eval()
        for path, array in network.weights(3).items():
            assert np.array_equal(module.state_dict()[path].numpy(), array), path
        with torch.no_grad():
            expected = module(torch.from_numpy(x)).numpy()
        (found,) = network.session(weights=weights, keys=keys).run(None, {"x": x})
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_without_the_map_pytorch_refuses_by_code_and_the_map_is_named_as_help(others):
    network, theirs, _, _ = others
    pytest.importorskip("torch")
    with pytest.raises(ArchError) as error:
        network.torch(theirs)
    assert [diagnostic.code for diagnostic in error.value.diagnostics] == ["E0811", "E0812"]
    assert "--keys" in str(error.value) and "E0815" in str(error.value)


def test_a_map_that_does_not_make_them_fit_is_named(others, tmp_path: Path):
    network, _, file, _ = others
    (tmp_path / "half.keys").write_text("net.* *\nteacher.* -\n")
    with pytest.raises(ArchError, match=r"w\.safetensors renamed by half\.keys lacks 2 weights"):
        network.torch(file, keys=tmp_path / "half.keys")


def test_pytorch_takes_arrays_however_they_lie_in_memory(recwarn: pytest.WarningsRecorder):
    pytest.importorskip("torch")
    network = archdsl.load(TEXT)
    weights = network.weights(3)
    given = {path: array.copy() for path, array in weights.items()}
    given["head.weight"] = np.ascontiguousarray(weights["head.weight"][::-1])[::-1]
    given["head.bias"] = weights["head.bias"].astype(">f8")
    given["norm.weight"].flags.writeable = False
    del given["norm.num_batches_tracked"]
    state = network.torch(given).state_dict()
    for path, array in weights.items():
        assert np.array_equal(state[path].numpy(), array), path
    assert not recwarn.list


def test_a_map_without_weights_is_refused(others):
    network, _, _, keys = others
    with pytest.raises(ValueError, match="no weights"):
        network.torch(keys=keys)


def test_more_stars_and_names_than_anybody_needs_are_refused(tmp_path: Path):
    found = key_map(tmp_path, "".join(f"{i}{'*a' * 200} {i}{'*a' * 200}\n" for i in range(100)))
    with pytest.raises(ArchError) as error:
        found.paths(map(str, range(1000)), "w.safetensors")
    assert [one.code for one in error.value.diagnostics] == ["E0815"]
