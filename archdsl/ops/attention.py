"""Scaled dot-product attention."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import Example, Operator, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim, equal, exact_div
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Reach, Relation


ATTEND = '''
def attend(q, k, v, heads, is_causal=False):
    """Scaled dot-product attention, each head on its slice of the last axis."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    x = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal)
    return x.transpose(1, 2).flatten(2)
'''


class Attention(Operator):
    """softmax(q k' / sqrt(width of a head)) v, each head on its slice of the last axis. Owns no weights:
    project with `linear` before and after."""

    name = "attention"
    summary = "Scaled dot-product attention of queries, keys and values, with heads"
    source = "Vaswani et al., 2017"
    arity = 3
    examples = (
        Example(
            "attention",
            ("f32[N, T, 4]", "f32[N, T, 4]", "f32[N, T, 4]"),
            "f32[N, T, 4]",
            work="8*N*T**2 matmul, N*T**2 elementwise, 5*N*T**2 softmax",
            reach="[a, b, *], [a, *, *], [a, *, *]",
        ),
        Example(
            "attention(2)",
            ("f32[2, 3, 4]", "f32[2, 5, 4]", "f32[2, 5, 6]"),
            "f32[2, 3, 6]",
            work="300 matmul, 60 elementwise, 300 softmax",
            reach="[a, b, *], [a, *, *], [a, *, *]",
        ),
        Example(
            "attention(2, causal)",
            ("f32[N, T, 4]", "f32[N, T, 4]", "f32[N, T, 4]"),
            "f32[N, T, 4]",
            work="8*N*T**2 matmul, 2*N*T**2 elementwise, 10*N*T**2 softmax",
            reach="[a, b, *], [a, *, *], [a, *, *]",
        ),
        Example(
            "attention(causal)",
            ("f32[2, 5, 4]", "f32[2, 5, 4]", "f32[2, 5, 2]"),
            "f32[2, 5, 2]",
            work="300 matmul, 50 elementwise, 250 softmax",
            reach="[a, b, *], [a, *, *], [a, *, *]",
        ),
    )

    heads: int = arg("int", "independent heads; divides the widths", default=1, minimum=1)
    causal: bool = arg("bool", "position t sees positions up to t only", default=False)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        for x in inputs:
            rules.require_rank(x, 3, 3, "queries [N, T, d], keys [N, S, d] and values [N, S, e]")
        query, key, value = inputs
        rules.require_equal(query.dims[0], key.dims[0], "the batch sizes", inputs)
        rules.require_equal(query.dims[0], value.dims[0], "the batch sizes", inputs)
        rules.require_equal(key.dims[1], value.dims[1], "the lengths of keys and values", inputs)
        rules.require_equal(query.dims[2], key.dims[2], "the widths of queries and keys", inputs)
        for x in (query, value):
            rules.divides(self.heads, rules.known(x, 2, "features"), "heads", "features", "heads")
        if self.causal and equal(query.dims[1], key.dims[1]) is not True:
            reject(
                f"causal attention needs as many keys as queries, but has {query.dims[1]} and {key.dims[1]}",
                at="causal",
                expected=f"{query.dims[1]} keys",
                found=str(key),
                code="E0402",
            )
        return (query.replace_axis(2, value.dims[2]),)

    def _scores(self, inputs: tuple[TensorType, ...]) -> Dim:
        """Number of query-key pairs over all heads."""
        query, key = inputs[0], inputs[1]
        return query.dims[0] * query.dims[1] * key.dims[1] * self.heads

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """MACs of both products over all T x S pairs; a causal mask does not halve them, as kernels differ
        in what they skip. Softmax: 5 per pair and head. Scaling: 1 per pair and head."""
        query, _, value = inputs
        pairs = self._scores(inputs)
        widths = rules.number(query, 2) + rules.number(value, 2)
        return {
            "matmul": query.dims[0] * query.dims[1] * value.dims[1] * widths,
            "softmax": 5 * pairs,
            "elementwise": pairs,
        }

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        causal = t.option(self.causal, False)
        if self.heads == 1:
            return t.call("F.scaled_dot_product_attention", *inputs, is_causal=causal)
        return t.call(t.helper(ATTEND), *inputs, self.heads, is_causal=causal)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """A query's own position and every key and value. A causal mask only takes later ones away."""
        whole: Reach = {0: reaches.AxisReach(0)}
        return (({0: reaches.AxisReach(0), 1: reaches.AxisReach(1)}, whole, whole),)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """With heads of equal widths PyTorch runs one kernel, which keeps queries, keys, values, the result and a
        number per head and query; otherwise it writes the formula out, and keeps the scaled queries and keys, the
        scores after the softmax, and the values."""
        query, key, value = inputs
        types = tuple(x.type for x in inputs)
        (type,) = self.infer(*types)
        batch, length = query.type.dims[:2]
        if self.heads > 1 and query.type.dims[2] == value.type.dims[2]:
            macs = self.work(types, (type,))["matmul"]
            half = exact_div(macs, 2)
            assert half is not None
            tape.product(half, query, key)
            y = tape.new(type, *inputs)
            tape.product(half, tape.new(TensorType(()), query, key), value)
            if y.needs_grad:
                tape.keep(*inputs, y, tape.new(TensorType((batch, self.heads, length))))
            return y
        q, k, v = (self._heads(tape, x) for x in inputs)
        q, k = traces.scaled(tape, q), tape.permute(traces.scaled(tape, k), _swapped(k.type.rank))
        scores = traces.of_result(tape, traces.matmul(tape, q, k))
        y = traces.matmul(tape, scores, v)
        return y if self.heads == 1 else tape.reshape(tape.permute(y, (0, 2, 1, 3)), type.dims)

    def _heads(self, tape: "Tape", x: "Traced") -> "Traced":
        """[N, T, d] as [N, heads, T, d / heads]; one head has no axis of its own."""
        if self.heads == 1:
            return x
        batch, length, features = x.type.dims
        width = exact_div(features, self.heads)
        assert width is not None
        return tape.permute(tape.reshape(x, (batch, length, self.heads, width)), (0, 2, 1, 3))

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        query, key, value = inputs
        length = query.type.dims[1]
        width = rules.number(query.type, 2)
        heads = o.constant([0, 0, self.heads, -1], "i64")
        q = o.node("Transpose", o.node("Reshape", query, heads), perm=(0, 2, 1, 3))
        k = o.node("Transpose", o.node("Reshape", key, heads), perm=(0, 2, 3, 1))
        v = o.node("Transpose", o.node("Reshape", value, heads), perm=(0, 2, 1, 3))
        scores = o.node("MatMul", q, k)
        scores = o.node("Mul", scores, o.constant((width // self.heads) ** -0.5))
        if self.causal:
            scores = o.node("Add", scores, _mask(o, length))
        mixed = o.node("MatMul", o.node("Softmax", scores, axis=-1), v)
        mixed = o.node("Transpose", mixed, perm=(0, 2, 1, 3))
        features = rules.number(value.type, 2)
        return o.node("Reshape", mixed, o.constant([0, 0, features], "i64"))


def _swapped(rank: int) -> tuple[int, ...]:
    """The order of axes with the last two swapped."""
    return (*range(rank - 2), rank - 1, rank - 2)


def _mask(o: "OnnxEmitter", length: Dim) -> "OnnxValue":
    """[T, T], -inf where the key's position is after the query's, else 0. Made from positions, so that a long context
    costs no stored mask, and added, since onnxruntime makes it once for all layers and adds faster than it selects."""
    zero, one = o.constant(0, "i64"), o.constant(1, "i64")
    stop = o.constant(length, "i64") if isinstance(length, int) else o.node("Squeeze", o.shape([length]))
    positions = o.node("Range", zero, stop, one)
    later = o.node("Greater", positions, o.node("Unsqueeze", positions, o.constant([1], "i64")))
    return o.node("Where", later, o.constant(float("-inf")), o.constant(0.0))


OPERATORS = (Attention,)
