"""What `compile` leaves behind: both files or neither, no temporary ones, and clear words for what is no folder."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Ran

from archdsl.files import write_atomic

Archdsl = Callable[..., Ran]


def test_a_source_that_cannot_be_written_leaves_the_old_onnx(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "tiny.py").mkdir(parents=True)
    (out / "tiny.onnx").write_bytes(b"old")
    assert archdsl("compile", spec, "-o", out).code == 3
    assert (out / "tiny.onnx").read_bytes() == b"old"
    assert sorted(os.listdir(out)) == ["tiny.onnx", "tiny.py"]


def test_an_onnx_that_cannot_be_written_leaves_the_old_source(archdsl: Archdsl, spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "tiny.onnx").mkdir(parents=True)
    (out / "tiny.py").write_text("old")
    assert archdsl("compile", spec, "-o", out).code == 3
    assert (out / "tiny.py").read_text() == "old"
    assert sorted(os.listdir(out)) == ["tiny.onnx", "tiny.py"]


def test_without_numpy_the_source_is_written_and_the_rest_is_told(spec: Path, tmp_path: Path) -> None:
    program = (
        "import sys\nsys.modules['numpy'] = None\n"
        f"from archdsl.cli.main import main\nsys.exit(main(['compile', {str(spec)!r}, '-o', {str(tmp_path / 'o')!r}]))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode != 0 and "E0801" in ran.stderr
    assert os.listdir(tmp_path / "o") == ["tiny.py"]


def test_the_source_can_be_printed(archdsl: Archdsl, spec: Path) -> None:
    ran = archdsl("compile", spec, "--to", "torch", "-o", "-")
    assert ran.code == 0
    compile(ran.out, "tiny.py", "exec")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "-"], "standard output takes the PyTorch source alone"),
        (["-o", os.devnull], "is no folder"),
        (["-o", "/".join(["a"] * 3000)], "cannot write"),
        (["-o", "a\0b"], "cannot write"),
    ],
    ids=["standard output", "a device", "three thousand folders", "no path"],
)
def test_what_is_no_folder_is_told_apart(
    archdsl: Archdsl, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = archdsl("compile", spec, *options)
    assert ran.code not in (0, 70) and said in ran.err, ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.arch"]


def test_a_temporary_file_of_a_killed_process_goes_with_the_next_write(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {pid: f".archdsl-{pid}-0123456789abcdef.tmp" for pid in (gone.pid, os.getpid())}
    for name in (*names.values(), ".archdsl-mine.tmp"):
        (tmp_path / name).write_text("half")
        old = time.time() - 3600
        os.utime(tmp_path / name, (old, old))
    write_atomic(tmp_path / "file", [b"whole"])
    assert sorted(os.listdir(tmp_path)) == sorted([names[os.getpid()], ".archdsl-mine.tmp", "file"])
