"""unet: 1,863,042 parameters.

Written by archdsl from `unet(base=64, classes=2)`.

It trains where H*N*W >= 2.
"""

import torch
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


class DoubleConv(nn.Module):
    """Two 3x3 convolutions, each normalised: the stage of a U-Net (Ronneberger et
    al., 2015)."""

    def __init__(self, in_channels: int, out: int) -> None:
        super().__init__()
        self.conv_bn_relu = nn.Sequential(
            ConvBNReLU(in_channels, out), ConvBNReLU(out, out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_bn_relu(x)


class UNet(nn.Module):
    def __init__(self, base: int = 64, classes: int = 2) -> None:
        super().__init__()
        self.d1 = DoubleConv(1, base)
        self.d2 = DoubleConv(base, 2 * base)
        self.double_conv = nn.ModuleList(
            [
                DoubleConv(2 * base, 4 * base),
                DoubleConv(4 * base, 2 * base),
                DoubleConv(2 * base, base),
            ]
        )
        self.conv_transpose = nn.ModuleList(
            [
                nn.ConvTranspose2d(4 * base, 2 * base, 2, stride=2),
                nn.ConvTranspose2d(2 * base, base, 2, stride=2),
            ]
        )
        self.conv = nn.Conv2d(base, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        d1 = self.d1(image)  # [N, base, 4*H, 4*W]
        x = F.max_pool2d(d1, 2)  # [N, base, 2*H, 2*W]
        d2 = self.d2(x)  # [N, 2 * base, 2*H, 2*W]
        x = F.max_pool2d(d2, 2)  # [N, 2 * base, H, W]
        x = self.double_conv[0](x)  # [N, 4 * base, H, W]
        x = self.conv_transpose[0](x)  # [N, 2 * base, 2*H, 2*W]
        x = self.double_conv[1](torch.cat((x, d2), dim=1))
        x = self.conv_transpose[1](x)  # [N, base, 4*H, 4*W]
        x = self.double_conv[2](torch.cat((x, d1), dim=1))
        return self.conv(x)  # [N, classes, 4*H, 4*W]
