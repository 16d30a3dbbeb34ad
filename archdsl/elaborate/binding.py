"""Argument binding: one binder for blocks, models and operators.

It pairs arguments with parameters (positions, names, flags), applies the `default` statements in force, checks types,
choices and ranges, and reports every mistake at the argument that made it. No operator parses its own arguments.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics.model import Edit, Label
from archdsl.elaborate.arithmetic import elements, same
from archdsl.elaborate.conversions import KINDS, converted, fits, numbers_in
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.interface import Interfaces
from archdsl.elaborate.report import ARGUMENT_STEPS
from archdsl.elaborate.values import (
    UNKNOWN,
    BlockDef,
    Closure,
    Given,
    Interface,
    OperatorRef,
    Partial,
    Scope,
    Static,
    Tensor,
    Unknown,
    WantedArgument,
    a_type,
    is_list,
    is_sequence,
    show,
    type_name,
)
from archdsl.ir.operator import REQUIRED, ArgumentSpec, Operator, unrepresentable
from archdsl.records import replace
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Expr


class Binder:
    """Pairs arguments with parameters. `evaluator` evaluates the arguments and carries the reporter."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.report = evaluator.report
        self.interfaces = Interfaces(evaluator)
        evaluator.bind_partial = self.partial

    def interface(self, callee: OperatorRef | BlockDef) -> Interface:
        """What is known of the parameters of a callee."""
        return (
            self.interfaces.operator(callee.cls) if isinstance(callee, OperatorRef) else self.interfaces.block(callee)
        )

    # --------------------------------------------------------------------------------------------------- pairing

    def pair(
        self,
        callee: str,
        interface: Interface,
        arguments: Sequence[ast.Argument],
        scope: Scope,
        taken: Mapping[str, object] | None = None,
    ) -> dict[str, Given] | None:
        """Which argument goes to which parameter; None after a mistake.

        Positional arguments fill the parameters in order, except those in `taken`. A bare word that names a bool
        parameter sets it, unless the word is also a name in scope, which must then be a bool and is forwarded. A bare
        word that is one of a parameter's string choices (`padding = same`) is that string where no name in scope says
        otherwise."""
        if arguments:
            self.report.spend(ARGUMENT_STEPS * len(arguments), arguments[0].span)
        given: dict[str, Given] = {}
        failed = False
        names = interface.names
        position = 0
        for argument in arguments:
            name = self._named(interface, argument)
            if name is None:
                while position < len(names) and (names[position] in given or names[position] in (taken or ())):
                    position += 1
                if position == len(names):
                    self._too_many(callee, names, argument, scope)
                    return None
                name = names[position]
            elif name not in interface.names and interface.lengths is None:
                failed = True
                self.unknown_argument(callee, name, names, argument.name.span if argument.name else argument.span)
                continue
            value = self._value(callee, interface, name, argument, scope)
            if name in given:
                failed = True
                from archdsl.elaborate.advice_arguments import merged

                help, edits = merged(given[name].span, _tensors(scope))
                self.report.error(
                    "E0303",
                    f"`{name}` of `{callee}` is given twice",
                    argument.span,
                    "given again",
                    related=(Label(given[name].span, "first given here"),),
                    help=help,
                    edits=edits,
                )
                continue
            failed = failed or isinstance(value, Unknown)
            given[name] = Given(value, argument.span, self.evaluator.formula(argument.value, scope))
        return None if failed else given

    def _too_many(self, callee: str, names: Sequence[str], argument: ast.Argument, scope: Scope) -> None:
        """Report an argument without a parameter, and how what it may have meant is written."""
        from archdsl.elaborate import advice_arguments as advice

        help, edits = advice.NOTHING
        if (found := advice.merged(argument.span, _tensors(scope)))[0]:
            help, edits = found
        elif isinstance(argument.value, ast.Name) and isinstance(scope.lookup(argument.value.id), Tensor):
            help, edits = advice.tensor_argument(argument.span, _tensors(scope))
        elif isinstance(argument.value, ast.Int) and len(names) == 1 and names[0] in ("axes", "axis", "dims"):
            help, edits = advice.numbers_listed(argument.span)
        elif isinstance(argument.value, ast.CallExpr) and not names:
            help, edits = advice.nested_call(argument.span)
        elif not names:
            help, edits = advice.number_merged(argument.span)
        takes = f"takes {len(names)} argument{'s' * (len(names) != 1)}" if names else "takes no arguments"
        self.report.error(
            "E0306",
            f"too many arguments: `{callee}` {takes}",
            argument.span,
            "one too many",
            help=help,
            edits=edits,
            notes=(f"its arguments are {', '.join(names)}",) if names else (),
        )

    @staticmethod
    def _named(interface: Interface, argument: ast.Argument) -> str | None:
        """The parameter an argument names; None for a positional one."""
        if argument.name is not None:
            return argument.name.id
        if isinstance(argument.value, ast.Name) and argument.value.id in interface.flags:
            return argument.value.id
        return None

    def _value(self, callee: str, interface: Interface, name: str, argument: ast.Argument, scope: Scope) -> Any:
        expr = argument.value
        if expr is None:
            if name not in interface.flags and interface.types.get(name, "bool") is not None:
                return self.report.error(
                    "E0304", f"`!{name}` sets a bool to false, but `{name}` of `{callee}` is not a bool", argument.span
                )
            return False
        if isinstance(expr, (ast.Conditional, ast.Match, ast.Negative, ast.Not)):
            return self._told(interface, name, argument, expr, scope)
        if not isinstance(expr, ast.Name):
            return self.evaluator.evaluate(expr, scope)
        bound = scope.lookup(expr.id)
        if bound is None and expr.id in interface.words.get(name, ()):
            return expr.id
        if argument.name is not None or expr.id not in interface.flags:
            if bound is None:
                return self._told(interface, name, argument, expr, scope)
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

    def _told(self, interface: Interface, name: str, argument: ast.Argument, expr: ast.Expr, scope: Scope) -> Any:
        """The value of an argument that may hold a name without a meaning, which the evaluator explains by what is
        wanted here."""
        outer = self.evaluator.argument
        self.evaluator.argument = WantedArgument(name, interface, argument)
        try:
            return self.evaluator.evaluate(expr, scope)
        finally:
            self.evaluator.argument = outer

    def unknown_argument(self, callee: str, name: str, names: Sequence[str], span: Span) -> None:
        """Report an argument that the callee does not have."""
        from archdsl.elaborate.advice_arguments import unknown_argument

        help, edits = unknown_argument(self.report, name, names, span)
        self.report.error(
            "E0301",
            f"`{callee}` has no argument `{name}`",
            span,
            "unknown argument",
            notes=(f"its arguments are {', '.join(names)}",) if names else (f"`{callee}` takes no arguments",),
            help=help,
            edits=edits,
        )

    def partial(self, callee: Any, arguments: Sequence[ast.Argument], scope: Scope, span: Span) -> Any:
        """`conv(64, 1)` as a value."""
        if isinstance(callee, Closure):
            return self.report.error("E0306", f"the body `{callee.name}` takes no arguments", span)
        earlier = callee if isinstance(callee, Partial) else None
        base: OperatorRef | BlockDef = callee.callee if isinstance(callee, Partial) else callee
        known = {} if earlier is None else self.given_by(earlier, span)
        defaults = earlier.defaults if earlier is not None else tuple(scope.defaults.get(base.key, {}).items())
        written = self.pair(base.name, self.interface(base), arguments, scope, known)
        if written is None:
            return UNKNOWN
        merged = {**known, **written}
        return Partial(
            base,
            tuple((name, given.value) for name, given in merged.items()),
            defaults,
            tuple(given.span for given in merged.values()),
        )

    @staticmethod
    def given_by(partial: Partial, span: Span) -> dict[str, Given]:
        """The arguments a `Partial` already carries, without its defaults."""
        spans = partial.spans or (span,) * len(partial.given)
        return {name: Given(value, where) for (name, value), where in zip(partial.given, spans, strict=True)}

    def arguments(
        self,
        callee: OperatorRef | BlockDef,
        partial: Partial | None,
        arguments: Sequence[ast.Argument],
        scope: Scope,
        span: Span,
    ) -> dict[str, Given] | None:
        """Everything given in one application: defaults in force, what a `Partial` carries, and what is written; None
        after a mistake."""
        defaults = partial.defaults if partial is not None else scope.defaults.get(callee.key, {}).items()
        given = {name: Given(value, span) for name, value in defaults}
        known: dict[str, Given] = {}
        if partial is not None:
            known = self.given_by(partial, span)
            given.update(known)
        written = self.pair(callee.name, self.interface(callee), arguments, scope, known)
        return None if written is None else {**given, **written}

    # -------------------------------------------------------------------------------------------------- operators

    def operator(self, cls: type[Operator], given: Mapping[str, Given], span: Span) -> Operator | None:
        """An operator instance from the arguments given; None after a mistake."""
        settings: dict[str, object] = {}
        failed = False
        interface = self.interfaces.operator(cls)
        if interface.lengths is not None:
            named = {
                name: self.convert(cls.name, replace(interface.lengths, name=name), argument, interface)
                for name, argument in given.items()
                if name not in interface.names
            }
            failed = any(isinstance(value, Unknown) for value in named.values())
            settings[interface.lengths.name] = tuple(named.items())
        for spec in interface.specs:
            if spec.name in given:
                value = self.convert(cls.name, spec, given[spec.name], interface)
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
        return None if failed else cls(**settings)

    def convert(self, callee: str, spec: ArgumentSpec, argument: Given, interface: Interface | None = None) -> Any:
        """The value an operator's rules see for one argument; UNKNOWN after a report."""
        if is_sequence(argument.value):  # every operator keeps its own copy, inner lists and ranges written out
            self.report.spend(elements(argument.value), argument.span)
        if isinstance(argument.value, Tensor) and isinstance(argument.value.flow, Unknown):
            return UNKNOWN
        value = converted(spec, argument.value)
        if value is UNKNOWN:
            return self._wrong_type(callee, spec.name, KINDS[spec.kind], argument, interface)
        if spec.choices and value is not None and value not in spec.choices:
            options = ", ".join(f'"{choice}"' for choice in spec.choices)
            return self.report.error(
                "E0305",
                f"`{spec.name}` of `{callee}` must be one of {options}",
                argument.span,
                f"this is {show(value)}",
                help=self.report.did_you_mean(str(value), spec.choices),
            )
        for number in numbers_in(value):
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
            narrow = unrepresentable(spec.kind, number)
            if narrow:
                return self.report.error(
                    "E0305",
                    f"`{spec.name}` of `{callee}` must fit into {narrow}",
                    argument.span,
                    f"this is {show(argument.value)}",
                )
        return value

    def _wrong_type(
        self, callee: str, name: str, expected: str, argument: Given, interface: Interface | None, hint: str = ""
    ) -> Unknown:
        found = argument.value
        several = "several tensors" if isinstance(found, Tensor) and is_list(found.flow) else ""
        if isinstance(found, Expr):
            hint = "bind the symbol with --dim, or declare the input with a number"
        edits: tuple[Edit, ...] = ()
        if not hint:
            from archdsl.elaborate.advice_arguments import wrong_value

            hint, edits = wrong_value(callee, name, expected, found, argument.span, interface)
        return self.report.error(
            "E0304",
            f"`{name}` of `{callee}` must be {expected}, not {several or a_type(found)}",
            argument.span,
            f"this is {show(found)}",
            help=hint,
            edits=edits,
        )

    # ----------------------------------------------------------------------------------------------------- blocks

    def parameters(self, definition: BlockDef, given: Mapping[str, Given], scope: Scope, span: Span) -> bool:
        """Bind a block's or model's parameters in `scope` (the callee's own): given values are checked, defaults are
        evaluated in order and may use earlier parameters. False after a mistake."""
        fine = True
        self.report.spend(ARGUMENT_STEPS * len(definition.syntax.parameters), span)
        for parameter in definition.syntax.parameters:
            name = parameter.name.id
            argument = given.get(name)
            if argument is None:
                if parameter.default is not None:
                    argument = Given(
                        self.evaluator.evaluate(parameter.default, scope),
                        parameter.default.span,
                        self.evaluator.formula(parameter.default, scope),
                    )
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
            scope.names[name] = value if isinstance(value, Tensor) else self.evaluator.bound(value, argument.formula)
        return fine

    def _checked(self, definition: BlockDef, parameter: ast.Parameter, argument: Given, scope: Scope) -> Any:
        value = argument.value
        if isinstance(value, Unknown):
            return value
        expected = self.interfaces.block(definition).types[parameter.name.id]
        if value is None and isinstance(parameter.default, ast.NoneLiteral):
            return value
        if expected is not None:
            if expected == "float" and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            elif not fits(expected, value):
                name = parameter.name.id
                words = KINDS[expected] if expected in ("int", "window", "padding") else f"a {expected}"
                listed = expected == "int" and parameter.type is None and fits("window", value)
                hint = f"a window, which may be a list, is declared `{name}: window = ...`" if listed else ""
                interface = self.interfaces.block(definition)
                return self._wrong_type(definition.name, name, words, argument, interface, hint)
        if parameter.choices:
            options = [self.evaluator.evaluate(choice, scope) for choice in parameter.choices]
            if any(isinstance(option, Unknown) for option in options):
                return UNKNOWN
            if not any(same(option, value) for option in options):
                words = [option for option in options if isinstance(option, str)]
                return self.report.error(
                    "E0305",
                    f"`{parameter.name.id}` of `{definition.name}` must be one of {', '.join(map(show, options))}",
                    argument.span,
                    f"this is {show(value)}",
                    related=(Label(parameter.span, "the choices are declared here"),),
                    help=self.report.did_you_mean(value, words) if isinstance(value, str) else "",
                )
        return value


def _tensors(scope: Scope) -> Callable[[str], bool]:
    """Whether a text names a tensor, or a list of them."""

    def is_tensor(text: str) -> bool:
        names = text.strip("[] ").replace(",", " ").split()
        return bool(names) and all(isinstance(scope.lookup(name), Tensor) for name in names)

    return is_tensor
