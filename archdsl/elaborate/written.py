"""Calls as an author wrote them. They are looked at as text, because what is wrong about them may be that they were no
call. Read only after a mistake."""

import re
from collections.abc import Iterable

from archdsl.diagnostics.model import Edit
from archdsl.records import record
from archdsl.source import Source, Span
from archdsl.syntax.foreign import split

Advice = tuple[str, tuple[Edit, ...]]
"""A help and, where nothing else can have been meant, the edits."""
NOTHING: Advice = ("", ())
_LONGEST = 2_000
"""Characters of a call that is looked at, and of the text before it."""
REPEATED = 100
"""Characters of an author's text that a help repeats."""


@record
class WrittenCall:
    """`name(inside)`, or `name` alone, in a source: from `start` to `end`."""

    source: Source
    name: str
    inside: str | None
    start: int
    end: int

    @property
    def arguments(self) -> list[tuple[str, str]]:
        return split(self.inside or "")

    @property
    def before(self) -> str:
        """The statement up to the call. A line ends no statement inside brackets, after `->` and before it."""
        text, depth = self.source.text, 0
        for at in range(self.start - 1, max(-1, self.start - _LONGEST), -1):
            depth += (text[at] in ")]") - (text[at] in "([" and depth > 0)
            ends = text[at] == "\n" and text[at - 2 : at] != "->" and not re.match(r"\s*->", text[at : at + _LONGEST])
            if text[at] in ";{}" or (ends and depth == 0):
                return text[at + 1 : self.start].strip()
        return text[max(0, self.start - _LONGEST) : self.start].strip()

    @property
    def is_step(self) -> bool:
        """Whether it is a step of a flow and not part of an expression."""
        before = self.before
        declares = re.match(r"(let|default|require|for|if|repeat|use|test)\b", before)
        return not declares and before.count("(") == before.count(")")

    @property
    def starts_flow(self) -> bool:
        return self.is_step and (not self.before or self.before.endswith(("=", "|", "[")))

    @property
    def bound(self) -> str:
        """`x = ` where the call starts a flow that gets a name."""
        before = self.before
        return f"{before} " if re.fullmatch(r"\w+ *=", before) else ""

    @property
    def after(self) -> str:
        """The rest of the statement, braces of this call included."""
        text, depth = self.source.text, 0
        for at in range(self.end, min(len(text), self.end + _LONGEST)):
            depth += (text[at] in "([{") - (text[at] in ")]}")
            if depth < 0 or (depth == 0 and text[at] in ";|#"):
                return text[self.end : at].rstrip()
            if depth == 0 and text[at] == "\n" and not re.match(r"\s*->", text[at : at + _LONGEST]):
                return text[self.end : at].rstrip()
        return text[self.end : self.end + _LONGEST].rstrip()

    def written(self, arguments: Iterable[str]) -> str:
        """The call with other arguments."""
        given = ", ".join(arguments)
        return f"{self.name}({given})" if given else self.name

    def mended(self, text: str, certain: bool, help: str = "write `{}`") -> Advice:
        """Advice to write another text for the whole call."""
        if not text or len(text) > REPEATED or not text.isprintable():
            return NOTHING
        edits = (Edit(Span(self.source, self.start, self.end), text),) if certain else ()
        return help.format(text), edits


def call_at(span: Span) -> WrittenCall:
    """The call whose name stands at a span; without arguments if no parenthesis follows."""
    text, start = span.source.text, span.start
    opens = span.end
    if text[opens : opens + 1] != "(":
        return WrittenCall(span.source, span.text, None, start, span.end)
    depth = 0
    for at in range(opens, min(len(text), opens + _LONGEST)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return WrittenCall(span.source, span.text, text[opens + 1 : at], start, at + 1)
    return WrittenCall(span.source, span.text, None, start, span.end)


def call_around(span: Span) -> WrittenCall | None:
    """The call that has its argument at a span."""
    text, depth = span.source.text, 0
    for at in range(span.start - 1, max(-1, span.start - _LONGEST), -1):
        depth += (text[at] in ")]}") - (text[at] in "([{")
        if depth < 0:
            name = re.search(r"[A-Za-z_]\w*$", text[:at][-100:]) if text[at] == "(" else None
            return name and call_at(Span(span.source, at - len(name[0]), at))
    return None
