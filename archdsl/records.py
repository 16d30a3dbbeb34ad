"""Records: classes of named fields, with slots and an `__init__`, written as `dataclasses` would have them written.

`dataclasses` imports `inspect` and compiles the methods of every class when it is defined, used or not; for the hundred
and twenty classes of a count that is a third of the time of the whole command. Here an `__init__` is compiled when the
first instance is made. Records are equal when they are the same object and print as any object does, unless they
say otherwise.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T")


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()
"""The default of a field that has none."""


class _Factory:
    """The default of a field that every instance makes anew."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], object]) -> Any:
    """Declare a field whose default every instance makes anew (a list, a dict)."""
    return _Factory(default_factory)


@dataclass_transform(field_specifiers=(field,), eq_default=False)
def record(cls: type[T]) -> type[T]:
    """Make a record of a class: its annotated names are the fields, after those of the record it derives from; the
    values it gives them are the defaults. `match` sees the fields in that order."""
    body = dict(cls.__dict__)
    own = [name for name, kind in _annotations(cls).items() if not _is_class_variable(kind)]
    fields = dict(_fields(cls.__base__))
    for name in own:
        fields[name] = body.pop(name, REQUIRED)
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    body["__slots__"] = tuple(own)
    body["__match_args__"] = tuple(fields)
    made: type[T] = type(cls)(cls.__name__, cls.__bases__, body)
    initialise_with(made, fields)
    return made


def initialise_with(cls: type, fields: Mapping[str, object]) -> None:
    """Give a class an `__init__` that takes these fields, by position or by name, and sets them. The values are their
    defaults; `REQUIRED` is none."""
    settable: Any = cls
    settable.__record_fields__ = fields

    def __init__(self: object, *args: object, **named: object) -> None:
        settable.__init__ = _initialiser(cls, fields)
        settable.__init__(self, *args, **named)

    settable.__init__ = __init__


def field_names(cls: type) -> tuple[str, ...]:
    """The fields of a record's class, in order."""
    return tuple(_fields(cls))


def replace(instance: T, **changes: object) -> T:
    """A copy of a record in which some fields have other values."""
    return type(instance)(**{**{name: getattr(instance, name) for name in field_names(type(instance))}, **changes})


def described(self: object) -> str:
    """`Name(field=value, ...)`: a `__repr__` for records that people print."""
    cls = type(self)
    return f"{cls.__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in field_names(cls))})"


def _fields(cls: "type | None") -> Mapping[str, object]:
    return getattr(cls, "__record_fields__", {})


def _annotations(cls: type) -> Mapping[str, object]:
    if sys.version_info >= (3, 14):  # where annotations are evaluated when they are asked for
        from annotationlib import Format, get_annotations

        return get_annotations(cls, format=Format.FORWARDREF)
    return cls.__dict__.get("__annotations__", {})  # noqa: RUF063 (importing inspect is what this module avoids)


def _is_class_variable(kind: object) -> bool:
    if isinstance(kind, str):
        return kind.startswith("ClassVar")
    return kind is ClassVar or getattr(kind, "__origin__", None) is ClassVar


def _initialiser(cls: type, fields: Mapping[str, object]) -> Callable[..., None]:
    values: dict[str, object] = {"NEW": REQUIRED}
    parameters = ["self"]
    lines: list[str] = []
    for name, default in fields.items():
        value = name
        if isinstance(default, _Factory):
            values[f"make_{name}"] = default.make
            parameters.append(f"{name}=NEW")
            value = f"make_{name}() if {name} is NEW else {name}"
        elif default is REQUIRED:
            parameters.append(name)
        else:
            values[f"default_{name}"] = default
            parameters.append(f"{name}=default_{name}")
        lines.append(f"    self.{name} = {value}\n")
    exec(f"def __init__({', '.join(parameters)}):\n{''.join(lines) or '    pass'}", values)
    made: Any = values["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made
