"""Argument binding: one binder for blocks, models and operators.

It pairs arguments with parameters (positions, names, flags), applies the `default` statements in force, checks types,
choices and ranges, and reports every mistake at the argument that made it. No operator parses its own arguments.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics.model import Label
from archdsl.elaborate.evaluate import BUILTINS, Evaluator, same
from archdsl.elaborate.report import did_you_mean
from archdsl.elaborate.values import (
    UNKNOWN,
    BlockDef,
    Closure,
    OperatorRef,
    Partial,
    Scope,
    Static,
    Tensor,
    Unknown,
    show,
    type_name,
)
from archdsl.ir.operator import REQUIRED, ArgumentSpec, Operator, WeightRef
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Expr

BLOCK_TYPES = ("int", "float", "bool", "string", "list", "block", "tensor")
"""Types a block parameter may declare."""


class Given:
    """An argument as written: its value and where it stands."""

    __slots__ = ("span", "value")

    def __init__(self, value: Any, span: Span) -> None:
        self.value = value
        self.span = span


class Binder:
    """Pairs arguments with parameters. `evaluator` evaluates the arguments and carries the reporter."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.report = evaluator.report

    # --------------------------------------------------------------------------------------------------- pairing

    def pair(
        self,
        callee: str,
        names: Sequence[str],
        flags: Iterable[str],
        arguments: Sequence[ast.Argument],
        scope: Scope,
        words: Mapping[str, tuple[str, ...]] | None = None,
    ) -> dict[str, Given] | None:
        """Which argument goes to which parameter; None after a mistake.

        `flags` are the callee's bool parameters: a bare word that names one sets it, unless the word is also a name in
        scope, which must then be a bool and is forwarded. `words` lists, by parameter, the strings that may be written
        without quotes (`padding = same`) where no name in scope says otherwise.
        """
        given: dict[str, Given] = {}
        failed = False
        for argument in arguments:
            name = self._named(flags, argument)
            if name is None:
                name = next((candidate for candidate in names if candidate not in given), None)
                if name is None:
                    takes = f"takes {len(names)} arguments" if names else "takes no arguments"
                    self.report.error(
                        "E0306",
                        f"too many arguments: `{callee}` {takes}",
                        argument.span,
                        "one too many",
                        notes=(f"its parameters are {', '.join(names)}",) if names else (),
                    )
                    return None
            elif name not in names:
                failed = True
                self.unknown_argument(callee, name, names, argument.name.span if argument.name else argument.span)
                continue
            value = self._value(callee, flags, argument, scope, (words or {}).get(name, ()))
            if name in given:
                failed = True
                self.report.error(
                    "E0303",
                    f"`{name}` is given twice",
                    argument.span,
                    "given again",
                    related=(Label(given[name].span, "first given here"),),
                )
                continue
            failed = failed or isinstance(value, Unknown)
            given[name] = Given(value, argument.span)
        return None if failed else given

    @staticmethod
    def _named(flags: Iterable[str], argument: ast.Argument) -> str | None:
        """The parameter an argument names; None for a positional one."""
        if argument.name is not None:
            return argument.name.id
        if isinstance(argument.value, ast.Name) and argument.value.id in flags:
            return argument.value.id
        return None

    def _value(
        self, callee: str, flags: Iterable[str], argument: ast.Argument, scope: Scope, words: tuple[str, ...]
    ) -> Any:
        expr = argument.value
        if expr is None:
            return False
        if not isinstance(expr, ast.Name):
            return self.evaluator.evaluate(expr, scope)
        bound = scope.lookup(expr.id)
        if bound is None and expr.id in words:
            return expr.id
        if argument.name is not None or expr.id not in flags:
            return self.evaluator.evaluate(expr, scope)
        if bound is None:
            return True
        reading = bound.value if isinstance(bound, Static) else bound
        if isinstance(reading, (bool, Unknown)):
            return reading
        return self.report.error(
            "E0307",
            f"`{expr.id}` could be the flag of `{callee}` or the {type_name(reading)} named `{expr.id}`",
            argument.span,
            "ambiguous",
            help=f"write `{expr.id} = true` to set the flag, or name the parameter that takes {show(reading)}",
        )

    def unknown_argument(self, callee: str, name: str, names: Sequence[str], span: Span) -> None:
        """Report an argument that the callee does not have."""
        self.report.error(
            "E0301",
            f"`{callee}` has no argument `{name}`",
            span,
            "unknown argument",
            notes=(f"its arguments are {', '.join(names)}",) if names else (f"`{callee}` takes no arguments",),
            help=did_you_mean(name, names),
        )

    # -------------------------------------------------------------------------------------------------- operators

    def operator(
        self,
        cls: type[Operator],
        arguments: Sequence[ast.Argument],
        scope: Scope,
        span: Span,
        partial: Partial | None,
    ) -> tuple[Operator, dict[str, Given]] | None:
        """An operator instance and the arguments as written; None after a mistake."""
        specs = cls.arguments()
        names = [spec.name for spec in specs]
        flags = [spec.name for spec in specs if spec.kind == "bool"]
        given: dict[str, Given] = {}
        for name, value in scope.defaults.get(cls, {}).items():
            given[name] = Given(value, span)
        if partial is not None and not self.apply_partial(cls.name, partial, names, given, span):
            return None
        words = {spec.name: ("same",) if spec.kind == "padding" else spec.choices for spec in specs}
        written = self.pair(cls.name, names, flags, arguments, scope, words)
        if written is None:
            return None
        given.update(written)
        settings: dict[str, object] = {}
        failed = False
        for spec in specs:
            if spec.name in given:
                value = self.convert(cls.name, spec, given[spec.name])
                failed = failed or isinstance(value, Unknown)
                settings[spec.name] = value
            elif spec.default is REQUIRED:
                failed = True
                self.report.error(
                    "E0302",
                    f"`{cls.name}` needs the argument `{spec.name}`",
                    span,
                    f"missing `{spec.name}`: {spec.doc}",
                )
        return None if failed else (cls(**settings), given)

    def apply_partial(
        self, callee: str, partial: Partial, names: Sequence[str], given: dict[str, Given], span: Span
    ) -> bool:
        """Add the arguments a `Partial` already carries to `given`; False after a mistake."""
        if len(partial.positional) > len(names):
            self.report.error("E0306", f"too many arguments: `{callee}` takes {len(names)}", span, "bound earlier")
            return False
        values = dict(zip(names, partial.positional, strict=False))
        values.update(partial.named)
        for name, value in values.items():
            if name not in names:
                self.unknown_argument(callee, name, names, span)
                return False
            given[name] = Given(value, span)
        return True

    def convert(self, callee: str, spec: ArgumentSpec, argument: Given) -> Any:
        """The value an operator's rules see for one argument; UNKNOWN after a report."""
        value = _converted(spec, argument.value)
        if value is UNKNOWN:
            return self._wrong_type(callee, spec.name, _KINDS[spec.kind], argument)
        if spec.choices and value not in spec.choices:
            options = ", ".join(f'"{choice}"' for choice in spec.choices)
            return self.report.error(
                "E0305",
                f"`{spec.name}` of `{callee}` must be one of {options}",
                argument.span,
                f"this is {show(value)}",
                help=did_you_mean(str(value), spec.choices),
            )
        for number in _numbers(value):
            low, high = spec.minimum, spec.maximum
            if (low is not None and number < low) or (high is not None and number > high):
                if low is not None and high is not None:
                    rule = f"between {low:g} and {high:g}"
                else:
                    rule = f"at least {low:g}" if low is not None else f"at most {high:g}"
                return self.report.error(
                    "E0305",
                    f"`{spec.name}` of `{callee}` must be {rule}",
                    argument.span,
                    f"this is {show(argument.value)}",
                )
        return value

    def _wrong_type(self, callee: str, name: str, expected: str, argument: Given) -> Unknown:
        found = argument.value
        hint = ""
        if isinstance(found, float) and expected.startswith("an int"):
            hint = "there is no implicit rounding: use floor(...), round(...) or `//`"
        elif isinstance(found, Expr):
            hint = "bind the symbol with --dim, or declare the input with a number"
        return self.report.error(
            "E0304",
            f"`{name}` of `{callee}` must be {expected}, not {type_name(found)}",
            argument.span,
            f"this is {show(found)}",
            help=hint,
        )

    # ----------------------------------------------------------------------------------------------------- blocks

    def parameters(
        self,
        definition: BlockDef,
        given: dict[str, Given],
        scope: Scope,
        span: Span,
    ) -> bool:
        """Bind a block's or model's parameters in `scope` (the callee's own): given values are checked, defaults are
        evaluated in order and may use earlier parameters. False after a mistake."""
        fine = True
        for parameter in definition.syntax.parameters:
            name = parameter.name.id
            argument = given.get(name)
            if argument is None:
                if parameter.default is not None:
                    argument = Given(self.evaluator.evaluate(parameter.default, scope), parameter.default.span)
                elif parameter.is_flag:
                    argument = Given(False, parameter.span)
                else:
                    fine = False
                    scope.names[name] = Static(UNKNOWN)
                    self.report.error(
                        "E0302",
                        f"`{definition.name}` needs the argument `{name}`",
                        span,
                        f"missing `{name}`",
                        related=(Label(parameter.span, "declared here"),),
                    )
                    continue
            value = self._checked(definition, parameter, argument, scope)
            fine = fine and not isinstance(value, Unknown)
            scope.names[name] = value if isinstance(value, Tensor) else Static(value)
        return fine

    def _checked(self, definition: BlockDef, parameter: ast.Parameter, argument: Given, scope: Scope) -> Any:
        value = argument.value
        if isinstance(value, Unknown):
            return value
        expected = self.declared_type(parameter, scope)
        if expected is not None:
            if expected == "float" and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            elif not _fits(expected, value):
                article = "an" if expected[0] in "aeio" else "a"
                return self._wrong_type(definition.name, parameter.name.id, f"{article} {expected}", argument)
        if parameter.choices:
            options = [self.evaluator.evaluate(choice, scope) for choice in parameter.choices]
            if not any(same(option, value) for option in options):
                return self.report.error(
                    "E0305",
                    f"`{parameter.name.id}` of `{definition.name}` must be one of {', '.join(map(show, options))}",
                    argument.span,
                    f"this is {show(value)}",
                    related=(Label(parameter.span, "the choices are declared here"),),
                )
        return value

    def flags_of(self, definition: BlockDef) -> list[str]:
        """Names of a block's bool parameters."""
        parameters = definition.syntax.parameters
        return [p.name.id for p in parameters if self.declared_type(p, definition.scope) == "bool"]

    def declared_type(self, parameter: ast.Parameter, scope: Scope) -> str | None:
        """The type a parameter asks for: written, or that of its default; None if anything goes."""
        if parameter.is_flag:
            return "bool"
        if parameter.type is not None:
            name = parameter.type.id
            if name not in BLOCK_TYPES:
                self.report.error(
                    "E0304",
                    f"`{name}` is not a type",
                    parameter.type.span,
                    f"the types are {', '.join(BLOCK_TYPES)}",
                    help=did_you_mean(name, BLOCK_TYPES),
                )
                return None
            return name
        default = parameter.default
        if default is None or isinstance(default, ast.NoneLiteral):
            return None
        literal = _LITERAL_TYPES.get(type(default))
        if literal is not None:
            return literal
        if not isinstance(default, (ast.Name, ast.CallExpr, ast.ListExpr)):
            # An expression over earlier parameters has no type before they are bound.
            return None
        if isinstance(default, ast.ListExpr):
            return "list"
        named = default if isinstance(default, ast.Name) else default.callee
        bound = scope.lookup(named.id)
        if bound is None and self.evaluator.resolve_callable(named.id) is None:
            return None
        if isinstance(default, ast.CallExpr):
            return None if bound is None and named.id in BUILTINS else "block"
        found = type_name(self.evaluator.evaluate(default, scope))
        return found if found in BLOCK_TYPES else None


_LITERAL_TYPES: dict[type, str] = {
    ast.Int: "int",
    ast.Float: "float",
    ast.Bool: "bool",
    ast.String: "string",
}
_KINDS: dict[str, str] = {
    "int": "an int",
    "float": "a float",
    "bool": "a bool",
    "string": "a string",
    "window": "an int or a list of ints, one per spatial axis",
    "padding": "an int, a list of ints, or same",
    "ints": "a list of ints",
    "dims": "a list of dimensions",
    "weight": "a weight (`label.weight`)",
    "list": "a list of numbers",
}


def _fits(expected: str, value: Any) -> bool:
    if expected == "block":
        return isinstance(value, (OperatorRef, BlockDef, Closure, Partial))
    if expected == "int":
        return (isinstance(value, int) and not isinstance(value, bool)) or isinstance(value, Expr)
    return type_name(value) == expected


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _converted(spec: ArgumentSpec, value: Any) -> Any:
    """The value in the form the operator's rules expect, or UNKNOWN if it is of another type."""
    if value is None:
        return None if spec.default is None else UNKNOWN
    kind = spec.kind
    if kind == "int":
        return value if _is_int(value) else UNKNOWN
    if kind == "float":
        return float(value) if _is_int(value) or isinstance(value, float) else UNKNOWN
    if kind == "bool":
        return value if isinstance(value, bool) else UNKNOWN
    if kind == "string":
        return value if isinstance(value, str) else UNKNOWN
    if kind == "weight":
        return value if isinstance(value, WeightRef) else UNKNOWN
    if kind == "padding" and value == "same":
        return value
    if isinstance(value, range):
        value = tuple(value) if len(value) <= 1_000_000 else UNKNOWN
    if kind in ("window", "padding"):
        if _is_int(value):
            return value
        return value if isinstance(value, tuple) and value and all(map(_is_int, value)) else UNKNOWN  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if kind == "ints":
        if _is_int(value):
            return (value,)
        return value if isinstance(value, tuple) and all(map(_is_int, value)) else UNKNOWN  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if kind == "dims":
        fits = isinstance(value, tuple) and all(_is_int(item) or isinstance(item, Expr) for item in value)  # pyright: ignore[reportUnknownVariableType]
        return value if fits else UNKNOWN  # pyright: ignore[reportUnknownVariableType]
    return _nested_numbers(value)


def _nested_numbers(value: Any) -> Any:
    if isinstance(value, range):
        value = tuple(value)
    if isinstance(value, tuple):
        items = tuple(_nested_numbers(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
        return UNKNOWN if UNKNOWN in items else items
    return value if _is_int(value) or isinstance(value, float) else UNKNOWN


def _numbers(value: Any) -> tuple[Any, ...]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, tuple):
        return tuple(item for item in value if isinstance(item, (int, float)))  # pyright: ignore[reportUnknownVariableType]
    return ()
