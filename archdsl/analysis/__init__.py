"""Figures of a program, and the tables that show them.

Figures are `cost.py`, `depth.py`, `training.py` and `liveness.py` (over `runs.py`, `layouts.py` and `strides.py`; all
are charged for by `effort.py`), `memory.py`, `field.py`, and of the parts of a network `parts.py`; formulas
`closed_form.py`; other counters `conventions.py`, `uses.py`, `recount.py`. `gradients.py` says what may be data. Of
what is shown, `table.py` and `columns.py` are the rows, `totals.py` the sums, `count_report.py` the whole, `figures.py`
a figure; `grid.py`, `documents.py`, `latex.py` (its words in `paper.py`) and `formulas.py` the formats.
"""
