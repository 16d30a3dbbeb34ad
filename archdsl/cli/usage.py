"""Mistakes in a command line: what argparse says, in one line, with what was probably meant."""

import argparse
import re
from collections.abc import Iterable

_INVALID = re.compile(
    r"argument (?P<name>\S+): invalid (?:choice|[^:]+ value): (?P<value>.+?)(?: \(choose from .*\))?$"
)
_LONGEST = 100


def explain(parser: argparse.ArgumentParser, message: str) -> str:
    """An error of argparse as this program says it: a line, and a help line."""
    from archdsl.diagnostics.terminal import printable

    told, help = _told(parser, " ".join(message.split()))
    return f"error: {printable(told)}\n  = help: {printable(help or f'see `{parser.prog} --help`')}"


def _told(parser: argparse.ArgumentParser, message: str) -> tuple[str, str]:
    head, _, rest = message.partition(": ")
    if head == "unrecognized arguments":
        return _unknown(parser, rest.split())
    if head == "the following arguments are required":
        return f"{rest} is missing", ""
    name = _shown(head.removeprefix("argument "))
    found = _INVALID.match(message)
    if found is None:
        return (f"{name}: {rest}" if head.startswith("argument ") else message)[: 3 * _LONGEST], ""
    value = found["value"].strip("'\"")[:_LONGEST]
    choices = next((a.choices for a in _actions(parser) if "/".join(a.option_strings) == found["name"]), None)
    if choices is None:
        return f"{name} does not take `{value}`", ""
    known = [str(choice) for choice in choices]
    return f"{name} is one of {', '.join(known)}, not `{value}`", _meant(value, known)


def _unknown(parser: argparse.ArgumentParser, left: list[str]) -> tuple[str, str]:
    """Arguments that nothing takes: an option that there is not, or a word too many."""
    option = next((word for word in left if word.startswith("-") and word != "-"), "")
    if option:
        name = option.partition("=")[0][:_LONGEST]
        known = [option for action in _actions(parser) for option in action.option_strings]
        return f"there is no option `{name}`", _meant(name, known)
    word = left[0][:_LONGEST] if left else ""
    return f"`{word}` is one argument too many", parameter_help(parser, word)


def parameter_help(parser: argparse.ArgumentParser, word: str) -> str:
    """A help where `NAME=VALUE` stands alone: the option `-p` is missing."""

    takes = any("-p" in action.option_strings for action in _actions(parser))
    return f"a parameter is set with -p: `-p {word}`" if takes and is_setting(word) else ""


def _actions(parser: argparse.ArgumentParser) -> "list[argparse.Action]":
    return parser._actions  # pyright: ignore[reportPrivateUsage]: argparse offers no other list of them


def _meant(word: str, known: Iterable[str]) -> str:
    from archdsl.elaborate.report import did_you_mean

    return did_you_mean(word, known)


def _shown(name: str) -> str:
    """The longest name of an option: `--param` of `-p/--param`."""
    return name.rsplit("/", 1)[-1]


def is_setting(text: str) -> bool:
    """Whether a word that stands alone looks like the value of a `-p`: `depth=50`."""
    name, equals, _ = text.partition("=")
    return bool(equals) and name.isidentifier()
