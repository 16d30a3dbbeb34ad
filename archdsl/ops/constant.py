"""Tensors whose numbers are written in the spec."""

from typing import TYPE_CHECKING, cast

from archdsl.ir.operator import FREE, LARGEST_F32, Example, Operator, Work, arg, reject
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchArg, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

CONSTANT = '''
class Constant(nn.Module):
    """A fixed tensor: it moves with the network between devices, and is no state."""

    def __init__(self, value):
        super().__init__()
        self.register_buffer("value", torch.tensor(value), persistent=False)

    def forward(self):
        return self.value
'''

Numbers = float | tuple["Numbers", ...]


class Constant(Operator):
    """A number is a tensor without axes, and that goes with any shape in an element-wise merge:
    `mul { id | constant(0.5) }` halves whatever flows. A list is a tensor with axes, which merges as every tensor
    does. It is part of the network, not state: it has no path, and nothing trains it."""

    name = "constant"
    summary = "A number, or a tensor of numbers, written in the spec"
    arity = 0
    view = True  # of numbers that are there already: nothing is written
    examples = (
        Example("constant(0.5)", (), "f32[]"),
        Example("constant([[1, -2.5, 3e-2]])", (), "f32[1, 3]"),
        Example('constant([2, 0], dtype = "i64")', (), "i64[2]"),
    )

    value: Numbers = arg("list", "a number, or a list of numbers, or a list of such lists that are equally long")
    dtype: str = arg("string", "element type", default="f32", choices=("f32", "i64"))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        shape: list[int] = []
        level: list[Numbers] = [self.value]
        while any(isinstance(item, tuple) for item in level):
            rows = [item for item in level if isinstance(item, tuple)]
            if len(rows) < len(level) or len({len(row) for row in rows}) > 1 or not rows[0]:
                reject(
                    "the lists are not equally long, or one is empty",
                    at="value",
                    expected="lists of one length on each level",
                    code="E0411",
                )
            shape.append(len(rows[0]))
            level = [item for row in rows for item in row]
        for item in cast("list[float]", level):
            if self.dtype != "f32" and item % 1:
                reject(
                    f"{item} is not a whole number, which {self.dtype} asks for",
                    at="value",
                    help="leave `dtype` out for f32",
                    code="E0412",
                )
            largest = LARGEST_F32 if self.dtype == "f32" else 2**63 - 1
            if not abs(item) <= largest:
                reject(
                    f"the number is too large for {self.dtype}",
                    at="value",
                    expected=f"at most {largest:.7g}",
                    code="E0401",
                )
        return (TensorType(tuple(shape), self.dtype),)

    def _flat(self) -> list[float]:
        """The numbers in order, in the type they are kept in."""
        level: list[Numbers] = [self.value]
        while isinstance(level[0], tuple):
            level = [item for row in cast("list[tuple[Numbers, ...]]", level) for item in row]
        kept = float if self.dtype == "f32" else int
        return [kept(item) for item in cast("list[float]", level)]

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        """A number stays on the CPU: in element-wise functions PyTorch lets it meet tensors of every device, and
        arithmetic and bounds take it as it is written. For anything else on a GPU a list is needed,
        `constant([0.5])`, which is a buffer and moves along."""
        kept = float if self.dtype == "f32" else int
        if not isinstance(self.value, tuple):
            return t.number(kept(self.value))
        return t.module(t.helper(CONSTANT), _lists(self.value, kept))()

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return ((),)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return tape.constant(self.infer()[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (type,) = self.infer()
        return o.constant(self._flat(), self.dtype, shape=[dim for dim in type.dims if isinstance(dim, int)])


def _lists(value: Numbers, kept: type[int] | type[float]) -> "TorchArg":
    """Nested lists, as `torch.tensor` is told them."""
    return [_lists(item, kept) for item in value] if isinstance(value, tuple) else kept(value)


OPERATORS = (Constant,)
