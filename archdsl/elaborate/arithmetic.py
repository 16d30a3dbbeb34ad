"""Arithmetic and comparison of static values: exact integers, symbolic dimensions, no implicit conversions."""

import math
import operator as operators
from collections.abc import Callable as Function
from typing import Any

from archdsl.elaborate.builtins import is_number
from archdsl.elaborate.report import CHARACTERS_PER_STEP, EXPRESSION_STEP, Reporter
from archdsl.elaborate.values import UNKNOWN, Partial, Unknown, is_list, is_sequence, length, show, type_name
from archdsl.source import Span
from archdsl.types.dims import Dim, Expr, at_least, equal, exact_div, floordiv, symbols

_COMPARE: dict[str, Function[[Any, Any], bool]] = {
    "==": operators.eq,
    "!=": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
MAX_LIST = 100_000
"""Elements of a list that is written out, those of inner lists included; ranges are lazy and may be longer."""
MAX_STRING = 10_000
"""Characters of a string."""
MAX_POWER_OF_SYMBOL = 8


class Arithmetic:
    """What operators between values mean. `report` takes the complaints and the steps."""

    report: Reporter

    def binary(self, symbol: str, left: Any, right: Any, span: Span, right_span: Span) -> Any:
        """`left symbol right`; `span` covers both, `right_span` the right one."""
        if symbol == "+":
            if isinstance(left, str) and isinstance(right, str):
                return self.bounded_string(left + right, span)
            if is_sequence(left) and is_sequence(right):
                if length(left) + length(right) > MAX_LIST:
                    raise self.list_limit(span)
                return self.bounded_list((*left, *right), span)
        if not is_number(left) or not is_number(right):
            wrong = right if is_number(left) else left
            return self.report.error(
                "E0310",
                f"`{symbol}` does not apply to {type_name(left)} and {type_name(right)}",
                span,
                f"{show(wrong)} is {type_name(wrong)}",
            )
        if symbol in ("/", "//", "%") and right == 0:
            return self.report.error("E0309", "division by zero", right_span, "this is 0")
        if isinstance(left, Expr) or isinstance(right, Expr):
            if isinstance(left, float) or isinstance(right, float):
                return self.report.error(
                    "E0310",
                    f"a symbolic dimension cannot be combined with a float: {show(left)} {symbol} {show(right)}",
                    span,
                    help="symbolic dimensions are whole; use `//` or `*` with ints",
                )
            self.report.spend(_symbolic_work(left) * _symbolic_work(right), span)
        try:
            value = self._compute(symbol, left, right, span)
        except (OverflowError, ZeroDivisionError):
            return self.report.error("E0310", f"{show(left)} {symbol} {show(right)} is not a finite float", span)
        return self.checked(value, span)

    def checked(self, value: Any, span: Span) -> Any:
        """A number that was just computed, if it is one the language has."""
        if isinstance(value, int):
            if value.bit_length() > self.report.limits.integer_bits:
                raise self.integer_limit(span)
        elif isinstance(value, Expr):
            if any(c.bit_length() > self.report.limits.integer_bits for _, c in value.terms):
                raise self.integer_limit(span)
        elif isinstance(value, complex):
            return self.report.error("E0310", "this power has no real value", span)
        elif isinstance(value, float) and not math.isfinite(value):
            return self.report.error("E0310", "the result is not a finite float", span)
        return value

    def integer_limit(self, span: Span) -> Exception:
        bits = self.report.limits.integer_bits
        return self.report.limit(
            "E0908", f"this integer is not below 2**{bits}", span, "integer_bits", "the result is too large"
        )

    def list_limit(self, span: Span) -> Exception:
        return self.report.limit(
            "E0907", f"this list has more than {MAX_LIST:,} elements", span, "", help="a range, `0..n`, may be longer"
        )

    def bounded_list(self, value: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
        """A list that was just made. Its whole size is bounded, because lists may hold one list many times, and so is
        its nesting, because keys and messages recurse over it."""
        size, deepest = len(value), 1
        pending = [(item, 2) for item in value if is_list(item)]
        while pending:
            items, depth = pending.pop()
            size += len(items)
            deepest = max(deepest, depth)
            if size > MAX_LIST:
                break
            pending += [(item, depth + 1) for item in items if is_list(item)]
        if size > MAX_LIST:
            raise self.list_limit(span)
        if deepest > self.report.limits.nesting:
            raise self.report.limit("E0902", f"lists are nested more than {deepest - 1} deep", span, "nesting")
        self.report.spend(size, span)
        return value

    def bounded_string(self, value: str, span: Span) -> str:
        """A string that was just made."""
        if len(value) > MAX_STRING:
            raise self.report.limit("E0907", f"this string has more than {MAX_STRING:,} characters", span, "")
        self.report.spend(len(value) // CHARACTERS_PER_STEP, span)
        return value

    def _compute(self, symbol: str, left: Any, right: Any, span: Span) -> Any:
        if symbol == "+":
            return left + right
        if symbol == "-":
            return left - right
        if symbol == "*":
            return left * right
        if symbol == "**":
            return self._power(left, right, span)
        if isinstance(left, float) or isinstance(right, float):
            return left / right if symbol == "/" else left // right if symbol == "//" else left % right
        if symbol == "/":
            return self._exact(left, right, span)
        if isinstance(right, Expr) or (isinstance(left, Expr) and right < 0):
            return self.report.error(
                "E0310",
                f"`{symbol}` of a symbolic dimension needs a known positive divisor",
                span,
                f"{left} {symbol} {right}",
            )
        if symbol == "//":
            return floordiv(left, right) if isinstance(left, Expr) else left // right
        return left % right

    def _exact(self, left: Dim, right: Dim, span: Span) -> Any:
        quotient = exact_div(left, right)
        if quotient is not None:
            return quotient
        if isinstance(left, Expr) or isinstance(right, Expr):
            return self.report.error(
                "E0308",
                f"{show(left)} / {show(right)} is not a whole number for every value of the symbols",
                span,
                "does not divide exactly",
                help="`/` must divide exactly; use `//` to round down, or declare the input as a multiple: `4*H`",
            )
        return self.report.error(
            "E0308",
            f"{left} / {right} is not a whole number",
            span,
            f"{left} // {right} = {left // right}, remainder {left % right}",
            help="`/` between ints must divide exactly; use `//` to round down",
        )

    def _power(self, left: Any, right: Any, span: Span) -> Any:
        if isinstance(left, Expr) or isinstance(right, Expr):
            if not isinstance(left, Expr) or not isinstance(right, int) or not 0 <= right <= MAX_POWER_OF_SYMBOL:
                return self.report.error(
                    "E0310",
                    f"cannot raise {show(left)} to the power {show(right)}",
                    span,
                    help=f"a symbolic dimension can be raised to the powers 0 to {MAX_POWER_OF_SYMBOL}",
                )
            power: Dim = 1
            for _ in range(right):
                power = power * left
            return power
        if isinstance(left, int) and isinstance(right, int):
            if right < 0:
                return float(left) ** right
            # Refused before it is computed: 2**2**60 would not fit in memory.
            if abs(left) > 1 and (left.bit_length() - 1) * right > self.report.limits.integer_bits:
                raise self.integer_limit(span)
        return left**right

    def compare(self, symbol: str, left: Any, right: Any, span: Span) -> bool | Unknown:
        """One comparison; on symbolic dimensions it must hold, or fail, for every value of the symbols."""
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return UNKNOWN
        self.report.spend(EXPRESSION_STEP, span)
        if symbol in ("==", "!="):
            if is_list(left) or is_list(right):
                self.report.spend(elements(left) + elements(right), span)
            decided = same(left, right)
            if decided is not None:
                return decided if symbol == "==" else not decided
        elif is_number(left) and is_number(right):
            if not isinstance(left, Expr) and not isinstance(right, Expr):
                return _COMPARE[symbol](left, right)
            if not isinstance(left, float) and not isinstance(right, float):
                first, second = (left, right) if symbol in (">=", "<") else (right, left)
                decided = at_least(first, second)
                if decided is not None:
                    return decided if symbol in (">=", "<=") else not decided
        elif isinstance(left, str) and isinstance(right, str):
            return _COMPARE[symbol](left, right)
        else:
            tensor = "tensor" in (type_name(left), type_name(right))
            return self.report.error(
                "E0310",
                f"cannot compare {type_name(left)} and {type_name(right)} with `{symbol}`",
                span,
                help="conditions are known before a network runs, what flows is not" if tensor else "",
            )
        names = sorted({name for side in (left, right) if isinstance(side, Expr) for name in symbols(side)})
        listed = ", ".join(names) or "its dimensions"
        plural = "symbols" if len(names) > 1 else "symbol"
        return self.report.error(
            "E0311",
            f"whether {show(left)} {symbol} {show(right)} depends on {listed}",
            span,
            f"cannot be decided for every value of the {plural}",
            help=f"bind it: --dim {names[0]}=..., or declare the input with a number" if names else "",
        )


def same(left: Any, right: Any) -> bool | None:
    """Whether two static values are equal; None if that depends on symbols. An int equals a float of the same value, a
    bool equals only a bool."""
    if isinstance(left, Expr) or isinstance(right, Expr):
        if not is_number(left) or not is_number(right) or isinstance(left, float) or isinstance(right, float):
            return False
        return equal(left, right)
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, range) and isinstance(right, range):
        return left == right
    if is_sequence(left) and is_sequence(right):
        if length(left) != length(right):
            return False
        undecided = False
        for a, b in zip(left, right, strict=True):
            decided = same(a, b)
            if decided is False:
                return False
            undecided = undecided or decided is None
        return None if undecided else True
    return bool(_bare(left) == _bare(right))


def _bare(value: Any) -> Any:
    """A block without the defaults of the place where it was named; operators by their class."""
    if isinstance(value, Partial) and not value.given:
        value = value.callee
    return getattr(value, "key", value)


def elements(value: Any) -> int:
    """Elements of a list, with those of inner lists and of ranges short enough to write out; 1 for other values."""
    found, pending = 1, [value]
    while pending:
        items = pending.pop()
        if is_list(items):
            found += len(items)
            pending.extend(item for item in items if is_sequence(item))
        elif is_sequence(items) and length(items) <= MAX_LIST:
            found += length(items)
    return found


def _symbolic_work(value: Any) -> int:
    return sum(1 + len(monomial) for monomial, _ in value.terms) if isinstance(value, Expr) else 1
