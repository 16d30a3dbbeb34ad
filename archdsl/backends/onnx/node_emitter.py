"""The driver's side of `ir.lowering.OnnxEmitter`: turns what operators say into records of the current
body."""

from collections.abc import Mapping, Sequence
from typing import Final

from archdsl.backends.onnx.dim_sources import Step
from archdsl.backends.onnx.graph_records import Attribute, GraphBody, Val
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.internal import InternalError
from archdsl.ir.flatten import weight_path
from archdsl.ir.lowering import OnnxValue
from archdsl.ir.operator import Weight, WeightRef
from archdsl.ir.program import FlatOp, Op, Value
from archdsl.source import Span
from archdsl.types.dims import Dim, Expr
from archdsl.types.tensor import TensorType

ELEMENT_TYPES: Final = {"f32": 1, "u8": 2, "i32": 6, "i64": 7, "bool": 9, "f16": 10, "f64": 11, "bf16": 16}
"""`TensorProto.DataType` of each dtype."""

_FLOAT32_INPUTS: Final = {("Resize", 2)}
"""(node type, position) of inputs that ONNX wants as float32 whatever the model computes in."""


_NO_BF16: Final = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Expand", "Where"}
"""Node types without a kernel for bf16 in onnxruntime. They compute in f32, as PyTorch's kernels do, and their result
is rounded. For every other dtype that an operator of ours takes, onnxruntime has kernels."""


class NodeEmitter:
    """Implements `OnnxEmitter` for one body; `apply` lowers one operator application at a time.

    In a half-precision model every f32 tensor is f16: inputs, weights, constants, and the target of a `Cast`.
    In a function, a symbol that the inputs do not give becomes an extra input; in the graph it is a
    diagnostic (E0822).
    """

    def __init__(self, body: GraphBody, opset: int, is_function: bool) -> None:
        self.opset = opset
        self._body = body
        self._is_function = is_function
        self._values: dict[Value, Val] = {}
        self._owned: dict[Op, dict[str, Weight]] = {}
        self._op: FlatOp | None = None
        self._path = ""
        self._span: Span | None = None

    # ------------------------------------------------------------------------------------------- driving

    def bind(self, values: Sequence[Value], results: Sequence[Val]) -> None:
        self._values.update(zip(values, results, strict=True))

    def read(self, values: Sequence[Value]) -> list[Val]:
        return [self._values[value] for value in values]

    def at(self, span: Span) -> None:
        """The place in the source that the next diagnostic is about."""
        self._span = span

    def apply(self, flat: FlatOp) -> None:
        """Lower one application; its results are bound to the flat values and carry their types."""
        self._op = flat
        self._path = flat.path
        self._span = flat.node.span
        results = flat.op.onnx(self, *self.read(flat.inputs))
        several = results if isinstance(results, tuple) else (results,)
        for value, result in zip(flat.outputs, several, strict=True):
            if not isinstance(result, Val):
                raise InternalError(f"`{flat.op.name}` is lowered to {type(result).__name__}")
            if result.known is None:
                result.known = value.type
            self._values[value] = result

    # ------------------------------------------------------------------------------------ the vocabulary

    def node(self, op_type: str, *inputs: OnnxValue | None, **attributes: Attribute) -> Val:
        return self._add(op_type, inputs, attributes, 1)[0]

    def nodes(self, op_type: str, *inputs: OnnxValue | None, outputs: int, **attributes: Attribute) -> tuple[Val, ...]:
        return tuple(self._add(op_type, inputs, attributes, outputs))

    def weight(self, name: str) -> Val:
        flat = self._current()
        value = self._body.weight(weight_path(flat.owner_path, name))
        if value.known is None:
            weight = self._weights_of(flat)[name]
            value.known = TensorType(weight.shape, weight.dtype)
        return value

    def tied(self, ref: WeightRef) -> Val:
        flat = self._current()
        places = zip(flat.op.borrowed(), flat.borrowed, strict=True)
        paths = [path for own, path in places if own.owner is ref.owner and own.name == ref.name]
        if not paths:
            raise LookupError(f"{flat.op.name} uses {ref!r}, which its `borrowed` does not list")
        value = self._body.weight(paths[0])
        if value.known is None:
            value.known = TensorType(ref.shape)
        if not ref.transposed:
            return value
        return self.node("Transpose", value, perm=list(range(len(ref.shape)))[::-1])

    def constant(
        self,
        values: int | float | bool | Sequence[int] | Sequence[float],
        dtype: str = "f32",
        shape: Sequence[int] | None = None,
    ) -> Val:
        flat = [values] if isinstance(values, int | float) else list(values)
        if shape is None:
            shape = () if isinstance(values, int | float) else (len(flat),)
        return self._body.constant(flat, self._dtype(dtype), tuple(shape))

    def shape(self, dims: Sequence[Dim]) -> Val:
        known = [dim for dim in dims if isinstance(dim, int)]
        if len(known) == len(dims):
            return self.constant(known, "i64")
        key = tuple(dims)
        found = self._body.shapes.get(key)
        if found is None:
            pieces: list[Val] = []
            run: list[int] = []
            for dim in dims:
                if isinstance(dim, int):
                    run.append(dim)
                    continue
                if run:
                    pieces.append(self.constant(run, "i64"))
                    run = []
                pieces.append(self.dimension(dim))
            if run:
                pieces.append(self.constant(run, "i64"))
            path = f"shape [{', '.join(map(str, dims))}]"
            found = pieces[0] if len(pieces) == 1 else self._body.add("Concat", pieces, {"axis": 0}, path)[0]
            self._body.shapes[key] = found
        return found

    def dimension(self, dim: Dim) -> Val:
        """A dimension as an int64 vector of one element."""
        if isinstance(dim, int):
            return self.constant([dim], "i64")
        done = self._body.dims
        for part, step in self._body.sources.plan(dim, done):
            done[part] = self._compute(part, step)
        return done[dim]

    # ---------------------------------------------------------------------------------------- internals

    def _compute(self, dim: Expr, step: Step) -> Val:
        path = f"shape {dim}"
        body = self._body
        if step[0] == "missing":
            return self._missing(step[1])
        if step[0] == "floor":
            # Truncation is floor here: canonical numerators have no negative coefficients.
            inputs = [self.dimension(step[1]), self.constant([step[2]], "i64")]
            return body.add("Div", inputs, {}, path)[0]
        if step[0] == "sum":
            return self._sum(step[1], path)
        start = {"start": step[2], "end": step[2] + 1}
        value = body.add("Shape", [body.inputs[step[1]]], start, path)[0]
        if step[0] == "solve":
            offset, factor = step[3], step[4]
            if offset:
                value = body.add("Sub", [value, self.constant([offset], "i64")], {}, path)[0]
            if factor != 1:
                value = body.add("Div", [value, self.constant([factor], "i64")], {}, path)[0]
        return value

    def _sum(self, terms: tuple[tuple[tuple[Dim, ...], int], ...], path: str) -> Val:
        total: Val | None = None
        for atoms, factor in terms:
            product: Val | None = None if factor != 1 or not atoms else self.dimension(atoms[0])
            rest = atoms
            if product is None:
                product = self.constant([factor], "i64")
            else:
                rest = atoms[1:]
            for atom in rest:
                product = self._body.add("Mul", [product, self.dimension(atom)], {}, path)[0]
            total = product if total is None else self._body.add("Add", [total, product], {}, path)[0]
        assert total is not None
        return total

    def _missing(self, symbol: str) -> Val:
        if self._is_function:
            return self._body.sizes.setdefault(symbol, Val(known=TensorType((1,), "i64")))
        raise ArchError([_underivable(symbol, self._span)])

    def _add(
        self,
        op_type: str,
        inputs: Sequence[OnnxValue | None],
        attributes: Mapping[str, Attribute],
        outputs: int,
    ) -> list[Val]:
        given = [_own(value) for value in inputs]
        if self._body.dtype == "f16":
            for position, value in enumerate(given):
                if value is not None and (op_type, position) in _FLOAT32_INPUTS:
                    given[position] = self._body.add("Cast", [value], {"to": ELEMENT_TYPES["f32"]}, self._path)[0]
            if op_type == "Cast" and attributes.get("to") == ELEMENT_TYPES["f32"]:
                attributes = {**attributes, "to": ELEMENT_TYPES["f16"]}
        if op_type in _NO_BF16 and any(value is not None and value.is_bf16 for value in given):
            wide = [self._cast(value, "f32") if value and value.is_bf16 else value for value in given]
            results = self._body.add(op_type, wide, attributes, self._path, outputs)
            narrow = [self._cast(result, "bf16") for result in results]
            for value in narrow:
                value.rounded = True
            return narrow
        return self._body.add(op_type, given, attributes, self._path, outputs)

    def _cast(self, value: Val, dtype: str) -> Val:
        return self._body.add("Cast", [value], {"to": ELEMENT_TYPES[dtype]}, self._path)[0]

    def _dtype(self, dtype: str) -> str:
        return self._body.dtype if dtype == "f32" else dtype

    def _current(self) -> FlatOp:
        assert self._op is not None
        return self._op

    def _weights_of(self, flat: FlatOp) -> dict[str, Weight]:
        """The weights of the operator itself, by name; a shared instance's are the same by construction."""
        owned = self._owned.get(flat.node)
        if owned is None:
            types = [value.type for value in flat.inputs]
            owned = self._owned[flat.node] = {weight.name: weight for weight in flat.op.weights(*types)}
        return owned


def _own(value: OnnxValue | None) -> Val | None:
    """Every value an operator holds was made by this driver."""
    if value is not None and not isinstance(value, Val):
        raise InternalError(f"{type(value).__name__} is no value of this graph")
    return value


def _underivable(symbol: str, span: Span | None) -> Diagnostic:
    return Diagnostic(
        code="E0822",
        message=f"the dimension `{symbol}` cannot be computed from the shapes of the inputs",
        span=span,
        label="needed here at run time",
        help=f"give `{symbol}` an axis of its own in an input, or fix it: `--dim {symbol}=...`",
    )
