"""Text to tokens: words, numbers, strings, and where statements end.

Beyond splitting the text, this pass settles everything that must hold before a parser runs on it: brackets are paired
(a missing one is reported at its opener and closed where its absence shows, so one slip is one diagnostic), nesting and
the length of expressions are within the limits (so nothing after this pass can be driven deep), and only line breaks
that end a statement are left. It is one loop without recursion, linear in the text.

Tokens are four parallel lists, not objects: a quarter of a megabyte of commas is 260 000 tokens.
"""

import re
from typing import Final

from archdsl.syntax import lexemes
from archdsl.syntax.report import Reporter

KEYWORDS: Final = frozenset(
    "archdsl use block model test let default input output shared if else for in repeat match expect require and or not"
    " true false none as flag".split()
)
ITEM_WORDS: Final = frozenset(("use", "block", "model", "test"))
"""Keywords that only ever start an item of a file: seen inside brackets at the start of a line, one was left open."""
STATEMENT_WORDS: Final = ITEM_WORDS | {"let", "default", "input", "output", "shared", "for", "repeat", "expect", "require"}

CLOSER: Final = {"(": ")", "[": "]", "{": "}", '"': "}"}
OPENER: Final = {")": "(", "]": "[", "}": "{"}

_CONTINUES: Final = frozenset(
    ("->", "|", "{", "=", "=>", ",", "CMP", "MUL", "+", "-", "%", "**", "..", "~", "and", "or", "not", "in", "else")
)
"""A line break after one of these does not end the statement."""
_CONTINUED_BY: Final = frozenset(("->", "|", "else", "as", "}"))
"""Nor does one before these."""
_TERM: Final = frozenset(
    ("CMP", "MUL", "+", "-", "%", "**", "..", "and", "or", "not", "if", "match", "(", "[", ".", "!", "STRING_HEAD")
)
_FRESH: Final = frozenset((",", "->", "=>", "|", "=", ":", "STRING_MIDDLE"))
"""Tokens after which another expression begins."""

_TOKEN: Final = re.compile(
    r"[ \t\r\f]*(?:"
    r"([A-Za-z_][A-Za-z0-9_]*)"
    r"|([0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?[A-Za-z0-9_]*)"
    r"|(\n)"
    r'|"([^"\\\n{}]*)"'
    r"|(->|=>|[=!<>]=|\*\*|//|\.\.\.|\.\.|[()\[\]{}<>+\-*/%=,:;|.!~])"
    r"|(#[^\n]*)"
    r'|(")'
    r"|$())"
)
_WORD, _NUMBER, _BREAK, _PLAIN_STRING, _MARK, _COMMENT, _QUOTE, _END = range(1, 9)
_MARK_KIND: Final = dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), "CMP") | dict.fromkeys(("*", "/", "//"), "MUL")


class Tokens:
    """The tokens of a source, ended by one of kind `$END`.

    `kinds[i]` is the text itself for fixed tokens, else a class (`NAME NUMBER STRING ...`); `values[i]` the text of a
    name or operator, a number's value, a string's text with escapes resolved. A token without width (other than `$END`)
    stands for a bracket the author left out. `docs` maps the offset of an item's first token to its doc comment.
    """

    __slots__ = ("comments", "docs", "ends", "kinds", "starts", "values")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.values: list[str | int | float] = []
        self.docs: dict[int, str] = {}
        self.comments: list[tuple[int, int]] = []


class _Open:
    """An opener that waits for its closer."""

    __slots__ = ("base", "fresh", "index", "kind")

    def __init__(self, kind: str, index: int, base: int, fresh: bool) -> None:
        self.kind = kind
        self.index = index
        self.base = base
        self.fresh = fresh


def tokenize(reporter: Reporter) -> Tokens:
    """All tokens of a source; raises `Stop` after reporting a limit."""
    lexer = _Lexer(reporter)
    lexer.run()
    return lexer.tokens


class _Lexer:
    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.limits = reporter.limits
        self.source = reporter.source
        self.text = reporter.source.text
        self.tokens = Tokens()
        self.stack: list[_Open] = []
        self.terms = 0
        self.expects_arms = False
        self.pending = -1
        """Offset of a line break or `;` that may end the statement, decided when the next token is known."""
        self.explicit = False
        self.doc: list[str] = []
        self.doc_end = 0
        self.suspect: tuple[int, int] | None = None
        """A `{` and the `}` that closed it though that stands further left: a hint when a brace is missing later on."""

    # ---------------------------------------------------------------------------------------------------- main loop

    def run(self) -> None:
        text, match = self.text, _TOKEN.match
        position = 1 if text.startswith("\ufeff") else 0
        while True:
            found = match(text, position)
            if found is None:
                position = self.stray(position)
                continue
            group = found.lastindex or 0
            start, end = found.span(group)
            position = end
            if group == _WORD:
                word = found[group]
                self.emit(word if word in KEYWORDS else "NAME", start, end, word)
            elif group == _MARK:
                position = self.mark(found[group], start, end)
            elif group == _NUMBER:
                value = lexemes.number(self.reporter, found[group], start)
                self.emit("NUMBER", start, end, value)
            elif group == _BREAK:
                self.line_break(start)
            elif group == _PLAIN_STRING:
                self.emit("STRING", start - 1, end + 1, found[group])
                position = end + 1
            elif group == _COMMENT:
                self.comment(start, end)
            elif group == _QUOTE:
                position = self.string(start, start + 1, "STRING", "STRING_HEAD")
            else:
                break
        self.finish(len(text))

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
        if kind in _FRESH:
            self.terms = self.stack[-1].base if self.stack else 0
        elif kind in _TERM:
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
            wanted = before not in ("{", "|", "SEP") and (kind not in ("}", "|") or before in _CONTINUES)
        else:
            inside = self.stack[-1].kind if self.stack else ""
            wanted = inside not in ("(", "[") and before not in _CONTINUES and kind not in _CONTINUED_BY
        if wanted:
            self.terms = self.stack[-1].base if self.stack else 0
            self.expects_arms = False
            kinds.append("SEP")
            self.tokens.starts.append(position)
            self.tokens.ends.append(position + 1)
            self.tokens.values.append("")

    def line_break(self, start: int) -> None:
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index].kind == '"':
                self.break_in_interpolation(index, start)
                break
        if self.pending < 0:
            self.pending = start

    def comment(self, start: int, end: int) -> None:
        """Keep `##` lines for the item that follows. After code on the same line `##` is an ordinary comment."""
        self.tokens.comments.append((start, end))
        text = self.text[start:end].rstrip()
        alone = not self.tokens.kinds or self.pending >= 0
        if not text.startswith("##") or text.startswith("###") or not alone:
            return
        if self.doc and self.text.count("\n", self.doc_end, start) > 1:
            self.doc = []
        self.doc.append(text[2:].removeprefix(" "))
        self.doc_end = end

    # ----------------------------------------------------------------------------------------------------- brackets

    def mark(self, text: str, start: int, end: int) -> int:
        """Handle punctuation; returns the offset to go on from."""
        if text in CLOSER:
            self.emit(text, start, end)
            self.push(text)
        elif text in OPENER:
            return self.close(text, start, end)
        elif text == ";":
            inside = self.stack[-1].kind if self.stack else ""
            if inside in ("(", "["):
                self.emit(";", start, end, text)
            else:
                self.pending, self.explicit = start, True
        else:
            if text == "->" and self.stack and self.stack[-1].kind == "(":
                self.unclosed(1, start, end, "a flow cannot stand inside parentheses")
            self.emit(_MARK_KIND.get(text, text), start, end, text)
        return end

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
        self.stack.append(_Open(kind, len(self.tokens.kinds) - 1, self.terms, statements))

    def close(self, text: str, start: int, end: int) -> int:
        """Pair a closer with its opener; `}` may also end an interpolation, after which the string goes on."""
        wanted = (OPENER[text], '"') if text == "}" else (OPENER[text],)
        depth = len(self.stack) - 1
        while depth >= 0 and self.stack[depth].kind not in wanted:
            depth = -1 if self.stack[depth].kind == '"' else depth - 1
        if depth < 0:
            self.reporter.error(
                "E0103",
                f"`{text}` closes nothing",
                start,
                end,
                f"no `{wanted[0]}` is open here",
                f"remove it, or add the missing `{wanted[0]}` before it",
            )
            return end
        if depth < len(self.stack) - 1:
            self.unclosed(len(self.stack) - 1 - depth, start, end, f"this `{text}` closes what is around it")
        if self.stack[-1].kind == '"':
            return self.string(start, end, "STRING_TAIL", "STRING_MIDDLE")
        self.emit(text, start, end)
        self.pop(start)
        return end

    def pop(self, position: int) -> None:
        opened = self.stack.pop()
        if opened.fresh:
            self.terms = self.stack[-1].base if self.stack else 0
            if self.suspect is None and self.column(position) < self.column(self.tokens.starts[opened.index]):
                self.suspect = (self.tokens.starts[opened.index], position)

    def column(self, offset: int) -> int:
        """How far the line of an offset is indented."""
        line_start = offset - self.source.line_column(offset)[1] + 1
        line = self.text[line_start : line_start + 200]
        return len(line) - len(line.lstrip())

    def close_before_statement(self, kind: str, start: int) -> None:
        """A keyword that starts a statement or an item stands first in its line where it cannot: close what is open."""
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
        if count > 1:
            notes = (f"{count - 1} more left open around it",)
        symbol = opener.kind
        help = f"add the missing `{CLOSER[symbol]}`"
        if symbol == '"':
            symbol = "{"
            at, width = self.tokens.ends[opener.index] - 1, 1
        message = f"`{symbol}` is never closed"
        self.reporter.error("E0102", message, at, at + width, "opened here", help, tuple(related), notes)
        self.suspect = None
        for _ in range(count):
            kind = self.stack[-1].kind
            self.tokens.kinds.append("STRING_TAIL" if kind == '"' else CLOSER[kind])
            self.tokens.starts.append(start)
            self.tokens.ends.append(start)
            self.tokens.values.append("")
            self.pop(start)

    def finish(self, end: int) -> None:
        if self.stack:
            self.unclosed(len(self.stack), end, end, "the file ends here")
        self.emit("$END", end, end)

    # ------------------------------------------------------------------------------------------------------ strings

    def string(self, token_start: int, position: int, whole: str, part: str) -> int:
        """Read a string from after its quote, or on from the `}` of an interpolation, up to its end or next `{`."""
        value, end, ending = lexemes.string_text(self.reporter, position)
        if ending == "{":
            self.emit(part, token_start, end, value)
            if part == "STRING_HEAD":
                self.push('"')
            return end
        if ending == "":
            opener = token_start
            if whole == "STRING_TAIL":
                opener = self.tokens.starts[self.stack[-1].index]
            self.unclosed_string(opener, end)
        self.emit(whole, token_start, end, value)
        if whole == "STRING_TAIL":
            self.pop(end)
        return end

    def unclosed_string(self, start: int, end: int) -> None:
        self.reporter.error(
            "E0104",
            "a string is not closed on its line",
            start,
            end,
            "this string has no closing quote",
            'close it with `"`; a string cannot span lines, write \\n for a line break',
        )

    def break_in_interpolation(self, index: int, position: int) -> None:
        """The line ends inside `"...{`: make what was read one plain string and go on with the next line."""
        first = self.stack[index].index
        start = self.tokens.starts[first]
        self.unclosed_string(start, position)
        self.terms = self.stack[index].base
        del self.stack[index:]
        tokens = self.tokens
        for column in (tokens.kinds, tokens.starts, tokens.ends, tokens.values):
            del column[first:]
        self.emit("STRING", start, position, "")

    # ---------------------------------------------------------------------------------------------- stray characters

    def stray(self, position: int) -> int:
        """Report what no token starts with; read a look-alike as what it looks like."""
        while self.text[position] in " \t\r\f":
            position += 1
        kind, text, end = lexemes.stray(self.reporter, position)
        if kind == "MARK":
            return self.mark(text, position, end)
        if kind:
            self.emit(kind, position, end, text)
        return end
