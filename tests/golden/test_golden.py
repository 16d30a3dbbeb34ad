"""What the compiler makes of some specs, word for word: a change of output is a diff to read in the same commit.

`pytest tests/golden --update-golden` writes the files anew.
"""

from pathlib import Path

import onnx
import pytest

import archdsl
from archdsl.backends.onnx.graph import build
from archdsl.diagnostics.model import Sink
from archdsl.ir.lowering import DEFAULT_OPSET
from archdsl.ir.printer import print_program
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.syntax.dump import dump
from archdsl.syntax.parser import parse

HERE = Path(__file__).parent
SPECS = HERE.parent.parent / "specs"

CASES: dict[str, tuple[str, str | None, dict[str, object]]] = {
    "alexnet": ("alexnet", "alexnet", {}),
    "autoencoder": ("autoencoder", None, {}),
    "densenet_bc": ("densenet_cifar", "densenet_bc", {"depth": 22}),
    "googlenet": ("googlenet", "googlenet", {"aux": True}),
    "gpt": ("gpt", None, {}),
    "lenet5": ("lenet", "lenet5", {}),
    "resnet50": ("resnet", None, {"depth": 50}),
    "resnet_cifar20": ("resnet_cifar", None, {"depth": 20}),
    "unet": ("unet", None, {}),
}
"""Folder -> spec, model, parameters."""


def syntax_tree(spec: str, net: archdsl.Network) -> str:
    sink = Sink()
    tree = parse(Source(f"{spec}.arch", (SPECS / f"{spec}.arch").read_text(encoding="utf-8")), sink, Limits())
    assert tree is not None
    assert not sink.found
    return dump(tree)


def onnx_text(spec: str, net: archdsl.Network) -> str:
    """The graph and its functions without weights and metadata."""
    model = build(net.program, onnx, DEFAULT_OPSET, "f32", True, Limits()).model
    return "\n".join(onnx.printer.to_text(part) for part in (model.graph, *model.functions))


ARTEFACTS = {
    "ast.txt": syntax_tree,
    "ir.txt": lambda spec, net: print_program(net.program),
    "count.txt": lambda spec, net: net.table(2),
    "module.py": lambda spec, net: net.torch_source(),
    "onnx.txt": onnx_text,
}
"""File -> what writes it, from the spec's name and the network."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ARTEFACTS)
def test_the_output_is_the_golden_file(case: str, name: str, update_golden: bool) -> None:
    spec, model, arguments = CASES[case]
    net = archdsl.load(SPECS / f"{spec}.arch", model, **arguments)
    found = ARTEFACTS[name](spec, net).rstrip("\n") + "\n"
    path = HERE / case / name
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert path.is_file(), f"there is no {path}: run pytest tests/golden --update-golden"
    assert found == path.read_text(encoding="utf-8")


def test_every_golden_file_has_a_case() -> None:
    files = {(path.parent.name, path.name) for path in HERE.glob("*/*") if path.parent.name != "__pycache__"}
    assert files == {(case, name) for case in CASES for name in ARTEFACTS}
