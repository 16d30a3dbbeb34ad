"""What a campaign is made of: each kind of input, and the property that holds of it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from strategies.files import File
from strategies.programs import Spec


@dataclass(frozen=True)
class Kind:
    """`size` is how many random bytes an input is drawn from, more than enough."""

    name: str
    strategy: Callable[[], st.SearchStrategy[Any]]
    check: Callable[[Any], object]
    size: int = 2048
    share: int = 1
    """Its share of the time of a campaign."""


def _near() -> st.SearchStrategy[Any]:
    from strategies.mutations import near_programs

    return near_programs()


def _texts() -> st.SearchStrategy[Any]:
    from strategies.texts import anything

    return anything()


def _files() -> st.SearchStrategy[Any]:
    from strategies.files import any_file

    return any_file()


def _lines() -> st.SearchStrategy[Any]:
    from strategies.commands import command_lines

    return command_lines()


def _specs() -> st.SearchStrategy[Any]:
    from strategies.programs import specs

    return specs()


def _check_text(text: Any) -> object:
    from properties.loading import check_syntax, check_text

    check_text(text)
    return check_syntax(text)


def _check_near(text: Any) -> object:
    from properties.loading import check_text

    return check_text(text)


def _check_file(file: Any) -> object:
    from properties.readers import check_file

    return check_file(file)


def _check_line(line: Any) -> object:
    from properties.command import check_in_place

    return check_in_place(line)


def _check_spec(spec: Any) -> object:
    from properties.engines import check_program

    return check_program(spec.text)


def _check_meaning(spec: Any) -> object:
    from properties.meaning import check_meaning

    return check_meaning(spec)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("near-programs", _near, _check_near, 3072, share=4),
        Kind("texts", _texts, _check_text, 1024, share=2),
        Kind("files", _files, _check_file, 512, share=2),
        Kind("command-lines", _lines, _check_line, 256),
        Kind("programs", _specs, _check_spec, 4096, share=6),
        Kind("meanings", _specs, _check_meaning, 4096, share=2),
    )
}


def packed(value: Any) -> dict[str, Any]:
    """An input as JSON."""
    if isinstance(value, Spec):
        return {"spec": value.__dict__ | {"parameters": [p.__dict__ for p in value.parameters]}, "text": value.text}
    if isinstance(value, File):
        return {"ending": value.kind, "base64": base64.b64encode(value.data).decode()}
    if isinstance(value, tuple):
        return {"line": list(value)}
    return {"text": value}


def unpacked(kind: str, value: dict[str, Any]) -> Any:
    """The input that JSON holds."""
    from strategies.programs import Parameter

    if "spec" in value:
        parts = value["spec"]
        return Spec(**(parts | {"parameters": [Parameter(**p) for p in parts["parameters"]]}))
    if "base64" in value:
        return File(value["ending"], base64.b64decode(value["base64"]))
    return tuple(value["line"]) if "line" in value else value["text"]
