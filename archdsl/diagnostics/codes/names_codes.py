"""Codes of names and imports (E02xx)."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0201",
        "unknown-name",
        "a name in an expression is not defined",
        """Expressions see the parameters of their block, the dimensions its signature binds, `let` constants,
loop variables, and the names of the file. A name must be written exactly as it was defined.

wrong:  model m(width = 64) { input x: f32[N, 8]; linear(widht); output y }
right:  model m(width = 64) { input x: f32[N, 8]; linear(width); output y }""",
        """\
model m(width = 64) {
  input x: f32[N, 3, 8, 8]
  linear(widht)
  output y
}
""",
    ),
    CodePage(
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
    CodePage(
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
    CodePage(
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
    CodePage(
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
    CodePage(
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
    CodePage(
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
    CodePage(
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
    CodePage(
        "E0209",
        "tensor-applied",
        "a tensor stands where a block or operator must",
        """A tensor's name starts a flow, `x -> relu`; it cannot be applied to another tensor. To bring two
tensors together, merge them.

wrong:  conv(8, 3) as a -> relu -> a
right:  conv(8, 3) as a -> relu as b
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
    CodePage(
        "E0210",
        "not-applicable",
        "a constant stands where a block or operator must",
        """Numbers, strings and lists are arguments; only blocks, operators and shared instances can be steps of
a flow. Models cannot be part of another network: put what is common into a block.

wrong:  let width = 64
        conv(8, 3) -> width
right:  conv(width, 3)""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let width = 64
  conv(8, 1) -> width
  output y
}
""",
    ),
    CodePage(
        "W0201",
        "unread-name",
        "nothing reads a name",
        """A warning: a parameter, flag, constant, loop name, block or import that nothing mentions. Often it was meant
to be passed on. A loop that does not need its name is a `repeat`; a name that begins with `_` is left alone, and
so are the parameters of blocks that are chosen among, and what a file without models defines for others.

odd:    block unit(out, stride = 1) { conv(out, 3) }
right:  block unit(out, stride = 1) { conv(out, 3, stride) }""",
        """\
block unit(out, stride = 1) { conv(out, 3) }
model m {
  input x: f32[N, 3, 8, 8]
  unit(8, 2)
  output y
}
""",
    ),
    CodePage(
        "W0202",
        "hidden-not-changed",
        "a `let` in a loop hides a name and adds up nothing",
        """A warning: `let` in a loop makes a name of that round. It hides the one outside and does not change it, so
every round starts from the same value. What a round hands to the next is the current value of the flow, and
nothing else.

odd:    let width = 8
        for i in 0..3 { let width = 2*width; conv(width, 3) }
right:  for i in 0..3 { conv(8 * 2**(i + 1), 3) }""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let width = 8
  for _ in 0..3 {
    let width = 2*width
    conv(width, 3)
  }
  output y
}
""",
    ),
    CodePage(
        "W0203",
        "label-is-a-word",
        "a label is a word, not the value that the word names",
        """A warning: `as n` labels the step with the word `n`, also where `n` is the name of a loop or of a string. A
label that follows a value is written as a string.

odd:    for i in 0..3 { conv(8, 3) as i }
right:  for i in 0..3 { conv(8, 3) as "conv{i}" }""",
        """\
model m {
  input x: f32[N, 3, 8, 8]
  let stem = "conv1"
  conv(8, 3) as stem
  output y
}
""",
    ),
    CodePage(
        "W0204",
        "default-without-a-call",
        "a `default` holds for no call",
        """A warning: a `default` holds for the calls that are written below it in the same braces or file. It never
reaches into blocks that are defined elsewhere, those of the standard library among them.

odd:    block norm_linear(out) { layer_norm -> linear(out) }
        model m { default layer_norm(eps = 1e-6); input x: f32[N, 8]; norm_linear(4); output y }
right:  default layer_norm(eps = 1e-6)
        block norm_linear(out) { layer_norm -> linear(out) }""",
        """\
block norm_linear(out) { layer_norm -> linear(out) }
model m {
  default layer_norm(eps = 1e-6)
  input x: f32[N, 8]
  norm_linear(4)
  output y
}
""",
    ),
)
