"""Words that could stand where the cursor is: the one back end of the completion of every shell.

The parsers of the commands are asked, so an option is completed as soon as a command declares it. Nobody waits for a
completion, and nobody reads an error in the middle of a line: a file that is wrong has no names to offer.
"""

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from archdsl.cli import options as opts
from archdsl.diagnostics.model import ArchError, Sink
from archdsl.limits import Limits, limit_names

if TYPE_CHECKING:
    from archdsl.elaborate.values import BlockDef
    from archdsl.syntax import ast


def main(arguments: Sequence[str], commands: Iterable[str]) -> int:
    """`archdsl __complete WORDS...`, which the scripts ask: print what the last of these words could become, one a
    line, the words before it being there already."""
    words = list(arguments) or [""]
    for candidate in candidates(words[:-1], words[-1], tuple(commands)):
        if candidate.isprintable():  # a name with a line break in it would be two
            print(candidate)
    return 0


def candidates(before: Sequence[str], word: str, commands: Sequence[str]) -> list[str]:
    """Whole words that begin with `word`, in the order in which they are declared."""
    if not before or before[0] == "help":
        general = ("help", "--help", "--version") if not before else ()
        return _starting(word, (*commands, *general)) if len(before) < 2 else []
    if before[0] not in commands:
        return []
    return _Line(before[0], before[1:]).candidates(word)


class _Line:
    """The words of one command, read as argparse would read them if they were all there."""

    def __init__(self, command: str, words: Sequence[str]) -> None:
        self._command = command
        actions = opts.declared(command)
        self._options = {name: action for action in actions for name in action.option_strings}
        self._free = [action for action in actions if not action.option_strings]
        self._values: dict[str, list[str]] = {}
        self._only_free = False
        self._pending: argparse.Action | None = None
        for word in words:
            self._read(word)

    def _read(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if self._pending is not None:
            self._note(self._pending, word)
            self._pending = None
        elif word == "--" and not self._only_free:
            self._only_free = True
        elif word.startswith("-") and name in self._options and not self._only_free:
            action = self._options[name]
            if equals or action.nargs == 0:
                self._note(action, value)
            else:
                self._pending = action
        elif (action := self._positional()) is not None:
            self._note(action, word)

    def _note(self, action: argparse.Action, value: str) -> None:
        self._values.setdefault(action.dest, []).append(value)

    def _positional(self) -> argparse.Action | None:
        """The argument that the next word without an option is."""
        for action in self._free:
            if action.nargs in ("+", "*") or action.dest not in self._values:
                return action
        return None

    def candidates(self, word: str) -> list[str]:
        if self._pending is not None:
            return self._of(self._pending, word)
        if self._only_free or not word.startswith("-"):
            action = self._positional()
            return self._of(action, word) if action is not None else []
        name, equals, value = word.partition("=")
        if not equals:
            return _starting(word, self._open_options())
        if name not in self._options or self._options[name].nargs == 0:
            return []
        return [f"{name}={each}" for each in self._of(self._options[name], value)]

    def _open_options(self) -> list[str]:
        """The options that can still be given: long names, and short ones where there is no long one."""
        found: list[str] = []
        for action in dict.fromkeys(self._options.values()):
            if action.dest in self._values and not isinstance(action.default, list):
                continue
            long = [name for name in action.option_strings if name.startswith("--")]
            found += [*(name for name in action.option_strings if name == "-p"), *(long or action.option_strings)]
        return found

    def _of(self, action: argparse.Action, word: str) -> list[str]:
        """Values of an option or of a positional argument."""
        if action.choices is not None:
            return _starting(word, [str(choice) for choice in action.choices])
        values = _VALUES.get((self._command, action.dest)) or _VALUES.get(("", action.dest))
        if values is not None:
            return values(self, word)
        if "FILE" in str(action.metavar):
            return _targets(word) if "[:MODEL]" in str(action.metavar) else _files(word)
        return []

    def parameters(self, word: str) -> list[str]:
        """`name=` for each parameter of the model, or `name=value` where its values are listed."""
        from archdsl.syntax import ast

        name, equals, _ = word.partition("=")
        found: list[str] = []
        for parameter in self._parameters():
            if not equals:
                found.append(f"{parameter.name.id}=")
            elif parameter.name.id == name:
                typed = parameter.type is not None and parameter.type.id == "bool"
                flag = parameter.is_flag or typed or isinstance(parameter.default, ast.Bool)
                texts = [_plain(choice) for choice in parameter.choices] or (["true", "false"] if flag else [])
                found += [f"{name}={text}" for text in texts]
        return _starting(word, found)

    def dims(self, word: str) -> list[str]:
        """`N=` for each symbol in the types of the model's inputs."""
        from archdsl.elaborate.model import input_symbols

        names = dict.fromkeys(name for model in self._models() for name in input_symbols(model.syntax))
        return _starting(word, [f"{name}=" for name in names])

    def symbols(self, word: str) -> list[str]:
        return _starting(word, [parameter.name.id for parameter in self._parameters()])

    def _parameters(self) -> "list[ast.Parameter]":
        found: dict[str, ast.Parameter] = {}
        for definition in self._models():
            for parameter in definition.syntax.parameters:
                found.setdefault(parameter.name.id, parameter)
        return list(found.values())

    def _models(self) -> "list[BlockDef]":
        """The models that the line names, presets followed to what they are of."""
        from archdsl.api import load_module
        from archdsl.elaborate.model import look_up_model

        given = [value for key in ("target", "targets", "files") for value in self._values.get(key, ())]
        found: list[BlockDef] = []
        for text in given:
            target = opts.target(text)
            if not os.path.isfile(target.path):  # standard input is not ours to read, a pipe would be emptied
                continue
            try:
                module = load_module(target.path, Sink(), Limits())
            except ArchError:
                continue
            for name in [target.model] if target.model is not None else module.models:
                model = look_up_model(module, name, Sink(), Limits())
                found += [model[0]] if model is not None else []
        return found


def _plain(choice: "ast.Expr") -> str:
    """A choice as it is typed: a text without its quotes."""
    return choice.span.text.strip('"')


def _starting(word: str, known: Iterable[str]) -> list[str]:
    return [each for each in known if each.startswith(word)]


def _list(known: Callable[[], Iterable[str]]) -> "Callable[[_Line, str], list[str]]":
    """Completes the last name of a list with commas, without the names that are in it."""

    def complete(line: _Line, word: str) -> list[str]:
        head, comma, last = word.rpartition(",")
        taken = head.split(",")
        return [f"{head}{comma}{each}" for each in _starting(last, known()) if each not in taken]

    return complete


def _names(known: Callable[[], Iterable[str]]) -> "Callable[[_Line, str], list[str]]":
    return lambda line, word: _starting(word, known())


def _columns() -> list[str]:
    from archdsl.analysis.columns import COLUMNS

    return [column.name for column in COLUMNS]


def _conventions() -> list[str]:
    from archdsl.analysis import conventions

    return list(conventions.names())


def _codes() -> list[str]:
    from archdsl.diagnostics import codes

    return [word for code in codes.all_codes() for word in (code.code, code.name)]


def _operators() -> list[str]:
    from archdsl.ops import catalogue
    from archdsl.std import INDEX

    return sorted({*catalogue.names(), *INDEX})


def _networks() -> list[str]:
    from archdsl import zoo

    return sorted({*zoo.names(), *zoo.models()})


def _files(word: str, endings: tuple[str, ...] = ()) -> list[str]:
    """Files and folders, these with a slash; hidden ones only where a dot is typed."""
    folder, last = os.path.split(word)
    place = os.path.expanduser(folder) or "."
    found: list[str] = []
    try:
        entries = sorted(os.listdir(place))
    except OSError:
        return []
    for entry in entries:
        if not entry.startswith(last) or (entry.startswith(".") and not last.startswith(".")):
            continue
        path = word[: len(word) - len(last)] + entry
        if os.path.isdir(os.path.join(place, entry)):
            found.append(f"{path}/")
        elif not endings or entry.endswith(endings):
            found.append(path)
    return found


def _targets(word: str) -> list[str]:
    """Networks that come with archdsl and specs; after a colon, the models of the file."""
    path, colon, model = word.rpartition(":")
    if not colon:
        return [*_starting(word, _networks()), *_files(word, (".arch",))]
    from archdsl import zoo
    from archdsl.api import load_module

    try:
        place = zoo.locate(path)[0]
        models = load_module(place, Sink(), Limits()).models if os.path.isfile(place) else {}
    except ArchError:
        return []
    return [f"{path}:{name}" for name in _starting(model, models)]


def _specs(line: _Line, word: str) -> list[str]:
    """The arguments of `check` and `test`: files and folders, or networks that come with archdsl."""
    return [*_starting(word, _networks()), *_files(word, (".arch",))]


_VALUES: "dict[tuple[str, str], Callable[[_Line, str], list[str]]]" = {
    ("", "columns"): _list(_columns),
    ("", "sort"): _names(_columns),
    ("", "convention"): _names(_conventions),
    ("", "param"): _Line.parameters,
    ("", "symbolic"): _Line.symbols,
    ("", "dim"): _Line.dims,
    ("", "limit"): _names(lambda: [f"{name}=" for name in limit_names()]),
    ("", "files"): _specs,
    ("", "output"): lambda line, word: _files(word),
    ("explain", "code"): _names(_codes),
    ("ops", "name"): _names(_operators),
    ("specs", "name"): _names(_networks),
    ("run", "target"): lambda line, word: [*_targets(word), *_files(word, (".onnx",))],
}
"""The values of an argument that has no choices of its own, by command (any if none is named) and destination."""
