"""What other counters print for some of our networks, written to tests/analysis/counters.csv.

The suite holds our conventions to that file, so it needs none of these tools. To record it anew, in an environment of
its own: pip install torch==2.13.0 fvcore thop torchinfo, and without their dependencies ptflops and calflops; then
python tests/bench/record_counters.py.

The tools are shown our generated modules with functions replaced by modules (`nn.ReLU()` for `F.relu`), because that
is how the networks of published tables are written.
"""

import contextlib
import csv
import io
import logging
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn

import archdsl

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "tests" / "analysis" / "counters.csv"

CASES: list[tuple[str, str, dict[str, Any], dict[str, int]]] = [
    ("alexnet", "alexnet", {}, {}),
    ("densenet", "densenet", {"depth": 121}, {}),
    ("densenet_cifar", "densenet_bc", {"depth": 40}, {}),
    ("googlenet", "googlenet", {}, {}),
    ("gpt", "gpt", {"layers": 2, "d": 64, "heads": 4, "vocab": 100}, {"T": 16}),
    ("highway", "highway19", {}, {}),
    ("lenet", "lenet5", {}, {}),
    ("resnet", "resnet", {"depth": 50, "v1_5": True}, {}),
    ("resnet_cifar", "resnet_cifar", {"depth": 20}, {}),
    ("senet", "se_resnet", {}, {}),
    ("unet", "unet", {}, {"H": 8, "W": 8}),
    ("vgg", "vgg", {"config": "D"}, {}),
]
"""Spec, model, parameters, dimensions."""

MICRO = (
    "input x: f32[N, 3, 9, 7]; conv(4, 3) -> avg_pool(3, stride = 2) -> adaptive_avg_pool(2)",
    "input x: f32[N, 3, 8, 8]; conv(4, 3) -> leaky_relu -> elu -> gelu -> silu -> prelu(4) -> sigmoid",
    "input x: f32[N, 3, 8, 8]; conv(4, 3) -> relu6",
    "input x: f32[N, 6, 8]; conv(6, 3) -> group_norm(2) -> instance_norm -> layer_norm -> layer_norm(!affine)",
    "input x: f32[N, 5, 8]; linear(6) -> softmax -> log_softmax",
    "input x: f32[N, 3, 4, 5]; conv_transpose(4, 3, stride = 2, padding = 1, output_padding = 1)",
    'input x: f32[N, 3, 4, 5]; conv(2, 1) -> resize(2) -> resize(2, mode = "bilinear") -> resize(size = [9, 7])',
    "input x: f32[N, 5, 8]; self_attention(2) -> self_attention(1)",
    "input x: f32[N, 5, 8]; linear(8) as a -> transpose(1, 2) as b; [a, b] -> matmul",
    "input x: f32[N, 10, 64]; lstm(64, !bias)",
    "input x: f32[N, 5, 8]; lstm(6, layers = 2, bidirectional) -> gru(4, bidirectional) -> rnn(5, 2)",
    "input x: f32[N, 8, 6, 6]; conv(8, 3) -> local_response_norm(3) -> global_max_pool",
    "input x: f32[N, 4, 7, 9]; conv(4, 3) -> lp_pool(2, 2) -> lp_pool(3, [2, 3], stride = 1)",
    'input x: f32[N, 5, 8]; linear(4) as a; [x, a] -> einsum("nij,nik->njk")',
    'input x: f32[N, 37, 53]; linear(53) as a; [x, a] -> einsum("nid,njd->nij")',
    'input x: f32[N, 5, 8]; linear(6) as a; [a, a] -> einsum("nij,nij->nij")',
    'input x: f32[N, 5, 8]; linear(6) as a; [a, a] -> einsum("nij,nij->n")',
    'input x: f32[N, 5, 8]; linear(6) -> einsum("nij->nj")',
)
"""Bodies of models of one tensor."""

MODULES: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU, "softmax": nn.Softmax,
    "log_softmax": nn.LogSoftmax, "max_pool2d": nn.MaxPool2d, "avg_pool2d": nn.AvgPool2d, "interpolate": nn.Upsample,
    "boolean_dispatch": nn.MaxPool2d, "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d, "sigmoid": nn.Sigmoid,
    "local_response_norm": nn.LocalResponseNorm, "relu6": nn.ReLU6,
}  # fmt: skip
"""By the name of the function."""

UNSAID = ("inplace", "_stacklevel", "dtype", "return_indices", "antialias")


class Tools:
    """The tools, imported with stand-ins for what they import and do not need for this."""

    def __init__(self) -> None:
        logging.disable(logging.WARNING)
        import fvcore.nn
        import ptflops
        import thop
        import torchinfo

        for name in (
            "transformers",
            "accelerate",
            "accelerate.utils",
            "huggingface_hub",
            "huggingface_hub.utils",
            "timm",
        ):
            sys.modules.setdefault(name, StandIn(name))
        import calflops

        self.fvcore, self.ptflops, self.thop, self.torchinfo, self.calflops = (
            fvcore.nn, ptflops, thop, torchinfo, calflops,
        )  # fmt: skip

    def count(self, make: Callable[[], nn.Module], x: torch.Tensor) -> dict[str, int]:
        """What each prints for one model and input."""
        from torch.nn.attention import SDPBackend, sdpa_kernel
        from torch.utils.flop_counter import FlopCounterMode

        def ptflops(backend: str) -> float:
            model = make()
            (name,) = [node.name for node in model.graph.nodes if node.op == "placeholder"]
            shape = tuple(x.shape[1:])
            return self.ptflops.get_model_complexity_info(
                model, shape, as_strings=False, backend=backend, print_per_layer_stat=False, verbose=False,
                input_constructor=lambda _: {name: x},
            )[0]  # fmt: skip

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = {
                "fvcore": self.fvcore.FlopCountAnalysis(make(), (x,)).total(),
                "ptflops": ptflops("pytorch"),
                "ptflops-aten": ptflops("aten"),
                "thop": self.thop.profile(make(), (x,), verbose=False)[0],
                "torchinfo": self.torchinfo.summary(make(), input_data=[x], verbose=0, mode="eval").total_mult_adds,
                "calflops": self.calflops.calculate_flops(
                    make(), args=[x], print_results=False, print_detailed=False, output_as_string=False
                )[0],
            }
            with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
                make()(x)
            found["torch"] = counter.get_total_flops()
        return {name: int(value) for name, value in found.items()}


class StandIn(types.ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def einsum(pattern: str, *tensors: torch.Tensor) -> torch.Tensor:
    """By its name: tools put a function of their own there, which a traced network would go past."""
    return torch.einsum(pattern, *tensors)


def with_modules(model: nn.Module) -> fx.GraphModule:
    """The same network, with modules in place of the functions that have one."""
    traced = fx.symbolic_trace(model.eval())
    for number, node in enumerate(list(traced.graph.nodes)):
        if node.op == "call_function" and node.target.__name__ == "einsum":
            node.target = einsum
        made = _module(node, traced)
        if made is None:
            continue
        traced.add_submodule(f"made_{number}", made)
        with traced.graph.inserting_before(node):
            result = traced.graph.call_module(f"made_{number}", (node.args[0],))
            if node.op == "call_method" and not node.kwargs.get("keepdim"):
                result = traced.graph.call_method("flatten", (result, 1))
        node.replace_all_uses_with(result)
        traced.graph.erase_node(node)
    traced.recompile()
    return traced.eval()


def _module(node: fx.Node, traced: fx.GraphModule) -> nn.Module | None:
    name = getattr(node.target, "__name__", node.target)
    if node.op == "call_method" and name in ("mean", "amax") and node.args[1] == (2, 3):
        return nn.AdaptiveAvgPool2d(1) if name == "mean" else nn.AdaptiveMaxPool2d(1)
    if node.op != "call_function":
        return None
    if name == "linear" and node.args[1].op == "get_attr" and len(node.args) == 2:
        weight = traced.get_parameter(node.args[1].target)
        made = nn.Linear(*reversed(weight.shape), bias=False)
        made.weight = weight  # as implementations tie them
        return made
    if name not in MODULES:
        return None
    options = {key: value for key, value in node.kwargs.items() if key not in UNSAID and value is not None}
    if name in ("relu", "relu6", "silu"):
        options = {}
    return MODULES[name](*node.args[1:], **options)


def main() -> None:
    tools = Tools()
    rows: list[list[object]] = []
    networks = [
        (
            f"{spec}:{model}",
            parameters,
            dims,
            archdsl.load(ROOT / "specs" / f"{spec}.arch", model, dims=dims, **parameters),
        )
        for spec, model, parameters, dims in CASES
    ]
    networks += [(body, {}, {}, archdsl.load(f"model m {{ {body}; output y }}")) for body in MICRO]
    for name, parameters, dims, net in networks:
        (value,) = net.program.inputs
        shape = [dim if isinstance(dim, int) else 1 for dim in value.type.dims]
        x = torch.zeros(shape, dtype=torch.int64) if value.type.dtype == "i64" else torch.randn(shape)
        settings = " ".join(f"{key}={setting}" for key, setting in {**parameters, **dims}.items())
        for tool, figure in tools.count(lambda net=net: with_modules(net.torch()), x).items():
            rows.append([name, settings, tool, figure])
        print(name, settings, file=sys.stderr)
    with OUTPUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "settings", "tool", "figure"])
        writer.writerows(rows)


if __name__ == "__main__":
    library = torch.library.Library("torchvision", "DEF")  # ptflops imports torchvision where there is one
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    main()
