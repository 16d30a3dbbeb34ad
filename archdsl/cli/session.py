"""The frame of every command's own work: read specs, report diagnostics, write outputs."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.progress import progress
from archdsl.cli.usage import is_setting
from archdsl.diagnostics.model import ArchError, Diagnostic, Sink
from archdsl.diagnostics.terminal import printable, styled
from archdsl.limits import Ledger, Limits
from archdsl.source import Source

if TYPE_CHECKING:
    from archdsl.api import Network
    from archdsl.elaborate.module import Module


def guarded(arguments: argparse.Namespace, work: Callable[[argparse.Namespace], int]) -> int:
    """Run a command; what rejects a spec is printed to standard error and becomes the exit code."""
    try:
        return work(arguments)
    except ArchError as error:
        found = error.diagnostics
    except MemoryError:
        found = [Diagnostic("E0835", "the memory that this process may use is used up", None)]
    report(found, arguments.color)
    return exits.exit_code(found)


def report(diagnostics: Sequence[Diagnostic], color: str) -> None:
    """Print diagnostics to standard error."""
    if diagnostics:
        from archdsl.diagnostics.text import render_text

        most = opts.terminal_cells(sys.stderr)
        print(render_text(diagnostics, opts.wants_color(color), most), file=sys.stderr)


def load_any(path: str, sink: Sink, limits: Limits) -> "Module | None":
    """The module of a file, `-` being standard input; None after a report to the sink."""
    from archdsl.api import is_spec
    from archdsl.elaborate import loader

    if path != "-":
        return loader.load_file(path, sink, limits) if is_spec(path, sink) else None
    text = _standard_input(sink, limits)
    return None if text is None else loader.load_text(text, sink, limits, name="<stdin>")


def read_source(path: str, sink: Sink, limits: Limits) -> Source | None:
    """The text of a file without its imports, `-` being standard input; None after a report to the sink."""
    from archdsl.api import is_spec
    from archdsl.elaborate import loader

    if path != "-":
        return loader.read_source(path, sink, limits) if is_spec(path, sink) else None
    text = _standard_input(sink, limits)
    return None if text is None else Source("<stdin>", text)


def _standard_input(sink: Sink, limits: Limits) -> str | None:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]: it is None where none was open
        sink.add(Diagnostic("E0603", "standard input cannot be read: it is closed", None))
        return None
    try:
        # One byte more than the limit is enough to be refused for its size.
        data = sys.stdin.buffer.read(limits.source_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is closed"
        sink.add(Diagnostic("E0603", f"standard input cannot be read: {reason}", None))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) > limits.source_bytes:
            return data.decode("utf-8", "replace")
        message = f"standard input is not UTF-8 text: byte {error.start} is wrong"
        sink.add(Diagnostic("E0604", message, None))
        return None


def open_network(text: str, arguments: argparse.Namespace) -> "Network":
    """The network of a `FILE[:MODEL]` under the options of `opts.add_model`; its warnings are printed."""
    return open_family(text, [arguments.param], arguments)[0]


def open_family(
    text: str,
    families: Sequence[Sequence[str]],
    arguments: argparse.Namespace,
    limits: Limits | None = None,
    every: bool = False,
) -> "list[Network]":
    """The networks of a `FILE[:MODEL]` under each of several lists of `-p` options, and under the limits of a command
    that opens several; those of all its models if `every` and none is named. The file is read once; a warning that
    several of them give is printed once."""
    from archdsl import api

    limits = limits or opts.limits(arguments.limit)
    dims = opts.dims(arguments.dim)
    module, chosen, found = _open_module(text, limits)
    several = every and chosen is None and len(module.models) > 1
    names = _complete(module, families, text) if several else [api.choose_model(module, chosen)]
    began = time.monotonic()
    networks: list[Network] = []
    warnings: dict[str, Diagnostic] = {}
    files = [Ledger() for _ in families]  # the spec says how many models there are, the command how many settings
    for model in names:
        texts = opts.text_parameters(module, model)
        for given, file in zip(families, files, strict=True):
            setting = opts.parameters(given, texts)
            own = Sink()
            own.found.extend(found)
            try:
                with progress(f"reading {text}: network {len(networks) + 1} of {len(names) * len(families)}", began):
                    network = api.network(module, model, setting, dims, own, limits, file)
            except ArchError as error:
                opts.say_who_set(error.diagnostics, given)
                raise
            networks.append(network)
            warnings.update({repr(warning.span) + warning.message: warning for warning in network.warnings})
    report(list(warnings.values()), arguments.color)
    return networks


def _complete(module: "Module", families: Sequence[Sequence[str]], text: str) -> list[str]:
    """The models of a file that can be counted as they are; the others are named on standard error."""
    from archdsl.elaborate.check import required_parameters

    given = {option.partition("=")[0].strip().removeprefix("!") for family in families for option in family}
    complete: list[str] = []
    for name in module.models:
        missing = [
            parameter for parameter in required_parameters(module, name, Sink(), Limits()) if parameter not in given
        ]
        if missing:
            options = " ".join(f"-p {parameter}=..." for parameter in missing)
            print(printable(f"note: {text}:{name} is left out: it has no defaults for {options}"), file=sys.stderr)
        else:
            complete.append(name)
    return complete


def _open_module(text: str, limits: Limits) -> "tuple[Module, str | None, list[Diagnostic]]":
    """The file of a `FILE[:MODEL]`, the model that is named, and what was remarked while reading it."""
    chosen = opts.target(text)
    sink = Sink()
    module = load_any(chosen.path, sink, limits)
    for diagnostic in sink.found:
        if diagnostic.code == "E0601" and not diagnostic.help and is_setting(chosen.path):
            diagnostic.help = f"a parameter is set with -p: `-p {chosen.path}`"
    sink.raise_errors()
    assert module is not None
    return module, chosen.model, sink.found


def open_model(text: str, limits: Limits) -> "tuple[Module, str, list[Diagnostic]]":
    """The file of a `FILE[:MODEL]`, the model that is meant, and what was remarked while reading it."""
    from archdsl import api

    module, chosen, found = _open_module(text, limits)
    return module, api.choose_model(module, chosen), found


_MOST_FOLDERS = 1000
"""Folders that are looked through for specs: `archdsl check /` is a slip, and would take hours."""


def spec_files(paths: Sequence[str], sink: Sink) -> list[str]:
    """The given files, each folder replaced by the `.arch` files below it in the order of their names. A folder without
    any is reported (E0608)."""
    from archdsl import zoo

    found: list[str] = []
    for path in paths:
        if path == "-" or not os.path.isdir(path):
            found.append(zoo.locate(path)[0])
            continue
        inside: list[str] = []
        for walked, (folder, folders, files) in enumerate(os.walk(path)):
            if walked == _MOST_FOLDERS:
                message = f"the folder {path} has more than {_MOST_FOLDERS:,} folders below it"
                raise ArchError([Diagnostic("E0608", message, None, help="name the folders that hold specs")])
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            inside.extend(os.path.join(folder, name) for name in sorted(files) if name.endswith(".arch"))
        if not inside:
            sink.add(Diagnostic("E0608", f"no .arch file in the folder {path}", None))
        found.extend(inside)
    return found


def read_weights(network: "Network", arguments: argparse.Namespace) -> "Mapping[str, Any]":
    """The weights that `--weights`, `--keys` and `--seed` mean. Raises `ArchError` where they cannot be read or do not
    fit."""
    path: str | None = arguments.weights
    if path is None:
        opts.refuse(arguments, ("--keys",), "says what the names in a file of weights mean", "name the file: --weights")
    try:
        with progress("weights: reading" if path else "weights: drawing"):
            return network.read_weights(path, arguments.seed, arguments.keys)
    except OSError as error:
        raise unreadable(path or "", error) from None


def write_text(path: str, text: str) -> None:
    """Write a file whole or not at all. Raises `ArchError` (E0610)."""
    from archdsl.files import write_atomic

    try:
        write_atomic(path, [text.encode("utf-8")])
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: str, error: OSError) -> ArchError:
    """E0610 for an output that the system refused."""
    return ArchError([Diagnostic("E0610", f"cannot write {path}: {error.strerror or error}", None)])


def unreadable(path: str, error: OSError | ValueError) -> ArchError:
    """E0601 to E0603 for an input that the system refused; a `ValueError` is a path that cannot be one."""
    if isinstance(error, ValueError):
        return ArchError([Diagnostic("E0603", f"`{path}` cannot be read: the path is not valid", None)])
    if isinstance(error, FileNotFoundError):
        return ArchError([Diagnostic("E0601", f"there is no file `{path}`", None)])
    if isinstance(error, IsADirectoryError):
        return ArchError([Diagnostic("E0602", f"`{path}` is a folder", None)])
    return ArchError([Diagnostic("E0603", f"`{path}` cannot be read: {error.strerror or error}", None)])


def say_unchecked(found: Sequence[Diagnostic], left: Sequence[str]) -> None:
    """Add to the finding that says that a budget is spent what was not looked at because of that."""
    last = next((each for each in reversed(found) if each.severity == "error"), None)
    if left and last is not None:
        more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
        last.notes = (*last.notes, f"not checked: {', '.join(left[:_MOST_NAMED])}{more}")


_MOST_NAMED = 5


def bad_usage(message: str, help: str = "") -> ArchError:
    """E0607 for options that do not go together."""
    return ArchError([Diagnostic("E0607", message, None, help=help)])


def plural(count: int, what: str) -> str:
    """`1 test`, `2 tests`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def colored_verdict(line: str, color: bool) -> str:
    """A line of results, its `ok` or `FAIL` in colour."""
    verdict = line.lstrip(" ")[:4]
    if verdict not in ("ok  ", "FAIL"):
        return line
    begin = len(line) - len(line.lstrip(" "))
    return line[:begin] + styled(verdict, "good" if verdict == "ok  " else "bad", color) + line[begin + 4 :]
