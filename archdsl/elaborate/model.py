"""From a model's name and arguments to its program."""

from collections.abc import Mapping
from typing import Any

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.binding import Binder
from archdsl.elaborate.builder import Builder, mark_train_only, reachable, total_operators
from archdsl.elaborate.calls import Elaborator
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.frame import Frame
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.functions import plain
from archdsl.elaborate.module import Module, TestItem
from archdsl.elaborate.report import CALL_STEPS, Reporter, elaboration, no_such_symbol
from archdsl.elaborate.resolve import Resolver
from archdsl.elaborate.values import BlockDef, Given, ModelPreset, Scope, Static, is_list
from archdsl.ir.program import Function, Program
from archdsl.limits import Ledger, Limits
from archdsl.records import replace
from archdsl.source import Span
from archdsl.syntax import ast

MAX_OPERATOR_BITS = 1024
"""Python refuses to print integers of more than 4 300 digits; every count of a network this large has fewer."""


def elaborate(
    module: Module,
    name: str,
    arguments: Mapping[str, object],
    dims: Mapping[str, int],
    sink: Sink,
    limits: Limits,
    file: Ledger | None = None,
) -> Program | None:
    """The program of one model under the given parameters (plain Python values, or `Given` ones that know their place)
    and dimension bindings. What it takes is put on the account of its file, if any.

    None when there are errors; they are in `sink`. Never raises for anything a spec contains.
    """
    resolver = module.resolver
    assert isinstance(resolver, Resolver)
    program = None
    with elaboration(sink, limits, file) as report:
        program = _Model(Elaborator(report, resolver), module).build(name, arguments, dims)
    if program is None or not module.sound or report.errors:
        return None
    program.remembering = lambda changed: _remembered(module, name, {**arguments, **changed}, dims, limits)
    return program


def _remembered(
    module: Module, name: str, arguments: Mapping[str, object], dims: Mapping[str, int], limits: Limits
) -> Program | None:
    """A model's program, its numbers with their formulas; None under parameters that it does not take."""
    from archdsl.elaborate.remembering import Remembering

    resolver = module.resolver
    assert isinstance(resolver, Resolver)
    program, sink = None, Sink()
    with elaboration(sink, replace(limits, command=None), None) as report:
        elaborator = Elaborator(report, resolver, Remembering(report, resolver.find))
        program = _Model(elaborator, module).build(name, arguments, dims)
    return program if not report.errors else None


class _Model:
    """Builds the entry function of one model."""

    def __init__(self, elaborator: Elaborator, module: Module) -> None:
        self.elaborator = elaborator
        self.report = elaborator.report
        self.module = module

    def build(self, name: str, arguments: Mapping[str, object], dims: Mapping[str, int]) -> Program | None:
        bound = self.bind(name, arguments)
        if bound is None:
            return None
        definition, scope = bound
        syntax = definition.syntax
        parameters = {key: bound.value for key, bound in scope.names.items() if isinstance(bound, Static)}
        self.elaborator.evaluator.enter(scope, (), syntax)
        builder = Builder()
        frame = Frame(builder, scope, None, dict(dims))
        self.elaborator.run(syntax.body, frame)
        if self.report.errors or not self.module.sound:
            return None
        self._check_outputs(definition, builder)
        self._check_dims(definition, builder, dims)
        if self.report.errors:
            return None
        mark_train_only(builder.regions[0], builder.outputs)
        outputs = tuple(output.value for output in builder.outputs)
        self.elaborator.warn_unused(builder, outputs)
        self.elaborator.check_neighbours(builder)
        self.elaborator.check_segments(builder, top=True)
        shown: dict[str, object] = {key: plain(value) for key, value in parameters.items()}
        entry = builder.finish(syntax.name.id, shown, outputs, syntax, syntax.span, syntax.doc)
        functions = reachable(entry)
        self._check_total(functions, syntax.name.span)
        return Program(name, entry, functions, builder.outputs, self.module.sources, tuple(arguments))

    def bind(self, name: str, arguments: Mapping[str, object]) -> tuple[BlockDef, Scope] | None:
        """The model behind a name, and the scope that holds its parameters; None after a report."""
        resolved = self._resolve(name, {key: self._static(value) for key, value in arguments.items()})
        if resolved is None:
            return None
        definition, given = resolved
        scope = Scope(definition.scope, {}, definition.scope.defaults)
        if not self._check_names(definition, given):
            return None
        if not self.elaborator.binder.parameters(definition, given, scope, definition.syntax.name.span):
            return None
        return definition, scope

    def _check_outputs(self, definition: BlockDef, builder: Builder) -> None:
        if all(output.train for output in builder.outputs):
            which = "no output" if not builder.outputs else "only outputs for training"
            self.report.error(
                "E0508",
                f"the model `{definition.name}` has {which}",
                definition.syntax.name.span,
                help="end its body with `output name`",
            )

    def _check_total(self, functions: list[Function], span: Span) -> None:
        """Counts stay printable: nested repeats and calls multiply."""
        if total_operators(functions).bit_length() > MAX_OPERATOR_BITS:
            raise self.report.limit("E0908", f"the network has 2**{MAX_OPERATOR_BITS} operators or more", span, "")

    def _resolve(self, name: str, given: dict[str, Any]) -> tuple[BlockDef, dict[str, Given]] | None:
        """The model behind a name and the arguments that reach it; outer arguments win over those of presets."""
        found = find_model(self.module, name, self.report)
        if found is None:
            return None
        definition, presets = found
        binder = self.elaborator.binder
        here = self.module.places.get(name) or Span(self.module.source, 0, 0)
        bound = {key: value if isinstance(value, Given) else Given(value, here) for key, value in given.items()}
        for preset in presets:
            base = preset.syntax.base
            written = binder.pair(base.callee.id, binder.interface(definition), base.arguments, preset.scope)
            if written is None:
                return None
            for parameter, argument in written.items():
                bound.setdefault(parameter, argument)
        return definition, bound

    def _check_names(self, definition: BlockDef, given: dict[str, Given]) -> bool:
        names = [parameter.name.id for parameter in definition.syntax.parameters]
        fine = True
        for name in given:
            if name not in names:
                fine = False
                is_symbol = name in input_symbols(definition.syntax)
                size = f"`{name}` is a symbolic dimension: it is fixed with `--dim {name}=...`, in Python with `dims`"
                self.report.error(
                    "E0605",
                    f"the model `{definition.name}` has no parameter `{name}`",
                    None,
                    notes=(f"its parameters are {', '.join(names)}" if names else "it has none",),
                    help=size if is_symbol else self.report.did_you_mean(name, names),
                )
        return fine

    def _check_dims(self, definition: BlockDef, builder: Builder, dims: Mapping[str, int]) -> None:
        declared = builder.symbols
        for name, size in dims.items():
            if name not in declared:
                message, notes = no_such_symbol(name, declared)
                help = self.report.did_you_mean(name, declared)
                if name in [parameter.name.id for parameter in definition.syntax.parameters]:
                    help = f"`{name}` is a parameter of the model: it is set with `-p {name}={size}`"
                self.report.error("E0606", message, None, notes=notes, help=help)

    def _static(self, value: object) -> Any:
        """A Python value as a static value."""
        if isinstance(value, list):
            return tuple(map(self._static, value))  # pyright: ignore[reportUnknownArgumentType]
        if is_list(value):
            return tuple(map(self._static, value))
        if isinstance(value, int) and value.bit_length() > self.report.limits.integer_bits:
            raise self.elaborator.evaluator.integer_limit(Span(self.module.source, 0, 0))
        return value


def bind_model(module: Module, name: str, arguments: Mapping[str, Given], report: Reporter) -> bool:
    """Whether a model takes these arguments; what is wrong with them is reported."""
    resolver = module.resolver
    assert isinstance(resolver, Resolver)
    return _Model(Elaborator(report, resolver), module).bind(name, arguments) is not None


def tested_arguments(item: TestItem, module: Module, report: Reporter) -> dict[str, Given] | None:
    """The arguments that a test gives its model, evaluated; None after a report."""
    resolver = module.resolver
    assert isinstance(resolver, Resolver)
    target = item.syntax.target
    name = target.callee.id
    if name not in module.models:
        report.error(
            "E0203",
            f"there is no model `{name}` in this file",
            target.callee.span,
            "unknown model",
            notes=(f"its models are {', '.join(module.models)}",) if module.models else (),
            help=report.did_you_mean(name, module.models),
        )
        return None
    found = find_model(module, name, report)
    if found is None:
        return None
    binder = Binder(Evaluator(report, resolver.find))
    return binder.pair(name, binder.interface(found[0]), target.arguments, item.scope)


def input_symbols(model: "ast.Block | ast.Model") -> list[str]:
    """The names in the shapes of a model's inputs that nothing in it defines, in their order."""
    known = {parameter.name.id for parameter in model.parameters}
    names: dict[str, None] = {}
    for statement in model.body.statements:
        if isinstance(statement, ast.Let):
            known.update(target.id for target in statement.targets)
        elif isinstance(statement, ast.Input):
            sizes = [dim for dim in statement.shape.dims if not isinstance(dim, (ast.Rest, ast.Wildcard))]
            names |= dict.fromkeys(name for dim in sizes for name in free_names(dim) if name not in known)
    return list(names)


def look_up_model(module: Module, name: str, sink: Sink, limits: Limits) -> tuple[BlockDef, list[ModelPreset]] | None:
    """What `find_model` finds, for those who elaborate nothing. It is put on the account of the file."""
    found = None
    with elaboration(sink, limits, module.ledger) as report:
        found = find_model(module, name, report)
    return found


def find_model(module: Module, name: str, report: Reporter) -> tuple[BlockDef, list[ModelPreset]] | None:
    """The model a name leads to and the presets on the way, outermost first; None after a report."""
    found: object = module.models.get(name)
    presets: list[ModelPreset] = []
    passed: set[ModelPreset] = set()
    while isinstance(found, ModelPreset):
        base = found.syntax.base.callee
        report.spend(CALL_STEPS, base.span)  # a file of presets, each of the one before, has many long ways
        if found in passed:
            report.error("E0206", f"the preset `{name}` leads back to itself", base.span, "closes the circle")
            return None
        presets.append(found)
        passed.add(found)
        scope = found.scope
        found = scope.names.get(base.id)
        if not isinstance(found, ModelPreset) and not (
            isinstance(found, BlockDef) and isinstance(found.syntax, ast.Model)
        ):
            report.error(
                "E0203",
                f"there is no model `{base.id}`",
                base.span,
                "unknown model",
                help=report.did_you_mean(base.id, _model_names(scope)),
            )
            return None
    return (found, presets) if isinstance(found, BlockDef) else None


def _model_names(scope: Scope) -> list[str]:
    return [
        name
        for name, found in scope.names.items()
        if isinstance(found, ModelPreset) or (isinstance(found, BlockDef) and isinstance(found.syntax, ast.Model))
    ]
