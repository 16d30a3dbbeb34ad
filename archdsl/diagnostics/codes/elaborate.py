"""Codes of elaboration: names (E02xx), arguments and values (E03xx), flow and shapes (E05xx), budgets (E0905 to
E0909)."""

from archdsl.diagnostics.codes import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0201",
        "unknown-name",
        "a name in an expression is not defined",
        """Expressions see the parameters of their block, the dimensions its signature binds, `let` constants,
loop variables, and the names of the file. A name must be written exactly as it was defined.

wrong:  model m(width = 64) { input x: f32[N, 8]; linear(widht) ... }
right:  model m(width = 64) { input x: f32[N, 8]; linear(width) ... }""",
        """\
model m(width = 64) {
  input x: f32[N, 3, 8, 8]
  linear(widht)
  output y
}
""",
    ),
    Code(
        "E0202",
        "unknown-block",
        "no block or operator has this name",
        """A step of a flow names a block of this file, an imported one, a standard block or an operator.
`archdsl ops` lists the operators and the standard library.

wrong:  cnov(64, 3) -> relu
right:  conv(64, 3) -> relu""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  cnov(64, 3) -> relu
  output y
}
""",
    ),
    Code(
        "E0203",
        "unknown-model",
        "no model has this name",
        """A `test` and a preset name a model of the same file.

wrong:  test restnet { params > 0 }
right:  test resnet { params > 0 }""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  relu
  output y
}
test n { params == 0 }
""",
    ),
    Code(
        "E0204",
        "defined-twice",
        "a name is defined twice in one file",
        """Blocks, models, constants and imports of one file share one set of names, and each is defined once.
(Inside a body a later `let` or label may hide an earlier one: that is scoping, not a clash.)

wrong:  block f() { relu }
        block f() { tanh }
right:  block f() { relu }
        block g() { tanh }""",
        """\
block f() { relu }
block f() { tanh }
model m {
  input x: f32[N, 3, 8, 8]
  f
  output y
}
""",
    ),
    Code(
        "E0205",
        "import-not-found",
        "the imported file does not define this name",
        """`use "file.arch" (a, b)` takes names that the file defines: blocks, models, constants.

wrong:  use std.gates (no_such_block)
right:  use std.gates (squeeze_excite)""",
        """\
use std.gates (no_such_block)
model m {
  input x: f32[N, 3, 8, 8]
  relu
  output y
}
""",
    ),
    Code(
        "E0206",
        "import-cycle",
        "files or presets refer to each other in a circle",
        """A file that imports itself, directly or through others, would never finish loading; the same goes for
a preset that leads back to itself. Move what both need into a third file.

wrong:  model a = b()
        model b = a()
right:  model a(width = 64) { ... }
        model b = a(width = 32)""",
        """\
model a = a()
""",
    ),
    Code(
        "E0207",
        "outside-root",
        "an import leaves the project",
        """A spec is data from somewhere: it may read files of its own project and nothing else. The root is the
working directory when the spec lies in it, else the spec's own folder; symbolic links are followed before this
is checked.

wrong:  use "../../elsewhere.arch" (f)
right:  use "blocks/common.arch" (f)""",
        """\
use "../../../../../../../../etc/passwd" (f)
model m {
  input x: f32[N, 3, 8, 8]
  relu
  output y
}
""",
    ),
    Code(
        "E0208",
        "import-file-missing",
        "an imported file or library does not exist",
        """Paths are relative to the importing file and written with quotes; libraries are written without: `use
std.NAME (...)`.

wrong:  use "no_such_file.arch" (f)
right:  use "blocks.arch" (f)""",
        """\
use "no_such_file.arch" (f)
model m {
  input x: f32[N, 3, 8, 8]
  relu
  output y
}
""",
    ),
    Code(
        "E0209",
        "tensor-applied",
        "a tensor stands where a block or operator must",
        """A tensor's name starts a flow, `x -> relu`; it cannot be applied to another tensor. To bring two
tensors together, merge them.

wrong:  conv(8) as a -> relu -> a
right:  conv(8) as a -> relu as b
        [a, b] -> add""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(8, 1) as a
  relu -> a
  output y
}
""",
    ),
    Code(
        "E0210",
        "not-applicable",
        "a constant stands where a block or operator must",
        """Numbers, strings and lists are arguments; only blocks, operators and shared instances can be steps of
a flow. Models cannot be part of another network: put what is common into a block.

wrong:  let width = 64
        conv(8) -> width
right:  conv(width)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let width = 64
  conv(8, 1) -> width
  output y
}
""",
    ),
    Code(
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
    Code(
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
    Code(
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
    Code(
        "E0304",
        "wrong-type",
        "a value is of the wrong type",
        """There are no implicit conversions, except that an int may stand for a float: a width of 0.5 * 81
channels must say how it is rounded.

wrong:  conv(0.5 * 81)
right:  conv(floor(0.5 * 81))""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(0.5 * 81, 1)
  output y
}
""",
    ),
    Code(
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
    Code(
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
    Code(
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
    Code(
        "E0308",
        "inexact-division",
        "`/` between ints leaves a remainder",
        """Depth formulas of papers divide exactly or do not apply: `(depth - 4) / 6` is the number of layers of
a DenseNet-BC block and has no meaning for depth 41. `//` rounds down where that is meant.

wrong:  let n = 41 / 6
right:  let n = 42 / 6,  let n = 41 // 6""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let n = 41 / 6
  relu
  output y
}
""",
    ),
    Code(
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
    Code(
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
    Code(
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
    Code(
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
    Code(
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
    Code(
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
    Code(
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
    Code(
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
    Code(
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
    Code(
        "E0319",
        "no-such-weight",
        "a weight cannot be borrowed",
        """`tie = label.weight` borrows a weight of an operator labelled in the same block, after it was
applied. Weights inside another block belong to that block; `transpose` is for matrices.

wrong:  linear(8) as code
        linear(3, tie = code.kernel)
right:  linear(8) as code
        linear(3, tie = transpose(code.weight))""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  flatten -> linear(8) as code
  linear(3, tie = code.kernel)
  output y
}
""",
    ),
    Code(
        "E0501",
        "nothing-flows",
        "there is no current value here",
        """A model starts with an `input`; an operator needs something to work on.

wrong:  model m { conv(64); output y }
right:  model m { input x: f32[N, 3, 8, 8]; conv(64); output y }""",
        """\
model m {
  conv(64, 1)
  output y
}
""",
    ),
    Code(
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
    Code(
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
    Code(
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
    Code(
        "E0506",
        "wrong-number-of-tensors",
        "a step gets too many or too few tensors",
        """Most operators take one tensor, merges take any number, attention takes three. A tuple of tensors
must be merged or taken apart before a step that takes one.

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
    Code(
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
    Code(
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
    Code(
        "E0509",
        "bad-label",
        "a label cannot be a path segment",
        """A label names a value and one segment of the paths of its weights, so it consists of letters, digits
and underscores.

wrong:  conv(8) as "stem.conv"
right:  conv(8) as stem_conv""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  conv(8, 1) as "stem.conv"
  output y
}
""",
    ),
    Code(
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
    Code(
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
    Code(
        "E0905",
        "expansion-too-deep",
        "blocks call each other without end or too deeply",
        """Recursion is allowed, because fractal networks are recursive, but it must end: some argument must
change until a condition stops it. The limit is on blocks expanded inside one another.

wrong:  block f(n) { f(n + 1) }
right:  block f(n) { if n > 0 { f(n - 1) } }""",
        """\
block f(n) { f(n + 1) }
model m {
  input x: f32[N, 3, 8, 8]
  f(0)
  output y
}
""",
    ),
    Code(
        "E0906",
        "too-many-instances",
        "too many distinct instantiations",
        """A block is elaborated once for each set of arguments and input types. A spec that needs a hundred
thousand of them is almost always an accident. `--limit instances=...` raises the limit.""",
        """\
block g(n) { relu }
model m {
  input x: f32[N, 3, 8, 8]
  for i in 0..200000 { g(i) }
  output y
}
""",
    ),
    Code(
        "E0907",
        "too-many-steps",
        "elaboration takes too many steps",
        """The language is total: every spec ends. An expression costs one step, a call of a block 20 and 40 more
for a new specialisation, an operator 60, an element of a list that is compared or passed on one. `repeat` of a
body that keeps its type costs one iteration however often it repeats; a body that changes its type is written
out. `--limit steps=...` raises the limit. Lists of more than 100 000 elements and strings of more than 10 000
characters count as endless too, and no limit raises that.

wrong:  repeat 1_000_000 { pad([0, 0, 0, 1]) }
right:  repeat 1_000_000 { conv(64, 3) -> relu }""",
        """\
block grow() { concat { id | conv(1, 1) } }
model m {
  input x: f32[N, 3, 8, 8]
  repeat 1_000_000 { repeat 1_000_000 { grow } }
  output y
}
""",
    ),
    Code(
        "E0908",
        "number-out-of-bounds",
        "an integer, a dimension or a tensor is too large",
        """Integers are exact and below 2**63; a power that would exceed that is refused before it is computed.
A tensor has fewer than 2**63 elements and at most 32 axes, a symbolic dimension at most 256 terms of 32
factors, a network fewer than 2**1024 operators. Nothing that anybody runs comes near; recursion that doubles
something does.

wrong:  let n = 2 ** 2 ** 60
right:  let n = 2 ** 10""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let n = 2 ** 2 ** 60
  relu
  output y
}
""",
    ),
    Code(
        "E0909",
        "imports-too-large",
        "a spec and its imports are too large together",
        """A spec and everything it imports may have 1 MiB of source. `--limit import_bytes=...` raises the limit.""",
        "",
    ),
    Code(
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
)
