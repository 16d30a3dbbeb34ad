"""resnet: 25,557,032 parameters.

Written by archdsl from `resnet(depth=50, classes=1000, option=B, v1_5=False)`.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class Projected(nn.Sequential):
    def __init__(self, in_channels: int, out: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out, 1, stride=stride, bias=False),
            nn.BatchNorm2d(out),
        )


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 (figure 5, right). The paper strides in the first 1x1; v1.5
    strides in the 3x3."""

    def __init__(self, c: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c, width, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = (
            Projected(c, 4 * width, stride=stride)
            if c != 4 * width or stride != 1
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + self.downsample(x))


class ResNet(nn.Module):
    """Shortcuts where shapes change: option A pads with zeros, option B projects; a
    plain network has no shortcuts."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64), *[Bottleneck(256, 64) for _ in range(2)]
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2), *[Bottleneck(512, 128) for _ in range(3)]
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, stride=2), *[Bottleneck(1024, 256) for _ in range(5)]
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, 512, stride=2), *[Bottleneck(2048, 512) for _ in range(2)]
        )
        self.fc = nn.Linear(2048, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)))  # [N, 64, 112, 112]
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # [N, 64, 56, 56]
        x = self.layer1(x)  # [N, 256, 56, 56]
        x = self.layer2(x)  # [N, 512, 28, 28]
        x = self.layer3(x)  # [N, 1024, 14, 14]
        x = self.layer4(x).mean((2, 3))  # [N, 2048]
        return self.fc(x)  # [N, classes]
