"""Single floating-point operations of every operator but products, said once more: a table beside the operators' own
`work`, of which it uses nothing.

Which operations count is a convention (`archdsl ops NAME` prints it, under `cost`), so no definition that is carried
out can tell; what the convention says is written here in words, and counted by walking as the words do: over the
elements of a result, the taps of a window at each place, the steps and gates of a recurrence. Only `einsum` counts
what its definition does, so there the definition is carried out on shapes (`brute_force`).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from math import ceil, floor, prod
from typing import Any

from brute_force import Applied, additions_and_products
from contract_reference import spread

from archdsl.ir.operator import FLOP_KINDS, Operator, WorkKind
from archdsl.types.tensor import TensorType

Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]
Tally = dict[str, int]
Rule = Callable[[Any, Shapes, Shapes], Tally]

TABLE: dict[str, Rule] = {}
"""For each operator its rule: from the operator and the shapes of its inputs and outputs to operations by kind."""


def counts(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        TABLE.update(dict.fromkeys(names, function))
        return function

    return register


def operations(op: Operator, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Tally:
    """Operations of one application by kind, products apart; no kind that there is nothing of."""
    found = TABLE[op.name](op, _shapes(inputs), _shapes(outputs))
    return {kind: amount for kind, amount in found.items() if amount}


def total_operations(applied: Counter[Applied]) -> Tally:
    """Operations of all of them by kind."""
    found: Counter[str] = Counter()
    for (op, inputs, outputs), times in applied.items():
        for kind, amount in operations(op, inputs, outputs).items():
            found[kind] += times * amount
    return dict(found)


def singles(work: Mapping[WorkKind, Any]) -> Mapping[str, Any]:
    """Of what an operator states, the kinds that are no products."""
    return {kind: work[kind] for kind in FLOP_KINDS if work.get(kind, 0) != 0}


def _shapes(types: tuple[TensorType, ...]) -> Shapes:
    return tuple(tuple(int(length) for length in kind.dims) for kind in types)


def each(shape: Shape) -> int:
    """One for each element."""
    return prod(shape)


# ------------------------------------------------------------------------------------------- nothing but moved data


@counts(
    "embedding", "positions", "param", "constant", "cast", "detach", "id", "dropout", "drop_path", "draw_column",
    "concat", "stack", "split", "slice", "select", "flatten", "reshape", "transpose", "permute", "squeeze", "unsqueeze",
    "repeat_dim", "rearrange", "pad",
)  # fmt: skip
def nothing(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Elements are looked up, copied or made, and not computed with; dropping is for training."""
    return {}


@counts("matmul")
def product(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Multiplications that are added up are the multiply-accumulates, and there is nothing else."""
    return {}


# ----------------------------------------------------------------------------------------------------------- biases


@counts("conv", "conv_transpose", "linear")
def bias(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """An addition at each output element, where there is a bias."""
    return {"bias": each(outputs[0])} if op.bias else {}


# --------------------------------------------------------------------------------------------------- normalisations


@counts("batch_norm")
def folded(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Statistics are known, so each element is multiplied and added to, once, whether or not it learns to."""
    return {"normalisation": sum(each(inputs[0]) for _ in ("multiply", "add"))}


@counts("layer_norm", "group_norm", "instance_norm")
def standardised(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Each element is summed, centred, squared, summed again and scaled; multiplied by what is learned, and added."""
    steps = ["sum", "centre", "square", "sum", "scale"]
    steps += ["multiply"] if op.affine else []
    steps += ["add"] if op.affine and getattr(op, "bias", True) else []
    return {"normalisation": sum(each(inputs[0]) for _ in steps)}


@counts("rms_norm")
def root_mean_square(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Each element is squared, summed and scaled; multiplied by what is learned."""
    steps = ["square", "sum", "scale", *(["multiply"] if op.affine else [])]
    return {"normalisation": sum(each(inputs[0]) for _ in steps)}


@counts("local_response_norm")
def response(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """At each element its square, an addition for each channel of a whole window, and four more: times alpha, plus k,
    to the power of beta, and what is divided by it."""
    window = len(range(-(op.size // 2), (op.size - 1) // 2 + 1))
    return {"normalisation": each(inputs[0]) * (1 + window + len(("alpha", "k", "beta", "divide")))}


# ------------------------------------------------------------------------------------------------ element by element


@counts(
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hard_sigmoid",
    "hard_swish", "softplus", "step",
)  # fmt: skip
def activation(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """One function of each element, whatever the function."""
    return {"activation": each(inputs[0])}


@counts("glu")
def gated(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Of every two elements one goes through a sigmoid, and the other is multiplied by it."""
    return {"activation": each(inputs[0]) // 2, "elementwise": each(inputs[0]) // 2}


@counts("scale")
def scaled(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Each element times a number."""
    return {"elementwise": each(inputs[0])}


@counts("softmax", "log_softmax")
def shares(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Each element is compared, has the largest subtracted, is raised, summed, and divided or its logarithm taken."""
    steps = ("compare", "subtract", "raise", "sum", "divide")
    return {"softmax": sum(each(inputs[0]) for _ in steps)}


@counts("add", "sub", "mul", "div", "max", "min")
def merged(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """The second input and every further one meets what there is so far, element by element of the result."""
    return {"elementwise": sum(each(outputs[0]) for _ in inputs[1:])}


@counts("mean")
def mean(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """As an addition, and a division of each element; one input alone is itself."""
    return {"elementwise": sum(each(outputs[0]) for _ in inputs[1:]) + each(outputs[0])} if len(inputs) > 1 else {}


@counts("join")
def join(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """The mean of its branches; the number of the column is none of them."""
    return mean(op, inputs if op.column is None else inputs[:-1], outputs)


@counts("reduce_mean", "reduce_sum", "reduce_max")
def reduced(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Each element is taken into a sum or a comparison."""
    return {"elementwise": each(inputs[0])}


# ------------------------------------------------------------------------------------------------------------ windows


@counts("max_pool", "avg_pool", "lp_pool")
def pooled(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """At each place every tap of the window, also those outside the image."""
    taps = prod(len(range(k)) for k in spread(op.kernel, len(inputs[0]) - 2))
    return {"pooling": each(outputs[0]) * taps}


@counts("global_avg_pool", "global_max_pool")
def pooled_whole(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Each element once, in the one window of its channel."""
    return {"pooling": each(inputs[0])}


@counts("adaptive_avg_pool")
def pooled_to_size(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """At each place what its window holds, so that elements in two windows count in both."""
    samples, channels, *places = outputs[0]
    held = [
        sum(ceil((i + 1) * length / count) - floor(i * length / count) for i in range(count))
        for length, count in zip(inputs[0][2:], places, strict=True)
    ]
    return {"pooling": samples * channels * prod(held)}


@counts("resize")
def resized(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Nearest elements are copied. Otherwise each output element is a sum of products over its neighbours: two along
    each axis for bilinear, four along each of two for bicubic."""
    if op.mode == "nearest":
        return {}
    along = {"bilinear": 2, "bicubic": 4}[op.mode]
    neighbours = prod(along for _ in inputs[0][2:])
    return {"elementwise": sum(neighbours * each(outputs[0]) for _ in ("multiply", "add"))}


@counts("einsum")
def contracted(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """An addition for each element that is summed before a product, or without one, and a multiplication for each
    element of a product that no sum follows."""
    return {"elementwise": additions_and_products(op, inputs)}


# --------------------------------------------------------------------------------------- attention and recurrence


@counts("attention")
def attention(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Each score of each head is scaled, and goes through a softmax as above; masked ones too."""
    (samples, queries, _), (_, keys, _), _ = inputs
    scores = (samples, op.heads, queries, keys)
    return {"elementwise": each(scores), **shares(op, (scores,), (scores,))}


CELLS: dict[str, tuple[int, int, int]] = {"lstm": (4, 5, 4), "gru": (3, 3, 4), "rnn": (1, 1, 0)}
"""For a unit of a cell: how many gates, each of which adds what comes from the input to what comes from the state;
how many functions (an LSTM's cell goes through one more than it has gates); and how many operations on what they
give: for an LSTM f * c + i * g and o * tanh(c), for a GRU r * own and n + z * (h - n)."""


@counts("lstm", "gru", "rnn")
def recurrent(op: Any, inputs: Shapes, outputs: Shapes) -> Tally:
    """Step by step, layer by layer, there and back: every unit as `CELLS` says, and every element of both biases is
    added once. An RNN whose input needs no product has one bias."""
    samples, steps, _ = inputs[0]
    gates, functions, others = CELLS[op.name]
    biases = 1 if getattr(op, "skip_input", False) else 2
    found: Counter[str] = Counter()
    for _ in range(op.layers):
        for _ in range(2 if op.bidirectional else 1):
            found["elementwise"] += op.hidden * (gates + others)
            found["activation"] += op.hidden * functions
            found["bias"] += op.hidden * gates * biases if op.bias else 0
    return {kind: samples * steps * amount for kind, amount in found.items()}
