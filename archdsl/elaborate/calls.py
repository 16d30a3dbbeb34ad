"""Applying what a step names: operators, blocks, bodies, fan-out."""

from typing import Any

from archdsl.diagnostics.model import Label
from archdsl.elaborate.binding import Binder
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.flow import shown_targets
from archdsl.elaborate.frame import Frame
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.lifting import Lifting, replace_tensors
from archdsl.elaborate.report import (
    CALL_STEPS,
    ENTRY_STEPS,
    LEVELS_PER_STEP,
    OPERATOR_STEPS,
    Reporter,
    symbolic_steps,
)
from archdsl.elaborate.resolve import Resolver
from archdsl.elaborate.shared import SharedInstances
from archdsl.elaborate.values import (
    BLOCKS,
    MAX_SHOWN_ITEMS,
    UNKNOWN,
    BlockDef,
    Closure,
    Flow,
    Given,
    OperatorRef,
    Partial,
    Scope,
    SharedInstance,
    Static,
    Tensor,
    Unknown,
    a_type,
    show,
)
from archdsl.ir.conditions import require_sizes
from archdsl.ir.operator import Operator, Rejection, TensorArgument
from archdsl.ir.program import Node, Op, Segment, Value
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.tensor import TensorType

Branches = list[tuple[Flow, Span]]


class Elaborator(SharedInstances):
    """Elaborates bodies into functions. One instance per model."""

    def __init__(self, report: Reporter, resolver: Resolver, evaluator: Evaluator | None = None) -> None:
        super().__init__()
        self.report = report
        self.resolver = resolver
        self.evaluator = evaluator or Evaluator(report, resolver.find)
        self.binder = Binder(self.evaluator)
        self.lifting = Lifting()
        self._free: dict[int, tuple[ast.Body, tuple[str, ...]]] = {}

    # ---------------------------------------------------------------------------------------------------- dispatch

    def callable_named(self, name: ast.Name, scope: Scope) -> Any:
        """What a name stands for as a step; tensors are passed over (they can only start a flow)."""
        level: Scope | None = scope
        tensor = False
        while level is not None:
            bound = level.names.get(name.id)
            if isinstance(bound, Tensor):
                tensor = True
            elif bound is not None:
                value = bound.value if isinstance(bound, Static) else bound
                if isinstance(value, (OperatorRef, BlockDef)) and value is not bound:
                    # Reached through a variable: the defaults in force here are not meant for it.
                    return Partial(value, (), ())
                if isinstance(value, (*BLOCKS, SharedInstance, Unknown)):
                    return value
                return self.report.error(
                    "E0210",
                    f"`{name.id}` is {a_type(value)}, not something a tensor can flow through",
                    name.span,
                    f"this is {show(value)}",
                )
            level = level.parent
        found = self.resolver.find(name.id)
        if found is not None:
            return found
        return not_applicable(self.report, name, tensor, scope.visible() | self.resolver.names())

    def apply(
        self, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame, is_head: bool
    ) -> tuple[Flow, Node | None]:
        self.report.spend(frame.scope.depth // LEVELS_PER_STEP, step.span)
        if isinstance(step, ast.Apply) and is_head and step.arguments is None and step.branches is None:
            bound = frame.scope.lookup(step.callee.id)
            if isinstance(bound, Tensor):
                return bound.flow, bound.node
        callee = self.callable_named(step.callee, frame.scope)
        if isinstance(callee, Unknown):
            return UNKNOWN, None
        if isinstance(callee, SharedInstance):
            return self.apply_shared(callee, step, flow, frame)
        return self.apply_callable(callee, step, flow, frame, step.callee.span)

    def apply_callable(
        self, callee: Any, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame, span: Span
    ) -> tuple[Flow, Node | None]:
        partial = callee if isinstance(callee, Partial) else None
        target: OperatorRef | BlockDef | Closure = callee.callee if isinstance(callee, Partial) else callee
        arguments = step.arguments or []
        if isinstance(target, OperatorRef):
            branches = self._branches(step, flow, frame)
            if isinstance(step, ast.Apply) and branches is not None:
                self._lone_branch(target.cls, branches, span)
            return self._apply_operator(target, partial, arguments, branches, flow, frame, span)
        if isinstance(target, Closure):
            if arguments or isinstance(step, ast.FanOutFor) or step.branches is not None:
                self.report.error("E0306", f"the body `{target.name}` takes no arguments", step.span)
                return UNKNOWN, None
            return self._apply_closure(target, flow, frame, span)
        return self._apply_block(target, partial, step, arguments, flow, frame, span)

    def _branches(self, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame) -> Branches | None:
        """Results of a fan-out; None for a step without braces."""
        if isinstance(step, ast.FanOutFor):
            items = self.evaluator.items(step.iterable, frame.scope)
            results: Branches = []
            if isinstance(items, Unknown):
                return [(UNKNOWN, step.iterable.span)]
            times = self.evaluator.times(step.iterable, items, frame.scope)
            with frame.builder.rounds(step.span, times) as begin:
                for item in items:
                    begin()
                    self.report.spend(CALL_STEPS, step.span)
                    inner = frame.child(flow)
                    self.bind_static(step.targets, item, step.iterable.span, inner.scope)
                    self.report.loops.append((shown_targets(step.targets, inner.scope), step.iterable.span))
                    self.run(step.body, inner)
                    self.report.loops.pop()
                    results.append((inner.flow, step.body.span))
            if not results:
                self.report.error("E0506", "a fan-out over an empty list has no branches", step.iterable.span)
                return [(UNKNOWN, step.iterable.span)]
            return results
        if step.branches is None:
            return None
        return [self.branch_body(body, flow, frame) for body in step.branches]

    # --------------------------------------------------------------------------------------------------- operators

    def _lone_branch(self, cls: type[Operator], branches: Branches, span: Span) -> None:
        """Warn of `add { conv(64, 3) }`, where a way round the convolution was meant."""
        if cls.arities() is None and len(branches) == 1 and isinstance(branches[0][0], Value):
            self.report.error(
                "W0401",
                f"`{cls.name}`: its one branch has nothing to be merged with; the identity is an empty branch,"
                f" `{cls.name} {{ ... | }}`",
                span,
                severity="warning",
            )

    def _apply_operator(
        self,
        operator: OperatorRef,
        partial: Partial | None,
        arguments: list[ast.Argument],
        branches: Branches | None,
        flow: Flow,
        frame: Frame,
        span: Span,
    ) -> tuple[Flow, Node | None]:
        self.report.spend(OPERATOR_STEPS, span)
        given = self.binder.arguments(operator, partial, arguments, frame.scope, span)
        op = None if given is None else self.binder.operator(operator.cls, given, span)
        if op is not None:
            self.report.spend(ENTRY_STEPS * op.entries(), span)
        starts = operator.cls.arity == 0  # a tensor of its own, which needs no input
        if not starts and flow is None and branches is None and frame.dims is not None and not frame.builder.inputs:
            self._say_missing_input(operator.cls, span)
            flow = UNKNOWN
        inputs = self._operator_inputs(operator.cls, branches, flow, span)
        if given is None or op is None or inputs is None or not self._may_borrow(op, given, frame, span):
            return UNKNOWN, None
        inputs += _tensor_arguments(op, given)
        self.report.spend(len(inputs) + symbolic_steps(value.type for value in inputs), span)
        types = self._infer(op, inputs, given, branches, span)
        if types is None:
            return UNKNOWN, None
        self.report.spend(symbolic_steps(types), span)
        for type in types:
            self.check_size(type, span)
        outputs = tuple([Value(type) for type in types])
        node = Op(op, inputs, outputs, Segment(op.name), span)
        node.given = self.evaluator.written(given)
        frame.builder.add(node)
        return (outputs[0] if len(outputs) == 1 else outputs), node

    def _may_borrow(self, op: Operator, given: dict[str, Given], frame: Frame, span: Span) -> bool:
        """Whether the weights that an operator borrows belong to operators of the same function."""
        for ref in op.borrowed():
            if ref.owner not in frame.builder.owned:
                place = next((item.span for item in given.values() if item.value is ref), span)
                self.report.error(
                    "E0319",
                    f"`{ref}` belongs to another block",
                    place,
                    "borrowed here",
                    help="weights are borrowed in the block that owns them; move both operators into one block",
                )
                return False
        return True

    def _say_missing_input(self, cls: type[Operator], span: Span) -> None:
        from archdsl.elaborate.advice import missing_input

        message = f"`{cls.name}` has nothing to work on"
        self.report.error("E0501", message, span, "nothing flows here", help=missing_input(cls.name))

    def _operator_inputs(
        self, cls: type[Operator], branches: Branches | None, flow: Flow, span: Span
    ) -> tuple[Value, ...] | None:
        if branches is not None:
            flow = self.gather(branches)
        if isinstance(flow, Unknown):
            return None
        if cls.arity == 0:
            return ()
        if flow is None:
            self.report.error(
                "E0501",
                f"`{cls.name}` has nothing to work on",
                span,
                "nothing flows here",
                help="start with an `input`, or with a tensor's name: `x -> ...`",
            )
            return None
        values = (flow,) if isinstance(flow, Value) else flow
        counts = cls.arities()
        if counts is not None and len(values) not in counts:
            wanted = f"{' or '.join(map(str, counts))} {'tensor' if counts == (1,) else 'tensors'}"
            self.report.error(
                "E0506",
                f"`{cls.name}` takes {wanted}, {len(values)} flow{'s' * (len(values) == 1)} here",
                span,
                f"{len(values)} given",
                related=tuple(_gives(branches or [], every=False)),
                notes=(f"the input is {_types(values)}",),
                help="gather them with `[a, b, ...] ->`"
                if counts[-1] > len(values)
                else "merge them first: `-> concat`, `-> add`",
            )
            return None
        return values

    def _infer(
        self,
        op: Operator,
        inputs: tuple[Value, ...],
        given: dict[str, Given],
        branches: Branches | None,
        span: Span,
    ) -> tuple[TensorType, ...] | None:
        try:
            types = op.infer(*(value.type for value in inputs))
            require_sizes(op, tuple([value.type for value in inputs]), types)
            advice = op.advice(*(value.type for value in inputs))
        except Rejection as rejection:
            place = given[rejection.at].span if rejection.at in given else span
            if rejection.within is not None and rejection.at is not None:
                place = _part_of_string(place, given[rejection.at].value, rejection.within)
            label = rejection.expected and f"expected {rejection.expected}"
            if rejection.found:
                label = f"{label}, found {rejection.found}" if label else f"found {rejection.found}"
            related: tuple[Label, ...] = ()
            notes: tuple[str, ...] = ()
            if branches is not None and len(branches) > 1:
                related = tuple(_gives(branches, every=True))
            elif inputs:
                notes = (f"the input is {_types(inputs)}",)
            self.report.error(
                rejection.code,
                f"`{op.name}`: {rejection.message}",
                place,
                label,
                help=rejection.help or self._unequal_help(rejection.code, [value.type for value in inputs], branches),
                related=related,
                notes=notes,
            )
            return None
        if advice:
            self.report.error("W0401", f"`{op.name}`: {advice}", span, severity="warning")
        return types

    def _unequal_help(self, code: str, types: list[TensorType], branches: Branches | None) -> str:
        """Advice where two branches disagree: the convolution that gives the second the shape of the first, as a
        shortcut of the standard block that an author called."""
        if code != "E0402" or len(types) != 2:
            return ""
        from archdsl.elaborate.advice import in_words_of, projection, with_shortcut

        step = projection(types[0], types[1])
        if not step:
            return ""
        call = next((frame.span for frame in reversed(self.report.frames) if not frame.span.source.standard), None)
        if call is not None and self.report.frames[-1].span is call:
            standard = self.resolver.find(call.text)
            if isinstance(standard, BlockDef) and "shortcut" in self.binder.interface(standard).names:
                return with_shortcut(call, step)
        step = in_words_of(branches[0][1].text, step) if branches else step
        return f"a convolution gives both the same shape: `{step}` in the second branch"

    # ------------------------------------------------------------------------------------------------------ blocks

    def _apply_block(
        self,
        definition: BlockDef,
        partial: Partial | None,
        step: ast.Apply | ast.FanOutFor,
        arguments: list[ast.Argument],
        flow: Flow,
        frame: Frame,
        span: Span,
    ) -> tuple[Flow, Node | None]:
        if isinstance(definition.syntax, ast.Model):
            self.report.error(
                "E0210",
                f"`{definition.name}` is a model: only blocks can be part of another network",
                span,
                help="move its body into a block that both use",
            )
            return UNKNOWN, None
        given = self.binder.arguments(definition, partial, arguments, frame.scope, span)
        interface = self.binder.interface(definition)
        if isinstance(step, ast.Apply) and step.branches is not None and interface.bodies:
            given = None if given is None else self._pair_bodies(definition, given, step.branches, frame)
        elif isinstance(step, ast.FanOutFor) or step.branches is not None:
            flow = self.gather(self._branches(step, flow, frame) or [])
        if given is None:
            return UNKNOWN, None
        scope = Scope(definition.scope, {}, definition.scope.defaults)
        if not self.binder.parameters(definition, given, scope, span) or isinstance(flow, Unknown):
            return UNKNOWN, None
        inputs = () if flow is None else (flow,) if isinstance(flow, Value) else flow
        bound = [scope.names[name] for name in interface.names]
        summary = self.lifting.together(definition, bound)
        signature = definition.syntax.signature
        if signature is not None and not self.bind_signature(definition, signature, inputs, scope, span):
            return UNKNOWN, None

        remembered = self.evaluator.given(scope)

        def prepare(inside: dict[Value, Value]) -> Scope:
            memo: dict[int, Any] = {}
            for name in interface.names:
                scope.names[name] = replace_tensors(scope.names[name], inside, memo)
            return scope

        key = (summary.key, tuple([value.type for value in inputs]))
        return self.specialise(
            key, definition.name, inputs, summary.tensors, prepare, definition.syntax, frame, span, remembered
        )

    def _pair_bodies(
        self,
        definition: BlockDef,
        given: dict[str, Given],
        bodies: list[ast.Body],
        frame: Frame,
    ) -> dict[str, Given] | None:
        takes_bodies = self.binder.interface(definition).bodies
        open_parameters = [name for name in takes_bodies if name not in given]
        if len(bodies) > len(open_parameters):
            self.report.error(
                "E0318",
                f"`{definition.name}` takes {len(open_parameters)} bod{'y' if len(open_parameters) == 1 else 'ies'} "
                f"in braces, {len(bodies)} are given",
                bodies[len(open_parameters)].span,
                "one too many",
                notes=(f"its block parameters are {', '.join(takes_bodies)}",),
            )
            return None
        result = dict(given)
        for name, body in zip(open_parameters, bodies, strict=False):
            result[name] = Given(self._closure(name, body, frame.scope), body.span)
        return result

    def _closure(self, name: str, body: ast.Body, scope: Scope) -> Closure:
        known = self._free.get(id(body))
        if known is None:
            known = self._free[id(body)] = (body, free_names(body))
        free = known[1]
        self.report.spend(len(free), body.span)
        captured: dict[str, Any] = {}
        for word in free:
            bound = scope.lookup(word)
            if bound is not None and self.lifting.carries_tensors(bound):
                captured[word] = bound
        return Closure(name, body, scope.child(), free, captured)

    def _apply_closure(self, closure: Closure, flow: Flow, frame: Frame, span: Span) -> tuple[Flow, Node | None]:
        if isinstance(flow, Unknown):
            return UNKNOWN, None
        inputs = () if flow is None else (flow,) if isinstance(flow, Value) else flow
        summary = self.lifting.summary(closure)

        def prepare(inside: dict[Value, Value]) -> Scope:
            return closure.scope.child(replace_tensors(closure, inside, {}).captured)

        key = (summary.key, closure.name, tuple([value.type for value in inputs]))
        return self.specialise(key, closure.name, inputs, summary.tensors, prepare, closure, frame, span)


def _gives(branches: Branches, *, every: bool) -> list[Label]:
    """What every branch ends in, or only those that end in several tensors."""
    labels: list[Label] = []
    for flow, span in branches:
        if isinstance(flow, tuple):
            labels.append(Label(span, f"this branch gives {_types(flow)}"))
        elif every and isinstance(flow, Value):
            labels.append(Label(span, f"this branch gives {flow.type}"))
    return labels


def _types(values: tuple[Value, ...]) -> str:
    """`f32[N, 3, 8, 8], f32[N, 5, 8, 8]`, shortened where there are many."""
    shown = ", ".join(str(value.type) for value in values[:MAX_SHOWN_ITEMS])
    return f"{shown}, ... {len(values)} tensors" if len(values) > MAX_SHOWN_ITEMS else shown


def _tensor_arguments(op: Operator, given: dict[str, Given]) -> tuple[Value, ...]:
    """The tensors among an operator's arguments, which become its last inputs."""
    found = [given[spec.name].value for spec in op.arguments() if isinstance(getattr(op, spec.name), TensorArgument)]
    return tuple(value.flow for value in found)


def not_applicable(report: Reporter, name: ast.Name, is_tensor: bool, visible: set[str]) -> Unknown:
    """Report a step that names a tensor or nothing at all; `visible` are the names that something stands for."""
    if is_tensor:
        return report.error(
            "E0209",
            f"`{name.id}` is a tensor: it can start a flow, not stand inside one",
            name.span,
            "a tensor cannot be applied",
            help=f"start from it: `{name.id} -> ...`, or merge: `[{name.id}, ...] -> add`",
        )
    from archdsl.elaborate.advice import unknown_name

    help, edits = unknown_name(report, name.span, name.id, visible, is_step=True)
    message = f"there is no block or operator `{name.id}`"
    return report.error("E0202", message, name.span, "unknown name", help=help, edits=edits)


def _part_of_string(span: Span, text: str, part: tuple[int, int]) -> Span:
    """The span of some characters of a string that is written in `span`; all of it where the string is not written out
    there (it is computed, or has escapes)."""
    start = span.text.find(f'"{text}"')
    return span if start < 0 else Span(span.source, span.start + start + 1 + part[0], span.start + start + 1 + part[1])
