"""The diagnostic codes of this area."""

from archdsl.diagnostics.codes import Code

CODES: tuple[Code, ...] = ()
