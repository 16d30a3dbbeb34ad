"""Specialisation: a block under given arguments and input types becomes one `Function`; the same key finds it again.

Tensors and bodies among the arguments are lifted: a tensor becomes an extra input of the function, a body brings the
tensors it mentions along as extra inputs, so a function never reads a value of its caller.
"""

from collections.abc import Callable as Function_
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.model import Label
from archdsl.elaborate.builder import Builder
from archdsl.elaborate.flow import Statements
from archdsl.elaborate.frame import Frame
from archdsl.elaborate.patterns import Mismatch, match
from archdsl.elaborate.report import CALL_STEPS
from archdsl.elaborate.values import (
    BLOCKS,
    UNKNOWN,
    BlockDef,
    Closure,
    Flow,
    Scope,
    SharedInstance,
    Static,
    Tensor,
    Unknown,
    is_list,
)
from archdsl.ir.conditions import of_indices
from archdsl.ir.operator import Operator
from archdsl.ir.program import Call, Function, Node, Op, Segment, Value, walk
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import at_least
from archdsl.types.tensor import shape_text

if TYPE_CHECKING:
    from archdsl.types.derivations import Derivation


_LITERALS = (ast.Int, ast.Float, ast.Bool)


class _Running:
    """Marks a function whose body is being elaborated: meeting it again means recursion that never ends."""


class Specialised:
    """A finished function, and which of the tensors it was given it reads; `function` is poison if its body failed."""

    __slots__ = ("function", "kept")

    def __init__(self, function: Function | Unknown, kept: tuple[int, ...]) -> None:
        self.function = function
        self.kept = kept


class Functions(Statements):
    """Builds functions and keeps them. One instance per model: `functions` is its memo."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: dict[object, Specialised | _Running] = {}
        self.call_depth = 0

    def specialise(
        self,
        key: object,
        name: str,
        inputs: tuple[Value, ...],
        carried: tuple[Value, ...],
        prepare: Function_[[dict[Value, Value]], Scope],
        origin: "ast.Block | Closure",
        frame: Frame,
        span: Span,
        given: "Mapping[str, Derivation] | None" = None,
    ) -> tuple[Flow, Node | None]:
        """Call the function of this key on `inputs` and on those of the `carried` tensors that it reads, elaborating it
        first if it is new. `prepare` gives the scope of its body, where tensors of the caller are replaced as told."""
        self.report.spend(CALL_STEPS + self.lifting.visited, span)
        self.lifting.visited = 0
        known = self.functions.get(key)
        if isinstance(known, _Running):
            raise self.report.limit(
                "E0905",
                f"`{name}` calls itself with the same arguments, without end",
                span,
                "",
                "called again here",
                help="some argument must change from call to call, until a condition on it ends the recursion",
            )
        if known is None:
            self._charge(span)
            self.functions[key] = _Running()
            known = self.functions[key] = self._new(name, inputs, carried, prepare, origin, span)
        function = known.function
        if isinstance(function, Unknown):
            return UNKNOWN, None
        outputs = tuple([Value(value.type) for value in function.outputs])
        node = Call(function, (*inputs, *(carried[index] for index in known.kept)), outputs, Segment(name), span)
        self.evaluator.leave(node, given, origin)
        frame.builder.add(node)
        return (outputs[0] if len(outputs) == 1 else outputs), node

    def _charge(self, span: Span) -> None:
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

    def _new(
        self,
        name: str,
        inputs: tuple[Value, ...],
        carried: tuple[Value, ...],
        prepare: Function_[[dict[Value, Value]], Scope],
        origin: "ast.Block | Closure",
        span: Span,
    ) -> Specialised:
        builder = Builder()
        values = tuple([builder.add_input(value.type) for value in inputs])
        self.call_depth += 1
        with self.report.inside(name, span):
            inside = {value: builder.add_input(value.type, value.name) for value in carried}
            function = self._body(name, builder, values, prepare(inside), origin)
            if not isinstance(function, Unknown):
                self.warn_unused(builder, function.outputs)
                self.check_neighbours(builder)
                self.check_segments(builder, top=False)
        self.call_depth -= 1
        if isinstance(function, Unknown):
            return Specialised(UNKNOWN, ())
        unused = builder.unused(inside.values(), function.outputs)
        if unused:
            function.inputs = tuple(value for value in function.inputs if value not in unused)
        kept = tuple(index for index, value in enumerate(carried) if inside[value] not in unused)
        return Specialised(function, kept)

    def check_segments(self, builder: Builder, top: bool) -> None:
        """Refuse parts of a block, or of a model (`top`), whose names PyTorch cannot hold."""
        for name, span, reason in builder.misnamed(top):
            self.report.error(
                "E0701", reason, span, "this names a part", help=f"give it another label, for example `as {name}_`"
            )

    def warn_unused(self, builder: Builder, outputs: tuple[Value, ...]) -> None:
        """Warn about every step whose result is thrown away: mostly a misunderstanding of what moves the flow."""
        for node in builder.dead_ends(outputs):
            help = self._why_lost(node.span)
            if help is None:
                continue
            if not help:
                from archdsl.elaborate.advice import unused_result

                help = unused_result(node.span)
            self.report.error(
                "W0501",
                "the result of this step is not used",
                node.span,
                "nothing reads it",
                help=help,
                severity="warning",
            )

    def check_neighbours(self, builder: Builder) -> None:
        """Refuse tables too short for what is counted; warn about steps whose defaults do not suit the next."""
        nodes = [node for node, _ in walk(builder.regions[0]) if isinstance(node, Op)]
        for reader, need, count in of_indices(nodes):
            if at_least(need.dim, need.least) is False:
                message = f"`{reader.op.name}`: {need.reason}, and {count} are counted"
                self.report.error("E0408", message, reader.span, "too few for what flows in")
        makers: dict[Value, Op] = {}
        for node in nodes:
            if type(node.op).advice_before is not Operator.advice_before:
                makers[node.outputs[0]] = node
            for value in node.inputs if makers else ():
                if value in makers:
                    self._warn_before(makers[value], node.op)

    def _warn_before(self, node: Op, reader: Operator) -> None:
        remark, meant = node.op.advice_before(reader, node.outputs[0].type)
        if not remark:
            return
        from archdsl.elaborate.advice_arguments import not_written

        help, written = not_written(node.span, meant)
        if not written:
            self.report.error("W0401", f"`{node.op.name}`: {remark}", node.span, help=help, severity="warning")

    def _why_lost(self, span: Span) -> str | None:
        """What is known of the place where a result is lost: a help, nothing (""), or that it has been warned about."""
        for place, help in self.lost.values():
            if place.source is span.source and place.start <= span.start and span.end <= place.end:
                return help or None
        return ""

    def _body(
        self,
        name: str,
        builder: Builder,
        values: tuple[Value, ...],
        scope: Scope,
        origin: "ast.Block | Closure",
    ) -> Function | Unknown:
        arguments = {key: plain(bound.value) for key, bound in scope.names.items() if isinstance(bound, Static)}
        self.evaluator.enter(scope, builder.inputs[: len(values)], origin)
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
            declared = [p for p in origin.parameters if p.name.id in function.arguments]
            function.declared = len(declared)
            function.flags = frozenset([p.name.id for p in declared if p.is_flag])
            function.defaults = {p.name.id: p.default.value for p in declared if isinstance(p.default, _LITERALS)}
        return function

    def _check_result(self, name: str, signature: ast.Signature, outputs: tuple[Value, ...], scope: Scope) -> bool:
        if len(outputs) != len(signature.outputs):
            self.report.error(
                "E0504",
                f"`{name}` promises {_tensors(len(signature.outputs))}, its body gives {len(outputs)}",
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
                    help=_bind_help(found),
                )
            elif found is not None:
                fine = False
        return fine

    def bind_signature(
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
                f"`{definition.name}` takes {_tensors(wanted)}, {len(inputs)} flow{'s' * (len(inputs) == 1)} here",
                span,
                f"{len(inputs)} given",
                related=(Label(signature.span, "the signature"),),
                help="gather them with `[a, b] ->`"
                if wanted > len(inputs)
                else "merge them first: `-> concat`, `-> add`",
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
                    f"{what} takes {declared.shape.span.text}, not {shape_text(value.type.dims)}",
                    span,
                    f"{value.type} flows in",
                    related=(Label(found.span, found.reason),),
                    help=_bind_help(found),
                )
            elif found is not None:
                fine = False
        return fine


def _tensors(count: int) -> str:
    return f"{count} tensor{'s' * (count != 1)}"


def _bind_help(found: Mismatch) -> str:
    return f"bind the symbol: --dim {min(found.undecided)}=..." if found.undecided else ""


def plain(value: Any) -> object:
    """A static argument as other floors see it: blocks by name."""
    if isinstance(value, (*BLOCKS, SharedInstance)):
        return value.name
    if isinstance(value, Tensor):
        return "tensor"
    if is_list(value) and not all(isinstance(item, (int, float, str)) for item in value):
        return tuple(plain(item) for item in value)
    return value
