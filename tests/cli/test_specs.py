"""The networks that come with archdsl are named without a path."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Ran

import archdsl
from archdsl import zoo

ROOT = Path(archdsl.__file__).parents[1]
Archdsl = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_spec_is_listed_with_its_models_under_names_that_mean_them(archdsl: Archdsl) -> None:
    listed = json.loads(archdsl("specs", "--format", "json").out)
    assert {entry["spec"] for entry in listed} == {path.stem for path in (ROOT / "specs").glob("*.arch")}
    for entry in listed:
        path, model = zoo.locate(entry["name"].partition(":")[0])
        assert path == str(ROOT / "specs" / f"{entry['spec']}.arch")
        assert model in (None, entry["model"])
        assert entry["about"]


def test_the_list_says_what_each_network_takes_and_fits_the_page(archdsl: Archdsl) -> None:
    ran = archdsl("specs")
    assert ran.code == 0
    assert (
        "    densenet(depth: 121 | 161 | 169 | 201 = 121, drop = 0.0, classes = 1000, flag memory_efficient)" in ran.out
    )
    assert "    translation_general = translation(score = general)" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["count", "densenet"], "7,978,856"),
        (["count", "densenet_bc"], "769,162"),
        (["count", "lenet:lenet5", "--depth", "0"], "params"),
        (["check", "resnet"], ""),
        (["test", "dqn"], "params"),
        (["show", "dqn"], "program dqn"),
        (["show", "--stage", "ast", "dqn"], "Model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_takes_the_name_of_a_spec_or_of_its_model(archdsl: Archdsl, command: list[str], said: str) -> None:
    ran = archdsl(*command)
    assert ran.code == 0, ran.err
    assert said in ran.out


def test_the_name_of_a_spec_compiles(archdsl: Archdsl, tmp_path: Path) -> None:
    assert archdsl("compile", "lenet:lenet5", "-o", tmp_path / "out").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["lenet5.onnx", "lenet5.py"]


def test_a_file_of_that_name_wins(archdsl: Archdsl, tmp_path: Path) -> None:
    (tmp_path / "densenet").write_text("model mine { input x: f32[N, 4]; linear(1); output y }")
    assert "mine" in archdsl("count", "densenet").out


def test_python_takes_the_same_names() -> None:
    assert archdsl.load("resnet", depth=18).cost().params == 11_689_512
    assert archdsl.load("densenet_bc").cost().params == 769_162
    assert archdsl.load("densenet_cifar", "densenet_bc").cost().params == 769_162


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("densnet", "did you mean `densenet`?"),
        ("densenet_bd", "did you mean `densenet_b`?"),
        ("nothing_like_it", "`archdsl specs` lists the networks that are named without a path"),
        ("mine", "did you mean `mine.arch`?"),
    ],
)
def test_a_name_that_is_none_is_told_what_there_is(archdsl: Archdsl, tmp_path: Path, name: str, help: str) -> None:
    (tmp_path / "mine.arch").write_text("")
    ran = archdsl("count", name)
    assert ran.code == 3
    assert help in ran.err


def test_a_spec_is_printed_as_it_is(archdsl: Archdsl) -> None:
    assert archdsl("specs", "resnet").out == (ROOT / "specs" / "resnet.arch").read_text(encoding="utf-8")
    ran = archdsl("specs", "resnt")
    assert (ran.code, "did you mean `resnet`?" in ran.err) == (3, True)


def test_no_two_specs_share_a_name() -> None:
    models = [
        model
        for name in zoo.names()
        for model in re.findall(r"^model\s+(\w+)", Path(zoo.path(name)).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(models) == len(set(models))
