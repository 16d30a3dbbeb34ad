"""From a model's name and arguments to its program."""

import sys
from collections.abc import Mapping
from typing import Any

from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.elaborate.binding import Given
from archdsl.elaborate.builder import Builder, mark_train_only, reachable
from archdsl.elaborate.calls import Elaborator
from archdsl.elaborate.flow import Frame
from archdsl.elaborate.module import ModelPreset, Module
from archdsl.elaborate.report import LimitReached, Reporter, did_you_mean
from archdsl.elaborate.resolve import Resolver
from archdsl.elaborate.values import BlockDef, Scope, Static
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.source import Span
from archdsl.syntax import ast

RECURSION_LIMIT = 400_000
"""Python frames the elaborator may use. Its recursion is bounded by `limits.nesting` inside a block and `limits.depth` of
blocks; frames of Python functions calling each other live on the heap, so this protects nothing but those two limits."""


def elaborate(
    module: Module,
    name: str,
    arguments: Mapping[str, object],
    dims: Mapping[str, int],
    sink: Sink,
    limits: Limits,
) -> Program | None:
    """The program of one model under the given parameters (plain Python values) and dimension bindings.

    None when there are errors; they are in `sink`. Never raises for anything a spec contains.
    """
    resolver = module.resolver
    assert isinstance(resolver, Resolver)
    report = Reporter(sink, limits)
    elaborator = Elaborator(report, resolver)
    before = sum(found.severity == "error" for found in sink.found)
    recursion = sys.getrecursionlimit()
    sys.setrecursionlimit(max(recursion, RECURSION_LIMIT))
    try:
        program = _Model(elaborator, module).build(name, arguments, dims)
    except LimitReached:
        return None
    finally:
        sys.setrecursionlimit(recursion)
    failed = sum(found.severity == "error" for found in sink.found) > before
    return None if failed else program


class _Model:
    """Builds the entry function of one model."""

    def __init__(self, elaborator: Elaborator, module: Module) -> None:
        self.elaborator = elaborator
        self.report = elaborator.report
        self.module = module

    def build(self, name: str, arguments: Mapping[str, object], dims: Mapping[str, int]) -> Program | None:
        resolved = self._resolve(name, {key: _static(value) for key, value in arguments.items()})
        if resolved is None:
            return None
        definition, given = resolved
        syntax = definition.syntax
        scope = Scope(definition.scope, {}, definition.scope.defaults)
        if not self._check_names(definition, given):
            return None
        if not self.elaborator.binder.parameters(definition, given, scope, syntax.name.span):
            return None
        parameters = {key: bound.value for key, bound in scope.names.items() if isinstance(bound, Static)}
        builder = Builder()
        frame = Frame(builder, scope, None, dict(dims))
        self.elaborator.run(syntax.body, frame)
        if not builder.outputs and not self.report.sink.has_errors:
            self.report.error(
                "E0508",
                f"the model `{name}` has no output",
                syntax.name.span,
                help="end its body with `output name`",
            )
        self._check_dims(builder, dims)
        if self.report.sink.has_errors:
            return None
        mark_train_only(builder.regions[0], builder.outputs)
        outputs = tuple(output.value for output in builder.outputs)
        shown = {key: value if not isinstance(value, BlockDef) else value.name for key, value in parameters.items()}
        entry = builder.finish(syntax.name.id, shown, outputs, syntax, syntax.span, syntax.doc)
        return Program(name, entry, reachable(entry), builder.outputs)

    def _resolve(self, name: str, given: dict[str, Any]) -> tuple[BlockDef, dict[str, Given]] | None:
        """The model behind a name and the arguments that reach it; outer arguments win over those of presets."""
        found = find_model(self.module, name, self.report)
        if found is None:
            return None
        definition, presets = found
        names = [parameter.name.id for parameter in definition.syntax.parameters]
        binder = self.elaborator.binder
        here = self.module.places.get(name) or Span(self.module.source, 0, 0)
        bound = {key: Given(value, here) for key, value in given.items()}
        for preset in presets:
            base = preset.syntax.base
            written = binder.pair(base.callee.id, names, binder.flags_of(definition), base.arguments, preset.scope)
            if written is None:
                return None
            bound = {**written, **bound}
        return definition, bound

    def _check_names(self, definition: BlockDef, given: dict[str, Given]) -> bool:
        names = [parameter.name.id for parameter in definition.syntax.parameters]
        fine = True
        for name in given:
            if name not in names:
                fine = False
                self.report.sink.add(
                    Diagnostic(
                        "E0605",
                        f"the model `{definition.name}` has no parameter `{name}`",
                        None,
                        notes=(f"its parameters are {', '.join(names)}" if names else "it has none",),
                        help=did_you_mean(name, names),
                    )
                )
        return fine

    def _check_dims(self, builder: Builder, dims: Mapping[str, int]) -> None:
        declared = builder.symbols
        for name in dims:
            if name not in declared:
                self.report.sink.add(
                    Diagnostic(
                        "E0606",
                        f"the model has no symbolic dimension `{name}`",
                        None,
                        notes=(f"its symbols are {', '.join(sorted(declared))}" if declared else "it has none",),
                        help=did_you_mean(name, declared),
                    )
                )


def find_model(module: Module, name: str, report: Reporter) -> tuple[BlockDef, list[ModelPreset]] | None:
    """The model a name leads to and the presets on the way, outermost first; None after a report."""
    found: object = module.models.get(name)
    presets: list[ModelPreset] = []
    while isinstance(found, ModelPreset):
        base = found.syntax.base.callee
        if found in presets:
            report.error("E0206", f"the preset `{name}` leads back to itself", base.span, "closes the circle")
            return None
        presets.append(found)
        found = module.models.get(base.id) or found.scope.names.get(base.id)
        if not isinstance(found, (BlockDef, ModelPreset)) or (
            isinstance(found, BlockDef) and not isinstance(found.syntax, ast.Model)
        ):
            report.error(
                "E0203",
                f"there is no model `{base.id}`",
                base.span,
                "unknown model",
                help=did_you_mean(base.id, module.models),
            )
            return None
    return (found, presets) if isinstance(found, BlockDef) else None


def _static(value: object) -> Any:
    """A Python value as a static value."""
    if isinstance(value, (list, tuple)):
        return tuple(_static(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return value
