"""Promises that archdsl makes to itself."""


class InternalError(Exception):
    """A promise of our own does not hold: a bug in archdsl, whatever the spec says.

    Raised where going on would write or count something wrong, so that a bug is heard of. An `assert` would be gone
    under `python -O`; those in this package only tell the type checker what is known."""
