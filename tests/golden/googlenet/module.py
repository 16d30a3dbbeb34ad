"""googlenet: 13,378,280 parameters.

Written by archdsl from `googlenet(classes=1000, aux=True, five=5, bn=False)`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Unit(nn.Module):
    def __init__(
        self, in_channels: int, out: int, kernel: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out, kernel, stride=stride, padding=kernel // 2
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))


class Inception(nn.Module):
    """Figure 2b. `five` is the side of the largest window."""

    def __init__(
        self,
        in_channels: int,
        c1: int,
        r3: int,
        c3: int,
        r5: int,
        c5: int,
        pool: int,
        five: int,
    ) -> None:
        super().__init__()
        self.branch1 = Unit(in_channels, c1, 1)
        self.branch2 = nn.Sequential(Unit(in_channels, r3, 1), Unit(r3, c3, 3))
        self.branch3 = nn.Sequential(Unit(in_channels, r5, 1), Unit(r5, c5, five))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
            Unit(in_channels, pool, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            (self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)), dim=1
        )


class Head(nn.Module):
    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.conv = Unit(in_channels, 128, 1)
        self.fc1 = nn.Linear(2048, 1024)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 5, stride=3)
        x = self.conv(x).flatten(1)
        x = self.dropout(F.relu(self.fc1(x)))
        return self.fc2(x)


class GoogLeNet(nn.Module):
    """`aux` adds the heads; `five = 3` puts 3x3 windows for the 5x5."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = Unit(3, 64, 7, stride=2)
        self.conv2 = Unit(64, 64, 1)
        self.conv3 = Unit(64, 192, 3)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32, 5)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64, 5)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64, 5)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64, 5)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64, 5)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64, 5)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128, 5)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128, 5)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128, 5)
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(1024, classes)
        self.aux1 = Head(512, classes)
        self.aux2 = Head(528, classes)

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        x = F.max_pool2d(self.conv1(image), 3, stride=2, ceil_mode=True)
        x = self.conv2(F.local_response_norm(x, 5))  # [N, 64, 56, 56]
        x = F.local_response_norm(self.conv3(x), 5)  # [N, 192, 56, 56]
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)  # [N, 192, 28, 28]
        x = self.inception3a(x)  # [N, 256, 28, 28]
        x = F.max_pool2d(self.inception3b(x), 3, stride=2, ceil_mode=True)
        inception4a = self.inception4a(x)  # [N, 512, 14, 14]
        x = self.inception4b(inception4a)
        x = self.inception4c(x)
        inception4d = self.inception4d(x)  # [N, 528, 14, 14]
        x = F.max_pool2d(self.inception4e(inception4d), 3, stride=2, ceil_mode=True)
        x = self.inception5a(x)  # [N, 832, 7, 7]
        x = self.dropout(self.inception5b(x).mean((2, 3)))  # [N, 1024]
        logits = self.fc(x)  # [N, classes]
        if self.training:
            aux1 = self.aux1(inception4a)
            aux2 = self.aux2(inception4d)
            return logits, aux1, aux2
        return logits
