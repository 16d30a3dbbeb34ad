"""Blocks of the standard library: how each is used, and what it must count, by formulas written out here."""

from dataclasses import dataclass


@dataclass
class Case:
    """`flow` on an input of type `given`; `params` and `macs` per sample are closed forms."""

    block: str
    flow: str
    given: str
    gives: str
    params: int
    macs: int


def conv(c: int, out: int, kernel: int, pixels: int, bias: bool = False) -> tuple[int, int]:
    """Parameters and MACs of a convolution."""
    return c * out * kernel**2 + bias * out, c * out * kernel**2 * pixels


def bn(c: int) -> tuple[int, int]:
    return 2 * c, 0


def linear(c: int, out: int, rows: int = 1) -> tuple[int, int]:
    return c * out + out, c * out * rows


def total(*parts: tuple[int, int]) -> tuple[int, int]:
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def dense(c: int, k: int, n: int, pixels: int, bottleneck: bool) -> tuple[int, int]:
    parts: list[tuple[int, int]] = []
    for _ in range(n):
        if bottleneck:
            parts += [bn(c), conv(c, 4 * k, 1, pixels), bn(4 * k), conv(4 * k, k, 3, pixels)]
        else:
            parts += [bn(c), conv(c, k, 3, pixels)]
        c += k
    return total(*parts)


def inverted(c: int, out: int, wide: int, pixels: int, left: int) -> tuple[int, int]:
    """A unit that widens `c` to `wide`, unless they are equal, filters them apart and narrows them to `out`."""
    widen = [conv(c, wide, 1, pixels), bn(wide)] if wide != c else []
    return total(*widen, conv(1, wide, 3, left), bn(wide), conv(wide, out, 1, left), bn(out))


def gate(c: int, narrow: int) -> tuple[int, int]:
    return total(linear(c, narrow), linear(narrow, c))


P = 64
"""Pixels of the 8x8 images used below; a stride of 2 leaves a quarter."""

HALF = P // 4

CASES = [
    Case("conv_bn_relu", "conv_bn_relu(6)", "3, 8, 8", "6, 8, 8", *total(conv(3, 6, 3, P), bn(6))),
    Case("conv_bn_relu", "conv_bn_relu(6, 5, 2)", "3, 8, 8", "6, 4, 4", *total(conv(3, 6, 5, HALF), bn(6))),
    Case("conv_bn_relu", "conv_bn_relu(6, groups = 3)", "3, 8, 8", "6, 8, 8", *total(conv(1, 6, 3, P), bn(6))),
    Case("conv_relu", "conv_relu(6, 1)", "3, 8, 8", "6, 8, 8", *conv(3, 6, 1, P, bias=True)),
    Case("double_conv", "double_conv(6)", "3, 8, 8", "6, 8, 8", *total(conv(3, 6, 3, P), conv(6, 6, 3, P), bn(12))),
    Case("residual", "residual { conv(3, 3) -> relu }", "3, 8, 8", "3, 8, 8", *conv(3, 3, 3, P, bias=True)),
    Case(
        "residual",
        "residual(0.3) { conv(6, 3, !bias) | conv(6, 1, !bias) }",
        "3, 8, 8",
        "6, 8, 8",
        *total(conv(3, 6, 3, P), conv(3, 6, 1, P)),
    ),
    Case("projection", "projection(6, 2)", "3, 8, 8", "6, 4, 4", *total(conv(3, 6, 1, HALF), bn(6))),
    Case("zero_padding", "zero_padding(6, 2)", "3, 8, 8", "6, 4, 4", 0, 0),
    Case("pointwise", "pointwise(6, 2)", "3, 8, 8", "6, 4, 4", *conv(3, 6, 1, HALF)),
    Case("basic_block", "basic_block(4)", "4, 8, 8", "4, 8, 8", *total(conv(4, 4, 3, P), conv(4, 4, 3, P), bn(8))),
    Case(
        "basic_block",
        "basic_block(6, stride = 2)",
        "4, 8, 8",
        "6, 4, 4",
        *total(conv(4, 6, 3, HALF), conv(6, 6, 3, HALF), conv(4, 6, 1, HALF), bn(18)),
    ),
    Case(
        "basic_block",
        "basic_block(6, 2, zero_padding)",
        "4, 8, 8",
        "6, 4, 4",
        *total(conv(4, 6, 3, HALF), conv(6, 6, 3, HALF), bn(12)),
    ),
    Case(
        "bottleneck_block",
        "bottleneck_block(2, stride = 2)",
        "4, 8, 8",
        "8, 4, 4",
        *total(conv(4, 2, 1, HALF), conv(2, 2, 3, HALF), conv(2, 8, 1, HALF), conv(4, 8, 1, HALF), bn(2 + 2 + 8 + 8)),
    ),
    Case(
        "bottleneck_block",
        "bottleneck_block(2, stride = 2, v1_5)",
        "4, 8, 8",
        "8, 4, 4",
        *total(conv(4, 2, 1, P), conv(2, 2, 3, HALF), conv(2, 8, 1, HALF), conv(4, 8, 1, HALF), bn(2 + 2 + 8 + 8)),
    ),
    Case(
        "preact_basic_block",
        "preact_basic_block(4)",
        "4, 8, 8",
        "4, 8, 8",
        *total(bn(4), conv(4, 4, 3, P), bn(4), conv(4, 4, 3, P)),
    ),
    Case(
        "preact_basic_block",
        "preact_basic_block(6, 2)",
        "4, 8, 8",
        "6, 4, 4",
        *total(bn(4), conv(4, 6, 3, HALF), bn(6), conv(6, 6, 3, HALF), conv(4, 6, 1, HALF)),
    ),
    Case(
        "preact_basic_block",
        "preact_basic_block(4, drop = 0.3)",
        "4, 8, 8",
        "4, 8, 8",
        *total(bn(4), conv(4, 4, 3, P), bn(4), conv(4, 4, 3, P)),
    ),
    Case(
        "preact_bottleneck_block",
        "preact_bottleneck_block(2, 2)",
        "4, 8, 8",
        "8, 4, 4",
        *total(bn(4), conv(4, 2, 1, HALF), bn(2), conv(2, 2, 3, HALF), bn(2), conv(2, 8, 1, HALF), conv(4, 8, 1, HALF)),
    ),
    Case("dense_layer", "dense_layer(5)", "4, 8, 8", "5, 8, 8", *dense(4, 5, 1, P, False)),
    Case("dense_layer", "dense_layer(5, bottleneck)", "4, 8, 8", "5, 8, 8", *dense(4, 5, 1, P, True)),
    Case("dense_block", "dense_block(k=3, n=4, bottleneck)", "4, 8, 8", "16, 8, 8", *dense(4, 3, 4, P, True)),
    Case("dense_block", "dense_block(3, 4, drop = 0.2)", "4, 8, 8", "16, 8, 8", *dense(4, 3, 4, P, False)),
    Case("transition", "transition(0.5)", "6, 8, 8", "3, 4, 4", *total(bn(6), conv(6, 3, 1, P))),
    Case("transition", "transition", "6, 8, 8", "6, 4, 4", *total(bn(6), conv(6, 6, 1, P))),
    Case(
        "inception",
        "inception(2, 3, 4, 5, 6, 7)",
        "3, 8, 8",
        "19, 8, 8",
        *total(
            conv(3, 2, 1, P, True),
            conv(3, 3, 1, P, True),
            conv(3, 4, 3, P, True),
            conv(3, 5, 1, P, True),
            conv(5, 6, 5, P, True),
            conv(3, 7, 1, P, True),
        ),
    ),
    Case(
        "highway",
        "highway { conv(3, 3) -> relu }",
        "3, 8, 8",
        "3, 8, 8",
        *total(conv(3, 3, 3, P, True), conv(3, 3, 3, P, True)),
    ),
    Case("highway", "highway(-1.0) { linear(5) -> relu }", "5", "5", *total(linear(5, 5), linear(5, 5))),
    Case("squeeze_excite", "squeeze_excite(2)", "6, 8, 8", "6, 8, 8", *total(linear(6, 3), linear(3, 6))),
    Case("squeeze_excite", "squeeze_excite(2, !bias)", "6, 8, 8", "6, 8, 8", 2 * 6 * 3, 2 * 6 * 3),
    Case("maxout", "maxout(3) { conv(4, 3) }", "2, 8, 8", "4, 8, 8", *total(*[conv(2, 4, 3, P, True)] * 3)),
    Case("maxout", "maxout { linear(4) }", "6", "4", *total(linear(6, 4), linear(6, 4))),
    Case("squeeze_excite", "squeeze_excite(2, act = silu)", "6, 8, 8", "6, 8, 8", *total(linear(6, 3), linear(3, 6))),
    Case("depthwise_conv", "depthwise_conv", "6, 8, 8", "6, 8, 8", *conv(1, 6, 3, P, True)),
    Case("depthwise_conv", "depthwise_conv(5, 2, multiplier = 2, !bias)", "6, 8, 8", "12, 4, 4", *conv(1, 12, 5, HALF)),
    Case("depthwise_conv", "depthwise_conv([1, 3], padding = 0)", "6, 8, 8", "6, 8, 6", 6 * 3 + 6, 6 * 3 * 48),
    Case("separable_conv", "separable_conv(4)", "6, 8, 8", "4, 8, 8", *total(conv(1, 6, 3, P), conv(6, 4, 1, P, True))),
    Case(
        "separable_conv",
        "separable_conv(4, 5, 2, !bias)",
        "6, 8, 8",
        "4, 4, 4",
        *total(conv(1, 6, 5, HALF), conv(6, 4, 1, HALF)),
    ),
    Case("inverted_residual", "inverted_residual(6)", "6, 8, 8", "6, 8, 8", *inverted(6, 6, 36, P, P)),
    Case("inverted_residual", "inverted_residual(6, 1)", "6, 8, 8", "6, 8, 8", *inverted(6, 6, 6, P, P)),
    Case("inverted_residual", "inverted_residual(4, 2, 2)", "6, 8, 8", "4, 4, 4", *inverted(6, 4, 12, P, HALF)),
    Case("mbconv", "mbconv(8, 4, drop = 0.3)", "8, 8, 8", "8, 8, 8", *total(inverted(8, 8, 32, P, P), gate(32, 2))),
    Case("mbconv", "mbconv(4, 1, 2)", "8, 8, 8", "4, 4, 4", *total(inverted(8, 4, 8, P, HALF), gate(8, 2))),
    Case("channel_shuffle", "channel_shuffle(2)", "6, 8, 8", "6, 8, 8", 0, 0),
    Case("pixel_shuffle", "pixel_shuffle(2)", "12, 4, 6", "3, 8, 12", 0, 0),
    Case("pixel_unshuffle", "pixel_unshuffle(2)", "3, 8, 12", "12, 4, 6", 0, 0),
    Case("roll", "roll(3, 2)", "3, 8, 6", "3, 8, 6", 0, 0),
    Case("crop", "crop(2)", "3, 8, 6", "3, 4, 2", 0, 0),
    Case("center_crop", "center_crop(3, 6)", "3, 8, 6", "3, 3, 6", 0, 0),
    Case(
        "self_attention",
        "self_attention(2)",
        "5, 6",
        "5, 6",
        *total(linear(6, 18, 5), linear(6, 6, 5), (0, 2 * 5 * 5 * 6)),
    ),
    Case(
        "transformer_block",
        "transformer_block(2, drop = 0.1, causal)",
        "5, 6",
        "5, 6",
        *total(
            (2 * 6, 0),
            linear(6, 18, 5),
            linear(6, 6, 5),
            (0, 2 * 5 * 5 * 6),
            (2 * 6, 0),
            linear(6, 24, 5),
            linear(24, 6, 5),
        ),
    ),
]
