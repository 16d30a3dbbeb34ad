"""Codes of the PyTorch backend, for correct programs that it has to refuse: E07xx. But for E0701 the examples are
in its tests: checking a spec does not report them."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0701",
        "name-not-for-pytorch",
        "a part's name cannot be the name of a PyTorch submodule",
        """A label, or the name of the block or operator where there is none, is a segment of the parameter path, and
in the generated PyTorch source it is the name under which the part is registered. `nn.Module` has attributes of its own
such as `train`, `type`, `double` and `forward`. A model's own parts, not those of its blocks, meet what `torch.fx` and
`torch.export` add: `code`, `graph`, `meta`, `recompile`, ... And both write Python, where `class` is a keyword.

wrong:  conv(8, 3) as double
right:  conv(8, 3) as double_conv

The name is refused whatever the spec is used for, so that a network that is counted today can be trained and exported
tomorrow under the same paths.""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(8, 3) as type
  output y
}
""",
    ),
    CodePage(
        "E0702",
        "size-not-at-hand",
        "PyTorch code cannot compute a symbolic size from the shapes of its block's inputs",
        """The generated code knows the value of a symbol only through the shape of a tensor that has that axis.
A block that needs a size which none of its inputs shows cannot be written as a standalone `forward`.

Bind the symbol when compiling (`--dim T=128`), or hand the block a tensor that has the axis.
""",
        "",
    ),
    CodePage(
        "E0703",
        "loops-too-deep",
        "loops are nested deeper than Python code can be",
        """`repeat` inside `repeat` becomes a `for` loop inside a `for` loop, and Python refuses more than
twenty nested statements. Twelve loops inside one another in one block are accepted.

Move the inner loops to a block of their own: a call starts counting afresh.
""",
        "",
    ),
    CodePage(
        "E0704",
        "mixed-list",
        "weights and submodules share one list name",
        """A name that occurs several times in a block is a list. A list of submodules becomes an `nn.ModuleList`, a
list of bare weights (`scale`, `param`) an `nn.ParameterList`; PyTorch has no container for both. Counting and ONNX
are not affected.

Wrong:

    conv(8, 1) as part -> scale as part

Right:

    conv(8, 1) as part -> scale as part_scale
""",
        "",
    ),
)
