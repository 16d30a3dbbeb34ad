"""`archdsl check --fix` and `--diff`."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Ran

from archdsl.cli.mending import mend
from archdsl.limits import Limits
from archdsl.source import Source

Archdsl = Callable[..., Ran]

SLIPS = "model m(width = 4) {\n  input x: f32[N, 3, 8, 8]\n  cnov(widht, 3, strides = 2) -> ReLU\n  output y\n}\n"
MENDED = "model m(width = 4) {\n  input x: f32[N, 3, 8, 8]\n  conv(width, 3, stride = 2) -> relu\n  output y\n}\n"
UNSURE = SLIPS.replace("ReLU", "rl")


@pytest.fixture
def slips(tmp_path: Path) -> Path:
    path = tmp_path / "slips.arch"
    path.write_text(SLIPS)
    return path


def test_whatever_has_a_certain_mend_is_mended_until_nothing_is_left(archdsl: Archdsl, slips: Path) -> None:
    ran = archdsl("check", "--fix", slips)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"mended 4 mistakes in {slips}\n1 file, 1 model: no errors\n"
    assert slips.read_text() == MENDED


def test_mending_twice_is_mending_once(archdsl: Archdsl, slips: Path) -> None:
    archdsl("check", "--fix", slips)
    stamp = slips.stat()
    ran = archdsl("check", "--fix", slips)
    assert (ran.code, ran.err) == (0, "1 file, 1 model: no errors\n")
    assert (slips.stat().st_ino, slips.stat().st_mtime_ns) == (stamp.st_ino, stamp.st_mtime_ns)


def test_what_is_left_is_reported_and_decides_the_exit_code(archdsl: Archdsl, slips: Path) -> None:
    slips.write_text(UNSURE)
    ran = archdsl("check", "--fix", "--format", "json", slips)
    assert ran.code == 1
    assert [found["code"] for found in json.loads(ran.out)["diagnostics"]] == ["E0202"]
    assert slips.read_text() == MENDED.replace("relu", "rl")


def test_a_diff_is_what_fixing_would_do_and_changes_nothing(archdsl: Archdsl, slips: Path) -> None:
    ran = archdsl("check", "--diff", slips)
    assert ran.code == 1
    assert ran.out == (
        f"--- {slips}\n+++ {slips}\n@@ -1,5 +1,5 @@\n model m(width = 4) {{\n   input x: f32[N, 3, 8, 8]\n"
        "-  cnov(widht, 3, strides = 2) -> ReLU\n+  conv(width, 3, stride = 2) -> relu\n   output y\n }\n"
    )
    assert "E0202" in ran.err
    assert slips.read_text() == SLIPS


def test_a_diff_of_a_file_without_mends_is_empty(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("check", "--diff", spec)
    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_line_breaks_byte_order_mark_and_the_last_line_stay(
    archdsl: Archdsl, slips: Path, bom: bytes, line_break: str, last: str
) -> None:
    def laid_out(text: str) -> bytes:
        return bom + ("# 名前 é\n" + text.rstrip("\n") + last).replace("\n", line_break).encode()

    slips.write_bytes(laid_out(SLIPS))
    diff = archdsl("check", "--diff", slips)
    assert slips.read_bytes() == laid_out(SLIPS)
    assert ("\\ No newline at end of file" in diff.out) == (last == "")
    assert archdsl("check", "--fix", slips).code == 0
    assert slips.read_bytes() == laid_out(MENDED)


def test_wide_characters_before_a_mistake_do_not_shift_its_mend(archdsl: Archdsl, slips: Path) -> None:
    slips.write_text('model m { input x: f32[N, 3]; require true, "名前 𝄞"; liner(3); output y }')
    assert archdsl("check", "--fix", slips).code == 0
    assert slips.read_text() == 'model m { input x: f32[N, 3]; require true, "名前 𝄞"; linear(3); output y }'


def test_a_read_only_file_stays_as_it_is(archdsl: Archdsl, slips: Path) -> None:
    slips.chmod(0o444)
    ran = archdsl("check", "--fix", slips)
    assert ran.code == 3
    assert f"E0610]: cannot write {slips}: it is read-only" in ran.err
    assert slips.read_text() == SLIPS


def test_a_mended_file_keeps_its_permissions_and_a_link_stays_one(archdsl: Archdsl, slips: Path) -> None:
    slips.chmod(0o640)
    link = slips.with_name("link.arch")
    link.symlink_to(slips)
    assert archdsl("check", "--fix", link).code == 0
    assert link.is_symlink()
    assert slips.read_text() == MENDED
    assert slips.stat().st_mode & 0o777 == 0o640


def test_only_the_files_that_are_named_are_mended(archdsl: Archdsl, slips: Path) -> None:
    slips.write_text("block halve { rleu }\n")
    main = slips.with_name("main.arch")
    main.write_text('use "slips.arch" (halve)\nmodel m { input x: f32[N, 3]; halve; output y }\n')
    ran = archdsl("check", "--fix", main)
    assert ran.code == 1
    assert slips.read_text() == "block halve { rleu }\n"
    assert archdsl("check", "--fix", main, slips).code == 0
    assert slips.read_text() == "block halve { relu }\n"


def test_a_file_is_mended_again_when_what_it_imports_can_be_read(archdsl: Archdsl, slips: Path) -> None:
    slips.write_text("model half { input x: f32[N]; rleu; output y }\nblock f(n) { drpout(n) }\n")
    main = slips.with_name("a.arch")
    main.write_text('use "slips.arch" (f)\nmodel m { input x: f32[N, 3]; f(m = 1); f(0.5) -> rleu; output y }\n')
    archdsl("check", "--fix", main, slips)
    assert "-> relu" in main.read_text()
    assert "dropout(n)" in slips.read_text()


def test_a_file_that_cannot_be_read_as_text_is_reported_once(archdsl: Archdsl, slips: Path) -> None:
    slips.write_bytes(b"model \xff")
    ran = archdsl("check", "--fix", slips, slips.with_name("none.arch"))
    assert ran.code == 3
    assert (ran.out.count("E0604"), ran.out.count("E0601")) == (1, 1)
    assert slips.read_bytes() == b"model \xff"


@pytest.mark.parametrize("option", ["--fix", "--diff"])
def test_standard_input_is_not_mended(archdsl: Archdsl, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SLIPS.encode())))
    ran = archdsl("check", option, "-")
    assert ran.code == 2
    assert "E0607" in ran.err


def test_fix_and_diff_exclude_each_other(archdsl: Archdsl, slips: Path) -> None:
    assert archdsl("check", "--fix", "--diff", slips).code == 2


def test_a_diff_has_one_format(archdsl: Archdsl, slips: Path) -> None:
    ran = archdsl("check", "--diff", "--format", "json", slips)
    assert ran.code == 2
    assert "--format" in ran.err


def test_the_text_after_mending_has_no_mend_left() -> None:
    after, count = mend(Source("x.arch", SLIPS), Limits())
    assert (after, count) == (MENDED, 4)
    assert mend(Source("x.arch", after), Limits()) == (after, 0)
