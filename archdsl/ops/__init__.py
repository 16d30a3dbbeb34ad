"""The operators: one file for each family.

`catalogue.py` finds operators by name, `synonyms.py` those that are called otherwise elsewhere. `rules.py`,
`reaches.py`, `traces.py`, `axis_patterns.py` are what several families share; every other file is a family.
"""
