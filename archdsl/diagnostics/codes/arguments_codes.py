"""Codes of arguments, values and expressions (E03xx)."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0301",
        "unknown-argument",
        "the callee has no argument of this name",
        """Arguments are checked by name, so that a misspelt one is never ignored. `archdsl ops NAME` prints the
arguments of an operator.

wrong:  conv(64, 3, strides = 2)
right:  conv(64, 3, stride = 2)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(64, 3, strides = 2)
  output y
}
""",
    ),
    CodePage(
        "E0302",
        "missing-argument",
        "a required argument is not given",
        """Parameters without a default must be given, by position, by name, or, for bodies, in braces.

wrong:  conv(kernel = 3)
right:  conv(64, kernel = 3)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(kernel = 3)
  output y
}
""",
    ),
    CodePage(
        "E0303",
        "repeated-argument",
        "an argument is given twice",
        """Each parameter takes one value. An argument given by position may not be given again by name.

wrong:  conv(64, 3, kernel = 5)
right:  conv(64, 5)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(64, 3, kernel = 5)
  output y
}
""",
    ),
    CodePage(
        "E0304",
        "wrong-type",
        "a value is of the wrong type",
        """There are no implicit conversions, except that an int may stand for a float: a width of 0.5 * 81
channels must say how it is rounded.

wrong:  conv(0.5 * 81, 3)
right:  conv(floor(0.5 * 81), 3)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(0.5 * 81, 1)
  output y
}
""",
    ),
    CodePage(
        "E0305",
        "out-of-range",
        "a value is out of range or not one of the choices",
        """Operators and parameters state what they accept; the message repeats it.

wrong:  conv(64, 3, stride = 0)
right:  conv(64, 3, stride = 1)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(64, 3, stride = 0)
  output y
}
""",
    ),
    CodePage(
        "E0306",
        "too-many-arguments",
        "more arguments than parameters",
        """Positional arguments fill parameters in the order of their declaration. Bodies and shared instances
take none: theirs were given where they were written.

wrong:  relu(3)
right:  relu""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  relu(3)
  output y
}
""",
    ),
    CodePage(
        "E0307",
        "ambiguous-flag",
        "a bare word could be a flag or a value",
        """`f(wide)` sets the flag `wide` of `f`. If a name `wide` is also in scope, it must be a bool, and is
forwarded; anything else could be meant either way.

wrong:  let wide = 3
        f(wide)
right:  f(wide = true)""",
        """\
block f(n = 1, flag wide) { relu }
model m {
  input x: f32[N, 3, 8, 8]
  let wide = 3
  f(wide)
  output y
}
""",
    ),
    CodePage(
        "E0308",
        "inexact-division",
        "`/` between ints leaves a remainder",
        """Depth formulas of papers divide exactly or do not apply: `(depth - 4) / 6` is the number of layers of
a DenseNet-BC block and has no meaning for depth 41. `//` rounds down where that is meant.

wrong:  let n = 41 / 6
right:  let n = 42 / 6; let k = 41 // 6""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let n = 41 / 6
  relu
  output y
}
""",
    ),
    CodePage(
        "E0309",
        "division-by-zero",
        "a division by zero",
        """The divisor of `/`, `//` and `%` must not be zero.

wrong:  let n = 8 // 0
right:  let n = 8 // 2""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let n = 8 // 0
  relu
  output y
}
""",
    ),
    CodePage(
        "E0310",
        "wrong-operands",
        "an operation does not apply to these values",
        """Arithmetic works on ints, floats and symbolic dimensions, `+` also on two lists or two strings;
conditions are bools. There is no truth value of a number: say `n > 0`.

wrong:  let n = "3" * 2
right:  let n = 3 * 2""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let n = "3" * 2
  relu
  output y
}
""",
    ),
    CodePage(
        "E0311",
        "undecidable",
        "a condition depends on a symbolic dimension",
        """A symbol stands for every size the network will be run at, so a condition on it must hold for all of
them or for none. Bind it on the command line, declare the input with a number, or say in the input what is
assumed: `f32[N, 3, 4*H, 4*W]` is an image whose sides are multiples of four.

wrong:  input x: f32[N, 3, H, H]
        if H > 32 { max_pool(2) }
right:  archdsl count spec.arch --dim H=64""",
        """\
model m {
  input x: f32[N, 3, H, H]
  if H > 32 { max_pool(2) }
  output y
}
""",
    ),
    CodePage(
        "E0312",
        "index-out-of-range",
        "an index is outside its list",
        """Indices count from 0; negative ones count from the end.

wrong:  let plan = [2, 2]
        let n = plan[2]
right:  let n = plan[1]""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let plan = [2, 2]
  let n = plan[2]
  relu
  output y
}
""",
    ),
    CodePage(
        "E0313",
        "no-match",
        "no arm of a match fits",
        """A `match` must have an arm for every value that reaches it. Choices on the parameter (`depth: 18 |
34`) reject other values earlier and with a better message; a catch-all arm is written `_ => ...`.

wrong:  let n = match 3 { 1 => 10; 2 => 20 }
right:  let n = match 3 { 1 => 10; _ => 20 }""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let n = match 3 { 1 => 10; 2 => 20 }
  relu
  output y
}
""",
    ),
    CodePage(
        "E0314",
        "unpack-mismatch",
        "names and values differ in number",
        """As many names stand on the left as there are values, or tensors, on the right.

wrong:  let a, b = [1, 2, 3]
right:  let a, b = [1, 2]""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let a, b = [1, 2, 3]
  relu
  output y
}
""",
    ),
    CodePage(
        "E0315",
        "requirement-failed",
        "a `require` of the author does not hold",
        """The author of a block or model states what its parameters must satisfy; the message is the author's own.

wrong:  heads(width = 10, heads = 3)      # require width % heads == 0
right:  heads(width = 12, heads = 3)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  require 10 % 3 == 0, "the width must be a multiple of 3"
  relu
  output y
}
""",
    ),
    CodePage(
        "E0316",
        "author-error",
        "an `error(...)` of the author was reached",
        """`error("...")` in an expression rejects what leads to it, in the author's words, often as the last
arm of a match.

wrong:  let n = match depth { 18 => 2; _ => error("depth {depth} is not in the paper") }""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let n = match 3 { 1 => 2; _ => error("3 is not in the paper") }
  relu
  output y
}
""",
    ),
    CodePage(
        "E0318",
        "too-many-bodies",
        "more bodies in braces than block parameters",
        """Braces after a block's call fill its parameters of type `block`, in order, separated by `|`.

wrong:  twice { relu | tanh }           # block twice(body: block)
right:  twice { relu -> tanh }""",
        """\
block twice(body: block) { body -> body }
model m {
  input x: f32[N, 3, 8, 8]
  twice { relu | tanh }
  output y
}
""",
    ),
    CodePage(
        "E0319",
        "no-such-weight",
        "a weight cannot be borrowed",
        """`tie = label.weight` borrows a weight of an operator labelled in the same block, after it was
applied. Weights inside another block belong to that block; `transpose` is for matrices.

wrong:  linear(8) as encode
        linear(3, tie = encode.kernel)
right:  linear(8) as encode
        linear(3, tie = transpose(encode.weight))""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  flatten -> linear(8) as encode
  linear(3, tie = encode.kernel)
  output y
}
""",
    ),
)
