"""`archdsl compile`: PyTorch source and ONNX from one spec, beside each other."""

import argparse
import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.progress import progress
from archdsl.cli.session import bad_usage, guarded, open_network, read_weights, unwritable, write_text
from archdsl.diagnostics.model import ArchError
from archdsl.diagnostics.terminal import printable

if TYPE_CHECKING:
    from archdsl.api import Network

SUFFIXES = {"torch": ".py", "onnx": ".onnx"}


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "compile",
        "Write a model as PyTorch source (MODEL.py) and ONNX (MODEL.onnx) into a folder, and print its totals.\n"
        "A file is replaced only when the new one is complete.",
        "examples:\n  archdsl compile specs/resnet.arch -p depth=101 -o build\n"
        "  archdsl compile specs/resnet.arch -o r50.onnx --weights r50.safetensors",
    )
    p.add_argument("target", metavar="FILE[:MODEL]", help="a spec; - for standard input")
    p.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="PATH",
        help="the folder to write to (default: the current one), or one file ending in .py or .onnx; - with --to torch "
        "prints the source; a folder whose name ends like a file's is written with a / after it",
    )
    p.add_argument("--to", choices=tuple(SUFFIXES), help="write only this one")
    opts.add_weights(p)
    opts.add_onnx(p)
    opts.add_model(p)
    return guarded(p.parse_args(arguments), _compile)


def _compile(arguments: argparse.Namespace) -> int:
    from archdsl.analysis.totals import totals_lines

    paths = _paths(arguments)
    if "onnx" not in paths:
        unused = ("--weights", "--keys", "--seed", "--opset", "--dtype", "--functions")
        opts.refuse(arguments, unused, "says how ONNX is written, which it is not here")
    network = open_network(arguments.target, arguments)
    total = network.cost()
    source = network.torch_source() if "torch" in paths else ""
    if paths == {"torch": _STANDARD_OUTPUT}:
        print(source, end="")
        return exits.FINE
    full = {kind: path or os.path.join(arguments.output, network.name + SUFFIXES[kind]) for kind, path in paths.items()}
    if not all(paths.values()):
        _make_folder(arguments.output)
    if len(paths) > 1:
        _write_both(network, source, full, arguments)
    elif "onnx" in paths:
        _write_onnx(network, full["onnx"], arguments)
    else:
        write_text(full["torch"], source)
    for path in full.values():
        print(f"wrote {printable(path)}")
    print()
    print("\n".join(totals_lines(total)))
    return exits.FINE


def _write_both(network: "Network", source: str, full: Mapping[str, str], arguments: argparse.Namespace) -> None:
    """Write the source and the ONNX: whichever of the two cannot be written leaves both old files. The source waits,
    complete on disk, under another name until the ONNX has its own. Where it is only a package that is missing for
    ONNX, the source is written all the same."""
    from archdsl.files import AtomicFile, real_path

    missing: ArchError | None = None
    try:
        target = real_path(full["torch"])
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), full["torch"])
        with AtomicFile(*os.path.split(target)) as file:
            file.write(source.encode("utf-8"))
            try:
                _write_onnx(network, full["onnx"], arguments)
            except ArchError as error:
                if [found.code for found in error.diagnostics] != ["E0801"]:
                    raise
                missing = error
    except OSError as error:
        raise unwritable(full["torch"], error) from None
    if missing is not None:
        print(f"wrote {printable(full['torch'])}")
        raise missing


_STANDARD_OUTPUT = "-"


def _paths(arguments: argparse.Namespace) -> dict[str, str]:
    """The files to write, each with its path, or "" for the model's name in the output folder."""
    if arguments.output == _STANDARD_OUTPUT:
        if arguments.to == "torch":
            return {"torch": _STANDARD_OUTPUT}
        raise bad_usage("standard output takes the PyTorch source alone", "write `--to torch -o -`")
    if not arguments.output:
        raise bad_usage("`-o` takes a folder or a file", "the current folder is `-o .`, or no `-o` at all")
    is_file = os.path.exists(arguments.output) and not os.path.isdir(arguments.output)
    if is_file and os.path.splitext(arguments.output)[1] not in SUFFIXES.values():
        raise bad_usage(f"{printable(arguments.output)} is no folder", "`--to torch -o -` prints the PyTorch source")
    for kind, suffix in SUFFIXES.items():
        if arguments.output.endswith(suffix) and not os.path.isdir(arguments.output):
            if arguments.to not in (None, kind):
                raise bad_usage(f"--to {arguments.to} does not go to a file that ends in {suffix}")
            return {kind: arguments.output}
    suffix = os.path.splitext(arguments.output)[1]
    if suffix[1:].isalpha() and not os.path.isdir(arguments.output):
        help = f"for a folder of that name write `-o {arguments.output}/`"
        raise bad_usage(f"a file that ends in {suffix} is not written, only {' and '.join(SUFFIXES.values())}", help)
    return {arguments.to: ""} if arguments.to else dict.fromkeys(SUFFIXES, "")


def _make_folder(folder: str) -> None:
    """Make a folder and those it is in, in a loop: `os.makedirs` goes as deep as the path does."""
    missing: list[str] = []
    path = os.path.abspath(folder)
    try:
        with suppress(FileNotFoundError):
            os.stat(path)  # a path that is too long is refused before half of it is made
        while not os.path.isdir(path) and path != os.path.dirname(path):
            missing.append(path)
            path = os.path.dirname(path)
        for path in reversed(missing):
            os.mkdir(path)
    except (OSError, ValueError) as error:
        raise unwritable(folder, error if isinstance(error, OSError) else OSError(errno.EINVAL, str(error))) from None


def _write_onnx(network: "Network", path: str, arguments: argparse.Namespace) -> None:
    weights = read_weights(network, arguments)
    try:
        with progress(f"compile: writing {path}"):
            network.onnx(
                path,
                weights,
                opset=arguments.opset,
                dtype=arguments.dtype,
                functions=arguments.functions,
            )
    except OSError as error:
        raise unwritable(path, error) from None
