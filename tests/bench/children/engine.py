"""Runs one network on one engine again and again: `engine.py ENGINE FOLDER CLASS DEVICE DTYPE [TORCHVISION NAME]`.

The folder is what `prepare.py` left. The first result is compared with the reference there.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
from serve import serve

TOLERANCE = {"f32": 1e-3, "f16": 5e-2}
"""Largest max|difference| / max|reference| of an engine; TF32 has ten bits."""


def onnxruntime_pass(path: Path, inputs: Any, device: str, threads: int) -> Callable[[], Any]:
    """One run, the input and the output on the device where the network is."""
    if device == "cuda":
        import torch  # noqa: F401  # loads the CUDA libraries that onnxruntime then finds
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    if session.get_providers()[0] != provider:
        raise SystemExit(f"onnxruntime runs on {session.get_providers()[0]}, not on {provider}")
    binding = session.io_binding()
    held = onnxruntime.OrtValue.ortvalue_from_numpy(inputs, device, 0)
    binding.bind_ortvalue_input(session.get_inputs()[0].name, held)
    binding.bind_output(session.get_outputs()[0].name, device)

    def once() -> Any:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return lambda: binding.copy_outputs_to_cpu()[0]

    return once


def torch_pass(
    engine: str, folder: Path, name: str, inputs: Any, device: str, dtype: str, torchvision: str
) -> Callable[[], Any]:
    import torch
    from modules import from_file, torchvision_models

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    state = torch.load(folder / "state.pt")
    if engine == "torchvision":
        settings = {"aux_logits": False, "init_weights": False} if torchvision == "googlenet" else {}
        module = getattr(torchvision_models(), torchvision)(weights=None, **settings)
    else:
        module = from_file(str(folder / "network.py"), name)()
    module.load_state_dict(state)
    module = module.eval().to(device=device, dtype={"f32": torch.float32, "f16": torch.float16}[dtype])
    tensor = torch.from_numpy(inputs).to(device)
    if engine == "channels_last":
        module = module.to(memory_format=torch.channels_last)
        tensor = tensor.to(memory_format=torch.channels_last)
    if engine == "torch.compile":
        module = torch.compile(module)

    def once() -> Any:
        with torch.inference_mode():
            result = module(tensor)
        if device == "cuda":
            torch.cuda.synchronize()
        return lambda: result.float().cpu().numpy()

    return once


def main() -> None:
    engine, folder_name, name, device, dtype, threads, torchvision = sys.argv[1:]
    folder = Path(folder_name)
    inputs = numpy.load(folder / "input.npy")
    if dtype == "f16" and inputs.dtype == numpy.float32:
        inputs = inputs.astype(numpy.float16)
    files = {"archdsl": "archdsl", "archdsl again": "archdsl", "dynamo": "dynamo", "TorchScript": "torchscript"}
    if engine in files:
        once = onnxruntime_pass(folder / f"{files[engine]}.onnx", inputs, device, int(threads))
    else:
        once = torch_pass(engine, folder, name, inputs, device, dtype, torchvision)
    found = numpy.asarray(once()(), numpy.float64)
    reference = numpy.load(folder / "reference.npy")
    error = numpy.abs(found - reference).max() / numpy.abs(reference).max()
    if not error <= TOLERANCE[dtype]:
        raise SystemExit(f"{engine} computes something else: {error:.1e}")
    for _ in range(2):
        once()
    serve(once, time.process_time if device == "cpu" and threads == "1" else time.perf_counter)


if __name__ == "__main__":
    main()
