"""What names stand for while a spec is elaborated.

Static values are plain Python values: `int`, `float`, `bool`, `str`, `None`, `tuple` (both lists and tuples of the
language), `range`, `Expr` (a symbolic dimension), `WeightRef`; and the classes below. `UNKNOWN` is poison: a value whose
computation already gave a diagnostic. Everything that touches it is silent.
"""

from dataclasses import dataclass, field
from typing import Any

from archdsl.ir.operator import Operator, WeightRef
from archdsl.ir.program import Call, Node, Op, Value
from archdsl.syntax import ast
from archdsl.types.dims import Expr


class Unknown:
    """The poison value; one instance, `UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()

Flow = Value | tuple[Value, ...] | Unknown | None
"""The current value: one tensor, a tuple of tensors, poison, or nothing yet."""


@dataclass(slots=True, eq=False, repr=False)
class Scope:
    """One lexical level of names. `defaults` holds the `default` statements in force: callee key to argument values; it is
    replaced, never mutated, so that a closure keeps those of its place."""

    parent: "Scope | None"
    names: dict[str, Any] = field(default_factory=dict[str, Any])
    defaults: "dict[object, dict[str, object]]" = field(default_factory=dict[object, dict[str, object]])

    def child(self, names: dict[str, Any] | None = None) -> "Scope":
        return Scope(self, names if names is not None else {}, self.defaults)

    def lookup(self, name: str) -> Any:
        """What a name stands for here or in an enclosing level; None when it is not bound (the language's `none` is never
        bound under a name without a wrapper: see `Static`)."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def visible(self) -> set[str]:
        """Every name that can be seen from here, for suggestions."""
        names: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            names.update(scope.names)
            scope = scope.parent
        return names


@dataclass(slots=True, eq=False, repr=False)
class Static:
    """A static value bound to a name."""

    value: Any


@dataclass(slots=True, eq=False, repr=False)
class Tensor:
    """A tensor, or a tuple of tensors, bound to a name; `node` is the labelled node, for `name.weight`."""

    flow: Value | tuple[Value, ...] | Unknown
    node: Node | None = None


@dataclass(slots=True, eq=False, repr=False)
class OperatorRef:
    """An operator as a value."""

    cls: type[Operator]

    @property
    def name(self) -> str:
        return self.cls.name

    @property
    def key(self) -> object:
        return self.cls


@dataclass(slots=True, eq=False, repr=False)
class BlockDef:
    """A block or model as a value: the syntax and the file scope it was defined in."""

    syntax: "ast.Block | ast.Model"
    scope: Scope

    @property
    def name(self) -> str:
        return self.syntax.name.id

    @property
    def key(self) -> object:
        return self


@dataclass(slots=True, eq=False, repr=False)
class Closure:
    """A body passed by braces. Runs in the scope it was written in; `captured` are those of its free names that hold
    tensors (or bodies that hold tensors), as the function that runs it sees them."""

    name: str
    body: ast.Body
    scope: Scope
    free: tuple[str, ...]
    captured: dict[str, Any]

    @property
    def key(self) -> object:
        return self.body


@dataclass(slots=True, eq=False, repr=False)
class Partial:
    """A block or operator with some arguments already given: `conv(64, 1)` passed as a value."""

    callee: "OperatorRef | BlockDef | Closure"
    positional: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...]

    @property
    def name(self) -> str:
        return self.callee.name

    @property
    def key(self) -> object:
        return self.callee.key


Callable = OperatorRef | BlockDef | Closure | Partial


@dataclass(slots=True, eq=False, repr=False)
class SharedInstance:
    """`shared enc = f(args)`: made when first applied. `home` is the builder of the function that declares it, `depth` the
    number of `repeat` bodies open there."""

    name: str
    application: ast.Apply
    scope: Scope
    home: object
    depth: int
    node: Op | Call | None = None


def type_name(value: object) -> str:
    """The language's name for the type of a static value, as diagnostics print it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, Expr):
        return "symbolic int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (tuple, range)):
        return "list"
    if isinstance(value, (OperatorRef, BlockDef, Closure, Partial)):
        return "block"
    if isinstance(value, Tensor):
        return "tensor"
    if isinstance(value, WeightRef):
        return "weight"
    if isinstance(value, SharedInstance):
        return "shared instance"
    return "none" if value is None else type(value).__name__


def show(value: object) -> str:
    """A static value as the language would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, range):
        return f"{value.start}..{value.stop}"
    if isinstance(value, tuple):
        items: tuple[object, ...] = value
        shown = ", ".join(show(item) for item in items[:8])
        return f"[{shown}, ... {len(items)} items]" if len(items) > 8 else f"[{shown}]"
    if isinstance(value, (OperatorRef, BlockDef, Closure, Partial, SharedInstance)):
        return value.name
    return str(value)


def static_key(value: Any) -> object:
    """A hashable key under which two static values are interchangeable as block arguments. Tensors count by type, because
    they become inputs of the specialised function; bodies count by their text and what they can see."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, float):
        return ("float", value)
    if isinstance(value, tuple):
        items: tuple[Any, ...] = value
        return ("list", *map(static_key, items))
    if isinstance(value, Static):
        return static_key(value.value)
    if isinstance(value, Tensor):
        flow = value.flow
        if isinstance(flow, Unknown):
            return ("tensor", None)
        return ("tensor", flow.type if isinstance(flow, Value) else tuple(item.type for item in flow))
    if isinstance(value, OperatorRef):
        return ("operator", value.cls)
    if isinstance(value, Partial):
        return (
            "partial",
            static_key(value.callee),
            tuple(map(static_key, value.positional)),
            tuple((name, static_key(given)) for name, given in value.named),
        )
    if isinstance(value, Closure):
        seen: list[object] = []
        for name in value.free:
            bound = value.captured.get(name)
            if bound is None:
                bound = value.scope.lookup(name)
            seen.append(static_key(bound))
        return ("body", id(value.body), tuple(seen), _defaults_key(value.scope))
    return value


def _defaults_key(scope: Scope) -> object:
    return tuple(
        (callee, tuple((name, static_key(given)) for name, given in arguments.items()))
        for callee, arguments in scope.defaults.items()
    )


def tensors_in(value: Any) -> list[Value]:
    """Every tensor a block argument carries, in a fixed order: these become extra inputs of the specialised function."""
    if isinstance(value, Tensor):
        flow = value.flow
        if isinstance(flow, Unknown):
            return []
        return [flow] if isinstance(flow, Value) else list(flow)
    if isinstance(value, tuple):
        items: tuple[Any, ...] = value
        return [tensor for item in items for tensor in tensors_in(item)]
    if isinstance(value, Partial):
        given = (*value.positional, *(argument for _, argument in value.named), value.callee)
        return [tensor for item in given for tensor in tensors_in(item)]
    if isinstance(value, Closure):
        return [tensor for name in value.free for tensor in tensors_in(value.captured.get(name))]
    if isinstance(value, Static):
        return tensors_in(value.value)
    return []


def replace_tensors(value: Any, replacements: dict[Value, Value]) -> Any:
    """The same block argument as the specialised function sees it: every tensor replaced by the function's input."""
    if isinstance(value, Tensor):
        flow = value.flow
        if isinstance(flow, Unknown):
            return value
        if isinstance(flow, Value):
            return Tensor(replacements[flow])
        return Tensor(tuple(replacements[item] for item in flow))
    if isinstance(value, tuple):
        items: tuple[Any, ...] = value
        return tuple(replace_tensors(item, replacements) for item in items)
    if isinstance(value, Partial):
        return Partial(
            replace_tensors(value.callee, replacements),
            tuple(replace_tensors(item, replacements) for item in value.positional),
            tuple((name, replace_tensors(item, replacements)) for name, item in value.named),
        )
    if isinstance(value, Closure):
        captured = {name: replace_tensors(item, replacements) for name, item in value.captured.items()}
        return Closure(value.name, value.body, value.scope, value.free, captured)
    if isinstance(value, Static):
        return Static(replace_tensors(value.value, replacements))
    return value
