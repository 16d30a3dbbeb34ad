"""Running bodies: statements and flows become nodes of the function under construction.

The elaborator is an interpreter whose current value is a typed tensor. It recurses over the nesting of the source (bounded
by the parser) and over the depth of block calls (bounded by `limits.depth`), never over the length of anything.
"""

import re
from dataclasses import dataclass
from typing import Any

from archdsl.elaborate.binding import Binder
from archdsl.elaborate.builder import Builder, label_node, substitute_inputs
from archdsl.elaborate.evaluate import BUILTINS, Evaluator
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.patterns import match
from archdsl.elaborate.report import CALL_STEPS, Reporter, did_you_mean
from archdsl.elaborate.values import (
    UNKNOWN,
    BlockDef,
    Flow,
    OperatorRef,
    Scope,
    SharedInstance,
    Static,
    Tensor,
    Unknown,
    show,
    type_name,
)
from archdsl.ir.program import Node, Output, Repeat, Value
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Expr, symbol
from archdsl.types.tensor import DTYPE_BYTES, TensorType, shape_text

_LABEL = re.compile(r"[A-Za-z0-9_]+")


class SharedOutside(Exception):
    """A `repeat` body uses a shared instance declared outside: the repeat must be written out."""


@dataclass(slots=True, eq=False, repr=False)
class Frame:
    """Where a body runs: the function being built, the lexical scope, the current value."""

    builder: Builder
    scope: Scope
    flow: Flow
    dims: dict[str, int] | None = None
    """Values of symbols from the command line; None outside a model's own body."""

    def child(self, flow: Flow, names: dict[str, Any] | None = None) -> "Frame":
        return Frame(self.builder, self.scope.child(names), flow, self.dims)


class Statements:
    """Statements of a body. `Elaborator` in `calls.py` adds the application of blocks and operators."""

    report: Reporter
    evaluator: Evaluator
    binder: Binder

    def __init__(self) -> None:
        self._statements: dict[type, Any] = {
            ast.FlowStatement: self._flow_statement,
            ast.Bind: self._bind,
            ast.Let: self._let,
            ast.Default: self.default,
            ast.For: self._for,
            ast.Repeat: self._repeat,
            ast.If: self._if,
            ast.Shared: self._shared,
            ast.Input: self._input,
            ast.Output: self._output,
            ast.Expect: self._expect,
            ast.Require: self._require,
        }

    def apply(
        self, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame, is_head: bool
    ) -> tuple[Flow, Node | None]:
        """Apply what a step names to the current value; returns the result and the node it added, if one."""
        raise NotImplementedError

    def callable_named(self, name: ast.Name, scope: Scope) -> Any:
        """The block, operator, body or shared instance a name stands for."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------------ bodies

    def run(self, body: ast.Body, frame: Frame) -> None:
        """Run the statements of a body; the frame's flow moves. A `require` that does not hold ends it: what follows
        counts on it."""
        for statement in body.statements:
            if self._statements[type(statement)](statement, frame):
                frame.flow = UNKNOWN
                return

    def run_flow(self, flow: ast.Flow, frame: Frame) -> tuple[Flow, Node | None]:
        """Run `a -> b -> c` from the frame's current value without moving it."""
        current: Flow = frame.flow
        node: Node | None = None
        for index, step in enumerate(flow.steps):
            current, node = self._step(step, current, frame, index == 0)
        return current, node

    def _step(self, step: ast.Step, flow: Flow, frame: Frame, is_head: bool) -> tuple[Flow, Node | None]:
        node: Node | None = None
        if isinstance(step, (ast.Apply, ast.FanOutFor)):
            result, node = self.apply(step, flow, frame, is_head)
        elif isinstance(step, ast.TupleStep):
            result = self.gather([self.branch_flow(item, flow, frame) for item in step.flows])
        else:
            inner = frame.child(flow)
            self.run(step.body, inner)
            result = inner.flow
        if step.label is not None:
            self._label(step, result, node, frame)
        return result, node

    def branch_flow(self, flow: ast.Flow, start: Flow, frame: Frame) -> tuple[Flow, Span]:
        """One branch written as a flow, from the given value."""
        return self.run_flow(flow, frame.child(start))[0], flow.span

    def branch_body(
        self, body: ast.Body, start: Flow, frame: Frame, names: dict[str, Any] | None = None
    ) -> tuple[Flow, Span]:
        """One branch written as a body, from the given value."""
        inner = frame.child(start, names)
        self.run(body, inner)
        return inner.flow, body.span

    def gather(self, branches: list[tuple[Flow, Span]]) -> Flow:
        """The tuple of branch results; each branch must end in one tensor."""
        values: list[Value] = []
        poisoned = False
        for result, span in branches:
            if isinstance(result, Value):
                values.append(result)
                continue
            poisoned = True
            if result is None:
                self.report.error("E0501", "this branch has no value", span, "nothing flows here")
            elif not isinstance(result, Unknown):
                self.report.error(
                    "E0506",
                    f"this branch ends in {len(result)} tensors, one is needed",
                    span,
                    help="merge them (`-> concat`, `-> add`) or pick one by name",
                )
        return UNKNOWN if poisoned else tuple(values)

    def _label(self, step: ast.Step, result: Flow, node: Node | None, frame: Frame) -> None:
        assert step.label is not None
        text = self.evaluator.string(step.label, frame.scope)
        if isinstance(text, Unknown) or result is None:
            return
        if not _LABEL.fullmatch(text):
            self.report.error(
                "E0509",
                f"{show(text)} cannot be a path segment",
                step.label.span,
                "letters, digits and `_` only",
                help="a dot would make two segments: put the inner part into a block of its own",
            )
            return
        if node is not None:
            label_node(node, text)
        if isinstance(result, Value):
            frame.builder.labels[text] = result
            result.name = result.name or text
        # `layer(...) as layer` names the path only: binding the tensor too would hide the block from the next line.
        if not (isinstance(step, (ast.Apply, ast.FanOutFor)) and step.callee.id == text):
            frame.scope.names[text] = Tensor(result, node)

    def _flow_statement(self, statement: ast.FlowStatement, frame: Frame) -> None:
        frame.flow = self.run_flow(statement.flow, frame)[0]

    def _bind(self, statement: ast.Bind, frame: Frame) -> None:
        result, node = self.run_flow(statement.flow, frame)
        targets = statement.targets
        if result is None:
            self.report.error("E0501", "there is no value to bind", statement.flow.span, "nothing flows here")
            result = UNKNOWN
        if len(targets) == 1:
            if isinstance(result, Value):
                result.name = result.name or targets[0].id
                frame.builder.labels[targets[0].id] = result
            frame.scope.names[targets[0].id] = Tensor(result, node)
            return
        if not isinstance(result, Unknown) and (isinstance(result, Value) or len(result) != len(targets)):
            count = 1 if isinstance(result, Value) else len(result)
            result = self.report.error(
                "E0314",
                f"{len(targets)} names on the left, {count} tensor{'s' * (count != 1)} on the right",
                statement.span,
                help="`split` gives a tuple of tensors" if count == 1 else "",
            )
        for index, target in enumerate(targets):
            if isinstance(result, tuple):
                value = result[index]
                value.name = value.name or target.id
                frame.builder.labels[target.id] = value
                frame.scope.names[target.id] = Tensor(value)
            else:
                frame.scope.names[target.id] = Tensor(UNKNOWN)

    def _let(self, statement: ast.Let, frame: Frame) -> None:
        value = self.evaluator.evaluate(statement.value, frame.scope)
        self.bind_static(statement.targets, value, statement.value.span, frame.scope)

    def bind_static(self, targets: list[ast.Name], value: Any, span: Span, scope: Scope) -> None:
        """Bind `let` or loop targets."""
        for target, item in zip(targets, self.evaluator.unpack(targets, value, span), strict=True):
            scope.names[target.id] = item if isinstance(item, (Tensor, SharedInstance)) else Static(item)

    def default(self, statement: ast.Default, frame: Frame) -> None:
        """`default conv(!bias)`: from here to the end of the enclosing braces or file."""
        scope = frame.scope
        for call in statement.calls:
            callee = self.callable_named(call.callee, scope)
            if isinstance(callee, Unknown):
                continue
            if isinstance(callee, OperatorRef):
                specs = callee.cls.arguments()
                names = [spec.name for spec in specs]
                flags = [spec.name for spec in specs if spec.kind == "bool"]
                words = {spec.name: ("same",) if spec.kind == "padding" else spec.choices for spec in specs}
            elif isinstance(callee, BlockDef):
                specs = ()
                names = [parameter.name.id for parameter in callee.syntax.parameters]
                flags = self.binder.flags_of(callee)
                words = None
            else:
                self.report.error(
                    "E0310",
                    f"`{call.callee.id}` is {type_name(callee)}: only operators and blocks have defaults",
                    call.span,
                )
                continue
            given = self.binder.pair(callee.name, names, flags, call.arguments, scope, words)
            if given is None:
                continue
            for spec in specs:
                if spec.name in given:
                    self.binder.convert(callee.name, spec, given[spec.name])
            merged = {
                **scope.defaults.get(callee.key, {}),
                **{name: item.value for name, item in given.items()},
            }
            scope.defaults = {**scope.defaults, callee.key: merged}

    # ------------------------------------------------------------------------------------------------------- loops

    def _for(self, statement: ast.For, frame: Frame) -> None:
        items = self.evaluator.items(statement.iterable, frame.scope)
        if isinstance(items, Unknown):
            frame.flow = UNKNOWN
            return
        for item in items:
            self.report.spend(CALL_STEPS, statement.span)
            inner = frame.child(frame.flow)
            self.bind_static(statement.targets, item, statement.iterable.span, inner.scope)
            frame.builder.loops.append(", ".join(f"{t.id}={_shown(inner.scope, t.id)}" for t in statement.targets))
            self.run(statement.body, inner)
            frame.builder.loops.pop()
            frame.flow = inner.flow
            if isinstance(frame.flow, Unknown):
                return

    def _repeat(self, statement: ast.Repeat, frame: Frame) -> None:
        count = self.evaluator.integer(statement.count, frame.scope, "the count of a repeat", minimum=0)
        if isinstance(count, Unknown):
            frame.flow = UNKNOWN
            return
        remaining = count
        while remaining > 0 and not isinstance(frame.flow, Unknown):
            self.report.spend(CALL_STEPS, statement.span)
            if remaining == 1 or frame.flow is None:
                self._iterate(statement.body, frame)
                remaining -= 1
                continue
            try:
                remaining -= self._fold(statement, frame, remaining)
            except SharedOutside:
                if frame.builder.depth:
                    raise
                for _ in range(remaining):
                    self.report.spend(CALL_STEPS, statement.span)
                    self._iterate(statement.body, frame)
                return

    def _iterate(self, body: ast.Body, frame: Frame) -> None:
        inner = frame.child(frame.flow)
        self.run(body, inner)
        frame.flow = inner.flow

    def _fold(self, statement: ast.Repeat, frame: Frame, remaining: int) -> int:
        """Run the body once on fresh parameters. If it gives back the types it took, one `Repeat` node stands for all
        remaining iterations; else the nodes are put in place as one iteration. Returns the iterations accounted for."""
        builder = frame.builder
        flow = frame.flow
        assert isinstance(flow, (Value, tuple))
        values = (flow,) if isinstance(flow, Value) else flow
        parameters = tuple(Value(value.type) for value in values)
        inner = frame.child(parameters[0] if isinstance(flow, Value) else parameters)
        builder.regions.append([])
        try:
            self.run(statement.body, inner)
        finally:
            nodes = builder.regions.pop()
        result = inner.flow
        if isinstance(result, Unknown) or result is None:
            frame.flow = UNKNOWN
            return remaining
        results = (result,) if isinstance(result, Value) else result
        if [value.type for value in results] == [value.type for value in parameters]:
            outputs = tuple(Value(value.type) for value in results)
            builder.add(Repeat(remaining, parameters, nodes, results, values, outputs, statement.span))
            frame.flow = outputs[0] if isinstance(result, Value) else outputs
            return remaining
        replacements = dict(zip(parameters, values, strict=True))
        substitute_inputs(nodes, replacements)
        for name, value in builder.labels.items():
            builder.labels[name] = replacements.get(value, value)
        builder.regions[-1].extend(nodes)
        replaced = tuple(replacements.get(value, value) for value in results)
        frame.flow = replaced[0] if isinstance(result, Value) else replaced
        return 1

    def _if(self, statement: ast.If, frame: Frame) -> None:
        """`if` opens no scope of its own for tensors and `let`: which arm runs is known when it runs."""
        for condition, body in statement.arms:
            chosen = self.evaluator.condition(condition, frame.scope)
            if isinstance(chosen, Unknown):
                frame.flow = UNKNOWN
                return
            if chosen:
                self._arm(body, frame)
                return
        if statement.otherwise is not None:
            self._arm(statement.otherwise, frame)

    def _arm(self, body: ast.Body, frame: Frame) -> None:
        defaults = frame.scope.defaults
        self.run(body, frame)
        frame.scope.defaults = defaults

    def _shared(self, statement: ast.Shared, frame: Frame) -> None:
        frame.scope.names[statement.name.id] = SharedInstance(
            statement.name.id, statement.application, frame.scope, frame.builder, frame.builder.depth
        )

    # -------------------------------------------------------------------------------------------- inputs and checks

    def _input(self, statement: ast.Input, frame: Frame) -> None:
        if frame.dims is None:
            self.report.error(
                "E0507",
                "`input` belongs in a model, not in a block",
                statement.span,
                help="a block's inputs are what flows in; name them in its signature: `block f() x: [N, c] { ... }`",
            )
            return
        if frame.builder.depth:
            self.report.error("E0507", "`input` cannot stand inside a repeat", statement.span)
            return
        name = statement.name.id
        if any(value.name == name for value in frame.builder.inputs):
            self.report.error("E0510", f"there are two inputs named `{name}`", statement.name.span, "declared again")
            return
        dtype = statement.dtype.id
        if dtype not in DTYPE_BYTES:
            self.report.error(
                "E0304",
                f"`{dtype}` is not a dtype",
                statement.dtype.span,
                f"one of {', '.join(DTYPE_BYTES)}",
                help=did_you_mean(dtype, DTYPE_BYTES),
            )
            dtype = "f32"
        dims: list[Any] = []
        for item in statement.shape.dims:
            dim = self._input_dim(item, frame)
            if isinstance(dim, Unknown):
                frame.flow = UNKNOWN
                frame.scope.names[name] = Tensor(UNKNOWN)
                return
            dims.append(dim)
        value = frame.builder.add_input(TensorType(tuple(dims), dtype), name)
        frame.builder.labels[name] = value
        frame.scope.names[name] = Tensor(value)
        frame.flow = value

    def _input_dim(self, item: ast.Expr | ast.Rest | ast.Wildcard, frame: Frame) -> Any:
        if isinstance(item, (ast.Rest, ast.Wildcard)):
            return self.report.error(
                "E0304",
                "an input's shape must be spelt out",
                item.span,
                help="give a number, or a name for a dimension that is bound at run time",
            )
        assert frame.dims is not None
        for name in free_names(item):
            if frame.scope.lookup(name) is None and name not in BUILTINS:
                frame.builder.symbols.add(name)
                frame.scope.names[name] = Static(frame.dims.get(name, symbol(name)))
        value = self.evaluator.evaluate(item, frame.scope)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, Expr)) or (isinstance(value, int) and value < 1):
            return self.report.error("E0304", "a dimension must be a positive int", item.span, f"this is {show(value)}")
        return value

    def _output(self, statement: ast.Output, frame: Frame) -> None:
        name = statement.name.id
        if frame.dims is None or frame.builder.depth:
            where = "inside a repeat" if frame.dims is not None else "in a block"
            self.report.error(
                "E0507",
                f"`output` cannot stand {where}",
                statement.span,
                help="what a block's body ends with is its result" if frame.dims is None else "put it after the repeat",
            )
            return
        train = False
        for modifier in statement.modifiers:
            if modifier.id != "train":
                self.report.error(
                    "E0301", f"an output cannot be `{modifier.id}`", modifier.span, "only `train` is known"
                )
            train = True
        if any(output.name == name for output in frame.builder.outputs):
            self.report.error("E0510", f"there are two outputs named `{name}`", statement.name.span, "declared again")
            return
        bound = frame.scope.lookup(name)
        if statement.flow is not None:
            flow = self.run_flow(statement.flow, frame)[0]
        else:
            flow = bound.flow if isinstance(bound, Tensor) else frame.flow
        if isinstance(flow, Value):
            flow.name = flow.name or name
            frame.builder.labels.setdefault(name, flow)
            frame.builder.outputs.append(Output(name, flow, train))
        elif flow is None:
            self.report.error("E0501", "there is no value to output", statement.span, "nothing flows here")
        elif not isinstance(flow, Unknown):
            self.report.error(
                "E0506",
                f"an output is one tensor, here are {len(flow)}",
                statement.span,
                help="bind them with `a, b = ...` and output each by name",
            )
        if isinstance(flow, Unknown):
            frame.builder.outputs.append(Output(name, Value(TensorType(())), train))

    def _expect(self, statement: ast.Expect, frame: Frame) -> None:
        if isinstance(frame.flow, Unknown):
            return
        if frame.flow is None:
            self.report.error("E0501", "there is no value to check", statement.span, "nothing flows here")
            return
        values = (frame.flow,) if isinstance(frame.flow, Value) else frame.flow
        if len(values) != len(statement.patterns):
            self.report.error(
                "E0503",
                f"{len(statement.patterns)} shapes are expected, {len(values)} tensors found",
                statement.span,
            )
            return
        scope = frame.scope
        for pattern, value in zip(statement.patterns, values, strict=True):
            found = match(self.evaluator, pattern, value.type, scope, lambda name: scope.lookup(name) is None)
            if found is None or isinstance(found, Unknown):
                continue
            self.report.error(
                "E0503",
                f"expected shape {pattern.span.text}, found {shape_text(value.type.dims)}",
                found.span,
                found.reason,
            )

    def _require(self, statement: ast.Require, frame: Frame) -> bool:
        """Whether the requirement does not hold, after reporting it."""
        holds = self.evaluator.condition(statement.condition, frame.scope)
        if holds is not False:
            return False
        text = "this requirement does not hold"
        if statement.message is not None:
            message = self.evaluator.string(statement.message, frame.scope)
            text = text if isinstance(message, Unknown) else message
        self.report.error("E0315", text, statement.condition.span, "required here")
        return True


def _shown(scope: Scope, name: str) -> str:
    bound = scope.names.get(name)
    text = show(bound.value) if isinstance(bound, Static) else name
    return text if len(text) <= 24 else f"{text[:21]}..."
