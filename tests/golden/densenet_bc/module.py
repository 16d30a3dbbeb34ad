"""densenet_cifar: 71,686 parameters.

Written by archdsl from `densenet_cifar(depth=22, k=12, bottleneck=True,
compression=0.5, drop=0.0, classes=10, memory_efficient=False)`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DenseLayer(nn.Module):
    """BN-ReLU-Conv that adds `k` feature maps; `bottleneck` goes through 4k of them
    by a 1x1 convolution (DenseNet-B)."""

    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 4 * k, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * k)
        self.conv2 = nn.Conv2d(4 * k, k, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(F.relu(self.norm1(x)))
        return self.conv2(F.relu(self.norm2(x)))


class Transition(nn.Module):
    """Between dense blocks: keeps floor(compression * channels) of them and halves
    the image."""

    def __init__(self, c: int, compression: float = 1.0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(c)
        self.conv = nn.Conv2d(c, math.floor(compression * c), 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(F.relu(self.norm(x)))
        return F.avg_pool2d(x, 2)


class DenseBlock(nn.Module):
    """`n` layers of growth rate `k`, each fed everything before it."""

    def __init__(self, c: int, k: int) -> None:
        super().__init__()
        self.denselayer1 = DenseLayer(c, k)
        self.denselayer2 = DenseLayer(c + k, k)
        self.denselayer3 = DenseLayer(c + 2 * k, k)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat((x, self.denselayer1(x)), dim=1)
        x = torch.cat((x, self.denselayer2(x)), dim=1)
        return torch.cat((x, self.denselayer3(x)), dim=1)


class DenseNetCifar(nn.Module):
    """Three dense blocks of growth rate `k`. Half of the convolutions of a
    bottleneck layer are 1x1."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 24, 3, padding=1, bias=False)
        self.denseblock1 = DenseBlock(24, 12)
        self.transition1 = Transition(60, compression=0.5)
        self.denseblock2 = DenseBlock(30, 12)
        self.transition2 = Transition(66, compression=0.5)
        self.denseblock3 = DenseBlock(33, 12)
        self.batch_norm = nn.BatchNorm2d(69)
        self.classifier = nn.Linear(69, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv(image)  # [N, 24, 32, 32]
        x = self.denseblock1(x)  # [N, 60, 32, 32]
        x = self.transition1(x)  # [N, 30, 16, 16]
        x = self.denseblock2(x)  # [N, 66, 16, 16]
        x = self.transition2(x)  # [N, 33, 8, 8]
        x = F.relu(self.batch_norm(self.denseblock3(x)))  # [N, 69, 8, 8]
        return self.classifier(x.mean((2, 3)))  # [N, classes]
