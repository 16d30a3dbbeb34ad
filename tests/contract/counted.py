"""What is counted of a program, against PyTorch's own counter and an executor that carries the program out."""

from collections.abc import Hashable, Mapping
from functools import cache
from math import prod
from typing import Any

import torch
from brute_force import applications, count
from operations import singles, total_operations
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import flop_counter
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from zoo_specs import SIZES

import archdsl
from archdsl.analysis.cost import cost
from archdsl.analysis.training import TrainingModel
from archdsl.ir.flatten import weights
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.types.dims import Dim, substitute

DTYPES = {
    "f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16,
    "i64": torch.int64, "i32": torch.int32, "u8": torch.uint8, "bool": torch.bool,
}  # fmt: skip


def conv_backward_flop(
    grad: torch.Tensor, x: torch.Tensor, w: torch.Tensor, *rest: Any, out_val: object = None, **named: Any
) -> int:
    """PyTorch's own formula, which forgets the groups, where there is one group; else as many products as the forward
    pass for each gradient."""
    transposed, groups, wanted = rest[4], rest[6], rest[7]
    if groups == 1:
        return flop_counter.conv_backward_flop(grad, x, w, *rest, out_val=out_val, **named)
    return 2 * (x if transposed else grad).numel() * prod(w.shape[1:]) * sum(wanted[:2])


conv_backward_flop._get_raw = True  # pyright: ignore[reportFunctionMemberAccess]  # tensors, not their shapes


def samples(net: Program, sizes: Mapping[str, int] = SIZES) -> tuple[int, Mapping[str, int]]:
    """How many samples these sizes mean, and the sizes for one of them."""
    symbol = net.batch_symbol
    return (sizes[symbol], {**sizes, symbol: 1}) if symbol else (1, sizes)


def on_meta(net: Program, sizes: Mapping[str, int] = SIZES) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """The generated module and inputs for it, without memory. So a network of any size costs its calls only, and
    recurrent layers, whose kernel PyTorch's counter has no rule for, run as the products they are made of."""
    with torch.device("meta"):
        module = archdsl.Network(net, (), Limits()).torch()
        kinds = [value.type.substitute(sizes) for value in net.inputs]
        return module, [torch.zeros([int(n) for n in kind.dims], dtype=DTYPES[kind.dtype]) for kind in kinds]


Made = tuple[torch.Size, tuple[int, ...], torch.dtype]
"""A result without memory: its shape, its strides, its type."""


class Remembered(TorchDispatchMode):
    """What PyTorch says of the results of an operation on tensors without memory, asked once: most of its rules for
    shapes are Python, and the layers of a network, and networks among themselves, are much alike. The operations
    themselves are all made, and whoever counts them sees them all."""

    known: dict[Hashable, tuple[Made | None, ...]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        key = described((func, args, tuple(named.items()))) if gives_new_tensors(func) else None
        if key is None:
            return func(*args, **named)
        if key not in self.known:
            found = func(*args, **named)
            results = found if isinstance(found, (tuple, list)) else (found,)
            self.known[key] = tuple(x if x is None else (x.shape, x.stride(), x.dtype) for x in results)
            return found
        made = [x if x is None else torch.empty_strided(x[0], x[1], dtype=x[2], device="meta") for x in self.known[key]]
        return made[0] if len(func._schema.returns) == 1 else tuple(made)


@cache
def gives_new_tensors(func: Any) -> bool:
    """No view and no argument among its results, and no list or number. (What it writes into an argument, such as
    running statistics, goes nowhere: there is no memory.)"""
    returns = func._schema.returns
    return bool(returns) and all(each.alias_info is None and str(each.type) == "Tensor" for each in returns)


def described(given: Any) -> Hashable | None:
    """What decides about shapes in an argument; None where that is more than shapes: what is in memory."""
    if isinstance(given, torch.Tensor):
        return ("tensor", given.shape, given.stride(), given.dtype) if given.is_meta else None
    if isinstance(given, (tuple, list)):
        parts = tuple(described(each) for each in given)
        return None if None in parts else parts
    return (type(given), given)


def fixed(figure: Dim, sizes: Mapping[str, int]) -> int:
    found = substitute(figure, sizes)
    assert isinstance(found, int)
    return found


def freeze_statistics(module: torch.nn.Module) -> None:
    """Batch normalisation as at inference, with as many products: a single value has no variance to train with."""
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.eval()


def check_against_pytorch(
    net: Program, backward: bool = False, sizes: Mapping[str, int] = SIZES, products: bool = True
) -> None:
    """Parameters and buffers are those of the module and, where asked for, products those that PyTorch counts."""
    total = cost(net)
    module, inputs = on_meta(net, sizes)
    assert sum(parameter.numel() for parameter in module.parameters()) == total.params
    state = module.state_dict()  # without numbers that the spec holds
    statistics = [
        buffer.numel()
        for path, buffer in module.named_buffers()
        if path in state and not path.endswith("num_batches_tracked")
    ]
    assert sum(statistics) == total.buffers

    if not products:
        return
    heads = any(output.train for output in net.outputs)
    number, single = samples(net, sizes)
    grouped = {torch.ops.aten.convolution_backward: conv_backward_flop}
    counter = FlopCounterMode(display=False, custom_mapping=grouped)
    with sdpa_kernel(SDPBackend.MATH), Remembered(), counter:
        module.train(heads or backward)
        if not backward:
            freeze_statistics(module)
        result = module(*inputs)
        assert counter.get_total_flops() == 2 * number * fixed(total.macs, single)
        if backward:
            sum(out.sum() for out in (result if isinstance(result, tuple) else (result,))).backward()
            assert counter.get_total_flops() == 2 * fixed(TrainingModel(net).macs, sizes)


def check_against_the_executor(net: Program, sizes: Mapping[str, int] = SIZES) -> None:
    total = cost(net)
    _, sizes = samples(net, sizes)
    applied = applications(net, sizes)
    assert count(applied) == fixed(total.macs, sizes)
    assert total_operations(applied) == singles({kind: fixed(amount, sizes) for kind, amount in total.work.items()})
    stored = list(weights(net, Limits()))
    assert sum(weight.elements for _, weight in stored if weight.trainable) == total.params
    assert sum(weight.elements for _, weight in stored if weight.role == "statistic") == total.buffers
