"""Programs: functions of operators and calls, and the contract of an operator.

`program.py` is the program, `operator.py` what an operator states (`weights.py` of its weights), `lowering.py` the
protocols it speaks, `reach.py` which positions depend on which, `conditions.py` which sizes have an answer,
`segments.py` names that a path cannot have; `printer.py`, `verifier.py`, `flatten.py`.
"""
