"""gpt: 124,439,808 parameters.

Written by archdsl from `gpt(layers=12, d=768, heads=12, vocab=50257, context=1024)`.

It has an answer where T <= 1024.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attend(q, k, v, heads, is_causal=False):
    """Scaled dot-product attention, each head on its slice of the last axis."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    x = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal)
    return x.transpose(1, 2).flatten(2)


def positions(x):
    """0, 1, ... for each position along axis 1, as [1, T]."""
    return torch.arange(x.shape[1], device=x.device).unsqueeze(0)


class SelfAttention(nn.Module):
    def __init__(self, d: int, heads: int, std: float) -> None:
        super().__init__()
        self.heads = heads
        self.linear = nn.ModuleList([nn.Linear(d, 3 * d), nn.Linear(d, d)])
        nn.init.normal_(self.linear[0].weight, std=0.02)
        nn.init.zeros_(self.linear[0].bias)
        nn.init.normal_(self.linear[1].weight, std=std)
        nn.init.zeros_(self.linear[1].bias)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.linear[0](x).chunk(3, dim=-1)
        return self.linear[1](attend(q, k, v, self.heads, is_causal=True))


class Layer(nn.Module):
    """`std` is where what adds to the stream starts: less, the more layers there
    are."""

    def __init__(self, d: int, heads: int, std: float = 0.02) -> None:
        super().__init__()
        self.layer_norm = nn.ModuleList([nn.LayerNorm(d), nn.LayerNorm(d)])
        self.self_attention = SelfAttention(d, heads, std)
        self.linear = nn.ModuleList([nn.Linear(d, 4 * d), nn.Linear(4 * d, d)])
        nn.init.normal_(self.linear[0].weight, std=0.02)
        nn.init.zeros_(self.linear[0].bias)
        nn.init.normal_(self.linear[1].weight, std=std)
        nn.init.zeros_(self.linear[1].bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attention(self.layer_norm[0](x))  # [N, T, d]
        y = self.linear[0](self.layer_norm[1](x))  # [N, T, 4 * d]
        y = self.linear[1](F.gelu(y))  # [N, T, d]
        return x + y


class GPT(nn.Module):
    def __init__(
        self,
        layers: int = 12,
        d: int = 768,
        heads: int = 12,
        vocab: int = 50257,
        context: int = 1024,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab, d)
        nn.init.normal_(self.tokens.weight, std=0.02)
        self.embedding = nn.Embedding(context, d)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.layer = nn.Sequential(
            *[Layer(d, heads, std=0.02 / math.sqrt(2 * layers)) for _ in range(layers)]
        )
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.tokens(ids) + self.embedding(positions(ids))  # [N, T, d]
        x = self.layer_norm(self.layer(x))
        return F.linear(x, self.tokens.weight)  # [N, T, vocab]
