"""Start-up, counting and emission as ratios and times of whole processes: `make bench`.

Commands take turns, so a machine that slows down slows all of them; medians are printed. Nothing is timed in the test
suite, because shared machines are noisy; this exits 1 when a figure is beyond its bound.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ARCHDSL = [sys.executable, "-m", "archdsl"]
REPEAT = """
block unit() { add { conv(16, 3) -> bn -> relu -> conv(16, 3) -> bn | id }; relu }
model m(n = 2) { input x: f32[N, 16, 8, 8]; repeat n { unit }; output y }
"""
MIB = 1 << 20


def measure(command: list[str]) -> tuple[float, int]:
    """Wall seconds and peak bytes of one process."""
    started = time.perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(runs: int = 9) -> int:
    with tempfile.TemporaryDirectory() as folder:
        repeat = Path(folder) / "repeat.arch"
        repeat.write_text(REPEAT, encoding="utf-8")
        cifar = "specs/resnet_cifar.arch"
        onnx = [*ARCHDSL, "compile", "--to", "onnx", "-o", folder]
        commands = {
            "import lark": [sys.executable, "-c", "import lark"],
            "ResNet-50": [*ARCHDSL, "count", "specs/resnet.arch", "-p", "depth=50"],
            "ResNet-20": [*ARCHDSL, "count", cifar, "-p", "depth=20"],
            "ResNet-1202": [*ARCHDSL, "count", cifar, "-p", "depth=1202"],
            "repeat 2": [*ARCHDSL, "count", str(repeat)],
            "repeat 1M": [*ARCHDSL, "count", str(repeat), "-p", "n=1000000"],
            "ONNX ResNet-50": [*onnx, "specs/resnet.arch"],
            "ONNX ResNet-1202": [*onnx, cifar, "-p", "depth=1202"],
        }
        found: dict[str, list[tuple[float, int]]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                found[name].append(measure(command))
    seconds = {name: statistics.median(taken for taken, _ in all_runs) for name, all_runs in found.items()}
    peak = max(size for _, size in found["ResNet-50"])
    rows = [
        ("count ResNet-50 / import lark", seconds["ResNet-50"] / seconds["import lark"], "x", 3.0),
        ("count ResNet-50, peak memory", peak / MIB, "MiB", 60.0),
        ("count ResNet-1202 / ResNet-20", seconds["ResNet-1202"] / seconds["ResNet-20"], "x", 1.5),
        ("count repeat 1 000 000 / repeat 2", seconds["repeat 1M"] / seconds["repeat 2"], "x", 2.0),
        ("ResNet-50 to ONNX with weights", seconds["ONNX ResNet-50"], "s", 2.5),
        ("ResNet-1202 to ONNX with weights", seconds["ONNX ResNet-1202"], "s", 6.0),
    ]
    print(f"{'figure':<36}{'measured':>12}{'bound':>12}   median of {runs} whole processes")
    for name, value, unit, bound in rows:
        print(f"{name:<36}{f'{value:.2f} {unit}':>12}{f'{bound:g} {unit}':>12}{'' if value <= bound else '   over'}")
    return int(any(value > bound for _, value, _, bound in rows))


if __name__ == "__main__":
    sys.exit(main())
