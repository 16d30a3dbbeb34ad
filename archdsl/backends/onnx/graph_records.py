"""Graph nodes before they become protos: plain records, so that passes and naming are cheap.

A `GraphBody` is one graph or one model-local function under construction. Records are kept in execution order;
names are given at the end, when it is known which nodes are left and which values leave the body.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from archdsl.backends.onnx.dim_sources import DimSources
from archdsl.records import field, record
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]


class Val:
    """A value of the graph. `type` is known for inputs, weights, constants and operators' results; the type
    of a value in the middle of a lowering is left to ONNX's own inference, and asking for it is a mistake in
    the operator."""

    __slots__ = ("known", "name", "record", "rounded")

    def __init__(self, record: "Record | None" = None, known: TensorType | None = None, name: str = "") -> None:
        self.record = record
        self.known = known
        self.name = name
        self.rounded = False
        """Whether it was cast to bf16 in the middle of a lowering."""

    @property
    def is_bf16(self) -> bool:
        return self.rounded if self.known is None else self.known.dtype == "bf16"

    @property
    def type(self) -> TensorType:
        if self.known is None:
            raise LookupError("an intermediate value has no type here: keep what is needed from the operator's inputs")
        return self.known


@record
class Record:
    """One node. `path` is the path of the operator application that it belongs to."""

    op_type: str
    inputs: list[Val | None]
    outputs: list[Val]
    attributes: Mapping[str, Attribute]
    path: str
    domain: str = ""
    name: str = ""


@record
class ConstantTensor:
    """A constant tensor: little-endian bytes of `dtype`."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes
    value: Val


@record
class GraphBody:
    """`weights` maps weight paths (relative to a function) to values, in order of first use; `sizes` holds
    the symbols that a function cannot read off its inputs and is given as extra inputs."""

    inputs: list[Val]
    sources: DimSources
    dtype: str
    records: list[Record] = field(default_factory=list[Record])
    constants: dict[tuple[str, tuple[int, ...], bytes], ConstantTensor] = field(
        default_factory=dict[tuple[str, tuple[int, ...], bytes], ConstantTensor]
    )
    weights: dict[str, Val] = field(default_factory=dict[str, Val])
    sizes: dict[str, Val] = field(default_factory=dict[str, Val])
    outputs: list[Val] = field(default_factory=list[Val])
    dims: dict[Dim, Val] = field(default_factory=dict[Dim, Val])
    shapes: dict[tuple[Dim, ...], Val] = field(default_factory=dict[tuple[Dim, ...], Val])

    @classmethod
    def of(cls, inputs: list[Val], dtype: str) -> "GraphBody":
        """An empty body with these inputs."""
        return cls(inputs, DimSources([value.type for value in inputs]), dtype)

    def add(
        self,
        op_type: str,
        inputs: Sequence[Val | None],
        attributes: Mapping[str, Attribute],
        path: str,
        outputs: int = 1,
        domain: str = "",
    ) -> list[Val]:
        """Append a node; its results."""
        given = list(inputs)
        while given and given[-1] is None:
            given.pop()
        step = Record(op_type, given, [], attributes, path, domain)
        step.outputs = [Val(step) for _ in range(outputs)]
        self.records.append(step)
        return step.outputs

    def weight(self, path: str) -> Val:
        value = self.weights.get(path)
        if value is None:
            value = self.weights[path] = Val()
        return value

    def constant(self, values: Sequence[int] | Sequence[float], dtype: str, shape: tuple[int, ...]) -> Val:
        """A constant; equal constants are one."""
        data = pack(values, dtype)
        key = (dtype, shape, data)
        constant = self.constants.get(key)
        if constant is None:
            value = Val(known=TensorType(shape, dtype))
            constant = self.constants[key] = ConstantTensor(dtype, shape, data, value)
        return constant.value

    def remove_unused(self) -> None:
        """Drop nodes, constants and weights that no output depends on."""
        alive = set(self.outputs)
        kept: list[Record] = []
        for step in reversed(self.records):
            if any(value in alive for value in step.outputs):
                kept.append(step)
                alive.update(value for value in step.inputs if value is not None)
        kept.reverse()
        self.records = kept
        self.constants = {key: c for key, c in self.constants.items() if c.value in alive}
        self.weights = {path: value for path, value in self.weights.items() if value in alive}
        self.sizes = {name: value for name, value in self.sizes.items() if value in alive}

    def name_all(self, reserved: Sequence[str]) -> None:
        """Name every node and every value that has no name: a node by its operator's path, with the node's
        type after it where the operator became several nodes; a value by its node. `reserved` names are taken
        by weights and inputs."""
        per_path: dict[str, int] = {}
        for step in self.records:
            per_path[step.path] = per_path.get(step.path, 0) + 1
        nodes: dict[str, int] = {}
        values: dict[str, int] = dict.fromkeys(reserved, 1)
        for number, constant in enumerate(self.constants.values()):
            constant.value.name = unique(f"constant.{number}", values)
        for step in self.records:
            name = step.path if per_path[step.path] == 1 else f"{step.path}/{step.op_type}"
            step.name = unique(name, nodes)
            single = len(step.outputs) == 1
            for position, value in enumerate(step.outputs):
                if not value.name:
                    value.name = unique(step.name if single else f"{step.name}:{position}", values)


def unique(name: str, taken: dict[str, int]) -> str:
    """`name`, or `name_2`, `name_3`, ... if it is taken; the result is taken from then on."""
    count = taken.get(name)
    if count is None:
        taken[name] = 1
        return name
    while True:
        count += 1
        candidate = f"{name}_{count}"
        if candidate not in taken:
            taken[name] = count
            taken[candidate] = 1
            return candidate


_LARGEST: Final = {"f16": 65504.0, "f32": 3.4028234663852886e38}
_FORMATS: Final = {"f16": "e", "f32": "f", "f64": "d", "i32": "i", "i64": "q", "u8": "B", "bool": "?"}


def pack(values: Sequence[int] | Sequence[float], dtype: str) -> bytes:
    """Little-endian bytes; a finite number beyond the dtype's range becomes the largest finite one."""
    largest = _LARGEST.get(dtype)
    if largest is not None:
        values = [v if abs(v) <= largest or v - v != 0 else (largest if v > 0 else -largest) for v in values]
    return struct.pack(f"<{len(values)}{_FORMATS[dtype]}", *values)
