"""Recurrent networks learn what needs a memory, from the loss that each was made for."""

import pytest
import torch
from torch.nn import functional
from zoo_specs import program

from archdsl.backends.torch.build import build_module


def descend(module: torch.nn.Module, steps: int, loss, rate: float) -> list[float]:
    """The losses of some steps of Adam."""
    optimiser = torch.optim.Adam(module.train().parameters(), rate)
    losses: list[float] = []
    for _ in range(steps):
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return losses


@pytest.mark.parametrize(("reads", "bidirectional"), [("last", False), ("last", True), ("mean", False)])
def test_the_classifier_remembers_the_first_token_to_the_end(reads: str, bidirectional: bool) -> None:
    torch.manual_seed(0)
    sizes: dict[str, object] = {"vocab": 4, "d": 8, "hidden": 32, "classes": 4}
    net = program("lstm", "sequence_classifier", reads=reads, bidirectional=bidirectional, **sizes)
    module = build_module(net)

    def batch(samples: int) -> torch.Tensor:
        return torch.randint(0, 4, (samples, 6))

    def loss() -> torch.Tensor:
        tokens = batch(32)
        return functional.cross_entropy(module(tokens), tokens[:, 0])

    descend(module, 300, loss, 0.01)
    fresh = batch(200)
    with torch.no_grad():
        right = (module.eval()(fresh).argmax(1) == fresh[:, 0]).float().mean()
    assert right > 0.95


@pytest.mark.parametrize("score", ["dot", "general", "concat"])
def test_translation_learns_to_write_a_sentence_backwards(score: str) -> None:
    torch.manual_seed(0)
    net = program("translation", "translation", vocab=8, d=24, layers=1, score=score)
    module = build_module(net)

    def sentences() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        source = torch.randint(1, 8, (32, 5))
        wanted = source.flip(1)
        return source, functional.pad(wanted, (1, 0))[:, :-1], wanted

    def loss() -> torch.Tensor:
        source, given, wanted = sentences()
        return functional.cross_entropy(module(source, given).flatten(0, 1), wanted.flatten())

    descend(module, 200, loss, 0.02)
    source, given, wanted = sentences()
    with torch.no_grad():
        assert (module.eval()(source, given).argmax(-1) == wanted).float().mean() > 0.9


def test_deep_speech_2_learns_two_utterances_by_ctc() -> None:
    torch.manual_seed(0)
    module = build_module(program("deep_speech2", "deep_speech2", convs=1, rnns=2, hidden=16, characters=5))
    spectrograms, text = torch.randn(2, 1, 161, 24), torch.tensor([[1, 2, 3], [4, 1, 2]])

    def loss() -> torch.Tensor:
        frames = module(spectrograms).transpose(0, 1)
        return functional.ctc_loss(frames, text, torch.full((2,), frames.shape[0]), torch.full((2,), 3))

    losses = descend(module, 60, loss, 0.01)
    assert losses[-1] < 0.1 * losses[0]
    best = module(spectrograms).argmax(-1)
    read = [[int(c) for c in torch.unique_consecutive(row) if c] for row in best]
    assert read == text.tolist()
