"""Sliding-window arithmetic, one formula for convolutions and pools alike (PyTorch's `Conv2d` and `MaxPool2d`
pages)."""

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


def output_length(length: Dim, kernel: int, stride: int, padding: int, dilation: int = 1) -> Dim:
    """Positions of a window that slides over `length` elements padded by `padding` on each side."""
    return floordiv(length + (2 * padding - dilation * (kernel - 1) - 1), stride) + 1


def ceil_output_length(length: Dim, kernel: int, stride: int, padding: int, dilation: int = 1) -> Dim | None:
    """`output_length` in ceil mode: a last window that hangs over the end is kept if it starts inside the input or its
    left padding, and dropped if it would start in the right padding (PyTorch's rule).

    None when a symbolic length leaves open whether that window is dropped, which can happen only where
    `stride + padding` exceeds the window's extent.
    """
    extent = dilation * (kernel - 1) + 1
    count = ceildiv(length + (2 * padding - extent), stride) + 1
    if stride + padding <= extent:
        return count
    starts_outside = at_least((count - 1) * stride, length + padding)
    if starts_outside is None:
        return None
    return count - 1 if starts_outside else count


def transposed_length(
    length: Dim, kernel: int, stride: int, padding: int, output_padding: int, dilation: int = 1
) -> Dim:
    """Output length of a transposed convolution: the input length of the convolution it is the transpose of."""
    return (length - 1) * stride + (dilation * (kernel - 1) + 1 + output_padding - 2 * padding)


def covered_length(length: Dim, positions: Dim, kernel: int, stride: int, padding: int, dilation: int = 1) -> Dim:
    """How many of `length` elements lie in a window, at `positions` windows as `output_length` or `ceil_output_length`
    has them: all of them, except where windows step over some, or leave over some at the end. A dilated window counts
    from its first to its last tap, and of a padded axis whose length is a symbol all of it counts, as far as a few
    elements at its end."""
    extent = dilation * (kernel - 1) + 1
    if isinstance(length, int) and isinstance(positions, int):
        end = min(length, (positions - 1) * stride + extent - padding)
        return _in_windows(end + padding, extent, stride) - _in_windows(padding, extent, stride)
    if padding == 0 and positions == output_length(length, kernel, stride, padding, dilation):
        return positions * extent if extent < stride else (positions - 1) * stride + extent
    return length


def _in_windows(end: int, extent: int, stride: int) -> int:
    """Of the places before `end`, those in windows that begin at 0 and then every `stride`."""
    whole, rest = divmod(max(end, 0), stride)
    return whole * min(extent, stride) + min(rest, extent)
