"""Which network that comes with archdsl a name means that none of them has: `resnet50` is one with `-p depth=50`. Read
only after a mistake."""

import re
from collections.abc import Iterator

from archdsl import zoo
from archdsl.diagnostics.model import Sink
from archdsl.elaborate.report import nearest
from archdsl.source import Source
from archdsl.syntax import ast
from archdsl.syntax.parser import parse


def network_meant(name: str) -> str:
    """A suggestion for the help line, or the empty string."""
    known = [*zoo.names(), *zoo.models()]
    numbered = re.fullmatch(r"(.*?[A-Za-z])[_-]?(\d+)(?:_\w*)?", name)
    if numbered:
        family, number = numbered[1], numbered[2]
        near = nearest(family, known)
        families = [each for each in sorted(known, key=len) if each.startswith(family)] + ([near] if near else [])
        for fits in (_is_choice, _is_depth):
            for each in families:
                for called, parameter in _parameters(each):
                    if fits(parameter, number):
                        return f"did you mean `{called} -p {parameter.name.id}={number}`?"
    found = nearest(name, known)
    if found is None and numbered:
        found = nearest(numbered[1], known)
    if found is None:
        return ""
    choices = [f"-p {p.name.id}={_text(p)}" for _, p in _parameters(found) if p.choices and numbered]
    return f"did you mean `{found}`?" + (f" It takes {', '.join(choices)}" if choices else "")


def _is_choice(parameter: ast.Parameter, number: str) -> bool:
    return any(choice.span.text == number for choice in parameter.choices)


def _is_depth(parameter: ast.Parameter, number: str) -> bool:
    return parameter.name.id == "depth" and not parameter.choices


def _text(parameter: ast.Parameter) -> str:
    return "|".join(choice.span.text.strip('"') for choice in parameter.choices)


def _parameters(name: str) -> Iterator[tuple[str, ast.Parameter]]:
    """The parameters of the models that a name stands for, each with what its model is called on the command line."""
    path, model = zoo.locate(name)
    try:
        with open(path, encoding="utf-8") as stream:
            tree = parse(Source(path, stream.read()), Sink())
    except OSError:  # a file or folder of that name stands in the working directory
        return
    models = [item for item in tree.items if isinstance(item, ast.Model | ast.Preset)] if tree is not None else []
    for item in models:
        if isinstance(item, ast.Model) and model in (None, item.name.id):
            own = item.name.id
            called = name if model or len(models) == 1 else own if own in zoo.models() else f"{name}:{own}"
            yield from ((called, parameter) for parameter in item.parameters)
