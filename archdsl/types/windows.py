"""Sliding-window arithmetic, one formula for convolutions and pools alike (PyTorch's `Conv2d` and `MaxPool2d` pages)."""

from archdsl.types.dims import Dim, at_least, ceildiv, floordiv

Window = int | tuple[int, ...]
"""One number for every spatial axis, or one number per axis."""


def per_axis(value: Window, axes: int) -> tuple[int, ...]:
    """A window argument written out per spatial axis. The caller has checked that a tuple's length is `axes`."""
    return (value,) * axes if isinstance(value, int) else value


def same_padding(kernel: int, dilation: int = 1) -> int:
    """`padding = same`: `dilation * (kernel // 2)` on each side. Keeps the length at stride 1 for odd kernels; an even
    kernel gives one more, as symmetric padding must."""
    return dilation * (kernel // 2)


def output_length(
    length: Dim, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False
) -> Dim:
    """Positions of a window that slides over `length` elements padded by `padding` on each side.

    With `ceil_mode` a last window that starts inside the input or its left padding is kept even though it hangs over the
    end; one that would start in the right padding is dropped (PyTorch's rule). For a symbolic length that last
    correction is applied when it is known to be needed or not to be; with `stride <= kernel` and no padding it never is.
    """
    span = length + (2 * padding - dilation * (kernel - 1) - 1)
    if not ceil_mode:
        return floordiv(span, stride) + 1
    count = ceildiv(span, stride) + 1
    starts_outside = at_least((count - 1) * stride, length + padding)
    return count - 1 if starts_outside else count


def transposed_length(
    length: Dim, kernel: int, stride: int, padding: int, output_padding: int, dilation: int = 1
) -> Dim:
    """Output length of a transposed convolution: the input length of the convolution it is the transpose of."""
    return (length - 1) * stride + (dilation * (kernel - 1) + 1 + output_padding - 2 * padding)
