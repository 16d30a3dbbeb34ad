"""Slips around the steps of a flow: how a list of them is written elsewhere, and where a step meets a declaration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archdsl.syntax.tokens import NOWHERE

if TYPE_CHECKING:
    from archdsl.syntax.mistake import Edits, Mistake

_SCALES: Final = {"K": "K", "M": "M", "G": "G", "T": "T", "k": "K", "B": "G", "million": "M", "billion": "G"}
_SCALED: Final = re.compile(r"([KMGT])(?:FLOPs?|MACs?|FLOPS|params|Ops)?", re.IGNORECASE)


def listed_step(m: Mistake) -> bool:
    """`- conv(8, 3)`, `1. conv(8, 3)`, `conv1: conv(8, 3)`, `"conv1": conv(8, 3)`, `conv: 64`."""
    message = f"expected {m.expected_words}, found {m.found}"
    flows = "NAME" in m.expected and "CMP" not in m.expected and "NUMBER" not in m.expected
    if m.position == m.first and flows and "model" not in m.expected:
        after = m.position + 1
        if m.kind == "NUMBER" and m.at(after) in (".", ")") and m.at(after + 1) == "NAME":
            after += 1
        elif m.text(m.position) not in ("-", "*", "+") or m.after != "NAME":
            after = NOWHERE
        step = m.written(after, m.line_end(after))
        if step:
            if m.text(m.position) == "+":  # may go on with the sum of the line before
                help = f"a step stands on its line as it is: `{step}`; tensors are added by `add {{ ... | {step} }}`"
                return m.report("E0101", message, "no step", help)
            edits: Edits = ((m.tokens.starts[m.position], m.tokens.starts[after], ""),)
            return m.report("E0101", message, "no step", f"a step stands on its line as it is: `{step}`", edits=edits)
    label = m.first if m.kind == ":" else m.position
    keyed = m.at(label) in ("NAME", "STRING") and m.at(label + 1) == ":" and label == m.first
    if not keyed or not (flows or "->" in m.expected) or "CMP" in m.expected or "model" in m.expected:
        return False
    last = m.line_end(label)
    given = m.written(label + 2, last)
    if m.at(label) == "NAME" and m.at(label + 2) in ("NUMBER", "["):
        help = f"arguments stand in parentheses: `{m.short(label)}({given})`"
        return m.report("E0101", message, "unexpected", help)
    if m.at(label + 2) != "NAME" or not given:
        return False
    mended = f"{given} as {m.short(label)}"
    edits = m.edit(label, last, mended) if m.at(label) == "STRING" and m.step_after(label + 2) == last else ()
    return m.report("E0101", message, "unexpected", f"a label stands after its step: `{mended}`", edits=edits)


def steps_in_parentheses(m: Mistake) -> bool:
    """`(conv(8, 3), relu)` as a statement."""
    if m.kind != "(" or m.position != m.first or "NAME" not in m.expected or "NUMBER" in m.expected:
        return False
    closes = m.closer(m.position)
    steps = m.listed(m.position + 1, closes) if closes != NOWHERE and m.text(closes) == ")" else []
    if not steps or not all(steps):
        return False
    help = f"steps in turn are `{' -> '.join(steps)}`"
    if len(steps) > 1:
        help += f", side by side `[{', '.join(steps)}]`"
    edits = m.edit(m.position, closes, steps[0]) if len(steps) == 1 else ()
    return m.report("E0101", f"expected {m.expected_words}, found `(`", "no step", help, edits=edits)


def arrow_after_declaration(m: Mistake) -> bool:
    """`input x: f32[N, 3] -> relu`, `repeat 3 { relu } -> tanh`, and an arrow on the line below."""
    first = m.at(m.first)
    after_loop = m.position == m.first and m.before == "}"
    if m.kind != "->" or not (first in ("input", "expect", "require", "shared") or after_loop) or "CMP" in m.expected:
        return False
    if m.after not in ("NAME", "[", "{", "recompute"):
        return False
    rest = m.written(m.position + 1, m.line_end(m.position + 1)) or "..."
    what = "a body in braces" if after_loop else f"`{first}`"
    help = f"what flows on needs no arrow there: `{rest}` in a line of its own"
    below = "\n" in m.between(m.position - 1)
    start = m.tokens.starts[m.position] if below else m.tokens.ends[m.position - 1]
    edits = ((start, m.tokens.starts[m.position + 1], "" if below else "; "),)
    return m.report("E0101", f"{what} is a statement and no step of a flow", "nothing flows here", help, edits=edits)


def declaration_as_step(m: Mistake) -> bool:
    """`relu -> output y`, `relu -> output`, `x = input(3, 32, 32)`, `s = shared(linear(3))`."""
    if m.kind not in ("output", "input", "shared", "expect", "require") or m.before not in ("->", "="):
        return False
    message = f"`{m.kind}` is no step of a flow"
    if m.before == "->" and m.kind not in ("input", "shared"):
        flow, last = m.written(m.first, m.position - 2), m.line_end(m.position)
        bare = last == m.position
        statement = f"{m.kind} y" if bare and m.kind == "output" else m.written(m.position, last)
        named = m.at(m.first + 1) == "=" or m.at(m.first) == "output" or not flow
        help = f"`{m.kind}` is a statement and takes what flows: `{flow or '...'}; {statement}`"
        start, end = m.tokens.ends[m.position - 2], m.tokens.starts[m.position]
        edits = () if named or bare else ((start, end, "; "),)
        return m.report("E0101", message, "a statement", help, edits=edits)
    name = m.short(m.position - 2)
    if m.before != "=" or m.at(m.position - 2) != "NAME":
        return False
    last = m.line_end(m.position)
    given = (
        m.written(m.position + 2, last - 1) if m.after == "(" and m.at(last) == ")" else m.written(m.position + 1, last)
    )
    if m.kind == "input":
        sizes = re.sub(r"^.*?\(|[()\[\]]", "", given) if "=" not in given else ""
        declared = sizes if sizes.upper().startswith("N,") else f"N, {sizes or '3, 224, 224'}"
        return m.report("E0101", "an input is declared", "a statement", f"write `input {name}: f32[{declared}]`")
    closes = m.closer(m.position + 1) if m.after == "(" else NOWHERE
    if m.kind == "shared" and closes != NOWHERE and m.at(closes + 1) == "->":
        step, rest = m.written(m.position + 2, closes - 1), m.written(closes + 1, last)
        help = (
            f"write `shared {name} = {step}`, then `{name} {rest}`" if step and rest else "write `shared name = step`"
        )
        return m.report("E0101", "a shared instance is declared", "a statement", help)
    if m.kind == "shared" and given:
        mended = f"shared {name} = {given}"
        start = m.first if m.at(m.first) in ("let", "NAME") else m.position
        whole = m.after != "(" or m.closer(m.position + 1) == last
        edits = m.edit(start, last, mended) if whole else ()
        return m.report("E0101", "a shared instance is declared", "a statement", f"write `{mended}`", edits=edits)
    return False


def other_shared(m: Mistake) -> bool:
    """`shared s: linear(3)`, `shared linear(3) as s`."""
    if m.at(m.first) != "shared" or m.position != m.first + 2:
        return False
    message, last = f"expected {m.expected_words}, found {m.found}", m.line_end(m.position)
    if m.kind == ":":
        edits: Edits = ((m.tokens.ends[m.position - 1], m.tokens.starts[m.position + 1], " = "),)
        mended = f"shared {m.short(m.first + 1)} = {m.written(m.position + 1, last)}"
        return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=edits)
    if m.kind == "(" and m.at(last - 1) == "as" and m.at(last) == "NAME":
        mended = f"shared {m.short(last)} = {m.written(m.first + 1, last - 2)}"
        return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=m.edit(m.first, last, mended))
    return False


def other_default(m: Mistake) -> bool:
    """`default bias = false`, `default conv: !bias`."""
    if m.at(m.first) != "default" or m.kind not in ("=", ":") or m.before != "NAME":
        return False
    message, last = f"expected {m.expected_words}, found {m.found}", m.line_end(m.position)
    name, given = m.short(m.position - 1), m.written(m.position + 1, last)
    if m.kind == "=":
        return m.report(
            "E0101", message, "unexpected", f"say for which operator: `default conv({name} = {given or '...'})`"
        )
    mended = f"{name}({given})"
    edits = m.edit(m.position - 1, last, mended) if given else ()
    return m.report("E0101", message, "unexpected", f"write `default {mended}`", edits=edits)


def named_twice(m: Mistake) -> bool:
    """`a = b = relu`."""
    if m.kind != "=" or m.at(m.first + 1) != "=" or m.position != m.first + 3 or m.before != "NAME":
        return False
    names, flow = (m.short(m.first), m.short(m.first + 2)), m.written(m.position + 1, m.line_end(m.position)) or "..."
    help = f"one after the other: `{names[1]} = {flow}`, then `{names[0]} = {names[1]}`"
    return m.report("E0101", "one `=` gives one name", "a second one", help)


def comma_too_many(m: Mistake) -> bool:
    """`conv(8,, 3)`."""
    if m.kind != "," or m.before not in (",", "(", "[") or not m.expected & {")", "]"}:
        return False
    edits = m.edit(m.position, m.position, "")
    return m.report("E0101", f"expected {m.expected_words}, found `,`", "one too many", "remove it", edits=edits)


def channels_in(m: Mistake) -> bool:
    """`conv(in = 3, out = 64)`."""
    if m.kind != "in" or m.after != "=" or m.before not in ("(", ",") or "CMP" in m.expected:
        return False
    last = m.until(m.position, frozenset(("SEP", ",")))
    end = m.tokens.starts[last + 2] if m.at(last + 1) == "," else m.tokens.ends[last]
    help = "leave it out: the channels that come in are those of what flows in"
    start = m.tokens.starts[m.position]
    if m.at(last + 1) != "," and m.before == ",":
        start = m.tokens.starts[m.position - 1]
    commented = any("#" in m.between(at) for at in range(m.position, last + 1 + (m.at(last + 1) == ",")))
    edits = () if commented else ((start, end, ""),)
    return m.report("E0107", "`in` is a keyword and no argument", "reserved", help, edits=edits)


def number_with_unit(m: Mistake) -> bool:
    """`params == 25.5 M`, `params == 25,557,032`, `dropout(50%)`."""
    unit = m.text(m.position - 1)
    if m.before == "%" and m.at(m.position - 2) == "NUMBER" and m.kind in (")", ",", "SEP", "}"):
        mended = f"{float(m.tokens.values[m.position - 2]) / 100:g}"
        edits = m.edit(m.position - 2, m.position - 1, mended)
        help = f"a share of one is written `{mended}`"
        return m.report("E0101", "`%` is the remainder of a division", "nothing divides", help, m.position - 1, edits)
    if m.before == "NAME" and m.at(m.position - 2) == "NUMBER" and m.expected == {"NUMBER"}:
        scale = _SCALES.get(unit) or ((found := _SCALED.fullmatch(unit)) and found[1].upper())
        if not scale:
            return False
        mended = f"{m.text(m.position - 2)}{scale}"
        if not re.fullmatch(r"[\d_.]+", m.text(m.position - 2)):
            mended = _written_out(m.text(m.position - 2), scale)
        if not mended:
            return False
        edits = m.edit(m.position - 2, m.position - 1, mended)
        return m.report(
            "E0101",
            "a number and its suffix are one word",
            "read as a name",
            f"write `{mended}`",
            m.position - 1,
            edits,
        )
    if m.kind == "," and m.before == "NUMBER" and "~" in m.expected and m.item == "test":
        last = m.position - 1
        while m.at(last + 1) == "," and m.at(last + 2) == "NUMBER" and re.fullmatch(r"\d{3}", m.text(last + 2)):
            last += 2
        split = m.at(last + 1) == "," or not re.fullmatch(r"\d{1,3}", m.text(m.position - 1))
        if last > m.position and not split and not any(m.between(at) for at in range(m.position - 1, last)):
            mended = m.written(m.position - 1, last).replace(",", "_")
            edits = m.edit(m.position - 1, last, mended)
            message = "digits are not separated by `,`"
            return m.report("E0101", message, "found in a number", f"write `{mended}`", edits=edits)
    return False


def _written_out(number: str, scale: str) -> str:
    """`1e3` thousands as an int; empty where it is none."""
    found = re.fullmatch(r"(\d+)(?:\.(\d+))?[eE]\+?(\d{1,2})", number)
    if found is None:
        return ""
    zeros = int(found[3]) + 3 * ("KMGT".index(scale) + 1) - len(found[2] or "")
    return f"{int(found[1] + (found[2] or '') + '0' * zeros):_}" if 0 <= zeros <= 18 else ""


def test_without_sign(m: Mistake) -> bool:
    """`params 0`, `macs == 4.1G +- 2%`, `params >= 0 and <= 5`."""
    if m.item != "test":
        return False
    message = f"expected {m.expected_words}, found {m.found}"
    if m.kind == "NUMBER" and m.before == "NAME" and m.position == m.first + 1 and "~" in m.expected:
        if m.text(m.first) == "error":
            return m.report("E0101", message, "unexpected", 'an error is named by its words: `error "..."`')
        mended = f"{m.short(m.first)} == {m.short(m.position)}"
        end = m.tokens.ends[m.first]
        return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=((end, end, " =="),))
    if m.kind == "CMP" and m.before in ("and", "or") and "NUMBER" in m.expected:
        name = m.short(m.first)
        right = m.written(m.position, m.operand_after(m.position + 1))
        start = m.tokens.starts[m.position]
        return m.report(
            "E0101", message, "unexpected", f"write `{m.before} {name} {right}`", edits=((start, start, f"{name} "),)
        )
    last = m.line_end(m.first)
    line = m.written(m.first, last)
    around = re.fullmatch(r"(.+?)\s*==\s*(\S+)\s*(?:\+-|\+/-|\u00b1)\s*(\S+?)\s*%", line)
    if around:
        mended = f"{around[1]} within {around[3]}% of {around[2]}"
        edits = m.edit(m.first, last, mended)
        return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=edits)
    return False


def other_range(m: Mistake) -> bool:
    """`0..=n`, `for i < n`."""
    message = f"expected {m.expected_words}, found {m.found}"
    if m.kind == "=" and m.before == ".." and m.follows(m.position):
        last = m.operand_after(m.position + 1)
        stop = m.written(m.position + 1, last)
        more = str(int(stop) + 1) if stop.isdecimal() and len(stop) < 18 else f"{stop} + 1" if stop else ""
        help = f"a range ends before its second number: `..{more or 'n + 1'}`"
        edits = m.edit(m.position, last, more) if more else ()
        return m.report("E0101", message, "unexpected", help, edits=edits)
    if m.at(m.first) == "for" and m.text(m.position) in ("<", "<=") and m.position == m.first + 2:
        stop = m.written(m.position + 1, m.operand_after(m.position + 1)) or "n"
        end = stop if m.text(m.position) == "<" else f"{stop} + 1"
        edits = (
            m.edit(m.position, m.operand_after(m.position + 1), f"in 0..{end}")
            if stop != "n" or m.after == "NAME"
            else ()
        )
        return m.report("E0101", message, "unexpected", f"write `for {m.short(m.first + 1)} in 0..{end}`", edits=edits)
    return False
