"""`archdsl check`."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import GOOD, Ran

Archdsl = Callable[..., Ran]


def test_a_correct_file_prints_nothing_but_a_summary(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("check", spec)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "1 file, 1 model: no errors\n"


def test_every_mistake_is_reported_at_once_on_standard_output(archdsl: Archdsl, bad: Path) -> None:
    ran = archdsl("check", bad)
    assert ran.code == 1
    assert "`unti`" in ran.out
    assert "`lineer`" in ran.out
    assert f"{bad}:5:" in ran.out
    assert "2 errors" in ran.err


def test_json_names_places_and_codes(archdsl: Archdsl, bad: Path) -> None:
    ran = archdsl("check", bad, "--format", "json")
    found = json.loads(ran.out)["diagnostics"]
    assert ran.code == 1
    assert {entry["start"]["line"] for entry in found} == {5, 6}
    assert all(entry["file"] == str(bad) for entry in found)


def test_sarif_and_github_come_from_the_same_findings(archdsl: Archdsl, bad: Path) -> None:
    log = json.loads(archdsl("check", bad, "--format", "sarif").out)
    assert len(log["runs"][0]["results"]) == 2
    assert all("shortDescription" in rule for rule in log["runs"][0]["tool"]["driver"]["rules"])
    commands = archdsl("check", bad, "--format", "github").out.strip().split("\n")
    assert [line.partition(" ")[0] for line in commands] == ["::error", "::error"]


def test_a_folder_stands_for_the_specs_below_it(archdsl: Archdsl, spec: Path, bad: Path) -> None:
    (spec.parent / "inner").mkdir()
    (spec.parent / "inner" / "more.arch").write_text(GOOD)
    ran = archdsl("check", spec.parent)
    assert ran.code == 1
    assert ran.err.startswith("3 files")


def test_a_folder_without_specs_is_an_input_error(archdsl: Archdsl, tmp_path: Path) -> None:
    ran = archdsl("check", tmp_path)
    assert ran.code == 3
    assert "E0608" in ran.out


def test_a_model_that_needs_parameters_is_named_not_failed(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text("model m(n) { input x: f32[N, n]; relu; output y }\n")
    ran = archdsl("check", path)
    assert ran.code == 0
    assert "-p n=..." in ran.err


def test_a_missing_file_is_an_input_error(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("check", spec.with_name("tyni.arch"))
    assert ran.code == 3
    assert "E0601" in ran.out
    assert "tiny.arch" in ran.out


def test_bytes_that_are_no_text_are_a_finding(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_bytes(b"model \xff")
    ran = archdsl("check", path)
    assert ran.code == 1
    assert "E0604" in ran.out


def test_standard_input_is_a_dash(archdsl: Archdsl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"model x {\n")))
    ran = archdsl("check", "-")
    assert ran.code == 1
    assert "--> <stdin>:" in ran.out


def test_a_limit_has_an_exit_code_of_its_own(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("check", spec, "--limit", "source_bytes=10")
    assert ran.code == 4
    assert "E0901" in ran.out


def test_colour_is_for_terminals_and_no_color_wins(
    archdsl: Archdsl, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" not in archdsl("check", bad).out
    assert "\x1b[" in archdsl("check", bad, "--color", "always").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in archdsl("check", bad, "--color", "always").out


@pytest.mark.parametrize("command", ["check", "test"])
def test_every_path_without_a_spec_is_named(archdsl: Archdsl, tmp_path: Path, command: str) -> None:
    (tmp_path / "empty").mkdir()
    ran = archdsl(command, tmp_path / "missing.arch", tmp_path / "empty")
    assert ran.code == 3
    assert "missing.arch`" in ran.out + ran.err
    assert f"no .arch file in the folder {tmp_path / 'empty'}" in ran.out + ran.err


def test_names_are_looked_up_where_nothing_is_elaborated(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text(
        "block spare(out) { conv(out, kernal = 3) }\n"
        "model open(depth) { input x: f32[N, 3]; rleu; output y }\n"
        "model m { input x: f32[N, 3]; relu; output y }\n"
        "test m { parms == 0 }\n"
        "test n { params == 0 }\n"
        "test m { params == 1 }\n"
    )
    ran = archdsl("check", path)
    assert ran.code == 1
    assert [line.partition("]")[0] for line in ran.out.split("\n") if line.startswith("error")] == [
        "error[E0301",
        "error[E0202",
        "error[E0201",
        "error[E0203",
    ]
    assert "only its names were checked" in ran.err
    assert "1 file, 1 model: 4 errors" in ran.err


def test_a_folder_with_very_many_folders_is_not_looked_through(archdsl: Archdsl, tmp_path: Path) -> None:
    for number in range(1001):
        (tmp_path / "many" / str(number)).mkdir(parents=True)
    for command in ("check", "test"):
        ran = archdsl(command, tmp_path / "many")
        assert (ran.code, "has more than 1,000 folders below it" in ran.err) == (3, True)


def test_integers_cannot_be_made_too_large_to_print(archdsl: Archdsl, tmp_path: Path) -> None:
    path = tmp_path / "m.arch"
    path.write_text(
        'model m {\n  input x: f32[N, 3]\n  let n = 2**4000\n  require n == 3, "n is {n}"\n  relu\n  output y\n}\n'
    )
    ran = archdsl("check", path, "--limit", "integer_bits=4096")
    assert (ran.code, "n is 1318204093430943" in ran.out) == (1, True)
    ran = archdsl("check", path, "--limit", "integer_bits=100000")
    assert (ran.code, "at most 4096 bits" in ran.err) == (2, True)
