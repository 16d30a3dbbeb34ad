"""`shared` instances: one set of weights, several applications."""

from typing import Any

from archdsl.diagnostics.model import Label
from archdsl.elaborate.flow import SharedOutside
from archdsl.elaborate.frame import Frame
from archdsl.elaborate.functions import Functions
from archdsl.elaborate.values import UNKNOWN, Flow, SharedInstance, Unknown
from archdsl.ir.program import Call, Node, Op, Segment
from archdsl.source import Span
from archdsl.syntax import ast


class SharedInstances(Functions):
    """Applies shared instances."""

    def apply_callable(
        self, callee: Any, step: ast.Apply | ast.FanOutFor, flow: Flow, frame: Frame, span: Span
    ) -> tuple[Flow, Node | None]:
        """Apply a block or operator that is already looked up."""
        raise NotImplementedError

    def apply_shared(
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
        result, node = self.apply_callable(callee, shared.application, flow, inner, span)
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
            node.instance = shared.node  # pyright: ignore[reportAttributeAccessIssue]
        return result, node


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
