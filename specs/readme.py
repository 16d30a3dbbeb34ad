"""Writes README.md, the tables of the specs: `python specs/readme.py`. With the names of Python files it prints how
many lines of code they hold, as `pytorch_files.csv` has them."""

import ast
import csv
import io
import sys
import tokenize
from pathlib import Path
from statistics import median

import archdsl

FOOT = """
(1) Without the scales and shifts of batch normalisation, as the spec's test shows. (2) Printed by Huang et al., 2017;
the layers do not add up to it. (3) As remembered; the paper keeps it for every depth. (4) As remembered; the
layers add up to 3.5M.

## Weights from torchvision

These take the `state_dict` of torchvision's networks, key for key. Save it with `safetensors.torch.save_file` for
`archdsl compile --weights`, or hand it to `Network.torch` as it is.

| torchvision | here |
|---|---|
| alexnet | `alexnet.arch:alexnet_one_tower` |
| vgg11, 13, 16, 19; with `_bn` | `vgg.arch -p config=A`, `B`, `D`, `E`; and `-p bn` |
| googlenet | `googlenet.arch:torchvision_googlenet -p aux` |
| resnet18, 34, 50, 101, 152 | `resnet.arch -p depth=50 -p v1_5` |
| resnext50_32x4d, resnext101_64x4d | `resnext.arch`, `resnext.arch -p depth=101 -p cardinality=64` |
| mobilenet_v2 | `mobilenet.arch:mobilenet_v2` |
| densenet121, 161, 169, 201 | `densenet.arch -p depth=121` |

Where names differ, `--keys` takes a key map (`archdsl explain E0815`):
[keys/densenet_files.keys](keys/densenet_files.keys) for the files that torchvision publishes for DenseNet, which are
older than its names, and [keys/googlenet_without_heads.keys](keys/googlenet_without_heads.keys) for GoogLeNet without
`aux`. torchvision's own GoogLeNet, when it loads its published weights, also rescales its input (`transform_input`); a
network here takes the image as its layers see it.
"""

LINES = """
## Lines

A spec beside a PyTorch file that people use for the same family: torchvision's where it has one. Lines are those that
hold code: no blank lines, no comments, no docstrings, and without torchvision's lists of pretrained weights. What else
a file holds is counted: a spec's tests, a PyTorch file's loading of weights or generation of text. The files and their
counts are kept in [pytorch_files.csv](pytorch_files.csv).

| Spec | Lines | PyTorch | File |
|---|--:|--:|---|
"""

HERE = Path(__file__).parent

# spec, model, parameters, what the paper is, the parameter count it states ("" where it states none)
ROWS: list[tuple[str, str, dict[str, object], str, str]] = [
    ("neuron", "perceptron", {}, "Rosenblatt, 1958", ""),
    ("neuron", "threshold_network", {}, "McCulloch & Pitts, 1943", ""),
    ("mlp", "sigmoid_mlp", {}, "Rumelhart et al., 1986", ""),
    ("mlp", "relu_mlp", {}, "Glorot et al., 2011", ""),
    ("digits1989", "digits1989", {}, "LeCun et al., 1989", ""),
    ("lstm", "lstm_layers", {}, "Hochreiter & Schmidhuber, 1997", ""),
    ("lstm", "stacked_lstm", {}, "Hochreiter & Schmidhuber, 1997", ""),
    ("lstm", "bidirectional_lstm", {}, "Hochreiter & Schmidhuber, 1997", ""),
    ("lstm", "sequence_classifier", {}, "Hochreiter & Schmidhuber, 1997", ""),
    ("lenet", "lenet5", {}, "LeCun et al., 1998", ""),
    ("belief_net", "rbm", {}, "Hinton et al., 2006", ""),
    ("belief_net", "belief_net", {}, "Hinton et al., 2006", ""),
    ("autoencoder", "deep_autoencoder", {}, "Hinton & Salakhutdinov, 2006", ""),
    ("alexnet", "alexnet", {}, "Krizhevsky et al., 2012", "60M"),
    ("alexnet", "alexnet_one_tower", {}, "Krizhevsky, 2014", ""),
    ("maxout", "maxout_cifar", {}, "Goodfellow et al., 2013", ""),
    ("zfnet", "zfnet", {}, "Zeiler & Fergus, 2013", ""),
    ("nin", "nin", {}, "Lin et al., 2013", ""),
    ("nin", "nin_imagenet", {}, "Lin et al., 2013 (Caffe model zoo)", ""),
    ("nin", "dsn", {}, "Lee et al., 2014", ""),
    ("vgg", "vgg", {"config": "D"}, "Simonyan & Zisserman, 2014", "138M"),
    ("googlenet", "googlenet", {}, "Szegedy et al., 2014", ""),
    ("googlenet", "googlenet", {"aux": True}, "Szegedy et al., 2014", ""),
    ("googlenet", "torchvision_googlenet", {}, "Szegedy et al., 2014 (torchvision)", ""),
    ("all_cnn", "all_cnn", {"base": "C"}, "Springenberg et al., 2014", ""),
    ("fitnet", "fitnet19", {}, "Romero et al., 2015", "2.5M"),
    ("bn_inception", "bn_inception", {}, "Ioffe & Szegedy, 2015", ""),
    ("dqn", "dqn", {}, "Mnih et al., 2015", ""),
    ("highway", "highway19", {}, "Srivastava et al., 2015", "2.3M"),
    ("translation", "translation", {}, "Luong et al., 2015", ""),
    ("translation", "translation_general", {}, "Luong et al., 2015", ""),
    ("unet", "unet", {}, "Ronneberger et al., 2015 (two levels)", ""),
    ("resnet", "resnet", {"depth": 34, "option": "plain"}, "He et al., 2015", ""),
    ("resnet", "resnet", {"depth": 34}, "He et al., 2015", ""),
    ("resnet", "resnet", {"depth": 50}, "He et al., 2015", ""),
    ("resnet", "resnet", {"depth": 152}, "He et al., 2015", ""),
    ("resnet_cifar", "resnet_cifar", {"depth": 110}, "He et al., 2015", "1.7M"),
    ("resnet_cifar", "resnet_cifar", {"depth": 1202}, "He et al., 2015", "19.4M"),
    ("deep_speech2", "deep_speech2", {}, "Amodei et al., 2015", "38M (3)"),
    ("identity_mappings", "identity_mappings", {"shortcut": "exclusive_gate"}, "He et al., 2016", ""),
    ("identity_mappings", "identity_mappings", {"shortcut": "both_halves"}, "He et al., 2016", ""),
    ("identity_mappings", "identity_mappings", {"order": "full"}, "He et al., 2016", "1.7M"),
    ("preact_resnet_cifar", "preact_resnet164", {}, "He et al., 2016", "1.7M"),
    ("preact_resnet_cifar", "preact_resnet1001", {}, "He et al., 2016", "10.2M (1)"),
    ("stochastic_depth", "stochastic_depth", {}, "Huang et al., 2016", "1.7M"),
    ("wide_resnet", "wide_resnet", {"depth": 16, "k": 8}, "Zagoruyko & Komodakis, 2016", "11.0M"),
    ("wide_resnet", "wide_resnet", {"depth": 28, "k": 10}, "Zagoruyko & Komodakis, 2016", "36.5M"),
    ("pilotnet", "pilotnet", {}, "Bojarski et al., 2016", ""),
    ("alphago", "alphago_policy", {}, "Silver et al., 2016", ""),
    ("prelu_net", "prelu_net", {}, "He et al., 2015", ""),
    ("fractalnet", "fractalnet", {}, "Larsson et al., 2017", "38.6M (2)"),
    ("fractalnet", "ultra_deep", {"c": 6}, "Larsson et al., 2017", ""),
    ("densenet", "densenet", {"depth": 121}, "Huang et al., 2017", ""),
    ("densenet_cifar", "densenet_bc", {"depth": 100, "k": 12}, "Huang et al., 2017", "0.8M"),
    ("senet", "se_resnet", {"depth": 50}, "Hu et al., 2018", ""),
    ("resnext", "resnext", {"depth": 50}, "Xie et al., 2017", "25.0M"),
    ("mobilenet", "mobilenet_v2", {}, "Sandler et al., 2018", "3.4M (4)"),
    ("mobilenet", "efficientnet_b0", {}, "Tan & Le, 2019", "5.3M"),
    ("gpt", "gpt", {}, "Radford et al., 2019", ""),
    ("vit", "vit", {}, "Dosovitskiy et al., 2021", ""),
    ("convnext", "convnext", {}, "Liu et al., 2022", "29M"),
    ("digits", "digits", {}, "Huang et al., 2017, made small", ""),
]

HEAD = """\
# Specs

Networks as their papers give them. Each file tests itself against the published figures: `archdsl test specs/*.arch`.
The counts below are computed; MACs are per sample, as a polynomial where the input's size is open. Lines are those of
the whole file, its tests included, without blank lines and comments. This page is written by `python specs/readme.py`.

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
    lines = spec_lines(spec)
    name = f"`{model} {chosen}`" if chosen else f"`{model}`"
    params = f"{cost.params:,}"
    return f"| [{spec}]({spec}.arch) | {name} | {paper} | {params} | {published} | {macs} | {inputs} | {lines} |"


def spec_lines(spec: str) -> int:
    """Lines of a spec that are neither blank nor comment."""
    lines = (HERE / f"{spec}.arch").read_text(encoding="utf-8").splitlines()
    return sum(not line.lstrip().startswith("#") for line in lines if line.strip())


def python_lines(text: str) -> int:
    """Lines of Python that hold code: not blank, no comment, no docstring, nor one of torchvision's classes that list
    pretrained weights."""
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and "WeightsEnum" in map(ast.unparse, node.bases):
            left_out.update(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            left_out.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.string.strip() and token.type != tokenize.COMMENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - left_out)


def lines_table() -> str:
    """The lines of each family beside those of PyTorch files for it, and the medians."""
    with open(HERE / "pytorch_files.csv", encoding="utf-8", newline="") as file:
        entries = list(csv.DictReader(file))
    rows: list[tuple[int, int]] = []
    text = ""
    for spec in dict.fromkeys(entry["spec"] for entry in entries):
        files = [entry for entry in entries if entry["spec"] == spec]
        ours, theirs = spec_lines(spec), sum(int(entry["lines"]) for entry in files)
        rows.append((ours, theirs))
        links = ", ".join(f"[{shown(entry['file'])}]({entry['file']})" for entry in files)
        text += f"| [{spec}]({spec}.arch) | {ours} | {theirs} | {links} |\n"
    ours, theirs = (f"{median(column):g}" for column in zip(*rows, strict=True))
    return f"{text}| **median of {len(rows)}** | **{ours}** | **{theirs}** | |\n"


def shown(address: str) -> str:
    """`karpathy/nanoGPT: model.py`."""
    repository, _, path = address.removeprefix("https://github.com/").partition("/blob/")
    return f"{repository}: {path.partition('/')[2]}"


def readme() -> str:
    """The whole file."""
    return HEAD + "".join(row(*entry) + "\n" for entry in ROWS) + FOOT + LINES + lines_table()


if __name__ == "__main__" and len(sys.argv) > 1:
    for name in sys.argv[1:]:
        print(python_lines(Path(name).read_text(encoding="utf-8")), name)
elif __name__ == "__main__":
    (HERE / "README.md").write_text(readme(), encoding="utf-8")
