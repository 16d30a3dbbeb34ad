"""The diagnostic codes of operators, E04xx: an operator's rule does not hold for its arguments and inputs."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0401",
        "operator-rejects",
        "an argument makes no sense to the operator",
        """The argument has the right type, but no value of that kind can work. The message says which one
could.

wrong:  x -> reshape([-1, 0])
right:  x -> reshape([-1, 12])""",
        "model m {\n  input x: f32[N, 12]\n  reshape([-1, 0])\n  output y\n}\n",
    ),
    CodePage(
        "E0402",
        "shape-mismatch",
        "lengths that must agree do not",
        """Merges need branches of one shape, up to axes of size 1, which are stretched; `concat` needs all
axes but its own to agree; attention needs as many values as keys. Lengths agree when they are the same for
every value of the symbols in them: `H` and `W` do not, nor do `2 * (H // 2)` and `H`, which differ for odd
heights. The diagnostic shows what each branch gives.

wrong:  add { id | conv(64, 3, stride = 2) }
right:  add { conv(64, 1, stride = 2) | conv(64, 3, stride = 2) }

Where an image shrinks by 2 and grows again, declare its size as a multiple (`f32[N, 3, 32*H, 32*W]`), or bind
the symbol: `--dim H=224`.""",
        "model m {\n  input x: f32[N, 64, 8, 8]\n  add { id | conv(64, 3, stride = 2) }\n  output y\n}\n",
    ),
    CodePage(
        "E0403",
        "dtype-mismatch",
        "an input has a dtype the operator does not take",
        """Layers compute in f32, `embedding` looks up i64 or i32 indices, and inputs that are combined have one
dtype: nothing is converted silently. Half precision is a property of a compiled model, not of a spec:
`archdsl compile --dtype f16`.

wrong:  input ids: i64[N, T]; linear(64)
right:  input ids: i64[N, T]; embedding(1000, 64) -> linear(64)""",
        "model m {\n  input ids: i64[N, T]\n  relu\n  output y\n}\n",
    ),
    CodePage(
        "E0404",
        "not-divisible",
        "groups, heads or parts do not divide a length",
        """`groups` divides the input channels and the output channels, `heads` the width of queries and values,
and `split(n)` the length of its axis. There is no rounding: a group of another size would have other weights.

wrong:  input x: f32[N, 64, 8, 8]; conv(96, 3, groups = 48)
right:  input x: f32[N, 64, 8, 8]; conv(96, 3, groups = 32)""",
        "model m {\n  input x: f32[N, 64, 8, 8]\n  conv(96, 3, groups = 48)\n  output y\n}\n",
    ),
    CodePage(
        "E0405",
        "symbolic-length",
        "an axis must have a known length here",
        """Weights have fixed sizes, so the channels of `conv` and `batch_norm`, and the last axis of `linear`,
must be numbers; batch, image and sequence lengths may be symbols. A symbol that reaches such an axis often
comes through `flatten`, which multiplies the image's size into the features.

wrong:  input x: f32[N, 3, H, W]; flatten -> linear(10)
right:  input x: f32[N, 3, H, W]; global_avg_pool -> linear(10)
right:  input x: f32[N, 3, 32, 32]; flatten -> linear(10)""",
        "model m {\n  input x: f32[N, 3, H, W]\n  flatten -> linear(10)\n  output y\n}\n",
    ),
    CodePage(
        "E0406",
        "window-does-not-fit",
        "a window is larger than what it slides over",
        """A convolution or pool needs at least one place where its window fits into the padded image. Deep
networks run into this when the image is smaller than the one they were designed for: every stride halves it.
A pool's padding is at most half of its window, or a window could lie in the padding alone.

wrong:  input x: f32[N, 64, 3, 3]; max_pool(5)
right:  input x: f32[N, 64, 3, 3]; max_pool(3)""",
        "model m {\n  input x: f32[N, 64, 3, 3]\n  max_pool(5)\n  output y\n}\n",
    ),
    CodePage(
        "E0407",
        "wrong-number-of-axes",
        "an input has too few or too many axes",
        """`conv` and the pools take a batch, channels and one to three spatial axes, attention takes
[N, T, d], and inputs that are merged have equally many axes: only axes of length 1 are stretched, none is
invented; a tensor without axes, `constant(0.5)`, goes with any shape. Global pools drop the spatial axes unless told
to `keepdim`.

wrong:  mul { id | global_avg_pool -> sigmoid }
right:  mul { id | global_avg_pool(keepdim) -> sigmoid }""",
        "model m {\n  input x: f32[N, 64, 8, 8]\n  mul { id | global_avg_pool -> sigmoid }\n  output y\n}\n",
    ),
    CodePage(
        "E0408",
        "no-such-position",
        "an axis or a position does not exist",
        """Axes are counted from 0, or from the end as -1, -2, ...; so are positions along an axis. A position
past the end is refused and not clipped, because a spec that means something else should say so. A table of
positions, `positions -> embedding(1024, d)`, has vectors for sequences of that length at most.

wrong:  input x: f32[N, 4]; softmax(axis = 2)
right:  input x: f32[N, 4]; softmax(axis = 1)""",
        "model m {\n  input x: f32[N, 4]\n  softmax(axis = 2)\n  output y\n}\n",
    ),
    CodePage(
        "E0409",
        "undecided-length",
        "the result's length depends on the value of a symbol",
        """Every shape is an exact expression over the symbols. A few settings have none: in ceil mode with a
stride larger than the window, whether a last window exists depends on the length; so does whether position 5
of an axis of length T exists.

wrong:  input x: f32[N, 8, T]; slice(0, 5, axis = 2)
right:  input x: f32[N, 8, 16]; slice(0, 5, axis = 2)

Declare the axis as a number, bind its symbol with `--dim T=16`, or choose a setting that fits every length.""",
        "model m {\n  input x: f32[N, 8, T]\n  slice(0, 5, axis = 2)\n  output y\n}\n",
    ),
    CodePage(
        "E0410",
        "tied-weight-mismatch",
        "a borrowed weight has another shape than the layer needs",
        """`linear(out, tie = ...)` uses a weight of shape [out, in], which is how `linear` and `embedding`
store theirs. A decoder that undoes `linear` needs it transposed.

wrong:  linear(4) as encode -> linear(8, tie = encode.weight)
right:  linear(4) as encode -> linear(8, tie = transpose(encode.weight))""",
        "model m {\n  input x: f32[N, 8]\n  linear(4) as encode\n  linear(8, tie = encode.weight)\n  output y\n}\n",
    ),
    CodePage(
        "E0411",
        "wrong-number-of-values",
        "a list has too few or too many numbers",
        """`kernel`, `stride`, `padding` and `dilation` are one number for all spatial axes, or a list with one
number for each: two for an image. `permute` names every axis once.

wrong:  input x: f32[N, 3, 32, 32]; conv(8, [3, 3, 3])
right:  input x: f32[N, 3, 32, 32]; conv(8, [3, 5])""",
        "model m {\n  input x: f32[N, 3, 32, 32]\n  conv(8, [3, 3, 3])\n  output y\n}\n",
    ),
    CodePage(
        "E0412",
        "conflicting-arguments",
        "two arguments contradict each other",
        """Each is fine alone: a bias that starts somewhere, but no bias; a scale and a size; two axes of a
reshape left open; an output padding that no stride leaves room for; a constant to pad with where copies are asked for.

wrong:  conv(64, 3, !bias, bias_init = -2.0)
right:  conv(64, 3, bias_init = -2.0)""",
        "model m {\n  input x: f32[N, 3, 8, 8]\n  conv(64, 3, !bias, bias_init = -2.0)\n  output y\n}\n",
    ),
    CodePage(
        "E0413",
        "too-few-inputs",
        "a merge has too few inputs, or not those that its pattern names",
        """`sub` and `div` combine a first input with others. They take a tuple: braces with several branches,
or a list of tensors. `einsum` takes as many as its pattern has between commas.

wrong:  x -> sub
right:  [x, y] -> sub
right:  sub { id | conv(64, 3) }""",
        "model m {\n  input x: f32[N, 3]\n  sub\n  output y\n}\n",
    ),
    CodePage(
        "E0414",
        "pattern-not-understood",
        "a pattern of axes cannot be read",
        """`rearrange` takes names of axes, before and after: brackets cut an axis on the left and join axes on the
right, `1` is an axis of length 1, `...` any number of axes. `einsum` takes one letter for each axis of each input, then
those of the result.

wrong:  rearrange("n (c h w)")
right:  rearrange("n c h w -> n (c h w)")
wrong:  [a, b] -> einsum("nij,njk")
right:  [a, b] -> einsum("nij,njk->nik")""",
        'model m {\n  input x: f32[N, 3, 8, 8]\n  rearrange("n (c h w)")\n  output y\n}\n',
    ),
    CodePage(
        "W0401",
        "probably-not-meant",
        "a setting fits, but is rarely what is meant",
        """`linear` acts on the last axis, as in PyTorch. On an image that is the width, so every row is mapped
alone; a classifier flattens or pools first. `dropout` of a recurrent layer acts between its layers, so one
layer alone has none. A convolution, a normalisation and a recurrent layer read their input's channels off
the input: `conv(in, out, kernel)` of other frameworks is `conv(out, kernel)` here. `add` of one
branch is that branch, where a way round it was meant. `pad` without an axis adds channels, which is what a
shortcut needs; before windows that slide over positions, more of those were meant.

warned:  input x: f32[N, 3, 8, 8]; linear(10)
usual:   input x: f32[N, 3, 8, 8]; flatten -> linear(10)

warned:  lstm(64, dropout = 0.5)
usual:   lstm(64) -> dropout(0.5)

warned:  input x: f32[N, 16, T]; pad([2, 0]) -> conv(16, 3, padding = 0)
usual:   input x: f32[N, 16, T]; pad([2, 0], axis = 2) -> conv(16, 3, padding = 0)""",
        "model m {\n  input x: f32[N, 3, 8, 8]\n  linear(10)\n  output y\n}\n",
    ),
)
