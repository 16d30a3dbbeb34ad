"""Makes what the engines run: `prepare.py FOLDER CLASS SPEC MODEL PARAMETERS SHAPE DTYPE EXPORT ...`.

One set of weights with statistics that do something, one input, the reference in double precision, our ONNX model, and
the export of our module by each exporter that is named.
"""

import copy
import json
import sys
from pathlib import Path

import numpy
import torch
from export import export
from modules import example_input, from_file

import archdsl


def main() -> None:
    folder_name, name, spec, model, parameters, shape, dtype, *exporters = sys.argv[1:]
    folder = Path(folder_name)
    torch.manual_seed(0)
    module = from_file(str(folder / "network.py"), name)().eval()
    for path, buffer in module.named_buffers():
        if path.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif path.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    inputs = example_input(tuple(json.loads(shape)))
    torch.save(module.state_dict(), folder / "state.pt")
    numpy.save(folder / "input.npy", inputs.numpy())
    with torch.inference_mode():
        exact = copy.deepcopy(module).double()(inputs.double() if inputs.is_floating_point() else inputs)
    numpy.save(folder / "reference.npy", exact.numpy())
    del exact
    network = archdsl.load(spec, model or None, **json.loads(parameters))
    network.onnx(folder / "archdsl.onnx", module.state_dict(), dtype=dtype)
    if dtype == "f16":
        module, inputs = module.half(), inputs.half() if inputs.is_floating_point() else inputs
    for exporter in exporters:
        export(exporter, module, inputs, str(folder / f"{exporter}.onnx"))


if __name__ == "__main__":
    main()
