"""Codes of the budgets of elaboration and of what follows it (E0905 to E0909, E0912 to E0915)."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
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
    CodePage(
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
    CodePage(
        "E0907",
        "too-many-steps",
        "elaboration takes too many steps",
        """The language is total: every spec ends. An expression costs one step, a call of a block 20 and 40 more
for a new specialisation, an operator 60, an element of a list that is compared or passed on one. `repeat` of a
body that keeps its type costs one iteration however often it repeats; a body that changes its type is written
out. `--limit steps=...` raises the limit. Lists of more than 100 000 elements and strings of more than 10 000
characters count as endless too, and no limit raises that.

wrong:  repeat 1_000_000 { pad([0, 1]) }
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
    CodePage(
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
    CodePage(
        "E0909",
        "imports-too-large",
        "a spec and its imports are too large together",
        """A spec and everything it imports may have 1 MiB of source. `--limit import_bytes=...` raises the limit.""",
        "",
    ),
    CodePage(
        "E0912",
        "shared-budget-spent",
        "all models and tests together take too many steps",
        """Every model and every test has a budget of steps (E0907). Those of one file also have one together,
`--limit file_steps=...`, and so have all files of one command, `--limit command_steps=...`: a file of thousands of
presets that each stay just below their own limit would keep a command busy for minutes. What is left when it is
spent is not checked, and named.

wrong:  model m1 = net(n = 100_000), and hundreds more like it
right:  archdsl count zoo.arch:net -p n=100_000""",
        "",
    ),
    CodePage(
        "E0913",
        "nested-too-deep",
        "too many bodies and flows are open inside one another",
        """Braces, tuples and branches may be nested, and blocks may call blocks inside them; what is open at one
time is the product of the two, and the interpreter's stack has to hold it. A block that calls itself inside ten
pairs of braces is ten levels deeper at every call. `--limit levels=...` raises the limit, as far as the machine's
stack goes.

wrong:  block f(n) { add { id | add { id | if n > 0 { f(n - 1) } } } }   with f(250), among fifty more braces
right:  block f(n) { if n > 0 { add { id | conv(8, 3) } -> f(n - 1) } }""",
        "block f(n) { "
        + "add { id | " * 40
        + "if n > 0 { f(n - 1) } else { relu }"
        + " }" * 40
        + """ }
model m {
  input x: f32[N, 3, 8, 8]
  f(250)
  output y
}
""",
    ),
    CodePage(
        "E0914",
        "figures-take-too-long",
        "the figures of a network take too many steps to work out",
        """Counting folds over the different blocks of a network, which is quick however many layers there are. It is
not where thousands of tensors go round in one tuple (what each of them sees is asked of each other), where pools of
thousands of positions follow each other, or where dimensions are sums of hundreds of symbols. The columns `field`,
`saved`, `peak` and `training_macs` take the most. The budget is one for all networks of a file, and a larger one for
all files of a command. `archdsl test` gives a network a third of it: a test whose figures take longer fails alone.

wrong:  split(2000); repeat 100 { concat -> split(2000) }; concat
right:  repeat 100 { relu }""",
        "",
    ),
    CodePage(
        "E0915",
        "source-too-long",
        "PyTorch source of the network would be too long",
        """PyTorch source is as long as the spec when loops whose rounds differ are written out; `repeat` and `for` with
rounds that are alike are loops in Python too. Operators and calls of each distinct block count ten, and one for each
tensor that they take or give; more than 80 000 are refused, which is half a megabyte of source.

wrong:  for i in 0..9_000 { conv(i + 1, 1) }
right:  repeat 9_000 { conv(8, 1) }""",
        "",
    ),
)
