"""Slips in the items of a file: how they start, what they are called, what stands beside a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archdsl.syntax.foreign import rewritten
from archdsl.syntax.tokens import NOWHERE

if TYPE_CHECKING:
    from archdsl.syntax.mistake import Edits, Mistake

_TYPES: Final = frozenset(("int", "float", "bool", "string", "str", "double", "auto", "size_t", "integer", "number"))
_QUALIFIERS: Final = _TYPES | {"mut", "const", "var", "constexpr", "final", "static"}
_CONSTANTS: Final = frozenset(("NUMBER", "STRING", "STRING_HEAD", "true", "false", "none", "[", "(", "-"))
_DTYPE: Final = re.compile(r"(bf|f|i|u|float|int|uint|bfloat)\d+|bool|[Tt]ensor|float|int")
_SKELETON: Final = "model m { input x: f32[N, 3, 224, 224]; conv(64, 3); output y }"


def base_class(m: Mistake) -> bool:
    """`model Net(nn.Module) { ... }`."""
    if m.kind != "." or m.at(m.first) not in ("model", "block") or m.position != m.first + 4:
        return False
    closes = m.closer(m.first + 2) if m.at(m.first + 2) == "(" else NOWHERE
    if closes == NOWHERE or any(m.at(at) not in ("NAME", ".") for at in range(m.first + 3, closes)):
        return False
    help = f"write `{m.written(m.first, m.first + 1)} {{ ... }}`"
    edits = m.edit(m.first + 2, closes, "")
    return m.report("E0113", f"a {m.at(m.first)} is derived from nothing", "parameters stand here", help, edits=edits)


def constant_of_file(m: Mistake) -> bool:
    """`c = 3`, `Net = Sequential(...)`, `int c = 3` outside of braces."""
    outside = m.position == m.first and "model" in m.expected
    typed = m.text(m.first) in _TYPES and m.at(m.first + 1) == "NAME" and m.at(m.first + 2) == "="
    name = m.first + typed
    if not (outside or (typed and m.position == m.first + 1)) or m.at(name) != "NAME" or m.at(name + 1) != "=":
        return False
    value = m.written(name + 2, m.line_end(name + 2))
    message = f"expected {m.expected_words}, found {m.found}"
    if m.at(name + 2) in _CONSTANTS or typed:
        help = f"a constant is declared: `let {m.short(name)} = {value or '...'}`"
        start = m.tokens.starts[m.first]
        edits = m.edit(m.first, m.first, "let") if typed else ((start, start, "let "),)
        return m.report("E0101", message, "unexpected", help, m.first, edits if m.at(name + 2) in _CONSTANTS else ())
    return m.report("E0101", message, "unexpected", _as_model(m.short(name), value))


def _as_model(name: str, value: str) -> str:
    steps = rewritten(re.sub(r"^nn\.", "", value))[0] or "conv(64, 3)"
    body = f"input x: f32[N, 3, 224, 224]; {steps}; output y"
    return f"a network is a model: `model {name} {{ {body} }}`"


def other_let(m: Mistake) -> bool:
    """`let mut c = 3`, `let c 3`, `let c = 3, d = 4`."""
    if m.at(m.first) != "let" or ("CMP" in m.expected and m.kind != ","):
        return False
    message = f"expected {m.expected_words}, found {m.found}"
    if m.position == m.first + 2 and m.kind == "NAME" and m.text(m.first + 1) in _QUALIFIERS and m.after == "=":
        help = f"write `let {m.written(m.position, m.line_end(m.position))}`"
        edits: Edits = ((m.tokens.starts[m.first + 1], m.tokens.starts[m.position], ""),)
        return m.report("E0101", message, "unexpected", help, edits=edits)
    if m.position == m.first + 2 and m.kind in ("NUMBER", "STRING", "true", "false", "["):
        help = f"write `let {m.short(m.first + 1)} = {m.written(m.position, m.line_end(m.position))}`"
        end = m.tokens.ends[m.position - 1]
        return m.report("E0101", message, "unexpected", help, edits=((end, end, " ="),))
    last = m.line_end(m.position)
    commas = [at for at in range(m.position, last) if m.at(at) == "," and m.at(at + 2) == "="]
    if m.kind != "," or m.position not in commas:
        return False
    statements = [m.written(m.first, m.position - 1)]
    for at, end in zip(commas, [*commas[1:], last + 1], strict=True):
        statements.append(f"let {m.written(at + 1, end - 1)}")
    help = f"each constant has its own `let`: `{'; '.join(statements)}`"
    edits = tuple(edit for at in commas for edit in m.edit(at, at, "; let"))
    return m.report("E0101", message, "unexpected", help, edits=edits)


def name_of_item(m: Mistake) -> bool:
    """`model "my net"`, `model my-net`, `model my net`, `test { ... }`, `test "it works" { ... }`."""
    word = m.at(m.first)
    message = f"expected {m.expected_words}, found {m.found}"
    if word == "test" and m.position == m.first + 1 and m.kind in ("STRING", "{"):
        names = [m.text(at + 1) for at in range(m.first) if m.at(at) == "model" and m.at(at + 1) == "NAME"]
        help = f"a test names the model that it is about: `test {names[-1] if names else 'm'} {{ ... }}`"
        start, end = m.tokens.ends[m.first], m.tokens.starts[m.position + (m.kind == "STRING")]
        edits = ((start, end, f" {names[0]} "),) if len(names) == 1 and m.kind == "{" else ()
        return m.report("E0101", message, "unexpected", help, edits=edits)
    if word not in ("block", "model"):
        return False
    last = m.position
    if m.position == m.first + 1 and m.kind == "STRING":
        name = m.text(m.position).strip('"')
    elif m.position == m.first + 2 and m.kind in ("-", "NAME", "."):
        last = m.until(m.position, frozenset(("{", "(", "SEP", "=")))
        if any(m.at(at) not in ("NAME", "-", ".", "NUMBER") for at in range(m.first + 1, last + 1)):
            return False
        if m.text(last) == "begin" or (word == "block" and m.kind == "NAME"):
            return False
        name = m.written(m.first + 1, last)
    else:
        return False
    name = re.sub(r"\W+", "_", name).strip("_")
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        return False
    help = f"a name is one word of letters, digits and `_`: `{word} {name}`"
    return m.report("E0101", message, "unexpected", help, edits=m.edit(m.first + 1, last, name))


def parameters_elsewhere(m: Mistake) -> bool:
    """`block f<c> { ... }`, `block f c { ... }`, `model m(x: f32[N, 3]) { ... }`, `f(c := 3)`, `f(wide: flag)`."""
    word = m.at(m.first)
    message = f"expected {m.expected_words}, found {m.found}"
    if m.kind == "=" and m.before == ":" and m.follows(m.position) and word in ("block", "model"):
        given = f"{m.short(m.position - 2)} = {m.short(m.position + 1)}"
        edits: Edits = ((m.tokens.ends[m.position - 2], m.tokens.starts[m.position + 1], " = "),)
        return m.report("E0101", message, "unexpected", f"a default is given as `{given}`", edits=edits)
    if m.kind == "flag" and m.before == ":" and m.at(m.position - 2) == "NAME":
        mended = f"flag {m.text(m.position - 2)}"
        edits = m.edit(m.position - 2, m.position, mended)
        return m.report("E0101", message, "unexpected", f"write `{mended}`", edits=edits)
    if word not in ("block", "model"):
        return False
    if m.text(m.position) == "<" and m.before == "NAME" and m.position == m.first + 2:
        closes = next((at for at in range(m.position, m.line_end(m.position) + 1) if m.text(at) == ">"), NOWHERE)
        inside = m.written(m.position + 1, closes - 1)
        help = f"parameters stand in parentheses: `{m.written(m.first, m.position - 1)}({inside or '...'})`"
        edits = m.edit(m.position, m.position, "(") + m.edit(closes, closes, ")") if inside else ()
        return m.report("E0101", message, "unexpected", help, edits=edits)
    end = m.until(m.position, frozenset(("{", "SEP"))) + 1 if m.kind == "," else m.position
    named = range(m.first + 2, end)
    if m.at(end) == "{" and len(named) and all(m.at(at) in ("NAME", ",") for at in named):
        names = ", ".join(m.text(at) for at in named if m.at(at) == "NAME")
        mended = f"{m.written(m.first, m.first + 1)}({names})"
        edits = m.edit(m.first, end - 1, mended)
        return m.report("E0101", message, "unexpected", f"parameters stand in parentheses: `{mended}`", edits=edits)
    opens = m.position - 1
    while opens > m.first and m.at(opens) != "[":
        opens -= 1
    if word == "model" and m.at(opens) == "[" and m.at(opens - 2) == ":" and _DTYPE.fullmatch(m.text(opens - 1)):
        declared = m.written(opens - 3, m.closer(opens)) or "x: f32[N, 3, 224, 224]"
        help = f"an input is a statement of the body: `input {declared}`"
        return m.report("E0101", "a model has no input among its parameters", "a shape", help, opens)
    return False


def other_file(m: Mistake) -> bool:
    """YAML, JSON and the text of protocol buffers: what a file of this language looks like."""
    if m.position != m.first or "model" not in m.expected:
        return False
    if m.kind not in ("{", "[", "STRING", "-") and (m.kind != "NAME" or m.after not in (":", "{")):
        return False
    message = f"expected {m.expected_words}, found {m.found}"
    return m.report("E0101", message, "unexpected", f"a file is a list of such items: `{_SKELETON}`")
