"""What a terminal is told while something takes long, seen from the other end of a pty."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import archdsl as package

pty = pytest.importorskip("pty")

ROOT = str(Path(package.__file__).parents[1])
SLOW = """
import threading, time
from archdsl.cli.progress import progress
began = time.monotonic()
for step in (1, 2):
    with progress(f"work: {step} of 2 \\x1b[31m" + "y" * 300, began):
        time.sleep({seconds})
assert threading.active_count() == 1
try:
    with progress("broken"):
        raise KeyboardInterrupt
except KeyboardInterrupt:
    assert threading.active_count() == 1
print("done")
"""


def on_terminal(program: list[str], term: str = "xterm") -> tuple[str, str]:
    """What a program writes to a terminal that is its standard error, and to its standard output, a pipe."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": term, "PYTHONPATH": ROOT}
    ran = subprocess.run(
        [sys.executable, *program], env=environment, stdout=subprocess.PIPE, stderr=theirs, timeout=100, check=False
    )
    os.write(theirs, b"END")
    os.close(theirs)
    seen = b""
    while not seen.endswith(b"END"):
        seen += os.read(ours, 1 << 16)
    os.close(ours)
    assert ran.returncode == 0, seen
    return seen.decode().removesuffix("END"), ran.stdout.decode()


def test_long_work_is_said_and_erased_and_no_thread_stays() -> None:
    seen, out = on_terminal(["-c", SLOW.replace("{seconds}", "0.7")])
    assert "work: 1 of 2" not in seen, "not before a second has gone"
    told = seen.split("\r\x1b[K")
    assert [text[:12] for text in told] == ["", "work: 2 of 2", ""]
    assert len(told[1]) == 79
    assert "\x1b" not in told[1]
    assert out == "done\n"


def test_short_work_is_not_spoken_of() -> None:
    assert on_terminal(["-c", SLOW.replace("{seconds}", "0.05")]) == ("", "done\n")


def test_a_dumb_terminal_and_a_pipe_are_left_alone() -> None:
    assert on_terminal(["-c", SLOW.replace("{seconds}", "0.7")], "dumb") == ("", "done\n")
    program = [sys.executable, "-c", SLOW.replace("{seconds}", "0.7")]
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": ROOT}
    ran = subprocess.run(program, capture_output=True, env=environment, timeout=100, check=True)
    assert (ran.stdout, ran.stderr) == (b"done\n", b"")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["check", "m.arch"], "check: 1 of 1 file, m.arch"),
        (["test", "m.arch"], "test: 1 of 1 file, m.arch"),
        (["count", "m.arch", "-p", "k=1,2"], "count: 2 of 2 networks, m"),
        (["verify", "m.arch"], "verify: PyTorch"),
        (["compile", "m.arch", "-o", "out"], "compile: writing out/m.onnx"),
        (["run", "m.arch"], "run: preparing onnxruntime"),
        (["run", "m.onnx"], "run: m.onnx on onnxruntime"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_every_command_that_may_take_long_says_what_it_does(
    command: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.arch").write_text(
        "model m(k = 2) { input x: f32[N, 3]; linear(k); output y }\ntest m { params > 0 }"
    )
    package.load("m.arch").onnx("m.onnx")
    hasty = f"from archdsl.cli import main, progress; progress.DELAY = 0.0; main.main({command!r})"
    seen, _ = on_terminal(["-c", hasty])
    assert said in seen
    assert seen.rfind("\r\x1b[K") > seen.rfind(said)
