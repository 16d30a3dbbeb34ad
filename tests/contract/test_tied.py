"""Layers that borrow their weight: stored once, used by both, in either orientation."""

import numpy as np
import onnxruntime
import pytest
import torch
from contract_cases import difference, random_weights

from archdsl.api import Network, load
from archdsl.ir.operator import MAC_KINDS

DECODER = """model m(flag bias) {{
  input x: f32[{shape}]
  linear(4) as encode -> tanh
  linear(6, bias = bias, tie = transpose(encode.weight)) as back
  output y
}}
"""
LOGITS = """model m(flag bias) {{
  input ids: i64[{shape}]
  shared tokens = embedding(7, 4)
  tokens -> linear(7, bias = bias, tie = tokens.weight) as head
  output y
}}
"""


def inputs(network: Network) -> np.ndarray:
    (value,) = network.program.inputs
    shape = tuple(value.type.substitute({"N": 2, "T": 5}).dims)
    random = np.random.default_rng(3)
    if value.type.dtype == "i64":
        return random.integers(0, 7, shape)
    return random.standard_normal(shape).astype(np.float32)


def reference(network: Network, weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The two networks above, in float64."""
    wide = {name: array.astype(np.float64) for name, array in weights.items()}
    if "tokens.weight" in wide:
        y = wide["tokens.weight"][x] @ wide["tokens.weight"].T
        return y + wide.get("head.bias", 0.0)
    hidden = np.tanh(x.astype(np.float64) @ wide["encode.weight"].T + wide["encode.bias"])
    return hidden @ wide["encode.weight"] + wide.get("back.bias", 0.0)


@pytest.mark.parametrize(
    ("text", "shape"),
    [(DECODER, "N, 6"), (DECODER, "N, T, 6"), (LOGITS, "N, T"), (LOGITS, "N")],
    ids=["decoder_of_a_matrix", "decoder_of_a_sequence", "logits_of_a_sequence", "logits_of_one_token"],
)
@pytest.mark.parametrize("bias", [False, True], ids=["without_bias", "with_bias"])
class TestTiedLinear:
    def network(self, text: str, shape: str, bias: bool) -> Network:
        return load(text.format(shape=shape), bias=bias)

    def test_the_weight_is_stored_once(self, text: str, shape: str, bias: bool) -> None:
        network = self.network(text, shape, bias)
        stored = [path for path in network.weights() if path.endswith("weight")]
        assert len(stored) == 1
        module = network.torch()
        assert list(module.state_dict()) == list(network.weights())
        assert sum(p.numel() for p in module.parameters()) == network.cost().params

    def test_both_engines_give_the_reference_values(self, text: str, shape: str, bias: bool) -> None:
        network = self.network(text, shape, bias)
        weights, x = random_weights(network), inputs(network)
        expected = reference(network, weights, x)
        module = network.torch()
        module.load_state_dict({path: torch.from_numpy(array.copy()) for path, array in weights.items()})
        assert difference(module(torch.from_numpy(x)).detach().numpy(), expected) <= 1e-5
        session = onnxruntime.InferenceSession(network.onnx_model(weights).SerializeToString())
        (name,) = (value.name for value in network.program.inputs)
        assert difference(session.run(None, {name: x})[0], expected) <= 1e-5

    def test_its_work_is_that_of_a_layer_with_its_own_weight(self, text: str, shape: str, bias: bool) -> None:
        own = text.replace(", tie = transpose(encode.weight)", "").replace(", tie = tokens.weight", "")
        costs = [load(spec.format(shape=shape), bias=bias, dims=None).cost() for spec in (text, own)]
        assert [costs[0].work.get(kind, 0) for kind in MAC_KINDS] == [costs[1].work.get(kind, 0) for kind in MAC_KINDS]
