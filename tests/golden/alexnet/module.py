"""alexnet: 60,965,224 parameters.

Written by archdsl from `alexnet(classes=1000)`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Stream1(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.ModuleList(
            [
                nn.Conv2d(3, 48, 11, stride=4, padding=2),
                nn.Conv2d(48, 128, 5, padding=2),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.local_response_norm(F.relu(self.conv[0](x)), 5, alpha=0.0005, k=2.0)
        x = F.max_pool2d(x, 3, stride=2)  # [N, 48, 27, 27]
        x = F.local_response_norm(F.relu(self.conv[1](x)), 5, alpha=0.0005, k=2.0)
        return F.max_pool2d(x, 3, stride=2)  # [N, 128, 13, 13]


class Stream2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.ModuleList(
            [nn.Conv2d(192, 192, 3, padding=1), nn.Conv2d(192, 128, 3, padding=1)]
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv[0](x))
        return F.max_pool2d(F.relu(self.conv[1](x)), 3, stride=2)


class Classifier(nn.Module):
    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.dropout = nn.ModuleList([nn.Dropout(0.5), nn.Dropout(0.5)])
        self.linear = nn.ModuleList(
            [
                nn.Linear(36 * in_channels, 4096),
                nn.Linear(4096, 4096),
                nn.Linear(4096, classes),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear[0](self.dropout[0](x.flatten(1)))  # [N, 4096]
        x = self.linear[1](self.dropout[1](F.relu(x)))
        return self.linear[2](F.relu(x))  # [N, classes]


class AlexNet(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.top1 = Stream1()
        self.bottom1 = Stream1()
        self.conv = nn.ModuleList(
            [nn.Conv2d(256, 192, 3, padding=1), nn.Conv2d(256, 192, 3, padding=1)]
        )
        self.stream2 = nn.ModuleList([Stream2(), Stream2()])
        self.classifier = Classifier(256, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.cat((self.top1(image), self.bottom1(image)), dim=1)
        y = F.relu(self.conv[0](x))  # [N, 192, 13, 13]
        top = self.stream2[0](y)  # [N, 128, 6, 6]
        x = F.relu(self.conv[1](x))  # [N, 192, 13, 13]
        bottom = self.stream2[1](x)  # [N, 128, 6, 6]
        return self.classifier(torch.cat((top, bottom), dim=1))  # [N, classes]
