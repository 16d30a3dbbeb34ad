"""The same values as another element type, or without a gradient."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Operator, Work, arg
from archdsl.ops import reaches
from archdsl.types.tensor import DTYPE_BYTES, TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

TORCH_TYPES = {
    "f16": "torch.float16",
    "bf16": "torch.bfloat16",
    "f32": "torch.float32",
    "f64": "torch.float64",
    "i32": "torch.int32",
    "i64": "torch.int64",
    "u8": "torch.uint8",
    "bool": "torch.bool",
}

ONNX_TYPES = {"f32": 1, "u8": 2, "i32": 6, "i64": 7, "bool": 9, "f16": 10, "f64": 11, "bf16": 16}
"""`TensorProto.DataType` of each dtype."""


class Cast(Operator):
    """Numbers become ints towards zero, and true where they are not 0; a number that the new type cannot hold gives
    what the engine gives."""

    name = "cast"
    summary = "The same values as another element type"
    examples = (
        Example('cast("f32")', ("i64[N, T]",), "f32[N, T]", high=9, reach="[a, b]"),
        Example('cast("i64")', ("f32[2, 30]",), "i64[2, 30]", reach="[a, b]"),
        Example('cast("bool")', ("i32[2, 5]",), "bool[2, 5]", reach="[a, b]"),
        Example('cast("f64")', ("f32[2, 3]",), "f64[2, 3]", reach="[a, b]"),
        Example('cast("f16")', ("i64[2, 3]",), "f16[2, 3]", high=9, reach="[a, b]"),
    )

    dtype: str = arg("string", "the element type", choices=tuple(DTYPE_BYTES))

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(inputs[0].dims, self.dtype),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: it moves data."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.method(inputs[0], "to", t.name(TORCH_TYPES[self.dtype]))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """PyTorch gives the input itself where it has the type already."""
        (x,) = inputs
        return x if x.type.dtype == self.dtype else tape.new(self.infer(x.type)[0], x, like=x)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Cast", inputs[0], to=ONNX_TYPES[self.dtype])


class Detach(Operator):
    """The value as it is; in training, what is above learns nothing through it (`stop_gradient` elsewhere)."""

    name = "detach"
    summary = "The input, through which no gradient flows"
    view = True
    examples = (Example("detach", ("f32[N, 3]",), "f32[N, 3]", reach="[a, b]"),)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return inputs

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.method(inputs[0], "detach")

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.pointwise(inputs, outputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """The same memory, without a gradient."""
        return tape.detach(inputs[0])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return inputs[0]


OPERATORS = (Cast, Detach)
