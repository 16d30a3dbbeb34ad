"""Element-wise merges of branches, and `id`.

Inputs have equal ranks; an axis of size 1 stretches to the others' length, and a tensor without axes
(`constant(0.5)`) goes with any shape. Inputs are taken from left to right: `sub` of a, b, c is (a - b) - c.
"""

from functools import reduce
from typing import TYPE_CHECKING, ClassVar

from archdsl.internal import InternalError
from archdsl.ir.operator import FREE, Example, Operator, Work, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import (
        OnnxEmitter,
        OnnxValue,
        Tape,
        TorchEmitter,
        TorchExpr,
        TorchInput,
        TorchResult,
        Traced,
    )
    from archdsl.ir.reach import Relation


class Identity(Operator):
    """The current value, or tuple of values, as it is."""

    name = "id"
    summary = "The input itself"
    arity = None
    view = True
    examples = (Example("id", ("f32[N, 3]",), "f32[N, 3]", reach="[a, b]"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchResult":
        return inputs[0] if len(inputs) == 1 else inputs

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Each result reads its own input."""
        nothing: tuple[None, ...] = (None,)
        rows = [reaches.pointwise((x,), (x,))[0] for x in inputs]
        return tuple(nothing * place + row + nothing * (len(rows) - place - 1) for place, row in enumerate(rows))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced | tuple[Traced, ...]":
        return inputs[0] if len(inputs) == 1 else inputs

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue | tuple[OnnxValue, ...]":
        return inputs[0] if len(inputs) == 1 else inputs


class Merge(Operator):
    """Base of merges that fold a binary function over their inputs."""

    arity = None
    onnx_type: ClassVar[str]

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_one_dtype(inputs)
        rules.require_numbers(*inputs)
        return (TensorType(rules.broadcast(inputs), inputs[0].dtype),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """One per output element and merge: (inputs - 1) x output elements."""
        return {"elementwise": (len(inputs) - 1) * outputs[0].elements}

    def pair(self, t: "TorchEmitter", left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
        """The binary function in PyTorch."""
        raise NotImplementedError

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Sums and differences keep nothing."""
        return traces.fold(tape, inputs, traces.add)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchResult":
        def fold(left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
            return self.pair(t, left, right)

        return reduce(fold, inputs[1:], inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        def fold(left: "OnnxValue", right: "OnnxValue") -> "OnnxValue":
            return o.node(self.onnx_type, left, right)

        return reduce(fold, inputs[1:], inputs[0])


class Add(Merge):
    name = "add"
    summary = "Sum of the branches"
    onnx_type = "Add"
    examples = (
        Example(
            "add", ("f32[2, 3, 4]", "f32[2, 3, 4]"), "f32[2, 3, 4]", work="24 elementwise", reach="[a, b, c], [a, b, c]"
        ),
        Example(
            "add",
            ("f32[N, 3, H]", "f32[1, 3, 1]", "f32[N, 1, H]"),
            "f32[N, 3, H]",
            work="6*H*N elementwise",
            reach="[a, b, c], [*, b, *], [a, *, c]",
        ),
        Example("add", ("i64[2, 3]", "i64[2, 3]"), "i64[2, 3]", high=9, work="6 elementwise", reach="[a, b], [a, b]"),
    )

    def pair(self, t: "TorchEmitter", left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
        return t.infix("+", left, right)


class Sub(Merge):
    name = "sub"
    summary = "The first branch minus the others"
    onnx_type = "Sub"
    examples = (
        Example(
            "sub", ("f32[2, 3, 4]", "f32[2, 1, 4]"), "f32[2, 3, 4]", work="24 elementwise", reach="[a, b, c], [a, *, c]"
        ),
        Example("sub", ("f32[]", "f32[N, 3]"), "f32[N, 3]", work="3*N elementwise", reach="[], [a, b]"),
    )

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        _require_two(inputs)
        return super().infer(*inputs)

    def pair(self, t: "TorchEmitter", left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
        return t.infix("-", left, right)


class Mul(Merge):
    name = "mul"
    summary = "Product of the branches"
    onnx_type = "Mul"
    examples = (
        Example(
            "mul",
            ("f32[N, 3, H, W]", "f32[N, 3, 1, 1]"),
            "f32[N, 3, H, W]",
            work="3*H*N*W elementwise",
            reach="[a, b, c, d], [a, b, *, *]",
        ),
        Example(
            "mul",
            ("f32[2, 3]", "f32[2, 3]", "f32[2, 3]"),
            "f32[2, 3]",
            work="12 elementwise",
            reach="[a, b], [a, b], [a, b]",
        ),
    )

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return traces.fold(tape, inputs, traces.mul)

    def pair(self, t: "TorchEmitter", left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
        return t.infix("*", left, right)


class Div(Merge):
    name = "div"
    summary = "The first branch divided by the others"
    onnx_type = "Div"
    examples = (
        Example(
            "div", ("f32[2, 3, 4]", "f32[2, 3, 4]"), "f32[2, 3, 4]", work="24 elementwise", reach="[a, b, c], [a, b, c]"
        ),
    )

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        _require_two(inputs)
        rules.require_f32(*inputs)
        return super().infer(*inputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return traces.fold(tape, inputs, traces.div)

    def pair(self, t: "TorchEmitter", left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
        return t.infix("/", left, right)


class Extreme(Merge):
    """Base of `max` and `min`. Numbers are compared last, as bounds (`x.clamp(max=20.0)`)."""

    bound: ClassVar[str]
    """The name that `clamp` has for the number."""

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Of a tensor and a tensor both, of a tensor and a number the tensor."""
        return traces.fold(tape, sorted(inputs, key=lambda each: each.number), traces.compare)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchResult":
        return super().torch(t, *sorted(inputs, key=lambda each: each.number is not None))

    def pair(self, t: "TorchEmitter", left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
        if right.number is not None:
            return t.method(left, "clamp", **{self.bound: right.number})
        return t.call(f"torch.{self.name}imum", left, right)


class Max(Extreme):
    name = "max"
    summary = "Largest of the branches, element by element"
    onnx_type = "Max"
    bound = "min"
    examples = (
        Example(
            "max",
            ("f32[2, 3, 4]", "f32[2, 3, 4]", "f32[2, 3, 4]"),
            "f32[2, 3, 4]",
            work="48 elementwise",
            reach="[a, b, c], [a, b, c], [a, b, c]",
        ),
        Example("max", ("f32[N, 1]", "f32[N, 3]"), "f32[N, 3]", work="3*N elementwise", reach="[a, *], [a, b]"),
        Example("max", ("f32[N, 3]", "f32[]"), "f32[N, 3]", work="3*N elementwise", reach="[a, b], []"),
    )


class Min(Extreme):
    name = "min"
    summary = "Smallest of the branches, element by element"
    onnx_type = "Min"
    bound = "max"
    examples = (
        Example(
            "min", ("f32[2, 3, 4]", "f32[2, 3, 4]"), "f32[2, 3, 4]", work="24 elementwise", reach="[a, b, c], [a, b, c]"
        ),
    )


class Mean(Merge):
    name = "mean"
    summary = "Mean of the branches, element by element"
    onnx_type = "Add"
    examples = (
        Example(
            "mean",
            ("f32[2, 3, 4]", "f32[2, 3, 4]", "f32[2, 1, 4]"),
            "f32[2, 3, 4]",
            work="72 elementwise",
            reach="[a, b, c], [a, b, c], [a, *, c]",
        ),
        Example("mean", ("f32[N, 3]",), "f32[N, 3]", reach="[a, b]"),
    )

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        return super().infer(*inputs)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Inputs - 1 additions and one division per output element; nothing for a single input."""
        return {"elementwise": len(inputs) * outputs[0].elements} if len(inputs) > 1 else FREE

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A division by a number keeps nothing either."""
        return traces.fold(tape, inputs, traces.add)

    def pair(self, t: "TorchEmitter", left: "TorchExpr", right: "TorchInput") -> "TorchExpr":
        return t.infix("+", left, right)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchResult":
        if len(inputs) == 1:
            return inputs[0]
        total = super().torch(t, *inputs)
        if isinstance(total, tuple):
            raise InternalError("a sum has several results")
        return t.infix("/", total, len(inputs))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        if len(inputs) == 1:
            return inputs[0]
        return o.node("Div", super().onnx(o, *inputs), o.constant(float(len(inputs))))


def _require_two(inputs: tuple[TensorType, ...]) -> None:
    if len(inputs) < 2:
        reject("one input is not enough", expected="two or more", found="1", code="E0413")


OPERATORS = (Identity, Add, Sub, Mul, Div, Max, Min, Mean)
