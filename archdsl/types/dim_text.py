"""Dimensions read from their texts: `parse(str(dim))` is `dim`.

The texts stand in ONNX files, which may come from anywhere. What is no dimension, or larger than a dimension may be, is
None, and no text costs more than its length.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from archdsl.types.dims import MAX_DEGREE, MAX_FLOOR_TEXT, Dim, DimTooLarge, floordiv, symbol

LONGEST: Final = 200
"""Characters of a text that is evaluated, which may be done for thousands of sizes; a longer one is a name."""

_LONGEST_PARSED: Final = 4 * MAX_FLOOR_TEXT
_DEEPEST: Final = 32
_LARGEST: Final = 2**63
"""No number on the way is as large, so a power of a power costs nothing."""

_TOKEN: Final = re.compile(r"\s*(?:(\d{1,19})|([A-Za-z_]\w*)|(\*\*|//|[-+*()]))\s*", re.ASCII)

_PRECEDENCE: Final = {"+": 1, "-": 1, "*": 2, "//": 2, "negative": 3, "**": 4}


def parse(text: str) -> Dim | None:
    """The dimension that a text says, such as `(H + 1) // 2`; None if it says none."""
    try:
        return _value(_tokens(text, _LONGEST_PARSED), symbol)
    except (_NoDimension, DimTooLarge, ZeroDivisionError):
        return None


def evaluate(text: str, sizes: Mapping[str, int]) -> int | None:
    """The value of a dimension's text under the symbols' values; None if a symbol has none, or the text is no such
    expression, or a value is beyond any length. A name may be any text that has a size."""
    if text in sizes:
        return sizes[text]
    try:
        value = _value(_tokens(text, LONGEST), sizes.__getitem__)
    except (_NoDimension, KeyError, ZeroDivisionError):
        return None
    return value if isinstance(value, int) else None


def symbols(text: str) -> list[str]:
    """The symbols of a dimension's text, none where it is no expression."""
    tokens: list[str] = []
    try:
        tokens = _tokens(text, LONGEST)
        _value(tokens, lambda _name: 1)
    except _NoDimension:
        return []
    except ZeroDivisionError:  # an expression all the same
        pass
    return [token for token in tokens if token.isidentifier()]


class _NoDimension(Exception):
    """The text is something else than numbers and symbols joined by `+ - * // **`."""


def _tokens(text: str, longest: int) -> list[str]:
    if len(text) > longest:
        raise _NoDimension
    found: list[str] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _NoDimension
        found.append(token[0].strip())
        at = token.end()
    return found


def _value(tokens: list[str], meaning: Callable[[str], Dim]) -> Dim:
    """Operators wait on one stack for their second operand on another. Raises `_NoDimension`, `DimTooLarge`,
    `ZeroDivisionError` between numbers, and what `meaning` raises for a symbol."""
    values: list[Dim] = []
    waiting: list[str] = []
    operand_wanted = True
    depth = 0
    for token in tokens:
        if token == "(" or (token == "-" and operand_wanted):
            if not operand_wanted:
                raise _NoDimension
            depth += token == "("
            if depth > _DEEPEST:
                raise _NoDimension
            waiting.append("(" if token == "(" else "negative")
        elif token == ")":
            if operand_wanted:
                raise _NoDimension
            while waiting and waiting[-1] != "(":
                _apply(waiting.pop(), values)
            if not waiting:
                raise _NoDimension
            waiting.pop()
            depth -= 1
        elif token in _PRECEDENCE:
            if operand_wanted:
                raise _NoDimension
            # `**` joins from the right, the others from the left.
            least = _PRECEDENCE[token] + (token == "**")
            while waiting and waiting[-1] != "(" and _PRECEDENCE[waiting[-1]] >= least:
                _apply(waiting.pop(), values)
            waiting.append(token)
            operand_wanted = True
        else:
            if not operand_wanted:
                raise _NoDimension
            values.append(_small(int(token) if token.isdecimal() else meaning(token)))
            operand_wanted = False
    if operand_wanted or "(" in waiting:
        raise _NoDimension
    while waiting:
        _apply(waiting.pop(), values)
    return values[0]


def _apply(operator: str, values: list[Dim]) -> None:
    right = values.pop()
    if operator == "negative":
        values.append(-right)
        return
    left = values.pop()
    if operator == "**":
        values.append(_power(left, right))
    elif operator == "//":
        values.append(_quotient(left, right))
    else:
        values.append(_small(left * right if operator == "*" else left + right if operator == "+" else left - right))


def _power(base: Dim, exponent: Dim) -> Dim:
    if not isinstance(exponent, int) or not 0 <= exponent <= MAX_DEGREE:
        raise _NoDimension
    result: Dim = 1
    for _ in range(exponent):
        result = _small(result * base)
    return result


def _quotient(left: Dim, right: Dim) -> Dim:
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    if not isinstance(right, int) or right <= 0:
        raise _NoDimension
    return floordiv(left, right)


def _small(dim: Dim) -> Dim:
    numbers = [dim] if isinstance(dim, int) else [factor for _, factor in dim.terms]
    if any(abs(number) >= _LARGEST for number in numbers):
        raise _NoDimension
    return dim
