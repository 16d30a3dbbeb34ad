"""Evaluation of static expressions: exact integers, symbolic dimensions, no implicit conversions.

Every method returns a static value or `UNKNOWN` after reporting. Recursion follows the nesting of the source, which the
parser has bounded (`limits.nesting`).
"""

from collections.abc import Callable as Function
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.model import Edit
from archdsl.elaborate.arithmetic import Arithmetic
from archdsl.elaborate.builtins import BUILTINS, BuiltinError, is_number
from archdsl.elaborate.report import EXPRESSION_STEP, LEVELS_PER_STEP, Reporter
from archdsl.elaborate.values import (
    BLOCKS,
    UNKNOWN,
    BlockDef,
    Closure,
    Given,
    OperatorRef,
    Partial,
    Scope,
    SharedInstance,
    Static,
    Tensor,
    Unknown,
    WantedArgument,
    a_type,
    is_list,
    is_sequence,
    length,
    show,
    type_name,
)
from archdsl.ir.operator import WeightRef
from archdsl.ir.program import Call, Op, Value
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Expr, symbols

if TYPE_CHECKING:
    from archdsl.types.derivations import Derivation


class Evaluator(Arithmetic):
    """Evaluates expressions; `resolve_callable` finds block and operator names that no scope binds, and the binder
    puts in `bind_partial` how a block takes arguments without being applied."""

    bind_partial: "Function[[Any, Sequence[ast.Argument], Scope, Span], Any]"

    def __init__(self, report: Reporter, resolve_callable: Function[[str], OperatorRef | BlockDef | None]) -> None:
        self.report = report
        self.resolve_callable = resolve_callable
        self.argument: WantedArgument | None = None
        """What is being evaluated: the callee's and the parameter's name, the words that it takes, the argument."""
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
        from archdsl.elaborate.advice import condition

        help, edits = condition(expr.span, isinstance(value, str))
        return self.report.error(
            "E0310",
            f"a condition must be a bool, not {a_type(value)}",
            expr.span,
            f"this is {show(value)}",
            help=help,
            edits=edits,
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
                "E0304", f"{what} must be an int, not {a_type(value)}", expr.span, f"this is {show(value)}"
            )
        if minimum is not None and value < minimum:
            return self.report.error("E0305", f"{what} must be at least {minimum}", expr.span, f"this is {value}")
        return value

    def items(self, expr: ast.Expr, scope: Scope) -> tuple[Any, ...] | range | Unknown:
        """The value of an expression that must be a list or a range."""
        value = self.evaluate(expr, scope)
        if is_sequence(value) or isinstance(value, Unknown):
            return value
        counts = isinstance(value, int) and isinstance(expr, (ast.Int, ast.Name))
        return self.report.error(
            "E0304",
            f"cannot go over {a_type(value)}: a list or a range is needed",
            expr.span,
            f"this is {show(value)}",
            help=f"write `0..{expr.span.text if counts else show(value)}` to count" if isinstance(value, int) else "",
            edits=(Edit(expr.span, f"0..{expr.span.text}"),) if counts else (),
        )

    def unpack(self, targets: list[ast.Name], value: Any, span: Span) -> list[Any]:
        """One value per target; a single target takes the value whole."""
        if len(targets) == 1:
            return [value]
        if isinstance(value, Unknown):
            return [UNKNOWN] * len(targets)
        if is_sequence(value) and len(value) == len(targets):
            return list(value)
        found = f"{len(value)} values" if is_sequence(value) else type_name(value)
        self.report.error(
            "E0314", f"{len(targets)} names on the left, {found} on the right", span, f"this is {show(value)}"
        )
        return [UNKNOWN] * len(targets)

    # -------------------------------------------------------------------------------------------------- provenance

    # Nothing is remembered here: counting wants plain numbers. `Remembering` fills these in.

    def formula(self, expr: ast.Expr | None, scope: Scope) -> "Derivation | None":
        """The formula of an expression over the parameters of the block that it stands in."""
        return None

    def bound(self, value: Any, formula: "Derivation | None") -> Static:
        """What a name is bound to."""
        return Static(value)

    def under(
        self, outer: "Derivation | None", tested: "Sequence[tuple[Derivation | None, bool]]"
    ) -> "Derivation | None":
        """The condition under which an arm runs: the one around it, and how the conditions looked at came out."""
        return None

    def numbered(self, label: ast.String, scope: Scope) -> tuple[str, int] | None:
        """The beginning and the number of a label that ends in a computed number."""
        return None

    def times(self, expr: ast.Expr, items: "tuple[Any, ...] | range", scope: Scope) -> int | None:
        """How often a loop over these items runs, with the formula of that."""
        return None

    def given(self, scope: Scope) -> "dict[str, Derivation] | None":
        """The caller's formulas of what the names of a callee are bound to."""
        return None

    def written(self, given: Mapping[str, Given]) -> "Mapping[str, Derivation] | None":
        """The formulas of an operator's arguments."""
        return None

    def enter(self, scope: Scope, inputs: Sequence[Value], origin: "ast.Block | ast.Model | Closure") -> None:
        """Rename, at the entry of a body, what its caller made: names and sizes are the block's own from here."""

    def leave(self, node: Call, given: "Mapping[str, Derivation] | None", origin: "ast.Block | Closure") -> None:
        """Note on a call what it was given, and say its results' sizes in the caller's terms."""

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
        return self.bounded_string("".join(parts), expr.span) if len(parts) > 1 else "".join(parts)

    def _name(self, expr: ast.Name, scope: Scope) -> Any:
        self.report.spend(scope.depth // LEVELS_PER_STEP, expr.span)
        bound = scope.lookup(expr.id)
        if isinstance(bound, Static):
            return bound.value
        found = bound if bound is not None else self.resolve_callable(expr.id)
        if isinstance(found, (OperatorRef, BlockDef)) and found.key in scope.defaults:
            # The defaults in force here go with it, because `default` is lexical.
            return Partial(found, (), tuple(scope.defaults[found.key].items()))
        if found is not None:
            return found
        return self.undefined(expr, scope.visible())

    def undefined(self, name: ast.Name, visible: set[str]) -> Unknown:
        """Report a name in an expression that stands for nothing; `visible` are those that would."""
        from archdsl.elaborate.advice import unknown_name
        from archdsl.elaborate.advice_arguments import argument_word

        help, edits = argument_word(self.argument, name)
        if not help:
            known = {*visible, "true", "false", "none"}
            help, edits = unknown_name(self.report, name.span, name.id, known, is_step=False)
        message = f"`{name.id}` is not defined here"
        return self.report.error("E0201", message, name.span, "unknown name", help=help, edits=edits)

    def _list(self, expr: ast.ListExpr | ast.TupleExpr, scope: Scope) -> Any:
        values = tuple([self.evaluate(item, scope) for item in expr.items])
        return UNKNOWN if has_unknown(values) else self.bounded_list(values, expr.span)

    # ------------------------------------------------------------------------------------------------ arithmetic

    def _arithmetic(self, expr: ast.Arithmetic, scope: Scope) -> Any:
        total = self.evaluate(expr.operands[0], scope)
        last = len(expr.operators) - 1
        for index, (symbol, operand) in enumerate(zip(expr.operators, expr.operands[1:], strict=True)):
            right = self.evaluate(operand, scope)
            if isinstance(total, Unknown) or isinstance(right, Unknown):
                total = UNKNOWN
                continue
            # The chain's own span holds the brackets around its first and last operand, the operands' spans do not.
            end = expr.span.end if index == last else operand.span.end
            total = self.binary(symbol, total, right, Span(expr.span.source, expr.span.start, end), operand.span)
        return total

    def _negative(self, expr: ast.Negative, scope: Scope) -> Any:
        value = self.evaluate(expr.operand, scope)
        if isinstance(value, Unknown):
            return value
        if not is_number(value):
            return self.report.error(
                "E0310", f"`-` does not apply to {a_type(value)}", expr.span, f"this is {show(value)}"
            )
        return -value

    # ------------------------------------------------------------------------------------------------- conditions

    def _comparison(self, expr: ast.Comparison, scope: Scope) -> bool | Unknown:
        values = [self.evaluate(operand, scope) for operand in expr.operands]
        if has_unknown(values):
            return UNKNOWN
        for symbol, left, right in zip(expr.operators, values, values[1:], strict=False):
            holds = self.compare(symbol, left, right, expr.span)
            if holds is not True:
                return holds
        return True

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
        if 0 <= stop < start:
            self._warn_backwards(start, stop, expr.span)
        stop = max(start, stop)
        if (stop - start).bit_length() > self.report.limits.integer_bits:
            raise self.integer_limit(expr.span)
        return range(start, stop)

    def _warn_backwards(self, start: int, stop: int, span: Span) -> None:
        """Warn about `3..0`. An end below zero is no mistake: `0..n - 2` has nothing in it for a small `n`."""
        down = ", ".join(map(str, range(start - 1, stop - 1, -1)[:3]))
        self.report.error(
            "W0503",
            f"{start}..{stop} is empty: ranges count upwards",
            span,
            "ends before it starts",
            help=f"a list goes down: [{down}{', ...' if start - stop > 3 else ''}]",
            severity="warning",
        )

    def _index(self, expr: ast.Index, scope: Scope) -> Any:
        base = self.evaluate(expr.base, scope)
        if isinstance(expr.index, ast.Range):
            index = self._range(expr.index, scope)
        else:
            index = self.integer(expr.index, scope, "an index")
        if isinstance(base, Unknown) or isinstance(index, Unknown):
            return UNKNOWN
        if not is_sequence(base):
            return self.report.error("E0310", f"cannot index {a_type(base)}", expr.base.span, f"this is {show(base)}")
        items: tuple[Any, ...] | range = base
        count = length(items)
        if isinstance(index, range):
            if index.start >= 0 and index.stop <= count:
                self.report.spend(0 if isinstance(items, range) else len(index), expr.span)
                return items[index.start : index.stop]
            return self.report.error(
                "E0312",
                f"{show(index)} goes beyond a list of {count}",
                expr.index.span,
                "every index of a range lies in the list",
                notes=(f"the list is {show(items)}",),
            )
        if not -count <= index < count:
            return self.report.error(
                "E0312",
                f"index {index} is outside a list of {count}",
                expr.index.span,
                f"this is {index}",
                notes=(f"the list is {show(items)}",),
            )
        return items[index]

    def attribute(self, expr: ast.Attribute, scope: Scope) -> Any:
        """`label.weight`: a weight of an operator of the same block, to be borrowed with `tie`."""
        base = self.evaluate(expr.base, scope)
        if isinstance(base, Unknown) or (isinstance(base, Tensor) and isinstance(base.flow, Unknown)):
            return UNKNOWN
        text = expr.base.span.text
        node = base.node if isinstance(base, (Tensor, SharedInstance)) else None
        if isinstance(base, SharedInstance) and node is None:
            return self.report.error(
                "E0319", f"`{text}` has no weights before it is first applied", expr.span, "borrowed here"
            )
        if not isinstance(node, Op):
            what = "the result of a block" if node is not None else a_type(base)
            from archdsl.elaborate.advice import attribute

            help, edits = attribute(expr.span, expr.span.text, a_type(base))
            return self.report.error(
                "E0319",
                f"`{text}` is {what}: only the weights of an operator labelled in this block can be borrowed",
                expr.span,
                help=help or "label the operator: `linear(64) as encode`, then `tie = encode.weight`",
                edits=edits,
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
            help=self.report.did_you_mean(expr.name.id, names),
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
            if isinstance(callee, BLOCKS):
                return self.bind_partial(callee, expr.arguments, scope, expr.span)
            if callee is None:
                return self.no_function(expr.callee, scope.visible())
            return self.report.error(
                "E0310",
                f"`{name}` is {a_type(callee)}, it cannot be called",
                expr.callee.span,
                f"this is {show(callee)}",
            )
        values: list[Any] = []
        for argument in expr.arguments:
            if argument.name is not None or argument.value is None:
                return self.report.error("E0301", f"`{name}` takes no named arguments", argument.span)
            values.append(self.evaluate(argument.value, scope))
        if has_unknown(values):
            return UNKNOWN
        for value in values:
            if is_list(value):
                self.report.spend(len(value), expr.span)
        return self._builtin(name, function, values, expr)

    def no_function(self, name: ast.Name, visible: set[str]) -> Unknown:
        """Report a call, in an expression, of what does not exist."""
        from archdsl.elaborate.advice import unknown_name

        help, edits = unknown_name(self.report, name.span, name.id, {*BUILTINS, *visible}, is_step=False)
        message = f"there is no function or block `{name.id}`"
        return self.report.error("E0201", message, name.span, "unknown name", help=help, edits=edits)

    def _builtin(self, name: str, function: Function[..., Any], values: list[Any], expr: ast.CallExpr) -> Any:
        try:
            return self.checked(function(*values), expr.span)
        except BuiltinError as mistake:
            return self.report.error(mistake.code, mistake.message, expr.span, help=mistake.help)
        except TypeError:
            shown = ", ".join(type_name(value) for value in values)
            sizes = any(isinstance(value, Tensor) for value in values) and name in ("len", "min", "max", "sum")
            help = "the sizes of a tensor get names where it is: `expect [N, c, ...]`" if sizes else ""
            return self.report.error("E0310", f"`{name}` does not apply to ({shown})", expr.span, help=help)
        except (ValueError, OverflowError):
            shown = ", ".join(map(show, values))
            return self.report.error("E0310", f"`{name}({shown})` has no finite value", expr.span)


def has_unknown(values: Sequence[Any]) -> bool:
    """Whether poison is among the values."""
    return any(value is UNKNOWN for value in values)
