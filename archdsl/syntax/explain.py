"""Explanations of a token that cannot stand where it stands.

The table says which tokens could; the slips that people make are told apart here, most telling first. Each
function looks at the surroundings of the error and either reports it and returns True, or leaves it to the
next.
"""

from collections.abc import Callable
from typing import Final

from archdsl.syntax.driver import Machine
from archdsl.syntax.habits import HABITS
from archdsl.syntax.habits_words import foreign_word
from archdsl.syntax.mistake import Mistake
from archdsl.syntax.reporter import SyntaxReporter
from archdsl.syntax.tokens import KEYWORDS, NOWHERE, STATEMENT_WORDS, Tokens

_VALUE_STARTS: Final = frozenset(
    ("NAME", "NUMBER", "STRING", "STRING_HEAD", "(", "[", "true", "false", "none", "match", "not", "!", "...")
)
_TYPES: Final = frozenset(("int", "float", "bool", "string", "str", "list"))
_NAME_FOLLOWS: Final = frozenset(("=", ":", ",", ")", "]", "(", ".", "->", "in", "SEP", "{", "}", "$END"))
_NAMED_AFTER: Final = frozenset(
    ("as", "block", "model", "test", "input", "output", "shared", "let", "for", "flag", ".")
)


def explain(reporter: SyntaxReporter, tokens: Tokens, position: int, machine: Machine) -> None:
    """Report the error at a token."""
    mistake = Mistake(reporter, tokens, position, machine)
    for try_to_explain in _EXPLANATIONS:
        if try_to_explain(mistake):
            return
    expected = mistake.expected_words
    mistake.report("E0101", f"expected {expected}, found {mistake.found}", "unexpected", _help(mistake))


def _dangling_arrow(m: Mistake) -> bool:
    if m.before != "->":
        return False
    # A line break after an arrow does not end the flow, so the next statement is read as part of it.
    begins = m.kind in STATEMENT_WORDS and "\n" in m.between(m.position - 1)
    if m.kind not in ("SEP", "}", "|", "$END", "]", ",", "->") and not begins:
        return False
    help = "name an operator or block after `->`, or remove the arrow"
    following = m.tokens.starts[m.position + 1] if m.kind == "->" else 0
    edits = ((m.tokens.starts[m.position], following, ""),) if m.kind == "->" else ()
    return m.report("E0109", "a flow ends with `->`", "nothing to feed into", help, m.position - 1, edits)


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
        last = m.operand_after(m.position + 1)
        left = m.written(m.operand_before(m.position - 1), m.position - 1)
        mended = f"{left} == {m.written(m.position + 1, last)}" if left and last != NOWHERE else "=="
        edits = m.edit(m.position, m.position, "==")
        return m.report(
            "E0106", "`=` does not compare", "found in an expression", f"write `{mended}` to compare", edits=edits
        )
    if m.kind == "CMP" and m.text(m.position) == "==" and "=" in m.expected and "CMP" not in m.expected:
        edits = m.edit(m.position, m.position, "=")
        return m.report("E0106", "`==` does not give a name or a value", "compares", "write `=`", edits=edits)
    return False


def _missing_comma(m: Mistake) -> bool:
    if m.kind == "(" and m.before == ")" and m.follows(m.position):
        inner, closes = m.step_before(m.position - 1), m.closer(m.position)
        outer = inner - 2 if m.at(inner - 1) == "(" and m.at(inner - 2) == "NAME" else NOWHERE
        whole = outer != NOWHERE and closes != NOWHERE and m.at(closes + 1) == ")"
        fed = m.written(m.position + 1, closes - 1)
        mended = f"{fed} -> {m.written(inner, m.position - 1)}" + (f" -> {m.text(outer)}" if whole else "")
        help = f"a flow feeds a step: `{mended}`" if fed else "a flow feeds a step: `x -> relu`"
        edits = m.edit(outer, closes + 1, mended) if whole and fed and m.at(outer - 1) in ("SEP", "{", "=", "|") else ()
        return m.report(
            "E0113", "the result of a step is not called", "a second pair of parentheses", help, edits=edits
        )
    closes = "`)`" if ")" in m.expected else "`]`"
    if "," not in m.expected or m.kind not in _VALUE_STARTS or not m.expected & {")", "]"}:
        return False
    end = m.tokens.ends[m.position - 1]
    related = ((m.tokens.starts[m.position], m.tokens.ends[m.position], "the next one starts here"),)
    message = f"expected `,` or {closes}, found {m.found}"
    two = f"{m.value_text(m.position - 1)}, {m.value_text(m.position)}"
    help, edits = f"put `,` between the two: `{two}`", ((end, end, ","),)
    if m.before == "NAME":
        # `stride 2` is a name and its value as likely, `int depth` a type and a name.
        edits = ()
        if m.kind in ("NUMBER", "STRING", "true", "false"):
            help = f"write `{m.short(m.position - 1)} = {m.short(m.position)}`, or put `,` between the two"
        elif m.kind == "NAME" and m.at(m.first) in ("block", "model") and ")" in m.expected:
            names = m.short(m.position - 1), m.short(m.position)
            name, type = names if names[1] in _TYPES else reversed(names)
            help = f"a type stands after the name: `{name}: {type}`"
    m.reporter.error("E0108", message, end, end, "a comma is missing here", help, related, edits=edits)
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
    foreign_word,
    *HABITS,
    _keyword_as_name,
    _wrong_equals,
    _missing_comma,
)


def _help(m: Mistake) -> str:
    """A hint for slips that have no code of their own."""
    kind, expected, start = m.kind, m.expected, m.tokens.kinds[m.first]
    in_expression = "CMP" in expected
    if kind == ":" and (start in ("let", "output") or ("->" in expected and m.position == m.first + 1)):
        return "values are named without a type: `x = flow`, or `let k = 3` for a constant"
    if kind == "->" and start == "model" and "{" in expected:
        return "a model has no shape of its own: each `input` says its shape, and those of the outputs follow"
    if kind == "=" and m.before in ("input", "shared") and m.position == m.first + 1:
        return f"`{m.before}` is a keyword; choose another name, such as `{m.before}_`"
    if kind == ":" and ("=" in expected or in_expression):
        return "arguments are given as `name = value`" if expected & {",", ")"} else "bodies stand in { }"
    if kind == "->" and in_expression:
        return "a flow is named without `let`: `x = a -> b`; arguments are expressions, not flows"
    if kind == "else":
        return "`else` follows the `}` of an `if`"
    if kind == "(" and "->" not in expected and in_expression:
        return "only a name can be called"
    if m.text(m.position) == "begin" and "{" in expected:
        return f"bodies stand in braces: `{m.written(m.first, m.position - 1) or start} {{ ... }}`"
    if m.position == m.first and "model" in expected and "SEP" not in expected:
        return "layers stand inside the braces of a `block` or `model`"
    if kind == "{" and start in ("block", "model") and "NAME" in expected:
        return f"give the {start} a name"
    if kind == ";" and expected & {",", ")", "]"}:
        return "separate with commas inside brackets"
    return ""
