"""What names stand for while a spec is elaborated.

Static values are plain Python values: `int`, `float`, `bool`, `str`, `None`, `tuple` (both lists and tuples of the
language), `range`, `Expr` (a symbolic dimension), `WeightRef`; and the classes below. `UNKNOWN` is poison: a value
whose computation already gave a diagnostic. Everything that touches it is silent."""

from typing import TYPE_CHECKING, Any, TypeGuard

from archdsl.ir.operator import ArgumentSpec, Operator, WeightRef
from archdsl.ir.program import Call, Node, Op, Value
from archdsl.records import field, record
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Expr

if TYPE_CHECKING:
    from archdsl.types.derivations import Derivation


class Unknown:
    """The poison value; one instance, `UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()

Flow = Value | tuple[Value, ...] | Unknown | None
"""The current value: one tensor, a tuple of tensors, poison, or nothing yet."""

Defaults = dict[object, dict[str, object]]
"""The `default` statements in force: callee key to argument values. Replaced, never mutated, so that whoever keeps one
keeps those of its place."""


@record
class Scope:
    """One lexical level of names, and the defaults in force there."""

    parent: "Scope | None"
    names: dict[str, Any] = field(default_factory=dict[str, Any])
    defaults: Defaults = field(default_factory=dict[object, dict[str, object]])
    depth: int = 0
    """How many levels a name may have to be looked up through."""

    def child(self, names: dict[str, Any] | None = None) -> "Scope":
        return Scope(self, names if names is not None else {}, self.defaults, self.depth + 1)

    def lookup(self, name: str) -> Any:
        """What a name stands for here or in an enclosing level; None when it is not bound (the language's `none` is
        never bound under a name without a wrapper: see `Static`)."""
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


@record
class Static:
    """A static value bound to a name."""

    value: Any


@record
class Tensor:
    """A tensor, or a tuple of tensors, bound to a name; `node` is the labelled node, for `name.weight`."""

    flow: Value | tuple[Value, ...] | Unknown
    node: Node | None = None


@record
class OperatorRef:
    """An operator as a value."""

    cls: type[Operator]

    @property
    def name(self) -> str:
        return self.cls.name

    @property
    def key(self) -> object:
        """Under what `default` files arguments for it."""
        return self.cls


@record
class BlockDef:
    """A block or model as a value: the syntax and the file scope it was defined in. `interface` caches what binding
    needs to know of its parameters."""

    syntax: "ast.Block | ast.Model"
    scope: Scope
    interface: Any = None

    @property
    def name(self) -> str:
        return self.syntax.name.id

    @property
    def key(self) -> object:
        return self


@record
class ModelPreset:
    """`model NAME = other(args)`."""

    syntax: ast.Preset
    scope: Scope


@record
class Closure:
    """A body passed by braces. Runs in the scope it was written in; `captured` are those of its free names that hold
    tensors (or bodies that hold tensors), as the function that runs it sees them."""

    name: str
    body: ast.Body
    scope: Scope
    free: tuple[str, ...]
    captured: dict[str, Any]
    summary: Any = None
    """Cache of `lifting.Lifting`."""


@record
class Partial:
    """A block or operator as a value with some arguments already given: `conv(64, 1)` passed on. `defaults` are those
    in force where it was written; where it is applied none are added. `spans` tells where the arguments were
    written."""

    callee: "OperatorRef | BlockDef"
    given: tuple[tuple[str, Any], ...]
    defaults: tuple[tuple[str, Any], ...]
    spans: tuple[Span, ...] = ()
    summary: Any = None

    @property
    def name(self) -> str:
        return self.callee.name


BLOCKS = (OperatorRef, BlockDef, Closure, Partial)
"""What a parameter of type `block` takes."""


@record
class SharedInstance:
    """`shared enc = f(args)`: made when first applied. `home` is the builder of the function that declares it, `depth`
    the number of `repeat` bodies open there."""

    name: str
    application: ast.Apply
    scope: Scope
    home: object
    depth: int
    node: Op | Call | None = None


def is_list(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether a static value is a list that is written out."""
    return isinstance(value, tuple)


def is_sequence(value: object) -> TypeGuard["tuple[Any, ...] | range"]:
    """Whether a static value can be gone over: a list or a range."""
    return isinstance(value, (tuple, range))


def length(items: "tuple[Any, ...] | range") -> int:
    """The number of items; `len` of a range stops at the largest C integer."""
    return items.stop - items.start if isinstance(items, range) else len(items)


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
    if isinstance(value, ModelPreset) or (isinstance(value, BlockDef) and isinstance(value.syntax, ast.Model)):
        return "model"
    if isinstance(value, BLOCKS):
        return "block"
    if isinstance(value, Tensor):
        return "tensor"
    if isinstance(value, WeightRef):
        return "weight"
    if isinstance(value, SharedInstance):
        return "shared instance"
    return "none" if value is None else type(value).__name__


def a_type(value: object) -> str:
    """`type_name` with its article: `an int`, `a list`, `none`."""
    name = type_name(value)
    return name if name == "none" else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


MAX_SHOWN_CHARACTERS = 80
MAX_SHOWN_ITEMS = 8
MAX_SHOWN_DEPTH = 3


def show(value: object, depth: int = 0) -> str:
    """A static value as the language would write it, shortened where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, str):
        text = value if len(value) <= MAX_SHOWN_CHARACTERS else value[: MAX_SHOWN_CHARACTERS - 3] + "..."
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, range):
        return f"{value.start}..{value.stop}"
    if is_list(value):
        items = value
        if depth >= MAX_SHOWN_DEPTH and items:
            return "[...]"
        shown = ", ".join(show(item, depth + 1) for item in items[:MAX_SHOWN_ITEMS])
        return f"[{shown}, ... {len(items)} items]" if len(items) > MAX_SHOWN_ITEMS else f"[{shown}]"
    if isinstance(value, Tensor):
        flow = value.flow
        return str(flow.type) if isinstance(flow, Value) else "a tuple of tensors"
    if isinstance(value, (*BLOCKS, SharedInstance)):
        return value.name
    if isinstance(value, ModelPreset):
        return value.syntax.name.id
    text = str(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 3] + "..."


class Given:
    """An argument as written: its value and where it stands."""

    __slots__ = ("formula", "span", "value")

    def __init__(self, value: Any, span: Span, formula: "Derivation | None" = None) -> None:
        self.value = value
        self.span = span
        self.formula = formula


@record
class Interface:
    """`flags` are the bool parameters; `words` the strings that may be written without quotes, by parameter; `bodies`
    the parameters that trailing braces fill. `types` has an entry for every parameter of a block. `lengths` is the
    argument that takes every other name (`g = 4`), if there is one."""

    names: tuple[str, ...]
    flags: frozenset[str]
    words: dict[str, tuple[str, ...]]
    bodies: tuple[str, ...]
    types: dict[str, str | None]
    specs: tuple[ArgumentSpec, ...]
    lengths: ArgumentSpec | None = None


@record
class WantedArgument:
    """An argument that is being evaluated, for explaining a name in it, with the parameter that it goes to."""

    parameter: str
    interface: Interface
    argument: ast.Argument
