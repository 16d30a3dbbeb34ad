"""Dimensions of ONNX models: texts such as `2*H + 1`, which our own files hold and any other file may imitate."""

import re
from collections.abc import Mapping
from typing import Final

LONGEST: Final = 200
"""Characters; a longer text is a name and no expression."""

_MOST: Final = 1 << 62
"""No value on the way is larger, so a power of a power costs nothing."""

_LARGEST_EXPONENT: Final = 8

_TOKEN: Final = re.compile(r"\s*(?:(\d{1,19})|([^\W\d]\w*)|(\*\*|//|[-+*()]))\s*", re.ASCII)

_PRECEDENCE: Final = {"+": 1, "-": 1, "*": 2, "//": 2, "negative": 3, "**": 4}


def evaluate(text: str, sizes: Mapping[str, int]) -> int | None:
    """The value of a dimension's text under the symbols' values; None if a symbol has none, or the text is no such
    expression, or a value is beyond any length."""
    if text in sizes:
        return sizes[text]
    try:
        return _value(_tokens(text), sizes)
    except (_NoExpression, KeyError, ZeroDivisionError):
        return None


def symbols(text: str) -> list[str]:
    """The symbols of a dimension's text, none where it is no expression."""
    tokens: list[str] = []
    try:
        tokens = _tokens(text)
        _value(tokens, dict.fromkeys(tokens, 1))
    except _NoExpression:
        return []
    except ZeroDivisionError:  # an expression all the same
        pass
    return [token for token in tokens if token[0].isalpha() or token[0] == "_"]


class _NoExpression(Exception):
    """The text is something else than numbers and symbols joined by `+ - * // **`."""


def _tokens(text: str) -> list[str]:
    if len(text) > LONGEST:
        raise _NoExpression
    found: list[str] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _NoExpression
        found.append(token[0].strip())
        at = token.end()
    return found


def _value(tokens: list[str], sizes: Mapping[str, int]) -> int:
    """Operators wait on one stack for their second operand on another. Raises `_NoExpression`, `KeyError` for a symbol
    without a value, `ZeroDivisionError`."""
    values: list[int] = []
    waiting: list[str] = []
    operand_wanted = True
    for token in tokens:
        if token == "(" or (token == "-" and operand_wanted):
            if not operand_wanted:
                raise _NoExpression
            waiting.append("(" if token == "(" else "negative")
        elif token == ")":
            if operand_wanted:
                raise _NoExpression
            while waiting and waiting[-1] != "(":
                _apply(waiting.pop(), values)
            if not waiting:
                raise _NoExpression
            waiting.pop()
        elif token in _PRECEDENCE:
            if operand_wanted:
                raise _NoExpression
            # `**` joins from the right, the others from the left.
            least = _PRECEDENCE[token] + (token == "**")
            while waiting and waiting[-1] != "(" and _PRECEDENCE[waiting[-1]] >= least:
                _apply(waiting.pop(), values)
            waiting.append(token)
            operand_wanted = True
        else:
            if not operand_wanted:
                raise _NoExpression
            values.append(int(token) if token.isdecimal() else sizes[token])
            operand_wanted = False
    if operand_wanted or "(" in waiting:
        raise _NoExpression
    while waiting:
        _apply(waiting.pop(), values)
    return values[0]


def _apply(operator: str, values: list[int]) -> None:
    right = values.pop()
    if operator == "negative":
        result = -right
    else:
        left = values.pop()
        if operator == "**":
            if not 0 <= right <= _LARGEST_EXPONENT:
                raise _NoExpression
            result = left**right
        elif operator == "//":
            result = left // right
        else:
            result = left * right if operator == "*" else left + right if operator == "+" else left - right
    if abs(result) > _MOST:
        raise _NoExpression
    values.append(result)
