"""Words of other languages: what starts a statement there and means nothing here, and how bodies are opened there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from archdsl.syntax.foreign import MODULES
from archdsl.syntax.tokens import CLOSES, NOWHERE, OPENS

if TYPE_CHECKING:
    from archdsl.source import Source
    from archdsl.syntax.mistake import Edits, Mistake

_BLOCK: Final = "a part of a network is a `block {} {{ ... }}`"
_MODEL: Final = "a network is a `model {} {{ ... }}`, a part of one a `block`"
_IMPORT: Final = 'blocks come from other files with `use "file.arch" (name)`'
_LET: Final = "a constant is `let name = expression`, a named value `name = flow`"
_ARMS: Final = "write `match value { 1 => a; _ => b }`"
FOREIGN: Final = {
    "import": _IMPORT,
    "from": _IMPORT,
    "include": _IMPORT,
    "def": _BLOCK,
    "fn": _BLOCK,
    "func": _BLOCK,
    "function": _BLOCK,
    "layer": _BLOCK,
    "module": _BLOCK,
    "class": _MODEL,
    "network": _MODEL,
    "net": _MODEL,
    "return": "the value of a body is what its last statement made; in a model write `output name`",
    "var": _LET,
    "const": _LET,
    "val": _LET,
    "elif": "write `else if`",
    "elseif": "write `else if`",
    "elsif": "write `else if`",
    "while": "loops are `for i in 0..n { ... }` and `repeat n { ... }`",
    "loop": "loops are `for i in 0..n { ... }` and `repeat n { ... }`",
    "assert": 'a condition on parameters is `require condition, "message"`, on a shape `expect [N, c]`',
    "switch": _ARMS,
    "case": _ARMS,
    "lambda": "there are no function literals; give a `block` by name",
    "try": 'nothing fails while a network runs; a condition on parameters is `require condition, "message"`',
    "with": "settings are given to the steps themselves, or to all that follow: `default conv(!bias)`",
    "async": "steps that do not depend on one another are branches: `add { a | b }`",
    "public": "every block can be used from another file",
    "export": "every block can be used from another file",
    "static": _LET,
    "raise": 'a parameter is refused by `require condition, "message"`',
    "throw": 'a parameter is refused by `require condition, "message"`',
    "goto": "steps are taken one after another; loops are `for i in 0..n { ... }` and `repeat n { ... }`",
}
"""Words of other languages at the start of something that could not be read, and what to write here; `{}` is the name
and the parameters that follow."""

_OPENS_BODY: Final = frozenset(("if", "else", "for", "repeat", "recompute", "block", "model", "test"))


def foreign_word(m: Mistake) -> bool:
    """`import x`, `def f(x):`, `return y`."""
    for at in (m.first, m.position - 1, m.position):
        word = m.text(at) if m.at(at) == "NAME" else ""
        begins = at in (m.first, m.position) or word in ("lambda", "case")
        if word not in FOREIGN or m.position - at > 6 or not begins or (word == "from" and m.at(m.first) == "for"):
            continue
        if m.at(m.first) in ("model", "block") and m.first < at == m.first + 2:
            continue  # a part of a name of several words
        help, edits = FOREIGN[word], _mended(m, at, word)
        if "{}" in help:
            help = help.format(_signature(m, at + 1) or "name(parameters)")
        if word == "lambda" and (step := _of_lambda(m, at)):
            name, edits = step
            help = f"there are no function literals; a step is given by its name: `{name}`"
        elif word in ("switch", "case") and m.item:
            opens = m.until(at, frozenset("{"))
            subject = m.written(at + 1, opens).strip("()") if m.at(opens + 1) == "{" and word == "switch" else ""
            help = _ARMS.replace("value", subject or "value") + "; it chooses a value or a block"
        elif word == "assert" and m.item == "test":
            help, edits = "a check is a condition alone", ((m.tokens.starts[at], m.tokens.starts[at + 1], ""),)
        elif word == "assert":
            given = m.written(at + 1, m.line_end(at)) or "condition"
            help = f"a condition on parameters is `require {given}`, on a shape `expect [N, c]`"
            edits = m.edit(at, at, "require") if given != "condition" and m.item else ()
        elif word == "while" and m.at(at + 1) in ("true", "NAME"):
            help = "a network has as many layers as it is told: `repeat n { ... }`, `for i in 0..n { ... }`"
        elif word in ("import", "from") and edits:
            help = "nothing is imported: operators and standard blocks are there by their names"
        elif word == "return" and m.at(at + 1) == "NAME":
            help, name = "a body's last statement is its value", m.short(at + 1)
            plain = m.line_end(at) == at + 1
            if plain and (returned := _returned(m, at, name)):
                help, edits = returned
            elif m.item == "model":
                given = m.written(at + 1, m.line_end(at))
                plain = m.line_end(at) == at + 1 or not given
                help = (
                    f"write `output {m.short(at + 1)}`"
                    if plain
                    else f"give the output a name: `output y = {_fed(m, at + 1)}`"
                )
        return m.report("E0113", f"`{word}` is not a word of this language", "read as a name", help, at, edits)
    return False


def _returned(m: Mistake, at: int, name: str) -> tuple[str, Edits] | None:
    """`return x` of a parameter, which is no tensor, or of an input, where what came of it flows without that name."""
    worked_on, is_input = False, False
    for k in range(m.first - 1, max(0, m.first - 1000), -1):
        if m.at(k) in ("block", "model"):
            break
        if m.at(k) == "NAME" and m.text(k) == m.text(at + 1):
            is_input = is_input or m.at(k - 1) == "input"
            worked_on = worked_on or m.at(k - 1) == "as" or (m.at(k + 1) == "=" and m.at(k - 1) in ("SEP", "{", "}"))
    output = "y" if name != "y" else "z"
    if m.item == "model" and is_input and not worked_on:
        mended = f"output {output}"
        others = (m.at(k) == "output" for k in range(at, m.until(at, frozenset(("block", "model", "test")))))
        what = f"`{name}` is the input; what came of it flows, and is given out by `{mended}`"
        return what, () if any(others) else m.edit(at, at + 1, mended)
    if m.declared(m.text(at + 1)) != "constant":
        return None
    what = f"`{name}` is no tensor but a parameter or a constant"
    if m.item == "model":
        return f"{what}; an output is what flows, under a name of its own: `output {output}`", ()
    return f"{what}; a block takes what flows without naming it, and gives what its last statement made", ()


def _fed(m: Mistake, at: int) -> str:
    """The flow from a token to the end of its line; `relu(x)` as a flow."""
    last = m.line_end(at)
    inside = m.written(at + 2, last - 1) if m.at(at + 1) == "(" and m.closer(at + 1) == last else ""
    if inside.isidentifier() and m.declared(inside) == "tensor":
        return f"{inside} -> {m.short(at)}"
    return m.written(at, last)


def _signature(m: Mistake, at: int) -> str:
    """A name and the parameters after it."""
    if m.at(at) != "NAME":
        return ""
    closes = m.closer(at + 1) if m.at(at + 1) == "(" else NOWHERE
    plain = closes != NOWHERE and not any(
        m.text(k) in (".", "self", ":", "*", "**", "->") for k in range(at + 2, closes)
    )
    return m.written(at, closes if plain else at)


def _mended(m: Mistake, at: int, word: str) -> Edits:
    """The edit for a word that has one meaning only where it stands."""
    source = m.reporter.source
    last = m.line_end(at)
    after = m.at(at + 1)
    if word in ("import", "from") and at == m.first and {m.text(k) for k in range(at + 1, last + 1)} & MODULES:
        start, end = m.tokens.starts[at], m.tokens.ends[last]
        if source.text[end : end + 1] == "\n":
            end += 1
        return ((start, end, ""),)
    if word in ("elif", "elseif", "elsif"):
        return m.edit(at, at, "else if") if "}" in (m.at(at - 1), m.at(at - 2)) else ()
    if word in ("const", "var", "val") and after == "NAME" and m.at(at + 2) == "=":
        return m.edit(at, at, "let") if m.at(at + 3) in ("NUMBER", "STRING", "true", "false") else ()
    if "{}" in FOREIGN[word] and after == "NAME" and _signature(m, at + 1):
        closes = m.closer(at + 2) if m.at(at + 2) == "(" else at + 1
        if m.at(closes + 1) == "{" and m.first == at:
            return m.edit(at, at, "model" if word in ("class", "network", "net") else "block")
    if word == "loop" and after == "NUMBER" and m.at(at + 2) == "{":
        return m.edit(at, at, "repeat")
    if word == "return" and after == "NAME" and at == m.first and last == at + 1:
        if m.item == "model" and m.declared(m.text(at + 1)):
            return m.edit(at, at, "output")
        return ((m.tokens.starts[at], m.tokens.starts[at + 1], ""),) if m.item == "block" else ()
    return ()


def _of_lambda(m: Mistake, at: int) -> tuple[str, Edits] | None:
    """The step that `lambda x: relu(x)` applies."""
    if [m.at(at + k) for k in range(1, 5)] != ["NAME", ":", "NAME", "("] or m.at(at + 5) != "NAME":
        return None
    closes = m.closer(at + 4)
    if closes == NOWHERE or m.text(at + 5) != m.text(at + 1) or m.at(at + 6) not in (",", ")"):
        return None
    arguments = m.written(at + 7, closes - 1) if closes > at + 7 else ""
    step = m.text(at + 3) + (f"({arguments})" if arguments else "")
    return step, m.edit(at, closes, step)


def body_without_braces(m: Mistake) -> bool:
    """`if wide then relu`, `for i in 0..3: conv(8, 3)`, `else:` and the lines below it."""
    start = m.tokens.kinds[m.first] if m.before != "else" else "else"
    if m.kind != ":" and m.text(m.position) not in ("then", "do"):
        return False
    if start not in _OPENS_BODY or not ("{" in m.expected or start == "else"):
        return False
    head, last = m.written(m.first, m.position - 1), m.line_end(m.position)
    following = m.until(m.position + 1, frozenset(("{", "SEP")))
    if start == "for" and m.kind == ":" and m.at(following + 1) == "{" and following > m.position:
        help = f"count with `{m.short(m.position - 1)}..{m.written(m.position + 1, following)}`"
        edits = m.edit(m.position, m.position, "..")
        return m.report("E0101", f"expected {m.expected_words}, found `:`", "unexpected", help, edits=edits)
    if m.after == "{":
        edits = m.edit(m.position, m.position, "")
        return m.report(
            "E0101", f"expected `{{`, found `{m.short(m.position)}`", "unexpected", "leave it out", edits=edits
        )
    message, label = f"a body starts with `{{`, not with `{m.short(m.position)}`", "bodies stand in braces"
    body = m.written(m.position + 1, last)
    if not head or "\n" in m.between(m.position) or not body:
        edits = _indented(m)
        return m.report("E0101", message, label, f"write `{head or start} {{ ... }}`", edits=edits)
    start, end = m.tokens.starts[m.position], m.tokens.ends[last]
    body = with_else(m, m.position + 1, last)
    space = " " if m.kind == ":" and m.follows(m.position) else ""
    edits = () if nested(m, m.position + 1, last) else ((start, end, f"{space}{{ {body} }}"),)
    return m.report("E0101", message, label, f"write `{head} {{ {body} }}`", edits=edits)


def with_else(m: Mistake, first: int, last: int) -> str:
    """A body in the open; its `else` closes the braces and opens others. One inside brackets belongs to a value."""
    at = m.until(first, frozenset(("else",))) + 1
    if not first < at < last:
        return m.written(first, last)
    other = at + 1 + (m.at(at + 1) == ":")
    return f"{m.written(first, at - 1)} }} else {{ {m.written(other, last)}"


def nested(m: Mistake, first: int, last: int) -> bool:
    """Whether a body in the open has others in it."""
    depth = 0
    for at in range(first, last + 1):
        depth += (m.at(at) in OPENS) - (m.at(at) in CLOSES)
        if depth == 0 and m.at(at) in ("if", "for", "repeat"):
            return True
    return False


def _indented(m: Mistake) -> Edits:
    """Braces around the deeper lines below, as Python has them, and around those of the `else` that follows; nothing
    where there are none."""
    source = m.reporter.source
    line = source.line_column(m.tokens.starts[m.position])[0]
    margin = _indentation(source.line_text(line))
    rest = source.text[m.tokens.ends[m.position] : source.line_starts[line - 1] + len(source.line_text(line))]
    if rest.strip() and not rest.strip().startswith("#"):
        return ()
    brace = "{" if source.text[m.tokens.starts[m.position] - 1].isspace() else " {"
    edits = [(m.tokens.starts[m.position], m.tokens.ends[m.position], brace)]
    while (last := _deeper(source, line, margin)) > line:
        line = last + 1
        while line <= len(source.line_starts) and not source.line_text(line).strip():
            line += 1
        following = source.line_text(line) if line <= len(source.line_starts) else ""
        again = re.match(r"(\s*)(else|elif)\b([^:#]*):\s*$", following)
        if not again or len(again[1]) != margin:
            end = source.line_starts[last - 1] + len(source.line_text(last))
            return (*edits, (end, end, "\n" + " " * margin + "}"))
        start = source.line_starts[line - 1]
        words = "else" if again[2] == "else" else "else if"
        edits.append((start + margin, start + len(following), f"}} {words}{again[3]} {{"))
        # What stands there was said here already.
        m.tokens.repaired.append((start, start + len(following)))
    return ()


def _deeper(source: Source, line: int, margin: int) -> int:
    """The last of the lines below that are indented deeper; the line itself where there are none."""
    last = line
    for at in range(line + 1, min(len(source.line_starts), line + 1000) + 1):
        text = source.line_text(at)
        if text.strip():
            if _indentation(text) <= margin:
                break
            last = at
    return last


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


_LOOPS: Final = {"of": "in", "from": "in", "=": "in", "...": ".."}


def other_loop(m: Mistake) -> bool:
    """`for w of widths`, `for i from 0..3`, `for i = 0..3`, `for i in 0...3`, `repeat 3 times`, `foreach w in ws`."""
    start, word = m.tokens.kinds[m.first], m.text(m.position)
    message = f"expected {m.expected_words}, found {m.found}"
    if start == "for" and word in _LOOPS and ("in" in m.expected or (word == "..." and ".." in m.expected)):
        head = m.written(m.first, m.position - 1)
        space = " " if word != "..." else ""
        rest = m.written(m.position + 1, m.until(m.position + 1, frozenset(("{", "SEP"))))
        help = f"write `{head}{space}{_LOOPS[word]}{space}{rest} {{ ... }}`"
        return m.report("E0101", message, "unexpected", help, edits=m.edit(m.position, m.position, _LOOPS[word]))
    if (
        start == "for"
        and word == "("
        and m.position == m.first + 1
        and (m.after != "NAME" or m.at(m.position + 2) in ("=", "in"))
    ):
        return m.report("E0101", message, "unexpected", "write `for i in 0..n { ... }`")
    if start == "repeat" and word in ("times", "x") and "{" in m.expected:
        help = f"write `{m.written(m.first, m.position - 1)} {{ ... }}`"
        edits = ((m.tokens.starts[m.position], m.tokens.starts[m.position + 1], ""),)
        return m.report("E0101", message, "unexpected", help, edits=edits)
    if m.text(m.first) in ("foreach", "forall") and m.position == m.first + 1:
        return m.report(
            "E0113",
            f"`{m.text(m.first)}` is not a word of this language",
            "read as a name",
            "write `for`",
            m.first,
            m.edit(m.first, m.first, "for"),
        )
    return False
