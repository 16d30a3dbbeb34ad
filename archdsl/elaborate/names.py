"""Names without shapes: every block, operator, argument and constant that a file mentions is looked up, whether or not
anything elaborates the place where it stands: blocks that nobody calls, arms that no condition chooses, models whose
parameters nobody has given.

What is reported would be reported whenever the place were elaborated, in the same words. What depends on values is left
alone: what a parameter stands for, labels with interpolation, types, shapes. A name that is bound anywhere in a block
counts as bound in all of it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.binding import Binder
from archdsl.elaborate.builtins import BUILTINS
from archdsl.elaborate.calls import not_applicable
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.module import Module
from archdsl.elaborate.report import Reporter, elaboration
from archdsl.elaborate.resolve import Resolver
from archdsl.elaborate.values import BlockDef, Interface, OperatorRef, Partial, Scope, Static
from archdsl.limits import Limits
from archdsl.syntax import ast


def check_names(module: Module, sink: Sink, limits: Limits) -> None:
    """Report every name in the blocks and models of a file that means nothing. The file's imports are not looked
    through."""
    resolver = module.resolver
    assert isinstance(resolver, Resolver)
    definitions = [found for found in module.scope.names.values() if isinstance(found, BlockDef)]
    with elaboration(sink, limits, module.ledger) as report:
        for definition in definitions:
            if definition.syntax.span.source is module.source:
                _Names(report, resolver, definition).check()


class Bound:
    """Names that a block or model binds somewhere: `values` may stand for anything, `tensors` for tensors only;
    `beginnings` are those of labels with interpolation, whose rest may be anything."""

    def __init__(self, syntax: "ast.Block | ast.Model") -> None:
        self.values: set[str] = {parameter.name.id for parameter in syntax.parameters}
        self.tensors: set[str] = set()
        self.beginnings: set[str] = set()
        signature = syntax.signature if isinstance(syntax, ast.Block) else None
        for declared in signature.inputs if signature is not None else ():
            if declared.name is not None:
                self.tensors.add(declared.name.id)
            self._dims(declared.shape)
        for node in nodes(syntax.body):
            self._add(node)

    def is_tensor(self, name: str) -> bool:
        if name in self.tensors:
            return True
        return bool(self.beginnings) and any(name[:end] in self.beginnings for end in range(len(name) + 1))

    def _add(self, node: Any) -> None:
        if isinstance(node, (ast.Let, ast.For, ast.FanOutFor)):
            self.values.update(target.id for target in node.targets)
        elif isinstance(node, ast.Bind):
            self.tensors.update(target.id for target in node.targets)
        elif isinstance(node, ast.Shared):
            self.values.add(node.name.id)
        elif isinstance(node, ast.Input):
            self.tensors.add(node.name.id)
            for dim in node.shape.dims:
                if not isinstance(dim, (ast.Rest, ast.Wildcard)):
                    self.values.update(free_names(dim))
        elif isinstance(node, ast.Expect):
            for pattern in node.patterns:
                self._dims(pattern)
        if isinstance(node, (ast.Apply, ast.FanOutFor, ast.TupleStep, ast.Group, ast.Recompute)) and node.label:
            parts = node.label.parts
            if all(isinstance(part, str) for part in parts):
                self.tensors.add("".join(part for part in parts if isinstance(part, str)))
            else:
                self.beginnings.add(parts[0] if isinstance(parts[0], str) else "")

    def _dims(self, pattern: ast.ShapePattern) -> None:
        for dim in pattern.dims:
            name = dim.name if isinstance(dim, ast.Rest) else dim
            if isinstance(name, ast.Name):
                self.values.add(name.id)


class _Pairing(Binder):
    """Pairs arguments with parameters and evaluates none: `values` are the expressions that would have been."""

    def __init__(self, evaluator: Evaluator) -> None:
        super().__init__(evaluator)
        self.values: list[ast.Expr] = []

    def _value(self, callee: str, interface: Interface, name: str, argument: ast.Argument, scope: Scope) -> Any:
        expr = argument.value
        if expr is None:
            return super()._value(callee, interface, name, argument, scope)
        flag = argument.name is None and isinstance(expr, ast.Name) and expr.id in interface.flags
        word = isinstance(expr, ast.Name) and expr.id in interface.words.get(name, ())
        if not flag and not word:
            self.values.append(expr)
        return None


class _Names:
    """Looks up the names of one block or model."""

    def __init__(self, report: Reporter, resolver: Resolver, definition: BlockDef) -> None:
        self.report = report
        self.resolver = resolver
        self.definition = definition
        self.scope = definition.scope
        self.bound = Bound(definition.syntax)
        self.evaluator = Evaluator(report, resolver.find)
        self.pairing = _Pairing(self.evaluator)

    def check(self) -> None:
        syntax = self.definition.syntax
        pending: list[Any] = [syntax.body, *syntax.parameters]
        if isinstance(syntax, ast.Block) and syntax.signature is not None:
            pending += [dim for declared in syntax.signature.inputs for dim in _expressions(declared.shape)]
            pending += [dim for pattern in syntax.signature.outputs for dim in pattern.dims]
        while pending:
            pending.extend(reversed(list(self._next(pending.pop()))))

    def _next(self, node: Any) -> Iterable[Any]:
        """Look at one node; what is to be looked at after it."""
        if isinstance(node, ast.Name):
            self._expression_name(node)
            return ()
        if isinstance(node, ast.CallExpr):
            return self._call(node)
        if isinstance(node, ast.Flow):
            head = node.steps[0]
            bare = isinstance(head, ast.Apply) and head.arguments is None and head.branches is None
            starts = isinstance(head, ast.Apply) and bare and self.bound.is_tensor(head.callee.id)
            return [head.label or [], *node.steps[1:]] if starts else node.steps
        if isinstance(node, (ast.Apply, ast.FanOutFor)):
            inside = node.branches or [] if isinstance(node, ast.Apply) else [node.iterable, node.body]
            label = [node.label] if node.label else []
            return [*self._arguments(node.callee, node.arguments or []), *inside, *label]
        if isinstance(node, ast.Default):
            return [value for call in node.calls for value in self._arguments(call.callee, call.arguments)]
        if isinstance(node, ast.Expect):
            return [dim for pattern in node.patterns for dim in _expressions(pattern)]
        return parts(node)

    def _expression_name(self, name: ast.Name) -> None:
        if name.id in self.bound.values or self.bound.is_tensor(name.id) or self.scope.lookup(name.id) is not None:
            return
        if self.resolver.find(name.id) is None:
            self.evaluator.undefined(name, self._visible())

    def _call(self, call: ast.CallExpr) -> Iterable[Any]:
        """`f(...)` inside an expression: a function, or a block with some arguments given."""
        name = call.callee.id
        if name in self.bound.values or self.bound.is_tensor(name):
            return _certain(call.arguments)
        if self.scope.lookup(name) is None and name in BUILTINS:
            return [argument.value for argument in call.arguments if argument.value is not None]
        if self.scope.lookup(name) is None and self.resolver.find(name) is None:
            self.evaluator.no_function(call.callee, self._visible())
            return _certain(call.arguments)
        return self._arguments(call.callee, call.arguments)

    def _arguments(self, callee: ast.Name, arguments: Sequence[ast.Argument]) -> list[Any]:
        """Look up a step's callee and pair its arguments; the expressions among them."""
        if callee.id in self.bound.values:
            return _certain(arguments)
        found = self.scope.lookup(callee.id)
        found = found.value if isinstance(found, Static) else found
        if found is None:
            found = self.resolver.find(callee.id)
        if found is None:
            visible = self._visible() | self.resolver.names()
            not_applicable(self.report, callee, self.bound.is_tensor(callee.id), visible)
            return _certain(arguments)
        taken: dict[str, object] = dict(found.given) if isinstance(found, Partial) else {}
        target = found.callee if isinstance(found, Partial) else found
        if not isinstance(target, (OperatorRef, BlockDef)):
            return _certain(arguments)
        self.pairing.values = []
        self.pairing.pair(target.name, self.pairing.interface(target), arguments, self.scope, taken)
        return [*self.pairing.values]

    def _visible(self) -> set[str]:
        return {*self.scope.visible(), *self.bound.values, *self.bound.tensors}


def _certain(arguments: Sequence[ast.Argument]) -> list[Any]:
    """Arguments of a callee that is not known: a bare word may be one of its flags or choices."""
    return [arg.value for arg in arguments if arg.value is not None and not isinstance(arg.value, ast.Name)]


def _expressions(pattern: ast.ShapePattern) -> list[Any]:
    """The dimensions of a pattern that bind nothing."""
    return [dim for dim in pattern.dims if not isinstance(dim, (ast.Name, ast.Rest, ast.Wildcard))]


_NAMES_ONLY: dict[type, tuple[str, ...]] = {
    ast.Argument: ("name",),
    ast.Attribute: ("name",),
    ast.Let: ("targets",),
    ast.Bind: ("targets",),
    ast.For: ("targets",),
    ast.Shared: ("name",),
    ast.Input: ("name", "dtype", "shape"),
    ast.Output: ("name", "modifiers"),
    ast.Parameter: ("name", "type"),
    ast.Rest: ("name",),
}
"""Where a node holds names that it binds, or that are no names of the scope."""


def parts(node: object) -> list[Any]:
    """What a node holds that may mention names of the scope."""
    if isinstance(node, (list, tuple)):
        return list(node)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    skipped = ("span", *_NAMES_ONLY.get(type(node), ()))
    held = [getattr(node, slot) for slot in getattr(node, "__slots__", ()) if slot not in skipped]
    return [part for part in held if part is not None and not isinstance(part, (str, int, float))]


def nodes(syntax: Any) -> Iterable[Any]:
    """Every node of a tree, those that only bind names left out."""
    pending = [syntax]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(parts(node))
