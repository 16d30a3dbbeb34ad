"""Slips in flows: arithmetic between tensors, dots, calls of calls, indices, other marks in the place of an arrow."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from archdsl.syntax.foreign import LAYERS, MODULES, rewritten, split, translated
from archdsl.syntax.tokens import NOWHERE

if TYPE_CHECKING:
    from archdsl.syntax.mistake import Edits, Mistake

_ARITHMETIC: Final = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
_GOES_ON: Final = frozenset(("->", "SEP", "}", "|", "$END", ",", "]"))
"""The tokens that may follow a step."""
_APART: Final = frozenset((first, second) for first in ("NUMBER", "NAME") for second in ("NUMBER", "NAME"))
_SHIFTED: Final = {"|>": "->", "~>": "->", ">>": "->", "=>": "->", ">": "->", "|": "->"}
"""Marks that other languages and other diagrams have for an arrow."""


def arithmetic(m: Mistake) -> bool:
    """`x + y`, `x * 0.5` among the statements, where flows stand."""
    mark = m.text(m.position)
    if mark not in _ARITHMETIC or m.after == "=" or m.before not in ("NAME", ")", "]", "}") or "->" not in m.expected:
        return False
    operator, message = _ARITHMETIC[mark], f"`{mark}` does not join flows"
    if m.follows(m.position + 1) and m.text(m.position + 1) == mark:
        help = f"a constant keeps its value; name another: `let next = {m.short(m.position - 1)} {mark} 1`"
        return m.report("E0113", "nothing is changed in place", "assigns to what exists", help)
    start = m.step_before(m.position - 1)
    if m.at(start) == "NAME" and m.at(start - 1) == "->" and m.first < start:
        start = m.first + 2 if m.at(m.first + 1) == "=" else m.first
    operands, last = [m.written(start, m.position - 1)], m.position
    while m.text(last) == mark:
        end = m.step_after(last + 1)
        operands.append(m.written(last + 1, end))
        last = end + 1 if end != NOWHERE else last + 1
        if mark in ("-", "/"):
            break
    if not all(operands):
        help = f"`{operator}` is an operator with a branch for each side: `{operator} {{ id | conv(64, 3) }}`"
        return m.report("E0113", message, "found in a flow", help)
    number = m.at(last - 1) == "NUMBER"
    constant = m.declared(operands[0]) == "constant"
    if number and constant and m.at(m.first + 1) == "=":
        text = m.written(m.first, last - 1)
        return m.report(
            "E0113",
            message,
            "found in a flow",
            f"write `let {text}`",
            edits=m.edit(m.first, m.first, f"let {m.text(m.first)}"),
        )
    mended = merged(operator, operands)
    plain = all(operand.isidentifier() or operand[0].isdigit() for operand in operands) and not constant
    edits = m.edit(start, last - 1, mended) if plain and m.at(last) in _GOES_ON else ()
    return m.report("E0113", message, "found in a flow", f"write `{mended}`", edits=edits)


def merged(operator: str, operands: list[str]) -> str:
    """Operands, steps or numbers, merged by an operator."""
    if any(operand[0].isdigit() for operand in operands):
        sides = [f"constant({operand})" if operand[0].isdigit() else operand for operand in operands]
        return f"{operator} {{ {' | '.join(sides)} }}"
    return f"[{', '.join(operands)}] -> {operator}"


def number_first(m: Mistake) -> bool:
    """`1 - x` at the start of a flow."""
    mark = m.text(m.position + 1) if m.kind == "NUMBER" and m.at(m.position + 1) != "$END" else ""
    end = m.step_after(m.position + 2) if mark in _ARITHMETIC else NOWHERE
    if end == NOWHERE or "NAME" not in m.expected or "CMP" in m.expected or "NUMBER" in m.expected:
        return False
    operands = [m.text(m.position), m.written(m.position + 2, end)]
    if not operands[1] or m.declared(operands[1]) == "constant" or m.at(m.position + 2) == "NUMBER":
        return False
    mended = merged(_ARITHMETIC[mark], operands)
    edits = m.edit(m.position, end, mended) if operands[1].isidentifier() and m.at(end + 1) in _GOES_ON else ()
    return m.report(
        "E0113", f"`{mark}` does not join flows", "found in a flow", f"write `{mended}`", m.position + 1, edits
    )


def in_place(m: Mistake) -> bool:
    """`x += conv(64, 3)`, `n -= 1`."""
    mark = m.text(m.position)
    if mark not in _ARITHMETIC or m.after != "=" or m.before != "NAME" or "->" not in m.expected:
        return False
    if not m.follows(m.position + 1):
        return False
    name = m.short(m.position - 1)
    last = m.line_end(m.position + 1)
    right = m.written(m.position + 2, last)
    edits: Edits = ()
    if m.declared(name) == "constant" or (m.at(m.position + 2) == "NUMBER" and m.declared(name) != "tensor"):
        help = f"a constant keeps its value; name another: `let next = {name} {mark} {right or 1}`"
    elif not right:
        operator = _ARITHMETIC[mark]
        help = (
            f"`{operator}` is an operator with a branch for each side: `{name} = {operator} {{ {name} | conv(64, 3) }}`"
        )
    else:
        mended = f"{name} = {merged(_ARITHMETIC[mark], [name, right])}"
        help = f"write `{mended}`"
        if m.declared(name) and m.step_after(m.position + 2) == last:
            edits = m.edit(m.position - 1, last, mended)
    return m.report("E0113", "nothing is changed in place", "assigns to what exists", help, edits=edits)


def power(m: Mistake) -> bool:
    """`x ** 2`."""
    if m.text(m.position) != "**" or m.before not in ("NAME", ")") or "->" not in m.expected:
        return False
    labelled = m.at(m.position - 2) == "as"
    name = m.text(m.position - 1) if labelled else m.written(m.step_before(m.position - 1), m.position - 1)
    help = f"a square is a product: `[{name}, {name}] -> mul`" if name and m.text(m.position + 1) == "2" else ""
    return m.report("E0113", "`**` does not apply to flows", "found in a flow", help)


def other_arrow(m: Mistake) -> bool:
    """`conv(8, 3) | relu`, `relu => tanh`, `x >> relu`, `x |> relu`, outside of branches."""
    mark, last = m.text(m.position), m.position
    joins = "->" in m.expected or (mark == "|" and "SEP" in m.expected and m.at(m.first) not in ("let", "require"))
    if not joins or "CMP" in m.expected or m.before not in ("NAME", ")", "]", "}", "STRING"):
        return False
    if m.follows(m.position + 1) and mark + m.text(m.position + 1) in _SHIFTED:
        mark, last = mark + m.text(m.position + 1), m.position + 1
    if mark == "<" and m.text(m.position + 1) == "-":
        help = "a flow goes from left to right: `x -> relu`"
        return m.report("E0101", f"expected {m.expected_words}, found `<-`", "unexpected", help)
    if mark not in _SHIFTED or m.at(last + 1) not in ("NAME", "[", "{"):
        return False
    first = m.step_before(m.position - 1)
    end = m.step_after(last + 1)
    mended = f"{m.written(first, m.position - 1)} -> {m.written(last + 1, end)}"
    message = f"expected {m.expected_words}, found `{mark}`"
    edits = m.edit(m.position, last, "->")
    if last == m.position:
        edits = m.replaced(m.position, m.until(m.position, frozenset(("SEP", "}"))), mark, "->")
    return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=edits)


def dotted_step(m: Mistake) -> bool:
    """`nn.Conv2d(3, 64, 3)`, `self.conv1(x)`, `x.relu()`, `conv(64, 3).relu()`."""
    if m.kind != "." or ("->" not in m.expected and "=" not in m.expected) or "CMP" in m.expected:
        return False
    if m.at(m.position - 2) == "as":
        return False
    start, end, mended, exact = _without_dots(m) if m.after == "NAME" else (0, 0, "", False)
    help = f"a flow is written without dots: `{mended}`" if mended else "a flow is written without dots: `x -> relu`"
    edits = m.edit(start, end, mended) if mended and exact and m.at(end + 1) in _GOES_ON else ()
    if m.before != "NAME":
        return m.report("E0113", "nothing is called on a value", "a dot after a step", help, edits=edits)
    base, name = m.short(m.position - 1), m.short(m.position + 1) if m.after not in ("SEP", "$END") else ""
    if base == "self" and m.at(m.position + 2) == "=":
        flow = m.written(m.position + 3, m.line_end(m.position))
        flow = rewritten(flow)[0] or flow
        help = "there is no `self`, and no step is made before it is taken"
        help += f": where it is, it gets its name, `{flow} as {name}`" if flow else ""
    elif base == "self":
        closes = m.closer(m.position + 2) if m.at(m.position + 2) == "(" else NOWHERE
        fed = m.written(m.position + 3, closes - 1)
        help = f"there is no `self`; steps stand in the flow by name: `{f'{fed} -> ' if fed else ''}{name}`"
    elif mended and base in MODULES:
        help = f"write `{mended}`"
    elif name == "shape":
        help = "the sizes get names where a value is: `expect [N, c, ...]`"
    return m.report("E0113", f"`{base}.{name}` is no step of a flow", "a dot after a name", help, edits=edits)


def _without_dots(m: Mistake) -> tuple[int, int, str, bool]:
    """The first and last token of what has dots, how it is written without them, and whether that is sure."""
    start = m.step_before(m.position - 1)
    names = [m.text(m.position - 1)]
    flow = m.written(start, m.position - 1)
    if not flow:
        return m.position, m.position, "", False
    own = m.before == "NAME" and names[0] not in MODULES and names[0] != "self"
    in_module = m.before == "NAME" and not own
    end, exact = m.position - 1, True
    text = "" if in_module else flow
    while m.at(end + 1) == "." and m.at(end + 2) == "NAME":
        name, end = m.text(end + 2), end + 2
        if in_module and m.at(end + 1) == ".":
            continue
        closes = m.closer(end + 1) if m.at(end + 1) == "(" else end
        if name == "Sequential" and closes > end:
            raw = m.reporter.source.text[m.tokens.starts[end] : m.tokens.ends[closes]]
            step, sure = rewritten(raw)
            return start, closes, step, exact and sure and bool(step)
        inside = m.written(end + 2, closes - 1)
        arguments = split(inside)
        if closes == NOWHERE or (closes > end + 2 and not inside) or (in_module and names[0] == "self" and arguments):
            return m.position, m.position, "", False
        step, sure = _step(name, arguments, text)
        exact = exact and sure
        if not step:
            return m.position, m.position, "", False
        text, end, in_module = step, closes, False
    if m.at(end + 1) == "(":
        closes = m.closer(end + 1)
        fed = m.written(end + 2, closes - 1)
        if not fed or "," in fed or "->" in text:
            return m.position, m.position, "", False
        return start, closes, f"{fed} -> {text}", exact and m.at(start - 1) != "->"
    if own and m.declared(names[0]) == "constant":
        exact = False
    return start, end, text, exact


def _step(name: str, arguments: list[tuple[str, str]], flow: str) -> tuple[str, bool]:
    """A function, layer or method as a step after what flows."""
    if name in ("view", "reshape") and [text for _, text in arguments][1:] == ["-1"]:
        first = arguments[0][1]
        if "size(0)" in first or "shape[0]" in first:
            return f"{flow} -> flatten" if flow else "flatten", True
    step, sure = translated(name, arguments, flow)
    if step and flow and not step.startswith((flow, f"[{flow}")):
        step = f"{flow} -> {step}"
    if not step and flow and name not in LAYERS:
        # A method: of one of our own names, most likely.
        written = ", ".join(f"{key} = {text}" if key else text for key, text in arguments)
        step, sure = f"{flow} -> {name}" + (f"({written})" if written else ""), False
    return step, sure


def grouped_names(m: Mistake) -> bool:
    """`y, (h, c) = lstm(8, states)`."""
    closes = m.closer(m.position) if m.kind == "(" else NOWHERE
    if closes == NOWHERE or m.before != "," or m.at(closes + 1) not in ("=", ","):
        return False
    names = range(m.first, closes + 1)
    if any(m.at(at) not in ("NAME", ",", "(", ")") for at in names) or m.at(m.first) != "NAME":
        return False
    mended = re.sub(r"[()]", "", m.written(m.first, m.line_end(m.position)).partition("=")[0]).strip()
    edits = m.edit(m.position, m.position, "") + m.edit(closes, closes, "")
    help = f"the tensors of a tuple are named one by one: `{mended} = ...`"
    return m.report("E0101", f"expected {m.expected_words}, found `(`", "unexpected", help, edits=edits)


def called_twice(m: Mistake) -> bool:
    """`conv(64, 3)(x)`."""
    if m.kind != "(" or m.before != ")" or "->" not in m.expected:
        return False
    closes = m.closer(m.position)
    start = m.step_before(m.position - 1)
    fed, step = m.written(m.position + 1, closes - 1), m.written(start, m.position - 1)
    if not fed or not step:
        return m.report(
            "E0113",
            "the result of a step is not called",
            "a second pair of parentheses",
            "a flow feeds a step: `x -> relu`",
        )
    fed = f"[{fed}]" if "," in fed and not fed.startswith("[") else fed
    heads = m.at(start - 1) in ("SEP", "{", "=", "|")
    edits = m.edit(start, closes, f"{fed} -> {step}") if heads and m.at(closes + 1) in _GOES_ON else ()
    help = f"a flow feeds a step: `{fed} -> {step}`"
    return m.report("E0113", "the result of a step is not called", "a second pair of parentheses", help, edits=edits)


def index(m: Mistake) -> bool:
    """`x[0]`, `conv[64, 3]`, `concat [a, b]` among the statements, where flows stand."""
    if m.kind != "[" or m.before not in ("NAME", ")", "]", "}") or "->" not in m.expected or "CMP" in m.expected:
        return False
    name, closes = m.short(m.position - 1), m.closer(m.position)
    inside = m.written(m.position + 1, closes - 1)
    if m.between(m.position - 1):
        given = f"[{inside}]" if inside else "[a, b]"
        edits = m.edit(m.position - 1, closes, f"{given} -> {name}") if inside and m.before == "NAME" else ()
        help = f"what a step works on stands before it: `{given} -> {name}`"
        return m.report("E0113", "a step is not followed by what it works on", "a list after a step", help, edits=edits)
    help = "a part of a tensor is the result of `slice` or `select`; a tuple is taken apart: `a, b = split(2)`"
    if m.before == "NAME" and m.declared(name) == "constant":
        help = f"name the element first: `let step = {name}[{inside}]`, then `step`"
    elif m.before == "NAME" and inside and (made := _made_by(m, name)):
        help = (
            f"a tuple is taken apart where it is made: `{name}0, {name}1 = {made}`; of a tensor, {_part(name, inside)}"
        )
    elif m.before == "NAME" and inside and m.declared(name) == "tensor":
        help = (
            f"a part of a tensor is a step of its own: {_part(name, inside)}; a tuple is taken apart: `a, b = split(2)`"
        )
    elif m.before == "NAME" and inside and not m.declared(name) and inside[0].isdigit():
        help = f"arguments stand in parentheses: `{name}({inside})`" + ("" if "," in inside else f"; {help}")
    return m.report("E0113", "what flows has no index", "an index after a step", help)


def _part(name: str, inside: str) -> str:
    if inside.isdigit():
        return f"`{name} -> select([{inside}])` or `slice`"
    return f"`{name} -> slice(...)` or `select(...)`"


def _made_by(m: Mistake, name: str) -> str:
    """The flow that gave a value its name: `split(3)` of `xs = split(3)`."""
    for at in range(m.first - 1, max(0, m.first - 1000), -1):
        if m.at(at) == "NAME" and m.text(at) == name and m.at(at + 1) == "=" and m.at(at - 1) in ("SEP", "{"):
            return m.written(at + 2, m.line_end(at + 2))
    return ""


def label_again(m: Mistake) -> bool:
    """`relu as a as b`, `relu as 0`."""
    if m.before == "as" and m.kind == "NUMBER":
        label = m.short(m.position)
        message = f"expected a name or a string, found the number `{label}`"
        return m.report(
            "E0101", message, "unexpected", f'write `as "{label}"`', edits=m.edit(m.position, m.position, f'"{label}"')
        )
    if m.at(m.position - 2) == "as" and m.before == "NAME" and m.kind in ("-", ".", "{", "/", "MUL"):
        text = m.reporter.source.text[m.tokens.starts[m.position - 1] : m.tokens.ends[m.line_end(m.position)]]
        label = re.split(r"\s|->", text)[0]
        start = m.tokens.starts[m.position - 1]
        mended = f'as "{label}"' if m.kind == "{" else f"as {re.sub('[^0-9A-Za-z]+', '_', label)}"
        edits = ((start, start + len(label), f'"{label}"'),) if m.kind == "{" and label.endswith("}") else ()
        message = f"expected {m.expected_words}, found {m.found}"
        return m.report("E0101", message, "a label is one name or a string", f"write `{mended}`", edits=edits)
    if m.kind == "as" and m.at(m.position - 2) == "as" and m.after in ("NAME", "STRING"):
        labels = m.short(m.position - 1), m.short(m.position + 1)
        help = f"a further name is given to the value: `as {labels[0]}`, then `{labels[1]} = {labels[0]}`"
        return m.report("E0101", "a step has one label", "and another starts here", help)
    return False


def statement_in_flow(m: Mistake) -> bool:
    """`x -> repeat 3 { relu }`."""
    if m.before != "->" or m.kind not in ("repeat", "for", "if") or "\n" in m.between(m.position - 1):
        return False
    flow = m.written(m.first, m.position - 2)
    last = m.line_end(m.position)
    whole = any(m.at(at) == "{" for at in range(m.position, last + 1))
    statement = (m.written(m.position, last) if whole else "") or f"{m.kind} ... {{ ... }}"
    help = f"`{m.kind}` is a statement and goes on with what flows: `{flow}; {statement}`"
    named = not whole or m.at(m.first + 1) == "=" or m.tokens.kinds[m.first] == "output" or not flow
    start, end = m.tokens.ends[m.position - 2], m.tokens.starts[m.position]
    edits = () if named else ((start, end, "; "),)
    return m.report("E0101", f"`{m.kind}` is no step of a flow", "a statement", help, edits=edits)


def chosen_flow(m: Mistake) -> bool:
    """`y = relu if wide else tanh`."""
    if m.kind != "if" or "SEP" not in m.expected or "CMP" in m.expected or m.before not in ("NAME", ")", "]", "}"):
        return False
    last = m.line_end(m.position)
    middle = m.until(m.position, frozenset(("else", "SEP", "}", "|")))
    named = f"{m.short(m.first)} = " if m.at(m.first + 1) == "=" else ""
    parts = [
        m.written(m.first + 2 if named else m.first, m.position - 1),
        m.written(m.position + 1, middle),
        m.written(middle + 2, last) if m.at(middle + 1) == "else" else "",
    ]
    if not parts[0] or not parts[1] or (m.at(middle + 1) == "else" and not parts[2]):
        return m.report(
            "E0101", "a flow has no condition", "unexpected", "steps are chosen by `if wide { relu } else { tanh }`"
        )
    mended = f"if {parts[1]} {{ {named}{parts[0]} }}" + (f" else {{ {named}{parts[2]} }}" if parts[2] else "")
    edits = m.edit(m.first, last, mended) if m.at(m.first) == "NAME" else ()
    return m.report("E0101", "a flow has no condition", "unexpected", f"write `{mended}`", edits=edits)


def unjoined_steps(m: Mistake) -> bool:
    """`conv(8, 3) relu`, `conv 64, 3`."""
    if "->" not in m.expected or "CMP" in m.expected:
        return False
    if m.kind == "NUMBER" and m.before == "NAME":
        last = m.until(m.position, frozenset(("SEP", "}", "|", "->", "as")))
        kinds = [m.at(at) for at in range(m.position, last + 1)]
        values = all(kind in ("NUMBER", ",", "=", "NAME", "true", "false", "[", "]") for kind in kinds)
        values = values and not any(pair in _APART for pair in pairwise(kinds))
        if not values and set(kinds) <= {"NUMBER", "NAME"}:
            mended = f"{m.short(m.position - 1)}({', '.join(m.text(at) for at in range(m.position, last + 1))})"
            edits = m.edit(m.position - 1, last, mended)
            message, help = (
                f"expected {m.expected_words}, found {m.found}",
                f"arguments stand in parentheses: `{mended}`",
            )
            return m.report("E0101", message, "unexpected", help, edits=edits)
        given = m.written(m.position, last) if values else m.short(m.position)
        mended = f"{m.short(m.position - 1)}({given})"
        edits = m.edit(m.position - 1, last, mended) if values else ()
        message = f"expected {m.expected_words}, found {m.found}"
        return m.report("E0101", message, "unexpected", f"arguments stand in parentheses: `{mended}`", edits=edits)
    if m.kind != "NAME" or m.before not in ("NAME", ")", "}", "STRING") or "\n" in m.between(m.position - 1):
        return False
    if m.text(m.position) in ("elif", "otherwise", "then"):
        return False
    message = f"expected {m.expected_words}, found {m.found}"
    if m.text(m.position) in ("name", "named", "label") and m.after in ("NAME", "STRING"):
        edits = m.edit(m.position, m.position, "as")
        step = m.written(m.step_before(m.position - 1), m.position - 1)
        help = f"a label is given by `as`: `{step} as {m.short(m.position + 1)}`"
        return m.report("E0101", message, "unexpected", help, edits=edits)
    if m.text(m.position) in ("x", "times") and m.after == "NUMBER" and m.at(m.position + 2) in _GOES_ON:
        mended = f"repeat {m.text(m.position + 1)} {{ {m.written(m.first, m.position - 1)} }}"
        edits = m.edit(m.first, m.position + 1, mended) if m.at(m.first + 1) != "=" else ()
        return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=edits)
    first, last = m.step_before(m.position - 1), m.step_after(m.position)
    mended = f"{m.written(first, m.position - 1)} -> {m.written(m.position, last)}"
    start = m.tokens.ends[m.position - 1]
    # Of two bare words the first may be a misspelt word of the language.
    bare = m.before == "NAME" and first == m.first == m.position - 1
    sure = not bare and m.at(last + 1) in _GOES_ON
    edits = ((start, start, " ->"),) if sure and not m.declared(m.text(m.position)) else ()
    return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=edits)
