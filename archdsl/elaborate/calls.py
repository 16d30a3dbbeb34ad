"""Applying blocks and operators: specialisation, memoisation, inference.

A block called with given static arguments and input types becomes one `Function`; the same key finds it again. Tensors
and bodies among the arguments are lifted: a tensor becomes an extra input of the function, a body brings the tensors it
mentions along as extra inputs, so a function never reads a value of its caller.
"""

from collections.abc import Callable as Function_
from typing import Any

from archdsl.diagnostics.model import Frame as TraceFrame
from archdsl.diagnostics.model import Label
from archdsl.elaborate.binding import Binder, Given
from archdsl.elaborate.builder import Builder
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.flow import Frame, SharedOutside, Statements
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.patterns import Mismatch, match, pattern_label
from archdsl.elaborate.report import CALL_STEPS, OPERATOR_STEPS, Reporter, did_you_mean
from archdsl.elaborate.resolve import Resolver
from archdsl.elaborate.values import (
    UNKNOWN,
    BlockDef,
    Closure,
    Flow,
    OperatorRef,
    Partial,
    Scope,
    SharedInstance,
    Static,
    Tensor,
    Unknown,
    replace_tensors,
    show,
    static_key,
    tensors_in,
    type_name,
)
from archdsl.ir.operator import Operator, Rejection
from archdsl.ir.program import Call, Function, Node, Op, Segment, Value
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import DimTooLarge
from archdsl.types.tensor import TensorType, shape_text

Branches = list[tuple[Flow, Span]]


class _Running:
    """Marks a function whose body is being elaborated: meeting it again means recursion that never ends."""


class Elaborator(Statements):
    """Elaborates bodies into functions. One instance per model: `functions` is its memo."""

    def __init__(self, report: Reporter, resolver: Resolver) -> None:
        super().__init__()
        self.report = report
        self.resolver = resolver
        self.evaluator = Evaluator(report, resolver.find)
        self.binder = Binder(self.evaluator)
        self.functions: dict[object, Function | _Running | Unknown] = {}
        self.call_depth = 0

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
                if isinstance(value, (OperatorRef, BlockDef, Closure, Partial, SharedInstance, Unknown)):
                    return value
                return self.report.error(
                    "E0210",
                    f"`{name.id}` is {type_name(value)}, not something a tensor can flow through",
                    name.span,
                    f"this is {show(value)}",
                )
            level = level.parent
        found = self.resolver.find(name.id)
        if found is not None:
            return found
        if tensor:
            return self.report.error(
                "E0209",
                f"`{name.id}` is a tensor: it can start a flow, not stand inside one",
                name.span,
                "a tensor cannot be applied",
                help=f"start from it: `{name.id} -> ...`, or merge: `[{name.id}, ...] -> add`",
            )
        return self.report.error(
            "E0202",
            f"there is no block or operator `{name.id}`",
            name.span,
            "unknown name",
            help=did_you_mean(name.id, scope.visible() | self.resolver.names()),
        )

    def apply(
        self, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame, is_head: bool
    ) -> tuple[Flow, Node | None]:
        if isinstance(step, ast.Apply) and is_head and step.arguments is None and step.branches is None:
            bound = frame.scope.lookup(step.callee.id)
            if isinstance(bound, Tensor):
                return bound.flow, bound.node
        callee = self.callable_named(step.callee, frame.scope)
        if isinstance(callee, Unknown):
            return UNKNOWN, None
        if isinstance(callee, SharedInstance):
            return self._apply_shared(callee, step, flow, frame)
        return self._apply_callable(callee, step, flow, frame, step.callee.span)

    def _apply_callable(
        self, callee: Any, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame, span: Span
    ) -> tuple[Flow, Node | None]:
        partial = callee if isinstance(callee, Partial) else None
        target = partial.callee if partial is not None else callee
        arguments = step.arguments or []
        if isinstance(target, OperatorRef):
            branches = self._branches(step, flow, frame)
            return self._apply_operator(target.cls, partial, arguments, branches, flow, frame, span)
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
            for item in items:
                self.report.spend(CALL_STEPS, step.span)
                names: dict[str, Any] = {}
                values = self.evaluator.unpack(step.targets, item, step.iterable.span)
                for target, value in zip(step.targets, values, strict=True):
                    names[target.id] = Static(value)
                results.append(self.branch_body(step.body, flow, frame, names))
            if not results:
                self.report.error("E0506", "a fan-out over an empty list has no branches", step.iterable.span)
                return [(UNKNOWN, step.iterable.span)]
            return results
        if step.branches is None:
            return None
        return [self.branch_body(body, flow, frame) for body in step.branches]

    # --------------------------------------------------------------------------------------------------- operators

    def _apply_operator(
        self,
        cls: type[Operator],
        partial: Partial | None,
        arguments: list[ast.Argument],
        branches: Branches | None,
        flow: Flow,
        frame: Frame,
        span: Span,
    ) -> tuple[Flow, Node | None]:
        self.report.spend(OPERATOR_STEPS, span)
        bound = self.binder.operator(cls, arguments, frame.scope, span, partial)
        inputs = self._operator_inputs(cls, branches, flow, span)
        if bound is None or inputs is None:
            return UNKNOWN, None
        op, given = bound
        types = self._infer(op, inputs, given, branches, span)
        if types is None:
            return UNKNOWN, None
        outputs = tuple(Value(type) for type in types)
        node = Op(op, inputs, outputs, Segment(cls.name), span)
        frame.builder.add(node)
        return (outputs[0] if len(outputs) == 1 else outputs), node

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
        if cls.arity is not None and len(values) != cls.arity:
            tensors = "tensor" if cls.arity == 1 else "tensors"
            self.report.error(
                "E0506",
                f"`{cls.name}` takes {cls.arity} {tensors}, {len(values)} flow here",
                span,
                f"{len(values)} given",
                notes=tuple(f"input {index}: {value.type}" for index, value in enumerate(values)),
                help="gather them with `[a, b, ...] ->`"
                if cls.arity > 1
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
            advice = op.advice(*(value.type for value in inputs))
        except Rejection as rejection:
            place = given[rejection.at].span if rejection.at in given else span
            label = rejection.expected and f"expected {rejection.expected}"
            if rejection.found:
                label = f"{label}, found {rejection.found}" if label else f"found {rejection.found}"
            related: tuple[Label, ...] = ()
            notes: tuple[str, ...] = ()
            if branches is not None and len(branches) > 1:
                related = tuple(
                    Label(branch, f"this branch gives {flow.type}")
                    for flow, branch in branches
                    if isinstance(flow, Value)
                )
            elif inputs:
                notes = ("the input is " + ", ".join(str(value.type) for value in inputs),)
            self.report.error(
                rejection.code,
                f"`{op.name}`: {rejection.message}",
                place,
                label,
                help=rejection.help,
                related=related,
                notes=notes,
            )
            return None
        except DimTooLarge:
            raise self.report.limit("E0908", "a symbolic dimension has too many terms", span, "terms") from None
        if advice:
            self.report.error("W0401", f"`{op.name}`: {advice}", span, severity="warning")
        return types

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
        given = self._pair_block(definition, partial, arguments, frame.scope, span)
        takes_bodies = self._body_parameters(definition)
        if given is not None and isinstance(step, ast.Apply) and step.branches is not None and takes_bodies:
            given = self._pair_bodies(definition, takes_bodies, given, step.branches, frame)
        elif isinstance(step, ast.FanOutFor) or step.branches is not None:
            flow = self.gather(self._branches(step, flow, frame) or [])
        if given is None or isinstance(flow, Unknown):
            return UNKNOWN, None
        scope = Scope(definition.scope, {}, definition.scope.defaults)
        if not self.binder.parameters(definition, given, scope, span):
            return UNKNOWN, None
        inputs = () if flow is None else (flow,) if isinstance(flow, Value) else flow
        names = [parameter.name.id for parameter in definition.syntax.parameters]
        carried = Carried([tensor for name in names for tensor in tensors_in(scope.names[name])])
        key = (
            definition,
            tuple(static_key(scope.names[name]) for name in names),
            tuple(value.type for value in inputs),
            carried.aliases,
        )
        signature = definition.syntax.signature
        if signature is not None and not self._bind_signature(definition, signature, inputs, scope, span):
            return UNKNOWN, None

        def prepare(inside: dict[Value, Value]) -> Scope:
            for name in names:
                scope.names[name] = replace_tensors(scope.names[name], inside)
            return scope

        function = self._function(key, definition.name, inputs, carried, prepare, definition.syntax, frame, span)
        return self._call(function, definition.name, (*inputs, *carried.values), frame, span)

    def _pair_block(
        self,
        definition: BlockDef,
        partial: Partial | None,
        arguments: list[ast.Argument],
        scope: Scope,
        span: Span,
    ) -> dict[str, Given] | None:
        names = [parameter.name.id for parameter in definition.syntax.parameters]
        given = {name: Given(value, span) for name, value in scope.defaults.get(definition, {}).items()}
        if partial is not None and not self.binder.apply_partial(definition.name, partial, names, given, span):
            return None
        written = self.binder.pair(definition.name, names, self.binder.flags_of(definition), arguments, scope)
        return None if written is None else {**given, **written}

    def _body_parameters(self, definition: BlockDef) -> list[str]:
        """Names of the parameters that trailing braces may fill, in order."""
        return [
            parameter.name.id
            for parameter in definition.syntax.parameters
            if self.binder.declared_type(parameter, definition.scope) == "block"
        ]

    def _pair_bodies(
        self,
        definition: BlockDef,
        takes_bodies: list[str],
        given: dict[str, Given],
        bodies: list[ast.Body],
        frame: Frame,
    ) -> dict[str, Given] | None:
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
        free = free_names(body)
        captured: dict[str, Any] = {}
        for word in free:
            bound = scope.lookup(word)
            if bound is not None and tensors_in(bound):
                captured[word] = bound
        return Closure(name, body, scope.child(), free, captured)

    def _apply_closure(self, closure: Closure, flow: Flow, frame: Frame, span: Span) -> tuple[Flow, Node | None]:
        if isinstance(flow, Unknown):
            return UNKNOWN, None
        inputs = () if flow is None else (flow,) if isinstance(flow, Value) else flow
        carried = Carried(tensors_in(closure))
        key = (static_key(closure), closure.name, tuple(value.type for value in inputs), carried.aliases)

        def prepare(inside: dict[Value, Value]) -> Scope:
            return closure.scope.child(replace_tensors(closure, inside).captured)

        function = self._function(key, closure.name, inputs, carried, prepare, closure, frame, span)
        return self._call(function, closure.name, (*inputs, *carried.values), frame, span)

    def _bind_signature(
        self,
        definition: BlockDef,
        signature: ast.Signature,
        inputs: tuple[Value, ...],
        scope: Scope,
        span: Span,
    ) -> bool:
        """Match the inputs against the left side of a signature; reports at the call, which is what has to change."""
        if len(inputs) != len(signature.inputs):
            wanted = len(signature.inputs)
            self.report.error(
                "E0506",
                f"`{definition.name}` takes {wanted} tensor{'s' * (wanted != 1)}, {len(inputs)} flow here",
                span,
                f"{len(inputs)} given",
                related=(Label(signature.span, "the signature"),),
                help="gather them with `[a, b] ->`" if wanted > 1 else "",
            )
            return False
        fine = True
        for declared, value in zip(signature.inputs, inputs, strict=True):
            found = match(self.evaluator, declared.shape, value.type, scope, lambda name: name not in scope.names)
            if isinstance(found, Mismatch):
                fine = False
                what = f"`{declared.name.id}` of `{definition.name}`" if declared.name else f"`{definition.name}`"
                self.report.error(
                    "E0311" if found.undecided else "E0502",
                    f"{what} takes {declared.shape.span.text}, found {shape_text(value.type.dims)}",
                    span,
                    found.reason,
                    related=(pattern_label(found),),
                )
            elif found is not None:
                fine = False
        return fine

    # --------------------------------------------------------------------------------------------------- functions

    def _function(
        self,
        key: object,
        name: str,
        inputs: tuple[Value, ...],
        carried: "Carried",
        prepare: Function_[[dict[Value, Value]], Scope],
        origin: "ast.Block | Closure",
        frame: Frame,
        span: Span,
    ) -> Function | Unknown:
        known = self.functions.get(key)
        if isinstance(known, (Function, Unknown)):
            self.report.spend(CALL_STEPS, span)
            return known
        if known is not None:
            raise self.report.limit(
                "E0905",
                f"`{name}` calls itself with the same arguments, without end",
                span,
                "depth",
                "called again here",
            )
        if self.call_depth >= self.report.limits.depth:
            raise self.report.limit(
                "E0905",
                f"blocks call each other more than {self.report.limits.depth} deep",
                span,
                "depth",
                "called here",
            )
        self.report.instantiate(span)
        self.report.spend(CALL_STEPS, span)
        self.functions[key] = _Running()
        self.call_depth += 1
        where = f", {frame.builder.loops[-1]}" if frame.builder.loops else ""
        self.report.frames.append(TraceFrame(f"`{name}`{where}", span))
        errors = len(self.report.sink.found)
        builder = Builder()
        values = tuple(builder.add_input(value.type, value.name) for value in inputs)
        try:
            inside = {value: builder.add_input(value.type, value.name) for value in carried.values}
            scope = prepare(inside)
            function = self._body(name, builder, values, scope, origin)
        finally:
            self.report.frames.pop()
            self.call_depth -= 1
        failed = any(found.severity == "error" for found in self.report.sink.found[errors:])
        result = UNKNOWN if failed else function
        self.functions[key] = result
        return result

    def _body(
        self,
        name: str,
        builder: Builder,
        values: tuple[Value, ...],
        scope: Scope,
        origin: "ast.Block | Closure",
    ) -> Function | Unknown:
        arguments = {key: _plain(bound) for key, bound in scope.names.items() if isinstance(bound, Static)}
        signature = None
        doc = ""
        if isinstance(origin, ast.Block):
            signature = origin.signature
            doc = origin.doc
            if signature is not None:
                for declared, value in zip(signature.inputs, values, strict=True):
                    value.name = declared.name.id if declared.name else ""
                    if declared.name:
                        scope.names[declared.name.id] = Tensor(value)
        for value in values:
            # The caller's name for a tensor means nothing here.
            if signature is None:
                value.name = ""
        start: Flow = None if not values else values[0] if len(values) == 1 else values
        frame = Frame(builder, scope, start)
        self.run(origin.body, frame)
        flow = frame.flow
        if isinstance(flow, Unknown):
            return UNKNOWN
        if flow is None:
            return self.report.error("E0501", f"`{name}` has no result", origin.body.span, "nothing flows out")
        outputs = (flow,) if isinstance(flow, Value) else flow
        if signature is not None and signature.outputs and not self._check_result(name, signature, outputs, scope):
            return UNKNOWN
        identity = origin if isinstance(origin, ast.Block) else origin.body
        function = builder.finish(
            name, {} if isinstance(origin, Closure) else arguments, outputs, identity, origin.body.span, doc
        )
        if isinstance(origin, ast.Block):
            function.declared = len([p for p in origin.parameters if p.name.id in function.arguments])
        return function

    def _check_result(self, name: str, signature: ast.Signature, outputs: tuple[Value, ...], scope: Scope) -> bool:
        if len(outputs) != len(signature.outputs):
            self.report.error(
                "E0504",
                f"`{name}` promises {len(signature.outputs)} results, its body gives {len(outputs)}",
                signature.span,
            )
            return False
        fine = True
        for pattern, value in zip(signature.outputs, outputs, strict=True):
            found = match(self.evaluator, pattern, value.type, scope, lambda _: False)
            if isinstance(found, Mismatch):
                fine = False
                self.report.error(
                    "E0311" if found.undecided else "E0504",
                    f"`{name}` promises {pattern.span.text}, its body gives {shape_text(value.type.dims)}",
                    found.span,
                    found.reason,
                )
            elif found is not None:
                fine = False
        return fine

    def _call(
        self, function: Function | Unknown, name: str, inputs: tuple[Value, ...], frame: Frame, span: Span
    ) -> tuple[Flow, Node | None]:
        if isinstance(function, Unknown):
            return UNKNOWN, None
        outputs = tuple(Value(value.type) for value in function.outputs)
        node = Call(function, inputs, outputs, Segment(name), span)
        frame.builder.add(node)
        return (outputs[0] if len(outputs) == 1 else outputs), node

    # ------------------------------------------------------------------------------------------------------ shared

    def _apply_shared(
        self, shared: SharedInstance, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame
    ) -> tuple[Flow, Node | None]:
        """Apply a shared instance. The first application makes it; later ones point to the first."""
        span = step.callee.span
        if step.arguments or isinstance(step, ast.FanOutFor) or step.branches is not None:
            self.report.error(
                "E0306",
                f"`{shared.name}` is an instance already: its arguments were given where it was declared",
                step.span,
            )
            return UNKNOWN, None
        if shared.home is not frame.builder:
            self.report.error(
                "E0511",
                f"the shared instance `{shared.name}` can be used only in the block that declares it",
                span,
                "used inside another block or body",
                related=(Label(shared.application.span, "declared here"),),
            )
            return UNKNOWN, None
        if frame.builder.depth > shared.depth:
            raise SharedOutside
        callee = self.callable_named(shared.application.callee, shared.scope)
        if isinstance(callee, (Unknown, SharedInstance)):
            return UNKNOWN, None
        inner = Frame(frame.builder, shared.scope, flow)
        result, node = self._apply_callable(callee, shared.application, flow, inner, span)
        if not isinstance(node, (Op, Call)):
            return result, node
        if shared.node is None:
            node.segment = Segment(shared.name)
            shared.node = node
            return result, node
        if not _same_instance(shared.node, node):
            first = ", ".join(str(value.type) for value in shared.node.inputs)
            now = ", ".join(str(value.type) for value in node.inputs)
            self.report.error(
                "E0511",
                f"the weights of `{shared.name}` do not fit this input",
                span,
                f"first applied to {first}, now to {now}",
                related=(Label(shared.node.span, "first applied here"),),
            )
            return UNKNOWN, None
        if (isinstance(node, Op) and isinstance(shared.node, Op)) or (
            isinstance(node, Call) and isinstance(shared.node, Call)
        ):
            node.instance = shared.node
        return result, node


class Carried:
    """Tensors among a block's arguments, each once, in the order in which they become extra inputs. `aliases` tells which
    of the arguments were the same tensor, which is part of what distinguishes two specialisations."""

    def __init__(self, tensors: list[Value]) -> None:
        self.values = tuple(dict.fromkeys(tensors))
        self.aliases = tuple(self.values.index(tensor) for tensor in tensors)


def _plain(bound: Static) -> object:
    """A static argument as other floors see it: blocks by name."""

    def plain(value: Any) -> object:
        if isinstance(value, (OperatorRef, BlockDef, Closure, Partial, SharedInstance)):
            return value.name
        if isinstance(value, tuple):
            return tuple(plain(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
        return value

    return plain(bound.value)


def _same_instance(first: Op | Call, again: Op | Call) -> bool:
    """Whether a second application of a shared instance uses weights of the same names and shapes."""
    if isinstance(first, Op) and isinstance(again, Op):
        left = first.op.weights(*(value.type for value in first.inputs))
        right = again.op.weights(*(value.type for value in again.inputs))
        return [(w.name, w.shape) for w in left] == [(w.name, w.shape) for w in right]
    if isinstance(first, Call) and isinstance(again, Call):
        from archdsl.ir.flatten import function_weights

        return first.callee is again.callee or function_weights(first.callee) == function_weights(again.callee)
    return False
