"""Programs for the tests of the PyTorch backend: from spec text, or from the repository's specs."""

from pathlib import Path
from typing import Any

import torch

from archdsl import api
from archdsl.diagnostics.model import Sink
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.types.dims import substitute, symbols

SPECS = Path(__file__).parents[3] / "specs"

INSTANCES: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("alexnet", None, {}),
    ("autoencoder", None, {}),
    ("densenet", None, {}),
    ("densenet", None, {"drop": 0.2}),
    ("densenet_cifar", None, {}),
    ("digits", None, {}),
    ("fitnet", None, {}),
    ("googlenet", None, {}),
    ("googlenet", None, {"aux": True}),
    ("gpt", None, {"layers": 2, "d": 32, "heads": 4, "vocab": 50, "context": 16}),
    ("highway", None, {}),
    ("lenet", None, {}),
    ("preact_resnet_cifar", None, {"depth": 20}),
    ("resnet", None, {"depth": 18}),
    ("resnet", None, {"depth": 50}),
    ("resnet", None, {"depth": 50, "v1_5": True}),
    ("resnet_cifar", None, {"depth": 20}),
    ("resnet_cifar", None, {"depth": 32, "option": "B"}),
    ("unet", None, {"base": 8}),
    ("vgg", None, {"config": "A", "bn": True}),
)
"""Specs of the repository under settings small enough to run."""

TEXTS = {
    "a repeat with two convolutions of one name": """
        model m() { input x: f32[N, 4, 6, 6]
          conv(4, 3) -> relu
          repeat 3 { conv(4, 1) -> bn -> relu -> conv(4, 3) }
          conv(8, 1)
          output y }""",
    "a repeat in a repeat": """
        model m() { input x: f32[N, 4, 6, 6]
          repeat 2 { conv(4, 1) ; repeat 3 { conv(4, 3) -> bn } ; relu }
          output y }""",
    "a repeat that also reads an earlier value": """
        model m() { input x: f32[N, 4, 6, 6]
          conv(4, 3) as stem
          repeat 3 { add { conv(4, 3) | stem -> relu } }
          output y }""",
    "a repeat whose input is needed again": """
        model m() { input x: f32[N, 4, 6, 6]
          conv(4, 3) as stem
          repeat 3 { conv(4, 3) -> relu }
          [id, stem] -> add
          output y }""",
    "a loop over layers of growing width": """
        block grow(k) { concat { id | bn -> relu -> conv(k, 3) } }
        model m() { input x: f32[N, 4, 6, 6]
          for i in 0..5 { grow(3) }
          output y }""",
    "a loop of unrolled operators": """
        model m() { input x: f32[N, 3, 6, 6]
          for i in 0..4 { conv(4 * (i + 1), 3) -> bn -> relu }
          output y }""",
    "a loop in a loop of unrolled operators": """
        model m() { input x: f32[N, 3, 16, 16]
          for i in 0..3 { for j in 0..2 { conv(8, 3) -> relu } ; max_pool(2) }
          output y }""",
    "specialisations that differ in numbers and in how often they loop": """
        block grow(k, n) [N, c, ...S] { for i in 0..n { concat { id | conv(k, 3) -> relu } } }
        model m() { input x: f32[N, 4, 6, 6]
          grow(2, 3) -> grow(3, 5) -> grow(4, 2)
          output y }""",
    "numbered labels": """
        block layer(k) { bn -> relu -> conv(k, 3) }
        block dense(k, n) { for i in 0..n { concat { id | layer(k) as "layer{i+1}" } } }
        model m() { input x: f32[N, 4, 6, 6]
          dense(2, 4) -> dense(3, 6)
          output y }""",
    "a label that numbers a chain": """
        model m() { input x: f32[N, 3, 8, 8]
          conv(4, 3) as features -> bn as features -> relu as features -> max_pool(2) as features
          conv(5, 3) as features -> relu as features -> flatten -> linear(3)
          output y }""",
    "an optional projection": """
        block unit(out, stride = 1) [N, c, ...S] {
          add { conv(out, 3, stride) -> bn | if c != out or stride != 1 { conv(out, 1, stride) as shortcut } }
          relu
        }
        model m() { input x: f32[N, 4, 8, 8]
          unit(4) -> unit(8, 2) -> unit(8) -> unit(16, 2)
          output y }""",
    "an identity in some specialisations of a block": """
        block shortcut(out) [N, c, ...S] { if c != out { conv(out, 1) -> bn } }
        block unit(out) { add { conv(out, 3) | shortcut(out) } }
        model m() { input x: f32[N, 4, 8, 8]
          unit(4) -> unit(8) -> unit(8) -> unit(6)
          output y }""",
    "bodies in braces": """
        block residual2(body: block) { add { body | id } }
        model m() { input x: f32[N, 4, 8, 8]
          residual2 { conv(4, 3) -> relu }
          residual2 { conv(4, 3) -> relu }
          residual2 { conv(4, 1) -> bn }
          output y }""",
    "a body that is used twice": """
        block twice(body: block) { body -> body }
        model m() { input x: f32[N, 4, 8, 8]
          twice { conv(4, 3) -> relu }
          twice { conv(4, 1) -> bn }
          output y }""",
    "recursion": """
        block fractal(depth, out) {
          if depth == 1 { conv(out, 3) -> relu }
          else { mean { fractal(depth - 1, out) -> fractal(depth - 1, out) | conv(out, 3) -> relu } }
        }
        model m() { input x: f32[N, 3, 8, 8]
          fractal(3, 4)
          output y }""",
    "a shared block and a tied weight": """
        block encode(out) { linear(out) -> tanh }
        model m() { input a: f32[N, 6]
          input b: f32[N, 6]
          shared enc = encode(6)
          left = a -> enc
          right = b -> enc
          [left, right] -> mul -> linear(4) as down -> linear(6, tie = transpose(down.weight))
          output y }""",
    "numbers": """
        block clip(most: tensor) { min { conv(4, 1) | most } }
        block line(both, a, b) { c = constant(a); d = constant(b)
          if both { mul { conv(4, 1) | c } -> add { id | c } } else { mul { conv(4, 1) | c } -> add { id | d } } }
        model m() { input x: f32[N, 4, 6, 6]
          c = constant(0.5)
          line(true, 2, 3) -> line(false, 5, 7)
          repeat 2 { mul { conv(4, 3) | c } -> sub { constant(1) | id } }
          clip(c) -> max { constant(-1) | id | constant(-2) }
          [id, c] -> add
          output y
          output z = constant(3) }""",
    "several outputs and inputs": """
        model m() { input a: f32[N, 6]
          input b: f32[N, 6]
          s = [a, b] -> add
          d = [a, b] -> sub
          output s
          output d
          output p = [s, d] -> mul -> linear(2) }""",
    "outputs of training": """
        model m() { input x: f32[N, 6]
          linear(8) as hidden -> relu
          output aux(train) = hidden -> linear(3)
          linear(4)
          output y }""",
    "names that Python or the code needs": """
        model m() { input input_: f32[N, 6]
          lambda = linear(6) -> relu
          self = lambda -> linear(6)
          torch = [lambda, self] -> add
          x = [torch, lambda] -> mul
          l = [x, self] -> sub
          nn = [l, x] -> add
          F = [nn, l] -> mul
          [F, nn, x] -> add
          output y }""",
    "learned tensors": """
        model m() { input x: f32[N, 4, 6, 6]
          scale as gain
          conv(4, 3, bias_init = -2.0) -> bn
          output y }""",
    "a block with several results": """
        block halves(c) [N, _] { linear(2 * c) -> split(2, axis = -1) }
        model m() { input x: f32[N, 6]
          a, b = halves(4)
          c, d = x -> halves(3)
          p = [a, b] -> mul -> linear(3)
          [[c, d] -> add, p] -> sub
          output y }""",
    "states that recurrent layers hand on, in a loop": """
        model m() { input x: f32[N, T, 4]
          input h: f32[1, N, 4]
          input c: f32[1, N, 4]
          [x, h, c]
          repeat 3 { lstm(4, states) }
          y, last, memory = id
          top, summary = [y, last] -> gru(4, states)
          output top ; output summary ; output memory }""",
    "recurrent layers of several widths": """
        block part(width, flag both) [N, T, d] { lstm(width, bidirectional = both, !bias) -> layer_norm }
        model m() { input x: f32[N, T, 6]
          part(4) -> part(3, both) -> part(5)
          y, h, c = lstm(3, 2, states)
          h -> transpose(0, 1) -> flatten -> linear(2)
          output z }""",
    "a recurrence without a weight for its input": """
        model m() { input x: f32[N, T, 6]
          for i in 0..2 { linear(5, !bias) -> rnn(5, bidirectional, skip_input) -> split(2, axis = -1) -> add }
          y, h = rnn(5, nonlinearity = relu, states)
          output y ; output h }""",
    "values called like the helpers and classes of the file": """
        block embed(d) [N, T] { positions = id -> positions ; positions -> embedding(9, d) }
        model m() { input ids: i64[N, T]
          Embed = embed(4)
          attend = Embed -> layer_norm
          [attend, Embed, Embed] -> attention(2) -> linear(2)
          output y }""",
    "parameters called like the classes of the file": """
        block Unit(Conv) { conv(Conv, 3) }
        block stage(Unit_, layer, i) {
          for k in 0..i { Unit(Unit_) -> relu }
          repeat layer { conv(Unit_, 1) -> relu -> conv(Unit_, 3) }
        }
        model m() { input x: f32[N, 3, 6, 6]
          stage(4, 2, 3) -> stage(5, 3, 2)
          output y }""",
    "a learned tensor of its own": """
        model m() { input x: f32[N, 5, 4]
          p = param([1, 5, 4])
          q = param([1, 1, 4])
          [[x, p] -> add, q] -> mul -> linear(2)
          output y }""",
    "a swap that a loop carries": """
        model m() { input a: f32[N, 4]
          input b: f32[N, 4]
          [a, b]
          repeat 3 { p, q = id ; r = p -> linear(4) ; [q, r] }
          add
          output y }""",
    "a block whose parts are numbered": """
        block head(out) { conv(out, 1) as "0" -> relu as "1" -> flatten as "2" -> linear(out) as "3" }
        model m() { input x: f32[N, 3, 4, 4]
          left = x -> head(4)
          right = x -> head(5)
          [left, right] -> concat
          output y }""",
    "a tuple that a block ignores": """
        block row(t: tensor) { t -> conv(2, 1) }
        block named(x: tensor, y: tensor) { [y, x] -> add -> conv(2, 1) }
        model m() { input x: f32[N, 6, 4, 4]
          a, b, c = split(3)
          d = [a, b] -> row(a)
          e = [a, b, c] -> named(b, d)
          f = [a, e] -> named(a, b)
          [d, e, f] -> concat
          output y }""",
    "conditions that nest": """
        block unit(out, act) { conv(out, 3, 2) ; if act { relu } }
        block shrink(out, steps) [N, c, ...S] {
          for k in 0..steps { unit(out if k == steps - 1 else c, k < steps - 1) as "{k}" }
        }
        model m() { input x: f32[N, 1, 16, 16]
          input y: f32[N, 2, 16, 16]
          a = y -> shrink(4, 1) -> flatten
          b = x -> shrink(8, 3) -> flatten
          c = y -> shrink(8, 2) -> flatten
          [a, b, c] -> concat
          output z }""",
    "sizes from shapes": """
        model m() { input x: f32[N, 4, H, W]
          conv(8, 3, stride = 2)
          reshape([N, 8, -1])
          output y }""",
}
"""Small specs, each with something that the generated code must get right."""


def from_spec(name: str, model: str | None = None, **parameters: Any) -> Program:
    """One instance of a spec of the repository, of its first model unless one is named."""
    path = SPECS / f"{name}.arch"
    if model is None:
        model = next(iter(api.load_module(str(path), Sink(), Limits()).models))
    return api.load(path, model, **parameters).program


def from_text(text: str, **parameters: Any) -> Program:
    """One instance of the only model of a text."""
    return api.load(text + "\n", **parameters).program


def inputs(program: Program, *, batch: int = 2, symbol: int = 3, seed: int = 0) -> list[torch.Tensor]:
    """Random inputs: the batch symbol is `batch`, other symbols are `symbol`; whole numbers are 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    values = {name: symbol for value in program.inputs for name in _symbols(value.type.dims)}
    if program.batch_symbol:
        values[program.batch_symbol] = batch
    found: list[torch.Tensor] = []
    for value in program.inputs:
        shape = [int(substitute(dim, values)) for dim in value.type.dims]  # type: ignore[arg-type]
        if value.type.dtype == "f32":
            found.append(torch.randn(shape, generator=generator))
        else:
            found.append(torch.randint(0, 2, shape, generator=generator))
    return found


def _symbols(dims: tuple[Any, ...]) -> set[str]:
    return set().union(*(symbols(dim) for dim in dims))
