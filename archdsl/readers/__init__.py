"""Readers of files that others wrote: arrays (`npy.py`), images (`images.py`), ONNX models (`onnx_file.py`).

Each is total: whatever bytes a file holds, it gives a value, or an `ArchError` with a code, and asks for no more memory
than the file honestly needs. What is small and certain is parsed here; where another package parses, there is one
narrow boundary around the call, which takes whatever that package raises, documented or not.
"""


class Damaged(Exception):
    """The bytes are not those of the format; says why. Never leaves this package."""
