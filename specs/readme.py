"""Writes README.md, the table of the specs: `python specs/readme.py`."""

from pathlib import Path

import archdsl

HERE = Path(__file__).parent

# spec, model, parameters, what the paper is, the parameter count it states ("" where it states none)
ROWS: list[tuple[str, str, dict[str, object], str, str]] = [
    ("lenet", "lenet5", {}, "LeCun et al., 1998", ""),
    ("autoencoder", "deep_autoencoder", {}, "Hinton & Salakhutdinov, 2006", ""),
    ("alexnet", "alexnet", {}, "Krizhevsky et al., 2012", "60M"),
    ("vgg", "vgg", {"config": "D"}, "Simonyan & Zisserman, 2014", "138M"),
    ("googlenet", "googlenet", {}, "Szegedy et al., 2014", ""),
    ("fitnet", "fitnet19", {}, "Romero et al., 2015", "2.5M"),
    ("highway", "highway19", {}, "Srivastava et al., 2015", "2.3M"),
    ("unet", "unet", {}, "Ronneberger et al., 2015 (two levels)", ""),
    ("resnet", "resnet", {"depth": 50}, "He et al., 2015", ""),
    ("resnet_cifar", "resnet_cifar", {"depth": 110}, "He et al., 2015", "1.7M"),
    ("resnet_cifar", "resnet_cifar", {"depth": 1202}, "He et al., 2015", "19.4M"),
    ("preact_resnet_cifar", "preact_resnet_cifar", {"depth": 164, "bottleneck": True}, "He et al., 2016", "1.7M"),
    ("densenet", "densenet", {"depth": 121}, "Huang et al., 2017", ""),
    ("densenet_cifar", "densenet_bc", {"depth": 100, "k": 12}, "Huang et al., 2017", "0.8M"),
    ("gpt", "gpt", {}, "Radford et al., 2019", ""),
    ("digits", "digits", {}, "Huang et al., 2017, made small", ""),
]

HEAD = """\
# Specs

Networks as their papers give them. Each file tests itself against the published figures: `archdsl test specs/*.arch`.
The counts below are computed; MACs are per sample, as a polynomial where the input's size is open. This table is
written by `python specs/readme.py`.

| Spec | Model | Paper | Parameters | Published | MACs | Input | Lines |
|---|---|---|--:|--:|--:|---|--:|
"""


def row(spec: str, model: str, parameters: dict[str, object], paper: str, published: str) -> str:
    """One line of the table."""
    path = HERE / f"{spec}.arch"
    network = archdsl.load(path, model, **parameters)
    cost = network.cost()
    chosen = " ".join(f"{name}={'true' if value is True else value}" for name, value in parameters.items())
    inputs = ", ".join(f"`{value.type}`" for value in network.program.inputs)
    macs = f"{cost.macs:,}" if isinstance(cost.macs, int) else f"`{cost.macs}`"
    lines = len(path.read_text(encoding="utf-8").splitlines())
    name = f"`{model} {chosen}`" if chosen else f"`{model}`"
    params = f"{cost.params:,}"
    return f"| [{spec}]({spec}.arch) | {name} | {paper} | {params} | {published} | {macs} | {inputs} | {lines} |"


def readme() -> str:
    """The whole file."""
    return HEAD + "".join(row(*entry) + "\n" for entry in ROWS)


if __name__ == "__main__":
    (HERE / "README.md").write_text(readme(), encoding="utf-8")
