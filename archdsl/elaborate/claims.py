"""The names in `test` items: the model, its arguments, the figures and labels that checks speak of.

Only names are looked up here, which takes no elaboration. `spec_tests` elaborates what a test asks for and compares.
"""

from collections.abc import Iterable

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.builtins import BUILTINS
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.model import bind_model, find_model, tested_arguments
from archdsl.elaborate.module import Module, TestItem
from archdsl.elaborate.names import Bound, nodes, parts
from archdsl.elaborate.report import Reporter, elaboration
from archdsl.elaborate.resolve import Resolver
from archdsl.elaborate.values import BlockDef, Unknown
from archdsl.limits import Limits
from archdsl.source import Span
from archdsl.syntax import ast

FIGURES: tuple[str, ...] = ("params", "buffers", "macs", "flops", "activations", "depth")
"""What a check may say of a model."""

PART_FIGURES = FIGURES[:-1]
"""What a check may say of a labelled part."""


def check_tests(module: Module, sink: Sink, limits: Limits) -> None:
    """Report the tests of a file whose model, arguments, figures or labels cannot be. A label that depends on a
    parameter, or that may be an operator's or block's own name, is left to the test's run."""
    resolver = module.resolver
    assert isinstance(resolver, Resolver)
    models: dict[BlockDef, _Model] = {}
    for item in module.tests:
        with elaboration(sink, limits, module.ledger) as report:
            _check_test(item, module, report, resolver, models)


def _check_test(
    item: TestItem, module: Module, report: Reporter, resolver: Resolver, models: "dict[BlockDef, _Model]"
) -> None:
    given = tested_arguments(item, module, report)
    found = None if given is None else find_model(module, item.syntax.target.callee.id, report)
    if given is None or found is None:
        return
    bind_model(module, item.syntax.target.callee.id, given, report)
    definition = found[0]
    model = models.get(definition)
    if model is None:
        model = models[definition] = _Model(definition)
    names = _Claims(report, resolver, item, model)
    for check in item.syntax.checks:
        names.check([check.left, *([check.right] if check.right is not None else [])])


class _Model:
    """What checks may name of a model: `figures` and symbols, `labels`, and `callees`, after which parts without a
    label are called."""

    def __init__(self, definition: BlockDef) -> None:
        self.definition = definition
        self.bound = Bound(definition.syntax)
        self.figures: set[str] = {*FIGURES}
        self.labels = set(self.bound.tensors)
        self.callees: set[str] = set()
        for node in nodes(definition.syntax.body):
            if isinstance(node, ast.Input):
                dims = [dim for dim in node.shape.dims if not isinstance(dim, (ast.Rest, ast.Wildcard))]
                self.figures.update(name for dim in dims for name in free_names(dim))
            elif isinstance(node, ast.Output):
                self.labels.add(node.name.id)
            elif isinstance(node, (ast.Apply, ast.FanOutFor)):
                self.callees.add(node.callee.id)

    def is_label(self, name: str) -> bool:
        return name in self.labels or self.bound.is_tensor(name)


class _Claims:
    """Looks up the names of one test's checks."""

    def __init__(self, report: Reporter, resolver: Resolver, item: TestItem, model: _Model) -> None:
        self.report = report
        self.resolver = resolver
        self.item = item
        self.model = model
        self.evaluator = Evaluator(report, lambda name: None)

    def check(self, expressions: list[ast.Expr]) -> None:
        pending: list[object] = list(expressions)
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Name):
                if node.id not in self.model.figures and self.item.scope.lookup(node.id) is None:
                    self.evaluator.undefined(node, {*self.item.scope.visible(), *self.model.figures})
            elif isinstance(node, ast.Attribute):
                self._figure(node)
            elif isinstance(node, ast.CallExpr):
                pending.extend(self._call(node))
            else:
                pending.extend(parts(node))

    def _figure(self, node: ast.Attribute) -> None:
        label = label_of(node.base)
        if label is None:
            no_part(self.report, node)
        elif not self._may_be_part(label):
            no_label(self.report, label, node.base.span, self.model.labels)
        elif node.name.id not in PART_FIGURES:
            no_figure(self.report, node.name)

    def _call(self, node: ast.CallExpr) -> Iterable[object]:
        name = node.callee.id
        values = [argument.value for argument in node.arguments if argument.value is not None]
        if name == "shape":
            label = label_of(values[0]) if len(values) == 1 else None
            if label is None:
                no_shape(self.report, node)
            elif not self.model.is_label(label):
                no_label(self.report, label, values[0].span, self.model.labels)
            return ()
        if name not in BUILTINS and self.item.scope.lookup(name) is None:
            self.evaluator.no_function(node.callee, self.item.scope.visible())
        return values

    def _may_be_part(self, label: str) -> bool:
        if self.model.is_label(label) or label in self.model.callees or label in self.model.bound.values:
            return True
        # A part without a label is called like its operator or block, which may have come through a parameter.
        return self.model.definition.scope.lookup(label) is not None or self.resolver.find(label) is not None


def label_of(expr: ast.Expr | None) -> str | None:
    """The label that a check names: a name, or, for one that is no name (`"3a"`), a string."""
    if isinstance(expr, ast.Name):
        return expr.id
    if isinstance(expr, ast.String) and all(isinstance(part, str) for part in expr.parts):
        return "".join(part for part in expr.parts if isinstance(part, str))
    return None


def no_part(report: Reporter, expr: ast.Attribute) -> Unknown:
    """Report a figure of something that is no label."""
    return report.error("E0310", "a figure is asked of a label: `stem.params`", expr.span)


def no_shape(report: Reporter, expr: ast.CallExpr) -> Unknown:
    """Report `shape` of something that is no label."""
    return report.error("E0302", "`shape` takes one label: `shape(logits)`", expr.span)


def no_figure(report: Reporter, name: ast.Name) -> Unknown:
    """Report a figure that a part has not."""
    return report.error(
        "E0301",
        f"a part has no figure `{name.id}`",
        name.span,
        f"one of {', '.join(PART_FIGURES)}",
        help=report.did_you_mean(name.id, PART_FIGURES),
    )


def no_label(report: Reporter, label: str, span: Span, labels: set[str]) -> Unknown:
    """Report a label that the model has not; `labels` are those that it has."""
    return report.error(
        "E0201",
        f"the model has no label `{label}`",
        span,
        "unknown label",
        notes=(f"its labels are {', '.join(sorted(labels))}",) if labels else (),
        help=report.did_you_mean(label, labels),
    )
