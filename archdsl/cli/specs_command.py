"""`archdsl specs`: the networks that come with archdsl."""

import argparse
import itertools
import re
import sys

from archdsl import zoo
from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.cli.session import bad_usage, guarded
from archdsl.diagnostics.model import ArchError, Diagnostic, Sink
from archdsl.elaborate.loader import load_file
from archdsl.elaborate.report import as_written, did_you_mean
from archdsl.limits import Limits
from archdsl.records import record
from archdsl.syntax import ast


@record
class SpecEntry:
    """One network: the spec it is in, its name there, what it takes (`(depth = 50)`, or ` = resnet(depth = 50)` for a
    preset), and what its spec says of it."""

    spec: str
    model: str
    takes: str
    about: str

    @property
    def called(self) -> str:
        """The word that stands for it on the command line."""
        return self.model if zoo.locate(self.model)[0] == zoo.path(self.spec) else f"{self.spec}:{self.model}"


def main(arguments: list[str]) -> int:
    p = opts.parser(
        "specs",
        "List the networks that come with archdsl; every command takes their names in place of a file. With a name,\n"
        "print that spec: `archdsl specs resnet > mine.arch` makes a copy to change.",
    )
    p.add_argument("name", nargs="?", metavar="NAME", help="a spec, to be printed as it is")
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print the list")
    opts.add_color(p)
    return guarded(p.parse_args(arguments), _specs)


def _specs(arguments: argparse.Namespace) -> int:
    if arguments.name is not None:
        opts.refuse(arguments, ("--format",), "is for the list", "a spec is printed as it is: leave it out")
        sys.stdout.write(_text(arguments.name))
        return exits.FINE
    if not zoo.names():
        raise bad_usage("the networks that come with archdsl are not installed")
    entries = [entry for name in zoo.names() for entry in _entries(name)]
    print(_json(entries) if arguments.format == "json" else _table(entries))
    return exits.FINE


def _text(name: str) -> str:
    spec = name if name in zoo.names() else zoo.models().get(name)
    if spec is None:
        help = did_you_mean(name, [*zoo.names(), *zoo.models()]) or "`archdsl specs` lists them"
        raise ArchError([Diagnostic("E0601", f"no network named `{name}` comes with archdsl", None, help=help)])
    with open(zoo.path(spec), encoding="utf-8") as stream:
        return stream.read()


def _entries(name: str) -> list[SpecEntry]:
    """The models and presets of one spec."""
    sink = Sink()
    module = load_file(zoo.path(name), sink, Limits())
    sink.raise_errors()
    if module is None:
        return []
    about = _about(module.source.text)
    found: list[SpecEntry] = []
    for model, definition in module.models.items():
        syntax = definition.syntax
        if isinstance(syntax, ast.Preset):
            takes = f" = {as_written(syntax.base.span)}"
        else:
            takes = f"({', '.join(' '.join(parameter.span.text.split()) for parameter in syntax.parameters)})"
        found.append(SpecEntry(name, model, takes, about))
    return found


def _about(text: str) -> str:
    """The first sentence of the comment that a spec begins with."""
    comment = " ".join(
        line.strip("# ") for line in itertools.takewhile(lambda line: line[:1] == "#", text.splitlines())
    )
    return re.split(r"\. (?=[A-Z`])", comment)[0].rstrip(".")


def _table(entries: list[SpecEntry]) -> str:
    from archdsl.diagnostics.wrapping import prose

    width = opts.terminal_width(100)
    lines: list[str] = []
    for number, entry in enumerate(entries):
        if not number or entries[number - 1].spec != entry.spec:
            lines += [*([""] if number else []), *prose(f"{entry.spec}: {entry.about}", width)]
        lines += prose(f"    {entry.called}{entry.takes}", width)
    lines += ["", f"{len(entries)} networks. `archdsl count NAME` counts one, `archdsl specs NAME` prints its spec."]
    return "\n".join(lines)


def _json(entries: list[SpecEntry]) -> str:
    import json

    return json.dumps(
        [{"name": e.called, "spec": e.spec, "model": e.model, "takes": e.takes, "about": e.about} for e in entries],
        indent=2,
    )
