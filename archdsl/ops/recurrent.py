"""Recurrent layers over sequences [N, T, features]: `lstm`, `gru` and `rnn`, with the arguments, the weights and the
formulas of PyTorch's nn.LSTM, nn.GRU and nn.RNN."""

from typing import TYPE_CHECKING, ClassVar

from archdsl.ir.operator import Example, Init, Operator, Weight, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType, shape_text

if TYPE_CHECKING:
    from archdsl.ir.lowering import (
        OnnxAttribute,
        OnnxEmitter,
        OnnxValue,
        Tape,
        TorchEmitter,
        TorchExpr,
        TorchInput,
        TorchOption,
        Traced,
    )
    from archdsl.ir.reach import Relation

SKIP_INPUT_RNN = '''
class SkipInputRNN(nn.Module):
    """A recurrent layer of inputs that were multiplied by their weight before:
    h = f(x + weight_hh @ h_before + bias_hh)."""

    def __init__(
        self, hidden_size, nonlinearity="tanh", bias=True, bidirectional=False
    ):
        super().__init__()
        self.activation = torch.tanh if nonlinearity == "tanh" else torch.relu
        self.suffixes = ("l0", "l0_reverse") if bidirectional else ("l0",)
        bound = hidden_size**-0.5
        for suffix in self.suffixes:
            weight = torch.empty(hidden_size, hidden_size).uniform_(-bound, bound)
            self.register_parameter(f"weight_hh_{suffix}", nn.Parameter(weight))
            start = torch.empty(hidden_size).uniform_(-bound, bound)
            owned = nn.Parameter(start) if bias else None
            self.register_parameter(f"bias_hh_{suffix}", owned)

    def forward(self, x, h=None):
        """The sequence [N, T, directions * hidden_size] and the last states
        [directions, N, hidden_size]."""
        sequences, last = [], []
        for i, suffix in enumerate(self.suffixes):
            weight = getattr(self, f"weight_hh_{suffix}")
            bias = getattr(self, f"bias_hh_{suffix}")
            state = torch.zeros_like(x[:, 0]) if h is None else h[i]
            states = []
            for step in (x.flip(1) if i else x).unbind(1):
                state = self.activation(step + F.linear(state, weight, bias))
                states.append(state)
            sequence = torch.stack(states, 1)
            sequences.append(sequence.flip(1) if i else sequence)
            last.append(state)
        return torch.cat(sequences, -1), torch.stack(last)
'''


NODES_PER_LAYER = 8


class Recurrent(Operator):
    """Base of the three. A subclass says how many gates its cell has and what they are called elsewhere."""

    gates: ClassVar[int]
    """Blocks of `hidden` rows in each weight."""
    state: ClassVar[tuple[str, ...]]
    """The states that a step hands to the next one."""
    module: ClassVar[str]
    node: ClassVar[str]
    order: ClassVar[tuple[int, ...]]
    """For each of ONNX's gates in turn, which of PyTorch's it is."""
    activations: ClassVar[int]
    """Activations per unit and step."""
    products: ClassVar[int]
    """Element-wise operations per unit and step, besides adding the two matrix products."""
    kept: ClassVar[int]
    """Numbers per unit and step that autograd keeps, besides the state before the step."""
    keeps_result: ClassVar[bool] = False
    """Whether that state is kept by the step that makes it, so that the last one is kept too."""

    hidden: int = arg("int", "features of the hidden state (PyTorch's hidden_size)", minimum=1)
    layers: int = arg("int", "layers on top of one another (num_layers)", default=1, minimum=1, maximum=1000)
    bidirectional: bool = arg(
        "bool", "a second direction from the end of the sequence; the features double", default=False
    )
    bias: bool = arg("bool", "two learned constants per gate and unit, as cuDNN has them", default=True)
    dropout: float = arg(
        "float", "probability of dropping features between layers, in training", default=0.0, minimum=0, maximum=1
    )
    states: bool = arg("bool", "give the last states too, as further results", default=False)

    @property
    def _suffixes(self) -> tuple[str, ...]:
        """The ends of the names of the weights of each direction."""
        return ("", "_reverse") if self.bidirectional else ("",)

    @property
    def _width(self) -> int:
        """Features of the sequence that leaves a layer."""
        return self.hidden * len(self._suffixes)

    def entries(self) -> int:
        """Layers, in each direction."""
        return self.layers * len(self._suffixes)

    def written(self, *inputs: TensorType) -> int:
        """A layer is a node of its own in ONNX, with four weights in another order of gates, and the nodes that turn
        sequences and states round."""
        return NODES_PER_LAYER * self.entries()

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """[N, T, features] to [N, T, hidden], twice as wide when bidirectional. States, given or asked for, are
        [layers, N, hidden], with two entries per layer when bidirectional: forward, backward."""
        x, *starts = inputs
        rules.require_f32(*inputs)
        rules.require_rank(x, 3, 3, "a sequence, [N, T, features]")
        rules.known(x, 2, "features")
        last = x.with_dims(self.layers * len(self._suffixes), x.dims[0], self.hidden)
        for name, start in zip(self.state, starts, strict=False):
            if start != last:
                reject(
                    f"the first `{name}` has shape {shape_text(start.dims)}",
                    expected=f"{last}, layers by samples by features",
                    found=str(start),
                    code="E0402",
                )
        sequence = x.replace_axis(2, self._width)
        return (sequence, *(last for _ in self.state)) if self.states else (sequence,)

    def advice(self, *inputs: TensorType) -> str:
        if self.dropout > 0 and self.layers == 1:
            return "`dropout` drops features between layers, and there is one layer; put `dropout` after it instead"
        if self.hidden == inputs[0].dims[-1] and self.layers >= 32:
            return (
                f"{self.layers} layers of {self.hidden} features, as many as come in; where the first number was meant"
                f" for those, leave it out: `{self.name}({self.layers})`"
            )
        return ""

    def _layer_inputs(self, x: TensorType) -> list[int]:
        """Input features of each layer."""
        return [rules.number(x, 2), *[self._width] * (self.layers - 1)]

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        """PyTorch's rule: U(+-1/sqrt(hidden)), biases included."""
        init = Init("uniform", -(self.hidden**-0.5), self.hidden**-0.5)
        rows = self.gates * self.hidden
        found: list[Weight] = []
        for layer, features in enumerate(self._layer_inputs(inputs[0])):
            for suffix in self._suffixes:
                found.append(Weight(f"weight_ih_l{layer}{suffix}", (rows, features), init))
                found.append(Weight(f"weight_hh_l{layer}{suffix}", (rows, self.hidden), init))
                if self.bias:
                    found.append(Weight(f"bias_ih_l{layer}{suffix}", (rows,), init, "bias"))
                    found.append(Weight(f"bias_hh_l{layer}{suffix}", (rows,), init, "bias"))
        return tuple(found)

    def depth(self, *inputs: TensorType) -> int:
        """Each layer is one, however long the sequence and in both directions."""
        return self.layers

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Per step, layer and direction. MACs: elements of the weights. Bias: 1 per element of the biases.
        Element-wise: 1 per gate and unit for adding the two products, and per unit 4 for the gating of an LSTM or GRU.
        Activations: per unit 5 for an LSTM, 3 for a GRU, 1 for an RNN. No step is left out, padded or not."""
        x = inputs[0]
        steps = x.dims[0] * x.dims[1]
        weights = self.weights(*inputs)
        cells = self.layers * self._width
        return {
            "recurrent": steps * sum(weight.elements for weight in weights if weight.role == "weight"),
            "bias": steps * sum(weight.elements for weight in weights if weight.role == "bias"),
            "elementwise": steps * (cells * (self.gates + self.products)),
            "activation": steps * (cells * self.activations),
        }

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        x, *starts = inputs
        module = t.module(
            self.module,
            rules.number(x.type, 2),
            self.hidden,
            num_layers=t.option(self.layers, 1),
            bias=t.option(self.bias, True),
            batch_first=True,
            dropout=t.option(self.dropout if self.layers > 1 else 0.0, 0.0),
            bidirectional=t.option(self.bidirectional, False),
            **self._options(t),
        )
        run = module(x, *([starts[0] if len(starts) == 1 else tuple(starts)] if starts else []))
        if not self.states:
            return t.item(run, 0)
        return run if len(self.state) == 1 else t.nested(run, 1, len(self.state))

    def _options(self, t: "TorchEmitter") -> "dict[str, TorchOption]":
        """Further arguments of the PyTorch module."""
        return {}

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The sequence whole, also for its earlier positions, which do not see the later ones in one direction."""
        samples = [0, *[1] * (len(inputs) - 1)]  # which axis counts samples, of the sequence and of the states
        return tuple(
            tuple({axis: reaches.AxisReach(0 if place == 0 else 1)} for axis in samples)
            for place in range(len(outputs))
        )

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "tuple[Traced, ...]":
        """As PyTorch's own code does it: the inputs of all steps are multiplied at once and kept, and each step keeps
        its state before, and what its cell keeps. oneDNN and cuDNN, which take over an LSTM on many processors and all
        three on GPUs, keep a workspace of their own instead, of a size they do not tell."""
        x, *starts = inputs
        types = self.infer(*(each.type for each in inputs))
        layers = TensorType((self.layers * len(self._suffixes), x.type.dims[0], self.hidden))
        first = list(starts) or [tape.new(layers) for _ in self.state]
        y = tape.permute(x, (1, 0, 2))
        for layer, features in enumerate(self._layer_inputs(x.type)):
            if layer > 0:
                y = traces.dropout(tape, y, self.dropout)
            for _ in self._suffixes:
                self._input_product(tape, y, features)
                self._steps(tape, x.type.dims[0], x.type.dims[1], first)
            y = tape.new(y.type.replace_axis(2, self._width), tape.parameter(()))
        sequence = tape.permute(y, (1, 0, 2))
        return (sequence, *(tape.new(type, sequence) for type in types[1:]))

    def _input_product(self, tape: "Tape", y: "Traced", features: int) -> None:
        rows = self.gates * self.hidden
        traces.linear(tape, y, tape.parameter((rows, features)), rows)

    def _steps(self, tape: "Tape", samples: Dim, length: Dim, first: "list[Traced]") -> None:
        """The steps of one layer in one direction: a product with the state before, and what the cell keeps."""
        weight = tape.parameter((self.gates * self.hidden, self.hidden))
        own = samples * (weight.type.elements)
        states = TensorType((length - (0 if self.keeps_result else 1), samples, self.hidden))
        between = [tape.new(states, weight) for _ in self.state]
        tape.product(own, first[0], weight)
        tape.product(own * (length - 1), between[0], weight)
        cell = tape.new(TensorType((length, samples, self.kept * self.hidden)))
        tape.keep(*first, *between, cell)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "tuple[OnnxValue, ...]":
        """One node per layer. ONNX puts time first and the gates in another order; onnxruntime has no kernel for its
        batch-first layout. The weights are reordered by nodes that onnxruntime computes once, when it loads the
        model, so that initializers stay what the state dict holds."""
        x, *starts = inputs
        per_layer = [self._split(o, start) for start in starts]
        ends: list[list[OnnxValue]] = [[] for _ in self.state]
        attributes: dict[str, OnnxAttribute] = {
            "hidden_size": self.hidden,
            "direction": "bidirectional" if self.bidirectional else "forward",
            **self._attributes(),
        }
        y = o.node("Transpose", x, perm=(1, 0, 2))
        for layer, features in enumerate(self._layer_inputs(x.type)):
            y, *last = o.nodes(
                self.node,
                y,
                self._input_weight(o, layer, features),
                self._stacked(o, ("weight_hh",), layer, (self.hidden,)),
                self._biases(o, layer),
                None,
                *(parts[layer] for parts in per_layer),
                outputs=1 + (len(self.state) if self.states else 0),
                **attributes,
            )
            for end, value in zip(ends, last, strict=False):
                end.append(value)
            # [T, directions, N, hidden] becomes [T, N, features], and after the last layer [N, T, features].
            if layer < self.layers - 1 and not self.bidirectional:
                y = o.node("Squeeze", y, o.constant([1], "i64"))
                continue
            y = o.node("Transpose", y, perm=(0, 2, 1, 3) if layer < self.layers - 1 else (2, 0, 1, 3))
            y = o.node("Reshape", y, o.constant([0, 0, self._width], "i64"))
        if not self.states:
            return (y,)
        return (y, *(end[0] if len(end) == 1 else o.node("Concat", *end, axis=0) for end in ends))

    def _attributes(self) -> "dict[str, OnnxAttribute]":
        """Further attributes of the ONNX node."""
        return {}

    def _split(self, o: "OnnxEmitter", start: "OnnxValue") -> "tuple[OnnxValue, ...]":
        """First states, layer by layer: along the first axis, as `Split` does where it is told none."""
        if self.layers == 1:
            return (start,)
        return o.nodes("Split", start, outputs=self.layers, num_outputs=self.layers)

    def _input_weight(self, o: "OnnxEmitter", layer: int, features: int) -> "OnnxValue":
        return self._stacked(o, ("weight_ih",), layer, (features,))

    def _biases(self, o: "OnnxEmitter", layer: int) -> "OnnxValue | None":
        return self._stacked(o, ("bias_ih", "bias_hh"), layer, ()) if self.bias else None

    def _stacked(self, o: "OnnxEmitter", names: tuple[str, ...], layer: int, tail: tuple[int, ...]) -> "OnnxValue":
        """Weights of both directions as [directions, rows, ...tail], gates in ONNX's order."""
        parts = [o.weight(f"{name}_l{layer}{suffix}") for suffix in self._suffixes for name in names]
        whole = parts[0] if len(parts) == 1 else o.node("Concat", *parts, axis=0)
        if self.gates > 1:
            gates = o.constant([len(parts), self.gates, self.hidden, *tail], "i64")
            whole = o.node("Gather", o.node("Reshape", whole, gates), o.constant(self.order, "i64"), axis=1)
        rows = len(names) * self.gates * self.hidden
        return o.node("Reshape", whole, o.constant([len(self._suffixes), rows, *tail], "i64"))


class LSTM(Recurrent):
    """Long short-term memory. Input, forget and output gates i, f, o and the candidate g are sums of a product with
    the step's input and one with the state before; then c = f * c_before + i * g and h = o * tanh(c).

    Of one tensor, or of three with the first states: `[x, h, c] -> lstm(...)`. With `states` it gives a tuple:
    `y, h, c = lstm(..., states)`. Sequences of different lengths must be cut to one length or padded: PyTorch's packed
    sequences have no counterpart here, and backwards over a padded sequence begins in the padding."""

    name = "lstm"
    summary = "Long short-term memory over a sequence"
    source = "Hochreiter and Schmidhuber, 1997; with the forget gate of Gers et al., 2000"
    arity = (1, 3)
    gates = 4
    state = ("h", "c")
    module = "nn.LSTM"
    node = "LSTM"
    order = (0, 3, 1, 2)  # PyTorch i f g o, ONNX i o f c
    activations = 5
    products = 4
    kept = 5  # the four gates and tanh(c)
    examples = (
        Example(
            "lstm(3)",
            ("f32[2, 5, 4]",),
            "f32[2, 5, 3]",
            work="840 recurrent, 240 bias, 150 activation, 240 elementwise",
            reach="[a, *, *]",
        ),
        Example(
            "lstm(3, bidirectional)",
            ("f32[N, T, 4]",),
            "f32[N, T, 6]",
            work="168*N*T recurrent, 48*N*T bias, 30*N*T activation, 48*N*T elementwise",
            reach="[a, *, *]",
        ),
        Example(
            "lstm(3, layers = 2, !bias)",
            ("f32[N, T, 4]",),
            "f32[N, T, 3]",
            work="156*N*T recurrent, 30*N*T activation, 48*N*T elementwise",
            reach="[a, *, *]",
        ),
        Example(
            "lstm(3, layers = 2, bidirectional, dropout = 0.5, states)",
            ("f32[N, T, 4]", "f32[4, N, 3]", "f32[4, N, 3]"),
            "f32[N, T, 6], f32[4, N, 3], f32[4, N, 3]",
            work="384*N*T recurrent, 96*N*T bias, 60*N*T activation, 96*N*T elementwise",
            reach="[a, *, *], [*, a, *], [*, a, *]; [b, *, *], [*, b, *], [*, b, *]; [b, *, *], [*, b, *], [*, b, *]",
        ),
        Example(
            "lstm(3)",
            ("f32[2, 5, 4]", "f32[1, 2, 3]", "f32[1, 2, 3]"),
            "f32[2, 5, 3]",
            work="840 recurrent, 240 bias, 150 activation, 240 elementwise",
            reach="[a, *, *], [*, a, *], [*, a, *]",
        ),
    )


class GRU(Recurrent):
    """Gated recurrent unit, as PyTorch and cuDNN have it: the reset gate r acts after the product with the state,
    n = tanh(W x + b + r * (U h_before + b')), and h = (1 - z) * n + z * h_before.

    Of one tensor, or of two with the first state: `[x, h] -> gru(...)`. With `states`: `y, h = gru(..., states)`."""

    name = "gru"
    summary = "Gated recurrent unit over a sequence"
    source = "Cho et al., 2014"
    arity = (1, 2)
    gates = 3
    state = ("h",)
    module = "nn.GRU"
    node = "GRU"
    order = (1, 0, 2)  # PyTorch r z n, ONNX z r h
    activations = 3
    products = 4
    kept = 6  # the gates, n, the product that r multiplies, and the difference that z does
    examples = (
        Example(
            "gru(3)",
            ("f32[2, 5, 4]",),
            "f32[2, 5, 3]",
            work="630 recurrent, 180 bias, 90 activation, 210 elementwise",
            reach="[a, *, *]",
        ),
        Example(
            "gru(3, bidirectional, !bias)",
            ("f32[N, T, 4]",),
            "f32[N, T, 6]",
            work="126*N*T recurrent, 18*N*T activation, 42*N*T elementwise",
            reach="[a, *, *]",
        ),
        Example(
            "gru(3, layers = 2, bidirectional, states)",
            ("f32[N, T, 4]", "f32[4, N, 3]"),
            "f32[N, T, 6], f32[4, N, 3]",
            work="288*N*T recurrent, 72*N*T bias, 36*N*T activation, 84*N*T elementwise",
            reach="[a, *, *], [*, a, *]; [b, *, *], [*, b, *]",
        ),
    )

    def _attributes(self) -> "dict[str, OnnxAttribute]":
        return {"linear_before_reset": 1}


class RNN(Recurrent):
    """The simple recurrent layer, h = tanh(W x + U h_before + b).

    Of one tensor, or of two with the first state: `[x, h] -> rnn(...)`. With `states`: `y, h = rnn(..., states)`.
    With `skip_input` the input is W x already, one weight for both directions if there are two: so what lies between
    W and the recurrence, such as batch normalisation, can be written out. PyTorch has no module for that; the
    generated one walks through the sequence in Python. ONNX gets the identity for W, which is multiplied by but not
    counted."""

    name = "rnn"
    summary = "Simple recurrent layer over a sequence"
    source = "Elman, 1990"
    arity = (1, 2)
    gates = 1
    state = ("h",)
    module = "nn.RNN"
    node = "RNN"
    order = (0,)
    activations = 1
    products = 0
    kept = 0
    keeps_result = True
    examples = (
        Example(
            "rnn(3)",
            ("f32[2, 5, 4]",),
            "f32[2, 5, 3]",
            work="210 recurrent, 60 bias, 30 activation, 30 elementwise",
            reach="[a, *, *]",
        ),
        Example(
            'rnn(3, 2, bidirectional, nonlinearity = "relu")',
            ("f32[N, T, 4]",),
            "f32[N, T, 6]",
            work="96*N*T recurrent, 24*N*T bias, 12*N*T activation, 12*N*T elementwise",
            reach="[a, *, *]",
        ),
        Example(
            "rnn(3, layers = 2, !bias, states)",
            ("f32[N, T, 4]", "f32[2, N, 3]"),
            "f32[N, T, 3], f32[2, N, 3]",
            work="39*N*T recurrent, 6*N*T activation, 6*N*T elementwise",
            reach="[a, *, *], [*, a, *]; [b, *, *], [*, b, *]",
        ),
        Example(
            "rnn(4, skip_input)",
            ("f32[2, 5, 4]",),
            "f32[2, 5, 4]",
            work="160 recurrent, 40 bias, 40 activation, 40 elementwise",
            reach="[a, *, *]",
        ),
        Example(
            'rnn(4, bidirectional, !bias, nonlinearity = "relu", skip_input)',
            ("f32[N, T, 4]",),
            "f32[N, T, 8]",
            work="32*N*T recurrent, 8*N*T activation, 8*N*T elementwise",
            reach="[a, *, *]",
        ),
        Example(
            "rnn(4, bidirectional, states, skip_input)",
            ("f32[N, T, 4]", "f32[2, N, 4]"),
            "f32[N, T, 8], f32[2, N, 4]",
            work="32*N*T recurrent, 8*N*T bias, 8*N*T activation, 8*N*T elementwise",
            reach="[a, *, *], [*, a, *]; [b, *, *], [*, b, *]",
        ),
    )

    nonlinearity: str = arg("string", "what follows the sum", default="tanh", choices=("tanh", "relu"))
    skip_input: bool = arg("bool", "the input has been multiplied by its weight before", default=False)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """[N, T, features] to [N, T, hidden], twice as wide when bidirectional. A state, given or asked for, is
        [layers, N, hidden], with two entries per layer when bidirectional: forward, backward. With `skip_input` the
        input is [N, T, hidden], and there is one layer."""
        results = super().infer(*inputs)
        if self.skip_input and self.layers > 1:
            reject(
                "`skip_input` leaves out the input's weight of one layer, but there are several",
                at="layers",
                expected="1",
                found=str(self.layers),
                code="E0412",
            )
        if self.skip_input and inputs[0].dims[2] != self.hidden:
            reject(
                f"with `skip_input` the input has as many features as the state, but it has {inputs[0].dims[2]}",
                at="hidden",
                expected=str(inputs[0].dims[2]),
                found=str(self.hidden),
                code="E0402",
            )
        return results

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        """PyTorch's rule: U(+-1/sqrt(hidden)), biases included. With `skip_input` those of the state alone."""
        found = super().weights(*inputs)
        return tuple(weight for weight in found if not self.skip_input or "_hh_" in weight.name)

    def depth(self, *inputs: TensorType) -> int:
        """Each layer is one; with `skip_input` none, because its input's weight stands before it."""
        return 0 if self.skip_input else self.layers

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        if not self.skip_input:
            return super().torch(t, *inputs)
        run = t.module(
            t.helper(SKIP_INPUT_RNN),
            self.hidden,
            nonlinearity=t.option(self.nonlinearity, "tanh"),
            bias=t.option(self.bias, True),
            bidirectional=t.option(self.bidirectional, False),
        )(*inputs)
        return run if self.states else t.item(run, 0)

    def _input_product(self, tape: "Tape", y: "Traced", features: int) -> None:
        if not self.skip_input:
            super()._input_product(tape, y, features)

    def _options(self, t: "TorchEmitter") -> "dict[str, TorchOption]":
        return {"nonlinearity": t.option(self.nonlinearity, "tanh")}

    def _attributes(self) -> "dict[str, OnnxAttribute]":
        return {"activations": [self.nonlinearity.capitalize()] * len(self._suffixes)}

    def _input_weight(self, o: "OnnxEmitter", layer: int, features: int) -> "OnnxValue":
        if not self.skip_input:
            return super()._input_weight(o, layer, features)
        # The identity, made from positions when the model is loaded, so that nothing is stored.
        positions = o.node("Range", o.constant(0, "i64"), o.constant(features, "i64"), o.constant(1, "i64"))
        same = o.node("Equal", positions, o.node("Unsqueeze", positions, o.constant([1], "i64")))
        shape = o.constant([len(self._suffixes), features, features], "i64")
        return o.node("Expand", o.node("Where", same, o.constant(1.0), o.constant(0.0)), shape)

    def _biases(self, o: "OnnxEmitter", layer: int) -> "OnnxValue | None":
        if not self.skip_input or not self.bias:
            return super()._biases(o, layer)
        zeros = o.constant([0.0] * self.hidden)
        parts = [part for suffix in self._suffixes for part in (zeros, o.weight(f"bias_hh_l0{suffix}"))]
        return o.node("Reshape", o.node("Concat", *parts, axis=0), o.constant([len(self._suffixes), -1], "i64"))


OPERATORS = (LSTM, GRU, RNN)
