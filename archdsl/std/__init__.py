"""The standard library: blocks written in `.arch`, available in every spec without `use`.

`INDEX` says which file defines a name, so that a name costs the parsing of one small file when it is first used and
nothing before; a test holds it against the files.
"""

from pathlib import Path

INDEX: dict[str, str] = {
    "conv_bn_relu": "conv",
    "conv_relu": "conv",
    "double_conv": "conv",
    "residual": "residual",
    "projection": "residual",
    "zero_padding": "residual",
    "pointwise": "residual",
    "basic_block": "residual",
    "bottleneck_block": "residual",
    "preact_basic_block": "residual",
    "preact_bottleneck_block": "residual",
    "dense_layer": "dense",
    "dense_block": "dense",
    "transition": "dense",
    "inception": "inception",
    "highway": "gates",
    "squeeze_excite": "gates",
    "maxout": "gates",
    "depthwise_conv": "mobile",
    "separable_conv": "mobile",
    "inverted_residual": "mobile",
    "mbconv": "mobile",
    "channel_shuffle": "shuffle",
    "pixel_shuffle": "shuffle",
    "pixel_unshuffle": "shuffle",
    "roll": "shuffle",
    "crop": "shuffle",
    "center_crop": "shuffle",
    "self_attention": "transformer",
    "transformer_block": "transformer",
}
"""Block -> file stem, in the order of the files. Helpers that only their own file needs are not listed."""


def text(stem: str) -> str:
    """The source of one file of the standard library."""
    return (Path(__file__).parent / f"{stem}.arch").read_text(encoding="utf-8")


def stems() -> tuple[str, ...]:
    """Names of the files, in order: what `use std.<name> (...)` may say."""
    return tuple(dict.fromkeys(INDEX.values()))
