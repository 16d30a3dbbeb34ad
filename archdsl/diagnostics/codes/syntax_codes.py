"""The diagnostic codes of the syntax: E01xx for text that is not archdsl, E0901 to E0904 for limits on
text."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0101",
        "unexpected-token",
        "something stands where it cannot",
        """The message says what could have stood there and what was found. The mistake is often just before:
a missing operator, an arrow, a brace on the next line.

wrong:  model m { relu conv(64, 3) }
right:  model m { relu -> conv(64, 3) }

A `{` stands on the line of what it belongs to, and a statement ends with its line.""",
        "model m { relu conv(64, 3) }\n",
    ),
    CodePage(
        "E0102",
        "unclosed-bracket",
        "a bracket is opened and never closed",
        """The diagnostic points at the opener and at the place where its closer was missed: another closer
that fits what is around it, a keyword that starts a new item, an arrow inside parentheses, the end of the
file. When a closing brace stands further left than the line that opened it, that pair is shown as well: the
brace left open is often there.

wrong:  model m { conv(64, 3 -> relu }
right:  model m { conv(64, 3) -> relu }

Blocks, models and tests cannot be defined inside one another; a definition inside braces reads as a brace
that was left open.""",
        "model m { conv(64, 3 -> relu }\n",
    ),
    CodePage(
        "E0103",
        "unopened-bracket",
        "a bracket closes nothing",
        """There is one closer more than there are openers. Remove it, or add the opener it was meant for.

wrong:  model m { conv(64, 3)) }
right:  model m { conv(64, 3) }""",
        "model m { conv(64, 3)) }\n",
    ),
    CodePage(
        "E0104",
        "unclosed-string",
        "a string is not closed on its line",
        """Strings stand between straight double quotes and do not span lines; a line break in the text is
written \\n. A quote inside a string is written \\".

wrong:  model m { relu as "stem }
right:  model m { relu as "stem" }""",
        'model m { relu as "stem }\n',
    ),
    CodePage(
        "E0105",
        "stray-character",
        "a character is not used in the language",
        """The language is written in ASCII; other characters stand in comments and strings only. Editors,
PDFs and web pages like to replace `-` by a minus sign, quotes by curly quotes, a space by a non-breaking
one: the message names the character and what it looks like, and the rest is read as if that stood there.

wrong:  model m { conv(64, 3) \N{RIGHTWARDS ARROW} relu }
right:  model m { conv(64, 3) -> relu }""",
        "model m { conv(64, 3) \N{RIGHTWARDS ARROW} relu }\n",
    ),
    CodePage(
        "E0106",
        "equals-confused",
        "`=` stands for `==`, or `==` for `=`",
        """`=` names a value or gives one to an argument; `==` compares two. Checks of a test compare.

wrong:  test m { params = 3 }
right:  test m { params == 3 }""",
        "test m { params = 3 }\n",
    ),
    CodePage(
        "E0107",
        "keyword-as-name",
        "a keyword is used as a name",
        """A few words are reserved: archdsl use block model test let default input output shared if else
for in repeat match expect require and or not true false none as flag. Names of operators are not among
them. A label may be any text when it is written as a string.

wrong:  model m { relu as block }
right:  model m { relu as "block" }""",
        "model m { relu as block }\n",
    ),
    CodePage(
        "E0108",
        "missing-comma",
        "two entries stand without a comma between them",
        """Arguments, parameters, and entries of lists and shapes are separated by commas, also where each
has a line of its own. A comma after the last one is allowed.

wrong:  model m { conv(64 3) }
right:  model m { conv(64, 3) }""",
        "model m { conv(64 3) }\n",
    ),
    CodePage(
        "E0109",
        "dangling-arrow",
        "a flow ends with an arrow",
        """`->` feeds a value into what follows it; nothing follows. A flow may go on in the next line,
before or after the arrow.

wrong:  model m { conv(64, 3) -> }
right:  model m { conv(64, 3) -> relu }""",
        "model m { conv(64, 3) -> }\n",
    ),
    CodePage(
        "E0110",
        "malformed-number",
        "a number cannot be read",
        """Numbers are decimal: 25_557_032, 0.9, 1e-5. The suffixes K, M, G, T stand for thousands, millions,
10**9 and 10**12: 25.6M is the integer 25600000. Underscores stand singly between digits.

wrong:  let width = 0x40
right:  let width = 64""",
        "let width = 0x40\n",
    ),
    CodePage(
        "E0111",
        "unknown-escape",
        "a backslash in a string is followed by something unknown",
        """The escapes are \\n, \\t, \\" and \\\\. Braces are doubled instead: {{ and }}.

wrong:  let path = "a\\b"
right:  let path = "a\\\\b\"""",
        'let path = "a\\b"\n',
    ),
    CodePage(
        "E0112",
        "malformed-interpolation",
        "braces in a string hold no expression",
        """`{expression}` in a string inserts a value. A brace that belongs to the text is doubled.

wrong:  let label = "set {}"
right:  let label = "set {{}}\"""",
        'let label = "set {}"\n',
    ),
    CodePage(
        "E0113",
        "foreign-syntax",
        "a word or mark of another language stands where archdsl has its own",
        """The words are few: `block` and `model` define, `use` brings blocks in from other files, `let`
names a constant, `#` starts a comment. There is no `return`: the value of a body is what its last statement
made.

wrong:  import torch
right:  use "blocks.arch" (residual)""",
        "import torch\n",
    ),
    CodePage(
        "E0114",
        "unknown-version",
        "the version line cannot be read, or is not the first",
        """A file may start with `archdsl 1`, which says which version of the language it is written in;
without that line the version is 1, for ever. A file for a later version needs a newer archdsl.

wrong:  archdsl 2
right:  archdsl 1""",
        "archdsl 2\n",
    ),
    CodePage(
        "E0115",
        "flag-with-default",
        "a flag is given a default",
        """`flag name` declares a bool parameter that is false unless the caller sets it. For another default
declare an ordinary parameter.

wrong:  block b(flag bias = true) { relu }
right:  block b(bias = true) { relu }""",
        "block b(flag bias = true) { relu }\n",
    ),
    CodePage(
        "E0116",
        "unnamed-input",
        "one of several inputs of a block has no name",
        """A block with one input reads it as the flow, and its signature is a shape alone. With several
inputs each needs a name, or the body could not say which it means.

wrong:  block b() [N, T, d], [N, S, d] { attention(4) }
right:  block b() q: [N, T, d], memory: [N, S, d] { [q, memory] -> attention(4) }""",
        "block b() [N, T, d], [N, S, d] { attention(4) }\n",
    ),
    CodePage(
        "E0117",
        "second-rest",
        "a shape has two rests",
        """`...S` takes however many dimensions are left over by the others, so there can be one only.

wrong:  block b() [N, ...A, ...B] { relu }
right:  block b() [N, c, ...S] { relu }""",
        "block b() [N, ...A, ...B] { relu }\n",
    ),
    CodePage(
        "E0118",
        "malformed-tolerance",
        "the tolerance of a check cannot be read",
        """A check states equality (`params == 25_557_032`), equality after rounding to the digits written
(`params ~ 25.6M`), or a tolerance, in these words: `macs within 2% of 3.8G`.

wrong:  test m { macs near 2% of 3.8G }
right:  test m { macs within 2% of 3.8G }""",
        "test m { macs near 2% of 3.8G }\n",
    ),
    CodePage(
        "E0119",
        "misplaced-wildcard",
        "`_` in a match leaves other patterns without effect",
        """Arms are tried from the top and `_` matches everything, so it stands alone, in the last arm.

wrong:  let a = match 1 { _ => 2; 1 => 3 }
right:  let a = match 1 { 1 => 3; _ => 2 }""",
        "let a = match 1 { _ => 2; 1 => 3 }\n",
    ),
    CodePage(
        "E0120",
        "too-many-errors",
        "reading stopped after too many errors",
        """After fifty syntax errors the text is more likely not an .arch file, or one early slip has confused
everything after it. Correct the first errors and check again.""",
        "?\n" * 60,
    ),
    CodePage(
        "E0901",
        "source-too-large",
        "a source is larger than the limit",
        """A source is read only when it has at most 256 KiB (in UTF-8), so that no file can make the
compiler slow or large. A network that needs more is usually one that wants a loop or a block.

Raise it with --limit source_bytes=524288.""",
        "# " + 64 * 1024 * "long" + "\n",
    ),
    CodePage(
        "E0902",
        "nesting-too-deep",
        "brackets are nested too deep",
        """Brackets of any kind stand at most 200 deep inside one another. Name inner parts: a `block`, a
`let`.

Raise it with --limit nesting=400.""",
        "let a = " + 201 * "(" + "1" + 201 * ")" + "\n",
    ),
    CodePage(
        "E0903",
        "expression-too-long",
        "an expression has too many terms",
        """An expression joins at most 1000 terms by operators. Entries of a list or arguments of a call are
expressions of their own. Sums over many values are written with `sum` over a list.

Raise it with --limit terms=2000.""",
        "let a = 1" + 1000 * " + 1" + "\n",
    ),
    CodePage(
        "E0904",
        "number-too-large",
        "a number is too large",
        """Integers, written or computed, are below 2**63, and so fit every format that archdsl writes. A
number that need not be exact can be a float: 1e30.

Raise it with --limit integer_bits=126.""",
        "let a = 9_223_372_036_854_775_808\n",
    ),
)
