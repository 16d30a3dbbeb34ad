"""Products with learned matrices (`linear`, `embedding`) and of two tensors (`matmul`)."""

from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Init, Need, Operator, Weight, WeightRef, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType, shape_text

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

TIED_LINEAR = '''
class TiedLinear(nn.Module):
    """A linear layer whose weight belongs to another module: it owns only its bias."""

    def __init__(self, in_features, out_features):
        super().__init__()
        bound = in_features**-0.5
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))

    def forward(self, x, weight):
        return F.linear(x, weight, self.bias)
'''


class Linear(Operator):
    """An affine map of the last axis."""

    name = "linear"
    summary = "Fully connected layer on the last axis"
    examples = (
        Example("linear(5)", ("f32[3, 4]",), "f32[3, 5]", work="60 linear, 15 bias", reach="[a, *]"),
        Example("linear(5, !bias)", ("f32[2, 3, 4]",), "f32[2, 3, 5]", work="120 linear", reach="[a, b, *]"),
        Example("linear(5)", ("f32[2, 3, 2, 4]",), "f32[2, 3, 2, 5]", work="240 linear, 60 bias", reach="[a, b, c, *]"),
        Example(
            "linear(3, bias_init = 1.5)",
            ("f32[N, T, 4]",),
            "f32[N, T, 3]",
            work="12*N*T linear, 3*N*T bias",
            reach="[a, b, *]",
        ),
        Example("linear(8, std = 0.02)", ("f32[2, 12]",), "f32[2, 8]", work="192 linear, 16 bias", reach="[a, *]"),
    )

    out: int = arg("int", "output features", minimum=1)
    bias: bool = arg("bool", "add a learned constant per feature", default=True)
    tie: WeightRef | None = arg(
        "weight",
        "use the weight of another operator, [out, in]: `tokens.weight`, `transpose(encode.weight)`",
        default=None,
    )
    bias_init: float | None = arg("float", "constant the bias starts from; PyTorch's rule if none", default=None)
    std: float | None = arg("float", rules.STD, default=None, minimum=0, maximum=rules.LARGEST_STD)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        rules.require_f32(x)
        rules.require_rank(x, 2, None, "[N, features], or [N, ..., features]")
        if self.std is not None and self.tie is not None:
            reject("`std` says how a weight starts, but the weight is another's", at="std", code="E0412")
        features = rules.known(x, -1, "features")
        if self.bias_init is not None and not self.bias:
            reject("`bias_init` says how a bias starts, but there is no bias", at="bias_init", code="E0412")
        if self.tie is not None and self.tie.used_shape != (self.out, features):
            flipped = self.tie.used_shape == (features, self.out)
            reject(
                f"the tied weight `{self.tie!r}` has shape {shape_text(self.tie.used_shape)}",
                at="tie",
                expected=f"[{self.out}, {features}], output features by input features",
                found=shape_text(self.tie.used_shape),
                help="transpose it: `transpose(...)`" if flipped and not self.tie.transposed else "",
                code="E0410",
            )
        return (x.replace_axis(-1, self.out),)

    def advice(self, *inputs: TensorType) -> str:
        """Four axes of which the last two are equal are taken for an image, channels first."""
        (x,) = inputs
        if x.rank != 4 or x.dims[2] != x.dims[3]:
            return ""
        return f"it acts on the last axis, the width of the image {x}; `flatten` first to use all of it"

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        """PyTorch's rule: kaiming_uniform(a = sqrt(5)), that is U(+-1/sqrt(in)), for weight and bias; with `std` the
        weight is normal."""
        (x,) = inputs
        features = rules.number(x, -1)
        init = Init("uniform", -(features**-0.5), features**-0.5)
        start = init if self.bias_init is None else Init("constant", self.bias_init)
        weight = (Weight("weight", (self.out, features), rules.start(self.std, init)),) if self.tie is None else ()
        return (*weight, Weight("bias", (self.out,), start, "bias")) if self.bias else weight

    def borrowed(self) -> tuple[WeightRef, ...]:
        return () if self.tie is None else (self.tie,)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """MACs: output elements x input features. Bias: 1 per output element."""
        elements = outputs[0].elements
        features = rules.number(inputs[0], -1)
        return {"linear": elements * features, "bias": elements if self.bias else 0}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        (x,) = inputs
        features = rules.number(x.type, -1)
        if self.tie is not None and not self.bias:
            return t.call("F.linear", x, t.tied(self.tie))
        if self.tie is None:
            module = t.module("nn.Linear", features, self.out, bias=t.option(self.bias, True))
        else:
            module = t.module(t.helper(TIED_LINEAR), features, self.out)
        if self.std is not None:
            t.initialise(module, "weight", rules.normal(self.std))
        if self.bias_init is not None:
            t.initialise(module, "bias", Init("constant", self.bias_init))
        return module(x) if self.tie is None else module(x, t.tied(self.tie))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The last axis whole."""
        return reaches.pointwise(inputs, outputs, {inputs[0].rank - 1})

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        (x,) = inputs
        features = rules.number(x.type, -1)
        return traces.linear(tape, x, tape.parameter((self.out, features)), self.out)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """`Gemm` on a matrix, else `MatMul` and `Add`. A weight borrowed transposed is used as stored."""
        (x,) = inputs
        stored_transposed = self.tie is not None and self.tie.transposed
        if self.tie is None:
            weight = o.weight("weight")
        else:
            weight = o.tied(WeightRef(self.tie.owner, self.tie.label, self.tie.name, self.tie.shape))
        if x.type.rank == 2:
            bias = o.weight("bias") if self.bias else None
            return o.node("Gemm", x, weight, bias, transB=0 if stored_transposed else 1)
        if not stored_transposed:
            weight = o.node("Transpose", weight, perm=(1, 0))
        product = o.node("MatMul", x, weight)
        return o.node("Add", product, o.weight("bias")) if self.bias else product


class Embedding(Operator):
    """A learned table looked up by index."""

    name = "embedding"
    summary = "Learned vector for each index"
    source = "Bengio et al., 2003"
    examples = (
        Example("embedding(7, 4)", ("i64[2, 5]",), "f32[2, 5, 4]", high=7, reach="[a, b]"),
        Example("embedding(3, 2)", ("i32[N, T]",), "f32[N, T, 2]", high=3, reach="[a, b]"),
        Example("embedding(9, 6, std = 0.02)", ("i64[N, T]",), "f32[N, T, 6]", high=9, reach="[a, b]"),
    )

    vocab: int = arg("int", "number of indices (PyTorch's num_embeddings)", minimum=1)
    dim: int = arg("int", "length of each vector (PyTorch's embedding_dim)", minimum=1)
    std: float = arg(
        "float",
        "standard deviation of the normal distribution it starts from",
        default=1.0,
        minimum=0,
        maximum=rules.LARGEST_STD,
    )

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        if x.dtype not in ("i32", "i64"):
            reject(
                f"it looks up indices, but the input is {x.dtype}",
                expected="i64 or i32",
                found=str(x),
                help=f"indices are declared as such: `{TensorType(x.dims, 'i64')}`; numbers go through `linear`",
                code="E0403",
            )
        return (TensorType((*x.dims, self.dim)),)

    def needs_of_indices(self, count: Dim) -> tuple[Need, ...]:
        """A vector for each of them."""
        return (Need(self.vocab - count, 0, f"it has vectors for {self.vocab} positions", "vocab"),)

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        """PyTorch's rule: N(0, 1), unless `std` says otherwise."""
        return (Weight("weight", (self.vocab, self.dim), rules.normal(self.std), "embedding"),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None: a look-up moves data."""
        return FREE

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """A row for each index; which of them are alike is known at run time only."""
        return (inputs[0].elements, outputs[0].elements)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        module = t.module("nn.Embedding", self.vocab, self.dim)
        if self.std != 1.0:
            t.initialise(module, "weight", rules.normal(self.std))
        return module(inputs[0])

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.moved(range(inputs[0].rank))

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Keeps the indices."""
        (x,) = inputs
        table = tape.parameter((self.vocab, self.dim))
        tape.keep(x)
        return tape.new(self.infer(x.type)[0], table)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("Gather", o.weight("weight"), inputs[0], axis=0)


class MatMul(Operator):
    """The product of two tensors over the last axis of the first and the last but one of the second."""

    name = "matmul"
    summary = "Matrix product of two tensors, leading axes in parallel"
    arity = 2
    examples = (
        Example(
            "matmul", ("f32[2, 3, 4]", "f32[2, 4, 5]"), "f32[2, 3, 5]", work="120 matmul", reach="[a, b, *], [a, *, c]"
        ),
        Example(
            "matmul",
            ("f32[N, 2, T, 4]", "f32[1, 2, 4, T]"),
            "f32[N, 2, T, T]",
            work="8*N*T**2 matmul",
            reach="[a, b, c, *], [*, b, *, d]",
        ),
        Example(
            "matmul",
            ("f32[2, 3, 3]", "f32[2, 3, 3]"),
            "f32[2, 3, 3]",
            work="54 matmul",
            reach="[a, b, *], [a, *, c]",
        ),
    )

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        a, b = inputs
        rules.require_f32(a, b)
        rules.require_rank(a, 2, None, "[..., rows, inner]")
        rules.require_rank(b, 2, None, "[..., inner, columns]")
        rules.require_equal(a.dims[-1], b.dims[-2], "the inner lengths", inputs)
        rules.require_rank(b, a.rank, a.rank, f"{a.rank} axes, like {a}")
        leading = rules.broadcast((TensorType(a.dims[:-2]), TensorType(b.dims[:-2])))
        return (a.with_dims(*leading, a.dims[-2], b.dims[-1]),)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """MACs: output elements x inner length."""
        return {"matmul": outputs[0].elements * inputs[0].dims[-1]}

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.infix("@", inputs[0], inputs[1])

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """Rows of the first, columns of the second."""
        last = outputs[0].rank - 1
        ((left, _),) = reaches.pointwise(inputs, outputs, {last})
        ((_, right),) = reaches.pointwise(inputs, outputs, {last - 1})
        return ((left, right),)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        return traces.matmul(tape, *inputs)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.node("MatMul", *inputs)


OPERATORS = (Linear, Embedding, MatMul)
