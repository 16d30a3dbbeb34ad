"""The version of archdsl: files that are written carry it."""

__version__ = "0.1.0"
