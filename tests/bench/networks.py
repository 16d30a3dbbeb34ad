"""The networks that are measured, and their PyTorch source."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from measure import ROOT

import archdsl


@dataclass(frozen=True)
class Network:
    """A model of a spec, the shape of its input (a batch of one), and torchvision's name for it where it has one."""

    name: str
    target: str
    shape: tuple[int, ...] = (1, 3, 224, 224)
    parameters: dict[str, object] = field(default_factory=dict[str, object])
    torchvision: str = ""

    @property
    def arguments(self) -> list[str]:
        """The network as arguments of the command line."""
        given = [f"{name}={str(value).lower()}" for name, value in self.parameters.items()]
        return [f"specs/{self.target}", *(part for setting in given for part in ("-p", setting))]

    def load(self) -> archdsl.Network:
        path, _, model = self.target.partition(":")
        return archdsl.load(ROOT / "specs" / path, model or None, **self.parameters)

    def write_source(self, folder: Path) -> tuple[str, str]:
        """The network as one PyTorch file, `network.py` in `folder`: its path, and the name of its class."""
        source = self.load().torch_source()
        path = folder / "network.py"
        path.write_text(source, encoding="utf-8")
        return str(path), re.findall(r"^class (\w+)", source, re.MULTILINE)[-1]


CIFAR = (1, 3, 32, 32)

ALEXNET = Network("AlexNet", "alexnet.arch:alexnet_one_tower", torchvision="alexnet")
VGG16 = Network("VGG-16", "vgg.arch", torchvision="vgg16")
RESNET50 = Network("ResNet-50", "resnet.arch", parameters={"v1_5": True}, torchvision="resnet50")
DENSENET121 = Network("DenseNet-121", "densenet.arch", torchvision="densenet121")
BN_GOOGLENET = Network("GoogLeNet (BN)", "googlenet.arch:torchvision_googlenet", torchvision="googlenet")
GOOGLENET = Network("GoogLeNet", "googlenet.arch:googlenet")
DENSENET_BC = Network("DenseNet-BC-100-12", "densenet_cifar.arch:densenet_bc", CIFAR)
RESNET110 = Network("ResNet-110", "resnet_cifar.arch", CIFAR, {"depth": 110})
GPT = Network("GPT", "gpt.arch", (1, 128))
