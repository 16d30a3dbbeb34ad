"""Where statements end and which bracket belongs to which: what the lexer decides as tokens are added.

Everything that must hold before a parser runs is settled here. Brackets are paired (a missing one is
reported at its opener and closed where its absence shows, so one slip is one diagnostic), nesting and the
length of expressions are within the limits (so nothing after this pass can be driven deep), and of the line
breaks only those that end a statement are left.
"""

import re
from typing import Final

from archdsl.syntax.reporter import SyntaxReporter
from archdsl.syntax.tokens import CLOSER, ITEM_WORDS, STATEMENT_WORDS, Tokens, marks

CONTINUES: Final = marks("-> | { = => , CMP MUL + - % ** .. ~ and or not in else")
"""A line break after one of these does not end the statement."""
CONTINUED_BY: Final = marks("-> | else as }")
"""Nor does one before these."""
TERM: Final = marks("CMP MUL + - % ** .. and or not if match ( [ . ! STRING_HEAD")
"""Tokens that add a term to an expression, or a level to its tree."""
FRESH: Final = marks(", -> => | = : STRING_MIDDLE")
"""Tokens after which another expression begins."""


class Open:
    """An opener that waits for its closer."""

    __slots__ = ("base", "fresh", "index", "kind")

    def __init__(self, kind: str, index: int, base: int, fresh: bool) -> None:
        self.kind = kind
        self.index = index
        self.base = base
        self.fresh = fresh


class LineStructure:
    """The tokens so far, and the brackets that are open."""

    def __init__(self, reporter: SyntaxReporter) -> None:
        self.reporter = reporter
        self.limits = reporter.limits
        self.source = reporter.source
        self.text = reporter.source.text
        self.tokens = Tokens()
        self.stack: list[Open] = []
        self.terms = 0
        self.expects_arms = False
        self.pending = -1
        """Offset of a line break or `;` that may end the statement, decided when the next token is known."""
        self.explicit = False
        self.doc: list[str] = []
        self.doc_end = 0
        self.read_as_brace: set[int] = set()
        """Offsets of `)` that are read as `}`."""
        self.skipped_until = 0
        self.suspect: tuple[int, int] | None = None
        """A `{` and the `}` that closed it though that stands further left: a hint when a brace is missing
        later on."""

    def emit(self, kind: str, start: int, end: int, value: str | int | float = "") -> None:
        """Add a token, and before it the end of a statement where a line break turns out to be one."""
        tokens = self.tokens
        kinds = tokens.kinds
        if self.pending >= 0:
            if self.stack and kind in STATEMENT_WORDS:
                self.close_before_statement(kind, start)
            self.settle_break(kind)
        if self.doc:
            tokens.docs[start] = "\n".join(self.doc)
            self.doc = []
        if kind in FRESH:
            self.terms = self.stack[-1].base if self.stack else 0
        elif kind in TERM:
            self.terms += 1
            if self.terms >= self.limits.terms:
                raise self.reporter.limit(
                    "E0903",
                    f"an expression has more than {self.limits.terms} terms",
                    start,
                    end,
                    f"term {self.limits.terms + 1} comes after this",
                    "terms",
                    2 * self.limits.terms,
                )
            if kind == "match":
                self.expects_arms = True
        kinds.append(kind)
        tokens.starts.append(start)
        tokens.ends.append(end)
        tokens.values.append(value)

    def settle_break(self, kind: str) -> None:
        """Turn the line break before a token of `kind` into the end of a statement, or drop it."""
        position, self.pending = self.pending, -1
        kinds = self.tokens.kinds
        if not kinds or kind == "$END":
            return
        before = kinds[-1]
        if self.explicit:
            self.explicit = False
            wanted = before not in ("{", "|", "SEP") and (kind not in ("}", "|") or before in CONTINUES)
        else:
            inside = self.stack[-1].kind if self.stack else ""
            wanted = inside not in ("(", "[") and before not in CONTINUES and kind not in CONTINUED_BY
        if wanted:
            self.terms = self.stack[-1].base if self.stack else 0
            self.expects_arms = False
            kinds.append("SEP")
            self.tokens.starts.append(position)
            self.tokens.ends.append(position + 1)
            self.tokens.values.append("")

    def push(self, kind: str) -> None:
        """Remember the token just added as an opener."""
        if len(self.stack) >= self.limits.nesting:
            raise self.reporter.limit(
                "E0902",
                f"brackets are nested deeper than {self.limits.nesting}",
                self.tokens.starts[-1],
                self.tokens.ends[-1],
                f"this is bracket {self.limits.nesting + 1} inside one another",
                "nesting",
                2 * self.limits.nesting,
            )
        statements = kind == "{" and not self.expects_arms
        if kind == "{":
            self.expects_arms = False
        if statements:
            self.terms = 0
        self.stack.append(Open(kind, len(self.tokens.kinds) - 1, self.terms, statements))

    def pop(self, position: int) -> None:
        opened = self.stack.pop()
        if opened.fresh:
            self.terms = self.stack[-1].base if self.stack else 0
            if self.suspect is None and self.column(position) < self.column(self.tokens.starts[opened.index]):
                self.suspect = (self.tokens.starts[opened.index], position)

    def unclosed(self, count: int, start: int, end: int, noticed: str) -> None:
        """Report the innermost of `count` open brackets, and close them all before `start`."""
        opener = self.stack[-1]
        at = self.tokens.starts[opener.index]
        width = 1
        related = [(start, end, noticed)]
        notes: tuple[str, ...] = ()
        if opener.kind == "{" and self.suspect is not None:
            first, second = self.suspect
            if first > self.tokens.starts[self.stack[-count].index]:
                related.append((first, first + 1, "perhaps this is the one left open"))
                related.append((second, second + 1, "as this closer stands further left"))
        if self.column(start) > self.column(at) and self.text.startswith(("block", "model", "test"), start):
            notes = ("blocks, models and tests cannot be defined inside one another",)
        elif count > 1:
            notes = (f"{count - 1} more left open around it",)
        symbol = opener.kind
        help = f"add the missing `{CLOSER[symbol]}`"
        if notes and notes[0].startswith("blocks"):
            word = re.compile(r"\w+(?:\s+\w+)?").match(self.text, start)
            item = word[0] if word else "it"
            help = f"move `{item}` out of the braces, or add the missing `{CLOSER[symbol]}` before it"
        if symbol == '"':
            symbol = "{"
            at, width = self.tokens.ends[opener.index] - 1, 1
        message = f"`{symbol}` is never closed"
        self.reporter.error("E0102", message, at, at + width, "opened here", help, tuple(related), notes)
        self.suspect = None
        for _ in range(count):
            kind = self.stack[-1].kind
            if kind != "{":
                self.tokens.repaired.append((self.tokens.starts[self.stack[-1].index], start))
            self.tokens.kinds.append("STRING_TAIL" if kind == '"' else CLOSER[kind])
            self.tokens.starts.append(start)
            self.tokens.ends.append(start)
            self.tokens.values.append("")
            self.pop(start)

    def close_before_statement(self, kind: str, start: int) -> None:
        """A keyword that starts a statement or an item stands first in its line where it cannot: close what
        is open."""
        if self.tokens.kinds[-1] == ":" or self.explicit:
            return
        end = start + len(kind)
        if kind in ITEM_WORDS:
            after = self.text[end : end + 80].lstrip(" \t")
            if self.stack and (after[:1].isalpha() or after[:1] in ('"', "_")):
                self.unclosed(len(self.stack), start, end, f"`{kind}` starts a new item here")
            return
        count = 0
        while count < len(self.stack) and self.stack[-1 - count].kind in ("(", "["):
            count += 1
        after = self.text[end : end + 80].lstrip(" \t")
        if count and not after.startswith((",", ")", "=", "]", ":")):
            self.unclosed(count, start, end, f"`{kind}` starts a new statement here")

    def column(self, offset: int) -> int:
        """How far the line of an offset is indented."""
        line_start = offset - self.source.line_column(offset)[1] + 1
        line = self.text[line_start : line_start + 200]
        return len(line) - len(line.lstrip())

    def line_end(self, position: int) -> int:
        """The end of the line that `position` is on."""
        line = self.source.line_column(position)[0]
        starts = self.source.line_starts
        return starts[line] - 1 if line < len(starts) else len(self.text)
