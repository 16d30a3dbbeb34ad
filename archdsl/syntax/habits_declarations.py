"""Slips in the declarations of a model: its inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.syntax.tokens import NOWHERE

if TYPE_CHECKING:
    from archdsl.syntax.mistake import Edits, Mistake


def unfit_input(m: Mistake) -> bool:
    """`input x = f32[N]`, `input x: [N]`, `input f32[N]`, `input x: (N, 3)`, `input x: f32(N, 3)`."""
    if m.at(m.first) != "input" or not 1 <= m.position - m.first <= 4:
        return False
    if m.position == m.first + 1 and m.kind == ":" and m.after == "NAME":
        help = f"write `input x: {m.written(m.position + 1, m.line_end(m.position))}`"
        return m.report("E0101", "an input has no name", "unexpected", help)
    name, shape = m.short(m.first + 1), _shape(m)
    message = f"expected {m.expected_words}, found {m.found}"
    edits: Edits = ()
    if m.before == ":" and m.kind in ("[", "("):
        message, help = "the kind of number of an input is missing", f"write `input {name}: f32[{shape}]`"
    elif m.before == "NAME" and m.kind == "(" and m.position == m.first + 4:
        help = f"write `input {name}: {m.short(m.position - 1)}[{shape}]`"
        closes = m.closer(m.position)
        edits = m.edit(m.position, m.position, "[") + m.edit(closes, closes, "]") if closes != NOWHERE else ()
    elif m.position != m.first + 2:
        return False
    elif m.kind == "[":
        message, help = "an input has no name", f"write `input x: {name}[{shape}]`"
        if not m.follows(m.position):
            message, help = "the kind of number of an input is missing", f"write `input {name}: f32[{shape}]`"
    elif m.kind in ("=", "NAME"):
        dtype = m.position + (m.kind == "=")
        written = m.short(dtype) if m.at(dtype) == "NAME" and m.at(dtype + 1) == "[" else ""
        help = f"write `input {name}: {written or 'f32'}[{shape}]`"
        end = m.tokens.ends[m.first + 1]
        edits = ((end, m.tokens.starts[dtype], ": "),) if written else ()
    else:
        return False
    return m.report("E0101", message, "unexpected", help, edits=edits)


def _shape(m: Mistake) -> str:
    """The text between the brackets of the input."""
    opens = m.position
    while opens < m.position + 4 and m.at(opens) not in ("[", "("):
        opens += 1
    closes = m.closer(opens) if m.at(opens) in ("[", "(") else NOWHERE
    return m.written(opens + 1, closes - 1) or "..."


def unfit_output(m: Mistake) -> bool:
    """`output = y`, `output(y)`, `output x -> relu`."""
    if m.at(m.first) != "output" or m.position - m.first > 2:
        return False
    message = f"expected {m.expected_words}, found {m.found}"
    last = m.line_end(m.first)
    if m.position == m.first + 1 and m.kind in ("=", "(", ":"):
        name, closes = m.short(m.position + 1), m.position + 1 if m.kind != "(" else m.closer(m.position)
        if m.after == "NAME" and closes == last and m.at(m.position + 2) in ("SEP", "}", ")", "$END"):
            edits = m.edit(
                m.position,
                closes,
                name if m.reporter.source.text[m.tokens.starts[m.position] - 1].isspace() else f" {name}",
            )
            return m.report("E0101", message, "unexpected", f"write `output {name}`", edits=edits)
        flow = m.written(m.position + 1, last) or "flow"
        if m.kind == "(":
            rest = m.written(closes + 1, last)
            flow = (m.written(m.position + 1, closes - 1) or "flow") + (f" {rest}" if rest else "")
        return m.report("E0101", message, "unexpected", f"give the output a name: `output y = {flow}`")
    if m.position == m.first + 2 and m.kind == ":":
        opens = m.until(m.position, frozenset("[")) + 1
        shape = m.written(opens, last) if m.at(opens) == "[" else "[N, c]"
        name = m.short(m.first + 1)
        help = f"the shape of an output follows from the flow; it is checked by `expect {shape}` before `output {name}`"
        return m.report("E0101", "an output declares no shape", "unexpected", help)
    if m.position == m.first + 2 and m.kind in ("->", ".", "+", "-", "MUL"):
        flow = m.written(m.first + 1, last) or "flow"
        name = "y" if m.text(m.first + 1) != "y" else "z"
        return m.report("E0101", message, "unexpected", f"give the output a name: `output {name} = {flow}`")
    return False


def arrow_in_signature(m: Mistake) -> bool:
    """`block b(c) [N, d] -> [N, c] { ... }`."""
    if m.kind != "->" or m.at(m.first) != "block" or "=>" not in m.expected:
        return False
    signature = m.written(m.first, m.position - 1), m.written(m.position + 1, m.until(m.position, frozenset("{")))
    help = f"the shape of a block's result stands after `=>`: `{signature[0]} => {signature[1]} {{ ... }}`"
    message = f"expected {m.expected_words}, found `->`"
    return m.report("E0101", message, "unexpected", help, edits=m.edit(m.position, m.position, "=>"))


def block_without_braces(m: Mistake) -> bool:
    """`block b(n) = conv(n, 3)`."""
    if (
        m.kind not in ("=", "->", "=>")
        or m.at(m.first) not in ("block", "model")
        or m.at(m.position - 1) not in ("NAME", ")")
    ):
        return False
    last = m.line_end(m.position)
    head, body = m.written(m.first, m.position - 1), m.written(m.position + 1, last)
    if not body or "{" in (m.at(at) for at in range(m.position, last + 1)):
        return False
    mended = f"{head} {{ {body} }}"
    message = f"expected `{{`, found {m.found}"
    edits = m.edit(m.first, last, mended) if m.at(m.first) == "block" else ()
    return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=edits)


def import_without_names(m: Mistake) -> bool:
    """`use "blocks.arch"`, `use torch`, `use std.conv.*`."""
    if m.at(m.first) != "use":
        return False
    target = m.written(m.first + 1, m.first + 1)
    help = f"say what is used: `use {target} (name, ...)`" if m.at(m.first + 1) == "STRING" else ""
    if m.at(m.first + 1) == "NAME":
        help = 'standard blocks need no `use`; other files are named in quotes: `use "file.arch" (name)`'
    elif m.text(m.position) == "*":
        help = "names are listed, so that a reader finds them: `(name, ...)`"
    return bool(help) and m.report("E0101", f"expected {m.expected_words}, found {m.found}", "unexpected", help)


def shape_without_brackets(m: Mistake) -> bool:
    """`expect (N, 3)`, `expect N, 3`."""
    if m.at(m.first) != "expect":
        return False
    if m.text(m.position) in ("*", "?") and m.before in ("[", ","):
        edits = m.edit(m.position, m.position, "_")
        return m.report(
            "E0101", f"expected {m.expected_words}, found {m.found}", "unexpected", "any size is `_`", edits=edits
        )
    if m.position != m.first + 1 or m.kind not in ("(", "NAME", "NUMBER"):
        return False
    if m.kind == "NAME" and (m.after == ":" or m.text(m.position + 1) == "=="):
        opens = m.until(m.position, frozenset("[")) + 1
        shape = m.written(opens, m.line_end(m.position)) if m.at(opens) == "[" else "[N, c, ...]"
        name = m.short(m.position)
        help = f"the shape is that of what flows: `expect {shape}`; of another value: `{name} -> id` before it"
        return m.report("E0101", f"expected {m.expected_words}, found {m.found}", "unexpected", help)
    last = m.line_end(m.position)
    closes = m.closer(m.position) if m.kind == "(" else last
    inside = m.written(m.position + 1, closes - 1) if m.kind == "(" else m.written(m.position, last)
    certain = closes == last and inside and "==" not in inside and not inside.isidentifier()
    edits = m.edit(m.position, last, f"[{inside}]") if certain else ()
    help = f"write `expect [{inside if certain else 'N, c, ...'}]`"
    return m.report("E0101", f"expected {m.expected_words}, found {m.found}", "unexpected", help, edits=edits)


def message_without_comma(m: Mistake) -> bool:
    """`require n > 0 "message"`, and `params: 3` in a test."""
    message = f"expected {m.expected_words}, found {m.found}"
    if m.at(m.first) == "require" and m.kind in ("STRING", "STRING_HEAD") and "," in m.expected:
        end = m.tokens.ends[m.position - 1]
        help = f"write `require {m.written(m.first + 1, m.position - 1)}, {m.value_text(m.position)}`"
        return m.report("E0101", message, "unexpected", help, edits=((end, end, ","),))
    if m.kind == ":" and "~" in m.expected and m.item == "test":
        left, right = m.written(m.first, m.position - 1), m.written(m.position + 1, m.line_end(m.position))
        edits = ((m.tokens.ends[m.position - 1], m.tokens.starts[m.position + 1], " == "),)
        return m.report("E0101", message, "unexpected", f"write `{left} == {right}`", edits=edits)
    return False
