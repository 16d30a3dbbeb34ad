"""Types of tensors: exact dimensions and what windows make of them.

`dims.py` (exact dimensions), `dim_text.py` (read back from texts), `tensor.py`, `windows.py` (the one formula for
sliding windows), `derivations.py` (numbers that remember how they were made).
"""
