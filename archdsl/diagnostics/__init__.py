"""Diagnostics: what is wrong, where, and what to do, as data with a code.

`finding.py` is the data, `model.py` what is made, collected and raised of it, `codes/` a page for each code.
Renderers are `text.py`, over `terminal.py` and `wrapping.py` (which breaks the lines of tables too), and `json.py`,
the formats for programs. `edits.py` applies edits, `spelling.py` knows a slip of the keyboard.
"""
