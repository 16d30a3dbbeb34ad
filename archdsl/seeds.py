"""Seeds: one range for everything that is drawn."""

from typing import Final

MOST: Final = (1 << 64) - 1
"""The largest that every generator behind us takes."""


def check_seed(seed: int) -> int:
    """The seed, if it is one. Raises `ValueError` for anything but a whole number from 0 to `MOST`."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= seed <= MOST:
        raise ValueError(f"a seed is a whole number from 0 to 2**64 - 1, not {seed!r:.40}")
    return int(seed)
