"""resnet_cifar: 269,722 parameters.

Written by archdsl from `resnet_cifar(depth=20, option=A, classes=10)`.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class ConvBNReLU(nn.Module):
    """Convolution, batch normalisation, ReLU (Ioffe & Szegedy, 2015); batch norm's
    shift stands in for the bias."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out, 3, padding=1, bias=False)
        self.batch_norm = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.batch_norm(self.conv(x)))


class ZeroPadding(nn.Module):
    """Option A of He et al. (2015): every stride-th element, and zeros for the new
    channels. No parameters."""

    def __init__(self, c: int, out: int) -> None:
        super().__init__()
        self.out = out
        self.c = c

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 1, stride=2)
        return F.pad(x, (0, 0, 0, 0, 0, self.out - self.c))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al., 2015, figure 5 left)."""

    def __init__(self, c: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c, out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = (
            ZeroPadding(c, out) if c != out or stride != 1 else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.shortcut(x))


class ResNetCifar(nn.Module):
    """Shortcuts: option A pads with zeros, as in the paper; option B projects."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBNReLU(3, 16)
        self.layer1 = nn.Sequential(*[BasicBlock(16, 16) for _ in range(3)])
        self.layer2 = nn.Sequential(
            BasicBlock(16, 32, stride=2), *[BasicBlock(32, 32) for _ in range(2)]
        )
        self.layer3 = nn.Sequential(
            BasicBlock(32, 64, stride=2), *[BasicBlock(64, 64) for _ in range(2)]
        )
        self.fc = nn.Linear(64, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv_bn_relu(image)  # [N, 16, 32, 32]
        x = self.layer1(x)
        x = self.layer2(x)  # [N, 32, 16, 16]
        x = self.layer3(x).mean((2, 3))  # [N, 64]
        return self.fc(x)  # [N, classes]
