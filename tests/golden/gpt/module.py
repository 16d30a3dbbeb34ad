"""gpt: 124,439,808 parameters.

Written by archdsl from `gpt(layers=12, d=768, heads=12, vocab=50257, context=1024)`.
"""

import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v, heads, is_causal=False):
    """Scaled dot-product attention, each head on its slice of the last axis."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    x = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal)
    return x.transpose(1, 2).flatten(2)


def positions(x):
    """0, 1, ... for each position along axis 1, as [1, T]."""
    return torch.arange(x.shape[1], device=x.device).unsqueeze(0)


class SelfAttention(nn.Module):
    """The block `self_attention(heads, std, causal)`."""

    def __init__(self):
        super().__init__()
        self.linear = nn.ModuleList([nn.Linear(768, 2304), nn.Linear(768, 768)])
        nn.init.normal_(self.linear[0].weight, std=0.02)
        nn.init.zeros_(self.linear[0].bias)
        nn.init.normal_(self.linear[1].weight, std=0.004082482904638631)
        nn.init.zeros_(self.linear[1].bias)

    def forward(self, x):
        q, k, v = self.linear[0](x).chunk(3, dim=-1)
        return self.linear[1](attend(q, k, v, 12, is_causal=True))


class Layer(nn.Module):
    """`std` is where what adds to the stream starts: less, the more layers there
    are."""

    def __init__(self):
        super().__init__()
        self.layer_norm = nn.ModuleList([nn.LayerNorm(768), nn.LayerNorm(768)])
        self.self_attention = SelfAttention()
        self.linear = nn.ModuleList([nn.Linear(768, 3072), nn.Linear(3072, 768)])
        nn.init.normal_(self.linear[0].weight, std=0.02)
        nn.init.zeros_(self.linear[0].bias)
        nn.init.normal_(self.linear[1].weight, std=0.004082482904638631)
        nn.init.zeros_(self.linear[1].bias)

    def forward(self, x):
        x = x + self.self_attention(self.layer_norm[0](x))  # [N, T, 768]
        y = self.linear[0](self.layer_norm[1](x))  # [N, T, 3072]
        y = self.linear[1](F.gelu(y))  # [N, T, 768]
        return x + y


class GPT(nn.Module):
    """The model `gpt(layers, d, heads, vocab, context)`."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(50257, 768)
        nn.init.normal_(self.tokens.weight, std=0.02)
        self.embedding = nn.Embedding(1024, 768)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.layer = nn.Sequential(*[Layer() for _ in range(12)])
        self.layer_norm = nn.LayerNorm(768)

    def forward(self, ids):
        x = self.tokens(ids) + self.embedding(positions(ids))  # [N, T, 768]
        x = self.layer_norm(self.layer(x))
        return F.linear(x, self.tokens.weight)  # [N, T, 50257]
