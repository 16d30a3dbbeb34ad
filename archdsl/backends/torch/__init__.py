"""A program as the source of PyTorch classes.

Operators speak to `emitter.py`, in trees of `records.py`; `lower.py` makes steps of a function, in `items.py`, which
has the one walk over them. `packs.py`, `recompute.py` and `sizes.py` are tuples, recomputation and symbolic sizes,
`places.py` is where a submodule is kept and reached. `tidy.py`, `klass.py`, `classes.py` and `parameters.py` (with
`derived.py`) decide on classes; `constructor.py` (with `calls.py`, `lists.py`) and `forward.py` (with `folding.py`,
`expressions.py`, `roll.py`) write their methods, in `names.py`; `tree.py` and `layout.py` make text of it.
`source.py` is the whole file, `build.py` runs it.
"""
