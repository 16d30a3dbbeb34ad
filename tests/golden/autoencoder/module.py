"""deep_autoencoder: 1,420,814 parameters.

Written by archdsl from `deep_autoencoder(widths=[1000, 500, 250, 30], pixels=784)`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TiedLinear(nn.Module):
    """A linear layer whose weight belongs to another module: it owns only its bias."""

    def __init__(self, in_features, out_features):
        super().__init__()
        bound = in_features**-0.5
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))

    def forward(self, x, weight):
        return F.linear(x, weight, self.bias)


class DeepAutoencoder(nn.Module):
    def __init__(self, pixels: int = 784) -> None:
        super().__init__()
        self.enc0 = nn.Linear(pixels, 1000)
        self.enc1 = nn.Linear(1000, 500)
        self.enc2 = nn.Linear(500, 250)
        self.enc3 = nn.Linear(250, 30)
        self.linear = nn.ModuleList(
            [
                TiedLinear(30, 250),
                TiedLinear(250, 500),
                TiedLinear(500, 1000),
                TiedLinear(1000, pixels),
            ]
        )

    def forward(self, v: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.sigmoid(self.enc0(v))  # [N, 1000]
        x = torch.sigmoid(self.enc1(x))  # [N, 500]
        x = torch.sigmoid(self.enc2(x))  # [N, 250]
        code = self.enc3(x)  # [N, 30]
        x = torch.sigmoid(self.linear[0](code, self.enc3.weight.t()))  # [N, 250]
        x = torch.sigmoid(self.linear[1](x, self.enc2.weight.t()))  # [N, 500]
        x = torch.sigmoid(self.linear[2](x, self.enc1.weight.t()))  # [N, 1000]
        reconstruction = torch.sigmoid(self.linear[3](x, self.enc0.weight.t()))
        return code, reconstruction
