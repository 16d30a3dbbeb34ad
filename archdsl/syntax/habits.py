"""Slips of people who come from Python and its frameworks, and misspelt words: what they meant, and how it is written.

Each function looks at a `Mistake` and reports it and returns True, or leaves it to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from archdsl.syntax.tokens import ITEM_STARTS, STATEMENT_WORDS

if TYPE_CHECKING:
    from archdsl.syntax.explain import Mistake

_FLOW: Final = "a flow is written `conv(64, 3) -> relu`"
_ARITHMETIC: Final = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
_DEFINES: Final = ITEM_STARTS | {"for", "repeat", "recompute", "if", "else"}
"""What a line starts with whose braces hold statements rather than branches."""


def misspelt_word(m: Mistake) -> bool:
    """`ouput y`, `modle m {`: something like a word of the language starts what cannot be read."""
    if "model" in m.expected and m.position == m.first:
        known, what = ITEM_STARTS, "item"
    elif m.position == m.first + 1 and "->" in m.expected:
        known, what = STATEMENT_WORDS | {"if"}, "statement"
    else:
        return False
    if m.tokens.kinds[m.first] != "NAME" or m.kind not in ("NAME", "NUMBER", "STRING", "["):
        return False
    from difflib import get_close_matches

    word = m.text(m.first)
    near = get_close_matches(word, sorted(known), n=1, cutoff=0.65) if len(word) < 20 else []
    if not near:
        return False
    help = f"did you mean `{near[0]}`?"
    return m.report("E0101", f"`{word}` starts no {what}", "read as a name", help, m.first)


def comment(m: Mistake) -> bool:
    """`-- note`, `// note`, `/* note */`: nothing is divided or subtracted in a flow."""
    if "CMP" in m.expected or not m.expected & {"SEP", "NAME", "model"}:
        return False
    mark = m.text(m.position)
    if mark == "-" and m.after == "-" and m.tokens.starts[m.position + 1] == m.tokens.ends[m.position]:
        mark = "--"
    begins = mark == "//" or (mark == "/" and (m.position == m.first or m.text(m.position + 1) in ("*", "**")))
    if mark != "--" and not begins:
        return False
    message = f"expected {m.expected_words}, found `{mark}`"
    return m.report("E0113", message, "not a comment", "comments start with `#`")


def dotted_step(m: Mistake) -> bool:
    """`nn.Conv2d(3, 64, 3)`, `self.conv1(x)`, `x.relu()`."""
    if m.kind != "." or ("->" not in m.expected and "=" not in m.expected) or "CMP" in m.expected:
        return False
    if m.tokens.kinds[m.position - 2] == "as":
        return False
    if m.before != "NAME":
        return m.report("E0113", "nothing is called on a value", "a dot after a step", f"{_FLOW}, without dots")
    base, name = m.short(m.position - 1), m.short(m.position + 1) if m.after == "NAME" else ""
    help = f"{_FLOW}: operators and blocks stand in it by name, and what flows is not named"
    if base == "self":
        help = f"there is no `self`: {_FLOW}, of operators and blocks by their own names"
    return m.report("E0113", f"`{base}.{name}` is no step of a flow", "a dot after a name", help)


def called_twice(m: Mistake) -> bool:
    """`conv(64, 3)(x)`."""
    if m.kind != "(" or m.before != ")" or "->" not in m.expected:
        return False
    help = "a flow feeds a step: `x -> conv(64, 3) -> relu`"
    return m.report("E0113", "the result of a step is not called", "a second pair of parentheses", help)


def in_place(m: Mistake) -> bool:
    """`x += conv(64, 3)`, `n -= 1`."""
    mark = m.text(m.position)
    if mark not in _ARITHMETIC or m.after != "=" or m.before != "NAME" or "->" not in m.expected:
        return False
    if m.tokens.starts[m.position + 1] != m.tokens.ends[m.position]:
        return False
    help = f"a flow goes on with what a step gives: `{_ARITHMETIC[mark]} {{ id | conv(64, 3) }}`"
    if m.position + 2 < len(m.tokens.kinds) and m.tokens.kinds[m.position + 2] == "NUMBER":
        help = f"a constant keeps its value; name another: `let next = {m.short(m.position - 1)} {mark} 1`"
    return m.report("E0113", "nothing is changed in place", "assigns to what exists", help)


def index(m: Mistake) -> bool:
    """`x[0]`, `conv(64, 3)[0]`, `concat [a, b]` among the statements, where flows stand."""
    if m.kind != "[" or m.before not in ("NAME", ")", "]", "}") or "->" not in m.expected or "CMP" in m.expected:
        return False
    if m.between(m.position - 1):
        help = f"what a step works on stands before it: `[a, b] -> {m.short(m.position - 1)}`"
        return m.report("E0113", "a step is not followed by what it works on", "a list after a step", help)
    help = "a part of a tensor is the result of `slice` or `select`; a tuple is taken apart: `a, b = split(2)`"
    return m.report("E0113", "what flows has no index", "an index after a step", help)


def arithmetic(m: Mistake) -> bool:
    """`x + conv(64, 3)` among the statements, where flows stand."""
    mark = m.text(m.position)
    if mark not in _ARITHMETIC or m.after == "=" or m.before not in ("NAME", ")", "]", "}") or "->" not in m.expected:
        return False
    operator = _ARITHMETIC[mark]
    help = f"`{operator}` is an operator with a branch for each side: `{operator} {{ id | conv(64, 3) }}`"
    return m.report("E0113", f"`{mark}` does not join flows", "found in a flow", help)


def comma_in_flow(m: Mistake) -> bool:
    """`add { a, b }`; `a, b -> concat`; `output a, b`; `params == 3, macs == 4`."""
    kinds, first = m.tokens.kinds, m.first
    at = m.position
    while at > first and kinds[at] != ",":
        at -= 1
    if kinds[at] != "," or ("~" in m.expected and at != m.position):
        return False
    message = "several values stand without brackets"
    if at != m.position:
        # Names and commas, which `=` could have followed.
        if "=" not in m.expected or any(kind not in ("NAME", ",") for kind in kinds[first : m.position]):
            return False
        help = f"write `[{m.short(at - 1)}, {m.short(at + 1)}]`" if kinds[at + 1] == "NAME" else ""
    elif "~" in m.expected:
        return m.report("E0101", "expected the end of the check, found `,`", "unexpected", "each check has its line")
    elif kinds[first] == "output" and "CMP" not in m.expected and ")" not in m.expected:
        help = f"each output has its line: `output {m.short(at - 1)}`, then `output {m.short(at + 1)}`"
        return m.report("E0101", "an output has one name", "and another starts here", help)
    elif kinds[first] in _DEFINES or not {"SEP", "->"} & m.expected or m.expected & {"CMP", ")", "]"}:
        return False
    else:
        message, help = "steps are not separated by `,`", "they are joined by `->`, or stand on lines of their own"
    if first and kinds[first - 1] in ("{", "|") and in_branches(m):
        message, help = "branches are not separated by `,`", "write `|` between them: `add { id | conv(64, 3) }`"
    return m.report("E0101", message, "found here", help, at)


def in_branches(m: Mistake) -> bool:
    """Whether the braces around the statement are those of a step: `name {` or `name(...) {` inside a flow."""
    kinds = m.tokens.kinds
    at, depth = m.first - 1, 0
    while at > 0 and m.first - at < 1000 and (depth or kinds[at] != "{"):
        depth += (kinds[at] == "}") - (kinds[at] == "{")
        at -= 1
    at -= 1
    depth = 0
    while at > 0 and m.first - at < 1000 and (depth or kinds[at] == ")"):
        depth += (kinds[at] == ")") - (kinds[at] == "(")
        at -= 1
    return at > 0 and kinds[at] == "NAME" and kinds[at - 1] in ("SEP", "{", "|", "->", "=", "[", "}")


def unfit_input(m: Mistake) -> bool:
    """`input x = f32[N]`, `input x: [N]`, `input f32[N]`."""
    if m.tokens.kinds[m.first] != "input" or m.position - m.first not in (2, 3):
        return False
    name = m.short(m.first + 1)
    message = f"expected {m.expected_words}, found {m.found}"
    if m.before == ":" and m.kind == "[":
        message, help = "the kind of number of an input is missing", f"write `input {name}: f32[...]`"
    elif m.position - m.first == 2 and m.kind == "[":
        message, help = "an input has no name", f"write `input x: {name}[...]`"
    elif m.position - m.first == 2 and m.kind in ("=", "NAME"):
        help = f"write `input {name}: f32[...]`"
    else:
        return False
    return m.report("E0101", message, "unexpected", help)


def comprehension(m: Mistake) -> bool:
    """`[2*k for k in widths]`."""
    if m.kind != "for" or "]" not in m.expected:
        return False
    help = "a list is written out; a loop over statements is `for k in widths { ... }`, a part of a list `widths[0..2]`"
    return m.report("E0113", "a list has no loop inside", "found in a list", help)


def unfit_tolerance(m: Mistake) -> bool:
    """`macs within 5% 12`, `macs within 5 of 12`."""
    back = {"NUMBER": 3, "NAME": 2}.get(m.kind, 0)
    if not back or m.position < back or m.text(m.position - back) != "within":
        return False
    if m.expected not in ({"NAME"}, {"%"}):
        return False
    wanted = "`of`" if m.kind == "NUMBER" else "`%`"
    return m.report("E0118", f"expected {wanted}, found {m.found}", "", "write `macs within 2% of 3.8G`")


HABITS: Final[tuple[Callable[[Mistake], bool], ...]] = (
    comment,
    dotted_step,
    called_twice,
    in_place,
    arithmetic,
    comma_in_flow,
    comprehension,
    unfit_input,
    unfit_tolerance,
    misspelt_word,
    index,
)
