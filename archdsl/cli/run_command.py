"""`archdsl run`: a spec or an ONNX file, run on onnxruntime."""

import argparse
import os
import time
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Any

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.progress import progress
from archdsl.cli.session import bad_usage, guarded, open_network, read_weights, unreadable
from archdsl.diagnostics.terminal import printable

if TYPE_CHECKING:
    from archdsl.api import Network
    from archdsl.runtime import Description


def main(arguments: list[str]) -> int:
    return guarded(parser().parse_args(arguments), lambda parsed: _run(parsed, arguments))


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    p = opts.parser(
        "run",
        "Run a model on onnxruntime and describe its outputs. The provider that ran it is printed.",
        "inputs:\n"
        "  An image goes to a float input [N, 1 or 3, H, W]: it is resized to H x W, scaled to [0, 1] and, with three\n"
        "  channels, normalised by ImageNet's mean (0.485, 0.456, 0.406) and deviation (0.229, 0.224, 0.225).\n"
        "  Dimensions that neither a file nor --dim fixes: the batch, which is the first one, is 1, any other 64,\n"
        "  or next below it: 60 for 5*H.\n\n"
        "examples:\n  archdsl run specs/resnet.arch --weights r50.safetensors --input cat.png\n"
        "  archdsl run gpt.onnx --input ids=tokens.npy --device cuda",
    )
    p.add_argument("target", metavar="FILE[:MODEL] | MODEL.onnx", help="a spec or an ONNX file; - for standard input")
    p.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]SOURCE",
        help="an .npy file, an image file, or random (default); without a name the first input's",
    )
    opts.add_device(p)
    p.add_argument(
        "--max-memory", type=opts.count, metavar="MIB", help="memory an ONNX file may take (default by its size)"
    )
    p.add_argument(
        "--max-seconds", type=opts.count, metavar="N", help="processor time an ONNX file may take (default by its size)"
    )
    opts.add_weights(p)
    opts.add_onnx(p)
    opts.add_model(p)
    return p


def _run(arguments: argparse.Namespace, given: list[str]) -> int:
    """Run a spec here, an ONNX file in a process with bounds."""
    if not _is_onnx(arguments):
        why = "bounds an ONNX file, which may come from anywhere"
        opts.refuse(arguments, ("--max-memory", "--max-seconds"), why, "a spec is bounded by --limit")
        return run_here(arguments)
    unused = ("-p", "--weights", "--keys", "--opset", "--dtype", "--functions")
    opts.refuse(arguments, unused, "does not go with an ONNX file", "the file says all of that itself")
    from archdsl.cli import guard

    if not guard.is_possible():
        return run_here(arguments)
    from archdsl.readers.onnx_file import check_model

    dims = opts.dims(arguments.dim)
    try:
        size = check_model(arguments.target)
    except (OSError, ValueError) as error:
        raise unreadable(arguments.target, error) from None
    memory, seconds = guard.allowance(size, _asked(arguments, dims))
    memory = (arguments.max_memory or 0) << 20 or (memory if arguments.device == "cpu" else 0)
    colour = "always" if opts.wants_color(arguments.color) else "never"
    return guard.run_guarded(
        [*given, "--color", colour], os.path.basename(arguments.target), memory, arguments.max_seconds or seconds
    )


def _is_onnx(arguments: argparse.Namespace) -> bool:
    return arguments.target.endswith(".onnx")


def _asked(arguments: argparse.Namespace, dims: dict[str, int]) -> int:
    """Bytes of the data that the caller gives to a model, or of a colour image for each of the batch that was asked
    for, at most a gigabyte."""
    found = min(prod(dims.values()), 1 << 10) * (150 << 10) if dims else 0
    for source in _inputs(arguments.input).values():
        with suppress(OSError, ValueError):  # told when it is read
            found += os.path.getsize(source)
    return min(found, 1 << 30)


def run_here(arguments: argparse.Namespace) -> int:
    """Run in this process. Raises `ArchError`."""
    from archdsl import runtime
    from archdsl.feeds import check_dims, preparation

    given = _inputs(arguments.input)
    dims = opts.dims(arguments.dim)
    created, bounds, network = _session(arguments)
    if _is_onnx(arguments):  # of a spec they are settled before
        check_dims(runtime.inputs_of(created), dims)
    try:
        feeds = runtime.feeds(created, given, dims=dims, seed=arguments.seed, bounds=bounds)
    except (OSError, ValueError) as error:
        raise unreadable(str(getattr(error, "filename", None) or "the input"), error) from None
    if network is not None:
        from archdsl.footprint import check_values

        shapes = {name: array.shape for name, array in feeds.items()}
        check_values(network.program, shapes, "onnxruntime", network.limits)
    start = time.perf_counter()
    with progress("run: onnxruntime"):
        outputs = runtime.run(created, feeds)
    seconds = time.perf_counter() - start
    print(f"provider  {runtime.provider_of(created)}")
    for name, array in feeds.items():
        origin = given.get(name) or given.get("" if name == next(iter(feeds)) else name) or "random"
        done = preparation(origin, array)
        print(f"input     {printable(name)}: {array.dtype}{list(array.shape)}, {printable(origin)}")
        if done:
            print(f"          {done}")
    for name, array in outputs.items():
        _describe(runtime.describe(name, array))
    print(f"time      {seconds * 1000:.1f} ms, one run, not warmed up")
    return exits.FINE


def _inputs(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in given:
        name, equals, source = option.partition("=")
        if not equals or not name.isidentifier():
            name, source = "", option
        if name in found:
            which = f"the input `{name}`" if name else "the first input"
            raise bad_usage(f"{which} is given twice", "name them: --input ids=a.npy --input mask=b.npy")
        found[name] = source
    return found


def _session(arguments: argparse.Namespace) -> "tuple[Any, dict[str, int], Network | None]":
    """A session; the bounds of its integer inputs where they are known; the network of a spec."""
    from archdsl import runtime

    if _is_onnx(arguments):
        try:
            return runtime.session(arguments.target, arguments.device), {}, None
        except (OSError, ValueError) as error:
            raise unreadable(arguments.target, error) from None
    from archdsl.footprint import check_weights

    network = open_network(arguments.target, arguments)
    check_weights(network.program, "onnxruntime", network.limits)
    weights = read_weights(network, arguments)
    with progress("run: preparing onnxruntime"):
        session = network.session(
            arguments.device,
            weights,
            opset=arguments.opset,
            dtype=arguments.dtype,
            functions=arguments.functions,
        )
    return session, runtime.index_bounds(network.program, network.limits), network


def _describe(found: "Description") -> None:
    print(f"output    {printable(found.name)}: {found.dtype}{list(found.shape)}{found.range_text}")
    if found.top:
        whose = "of the first sample, " if found.shape[0] > 1 else ""
        best = ", ".join(f"{index} ({score:.4g})" for index, score in found.top)
        print(f"          best classes {whose}by index, with raw value: {best}")
