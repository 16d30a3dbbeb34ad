"""Generated inputs: whatever the suite's properties and `make fuzz` are tried on, as hypothesis strategies, so that
what fails shrinks to the smallest such thing.

`programs` are specs that are valid by construction, `weight_uses` those of few operators and every way to use a
weight, `mutations` specs a token or two away from one, `texts` what may
be no spec at all, `files` what the readers of files are given, `commands` what the command is. `printing` writes a
syntax tree back as text, in any layout.
"""
