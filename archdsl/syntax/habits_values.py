"""Slips in expressions, arguments and declarations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archdsl.syntax.foreign import MODULES, rewritten
from archdsl.syntax.tokens import NOWHERE

if TYPE_CHECKING:
    from archdsl.syntax.mistake import Edits, Mistake

_CONSTANTS: Final = frozenset(("NUMBER", "STRING", "true", "false", "none"))
_PREFIXES: Final = frozenset(("f", "r", "b", "u", "F", "R", "rb", "fr"))


def constant_without_let(m: Mistake) -> bool:
    """`c = 8`, `widths = [64, 128]`, `name = "a"`."""
    if m.at(m.first) != "NAME" or m.at(m.first + 1) != "=" or "CMP" in m.expected or "NAME" not in m.expected:
        return False
    opens = m.position - m.first - 2
    if m.kind not in _CONSTANTS | {"(", "-"} or any(m.at(m.first + 2 + k) not in ("[", "(") for k in range(opens)):
        return False
    if (m.kind == "(" and m.after not in _CONSTANTS) or (m.kind == "-" and m.after != "NUMBER"):
        return False
    name = m.short(m.first)
    statement = m.written(m.first, m.line_end(m.first)) or f"{name} = ..."
    help = f"a constant is declared: `let {statement}`"
    start = m.tokens.starts[m.first]
    return m.report(
        "E0101", f"expected a step of the flow, found {m.found}", "no step", help, edits=((start, start, "let "),)
    )


def other_equals(m: Mistake) -> bool:
    """`x := relu`, `a === b`."""
    if m.kind == ":" and m.after == "=" and m.follows(m.position + 1) and "=" in m.expected:
        mended = f"{m.written(m.first, m.position - 1)} = {m.written(m.position + 2, m.line_end(m.position + 2))}"
        message = f"expected {m.expected_words}, found `:=`"
        return m.report(
            "E0101", message, "unexpected", f"write `{mended}`", edits=m.edit(m.position, m.position + 1, "=")
        )
    if m.kind == "=" and m.before == "CMP" and m.follows(m.position) and m.text(m.position - 1) in ("==", "!="):
        mark = m.text(m.position - 1)
        return m.report(
            "E0106",
            f"`{mark}=` does not compare",
            "one sign too many",
            f"write `{mark}`",
            edits=m.edit(m.position, m.position, ""),
        )
    return False


def typed_name(m: Mistake) -> bool:
    """`let a: int = 3`."""
    if m.kind != ":" or m.at(m.first) != "let" or m.after != "NAME" or m.at(m.position + 2) != "=":
        return False
    statement = f"{m.written(m.first, m.position - 1)} {m.written(m.position + 2, m.line_end(m.position))}"
    help = f"a constant is given without its type: `{statement}`"
    start, end = m.tokens.starts[m.position], m.tokens.ends[m.position + 1]
    return m.report("E0101", f"expected {m.expected_words}, found `:`", "unexpected", help, edits=((start, end, ""),))


def function_of_numbers(m: Mistake) -> bool:
    """`let r(v) = v // 8`."""
    if m.kind != "(" or m.at(m.first) != "let" or m.position != m.first + 2:
        return False
    closes = m.closer(m.position)
    if m.at(closes + 1) != "=":
        return False
    body = m.written(closes + 2, m.line_end(closes + 1)) or "..."
    help = f"only blocks take arguments: write `{body}` where it is needed, or hand the number on as an argument"
    return m.report("E0101", "a constant takes no arguments", "parameters of a constant", help)


def names_in_parentheses(m: Mistake) -> bool:
    """`let (a, b) = ...`, `for (i, w) in ...`, `for i, (a, b) in ...`."""
    if m.kind != "(" or m.at(m.first) not in ("let", "for") or "NAME" not in m.expected or "CMP" in m.expected:
        return False
    closes = m.closer(m.position)
    names = m.written(m.position + 1, closes - 1)
    if not names or any(m.at(at) not in ("NAME", ",") for at in range(m.position + 1, closes)):
        return False
    message = f"expected {m.expected_words}, found `(`"
    word = m.text(m.first)
    if m.position == m.first + 1:
        help = f"several names stand without parentheses: `{word} {names} {'=' if word == 'let' else 'in'} ...`"
        return m.report("E0101", message, "unexpected", help, edits=m.edit(m.position, closes, names))
    head = f"{m.written(m.first, m.position - 1)} both"
    apart = f"inside: `{head} in ... {{ let {names} = both; ... }}`"
    if word == "let":
        apart = f"after that: `{head} = ...; let {names} = both`"
    help = f"names are not nested; take the inner ones apart {apart}"
    return m.report("E0101", message, "unexpected", help)


def tuple_without_parentheses(m: Mistake) -> bool:
    """`let a = 1, 2`."""
    if m.kind != "," or m.at(m.first) != "let" or m.at(m.first + 2) != "=" or "SEP" not in m.expected:
        return False
    last = m.line_end(m.position)
    values = m.written(m.first + 3, last) if not any(m.at(k) in ("=", "->") for k in range(m.position, last)) else ""
    name = m.short(m.first + 1)
    start, end = m.tokens.starts[m.first + 3], m.tokens.ends[last]
    edits: Edits = ((start, start, "("), (end, end, ")")) if values else ()
    help = f"a tuple stands in parentheses: `let {name} = ({values or '1, 2'})`"
    return m.report("E0101", f"expected {m.expected_words}, found `,`", "unexpected", help, edits=edits)


def braces_as_value(m: Mistake) -> bool:
    """`{8, 16}`, `{"width": 64}` where an expression stands."""
    if m.kind != "{" or "NUMBER" not in m.expected or "STRING" not in m.expected or m.before in ("if", "repeat"):
        return False
    closes = m.closer(m.position)
    inside = m.written(m.position + 1, closes - 1)
    message = f"expected {m.expected_words}, found `{{`"
    kinds = m.tokens.kinds[m.position + 1 : closes]
    if ":" in kinds:
        pairs = [pair.partition(":") for pair in m.listed(m.position + 1, closes)]
        if kinds[0] not in ("STRING", "NAME"):
            listed = ", ".join(f"({key.strip()}, {value.strip()})" for key, _, value in pairs)
            help = f"there are no dictionaries; pairs stand in a list: `[{listed}]`"
            return m.report("E0101", message, "unexpected", help)
        given = ", ".join(f"{key.strip().strip(chr(34))} = {value.strip()}" for key, _, value in pairs)
        help = f"there are no dictionaries; arguments have names: `{given}`"
        edits = m.edit(m.position, closes, given) if m.before == "(" and m.at(closes + 1) == ")" and inside else ()
        return m.report("E0101", message, "unexpected", help, edits=edits)
    if not inside or "->" in kinds or "{" in kinds:
        return False
    help = f"a list stands in square brackets: `[{inside}]`"
    edits = m.edit(m.position, m.position, "[") + m.edit(closes, closes, "]")
    return m.report("E0101", message, "unexpected", help, edits=edits if "," in kinds else ())


def comprehension(m: Mistake) -> bool:
    """`[conv(k, 3) for k in widths]`."""
    if m.kind != "for" or "]" not in m.expected:
        return False
    opens = m.position - 1
    depth = 0
    while opens > m.first and (depth or m.at(opens) != "["):
        depth += (m.at(opens) in (")", "]", "}")) - (m.at(opens) in ("(", "[", "{"))
        opens -= 1
    closes = m.closer(opens)
    each, loop = m.written(opens + 1, m.position - 1), m.written(m.position, closes - 1)
    if (plain := re.fullmatch(r"for (\w+) in (.+)", loop)) and plain[1] == each and " if " not in loop:
        help, edits = f"the list itself is meant: `{plain[2]}`", m.edit(opens, closes, plain[2])
        return m.report("E0113", "a list has no loop inside", "found in a list", help, edits=edits)
    help = "a list is written out; a loop over statements is `for k in widths { ... }`, a part of a list `widths[0..2]`"
    if each and loop and not re.match(r"[A-Za-z_]\w*(\(.*\))?$", each):
        help = f"a list is written out; a loop is over statements: `{loop} {{ ... }}`, with `{each}` inside"
    elif each and loop and " if " not in loop:
        help = (
            f"a list is written out; steps in turn are `{loop} {{ {each} }}`, side by side `concat {loop} {{ {each} }}`"
        )
    return m.report("E0113", "a list has no loop inside", "found in a list", help)


def unpacked(m: Mistake) -> bool:
    """`conv(**settings)`, `conv(*sizes)`."""
    mark = m.text(m.position)
    if mark not in ("*", "**") or m.before not in ("(", ",") or ")" not in m.expected:
        return False
    what = "an argument can be given to all that follow: `default conv(stride = 2)`"
    if m.at(m.first) in ("block", "model"):
        help = "the parameters of a block are all written out, each with its name: `block b(width, depth = 2)`"
        return m.report("E0113", f"`{mark}` gathers nothing", "before a parameter", help)
    help = what if mark == "**" else "each argument is written out: `conv(widths[0], widths[1])`"
    return m.report("E0113", f"`{mark}` unpacks nothing", "before an argument", help)


def named_with_colon(m: Mistake) -> bool:
    """`conv(8, 3, stride: 2)`, `conv(8, 3, stride => 2)`."""
    if m.kind not in (":", "=>") or m.before != "NAME" or not {",", ")"} <= m.expected or "=" not in m.expected:
        return False
    last = m.until(m.position, frozenset((",", "SEP")))
    given = f"{m.short(m.position - 1)} = {m.written(m.position + 1, last)}"
    start = m.tokens.ends[m.position - 1]
    edits: Edits = ((start, m.tokens.starts[m.position + 1], " = "),)
    message = f"expected {m.expected_words}, found {m.found}"
    return m.report("E0101", message, "unexpected", f"arguments are given as `{given}`", edits=edits)


def slice_of_list(m: Mistake) -> bool:
    """`widths[1:]`, `widths[:2]`, `widths[1:2]`."""
    if m.kind != ":" or not ("]" in m.expected or m.before == "["):
        return False
    opens = m.position - 1
    while opens > m.first and m.at(opens) != "[":
        opens -= 1
    closes = m.closer(opens)
    base = m.written(_dotted(m, opens - 1), opens - 1)
    start = m.written(opens + 1, m.position - 1) or "0"
    stop = m.written(m.position + 1, closes - 1) or f"len({base})"
    if m.at(opens - 1) != "NAME" or closes == NOWHERE or ":" in stop or stop.startswith("-"):
        return m.report(
            "E0101", f"expected {m.expected_words}, found `:`", "unexpected", "a part of a list is `widths[0..2]`"
        )
    edits = m.edit(opens + 1, closes - 1, f"{start}..{stop}")
    help = f"a part of a list is `{base}[{start}..{stop}]`"
    return m.report("E0101", f"expected {m.expected_words}, found `:`", "unexpected", help, edits=edits)


def prefixed_string(m: Mistake) -> bool:
    """`f"stage{i}"`: every string takes expressions in braces."""
    if m.kind not in ("STRING", "STRING_HEAD") or m.before != "NAME" or not m.follows(m.position):
        return False
    if m.text(m.position - 1) not in _PREFIXES:
        return False
    help = "expressions in braces stand in any string, without a letter before it"
    edits = m.edit(m.position - 1, m.position - 1, "")
    return m.report("E0101", "a string has no letter before it", "remove it", help, m.position - 1, edits)


def negation(m: Mistake) -> bool:
    """`!a` in an expression."""
    if m.kind != "!" or "not" not in m.expected:
        return False
    last = m.operand_after(m.position + 1)
    operand = m.written(m.position + 1, last) or "a"
    message = f"expected {m.expected_words}, found `!`"
    edits = m.edit(m.position, m.position, "not ") if last != NOWHERE else ()
    return m.report("E0101", message, "unexpected", f"negation is written `not {operand}`", edits=edits)


def double_bar(m: Mistake) -> bool:
    """`a || b`."""
    if m.kind != "|" or m.after != "|" or not m.follows(m.position + 1):
        return False
    if not m.expected & {"{", ")", "]"} and m.at(m.first) not in ("let", "require"):
        return False
    edits = m.edit(m.position, m.position + 1, "or")
    return m.report("E0101", f"expected {m.expected_words}, found `||`", "unexpected", "write `or`", edits=edits)


def if_as_value(m: Mistake) -> bool:
    """`let a = if wide { 1 } else { 2 }`."""
    if m.kind != "if" or "NUMBER" not in m.expected or "STRING" not in m.expected:
        return False
    opens = m.until(m.position + 1, frozenset("{"))
    first = m.closer(opens + 1)
    again = first + 2 if first != NOWHERE and m.at(first + 1) == "else" and m.at(first + 2) == "{" else NOWHERE
    last = m.closer(again) if again != NOWHERE else NOWHERE
    message = f"expected {m.expected_words}, found the keyword `if`"
    if last == NOWHERE or opens == m.position:
        return m.report("E0101", message, "unexpected", "a value is chosen by `a if condition else b`")
    condition, then = m.written(m.position + 1, opens), m.written(opens + 2, first - 1)
    mended = f"{then} if {condition} else {m.written(again + 1, last - 1)}"
    if m.before not in ("=", "(", "[", ",") or m.at(last + 1) not in ("SEP", "}", ")", "]", ","):
        mended = f"({mended})"
    return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=m.edit(m.position, last, mended))


def arm_with_colon(m: Mistake) -> bool:
    """`match n { 1: 2 }`, `match n { 1 -> 2 }`."""
    if m.kind not in (":", "->", "=") or "=>" not in m.expected or "{" in m.expected:
        return False
    last = m.until(m.position + 1, frozenset((",", "SEP")))
    arm = f"{m.written(m.first, m.position - 1)} => {m.written(m.position + 1, last)}"
    opens = m.position
    while opens > m.first - 1 and m.at(opens) != "{":
        opens -= 1
    arms = range(opens + 1, m.closer(opens)) if m.at(opens) == "{" else ()
    edits = tuple(
        edit for at in arms if m.at(at) == m.kind for edit in m.edit(at, at, " =>" if m.follows(at) else "=>")
    )
    help = f"an arm is written `{m.short(m.position - 1)} => {m.written(m.position + 1, last)}`" if arm else ""
    return m.report("E0101", f"expected {m.expected_words}, found {m.found}", "unexpected", help, edits=edits)


def function_of_module(m: Mistake) -> bool:
    """`math.floor(3.5)`, `widths.append(3)`, `x.size(1)` in an expression."""
    if m.kind != "(" or m.at(m.position - 2) != "." or "CMP" not in m.expected or m.before != "NAME":
        return False
    base, name, closes = m.short(m.position - 3), m.short(m.position - 1), m.closer(m.position)
    arguments = m.written(m.position + 1, closes - 1)
    ours = {"floor": "floor", "ceil": "ceil", "sqrt": "sqrt", "log2": "log2", "max": "max", "min": "min", "sum": "sum"}
    edits: Edits = ()
    help = "only a name can be called"
    first = _dotted(m, m.position - 3)
    own = base in ("math", "np", "torch", "numpy") and name in ours
    known = closes != NOWHERE and m.text(first) in MODULES and not own
    step, exact = rewritten(m.written(first, closes)) if known else ("", False)
    if step and "->" not in step:
        edits = m.edit(first, closes, step) if exact else ()
        message = f"expected {m.expected_words}, found `(`"
        return m.report("E0101", message, "unexpected", f"write `{step}`", edits=edits)
    if own:
        help = f"write `{ours[name]}({arguments})`"
        edits = m.edit(m.position - 3, m.position - 1, ours[name]) if arguments else ()
    elif name in ("append", "extend"):
        start = first if m.at(first) == "NAME" else m.step_before(m.position - 3)
        base = m.written(start, m.position - 3) or base
        added = arguments if name == "extend" else f"[{arguments}]"
        help = f"a list keeps its length; a longer one is `{base} + {added}`"
    elif name in ("size", "dim"):
        help = "the sizes get names where a value is: `expect [N, c, ...]`"
    return m.report("E0101", f"expected {m.expected_words}, found `(`", "unexpected", help, edits=edits)


def _dotted(m: Mistake, position: int) -> int:
    """The first of the names with dots between them of which the last is at `position`."""
    while m.at(position - 1) == "." and m.at(position - 2) == "NAME":
        position -= 2
    return position


_OPERATORS: Final = {"div": "//", "mod": "%", "is": "==", "xor": "!="}


def word_for_operator(m: Mistake) -> bool:
    """`n div 2`, `n mod 2`, `n is none`, `sqrt 4`."""
    ours = _OPERATORS.get(m.text(m.position)) if m.kind == "NAME" else None
    if "->" in m.expected or m.at(m.first) not in ("let", "if", "require", "for", "repeat"):
        return False
    message = f"expected {m.expected_words}, found {m.found}"
    last = m.operand_after(m.position + 1 if ours else m.position)
    if ours and last != NOWHERE and m.before in ("NAME", "NUMBER", "STRING", ")", "]"):
        left = m.written(m.step_before(m.position - 1), m.position - 1) or m.short(m.position - 1)
        help = f"write `{left} {ours} {m.written(m.position + 1, last) or m.short(m.position + 1)}`"
        return m.report("E0101", message, "unexpected", help, edits=m.edit(m.position, m.position, ours))
    if (
        m.before == "NAME"
        and m.text(m.position - 1) in ("sqrt", "len", "floor", "ceil", "round", "log2")
        and last != NOWHERE
    ):
        mended = f"{m.text(m.position - 1)}({m.written(m.position, last)})"
        return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=m.edit(m.position - 1, last, mended))
    return False


def decimal_point(m: Mistake) -> bool:
    """`.5`, `1.`"""
    message = f"expected {m.expected_words}, found {m.found}"
    if m.kind == "." and "NUMBER" in m.expected and m.after == "NUMBER" and m.before != "NUMBER":
        edits = m.edit(m.position, m.position, "0.")
        return m.report("E0101", message, "unexpected", f"write `0.{m.text(m.position + 1)}`", edits=edits)
    if m.kind == "NUMBER":
        return False
    if m.before == "." and m.at(m.position - 2) == "NUMBER" and m.text(m.position - 2).isdigit():
        mended = f"{m.text(m.position - 2)}.0"
        edits = m.edit(m.position - 2, m.position - 1, mended)
        return m.report("E0101", message, "unexpected", f"write `{mended}` for a float", edits=edits)
    return False
