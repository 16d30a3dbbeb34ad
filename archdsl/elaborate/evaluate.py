"""Evaluation of static expressions: exact integers, symbolic dimensions, no implicit conversions.

Every method returns a static value or `UNKNOWN` after reporting. Recursion follows the nesting of the source, which the
parser has bounded (`limits.nesting`).
"""

import math
import operator as operators
from collections.abc import Callable as Function
from typing import Any

from archdsl.elaborate.report import EXPRESSION_STEP, Reporter, did_you_mean
from archdsl.elaborate.values import (
    UNKNOWN,
    BlockDef,
    Closure,
    OperatorRef,
    Partial,
    Scope,
    SharedInstance,
    Static,
    Tensor,
    Unknown,
    show,
    type_name,
)
from archdsl.ir.operator import WeightRef
from archdsl.ir.program import Op
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Dim, DimTooLarge, Expr, at_least, equal, exact_div, floordiv, symbols

_COMPARE: dict[str, Function[[Any, Any], bool]] = {
    "==": operators.eq,
    "!=": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
MAX_LIST = 1_000_000
"""No list built by `+` is longer than this; ranges are lazy and may be."""


class Evaluator:
    """Evaluates expressions; `resolve_callable` finds block and operator names that no scope binds."""

    def __init__(self, report: Reporter, resolve_callable: Function[[str], OperatorRef | BlockDef | None]) -> None:
        self.report = report
        self.resolve_callable = resolve_callable
        self._methods: dict[type, Function[[Any, Scope], Any]] = {
            ast.Int: self._literal,
            ast.Float: self._literal,
            ast.Bool: self._literal,
            ast.NoneLiteral: self._none,
            ast.String: self.string,
            ast.Name: self._name,
            ast.ListExpr: self._list,
            ast.TupleExpr: self._list,
            ast.Arithmetic: self._arithmetic,
            ast.Comparison: self._comparison,
            ast.Boolean: self._boolean,
            ast.Not: self._not,
            ast.Negative: self._negative,
            ast.Conditional: self._conditional,
            ast.Range: self._range,
            ast.Index: self._index,
            ast.Attribute: self.attribute,
            ast.CallExpr: self._call,
            ast.Match: self._match,
        }

    # ------------------------------------------------------------------------------------------------ entry points

    def evaluate(self, expr: ast.Expr, scope: Scope) -> Any:
        """The value of an expression."""
        self.report.spend(EXPRESSION_STEP, expr.span)
        return self._methods[type(expr)](expr, scope)

    def condition(self, expr: ast.Expr, scope: Scope) -> bool | Unknown:
        """The value of an expression that must be a bool."""
        value = self.evaluate(expr, scope)
        if isinstance(value, (bool, Unknown)):
            return value
        return self.report.error(
            "E0310",
            f"a condition must be a bool, not {type_name(value)}",
            expr.span,
            f"this is {show(value)}",
            help='compare it: `n > 0`, `name == "x"`',
        )

    def integer(self, expr: ast.Expr, scope: Scope, what: str, minimum: int | None = None) -> int | Unknown:
        """The value of an expression that must be a known int, `what` naming it for the message."""
        value = self.evaluate(expr, scope)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Expr):
            names = ", ".join(sorted(symbols(value)))
            return self.report.error(
                "E0311",
                f"{what} must be known, but it depends on the symbol {names}",
                expr.span,
                f"this is {value}",
                help=f"bind the symbol on the command line: --dim {names.split(', ')[0]}=...",
            )
        if not isinstance(value, int) or isinstance(value, bool):
            return self.report.error(
                "E0304", f"{what} must be an int, not {type_name(value)}", expr.span, f"this is {show(value)}"
            )
        if minimum is not None and value < minimum:
            return self.report.error("E0305", f"{what} must be at least {minimum}", expr.span, f"this is {value}")
        return value

    def items(self, expr: ast.Expr, scope: Scope) -> tuple[Any, ...] | range | Unknown:
        """The value of an expression that must be a list or a range."""
        value = self.evaluate(expr, scope)
        if isinstance(value, (tuple, range, Unknown)):
            return value  # pyright: ignore[reportUnknownVariableType]
        return self.report.error(
            "E0304",
            f"cannot go over {type_name(value)}: a list or a range is needed",
            expr.span,
            f"this is {show(value)}",
            help=f"write `0..{show(value)}` to count" if isinstance(value, int) else "",
        )

    def unpack(self, targets: list[ast.Name], value: Any, span: Span) -> list[Any]:
        """One value per target; a single target takes the value whole."""
        if len(targets) == 1:
            return [value]
        if isinstance(value, Unknown):
            return [UNKNOWN] * len(targets)
        if isinstance(value, (tuple, range)) and len(value) == len(targets):  # pyright: ignore[reportUnknownArgumentType]
            return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        found = f"{len(value)} values" if isinstance(value, (tuple, range)) else type_name(value)  # pyright: ignore[reportUnknownArgumentType]
        self.report.error(
            "E0314", f"{len(targets)} names on the left, {found} on the right", span, f"this is {show(value)}"
        )
        return [UNKNOWN] * len(targets)

    # ---------------------------------------------------------------------------------------------------- leaves

    def _literal(self, expr: Any, scope: Scope) -> Any:
        return expr.value

    def _none(self, expr: Any, scope: Scope) -> None:
        return None

    def string(self, expr: ast.String, scope: Scope) -> str | Unknown:
        """A string with its interpolations."""
        parts: list[str] = []
        for part in expr.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            value = self.evaluate(part, scope)
            if isinstance(value, Unknown):
                return UNKNOWN
            parts.append(value if isinstance(value, str) else show(value))
        return "".join(parts)

    def _name(self, expr: ast.Name, scope: Scope) -> Any:
        bound = scope.lookup(expr.id)
        if isinstance(bound, Static):
            return bound.value
        if bound is not None:
            return bound
        found = self.resolve_callable(expr.id)
        if found is not None:
            return found
        return self.report.error(
            "E0201",
            f"`{expr.id}` is not defined here",
            expr.span,
            "unknown name",
            help=did_you_mean(expr.id, scope.visible()),
        )

    def _list(self, expr: ast.ListExpr | ast.TupleExpr, scope: Scope) -> Any:
        values = tuple(self.evaluate(item, scope) for item in expr.items)
        return UNKNOWN if UNKNOWN in values else values

    # ------------------------------------------------------------------------------------------------ arithmetic

    def _arithmetic(self, expr: ast.Arithmetic, scope: Scope) -> Any:
        total = self.evaluate(expr.operands[0], scope)
        for symbol, operand in zip(expr.operators, expr.operands[1:], strict=True):
            right = self.evaluate(operand, scope)
            if isinstance(total, Unknown) or isinstance(right, Unknown):
                total = UNKNOWN
                continue
            total = self._binary(symbol, total, right, expr.operands[0].span.to(operand.span), operand.span)
        return total

    def _binary(self, symbol: str, left: Any, right: Any, span: Span, right_span: Span) -> Any:
        if symbol == "+":
            if isinstance(left, str) and isinstance(right, str):
                return left + right
            if isinstance(left, (tuple, range)) and isinstance(right, (tuple, range)):
                if len(left) + len(right) > MAX_LIST:  # pyright: ignore[reportUnknownArgumentType]
                    raise self.report.limit("E0907", "a list grows without bounds", span, "steps")
                self.report.spend((len(left) + len(right)) // 8, span)  # pyright: ignore[reportUnknownArgumentType]
                return (*left, *right)
        if not _is_number(left) or not _is_number(right):
            wrong = right if _is_number(left) else left
            return self.report.error(
                "E0310",
                f"`{symbol}` does not apply to {type_name(left)} and {type_name(right)}",
                span,
                f"{show(wrong)} is {type_name(wrong)}",
            )
        if symbol in ("/", "//", "%") and right == 0:
            return self.report.error("E0309", "division by zero", right_span, "this is 0")
        symbolic = isinstance(left, Expr) or isinstance(right, Expr)
        if symbolic and (isinstance(left, float) or isinstance(right, float)):
            return self.report.error(
                "E0310",
                f"a symbolic dimension cannot be combined with a float: {show(left)} {symbol} {show(right)}",
                span,
                help="symbolic dimensions are whole; use `//` or `*` with ints",
            )
        try:
            value = self._compute(symbol, left, right, span)
        except DimTooLarge:
            raise self.report.limit("E0908", "a symbolic dimension has too many terms", span, "terms") from None
        except OverflowError:
            return self.report.error("E0310", f"{show(left)} {symbol} {show(right)} is not a finite float", span)
        return self._checked(value, span)

    def _checked(self, value: Any, span: Span) -> Any:
        if isinstance(value, int) and value.bit_length() > self.report.limits.integer_bits:
            raise self._integer_limit(span)
        if isinstance(value, complex):
            return self.report.error("E0310", "this power has no real value", span)
        return value

    def _integer_limit(self, span: Span) -> Exception:
        bits = self.report.limits.integer_bits
        return self.report.limit(
            "E0908", f"this integer is not below 2**{bits}", span, "integer_bits", "the result is too large"
        )

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
            quotient = exact_div(left, right)
            if quotient is not None:
                return quotient
            remainder = "" if isinstance(left, Expr) or isinstance(right, Expr) else f", remainder {left % right}"
            return self.report.error(
                "E0308",
                f"{left} / {right} is not a whole number",
                span,
                f"{left} // {right} = {floordiv(left, right)}{remainder}"
                if isinstance(right, int) and right > 0
                else "does not divide exactly",
                help="`/` between ints must divide exactly; use `//` to round down",
            )
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

    def _power(self, left: Any, right: Any, span: Span) -> Any:
        if isinstance(right, Expr) or (isinstance(left, Expr) and (not isinstance(right, int) or not 0 <= right <= 8)):
            return self.report.error("E0310", f"cannot raise {left} to the power {right}", span)
        if isinstance(left, Expr):
            power: Dim = 1
            for _ in range(right):
                power = power * left
            return power
        if isinstance(left, int) and isinstance(right, int):
            if right < 0:
                return float(left) ** right if left else self.report.error("E0309", "division by zero", span)
            # Refused before it is computed: 2**2**60 would not fit in memory.
            if abs(left) > 1 and left.bit_length() * right > 2 * self.report.limits.integer_bits + right:
                raise self._integer_limit(span)
            return left**right
        return left**right

    def _negative(self, expr: ast.Negative, scope: Scope) -> Any:
        value = self.evaluate(expr.operand, scope)
        if isinstance(value, Unknown):
            return value
        if not _is_number(value):
            return self.report.error("E0310", f"`-` does not apply to {type_name(value)}", expr.span, show(value))
        return -value

    # ------------------------------------------------------------------------------------------------- conditions

    def _comparison(self, expr: ast.Comparison, scope: Scope) -> bool | Unknown:
        values = [self.evaluate(operand, scope) for operand in expr.operands]
        if UNKNOWN in values:
            return UNKNOWN
        for symbol, left, right in zip(expr.operators, values, values[1:], strict=False):
            holds = self.compare(symbol, left, right, expr.span)
            if holds is not True:
                return holds
        return True

    def compare(self, symbol: str, left: Any, right: Any, span: Span) -> bool | Unknown:
        """One comparison; on symbolic dimensions it must hold, or fail, for every value of the symbols."""
        if symbol in ("==", "!="):
            decided = same(left, right)
            if decided is not None:
                return decided if symbol == "==" else not decided
        elif _is_number(left) and _is_number(right):
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
            return self.report.error(
                "E0310", f"cannot compare {type_name(left)} and {type_name(right)} with `{symbol}`", span
            )
        names = sorted({name for side in (left, right) if isinstance(side, Expr) for name in symbols(side)})
        listed = ", ".join(names) or "its dimensions"
        return self.report.error(
            "E0311",
            f"whether {show(left)} {symbol} {show(right)} depends on {listed}",
            span,
            "cannot be decided for every value of the symbol",
            help=f"bind it: --dim {names[0]}=..., or declare the input with a number" if names else "",
        )

    def _boolean(self, expr: ast.Boolean, scope: Scope) -> bool | Unknown:
        stop = expr.operator == "or"
        for operand in expr.operands:
            value = self.condition(operand, scope)
            if isinstance(value, Unknown) or value is stop:
                return value
        return not stop

    def _not(self, expr: ast.Not, scope: Scope) -> bool | Unknown:
        value = self.condition(expr.operand, scope)
        return value if isinstance(value, Unknown) else not value

    def _conditional(self, expr: ast.Conditional, scope: Scope) -> Any:
        chosen = self.condition(expr.condition, scope)
        if isinstance(chosen, Unknown):
            return chosen
        return self.evaluate(expr.then if chosen else expr.otherwise, scope)

    def _match(self, expr: ast.Match, scope: Scope) -> Any:
        subject = self.evaluate(expr.subject, scope)
        if isinstance(subject, Unknown):
            return subject
        for arm in expr.arms:
            if not arm.patterns:
                return self.evaluate(arm.value, scope)
            for pattern in arm.patterns:
                holds = self.compare("==", subject, self.evaluate(pattern, scope), pattern.span)
                if isinstance(holds, Unknown):
                    return holds
                if holds:
                    return self.evaluate(arm.value, scope)
        return self.report.error(
            "E0313",
            f"no arm of this match fits {show(subject)}",
            expr.subject.span,
            f"this is {show(subject)}",
            help='add an arm for it, or a catch-all `_ => error("...")`',
        )

    # -------------------------------------------------------------------------------------------------- sequences

    def _range(self, expr: ast.Range, scope: Scope) -> range | Unknown:
        start = self.integer(expr.start, scope, "the start of a range")
        stop = self.integer(expr.stop, scope, "the end of a range")
        if isinstance(start, Unknown) or isinstance(stop, Unknown):
            return UNKNOWN
        return range(start, max(start, stop))

    def _index(self, expr: ast.Index, scope: Scope) -> Any:
        base = self.evaluate(expr.base, scope)
        index = self.integer(expr.index, scope, "an index")
        if isinstance(base, Unknown) or isinstance(index, Unknown):
            return UNKNOWN
        if not isinstance(base, (tuple, range)):
            return self.report.error("E0310", f"cannot index {type_name(base)}", expr.base.span, show(base))
        items: tuple[Any, ...] | range = base  # pyright: ignore[reportUnknownVariableType]
        if not -len(items) <= index < len(items):
            return self.report.error(
                "E0312",
                f"index {index} is outside a list of {len(items)}",
                expr.index.span,
                f"this is {index}",
                notes=(f"the list is {show(items)}",),
            )
        return items[index]

    def attribute(self, expr: ast.Attribute, scope: Scope) -> Any:
        """`label.weight`: a weight of an operator of the same block, to be borrowed with `tie`."""
        base = self.evaluate(expr.base, scope)
        if isinstance(base, Unknown):
            return base
        text = expr.base.span.text
        node = base.node if isinstance(base, (Tensor, SharedInstance)) else None
        if isinstance(base, SharedInstance) and node is None:
            return self.report.error(
                "E0319", f"`{text}` has no weights before it is first applied", expr.span, "borrowed here"
            )
        if not isinstance(node, Op):
            what = "the result of a block" if node is not None else type_name(base)
            return self.report.error(
                "E0319",
                f"`{text}` is {what}: only the weights of an operator labelled in this block can be borrowed",
                expr.span,
                help="label the operator: `linear(64) as code`, then `tie = code.weight`",
            )
        weights = node.op.weights(*(value.type for value in node.inputs))
        for weight in weights:
            if weight.name == expr.name.id:
                return WeightRef(node.instance or node, text, weight.name, weight.shape)
        names = [weight.name for weight in weights]
        return self.report.error(
            "E0319",
            f"`{node.op.name}` has no weight `{expr.name.id}`",
            expr.name.span,
            f"its weights are {', '.join(names)}" if names else "it has no weights",
            help=did_you_mean(expr.name.id, names),
        )

    # -------------------------------------------------------------------------------------------------- functions

    def _call(self, expr: ast.CallExpr, scope: Scope) -> Any:
        name = expr.callee.id
        bound = scope.lookup(name)
        if isinstance(bound, Static):
            bound = bound.value
        function = BUILTINS.get(name) if bound is None else None
        if function is None:
            callee = bound if bound is not None else self.resolve_callable(name)
            if isinstance(callee, Unknown):
                return UNKNOWN
            if isinstance(callee, (OperatorRef, BlockDef, Closure)):
                return self._partial(callee, expr, scope)
            return self.report.error(
                "E0201" if callee is None else "E0310",
                f"`{name}` is not a function of expressions" if callee is None else f"cannot call {type_name(callee)}",
                expr.callee.span,
                help=did_you_mean(name, BUILTINS),
            )
        values: list[Any] = []
        for argument in expr.arguments:
            if argument.name is not None or argument.value is None:
                return self.report.error("E0301", f"`{name}` takes no named arguments", argument.span)
            values.append(self.evaluate(argument.value, scope))
        if UNKNOWN in values:
            return UNKNOWN
        return self._builtin(name, function, values, expr)

    def _builtin(self, name: str, function: Function[..., Any], values: list[Any], expr: ast.CallExpr) -> Any:
        try:
            return self._checked(function(*values), expr.span)
        except BuiltinError as mistake:
            return self.report.error(mistake.code, mistake.message, expr.span, help=mistake.help)
        except (TypeError, AttributeError):
            shown = ", ".join(type_name(value) for value in values)
            return self.report.error("E0310", f"`{name}` does not apply to ({shown})", expr.span)
        except (ValueError, OverflowError):
            shown = ", ".join(map(show, values))
            return self.report.error("E0310", f"`{name}({shown})` has no finite value", expr.span)

    def _partial(self, callee: OperatorRef | BlockDef | Closure, expr: ast.CallExpr, scope: Scope) -> Any:
        positional: list[Any] = []
        named: list[tuple[str, Any]] = []
        for argument in expr.arguments:
            value = False if argument.value is None else self.evaluate(argument.value, scope)
            if isinstance(value, Unknown):
                return UNKNOWN
            if argument.name is None:
                positional.append(value)
            else:
                named.append((argument.name.id, value))
        return Partial(callee, tuple(positional), tuple(named))


class BuiltinError(Exception):
    """A built-in function refuses its arguments."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Expr)) and not isinstance(value, bool)


def same(left: Any, right: Any) -> bool | None:
    """Whether two static values are equal; None if that depends on symbols. An int equals a float of the same value, a bool
    equals only a bool."""
    if isinstance(left, Expr) or isinstance(right, Expr):
        if not _is_number(left) or not _is_number(right) or isinstance(left, float) or isinstance(right, float):
            return False
        return equal(left, right)
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, (tuple, range)) and isinstance(right, (tuple, range)):
        if len(left) != len(right):  # pyright: ignore[reportUnknownArgumentType]
            return False
        undecided = False
        for a, b in zip(left, right, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            decided = same(a, b)
            if decided is False:
                return False
            undecided = undecided or decided is None
        return None if undecided else True
    return bool(left == right)


# ------------------------------------------------------------------------------------------------------- built-ins


def _extreme(choose: Function[..., Any], values: tuple[Any, ...]) -> Any:
    items: Any = values[0] if len(values) == 1 and isinstance(values[0], (tuple, range)) else values
    if not items:
        raise BuiltinError("E0310", "min and max need at least one value")
    best: Any = items[0]
    for item in items[1:]:
        if isinstance(item, Expr) or isinstance(best, Expr):
            larger = at_least(item, best)
            if larger is None and (larger := at_least(best, item)) is not None:
                larger = not larger
            if larger is None:
                raise BuiltinError("E0311", f"which of {best} and {item} is larger depends on the symbols")
            best = item if larger == (choose is max) else best
        elif not _is_number(item) or not _is_number(best):
            raise TypeError
        else:
            best = choose(best, item)
    return best


def _rounding(function: Function[[float], int]) -> Function[[Any], Any]:
    return lambda value: value if isinstance(value, Expr) else function(_number(value))


def _number(value: Any) -> Any:
    if not _is_number(value):
        raise TypeError
    return value


def _round(value: float) -> int:
    """Half away from zero, as papers do by hand (Python's own `round` goes to even)."""
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def _sum(items: Any) -> Any:
    if not isinstance(items, (tuple, range)):
        raise TypeError
    if isinstance(items, range):
        return (items.start + items.stop - 1) * len(items) // 2 if items else 0
    total: Any = 0
    for item in items:  # pyright: ignore[reportUnknownVariableType]
        total = total + _number(item)
    return total


def _sqrt(value: Any) -> float:
    return math.sqrt(_number(value))


def _error(message: Any) -> Any:
    raise BuiltinError("E0316", message if isinstance(message, str) else show(message))


def _transpose(ref: Any) -> WeightRef:
    if not isinstance(ref, WeightRef):
        raise TypeError
    if len(ref.shape) != 2:
        raise BuiltinError("E0319", f"only a matrix can be transposed, this weight has {len(ref.shape)} axes")
    return WeightRef(ref.owner, ref.label, ref.name, ref.shape, not ref.transposed)


BUILTINS: dict[str, Function[..., Any]] = {
    "min": lambda *values: _extreme(min, values),
    "max": lambda *values: _extreme(max, values),
    "floor": _rounding(math.floor),
    "ceil": _rounding(math.ceil),
    "round": _rounding(_round),
    "len": lambda items: len(items) if isinstance(items, (tuple, range, str)) else _error_type(),  # pyright: ignore[reportUnknownArgumentType]
    "sum": _sum,
    "log2": lambda value: math.log2(_number(value)),
    "sqrt": _sqrt,
    "error": _error,
    "transpose": _transpose,
}
"""Functions of expressions. `max` and `transpose` are also operators: inside parentheses and after `=` the function is
meant, in a flow the operator."""


def _error_type() -> Any:
    raise TypeError
