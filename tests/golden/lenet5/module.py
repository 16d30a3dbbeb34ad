"""lenet5: 60,000 parameters.

Written by archdsl from `lenet5()`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Subsample(nn.Module):
    """Averages 2x2 cells; each map has one trainable coefficient and one bias."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(c))
        self.bias = nn.Parameter(torch.zeros(1, c, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 2) * self.coefficient.view(-1, 1, 1) + self.bias
        return torch.tanh(x)


class LeNet5(nn.Module):
    """Ends at F6. The ten outputs are distances to fixed 7x12 bitmaps: 840
    constants, nothing that is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsample(6)
        self.c3 = nn.ModuleList(
            [
                nn.Conv2d(in_channels, 1, 5)
                for in_channels in (3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6)
            ]
        )
        self.s4 = Subsample(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.tanh(self.c1(image))  # [N, 6, 28, 28]
        s2 = self.s2(x)  # [N, 6, 14, 14]
        x = torch.cat(
            (
                self.c3[0](s2[:, [0, 1, 2]]),
                self.c3[1](s2[:, [1, 2, 3]]),
                self.c3[2](s2[:, [2, 3, 4]]),
                self.c3[3](s2[:, [3, 4, 5]]),
                self.c3[4](s2[:, [0, 4, 5]]),
                self.c3[5](s2[:, [0, 1, 5]]),
                self.c3[6](s2[:, [0, 1, 2, 3]]),
                self.c3[7](s2[:, [1, 2, 3, 4]]),
                self.c3[8](s2[:, [2, 3, 4, 5]]),
                self.c3[9](s2[:, [0, 3, 4, 5]]),
                self.c3[10](s2[:, [0, 1, 4, 5]]),
                self.c3[11](s2[:, [0, 1, 2, 5]]),
                self.c3[12](s2[:, [0, 1, 3, 4]]),
                self.c3[13](s2[:, [1, 2, 4, 5]]),
                self.c3[14](s2[:, [0, 2, 3, 5]]),
                self.c3[15](s2[:, [0, 1, 2, 3, 4, 5]]),
            ),
            dim=1,
        )
        x = self.s4(torch.tanh(x))  # [N, 16, 5, 5]
        x = torch.tanh(self.c5(x)).flatten(1)  # [N, 120]
        return torch.tanh(self.f6(x))  # [N, 84]
