"""The catalogue: every operator's name and the family that defines it.

The table is written out, so that listing and spell-checking names imports nothing, and naming `relu` imports
one file. A family module lists its classes in `OPERATORS`; a test checks that table and modules agree.
"""

from functools import cache
from importlib import import_module

from archdsl.ir.operator import Operator

FAMILIES: dict[str, tuple[str, ...]] = {
    "conv": ("conv", "conv_transpose"),
    "linear": ("linear", "embedding", "matmul"),
    "norm": (
        "batch_norm",
        "bn",
        "layer_norm",
        "rms_norm",
    ),
    "group_norm": ("group_norm", "instance_norm"),
    "response_norm": ("local_response_norm", "lrn"),
    "rectifier": ("relu", "relu6", "leaky_relu", "prelu", "elu", "selu"),
    "activation": (
        "gelu",
        "silu",
        "mish",
        "sigmoid",
        "tanh",
        "hard_sigmoid",
        "hard_swish",
        "softplus",
        "step",
        "glu",
    ),
    "softmax": ("softmax", "log_softmax"),
    "drop": ("dropout", "drop_path"),
    "pool": ("max_pool", "avg_pool", "lp_pool"),
    "global_pool": ("global_avg_pool", "global_max_pool", "adaptive_avg_pool"),
    "merge": ("id", "add", "sub", "mul", "div", "max", "min", "mean"),
    "concat": ("concat", "stack"),
    "join": ("join", "draw_column"),
    "attention": ("attention",),
    "recurrent": ("lstm", "gru", "rnn"),
    "take": ("split", "slice", "select"),
    "layout": ("flatten", "reshape", "transpose", "permute", "squeeze", "unsqueeze", "repeat_dim"),
    "rearrange": ("rearrange",),
    "einsum": ("einsum",),
    "resize": ("pad", "resize"),
    "reduce": ("reduce_mean", "reduce_sum", "reduce_max"),
    "learned": ("param", "scale", "positions"),
    "constant": ("constant",),
    "convert": ("cast", "detach"),
}
"""Family module -> names it defines, aliases included."""

_MODULES = {name: module for module, names in FAMILIES.items() for name in names}


def names() -> tuple[str, ...]:
    """Every name an operator answers to, aliases included, in the order of the table."""
    return tuple(_MODULES)


@cache
def lookup(name: str) -> type[Operator] | None:
    """The operator called `name`, or None. Imports its family's module, and no other."""
    family = _MODULES.get(name)
    if family is None:
        return None
    operators: tuple[type[Operator], ...] = import_module(f"archdsl.ops.{family}").OPERATORS
    return next(operator for operator in operators if name == operator.name or name in operator.aliases)
