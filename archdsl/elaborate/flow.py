"""Running bodies: flows, bindings and loops become nodes of the function under construction.

The elaborator is an interpreter whose current value is a typed tensor. It recurses over the nesting of the source
(bounded by the parser) inside every open block call (bounded by `limits.depth`), together by `limits.levels`, and never
over the length of anything."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archdsl.elaborate.builder import substitute_inputs
from archdsl.elaborate.declarations import Declarations
from archdsl.elaborate.frame import Frame
from archdsl.elaborate.free_names import bound_names, free_names
from archdsl.elaborate.report import CALL_STEPS, as_written
from archdsl.elaborate.values import (
    UNKNOWN,
    Flow,
    Scope,
    SharedInstance,
    Static,
    Tensor,
    Unknown,
    is_list,
    length,
    show,
)
from archdsl.ir.program import Node, Recompute, Repeat, Value
from archdsl.source import Span
from archdsl.syntax import ast

if TYPE_CHECKING:
    from archdsl.types.derivations import Derivation

_LABEL = re.compile(r"[A-Za-z0-9_]+")


class SharedOutside(Exception):
    """A `repeat` body uses a shared instance declared outside: the repeat must be written out."""


class Statements(Declarations):
    """Statements of a body. `Elaborator` in `calls.py` adds the application of blocks and operators."""

    def __init__(self) -> None:
        self.lost: dict[int, tuple[Span, str]] = {}
        """By statement: a place where results are lost for a reason that is known, and the help that says so; no help
        where the place has its own warning."""
        self._mentioned: dict[int, tuple[ast.Expr, tuple[str, ...]]] = {}
        self._statements: dict[type, Any] = {
            ast.FlowStatement: self._flow_statement,
            ast.Bind: self._bind,
            ast.Let: self._let,
            ast.Default: self.default,
            ast.For: self._for,
            ast.Repeat: self._repeat,
            ast.If: self._if,
            ast.Shared: self._shared,
            ast.Input: self.input,
            ast.Output: self.output,
            ast.Expect: self.expect,
            ast.Require: self.require,
        }

    def apply(
        self, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame, is_head: bool
    ) -> tuple[Flow, Node | None]:
        """Apply what a step names to the current value; returns the result and the node it added, if one."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------------ bodies

    def run(self, body: ast.Body, frame: Frame) -> None:
        """Run the statements of a body; the frame's flow moves. A `require` that does not hold ends it: what follows
        counts on it."""
        self.report.open(body.span)
        for index, statement in enumerate(body.statements):
            if self._statements[type(statement)](statement, frame):
                frame.flow = UNKNOWN
                self._poison(body.statements[index + 1 :], frame)
                break
        self.report.level -= 1

    def mentioned(self, expr: ast.Expr) -> tuple[str, ...]:
        """The names in an expression."""
        found = self._mentioned.get(id(expr))
        if found is None:
            found = self._mentioned[id(expr)] = (expr, free_names(expr))
        return found[1]

    def _poison(self, statements: list[ast.Statement], frame: Frame) -> None:
        """Bind what skipped statements would have bound, so that those who use it stay silent."""
        for name in bound_names(statements):
            frame.scope.names[name] = Static(UNKNOWN)

    def run_flow(self, flow: ast.Flow, frame: Frame) -> tuple[Flow, Node | None]:
        """Run `a -> b -> c` from the frame's current value without moving it."""
        self.report.open(flow.span)
        current: Flow = frame.flow
        node: Node | None = None
        frame.reads = frame.reads or not self._starts_anew(flow, frame)
        for index, step in enumerate(flow.steps):
            current, node = self._step(step, current, frame, index == 0)
        self.report.level -= 1
        return current, node

    def _starts_anew(self, flow: ast.Flow, frame: Frame) -> bool:
        """Whether a flow starts from a tensor that it names."""
        head = flow.steps[0]
        bare = isinstance(head, ast.Apply) and head.arguments is None and head.branches is None
        return isinstance(head, ast.Apply) and bare and isinstance(frame.scope.lookup(head.callee.id), Tensor)

    def _step(self, step: ast.Step, flow: Flow, frame: Frame, is_head: bool) -> tuple[Flow, Node | None]:
        node: Node | None = None
        if isinstance(step, (ast.Apply, ast.FanOutFor)):
            result, node = self.apply(step, flow, frame, is_head)
        elif isinstance(step, ast.TupleStep):
            result = self.gather([self.branch_flow(item, flow, frame) for item in step.flows])
        elif isinstance(step, ast.Recompute):
            result = self._recompute(step, flow, frame)
        else:
            result = self.branch_body(step.body, flow, frame)[0]
        if step.label is not None:
            self._label(step, result, node, frame)
        return result, node

    def _recompute(self, step: ast.Recompute, flow: Flow, frame: Frame) -> Flow:
        """Braces whose nodes are marked as one region, if the condition says so."""
        wanted = step.condition is None or self.evaluator.condition(step.condition, frame.scope)
        if isinstance(wanted, Unknown):
            return UNKNOWN
        builder = frame.builder
        outer = builder.recompute
        if wanted:
            label = UNKNOWN if step.label is None else self.evaluator.string(step.label, frame.scope)
            builder.recompute = Recompute(step.span, outer, label if isinstance(label, str) else "", builder.round)
        try:
            return self.branch_body(step.body, flow, frame)[0]
        finally:
            builder.recompute = outer

    def branch_flow(self, flow: ast.Flow, start: Flow, frame: Frame) -> tuple[Flow, Span]:
        """One branch written as a flow, from the given value."""
        return self.run_flow(flow, frame.child(start))[0], flow.span

    def branch_body(
        self, body: ast.Body, start: Flow, frame: Frame, names: dict[str, Any] | None = None
    ) -> tuple[Flow, Span]:
        """One branch written as a body, from the given value."""
        inner = frame.child(start, names)
        self.run(body, inner)
        if inner.flow is start and len(body.statements) == 1 and isinstance(body.statements[0], ast.For):
            self._warn_empty_branch(body.statements[0])
        return inner.flow, body.span

    def _warn_empty_branch(self, loop: ast.For) -> None:
        """Warn about a branch that is a loop over nothing: it hands on what flows in."""
        self.report.error(
            "W0503",
            "this loop does nothing, so the branch is the identity",
            loop.iterable.span,
            "nothing to go over",
            help="a branch for each element, and none for none, is written `concat for x in xs { ... }`",
            severity="warning",
        )

    def gather(self, branches: list[tuple[Flow, Span]]) -> Flow:
        """The tensors that branches end in, in order: tuples are flat, so a branch that ends in a tuple gives all of
        its tensors."""
        values: list[Value] = []
        poisoned = False
        for result, span in branches:
            if isinstance(result, Value):
                values.append(result)
            elif isinstance(result, tuple):
                self.report.spend(len(result), span)  # `[t, t] as t` doubles
                values.extend(result)
            else:
                poisoned = True
                if result is None:
                    self.report.error("E0501", "this branch has no value", span, "nothing flows here")
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
        callee = step.callee.id if isinstance(step, (ast.Apply, ast.FanOutFor)) else ""
        # `x as y` names a tensor that exists; a shared instance keeps the name it was declared with.
        if frame.builder.added(node) and not isinstance(frame.scope.lookup(callee), (Tensor, SharedInstance)):
            frame.builder.label(node, text, step.label.span, self.evaluator.numbered(step.label, frame.scope))
        if isinstance(result, Value):
            frame.builder.labels[text] = result
            result.name = result.name or text
        # `layer(...) as layer` names the path only: binding the tensor too would hide the block from the next line.
        if callee != text:
            frame.scope.names[text] = Tensor(result, node)

    def _flow_statement(self, statement: ast.FlowStatement, frame: Frame) -> None:
        frame.flow = self.run_flow(statement.flow, frame)[0]

    def _bind(self, statement: ast.Bind, frame: Frame) -> None:
        self._explain_rebinding(statement, frame)
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
            from archdsl.elaborate.advice import unpacked

            count = 1 if isinstance(result, Value) else len(result)
            help, edits = unpacked(statement.span, len(targets), count)
            result = self.report.error(
                "E0314",
                f"{len(targets)} names on the left, {count} tensor{'s' * (count != 1)} on the right",
                statement.span,
                help=help,
                edits=edits,
            )
        for index, target in enumerate(targets):
            if is_list(result):
                value = result[index]
                value.name = value.name or target.id
                frame.builder.labels[target.id] = value
                frame.scope.names[target.id] = Tensor(value)
            else:
                frame.scope.names[target.id] = Tensor(UNKNOWN)

    def _explain_rebinding(self, statement: ast.Bind, frame: Frame) -> None:
        """Note what to say if `x = x -> ...` in a loop turns out to be read by nobody."""
        flow = statement.flow
        name = statement.targets[0].id
        head = flow.steps[0]
        if frame.round is None or len(flow.steps) < 2 or not isinstance(head, ast.Apply) or head.callee.id != name:
            return
        if self._starts_anew(flow, frame) and isinstance(frame.around(name), Tensor):
            rest = as_written(Span(flow.span.source, flow.steps[1].span.start, flow.span.end))
            self.lost[id(statement)] = (
                flow.span,
                f"this `{name}` is a new one in each round, and the next round starts from the `{name}` outside; the"
                f" current value is what a loop hands on: put `{name}` in front of the loop, and `{rest}` in it",
            )

    def _let(self, statement: ast.Let, frame: Frame) -> None:
        if frame.round is not None:
            self._warn_hidden(statement, frame)
        value = self.evaluator.evaluate(statement.value, frame.scope)
        formula = self.evaluator.formula(statement.value, frame.scope)
        self.bind_static(statement.targets, value, statement.value.span, frame.scope, formula)

    def _warn_hidden(self, statement: ast.Let, frame: Frame) -> None:
        """Warn about `let n = n + 1` in a loop: it hides the `n` outside for this round, and adds up nothing."""
        for target in statement.targets:
            name = target.id
            if frame.around(name) is not None and name in self.mentioned(statement.value):
                self.report.error(
                    "W0202",
                    f"this `let` makes a new `{name}` in each round, always from the `{name}` outside the loop",
                    target.span,
                    "hides the one outside",
                    help=f"a loop hands on its current value alone: work `{name}` out from the name that the loop"
                    f" counts with, or go over a list, `for {name} in [...]`",
                    severity="warning",
                )

    def bind_static(
        self, targets: list[ast.Name], value: Any, span: Span, scope: Scope, formula: "Derivation | None" = None
    ) -> None:
        """Bind `let` or loop targets; `formula` is that of the value, if it is known."""
        whole = formula if len(targets) == 1 else None
        for target, item in zip(targets, self.evaluator.unpack(targets, value, span), strict=True):
            static = not isinstance(item, (Tensor, SharedInstance))
            scope.names[target.id] = self.evaluator.bound(item, whole) if static else item

    # ------------------------------------------------------------------------------------------------------- loops

    def _for(self, statement: ast.For, frame: Frame) -> None:
        items = self.evaluator.items(statement.iterable, frame.scope)
        if isinstance(items, Unknown):
            frame.flow = UNKNOWN
            return
        anew = False
        times = self.evaluator.times(statement.iterable, items, frame.scope)
        with frame.builder.rounds(statement.span, times) as begin:
            for item in items:
                begin()
                self.report.spend(CALL_STEPS, statement.span)
                inner = frame.next_round()
                self.bind_static(statement.targets, item, statement.iterable.span, inner.scope)
                self.report.loops.append((shown_targets(statement.targets, inner.scope), statement.iterable.span))
                self.run(statement.body, inner)
                self.report.loops.pop()
                anew = not inner.reads and inner.flow is not frame.flow
                frame.flow = inner.flow
                if isinstance(frame.flow, Unknown):
                    return
        if anew and length(items) > 1:
            self._warn_last_round(statement)
        frame.reads = frame.reads or not anew

    def _warn_last_round(self, statement: ast.For) -> None:
        """Warn about a loop whose rounds all start from tensors that they name, so that the last one alone is left."""
        names = ", ".join(target.id for target in statement.targets)
        over = as_written(statement.iterable.span)
        self.lost[id(statement)] = (statement.span, "")
        self.report.error(
            "W0502",
            "every round of this loop starts anew, so only the last one counts",
            statement.iterable.span,
            "the rounds before it are lost",
            help=f"`concat for {names} in {over} {{ ... }}` merges what all of them give, and so does `add for`",
            severity="warning",
        )

    def _repeat(self, statement: ast.Repeat, frame: Frame) -> None:
        count = self.evaluator.integer(statement.count, frame.scope, "the count of a repeat", minimum=0)
        if isinstance(count, Unknown):
            frame.flow = UNKNOWN
            return
        frame.reads = True
        frame.builder.repeats += 1
        try:
            with frame.builder.rounds(statement.span, count) as begin:
                self._iterations(statement, frame, count, begin)
        finally:
            frame.builder.repeats -= 1

    def _iterations(self, statement: ast.Repeat, frame: Frame, count: int, begin: Callable[[], None]) -> None:
        loops, level = len(self.report.loops), self.report.level
        remaining = count
        fold = True
        while remaining > 0 and not isinstance(frame.flow, Unknown):
            self.report.spend(CALL_STEPS, statement.span)
            self.report.loops.append((f"repeat {count - remaining + 1} of {count:,}", statement.count.span))
            begin()
            if remaining == 1 or frame.flow is None or not fold:
                nothing = frame.flow is None
                self._iterate(statement.body, frame)
                remaining = 0 if nothing and frame.flow is None else remaining - 1
            else:
                try:
                    remaining -= self._fold(statement, frame, remaining)
                except SharedOutside:
                    if frame.builder.depth:
                        raise
                    fold = False
                    self.report.level = level
            del self.report.loops[loops:]

    def _iterate(self, body: ast.Body, frame: Frame) -> None:
        inner = frame.next_round()
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
        inner.round = inner.scope
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
        self.report.written_out = statement.count.span
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
        outer = frame.builder.condition
        tested: list[tuple[Derivation | None, bool]] = []
        for condition, body in statement.arms:
            chosen = self.evaluator.condition(condition, frame.scope)
            if isinstance(chosen, Unknown):
                frame.flow = UNKNOWN
                self._poison([statement], frame)
                return
            tested.append((self.evaluator.formula(condition, frame.scope), chosen))
            if chosen:
                self._arm(body, frame, self.evaluator.under(outer, tested))
                return
        if statement.otherwise is not None:
            self._arm(statement.otherwise, frame, self.evaluator.under(outer, tested))

    def _arm(self, body: ast.Body, frame: Frame, condition: "Derivation | None") -> None:
        defaults, outer = frame.scope.defaults, frame.builder.condition
        frame.builder.condition = condition
        self.run(body, frame)
        frame.scope.defaults, frame.builder.condition = defaults, outer

    def _shared(self, statement: ast.Shared, frame: Frame) -> None:
        frame.scope.names[statement.name.id] = SharedInstance(
            statement.name.id, statement.application, frame.scope, frame.builder, frame.builder.depth
        )


def shown_targets(targets: list[ast.Name], scope: Scope) -> str:
    """`i=2` or `out=64, stride=2`: where a loop is, for diagnostics."""
    return ", ".join(f"{target.id}={_shown(scope, target.id)}" for target in targets)


def _shown(scope: Scope, name: str) -> str:
    bound = scope.names.get(name)
    text = show(bound.value) if isinstance(bound, Static) else name
    return text if len(text) <= 24 else f"{text[:21]}..."
