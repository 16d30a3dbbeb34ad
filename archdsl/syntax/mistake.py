"""An error at a token with its surroundings, and what may be asked about them."""

import re
from typing import Final

from archdsl.syntax import words
from archdsl.syntax.driver import Machine
from archdsl.syntax.lexemes import shown
from archdsl.syntax.reporter import SyntaxReporter
from archdsl.syntax.tokens import CLOSES, NOWHERE, OPENS, VALUE_ENDS, Tokens

_REACH: Final = 1000
"""Tokens looked at around an error, in either direction."""
_LONGEST: Final = 100
"""Characters of an author's text that a help repeats."""
Edits = tuple[tuple[int, int, str], ...]
"""Starts, ends and replacements, in offsets of the source."""
_JOINED: Final = frozenset(("+", "-", "MUL", "%", "**", "..", "."))
_LITERALS: Final = frozenset(("STRING", "true", "false", "none"))


class Mistake:
    """An error and its surroundings. `first` is the first token of the line or statement."""

    __slots__ = ("after", "before", "expected", "first", "kind", "position", "reporter", "tokens")

    def __init__(self, reporter: SyntaxReporter, tokens: Tokens, position: int, machine: Machine) -> None:
        kinds = tokens.kinds
        self.reporter = reporter
        self.tokens = tokens
        self.position = position
        self.expected = machine.expected()
        self.kind = kinds[position]
        self.before = kinds[position - 1] if position else "$START"
        self.after = kinds[position + 1] if self.kind != "$END" else "$END"
        self.first = position
        while self.first and kinds[self.first - 1] not in ("SEP", "{", "|", "}") and position - self.first < _REACH:
            self.first -= 1

    def text(self, position: int) -> str:
        return self.reporter.source.text[self.tokens.starts[position] : self.tokens.ends[position]]

    def short(self, position: int) -> str:
        """A token's text as messages show it."""
        return shown(self.text(position))

    def between(self, position: int) -> str:
        """The text between a token and the next."""
        return self.reporter.source.text[self.tokens.ends[position] : self.tokens.starts[position + 1]]

    def follows(self, position: int) -> bool:
        """Whether a token stands right after the one before it."""
        return position > 0 and self.tokens.starts[position] == self.tokens.ends[position - 1]

    def at(self, position: int) -> str:
        """The kind of a token, wherever it is asked for."""
        kinds = self.tokens.kinds
        return kinds[position] if 0 <= position < len(kinds) else "$END"

    def written(self, first: int, last: int) -> str:
        """The text of the tokens from `first` to `last`, on one line; empty where there are none (`last` is NOWHERE too
        where a bracket is not found), and where it is too long to repeat, spans lines or was guessed."""
        if not 0 <= first <= last < len(self.tokens.kinds):
            return ""
        text = self.reporter.source.text[self.tokens.starts[first] : self.tokens.ends[last]]
        return text if len(text) <= _LONGEST and text.isprintable() else ""

    def closer(self, opener: int) -> int:
        """The token that closes the bracket at `opener`; NOWHERE where it is not found."""
        depth, kinds = 0, self.tokens.kinds
        for at in range(opener, min(len(kinds), opener + _REACH)):
            depth += (kinds[at] in OPENS) - (kinds[at] in CLOSES)
            if depth == 0:
                return at
        return NOWHERE

    def opener(self, closer: int) -> int:
        """The token that opens the bracket at `closer`; NOWHERE where it is not found."""
        depth, kinds = 0, self.tokens.kinds
        for at in range(closer, max(-1, closer - _REACH), -1):
            depth += (kinds[at] in CLOSES) - (kinds[at] in OPENS)
            if depth == 0:
                return at
        return NOWHERE

    def until(self, position: int, ends: frozenset[str]) -> int:
        """The last token before one of the kinds `ends` outside brackets, or before the end of what is around."""
        kinds = self.tokens.kinds
        depth, at = 0, position
        while at < len(kinds) and at - position < _REACH:
            kind = kinds[at]
            if (depth == 0 and kind in ends) or kind == "$END":
                break
            depth += (kind in OPENS) - (kind in CLOSES)
            if depth < 0:
                break
            at += 1
        return at - 1

    def line_end(self, position: int) -> int:
        """The last token of the statement that a token is in, as far as its line goes."""
        last = self.until(position, STATEMENT_ENDS)
        for at in range(position, last):
            if "\n" in self.between(at):
                return at
        return last

    def listed(self, first: int, end: int) -> list[str]:
        """The texts between commas from a token up to another."""
        found: list[str] = []
        while first < end:
            last = self.until(first, frozenset((",",)))
            found.append(self.written(first, min(last, end - 1)))
            first = last + 2
        return found

    def step_before(self, position: int) -> int:
        """The first token of the step, name or brackets that ends with the token at `position`, a label included;
        NOWHERE where none does."""
        at = position
        while self.at(at - 1) == "as":
            at -= 2
        if self.at(at) in CLOSES:
            at = self.opener(at)
            if self.at(at) in ("(", "{") and self.at(at - 1) == ")":
                at = self.opener(at - 1)
            applied = self.at(at) in ("(", "{") or (self.at(at) == "[" and self.follows(at))
            if applied and self.at(at - 1) == "NAME":
                at -= 1
            return at
        return at if self.at(at) in ("NAME", "NUMBER") else NOWHERE

    def step_after(self, position: int) -> int:
        """The last token of the step that starts at `position`; NOWHERE where none does."""
        if self.at(position) == "NUMBER":
            return position
        if self.at(position) == "[":
            return self.closer(position)
        if self.at(position) != "NAME":
            return NOWHERE
        last = position
        while self.at(last + 1) in ("(", "{") and last != NOWHERE:
            last = self.closer(last + 1)
        return last

    def operand_before(self, position: int) -> int:
        """The first token of the sum or product that ends with the token at `position`; NOWHERE where none does."""
        at = self._factor_before(position)
        while at > self.first and self.at(at - 1) in _JOINED and self._factor_before(at - 2) != NOWHERE:
            at = self._factor_before(at - 2)
        negative = self.at(at - 1) == "-" and self.at(at - 2) not in VALUE_ENDS
        return at - 1 if negative else at

    def _factor_before(self, position: int) -> int:
        return position if self.at(position) in _LITERALS else self.step_before(position)

    def operand_after(self, position: int) -> int:
        """The last token of the sum or product that starts at `position`; NOWHERE where none does."""
        at = position - 1
        while True:
            at += 1 + (self.at(at + 1) == "-")
            if self.at(at) not in _LITERALS and self.at(at) not in ("NAME", "NUMBER", "(", "["):
                return NOWHERE
            at = self.closer(at) if self.at(at) in ("(", "[") else at
            while at != NOWHERE and self.at(at + 1) in ("(", "["):
                at = self.closer(at + 1)
            if at == NOWHERE or self.at(at + 1) not in _JOINED:
                return at
            at += 1

    def value_text(self, position: int) -> str:
        """A token, or all between brackets where it is one of them, as messages show it."""
        other = self.closer(position) if self.at(position) in OPENS else position
        first = self.opener(position) if self.at(position) in CLOSES else position
        return shown(self.written(first, other)) if 0 <= first <= other else self.short(position)

    def declared(self, name: str) -> str:
        """`constant` or `tensor`, by how the item around declares a name before the error; empty if it does not."""
        kinds, values = self.tokens.kinds, self.tokens.values
        found = ""
        for at in range(self.first - 1, max(-1, self.first - 10 * _REACH), -1):
            if kinds[at] in ("block", "model"):
                opens = self.at(at + 2) == "(" and self.closer(at + 2)
                inside = range(at + 3, opens) if opens else ()
                if not found and any(kinds[k] == "NAME" and values[k] == name for k in inside):
                    found = "constant"
                break
            if found or kinds[at] != "NAME" or values[at] != name:
                continue
            before = kinds[at - 1]
            if before in ("let", "for"):
                found = "constant"
            elif before in ("as", "input") or (before in ("SEP", "{", "}") and self.at(at + 1) == "="):
                found = "tensor"
        return found

    @property
    def item(self) -> str:
        """`block`, `model` or `test`: the kind of item the error is in, by the last word that starts one."""
        kinds = self.tokens.kinds
        for at in range(self.position - 1, -1, -1):
            if kinds[at] in ("block", "model", "test") and (not at or kinds[at - 1] in ("SEP", "}", "{")):
                return kinds[at]
        return ""

    @property
    def found(self) -> str:
        return words.found(self.tokens, self.position, self.reporter.source.text)

    @property
    def expected_words(self) -> str:
        return words.expected(self.expected)

    def edit(self, first: int, last: int, text: str) -> Edits:
        """Replace the tokens from `first` to `last`; a word for a mark does not run into the words around it."""
        start, end = self.tokens.starts[first], self.tokens.ends[last]
        source = self.reporter.source.text
        before = " " if re.match(r"\w\w", source[max(start - 1, 0) : start] + text[:1]) else ""
        after = " " if re.match(r"\w\w", text[-1:] + source[end : end + 1]) else ""
        return ((start, end, f"{before}{text}{after}"),)

    def replaced(self, first: int, last: int, mark: str, text: str) -> Edits:
        """Replace a mark wherever it stands outside brackets between two tokens."""
        depth, edits = 0, list[tuple[int, int, str]]()
        for at in range(first, last + 1):
            kind = self.at(at)
            depth += (kind in OPENS) - (kind in CLOSES)
            if depth == 0 and self.text(at) == mark:
                edits += self.edit(at, at, text)
        return tuple(edits)

    def report(self, code: str, message: str, label: str, help: str = "", at: int = NOWHERE, edits: Edits = ()) -> bool:
        at = self.position if at == NOWHERE else at
        start, end = self.tokens.starts[at], self.tokens.ends[at]
        self.reporter.error(code, message, start, end, label, help, edits=edits)
        return True


STATEMENT_ENDS: Final = frozenset(("SEP", "}", "|"))
