"""From syntax tree to program: names, binding, evaluation, specialisation.

`loader.py` reads a file and its imports, `module.py` has its definitions, `items.py` runs `let`, `use` and `default`,
`resolve.py` finds what a name stands for. `model.py` binds a model's parameters and runs its body: `flow.py` and
`declarations.py` hold the statements, `calls.py` what a step names, `functions.py` specialisation with `lifting.py`,
`shared.py` shared instances, `binding.py` (with `interface.py` and `conversions.py`) the one binder for blocks,
models and operators, `patterns.py` signatures and `expect`, `builder.py` nodes and path segments, `evaluate.py`,
`arithmetic.py` and `builtins.py` expressions, `remembering.py` expressions whose numbers know their formulas.
`values.py` is what names stand for, `frame.py` where a body runs, `free_names.py` what a piece of syntax mentions.
`report.py` has diagnostics with their chain of calls, and budgets; `written.py` an author's call as text, `advice.py`
and `advice_arguments.py` what to write instead, `zoo_names.py` which network a name means that none has. `check.py`
is everything that can be wrong with a file: besides its models `names.py`, `claims.py` and `lint.py`.
"""
