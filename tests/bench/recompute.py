"""What recomputation saves and what it costs: training steps of DenseNets, plain and memory-efficient, side by side.

Each network runs in a process of its own, which reports its own peak: VmHWM of /proc/self/status, set back before the
step (what `getrusage` calls the peak of a process begins with that of the process it was started from). The peak counts
from before the step, which is the second one: the first also pays for libraries that are loaded on the way. The
allocator gives tensors back at once. Runs take turns; medians are printed. Linux only.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
NETWORKS: tuple[tuple[str, str, str, dict[str, object], int], ...] = (
    ("DenseNet-40-12", "densenet_cifar", "densenet_cifar", {}, 16),
    ("DenseNet-BC-100-12", "densenet_cifar", "densenet_bc", {}, 16),
    ("DenseNet-BC-190-40", "densenet_cifar", "densenet_bc", {"depth": 190, "k": 40}, 1),
    ("DenseNet-121", "densenet", "densenet", {}, 2),
)


def memory(field: str) -> int:
    """`VmHWM` or `VmRSS` of this process, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this needs Linux's /proc")


def child(file: str, model: str, given: dict[str, object], batch: int, efficient: bool) -> None:
    """Two training steps; prints the bytes that the first one saves for backward, the peak and the seconds of the
    second."""
    import torch

    import archdsl

    torch.manual_seed(0)
    net = archdsl.load(str(ROOT / "specs" / f"{file}.arch"), model, **given, memory_efficient=efficient)
    module = net.torch().train()
    (image,) = net.program.inputs
    x = torch.randn(batch, *(int(dim) for dim in image.type.dims[1:]))  # pyright: ignore[reportArgumentType]
    labels = torch.zeros(batch, dtype=torch.long)
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    saved: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    def step() -> None:
        torch.nn.functional.cross_entropy(module(x), labels).backward()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    start = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    began = time.perf_counter()
    step()
    seconds = time.perf_counter() - began
    peak = memory("VmHWM") - start
    print(json.dumps([sum(saved.values()), peak, seconds]))


def run(arguments: tuple[object, ...]) -> list[float]:
    command = [sys.executable, __file__, json.dumps(arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_MMAP_THRESHOLD_": str(1 << 16)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main(runs: int = 3) -> None:
    print(f"one training step on the CPU, medians of {runs} processes each; saved and peak in MiB")
    print(f"{'network':<20}{'batch':>6}{'saved':>20}{'peak':>20}{'seconds':>20}")
    print(f"{'':<26}{'plain  efficient':>20}{'plain  efficient':>20}{'plain  efficient':>20}")
    for name, file, model, given, batch in NETWORKS:
        found: dict[bool, list[list[float]]] = {False: [], True: []}
        for _ in range(runs):
            for efficient in found:
                found[efficient].append(run((file, model, given, batch, efficient)))
        plain, efficient = ([statistics.median(each) for each in zip(*found[e], strict=True)] for e in (False, True))
        row = f"{name:<20}{batch:>6}"
        for column, scale, digits in ((0, MIB, 1), (1, MIB, 1), (2, 1, 2)):
            row += f"{plain[column] / scale:>9.{digits}f}{efficient[column] / scale:>11.{digits}f}"
        print(row, flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(*json.loads(sys.argv[1]))
    else:
        main()
