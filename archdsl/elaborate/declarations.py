"""Statements that declare and check: `default`, `input`, `output`, `expect`, `require`."""

from typing import Any

from archdsl.diagnostics.model import Edit
from archdsl.elaborate.binding import Binder
from archdsl.elaborate.builtins import BUILTINS
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.frame import Frame
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.lifting import Lifting
from archdsl.elaborate.patterns import match
from archdsl.elaborate.report import Reporter
from archdsl.elaborate.values import (
    UNKNOWN,
    BlockDef,
    Flow,
    OperatorRef,
    Scope,
    Static,
    Tensor,
    Unknown,
    a_type,
    show,
)
from archdsl.ir.operator import WeightRef
from archdsl.ir.program import Node, Output, Value
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Expr, bounds, symbol
from archdsl.types.tensor import DTYPE_BYTES, TensorType, shape_text

MAX_AXES = 32
"""No framework takes more; ONNX Runtime and PyTorch stop well before."""


class Declarations:
    """Declaring statements of a body. `Elaborator` brings them together with flows and calls."""

    report: Reporter
    evaluator: Evaluator
    binder: Binder
    lifting: Lifting

    def callable_named(self, name: ast.Name, scope: Scope) -> Any:
        """The block, operator, body or shared instance a name stands for."""
        raise NotImplementedError

    def run_flow(self, flow: ast.Flow, frame: Frame) -> tuple[Flow, Node | None]:
        """Run `a -> b -> c` from the frame's current value without moving it."""
        raise NotImplementedError

    def default(self, statement: ast.Default, frame: Frame) -> None:
        """`default conv(!bias)`: from here to the end of the enclosing braces or file."""
        scope = frame.scope
        for call in statement.calls:
            callee = self.callable_named(call.callee, scope)
            if isinstance(callee, Unknown):
                continue
            if not isinstance(callee, (OperatorRef, BlockDef)):
                self.report.error(
                    "E0310",
                    f"`{call.callee.id}` is {a_type(callee)}: only operators and blocks have defaults",
                    call.span,
                )
                continue
            interface = self.binder.interface(callee)
            given = self.binder.pair(callee.name, interface, call.arguments, scope)
            if given is None:
                continue
            for name, item in given.items():
                if isinstance(item.value, WeightRef) or self.lifting.summary(item.value).tensors:
                    self.report.error(
                        "E0304", f"the default of `{name}` cannot be {a_type(item.value)}", item.span, "not a constant"
                    )
            for spec in interface.specs:
                if spec.name in given:
                    self.binder.convert(callee.name, spec, given[spec.name])
            merged = {
                **scope.defaults.get(callee.key, {}),
                **{name: item.value for name, item in given.items()},
            }
            scope.defaults = {**scope.defaults, callee.key: merged}

    def check_size(self, type: TensorType, span: Span) -> None:
        """Refuse tensors that no machine has: they come from expansion bombs."""
        if len(type.dims) > MAX_AXES:
            raise self.report.limit(
                "E0908", f"this tensor has {len(type.dims)} axes, at most {MAX_AXES} are possible", span, ""
            )
        elements = 1
        for dim in type.dims:
            if isinstance(dim, int):
                elements *= dim
            else:
                self.evaluator.checked(dim, span)
        if elements.bit_length() > self.report.limits.integer_bits:
            raise self.report.limit(
                "E0908",
                f"this tensor has 2**{elements.bit_length() - 1} elements or more",
                span,
                "integer_bits",
                "its shape is too large",
            )

    def input(self, statement: ast.Input, frame: Frame) -> None:
        if frame.dims is None:
            self.report.error(
                "E0507",
                "`input` belongs in a model, not in a block",
                statement.span,
                help="a block's inputs are what flows in; name them in its signature: `block f() x: [N, c] { ... }`",
            )
            return
        if frame.builder.repeats:
            self.report.error("E0507", "`input` cannot stand inside a repeat", statement.span)
            return
        name = statement.name.id
        if any(value.name == name for value in frame.builder.inputs):
            self.report.error("E0510", f"there are two inputs named `{name}`", statement.name.span, "declared again")
            return
        dtype = statement.dtype.id
        if dtype not in DTYPE_BYTES:
            from archdsl.elaborate.advice import foreign_dtype

            help, edits = foreign_dtype(self.report, statement.dtype.span, dtype, DTYPE_BYTES)
            self.report.error(
                "E0304",
                f"`{dtype}` is not a dtype",
                statement.dtype.span,
                f"one of {', '.join(DTYPE_BYTES)}",
                help=help,
                edits=edits,
            )
            dtype = "f32"
        dims: list[Any] = []
        dims.extend([self._input_dim(item, frame) for item in statement.shape.dims])
        if any(isinstance(dim, Unknown) for dim in dims):
            frame.flow = UNKNOWN
            frame.scope.names[name] = Tensor(UNKNOWN)
            return
        type = TensorType(tuple(dims), dtype)
        self.check_size(type, statement.shape.span)
        value = frame.builder.add_input(type, name)
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
        # Keras and ONNX write an open size as None, which would be a symbol of that name.
        is_none = isinstance(item, ast.Name) and item.id == "None" and frame.scope.lookup("None") is None
        for name in () if is_none else free_names(item):
            if frame.scope.lookup(name) is None and name not in BUILTINS:
                frame.builder.symbols.add(name)
                frame.scope.names[name] = Static(frame.dims.get(name, symbol(name)))
        value = None if is_none else self.evaluator.evaluate(item, frame.scope)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Expr):
            lowest = bounds(value)[0]
            if lowest is None or lowest < 1:
                return self.report.error(
                    "E0304",
                    f"the dimension {value} is not positive for every value of its symbols",
                    item.span,
                    help="a symbol stands for any int from 1 on",
                )
            return value
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            first = item.span.source.text[: item.span.start].rstrip().endswith("[")
            is_open = value is None or value == -1
            batch = is_open and first and "N" not in frame.builder.symbols
            return self.report.error(
                "E0304",
                "a dimension must be a positive int",
                item.span,
                f"this is {show(value)}",
                help="a size that is open until the network runs has a name: `N`" if is_open else "",
                edits=(Edit(item.span, "N"),) if batch else (),
            )
        return value

    def output(self, statement: ast.Output, frame: Frame) -> None:
        name = statement.name.id
        if frame.dims is None or frame.builder.repeats:
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

    def expect(self, statement: ast.Expect, frame: Frame) -> None:
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
                "E0311" if found.undecided else "E0503",
                f"expected shape {pattern.span.text}, found {shape_text(value.type.dims)}",
                found.span,
                found.reason,
            )

    def require(self, statement: ast.Require, frame: Frame) -> bool:
        """Whether the requirement does not hold, after reporting it."""
        if isinstance(statement.condition, ast.TupleExpr):
            span = statement.condition.span
            inside = span.text[1:-1].strip()
            mends = len(inside) < 100 and inside.isprintable() and statement.message is None
            space = "" if span.source.text[span.start - 1].isspace() else " "
            edits = (Edit(span, space + inside),) if mends else ()
            help = f"write `require {inside}`" if mends else "write `require condition, message`"
            message = "a condition does not stand in parentheses with its message"
            self.report.error("E0310", message, span, help=help, edits=edits)
            return False
        holds = self.evaluator.condition(statement.condition, frame.scope)
        if holds is not False:
            return False
        text = "this requirement does not hold"
        if statement.message is not None:
            message = self.evaluator.string(statement.message, frame.scope)
            text = text if isinstance(message, Unknown) else message
        self.report.error("E0315", text, statement.condition.span, "required here")
        return True
