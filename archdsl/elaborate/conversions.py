"""From static values to what an operator's rules see, one rule per argument kind (`ir.operator.ArgumentKind`)."""

from typing import Any

from archdsl.elaborate.arithmetic import MAX_LIST
from archdsl.elaborate.values import BLOCKS, UNKNOWN, Tensor, is_list, type_name
from archdsl.internal import InternalError
from archdsl.ir.operator import ArgumentSpec, TensorArgument, WeightRef
from archdsl.ir.program import Value
from archdsl.types.dims import Expr

KINDS: dict[str, str] = {
    "int": "an int",
    "float": "a float",
    "bool": "a bool",
    "string": "a string",
    "window": "an int or a list of ints, one per spatial axis",
    "padding": "an int, a list of ints, or same",
    "ints": "a list of ints",
    "int | ints": "an int or a list of ints",
    "dim": "an int or a dimension",
    "dims": "a list of dimensions",
    "lengths": "an int or a dimension",
    "weight": "a weight (`label.weight`)",
    "list": "a number or a list of numbers",
    "tensor": "one tensor",
}
"""What each kind accepts, in words."""

_MAX_RANGE = 1_000
"""A range stands for a list of ints up to this length; the language has longer ones, no operator needs them."""


def fits(expected: str, value: Any) -> bool:
    """Whether a value is of a type that block parameters may declare."""
    if expected == "block":
        return isinstance(value, BLOCKS)
    if expected == "int":
        return is_int(value) or isinstance(value, Expr)
    if expected in ("window", "padding"):
        return is_int(value) or bool(value and _are_ints(value)) or (expected == "padding" and value == "same")
    return type_name(value) == expected


def is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def converted(spec: ArgumentSpec, value: Any) -> Any:
    """The value in the form the operator's rules expect, or UNKNOWN if it is of another type."""
    if value is None:
        return None if spec.default is None else UNKNOWN
    kind = spec.kind
    if kind == "int":
        return value if is_int(value) else UNKNOWN
    if kind == "float":
        return value if isinstance(value, float) else float(value) if is_int(value) else UNKNOWN
    if kind == "bool":
        return value if isinstance(value, bool) else UNKNOWN
    if kind == "string":
        return value if isinstance(value, str) else UNKNOWN
    if kind == "weight":
        return value if isinstance(value, WeightRef) else UNKNOWN
    if kind == "tensor":
        return (
            TensorArgument(value.flow.name or "tensor")
            if isinstance(value, Tensor) and isinstance(value.flow, Value)
            else UNKNOWN
        )
    if kind == "padding" and value == "same":
        return value
    if kind == "list":
        return _numbers(value)
    if kind in ("dim", "lengths"):
        return value if is_int(value) or isinstance(value, Expr) else UNKNOWN
    if isinstance(value, range):
        value = tuple(value) if value.stop - value.start <= _MAX_RANGE else UNKNOWN
    if kind in ("window", "padding", "int | ints"):
        return value if is_int(value) or (value and _are_ints(value)) else UNKNOWN
    if kind == "ints":
        if is_int(value):
            return (value,)
        return value if _are_ints(value) else UNKNOWN
    if kind != "dims":
        raise InternalError(f"no argument is of the kind {kind}")
    return value if is_list(value) and all(is_int(d) or isinstance(d, Expr) for d in value) else UNKNOWN


def _are_ints(value: Any) -> bool:
    return is_list(value) and all(map(is_int, value))


def _numbers(value: Any) -> Any:
    """Nested lists of numbers as nested tuples. Lists are bounded when they are made; a range is bounded here."""
    if isinstance(value, range):
        return tuple(value) if value.stop - value.start <= MAX_LIST else UNKNOWN
    if is_list(value):
        items = [_numbers(item) for item in value]
        return UNKNOWN if any(item is UNKNOWN for item in items) else tuple(items)
    return value if is_int(value) or isinstance(value, float) else UNKNOWN


def numbers_in(value: Any) -> tuple[Any, ...]:
    """The numbers whose range an argument declares: the value itself, or the items of a window or list."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (value,)
    if is_list(value):
        return tuple(item for item in value if isinstance(item, (int, float)))
    return ()
