"""Slips in what is chosen: conditions, values that depend on one, and bodies that are run by one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archdsl.syntax.habits_words import nested, with_else
from archdsl.syntax.tokens import NOWHERE, VALUE_ENDS

if TYPE_CHECKING:
    from archdsl.syntax.mistake import Mistake

_CONDITIONAL: Final = frozenset(("if", "else", "for", "repeat", "recompute"))
_WORDS: Final = {"AND": "and", "And": "and", "OR": "or", "Or": "or"}
_COMPARED: Final = {"<>": "!=", "~=": "!=", "=<": "<=", "=>": ">=", "=!": "!=", "!==": "!="}
_CUT: Final = frozenset(("SEP", ",", "{", "|"))


def unless(m: Mistake) -> bool:
    """`unless wide { conv(8, 3) }`."""
    if m.text(m.first) != "unless" or m.position != m.first + 1:
        return False
    last = m.until(m.position, frozenset("{"))
    condition = m.written(m.position, last)
    message = "`unless` is not a word of this language"
    if not condition or m.at(last + 1) != "{":
        return m.report("E0113", message, "read as a name", "write `if not condition { ... }`", m.first)
    mended = f"if not {_grouped(condition)}"
    edits = m.edit(m.first, last, mended)
    return m.report("E0113", message, "read as a name", f"write `{mended} {{ ... }}`", m.first, edits)


def _grouped(condition: str) -> str:
    """A condition as what `not` applies to."""
    whole = condition[0] == "(" and condition[-1] == ")" and ")" not in condition[:-1]
    return condition if whole or not re.search(r"\b(and|or|if)\b", condition) else f"({condition})"


def membership(m: Mistake) -> bool:
    """`if n in [1, 2]`, `if n not in [1, 2]`, `if n in 0..3`."""
    negated = m.kind == "not"
    if "CMP" not in m.expected or not (m.kind == "in" or (negated and m.after == "in")):
        return False
    start, opens = m.operand_before(m.position - 1), m.position + 1 + negated
    left = m.written(start, m.position - 1)
    if m.at(start - 1) == "not" and not negated:
        start, negated = start - 1, True
    last = m.closer(opens) if m.at(opens) in ("[", "(") else m.operand_after(opens)
    items = m.listed(opens + 1, last) if m.at(opens) in ("[", "(") else []
    message = "whether a value is in a list is asked of its elements"
    if not left or not items or not all(items):
        bounds = m.written(opens, last).split("..") if last >= opens else []
        if left and len(bounds) == 2 and all(bounds):
            mended = f"{bounds[0]} <= {left} < {bounds[1]}"
            mended = f"not {mended}" if negated else mended
            return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=m.edit(start, last, mended))
        help = f"compare it with each: `{left or 'n'} == 1 or {left or 'n'} == 2`"
        return m.report("E0101", message, "unexpected", help)
    mark, joint = ("!=", " and ") if negated else ("==", " or ")
    mended = joint.join(f"{left} {mark} {item}" for item in items)
    if not negated and len(items) > 1 and {"and", "not"} & {m.at(start - 1), m.at(last + 1)}:
        mended = f"({mended})"
    return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=m.edit(start, last, mended))


def other_comparison(m: Mistake) -> bool:
    """`n <> 3`, `n ~= 3`, `n =< 3`, `n is not 3`, `a AND b`, `NOT a`, `a | b`."""
    text = m.text(m.position)
    message = f"expected {m.expected_words}, found {m.found}"
    # After what may follow an expression somewhere, the table knows no more that one stands before it.
    condition = "CMP" in m.expected or (m.at(m.first) in ("if", "require", "let", "else") and "->" not in m.expected)
    if text == "is" and m.after == "not" and condition:
        last = m.operand_after(m.position + 2)
        left = m.written(m.operand_before(m.position - 1), m.position - 1)
        help = f"write `{left} != {m.written(m.position + 2, last)}`"
        return m.report("E0101", message, "unexpected", help, edits=m.edit(m.position, m.position + 1, "!="))
    if text in _WORDS and m.kind == "NAME" and condition:
        edits = m.edit(m.position, m.position, _WORDS[text])
        return m.report("E0101", message, "unexpected", f"write `{_WORDS[text]}`", edits=edits)
    if m.before == "NAME" and m.text(m.position - 1) in ("NOT", "Not") and m.kind in ("NAME", "true", "false"):
        if not condition:
            return False
        help = f"negation is written `not {m.written(m.position, m.operand_after(m.position))}`"
        edits = m.edit(m.position - 1, m.position - 1, "not")
        return m.report("E0101", "negation is written in small letters", "read as a name", help, m.position - 1, edits)
    if m.kind == "|" and condition and m.before in VALUE_ENDS and m.after != "|" and "=>" not in m.expected:
        return m.report("E0101", message, "unexpected", "write `or`", edits=m.edit(m.position, m.position, "or"))
    for at in (m.position - 1, m.position):
        pair = m.text(at) + m.text(at + 1) if at >= 0 and m.at(at + 1) != "$END" and m.follows(at + 1) else ""
        compares = condition if at == m.position else m.at(at) in ("CMP", "=", "~")
        if compares and pair in _COMPARED:
            ours = "~" if pair == "~=" and m.item == "test" else _COMPARED[pair]
            start = m.operand_before(at - 1)
            left, right = m.written(start, at - 1), m.written(at + 2, m.operand_after(at + 2))
            help = f"write `{left} {ours} {right}`" if left and right else f"write `{ours}`"
            message = f"`{pair}` does not compare"
            return m.report("E0106", message, "not a comparison", help, at, m.edit(at, at + 1, ours))
    if m.kind == "=>" and condition and m.at(m.first) in ("if", "require", "else"):
        help = f"write `{m.written(m.operand_before(m.position - 1), m.position - 1)} >= {m.short(m.position + 1)}`"
        edits = m.edit(m.position, m.position, ">=")
        return m.report("E0106", "`=>` does not compare", "not a comparison", help, edits=edits)
    return False


def value_without_else(m: Mistake) -> bool:
    """`let a = 1 if wide`."""
    if "else" not in m.expected or "SEP" in m.expected or m.kind not in ("SEP", "}", ")", ",", "]", "$END"):
        return False
    at = m.position - 1
    while at > m.first and m.at(at) != "if":
        at = m.opener(at) - 1 if m.at(at) in (")", "]") else at - 1
    start = m.operand_before(at - 1) if m.at(at) == "if" else NOWHERE
    chosen = m.written(start, m.position - 1)
    message = f"expected `else`, found {m.found}"
    help = f"say which value holds otherwise: `{chosen or 'a if condition'} else ...`"
    return m.report("E0101", message, "a value is missing for the other case", help)


def chosen_like_a_statement(m: Mistake) -> bool:
    """`let a = if wide then 1 else 2`, `conv(if wide: 8 else: 16, 3)`."""
    if m.kind != "if" or "NUMBER" not in m.expected or "STRING" not in m.expected:
        return False
    last = m.until(m.position + 1, frozenset(("SEP", ",", "{", "|")))
    words = {"else": NOWHERE, "then": NOWHERE, ":": NOWHERE}
    for at in range(last, m.position, -1):
        if m.text(at) in words:
            words[m.text(at)] = at  # the first of each
    middle, other = words["then"] if words["then"] != NOWHERE else words[":"], words["else"]
    if not m.position < middle < other:
        return False
    rest = other + 1 + (m.at(other + 1) == ":")
    texts = [m.written(m.position + 1, middle - 1), m.written(middle + 1, other - 1), m.written(rest, last)]
    if not all(texts):
        return False
    mended = f"{texts[1]} if {texts[0]} else {texts[2]}"
    if m.before not in ("=", "(", "[", ",", ":"):
        mended = f"({mended})"  # an operator before it would take the first value alone
    message = f"expected {m.expected_words}, found the keyword `if`"
    return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=m.edit(m.position, last, mended))


def matched_flow(m: Mistake) -> bool:
    """`match n { 1 => relu; 2 => tanh }` among the statements."""
    if m.kind != "match" or m.position != m.first or "CMP" in m.expected:
        return False
    opens = m.until(m.position, frozenset("{")) + 1
    whole = m.written(m.position, m.closer(opens)) if m.at(opens) == "{" and m.closer(opens) != NOWHERE else ""
    whole = whole or "match n { 1 => a; _ => b }"
    help = f"`match` chooses a value, which may be a block: `let step = {whole}`, then `step`"
    return m.report("E0101", f"expected {m.expected_words}, found {m.found}", "no statement", help)


def labelled_loop(m: Mistake) -> bool:
    """`repeat 3 { conv(8, 3) } as stage`, `for i in 0..3 { unit } as "stage{i}"`."""
    if m.kind != "as" or m.before != "}" or m.at(m.first) != "as" or m.after not in ("NAME", "STRING", "STRING_HEAD"):
        return False
    opens = m.opener(m.position - 1)
    start = opens
    while start > 0 and m.at(start - 1) not in ("SEP", "{", "}", "|"):
        start -= 1
    if m.at(start) not in ("for", "repeat", "if"):
        return False
    label = m.written(m.position, m.line_end(m.position))
    body, step = m.written(opens + 1, m.position - 2), m.step_after(opens + 1)
    message = f"`{m.at(start)}` is a statement and has no label"
    if not body or not label or step != m.position - 2:
        example = (
            f"`{m.short(start)} ... {{ unit {label} }}`" if label else f"`{m.short(start)} ... {{ unit as name }}`"
        )
        help = f"the steps inside have labels, and several steps in turn have one as a block: {example}"
        return m.report("E0101", message, "unexpected", help)
    mended = f"{m.written(start, opens)} {body} {label} }}"
    edits = ((m.tokens.ends[m.position - 2], m.tokens.ends[m.line_end(m.position)], f" {label} }}"),)
    return m.report("E0101", message, "unexpected", f"the step inside has it: `{mended}`", edits=edits)


def choices_of_words(m: Mistake) -> bool:
    """`depth: 18 or 34 = 18`."""
    if m.kind != "or" or "|" not in m.expected or "CMP" in m.expected or m.at(m.first) not in ("model", "block"):
        return False
    first, last = m.position - 1, m.until(m.position, frozenset((",", "=")))
    words = m.written(first, last)
    mended = re.sub(r"\s+or\s+", " | ", words)
    edits = m.replaced(m.position, last, "or", "|") if words else ()
    help = f"choices are parted by `|`: `{mended}`" if words else "choices are parted by `|`"
    return m.report("E0101", f"expected {m.expected_words}, found {m.found}", "unexpected", help, edits=edits)


def body_in_the_open(m: Mistake) -> bool:
    """`if (wide) relu`, `else tanh`, and a `{` that stands on a line of its own."""
    start = m.tokens.kinds[m.first]
    heads = start in _CONDITIONAL or (start in ("block", "model") and m.kind == "SEP")
    if not heads or "{" not in m.expected or m.position == m.first:
        return False
    head = m.written(m.first, m.position - 1)
    message = f"expected {m.expected_words}, found {m.found}"
    if m.kind == "SEP" and m.text(m.position) != ";":
        if m.after != "{":
            return m.report("E0101", message, "unexpected", f"bodies stand in braces: `{head or start} {{ ... }}`")
        edits = ((m.tokens.ends[m.position - 1], m.tokens.starts[m.position + 1], " "),)
        help = f"the `{{` stands on the line of what it belongs to: `{head or start} {{`"
        return m.report("E0101", message, "unexpected", help, edits=edits)
    if m.kind not in ("NAME", "[") or (m.kind == "[" and m.follows(m.position)) or m.text(m.position) == "begin":
        return False
    last = m.line_end(m.position)
    body = m.written(m.position, last)
    if not head or not body or "{" in body:
        return m.report("E0101", message, "unexpected", f"bodies stand in braces: `{head or start} {{ ... }}`")
    mended = with_else(m, m.position, last)
    whole = not nested(m, m.position, last)
    edits = ((m.tokens.starts[m.position], m.tokens.ends[last], f"{{ {mended} }}"),) if whole else ()
    help = f"bodies stand in braces: `{head} {{ {mended} }}`"
    return m.report("E0101", message, "unexpected", help, edits=edits)
