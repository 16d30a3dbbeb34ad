"""`archdsl verify`: do PyTorch and onnxruntime compute the same network?"""

import argparse
import sys

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.progress import progress
from archdsl.cli.session import colored_verdict, guarded, open_network, read_weights
from archdsl.diagnostics.terminal import printable
from archdsl.diagnostics.wrapping import listed, wrapped


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "verify",
        "Run a model through PyTorch and onnxruntime with the same weights on the same random input, and compare both\n"
        "with PyTorch in double precision. The exit code is 1 if either is further away than float32 explains.\n"
        "Symbolic dimensions that --dim does not fix: the batch is 1, any other 64 or next below it (60 for 5*H).",
    )
    p.add_argument("target", metavar="FILE[:MODEL]", help="a spec; - for standard input")
    opts.add_device(p)
    opts.add_weights(p)
    opts.add_onnx_form(p)
    opts.add_model(p)
    return guarded(p.parse_args(arguments), _verify)


def _verify(arguments: argparse.Namespace) -> int:
    from archdsl import verify

    network = open_network(arguments.target, arguments)
    weights = read_weights(network, arguments) if (arguments.weights, arguments.keys) != (None, None) else None
    with progress("verify: PyTorch, PyTorch in float64 and onnxruntime"):
        result = verify.verify(
            network.program,
            arguments.seed,
            weights=weights,
            dims=opts.dims(arguments.dim),
            opset=arguments.opset,
            functions=arguments.functions,
            device=arguments.device,
            limits=network.limits,
        )
    color = opts.wants_color(arguments.color, sys.stdout)
    most = opts.terminal_cells(sys.stdout)
    lines = ["max|error| / max|reference|, against PyTorch in float64"]
    lines.append(f"          {'PyTorch':>10}  {'onnxruntime':>11}  output")
    for found in result.comparisons:
        verdict = "ok  " if found.passed else "FAIL"
        errors = f"  {verdict}    {found.torch_error:>10.2e}  {found.onnx_error:>11.2e}"
        output = f"{printable(found.output)} {list(found.shape)}"
        lines += listed(errors, output, 35, most) if most else [f"{errors}  {output}"]
    lines.append(f"allowed {verify.TOLERANCE:g}; onnxruntime ran on {result.provider}, seed {arguments.seed}")
    for line in lines:
        for part in wrapped(line, most) if most else [line]:
            print(colored_verdict(part, color))
    return exits.FINE if result.passed else exits.SPEC
