"""Records to protos. Fields are set directly: ONNX's own helpers cost several times as much per node."""

from typing import Any

from archdsl.backends.onnx.graph_records import Attribute, ConstantTensor, Record, Val
from archdsl.backends.onnx.node_emitter import ELEMENT_TYPES
from archdsl.types.tensor import TensorType

_FLOAT, _INT, _STRING, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 6, 7, 8
"""`AttributeProto.AttributeType`."""
_TENSOR = 4


class Protos:
    """Writes protos for one model; `onnx` is the package, `dtype` what the model computes in."""

    def __init__(self, onnx: Any, dtype: str) -> None:
        self._onnx = onnx
        self._dtype = dtype
        self._types: dict[TensorType, Any] = {}

    def element_type(self, dtype: str) -> int:
        return ELEMENT_TYPES[self._dtype if dtype == "f32" else dtype]

    def type(self, type: TensorType) -> Any:
        """`TypeProto` with each symbolic dimension named by its expression; one per distinct type."""
        found = self._types.get(type)
        if found is None:
            found = self._types[type] = self._onnx.TypeProto()
            found.tensor_type.elem_type = self.element_type(type.dtype)
            found.tensor_type.shape.SetInParent()
            for dim in type.dims:
                if isinstance(dim, int):
                    found.tensor_type.shape.dim.add().dim_value = dim
                else:
                    found.tensor_type.shape.dim.add().dim_param = str(dim)
        return found

    def value_info(self, into: Any, value: Val) -> None:
        entry = into.add()
        entry.name = value.name
        entry.type.CopyFrom(self.type(value.type))

    def node(self, into: Any, record: Record) -> None:
        node = into.add()
        node.op_type = record.op_type
        node.name = record.name
        if record.domain:
            node.domain = record.domain
        node.input.extend([value.name if value is not None else "" for value in record.inputs])
        node.output.extend([value.name for value in record.outputs])
        for name, value in record.attributes.items():
            _attribute(node.attribute.add(), name, value)

    def tensor(self, constant: ConstantTensor, named: bool = True) -> Any:
        tensor = self._onnx.TensorProto()
        if named:
            tensor.name = constant.value.name
        tensor.dims.extend(constant.shape)
        tensor.data_type = ELEMENT_TYPES[constant.dtype]
        tensor.raw_data = constant.data
        return tensor

    def constant_node(self, into: Any, constant: ConstantTensor) -> None:
        """A `ConstantTensor` node, for functions, which have no initializers."""
        node = into.add()
        node.op_type = "Constant"
        node.name = constant.value.name
        node.output.append(constant.value.name)
        attribute = node.attribute.add()
        attribute.name = "value"
        attribute.type = _TENSOR
        attribute.t.CopyFrom(self.tensor(constant, named=False))


def _attribute(into: Any, name: str, value: Attribute) -> None:
    into.name = name
    if isinstance(value, int):
        into.type = _INT
        into.i = value
    elif isinstance(value, float):
        into.type = _FLOAT
        into.f = value
    elif isinstance(value, str):
        into.type = _STRING
        into.s = value.encode()
    elif any(isinstance(item, float) for item in value):
        into.type = _FLOATS
        into.floats.extend(value)
    elif any(isinstance(item, str) for item in value):
        into.type = _STRINGS
        into.strings.extend(str(item).encode() for item in value)
    else:
        into.type = _INTS
        into.ints.extend(value)
