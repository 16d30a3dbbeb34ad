"""What to say about a token that cannot stand where it stands.

The table says which tokens could; the slips that people make are told apart here, most telling first. Each
function looks at the surroundings of the error and either reports it and returns True, or leaves it to the
next.
"""

from collections.abc import Callable
from typing import Final

from archdsl.syntax import words
from archdsl.syntax.driver import Machine
from archdsl.syntax.habits import HABITS
from archdsl.syntax.lexemes import shown
from archdsl.syntax.report import Reporter
from archdsl.syntax.tokens import KEYWORDS, STATEMENT_WORDS, Tokens

FOREIGN: Final = {
    "import": 'blocks come from other files with `use "file.arch" (name)`',
    "from": 'blocks come from other files with `use "file.arch" (name)`',
    "include": 'blocks come from other files with `use "file.arch" (name)`',
    "def": "a part of a network is a `block name(parameters) { ... }`",
    "fn": "a part of a network is a `block name(parameters) { ... }`",
    "func": "a part of a network is a `block name(parameters) { ... }`",
    "function": "a part of a network is a `block name(parameters) { ... }`",
    "class": "a network is a `model name(parameters) { ... }`, a part of one a `block`",
    "layer": "a part of a network is a `block name(parameters) { ... }`",
    "module": "a part of a network is a `block name(parameters) { ... }`",
    "network": "a network is a `model name(parameters) { ... }`",
    "return": "the value of a body is what its last statement made; in a model write `output name`",
    "var": "a constant is `let name = expression`, a named value `name = flow`",
    "const": "a constant is `let name = expression`, a named value `name = flow`",
    "elif": "write `else if`",
    "while": "loops are `for i in 0..n { ... }` and `repeat n { ... }`",
    "assert": 'a condition on parameters is `require condition, "message"`, on a shape `expect [N, c]`',
    "switch": "write `match value { 1 => a; _ => b }`",
    "case": "write `match value { 1 => a; _ => b }`",
    "lambda": "there are no function literals; give a `block` by name",
}
"""Words of other languages at the start of something that could not be read, and what to write here."""

_VALUE_STARTS: Final = frozenset(
    ("NAME", "NUMBER", "STRING", "STRING_HEAD", "(", "[", "true", "false", "none", "match", "not", "!", "...")
)
_NAME_FOLLOWS: Final = frozenset(("=", ":", ",", ")", "]", "(", ".", "->", "in", "SEP", "{", "}", "$END"))
_NAMED_AFTER: Final = frozenset(
    ("as", "block", "model", "test", "input", "output", "shared", "let", "for", "flag", ".")
)


class Mistake:
    """An error and its surroundings."""

    __slots__ = ("after", "before", "expected", "first", "kind", "machine", "position", "reporter", "tokens")

    def __init__(self, reporter: Reporter, tokens: Tokens, position: int, machine: Machine) -> None:
        kinds = tokens.kinds
        self.reporter = reporter
        self.tokens = tokens
        self.position = position
        self.machine = machine
        self.expected = machine.expected()
        self.kind = kinds[position]
        self.before = kinds[position - 1] if position else "$START"
        self.after = kinds[position + 1] if self.kind != "$END" else "$END"
        self.first = position
        while self.first and kinds[self.first - 1] not in ("SEP", "{", "|", "}") and position - self.first < 1000:
            self.first -= 1
        """The first token of the line or statement."""

    def text(self, position: int) -> str:
        return self.reporter.source.text[self.tokens.starts[position] : self.tokens.ends[position]]

    def short(self, position: int) -> str:
        """A token's text as messages show it."""
        return shown(self.text(position))

    def between(self, position: int) -> str:
        """What stands between a token and the next."""
        return self.reporter.source.text[self.tokens.ends[position] : self.tokens.starts[position + 1]]

    @property
    def found(self) -> str:
        return words.found(self.tokens, self.position, self.reporter.source.text)

    @property
    def expected_words(self) -> str:
        return words.expected(self.expected)

    def report(self, code: str, message: str, label: str, help: str = "", at: int = -1) -> bool:
        at = self.position if at < 0 else at
        self.reporter.error(code, message, self.tokens.starts[at], self.tokens.ends[at], label, help)
        return True


def explain(reporter: Reporter, tokens: Tokens, position: int, machine: Machine) -> None:
    """Report the error at a token."""
    mistake = Mistake(reporter, tokens, position, machine)
    for try_to_explain in _EXPLANATIONS:
        if try_to_explain(mistake):
            return
    expected = mistake.expected_words
    mistake.report("E0101", f"expected {expected}, found {mistake.found}", "unexpected", _help(mistake))


def _foreign_word(m: Mistake) -> bool:
    """`import x`, `def f(x):`, `return y`."""
    for at in (m.first, m.position):
        word = m.text(at) if m.tokens.kinds[at] == "NAME" else ""
        if word in FOREIGN and m.position - at <= 6:
            return m.report("E0113", f"`{word}` is not a word of this language", "read as a name", FOREIGN[word], at)
    return False


def _dangling_arrow(m: Mistake) -> bool:
    if m.before != "->":
        return False
    # A line break after an arrow does not end the flow, so the next statement is read as part of it.
    begins = m.kind in STATEMENT_WORDS and "\n" in m.between(m.position - 1)
    if m.kind not in ("SEP", "}", "|", "$END", "]", ",", "->") and not begins:
        return False
    help = "name an operator or block after `->`, or remove the arrow"
    return m.report("E0109", "a flow ends with `->`", "nothing to feed into", help, m.position - 1)


def _keyword_as_name(m: Mistake) -> bool:
    if m.kind not in KEYWORDS or "NAME" not in m.expected:
        return False
    if m.before not in _NAMED_AFTER and m.after not in _NAME_FOLLOWS:
        return False
    if m.kind in ("if", "else", "and", "or", "in", "as") and m.before not in _NAMED_AFTER:
        return False
    help = f"choose another name, such as `{m.kind}_`"
    if m.before == "as":
        help = f'a label may be any string: write `as "{m.kind}"`'
    message = f"`{m.kind}` is a keyword and cannot be used as a name"
    return m.report("E0107", message, "reserved", help)


def _wrong_equals(m: Mistake) -> bool:
    """`=` where two values are compared, `==` where something is named."""
    if m.kind == "=" and "CMP" in m.expected:
        return m.report("E0106", "`=` does not compare", "found in an expression", "write `==` to compare")
    if m.kind == "CMP" and m.text(m.position) == "==" and "=" in m.expected and "CMP" not in m.expected:
        return m.report("E0106", "`==` does not give a name or a value", "compares", "write `=`")
    return False


def _missing_comma(m: Mistake) -> bool:
    closes = "`)`" if ")" in m.expected else "`]`"
    if "," not in m.expected or m.kind not in _VALUE_STARTS or not m.expected & {")", "]"}:
        return False
    end = m.tokens.ends[m.position - 1]
    related = ((m.tokens.starts[m.position], m.tokens.ends[m.position], "the next one starts here"),)
    message = f"expected `,` or {closes}, found {m.found}"
    m.reporter.error("E0108", message, end, end, "a comma is missing here", "put `,` between the two", related)
    return True


def _empty_interpolation(m: Mistake) -> bool:
    if m.before not in ("STRING_HEAD", "STRING_MIDDLE") or m.kind not in ("STRING_MIDDLE", "STRING_TAIL"):
        return False
    start = m.tokens.ends[m.position - 1] - 1
    end = m.tokens.starts[m.position] + 1
    help = "write an expression between the braces, or {{ and }} for braces in the text"
    m.reporter.error("E0112", "an interpolation is empty", start, end, "nothing to insert", help)
    return True


_EXPLANATIONS: Final[tuple[Callable[[Mistake], bool], ...]] = (
    _empty_interpolation,
    _dangling_arrow,
    _foreign_word,
    *HABITS,
    _keyword_as_name,
    _wrong_equals,
    _missing_comma,
)


def _help(m: Mistake) -> str:
    """A hint for slips that have no code of their own."""
    kind, expected, start = m.kind, m.expected, m.tokens.kinds[m.first]
    in_expression = "CMP" in expected
    if kind == "SEP" and m.after == "{" and "{" in expected:
        return "the `{` stands on the line of what it belongs to"
    if kind == ":" and start == "let":
        return "a constant is given without its type: `let k = 3`"
    if kind == ":" and "~" in expected:
        return "write `params == 3`"
    if kind == ":" and "->" in expected and m.position == m.first + 1:
        return "values are named without a type: `x = flow`, or `let k = 3` for a constant"
    if kind == "->" and start == "model" and "{" in expected:
        return "a model has no shape of its own: each `input` says its shape, and those of the outputs follow"
    if kind == "->" and start == "block" and m.before != "{":
        return "the shape of a block's result stands after `=>`: `block b(c) [N, d] => [N, c] { ... }`"
    if kind == "=" and m.before in ("input", "shared") and m.position == m.first + 1:
        return f"`{m.before}` is a keyword; choose another name, such as `{m.before}_`"
    if kind == "=" and m.before == "output":
        return "give the output a name: `output y = flow`"
    if kind == "|" and m.after == "CMP" and m.text(m.position + 1) == ">":
        return "a flow goes on with `->`"
    if kind == "NUMBER" and m.before == "NAME" and "->" in expected:
        return f"arguments stand in parentheses: `{m.short(m.position - 1)}({m.short(m.position)})`"
    if kind == ":" and ("=" in expected or in_expression):
        return "arguments are given as `name = value`" if expected & {",", ")"} else "bodies stand in { }"
    if kind == "," and start == "let":
        return "a tuple stands in parentheses: `let a = (1, 2)`"
    if kind == "(" and start == "let" and "NAME" in expected:
        return "several names stand without parentheses: `let a, b = ...`"
    if kind == "->" and in_expression:
        return "a flow is named without `let`: `x = a -> b`; arguments are expressions, not flows"
    if kind == "!" and "not" in expected:
        return "negation is written `not`"
    if kind == "=>" and expected & {"->", "SEP"}:
        return "a flow goes on with `->`"
    if kind == "else":
        return "`else` follows the `}` of an `if`"
    if kind == "." and "NUMBER" in expected and m.after == "NUMBER":
        return f"write `0.{m.text(m.position + 1)}`"
    if m.before == "." and m.tokens.kinds[m.position - 2] == "NUMBER":
        return f"write `{m.text(m.position - 2)}.0` for a float"
    if kind == "(" and "->" not in expected and in_expression:
        return "only a name can be called"
    if m.position == m.first and "model" in expected and "SEP" not in expected:
        return "layers stand inside the braces of a `block` or `model`"
    if kind == "{" and start in ("block", "model") and "NAME" in expected:
        return f"give the {start} a name"
    if kind == ";" and expected & {",", ")", "]"}:
        return "separate with commas inside brackets"
    return ""
