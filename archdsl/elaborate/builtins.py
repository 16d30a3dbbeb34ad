"""Functions of expressions: `min max floor ceil round len sum log2 sqrt error transpose`.

`max`, `min` and `transpose` are also operators: inside parentheses and after `=` the function is meant, in a flow the
operator.
"""

import math
from collections.abc import Callable as Function
from typing import Any

from archdsl.elaborate.values import is_sequence, length, show
from archdsl.ir.operator import WeightRef
from archdsl.types.dims import Expr, at_least, symbols


class BuiltinError(Exception):
    """A built-in function refuses its arguments."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def is_number(value: object) -> bool:
    """Whether arithmetic applies: ints, floats and symbolic dimensions, not bools."""
    return isinstance(value, (int, float, Expr)) and not isinstance(value, bool)


def _number(value: Any) -> Any:
    if not is_number(value):
        raise TypeError
    return value


def _extreme(want_larger: bool, values: tuple[Any, ...]) -> Any:
    items: Any = values[0] if len(values) == 1 and is_sequence(values[0]) else values
    if not items:
        raise BuiltinError("E0310", "min and max need at least one value")
    if isinstance(items, range):
        return items[-1] if want_larger else items[0]
    best: Any = _number(items[0])
    for item in items[1:]:
        if _wins(_number(item), best, want_larger):
            best = item
    return best


def _wins(item: Any, best: Any, want_larger: bool) -> bool:
    if not isinstance(item, Expr) and not isinstance(best, Expr):
        return item > best if want_larger else item < best
    if isinstance(item, float) or isinstance(best, float):
        raise BuiltinError("E0310", f"a symbolic dimension cannot be compared with a float: {item}, {best}")
    larger = at_least(item, best)
    if larger is None and (smaller := at_least(best, item)) is not None:
        larger = not smaller
    if larger is None:
        raise BuiltinError(
            "E0311",
            f"which of {best} and {item} is larger depends on the symbols",
            f"bind one: --dim {min(symbols(best) | symbols(item))}=...",
        )
    return larger == want_larger


def _rounding(function: Function[[float], int]) -> Function[[Any], Any]:
    return lambda value: value if isinstance(value, Expr) else function(_number(value))


def _round(value: float) -> int:
    """Half away from zero, as papers do by hand (Python's own `round` goes to even)."""
    if isinstance(value, int):
        return value
    whole = math.floor(abs(value))
    if abs(value) - whole >= 0.5:
        whole += 1
    return whole if value >= 0 else -whole


def _len(items: Any) -> int:
    if isinstance(items, str):
        return len(items)
    if not is_sequence(items):
        raise TypeError
    return length(items)


def _sum(items: Any) -> Any:
    if not is_sequence(items):
        raise TypeError
    if isinstance(items, range):
        return (items.start + items.stop - 1) * (items.stop - items.start) // 2
    total: Any = 0
    for item in items:
        total = total + _number(item)
    return total


def _error(message: Any) -> Any:
    raise BuiltinError("E0316", message if isinstance(message, str) else show(message))


def _transpose(ref: Any) -> WeightRef:
    if not isinstance(ref, WeightRef):
        raise TypeError
    if len(ref.shape) != 2:
        raise BuiltinError("E0319", f"only a matrix can be transposed, this weight has {len(ref.shape)} axes")
    return WeightRef(ref.owner, ref.label, ref.name, ref.shape, not ref.transposed)


def _sqrt(value: Any) -> float:
    return math.sqrt(_number(value))


def _log2(value: Any) -> float:
    return math.log2(_number(value))


BUILTINS: dict[str, Function[..., Any]] = {
    "min": lambda *values: _extreme(False, values),
    "max": lambda *values: _extreme(True, values),
    "floor": _rounding(math.floor),
    "ceil": _rounding(math.ceil),
    "round": _rounding(_round),
    "len": _len,
    "sum": _sum,
    "log2": _log2,
    "sqrt": _sqrt,
    "error": _error,
    "transpose": _transpose,
}
