"""Small specs that between them use every feature of the ONNX driver."""

import pytest

import archdsl

SPECS = {
    "cnn": """
        ## A residual network of any image size.
        block unit(out, stride = 1) [N, c, ...S] {
          add { conv(out, 3, stride, !bias) -> bn -> relu -> conv(out, 3) | conv(out, 1, stride) }
          relu
        }
        model cnn(classes = 10) {
          input image: f32[N, 3, H, W]
          conv(8, 7, stride = 2) -> bn -> relu -> max_pool(3, stride = 2, padding = 1)
          repeat 3 { unit(8) as stage }
          unit(16, stride = 2) -> dropout(0.5)
          global_avg_pool -> linear(classes)
          output logits
          output aux(train) = linear(3)
        }""",
    "dense": """
        block layer(k) { bn -> relu -> conv(k, 3) }
        model dense {
          input image: f32[N, 3, 16, 16]
          conv(6, 3)
          for i in 0..3 { concat { id | layer(4) } }
          concat { relu | concat { conv(2, 1) | conv(3, 1) } | id }
          output maps
        }""",
    "gpt": """
        block self_attention(heads) [N, T, d] => [N, T, d] {
          q, k, v = linear(3*d) -> split(3, axis = -1)
          [q, k, v] -> attention(heads, causal) -> linear(d)
        }
        block layer(heads) [N, T, d] => [N, T, d] {
          add { id | layer_norm -> self_attention(heads) }
          add { id | layer_norm -> linear(4*d) -> gelu -> linear(d) }
        }
        model gpt(d = 16) {
          input ids: i64[N, T]
          shared tokens = embedding(31, d)
          add { ids -> tokens | ids -> positions -> embedding(128, d) }
          repeat 2 { layer(4) as layer }
          layer_norm -> linear(31, !bias, tie = tokens.weight)
          output logits
        }""",
    "tied": """
        model tied {
          input v: f32[N, 12]
          linear(8) as encoder -> sigmoid
          output code
          linear(12, tie = transpose(encoder.weight)) -> sigmoid
          output reconstruction
        }""",
    "shared": """
        block unit(c) { linear(c) -> relu -> linear(c) }
        model twice {
          input x: f32[N, 6]
          shared e = unit(6)
          shared f = linear(6)
          x -> e -> relu -> f -> e
          repeat 2 { f -> unit(6) -> e }
          output y
        }""",
}


@pytest.fixture(params=SPECS)
def network(request: pytest.FixtureRequest) -> archdsl.Network:
    return archdsl.load(SPECS[request.param])


@pytest.fixture
def load():
    """A named spec of this file, or any text, as a network."""
    return lambda text, **parameters: archdsl.load(SPECS.get(text, text), **parameters)


@pytest.fixture
def specs() -> dict[str, str]:
    """The texts of the specs."""
    return SPECS
