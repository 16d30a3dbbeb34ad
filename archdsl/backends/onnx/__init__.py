"""A program as an ONNX model.

Operators speak to `node_emitter.py`, in `graph_records.py`; `rewrites.py` improves a body, `dim_sources.py` reads
symbols off inputs, `graph.py` and `proto.py` make the model, `write.py` streams it, `export.py` is asked for it.
"""
