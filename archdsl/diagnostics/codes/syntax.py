"""The diagnostic codes of the syntax: E01xx for text that is not archdsl, E09xx for the limits on text."""

from archdsl.diagnostics.codes import Code

CODES: tuple[Code, ...] = ()
