"""The command `archdsl`: picks a command, runs it, turns what happens into an exit code.

A command's module is imported only when it is asked for, so `archdsl --help` imports none and `archdsl count`
pays for counting alone.
"""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from archdsl.cli import exits

COMMANDS = {
    "check": "parse, elaborate and shape-check every model of some files",
    "count": "parameters, MACs, FLOPs and activations, as a table",
    "compile": "write PyTorch source and ONNX",
    "run": "run a model on onnxruntime",
    "test": "run the tests of some files: published beside computed",
    "verify": "compare PyTorch and onnxruntime on the same weights and input",
    "specs": "the networks that come with archdsl",
    "ops": "the operators and standard blocks",
    "explain": "what a diagnostic code means",
    "show": "the syntax tree or the intermediate representation, as text",
    "completion": "a script that completes command lines in bash, zsh or fish",
}
"""Every command with its one line of help; the module of the same name in this package defines it."""


def entry_point() -> None:
    """The console script. Never returns.

    A command lives for a tenth of a second, of which looking for cyclic garbage would take a quarter: it is looked for
    rarely, and not at all on the way out.
    """
    gc.set_threshold(100_000)
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _reader_gone()
    except OSError as error:
        code = _unwritable(error)
    gc.freeze()
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name); returns the exit code and raises nothing.

    A failure that is nobody's mistake but ours is exit code 70 and one line; with `ARCHDSL_DEBUG=1` in the
    environment its traceback is printed too.
    """
    _make_streams_safe()
    try:
        return _dispatch(list(arguments))
    except SystemExit as stop:  # argparse: 0 after --help, 2 after a mistake
        return stop.code if isinstance(stop.code, int) else exits.USAGE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return exits.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except OSError as error:
        # Every file is opened by name, where its failure is a diagnostic; an error without one is a stream's.
        return _bug(error) if error.filename is not None else _unwritable(error)
    except Exception as error:
        return _bug(error)


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["help"] and len(arguments) > 1:
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_usage(), file=sys.stdout if arguments else sys.stderr)
        return exits.FINE if arguments else exits.USAGE
    if arguments[0] in ("-v", "-V", "--version"):
        import archdsl

        print(f"archdsl {archdsl.__version__}")
        return exits.FINE
    command, *rest = arguments
    if command == "__complete":  # asked by the scripts of `archdsl completion`, and by nobody else
        from archdsl.cli import completing

        return completing.main(rest, COMMANDS)
    if command not in COMMANDS:
        return _unknown(command)
    from importlib import import_module

    return import_module(f"archdsl.cli.{command}_command").main(rest)


def _usage() -> str:
    widest = max(map(len, COMMANDS))
    lines = [f"  {name:<{widest}}  {line}" for name, line in COMMANDS.items()]
    return "\n".join(
        [
            "usage: archdsl COMMAND ...",
            "",
            "A compiler for neural-network architectures.",
            "",
            "commands:",
            *lines,
            "",
            "`archdsl COMMAND --help` describes a command; `archdsl -v` (`--version`) prints the version.",
        ]
    )


def _unknown(command: str) -> int:
    from archdsl.diagnostics.terminal import printable
    from archdsl.elaborate.report import did_you_mean

    suggestion = did_you_mean(command, COMMANDS)
    known = suggestion or f"commands: {', '.join(COMMANDS)}"
    print(f"error: unknown command `{printable(command)}`\n  = help: {known}", file=sys.stderr)
    return exits.USAGE


def _make_streams_safe() -> None:
    """A terminal or pipe whose encoding lacks a character gets its escape instead of a traceback. A stream that is
    closed is the null device: what is meant for standard error would go to standard output, and the next file that
    is opened would be the missing stream."""
    _fill_descriptors()
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]: it is None where none was open
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _fill_descriptors() -> None:
    """Open the null device in place of any of the three standard streams that is closed."""
    try:
        for descriptor in range(3):
            os.fstat(descriptor)
    except OSError:
        while (opened := os.open(os.devnull, os.O_RDWR)) < 3:
            pass
        os.close(opened)


def _reader_gone() -> int:
    """The reader of our output closed the pipe (`archdsl count ... | head`): stop quietly, as other tools do."""
    _drop_output()
    return exits.BROKEN_PIPE


def _unwritable(error: OSError) -> int:
    """Standard output takes no more, of a full disk for example."""
    _drop_output()
    with suppress(OSError):
        print(f"error: cannot write the output: {error.strerror or error}", file=sys.stderr)
    return exits.IO


def _drop_output() -> None:
    """Point standard output at the null device, or the interpreter would fail once more when it flushes on exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    finally:
        os.close(null)


def _bug(error: Exception) -> int:
    if os.environ.get("ARCHDSL_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    from archdsl.diagnostics.terminal import printable

    print(
        f"archdsl: internal error, which is a bug in archdsl: {type(error).__name__}: {printable(str(error))}"
        " (set ARCHDSL_DEBUG=1 for the traceback)",
        file=sys.stderr,
    )
    return exits.BUG
