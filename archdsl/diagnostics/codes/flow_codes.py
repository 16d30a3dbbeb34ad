"""Codes of the flow: shapes, signatures, inputs and outputs, labels (E05xx, W05xx)."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0501",
        "nothing-flows",
        "there is no current value here",
        """A model starts with an `input`; an operator needs something to work on.

wrong:  model m { conv(64, 3); output y }
right:  model m { input x: f32[N, 3, 8, 8]; conv(64, 3); output y }""",
        """\
model m {
  conv(64, 1)
  output y
}
""",
    ),
    CodePage(
        "E0502",
        "signature-mismatch",
        "an input does not fit the block's signature",
        """The left side of a signature says what a block takes: it binds names to dimensions, and a name that
occurs twice, a number or a parameter must agree.

wrong:  block square() [N, c, H, H] { relu }        # called on [N, 3, 8, 6]
right:  block rect() [N, c, H, W] { relu }""",
        """\
block flat() [N, c] { relu }
model m {
  input x: f32[N, 3, 8, 8]
  flat
  output y
}
""",
    ),
    CodePage(
        "E0503",
        "unexpected-shape",
        "an `expect` does not hold",
        """`expect` checks the shape of the current value where it stands; `_` matches anything.

wrong:  max_pool(2)
        expect [N, 3, 8, 8]
right:  expect [N, 3, 4, 4]""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  max_pool(2)
  expect [N, 3, 8, 8]
  output y
}
""",
    ),
    CodePage(
        "E0504",
        "broken-promise",
        "a block's result is not what its signature says",
        """The right side of a signature is checked against what the body produced, for every instantiation.

wrong:  block f() [N, c, ...S] => [N, 2*c, ...S] { relu }
right:  block f() [N, c, ...S] => [N, 2*c, ...S] { conv(2*c, 1) }""",
        """\
block f() [N, c, ...S] => [N, 2*c, ...S] { relu }
model m {
  input x: f32[N, 3, 8, 8]
  f
  output y
}
""",
    ),
    CodePage(
        "E0506",
        "wrong-number-of-tensors",
        "a step gets too many or too few tensors",
        """Most operators take one tensor, merges take any number, attention takes three. A tuple of tensors
must be merged or taken apart before a step that takes one. Tuples are flat: a branch that ends in three tensors gives
all three.

wrong:  split(3) -> relu
right:  a, b, c = split(3)
        a -> relu""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  split(3) -> relu
  output y
}
""",
    ),
    CodePage(
        "E0507",
        "misplaced-declaration",
        "an `input` or `output` stands where it cannot",
        """Only a model's own body declares inputs and outputs, and not inside `repeat`. A block takes what
flows in and gives what flows out.

wrong:  block f() { input x: f32[N, 8] }
right:  block f() x: [N, c] { relu }""",
        """\
block f() { input z: f32[N, 8]
 relu }
model m {
  input x: f32[N, 3, 8, 8]
  f
  output y
}
""",
    ),
    CodePage(
        "E0508",
        "no-output",
        "a model declares no output",
        """A model says what it computes: `output logits` names the current value.

wrong:  model m { input x: f32[N, 8]; relu }
right:  model m { input x: f32[N, 8]; relu; output y }""",
        """\
model m {
  input x: f32[N, 8]
  relu
}
""",
    ),
    CodePage(
        "E0509",
        "bad-label",
        "a label cannot be a path segment",
        """A label names a value and one segment of the paths of its weights, so it consists of letters, digits
and underscores.

wrong:  conv(8, 3) as "stem.conv"
right:  conv(8, 3) as stem_conv""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(8, 1) as "stem.conv"
  output y
}
""",
    ),
    CodePage(
        "E0510",
        "declared-twice",
        "two inputs or two outputs have one name",
        """Inputs and outputs are arguments and results by name; each name is used once.

wrong:  output y; output y
right:  output y; output z""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  relu
  output y
  output y
}
""",
    ),
    CodePage(
        "E0511",
        "shared-out-of-reach",
        "a shared instance is used where it cannot be",
        """A `shared` instance belongs to the block that declares it and is applied there, to inputs its weights
fit. In PyTorch it is one submodule of that block's class; another class could not reach it.

wrong:  shared s = conv(8, 3)
        add { s | twice { s } }
right:  shared s = conv(8, 3)
        add { s | relu -> s }""",
        """\
block once(body: block) { body }
model m {
  input x: f32[N, 3, 8, 8]
  shared s = conv(8, 3)
  once { s }
  output y
}
""",
    ),
    CodePage(
        "W0501",
        "unused-result",
        "a step's result is thrown away",
        """A warning: the network is accepted, and the step is counted and compiled, but no output depends on it.
`name = flow` gives a value a name and leaves the current value where it was; written for every layer, as in Python, it
applies each of them to the same input.

odd:    x = conv(16, 3)
        x = relu
right:  conv(16, 3) -> relu as x""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  h = conv(16, 3)
  relu
  output y
}
""",
    ),
    CodePage(
        "W0502",
        "only-the-last-round",
        "every round of a loop starts anew",
        """A warning: each round of the loop begins with a tensor that it names and not with the current value, so what
the rounds before gave is lost.

odd:    concat { a | for t in kept { t } }
right:  concat for t in kept { t }""",
        """\
block last(a: tensor, b: tensor) { for t in [a, b] { t } }
model m {
  input x: f32[N, 4]
  linear(3) as a
  linear(3) as b
  last(a, b)
  output y
}
""",
    ),
    CodePage(
        "W0503",
        "loop-over-nothing",
        "a loop never runs",
        """A warning: a range that ends before it starts is empty, and a branch that is nothing but a loop over nothing
is the identity.

odd:    for i in 3..0 { conv(2**i, 3) }
right:  for i in [3, 2, 1] { conv(2**i, 3) }""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(8, 3)
  for i in 3..0 { conv(2**i, 3) }
  output y
}
""",
    ),
)
