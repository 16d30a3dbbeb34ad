"""Options that several commands share, and what their values mean."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from archdsl.diagnostics.model import ArchError, Diagnostic, Sink
from archdsl.limits import Ledger, Limits, limit_names
from archdsl.records import record
from archdsl.source import Source, Span

if TYPE_CHECKING:
    from archdsl.elaborate.module import Module
    from archdsl.syntax import ast


def parser(name: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """The parser of one command. Options are not abbreviated: a script must not break when one is added."""
    made = _Parser(
        prog=f"archdsl {name}",
        description=description,
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    made.set_defaults(parser=made)  # for `refuse`, which asks it what was not given
    return made


class _Parser(argparse.ArgumentParser):
    """Takes `-:MODEL`, a model on standard input, for what it is and not for an option: argparse leaves alone what has
    a space in it, which `target` takes off."""

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]: the original has overloads
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        if args is _ASKED:
            raise _Declared(self)
        given = [f" {text}" if text.startswith("-:") else text for text in args]
        return super().parse_known_args(given, namespace)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.option_strings and arg_strings == ["--"]:  # of `--dim=--`: argparse makes an empty list of that
            value = self._get_value(action, "--")  # pyright: ignore[reportAttributeAccessIssue]: argparse's own
            self._check_value(action, value)  # pyright: ignore[reportAttributeAccessIssue]
            return value
        return super()._get_values(action, arg_strings)  # pyright: ignore[reportAttributeAccessIssue]

    def error(self, message: str) -> NoReturn:
        from archdsl.cli.usage import explain

        print(explain(self, message), file=sys.stderr)
        raise SystemExit(2)


_ASKED: list[str] = []
"""The very list that a parser is handed when it is only asked what it was told of."""


class _Declared(Exception):
    """Carries a parser out of its command, which makes it and would go on."""

    def __init__(self, made: argparse.ArgumentParser) -> None:
        super().__init__()
        self.actions = list(made._actions)  # pyright: ignore[reportPrivateUsage]: argparse offers no other list of them


def declared(command: str) -> list[argparse.Action]:
    """The options and arguments of a command, as its parser was told of them."""
    from importlib import import_module

    try:
        import_module(f"archdsl.cli.{command}_command").main(_ASKED)
    except _Declared as found:
        return found.actions
    raise RuntimeError(f"`{command}` asked no parser")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Asks for the terminal's width itself: argparse, which makes a formatter for every argument it is told of, would
    import `shutil` for that, and with it three compression libraries."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns())


def _columns() -> int:
    return min(terminal_width(100), 120) - 2


def terminal_width(other: int) -> int:
    """Cells of a line of the terminal that standard output is, else `other`."""
    return terminal_cells(sys.stdout) or other


def terminal_cells(stream: Any) -> int | None:
    """Cells of a line of the terminal that a stream is; None where it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (AttributeError, OSError, ValueError):  # no standard output, none with a descriptor, or no terminal
        return None


def add_color(p: argparse.ArgumentParser) -> None:
    p.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour on a terminal")


def add_limit(p: argparse.ArgumentParser) -> None:
    names = ", ".join(limit_names())
    p.add_argument(
        "--limit", action="append", default=[], metavar="NAME=COUNT", help=f"raise or lower a limit: {names}"
    )


def add_model(p: argparse.ArgumentParser) -> None:
    """`-p`, `--dim`, `--limit` and `--color`."""
    p.add_argument(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the model; -p NAME and -p !NAME set a flag to true and false",
    )
    p.add_argument(
        "--dim", action="append", default=[], metavar="NAME=SIZE", help="fix a symbolic dimension of the inputs"
    )
    add_limit(p)
    add_color(p)


def count(text: str) -> int:
    """The type of an option that takes a whole number of at least 1."""
    number = int(text) if len(text) < 20 and text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number of at least 1, not `{text[:100]}`")
    return number


def seed(text: str) -> int:
    """The type of `--seed`, the same for every command."""
    from archdsl.seeds import check_seed

    try:
        return check_seed(int(text) if len(text) < 30 else -1)
    except ValueError:
        taken = "takes a whole number from 0 to 2**64 - 1"
        raise argparse.ArgumentTypeError(f"{taken}, not `{text[:100]}`") from None


def add_weights(p: argparse.ArgumentParser) -> None:
    """`--weights`, `--keys` and `--seed`."""
    p.add_argument("--weights", metavar="FILE", help="a safetensors file whose keys are the model's parameter paths")
    p.add_argument("--keys", metavar="FILE", help="a key map for weights with other keys; see `archdsl explain E0815`")
    p.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of the initial weights (default 0)")


def add_device(p: argparse.ArgumentParser) -> None:
    """`--device`."""
    p.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where onnxruntime runs, or refuses to")


def add_onnx(p: argparse.ArgumentParser) -> None:
    """`--opset`, `--functions` and `--dtype`."""
    add_onnx_form(p)
    p.add_argument("--dtype", choices=("f32", "f16"), default="f32", help="number format of the ONNX model")


def add_onnx_form(p: argparse.ArgumentParser) -> None:
    """`--opset` and `--functions`: how ONNX is written, whatever its number format."""
    from archdsl.ir.lowering import DEFAULT_OPSET

    opset = f"ONNX operator set (default {DEFAULT_OPSET})"
    p.add_argument("--opset", type=count, default=DEFAULT_OPSET, metavar="N", help=opset)
    p.add_argument("--functions", action="store_true", help="keep blocks as functions of the ONNX model")


def refuse(arguments: argparse.Namespace, options: Sequence[str], why: str, help: str = "") -> None:
    """Refuse options that would change nothing, rather than ignore them. Raises `ArchError` (E0607)."""
    for option in options:
        name = "param" if option == "-p" else option.removeprefix("--").replace("-", "_")
        if getattr(arguments, name) != arguments.parser.get_default(name):
            raise ArchError([Diagnostic("E0607", f"{option} {why}", None, help=help)])


def wants_color(choice: str, stream: object = None) -> bool:
    """Whether to colour what goes to a stream (standard error if not said). `NO_COLOR` wins over
    everything."""
    if os.environ.get("NO_COLOR"):
        return False
    if choice != "auto":
        return choice == "always"
    isatty: Callable[[], bool] = getattr(stream or sys.stderr, "isatty", lambda: False)
    return isatty() and os.environ.get("TERM") != "dumb"


@record
class Target:
    """`FILE[:MODEL]` of a command line."""

    path: str
    model: str | None


def target(text: str) -> Target:
    """Split `FILE:MODEL`. A file whose own name has a colon in it is taken whole."""
    from archdsl.api import split_target

    return Target(*split_target(text.removeprefix(" ") if text.startswith(" -:") else text))


def limits(given: Sequence[str]) -> Limits:
    """Limits as `--limit` options say. Raises `ArchError` (E0607, E0609)."""
    chosen = Limits(command=Ledger())
    names = limit_names()
    for option in given:
        name, value, source = _split("--limit", option)
        if name not in names:
            raise _unknown("E0609", f"no limit `{name}`", source, option, name, names, "limits")
        count = _positive("--limit", option, value, source)
        if name == "integer_bits" and count > _MOST_INTEGER_BITS:
            message = f"integers have at most {_MOST_INTEGER_BITS} bits: Python prints no much larger ones"
            raise bad_value(source, option, value, message, "too many")
        setattr(chosen, name, count)
    return chosen


_MOST_INTEGER_BITS = 4096


def dims(given: Sequence[str]) -> dict[str, int]:
    """Sizes as `--dim` options say. Raises `ArchError` (E0607)."""
    found: dict[str, int] = {}
    for option in given:
        name, value, source = _split("--dim", option)
        if len(values := _pieces(value)) > 1:
            message, help = f"`--dim {name}` takes one size", f"give one, `--dim {name}={values[0]}`, or leave it out"
            raise bad_value(source, option, value, message, "several", f"{help}: formulas in {name} hold for all")
        found[name] = _positive("--dim", option, value, source)
    return found


def parameters(given: Sequence[str], texts: Mapping[str, frozenset[str] | None] | None = None) -> dict[str, object]:
    """Values as `-p` options say, read by the language's own parser; `bn` and `!bn` are flags, as in a call. `texts`
    names the parameters that take texts (None for any, else these), which need no quotes. Raises `ArchError`
    (E0607)."""
    found: dict[str, object] = {}
    texts = texts or {}
    for option in given:
        name, value, source = _split("-p", _flag(option) or option)
        if name in found:
            raise bad_value(source, _flag(option) or option, name, f"`{name}` is set twice", "set here again")
        words = texts.get(name, frozenset())
        if value[0] != '"' and not _flag(option) and (words is None or value in words):
            found[name] = value
        else:
            found[name] = _literal("-p", _flag(option) or option, value, source)
    return found


def text_parameters(module: "Module", model: str) -> dict[str, frozenset[str] | None]:
    """The parameters of a model that take texts: None where any will do, else the texts they choose from."""
    from archdsl.elaborate.model import look_up_model
    from archdsl.syntax import ast

    found = look_up_model(module, model, Sink(), Limits())
    texts: dict[str, frozenset[str] | None] = {}
    for parameter in found[0].syntax.parameters if found else ():
        words = [part for part in parameter.choices if isinstance(part, ast.String)]
        untyped = parameter.type is None and not parameter.choices and isinstance(parameter.default, ast.String)
        if words:
            texts[parameter.name.id] = frozenset("".join(map(str, word.parts)) for word in words)
        elif untyped or (parameter.type is not None and parameter.type.id == "string"):
            texts[parameter.name.id] = None
    return texts


MOST_NETWORKS = 1_000
"""Networks that one command may stand for."""


def families(given: Sequence[str]) -> list[list[str]]:
    """The `-p` options of each network that options with several values stand for: `depth=18,34` are two, and two such
    options stand for every pair, the first varying slowest. Commas inside brackets and strings belong to the value.
    Raises `ArchError` (E0607) for more than `MOST_NETWORKS`."""
    found: list[list[str]] = [[]]
    for option in given:
        name, equals, value = option.partition("=")
        values = _pieces(value) if equals else [value]
        if len(found) * len(values) > MOST_NETWORKS:
            source = Source("command line", f"-p {option}")
            message = f"these values stand for {len(found) * len(values):_} networks or more"
            help = f"at most {MOST_NETWORKS:_} go into one table"
            raise bad_value(source, option, option, message, "this is one value too many", help)
        found = [[*before, f"{name}{equals}{each}"] for before in found for each in values]
    return found


def _pieces(text: str) -> list[str]:
    """A text cut at its commas, those inside brackets and strings left alone."""
    pieces: list[str] = []
    start = depth = 0
    quoted = False
    for index, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth == 0:
            pieces.append(text[start:index])
            start = index + 1
    return [*pieces, text[start:]]


def _flag(option: str) -> str:
    """`bn=true` for `bn`, `bn=false` for `!bn`, "" for anything else."""
    name = option.strip()
    if name.isidentifier():
        return f"{name}=true"
    return f"{name[1:]}=false" if name[:1] == "!" and name[1:].isidentifier() else ""


def say_who_set(diagnostics: Sequence[Diagnostic], given: Sequence[str]) -> None:
    """Add to what is wrong with a model's parameter the `-p` option that set it: the place in the spec is only where
    the parameter is declared."""
    from archdsl.ops.synonyms import VALUES

    for option in given:
        name = (_flag(option) or option).partition("=")[0].strip()
        for diagnostic in diagnostics:
            if not diagnostic.trace and diagnostic.message.startswith(f"`{name}` of `"):
                diagnostic.notes = (*diagnostic.notes, f"it was set on the command line: -p {option}")
                model, _, wrong = diagnostic.message.removeprefix(f"`{name}` of `").partition("`")
                value = option.partition("=")[2].strip()
                if value in VALUES and not diagnostic.help:
                    diagnostic.help = f"write `-p {name}={VALUES[value]}`"
                if wrong.startswith(" must be a block,") and not diagnostic.help:
                    preset = f"model other = {model}({name} = ...)"
                    diagnostic.help = f"-p takes no blocks; name one in a preset in the spec: `{preset}`"


def bad_value(source: Source, option: str, part: str, message: str, label: str, help: str = "") -> ArchError:
    """E0607 at a part of an option."""
    start = source.text.index(option) + max(option.rfind(part), 0)
    return ArchError([Diagnostic("E0607", message, Span(source, start, start + len(part)), label, help=help)])


def _unknown(code: str, message: str, source: Source, option: str, name: str, known: list[str], what: str) -> ArchError:
    from archdsl.elaborate.report import did_you_mean

    start = source.text.index(option)
    note = f"{what}: {', '.join(known)}"
    span = Span(source, start, start + len(name))
    return ArchError([Diagnostic(code, message, span, notes=(note,), help=did_you_mean(name, known))])


def _split(flag: str, option: str) -> tuple[str, str, Source]:
    """Name and value of `NAME=VALUE`, and a source that shows the option in diagnostics."""
    source = Source("command line", f"{flag} {option}")
    name, equals, value = option.partition("=")
    if not equals or not value.strip() or not name.strip().isidentifier():
        help = f"write {flag} NAME=VALUE"
        raise bad_value(source, option, option, f"`{flag}` takes NAME=VALUE", "this is not", help)
    return name.strip(), value.strip(), source


def _positive(flag: str, option: str, value: str, source: Source) -> int:
    found = _literal(flag, option, value, source)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise bad_value(source, option, value, f"`{flag}` takes a positive integer", "this is not one")
    return found


def _literal(flag: str, option: str, value: str, source: Source) -> object:
    """The value of a literal. It is parsed as the right side of `let`, with the option's place in
    diagnostics."""
    from archdsl.syntax import ast
    from archdsl.syntax.parser import parse

    head = "let value = "
    sink = Sink()
    tree = parse(Source(f"{flag} {option.partition('=')[0]}", head + value), sink)
    wrong = bad_value(
        source,
        option,
        value,
        f"the value of `{flag} {option.partition('=')[0]}` is no literal",
        "expected a number, true, false, none, a string, a list or a name",
    )
    if sink.has_errors or tree is None or len(tree.items) != 1:
        raise wrong
    item = tree.items[0]
    if not isinstance(item, ast.Let) or len(item.targets) != 1:
        raise wrong
    try:
        return _value(item.value)
    except ValueError:
        raise wrong from None


def _value(expr: "ast.Expr") -> object:
    """A literal's value; `ValueError` for anything else. Lists nest no deeper than the parser's limit."""
    from archdsl.syntax import ast

    if isinstance(expr, ast.Int | ast.Float | ast.Bool):
        return expr.value
    if isinstance(expr, ast.NoneLiteral):
        return None
    if isinstance(expr, ast.Name):
        return expr.id
    if isinstance(expr, ast.String):
        if all(isinstance(part, str) for part in expr.parts):
            return "".join(map(str, expr.parts))
    elif isinstance(expr, ast.Negative):
        if isinstance(expr.operand, ast.Int | ast.Float):
            return -expr.operand.value
    elif isinstance(expr, ast.ListExpr | ast.TupleExpr):
        return [_value(item) for item in expr.items]
    raise ValueError
