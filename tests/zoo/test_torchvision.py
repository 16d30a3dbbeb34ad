"""torchvision's weights, key for key, give torchvision's outputs: in PyTorch, and through safetensors in ONNX.

Nothing is downloaded: the weights are random, with batch statistics that no two layers share."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import save_file
from zoo_specs import ROOT

import archdsl

SAME, ENGINES = 1e-6, 1e-5
"""Largest max|d| / max|reference| between two PyTorch modules, and between engines."""


def torchvision_models() -> Any:
    """`torchvision.models`. Its compiled operators, none of which these networks use, do not load beside a PyTorch of
    another build; the rest does once the two operators that the import looks for are declared. PyTorch takes a
    declaration once a process, and a fixture of a module is set up again whenever other tests came between."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        pytest.skip("torchvision is not installed; the Makefile says how it is")
    try:
        torch.ops.load_library(Path(found.origin).with_name("_C.so"))
    except OSError:
        for name in ("nms", "qnms"):
            if not hasattr(torch.ops.torchvision, name):
                torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float threshold) -> Tensor")
    from torchvision import models

    return models


@pytest.fixture(scope="module")
def models() -> Any:
    return torchvision_models()


def test_torchvision_is_there_as_often_as_it_is_asked_for(models: Any) -> None:
    assert torchvision_models() is models


def theirs(models: Any, name: str) -> Any:
    """One of torchvision's networks in evaluation mode. It is made without memory first, as filling it with
    torchvision's own initial values takes longer than running it."""
    options = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        module = getattr(models, name)(weights=None, **options)
    module = module.to_empty(device="cpu").eval()
    random = torch.Generator().manual_seed(5)
    for path, tensor in module.state_dict().items():
        if path.endswith("num_batches_tracked"):
            tensor.fill_(3)
        elif path.endswith("running_var"):
            tensor.uniform_(0.5, 2.0, generator=random)
        elif tensor.dim() > 1:
            bound = (6 / tensor[0].numel()) ** 0.5
            tensor.uniform_(-bound, bound, generator=random)
        elif path.endswith("weight"):
            tensor.uniform_(0.25, 0.75, generator=random)
        else:
            tensor.normal_(0, 0.2, generator=random)
    return module


def ours(spec: str, model: str | None, arguments: dict[str, object]) -> archdsl.Network:
    return archdsl.load(ROOT / "specs" / f"{spec}.arch", model, **arguments)


def empty(network: archdsl.Network) -> torch.nn.Module:
    with torch.device("meta"):
        module = network.torch()
    return module.to_empty(device="cpu").eval()


def image(size: int) -> torch.Tensor:
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(6))


def distance(found: Any, reference: Any) -> float:
    found, reference = numpy.asarray(found, numpy.float64), numpy.asarray(reference, numpy.float64)
    assert found.shape == reference.shape == (1, 1000)
    assert reference.std() > 1e-3 * numpy.abs(reference).max(), "an output that hardly depends on anything"
    return float(numpy.abs(found - reference).max() / numpy.abs(reference).max())


VGG = {11: "A", 13: "B", 16: "D", 19: "E"}
GOOGLENET: tuple[str, str, dict[str, object]] = ("googlenet", "torchvision_googlenet", {"aux": True})

NETWORKS: dict[str, tuple[tuple[str, str | None, dict[str, object]], int]] = {
    "alexnet": (("alexnet", "alexnet_one_tower", {}), 224),
    **{f"vgg{depth}": (("vgg", None, {"config": config}), 224) for depth, config in VGG.items()},
    **{f"vgg{depth}_bn": (("vgg", None, {"config": config, "bn": True}), 224) for depth, config in VGG.items()},
    "googlenet": (GOOGLENET, 96),
    **{f"resnet{d}": (("resnet", None, {"depth": d, "v1_5": True}), 96) for d in (18, 34, 50, 101, 152)},
    "resnext50_32x4d": (("resnext", None, {}), 96),
    "mobilenet_v2": (("mobilenet", "mobilenet_v2", {}), 96),
    **{f"densenet{d}": (("densenet", None, {"depth": d}), 96) for d in (121, 161, 169, 201)},
}
"""torchvision's name, our spec, and the side of the image: small where the network takes any."""


@pytest.mark.parametrize("name", NETWORKS)
def test_the_state_dict_of_torchvision_loads_strictly_and_gives_its_outputs(models: Any, name: str) -> None:
    where, size = NETWORKS[name]
    reference, module, x = theirs(models, name), empty(ours(*where)), image(size)
    module.load_state_dict(reference.state_dict(), strict=True)
    with torch.no_grad():
        assert distance(module(x), reference(x)) <= SAME


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet18", "resnet50", "densenet121"])
def test_the_state_dict_of_torchvision_reaches_onnx_through_safetensors(models: Any, name: str, tmp_path: Path) -> None:
    where, _ = NETWORKS[name]
    reference, x = theirs(models, name), image(224)
    save_file(reference.state_dict(), tmp_path / "weights.safetensors")
    with torch.no_grad():
        expected = reference.double()(x.double())
    (found,) = ours(*where).session(weights=tmp_path / "weights.safetensors").run(None, {"image": x.numpy()})
    assert distance(found, expected) <= ENGINES


def test_a_layer_that_torchvision_has_elsewhere_changes_the_output(models: Any) -> None:
    reference, x = theirs(models, "resnet18"), image(96)
    state = reference.state_dict()
    module = empty(ours("resnet", None, {"depth": 18}))
    key, other = "layer2.0.bn1.running_var", "layer2.0.bn2.running_var"
    module.load_state_dict({**state, key: state[other], other: state[key]})
    with torch.no_grad():
        assert distance(module(x), reference(x)) > 1000 * SAME


def test_the_files_that_torchvision_publishes_for_densenet_load_by_a_key_map(models: Any, tmp_path: Path) -> None:
    reference, x = theirs(models, "densenet121"), image(96)
    published = {
        path.replace(".norm1.", ".norm.1.")
        .replace(".norm2.", ".norm.2.")
        .replace(".conv1.", ".conv.1.")
        .replace(".conv2.", ".conv.2."): tensor
        for path, tensor in reference.state_dict().items()
        if not path.endswith("num_batches_tracked")  # these are older than the counter, too
    }

    class Published:
        """What torchvision takes for a download."""

        def get_state_dict(self, **_: object) -> dict[str, torch.Tensor]:
            return dict(published)

    loaded = models.densenet121(weights=None)
    models.densenet._load_state_dict(loaded, Published(), progress=False)
    save_file(published, tmp_path / "densenet121.safetensors")
    keys = ROOT / "specs" / "keys" / "densenet_files.keys"
    module = ours("densenet", None, {}).torch(tmp_path / "densenet121.safetensors", keys=keys).eval()
    with torch.no_grad():
        assert distance(module(x), loaded.eval()(x)) <= SAME


def test_googlenet_loads_without_its_heads_by_a_key_map(models: Any) -> None:
    reference, x = theirs(models, "googlenet"), image(96)
    keys = ROOT / "specs" / "keys" / "googlenet_without_heads.keys"
    network = ours("googlenet", "torchvision_googlenet", {})
    with pytest.raises(archdsl.ArchError, match=r"(?s)E0812.*`aux1.* -`"):
        network.torch(reference.state_dict())
    module = network.torch(reference.state_dict(), keys=keys).eval()
    with torch.no_grad():
        assert distance(module(x), reference(x)) <= SAME
