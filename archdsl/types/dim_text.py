"""Dimensions read from their text: `parse(str(dim))` is `dim`.

The texts stand in ONNX files, which may come from anywhere: what is no dimension, or larger than a dimension may be, is
None.
"""

import re

from archdsl.types.dims import MAX_DEGREE, MAX_FLOOR_TEXT, Dim, DimTooLarge, floordiv, symbol

_LONGEST = 4 * MAX_FLOOR_TEXT
_DEEPEST = 32
_LARGEST = 2**63
_TOKEN = re.compile(r"\s*(?:(\d{1,19})|([A-Za-z_]\w*)|(\*\*|//|[-+*()]))", re.ASCII)


class _NoDimension(Exception):
    pass


def parse(text: str) -> Dim | None:
    """The dimension that a text says, such as `(H + 1) // 2`; None if it says none."""
    if len(text) > _LONGEST:
        return None
    try:
        reader = _Reader(text)
        dim = reader.sum(0)
    except (_NoDimension, DimTooLarge):
        return None
    return dim if reader.token == "" else None


class _Reader:
    """Recursive descent, a level for each bracket."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.token = ""
        self._next()

    def _next(self) -> str:
        """Move on; the token that was left."""
        left = self.token
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            if self._text[self._at :].strip():
                raise _NoDimension
            self.token = ""
            return left
        self._at = match.end()
        self.token = match[0].strip()
        return left

    def sum(self, depth: int) -> Dim:
        negative = self.token == "-" and bool(self._next())
        total = self._product(depth)
        total = -total if negative else total
        while self.token in ("+", "-"):
            sign = self._next()
            term = self._product(depth)
            total = _small(total + term if sign == "+" else total - term)
        return total

    def _product(self, depth: int) -> Dim:
        total = self._power(depth)
        while self.token in ("*", "//"):
            operator = self._next()
            factor = self._power(depth)
            if operator == "*":
                total = _small(total * factor)
            elif isinstance(factor, int) and factor > 0:
                total = floordiv(total, factor)
            else:
                raise _NoDimension
        return total

    def _power(self, depth: int) -> Dim:
        base = self._atom(depth)
        if self.token != "**":
            return base
        self._next()
        exponent = self._number()
        if not 1 <= exponent <= MAX_DEGREE:
            raise _NoDimension
        result = base
        for _ in range(exponent - 1):
            result = _small(result * base)
        return result

    def _atom(self, depth: int) -> Dim:
        if self.token == "(":
            if depth == _DEEPEST:
                raise _NoDimension
            self._next()
            inner = self.sum(depth + 1)
            if self._next() != ")":
                raise _NoDimension
            return inner
        if self.token[:1].isdigit():
            return self._number()
        if not self.token.isidentifier():
            raise _NoDimension
        return symbol(self._next())

    def _number(self) -> int:
        if not self.token[:1].isdigit():
            raise _NoDimension
        number = int(self._next())
        _small(number)
        return number


def _small(dim: Dim) -> Dim:
    numbers = [dim] if isinstance(dim, int) else [factor for _, factor in dim.terms]
    if any(abs(number) >= _LARGEST for number in numbers):
        raise _NoDimension
    return dim
