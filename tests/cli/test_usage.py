"""Command lines with mistakes: one line, one help, whatever was typed; and what words mean."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import GOOD, Ran

from archdsl.cli.main import COMMANDS

Archdsl = Callable[..., Ran]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["count", "a.arch", "--colums", "params"], ["there is no option `--colums`", "did you mean `--columns`?"]),
        (["count", "a.arch", "--colums=params"], ["there is no option `--colums`", "did you mean `--columns`?"]),
        (["count", "a.arch", "--format", "jsno"], ["--format is one of text, json", "did you mean `json`?"]),
        (["count", "a.arch", "--depth", "x"], ["--depth", "a number of levels, or all, not `x`"]),
        (["count", "a.arch", "--depth", "-1"], ["--depth"]),
        (["count", "a.arch", "-p"], ["--param: expected one argument", "archdsl count --help"]),
        (["count"], ["FILE[:MODEL] is missing", "archdsl count --help"]),
        (["compile", "a.arch", "n=3"], ["one argument too many", "a parameter is set with -p: `-p n=3`"]),
        (["run", "a.arch", "--seed", "-1"], ["--seed", "from 0 to 2**64 - 1, not `-1`"]),
        (["run", "a.arch", "--device", "gpu"], ["--device is one of cpu, cuda, not `gpu`"]),
        (["check", "a.arch", "--" + "x" * 100_000], ["there is no option"]),
        (["check", "a.arch", "--color", "\n\x1b"], ["--color is one of auto, always, never"]),
    ],
)
def test_a_wrong_option_is_one_line_and_a_help(archdsl: Archdsl, arguments: list[str], said: list[str]) -> None:
    ran = archdsl(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert all(text in ran.err for text in said), ran.err
    assert ran.err.startswith("error: ") and ran.err.count("\n") == 2
    assert len(ran.err) < 600 and "usage:" not in ran.err


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("explain", "ops", "specs")])
def test_a_file_is_missing_or_there(archdsl: Archdsl, command: str) -> None:
    ran = archdsl(command)
    assert ran.code == 2 and "is missing" in ran.err


def test_a_setting_without_its_option_is_told_what_is_missing(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("count", spec, "width=50")
    assert ran.code == 3
    assert "a parameter is set with -p: `-p width=50`" in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_that_commands_help(archdsl: Archdsl, command: str) -> None:
    assert archdsl("help", command).out == archdsl(command, "--help").out


def test_help_of_no_command_is_a_mistake(archdsl: Archdsl) -> None:
    ran = archdsl("help", "cuont")
    assert ran.code == 2 and "did you mean `count`?" in ran.err


def test_every_spelling_of_version_prints_it(archdsl: Archdsl) -> None:
    assert archdsl("-v").out == archdsl("-V").out == archdsl("--version").out != ""


TEXTS = """
model m(version: string = "2", kind: "none" | "1.5" | none = "none", free = "x", n = 3) {
  input x: f32[N, 3]
  relu
  output y
}
"""


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("version=1.0", "1.0"),
        ("version=true", "true"),
        ('version="1.0"', "1.0"),
        ("version=a b", "a b"),
        ("kind=none", "none"),
        ("kind=1.5", "1.5"),
        ("free=7", "7"),
        ("n=4", 4),
    ],
)
def test_a_parameter_that_takes_text_needs_no_quotes(
    archdsl: Archdsl, tmp_path: Path, given: str, value: object
) -> None:
    (tmp_path / "m.arch").write_text(TEXTS)
    ran = archdsl("count", tmp_path / "m.arch", "-p", given, "--format", "json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["parameters"][given.partition("=")[0]] == value


def test_all_models_of_all_files_are_counted(archdsl: Archdsl, tmp_path: Path) -> None:
    (tmp_path / "a.arch").write_text(GOOD + "model wide = tiny(width = 8)\n")
    (tmp_path / "b.arch").write_text("model open(k: int) {\n  input x: f32[N, k]\n  relu\n  output y\n}\n" + TEXTS)
    ran = archdsl("count", tmp_path / "a.arch", tmp_path / "b.arch", "--format", "json")
    assert ran.code == 0, ran.err
    assert [model["model"] for model in json.loads(ran.out)["models"]] == ["tiny", "wide", "m"]
    assert "b.arch:open is left out: it has no defaults for -p k=..." in ran.err
    one = archdsl("count", f"{tmp_path / 'b.arch'}:open", "-p", "k=3", "--format", "json")
    assert one.code == 0, one.err


DEEP = """
block inner { relu -> linear(4) }
block outer { inner -> inner }
model m(depth = 2) {
  input x: f32[N, 4]
  repeat depth { outer }
  output y
}
"""


def test_levels_that_are_not_there_may_have_been_meant_for_the_parameter(archdsl: Archdsl, tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(DEEP)
    assert "is set with -p depth=18" in archdsl("count", tmp_path / "m.arch", "--depth", 18).err
    for quiet in (["--depth", 2], ["--depth", "all"], ["--depth", 18, "-p", "depth=3"], []):
        assert archdsl("count", tmp_path / "m.arch", *quiet).err == ""
    (tmp_path / "m.arch").write_text(DEEP.replace("depth", "layers"))
    assert archdsl("count", tmp_path / "m.arch", "--depth", 18).err == ""


def test_a_block_that_an_option_cannot_give_is_named_in_a_preset(archdsl: Archdsl, tmp_path: Path) -> None:
    spec = tmp_path / "m.arch"
    spec.write_text("model m(shortcut: block = relu) { input x: f32[N, 3]; shortcut; output y }\n")
    for value in ("none", "gelu", '"gelu"', "1"):
        error = archdsl("count", spec, "-p", f"shortcut={value}").err
        assert "`model other = m(shortcut = ...)`" in error
    spec.write_text(spec.read_text() + "model other = m(shortcut = gelu)\n")
    assert archdsl("count", f"{spec}:other").code == 0


def test_none_is_no_name_of_an_open_size(archdsl: Archdsl, tmp_path: Path) -> None:
    spec = tmp_path / "m.arch"
    for word in ("None", "none"):
        spec.write_text(f"model m {{ input x: f32[{word}, 3]; linear(4); output y }}\n")
        assert "a size that is open until the network runs has a name: `N`" in archdsl("check", spec).out
        archdsl("check", "--fix", spec)
        assert "f32[N, 3]" in spec.read_text() and archdsl("check", spec).code == 0
    spec.write_text("let None = 8\nmodel m { input x: f32[N, None]; linear(4); output y }\n")
    assert archdsl("check", spec).code == 0


@pytest.mark.parametrize(
    ("arguments", "help"),
    [
        (["resnet", "-p", "v1_5=True"], "write `-p v1_5=true`"),
        (["resnet", "-p", "v1_5=None"], "write `-p v1_5=none`"),
        (["gpt", "-p", "T=7"], "`T` is a symbolic dimension: it is fixed with `--dim T=...`, in Python with `dims`"),
        (["gpt", "--dim", "layers=7"], "`layers` is a parameter of the model: it is set with `-p layers=7`"),
        (["gpt", "--dim", "T=7,14"], "give one, `--dim T=7`, or leave it out: formulas in T hold for all"),
        (["resnet50"], "did you mean `resnet -p depth=50`?"),
        (["resnet_101"], "did you mean `resnet -p depth=101`?"),
        (["resnet110"], "did you mean `resnet_cifar -p depth=110`?"),
        (["resnext50_32x4d"], "did you mean `resnext -p depth=50`?"),
        (["se_resnet152"], "did you mean `se_resnet -p depth=152`?"),
        (["densenet121"], "did you mean `densenet -p depth=121`?"),
        (["densenet40"], "did you mean `densenet_cifar:densenet_cifar -p depth=40`?"),
        (["vgg16"], "did you mean `vgg`? It takes -p config=A|B|C|D|E"),
        (["gpt2"], "did you mean `gpt`?"),
        (["mobilenetv2"], "did you mean `mobilenet_v2`?"),
        (["foo12"], "`archdsl specs` lists the networks that are named without a path"),
    ],
)
def test_a_name_or_an_option_of_another_kind_is_answered_with_what_was_meant(
    archdsl: Archdsl, arguments: list[str], help: str
) -> None:
    ran = archdsl("count", *arguments)
    assert ran.code != 0 and ran.err.rstrip().endswith(f"= help: {help}"), ran.err


@pytest.mark.parametrize("name", ["resnet50", "resnet110", "se_resnet152", "densenet121", "densenet40", "mobilenetv2"])
def test_a_network_that_is_suggested_is_one(archdsl: Archdsl, name: str) -> None:
    suggested = archdsl("count", name).err.split("`")[3].split()
    assert archdsl("count", *suggested, "--depth", "0").code == 0


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("nn.Conv2d", "conv"),
        ("Conv2d", "conv"),
        ("F.relu", "relu"),
        ("keras.layers.Dense", "linear"),
        ("cat", "concat"),
    ],
)
def test_a_name_of_pytorch_leads_to_the_operator(archdsl: Archdsl, name: str, ours: str) -> None:
    ran = archdsl("ops", name)
    assert (ran.code, ran.out, ran.err) == (0, archdsl("ops", ours).out, f"note: `{name}` is called `{ours}` here\n")


@pytest.mark.parametrize("name", ["nn.Foo", "nn.Sequential", "skip", "mine.relu"])
def test_a_name_that_leads_to_no_one_operator_is_a_mistake(archdsl: Archdsl, name: str) -> None:
    ran = archdsl("ops", name)
    assert (ran.code, ran.out) == (2, "") and f"`{name}`" in ran.err
