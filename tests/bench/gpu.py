"""The table of `latency` on a GPU, in single precision (TF32 allowed) and in half."""

import latency
from measure import run_process
from tables import Report

PROBE = """
import torch
if not torch.cuda.is_available():
    print("PyTorch sees no CUDA device")
else:
    import onnxruntime
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        print("the installed onnxruntime has no CUDA provider (it is onnxruntime-gpu that has)")
"""


def run(rounds: int = 51) -> Report:
    missing = run_process("-c", PROBE).output.strip()
    if missing:
        return Report("One pass on a GPU", skipped=missing)
    single, half = (latency.run(rounds, "cuda", dtype) for dtype in ("f32", "f16"))
    return Report(
        "One pass on a GPU",
        [*single.tables, *half.tables],
        [*single.targets, *half.targets],
        [f"First {single.title}, then {half.title}.", *single.remarks],
    )
