"""Text to tokens: words, numbers, strings, comments. One loop without recursion, linear in the text.

Tokens are four parallel lists, not objects: a quarter of a megabyte of commas is 260 000 tokens.
"""

import itertools
import re
from typing import Final

from archdsl.syntax import lexemes
from archdsl.syntax.line_structure import LineStructure
from archdsl.syntax.reporter import SyntaxReporter
from archdsl.syntax.tokens import CLOSER, KEYWORDS, OPENER, VALUE_ENDS, Tokens, marks

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
_LONGEST_GROUP: Final = 500
"""Characters of a flow in parentheses that are looked through for the closing one."""
_WORD, _NUMBER, _BREAK, _PLAIN_STRING, _MARK, _COMMENT, _QUOTE, _END = range(1, 9)
_MARK_KIND: Final = dict.fromkeys(marks("== != < <= > >="), "CMP") | dict.fromkeys(marks("* / //"), "MUL")


def tokenize(reporter: SyntaxReporter) -> Tokens:
    """All tokens of a source; raises `Stop` after reporting a limit."""
    lexer = _Lexer(reporter)
    lexer.run()
    return lexer.tokens


class _Lexer(LineStructure):
    # ---------------------------------------------------------------------------------------------- main loop

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
                # The number of a label, `as 3x3`, is reported as one.
                label = self.tokens.kinds[-1:] == ["as"]
                value = 0 if label else lexemes.number(self.reporter, found[group], start)
                self.emit("NUMBER", start, end, value)
            elif group == _BREAK:
                self.line_break(start)
            elif group in (_PLAIN_STRING, _QUOTE) and self.must_end_string():
                quote = start - (group == _PLAIN_STRING)
                self.end_open_string(quote)
                position = quote + 1
            elif group == _PLAIN_STRING and start == end and text.startswith('"', end + 1):
                position = self.docstring(start - 1)
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

    def line_break(self, start: int) -> None:
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index].kind == '"':
                self.break_in_interpolation(index, start)
                break
        if self.pending < 0:
            self.pending = start

    def comment(self, start: int, end: int) -> None:
        """Keep `##` lines for the item that follows. After code on the same line `##` is an ordinary
        comment."""
        self.tokens.comments.append((start, end))
        text = self.text[start:end].rstrip()
        alone = not self.tokens.kinds or self.pending >= 0
        if not text.startswith("##") or text.startswith("###") or not alone:
            return
        if self.doc and self.text.count("\n", self.doc_end, start) > 1:
            self.doc = []
        self.doc.append(text[2:].removeprefix(" "))
        self.doc_end = end

    # ----------------------------------------------------------------------------------------------- brackets

    def mark(self, text: str, start: int, end: int) -> int:
        """Handle punctuation; returns the offset to go on from."""
        if start in self.read_as_brace:
            text = "}"
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
        elif text == ":" and self.stack and self.stack[-1].kind == '"':
            return self.format(start)
        else:
            if text == "->" and self.stack and self.stack[-1].kind == "(":
                if not self.flow_in_parentheses():
                    self.unclosed(1, start, end, "a flow cannot stand inside parentheses")
                elif self.skipped_until > start:
                    return self.skipped_until - 1
            self.emit(_MARK_KIND.get(text, text), start, end, text)
        return end

    def flow_in_parentheses(self) -> bool:
        """`(conv(8, 3) -> relu)`, `residual(conv(8, 3) -> relu)`: report the parentheses at the top of the stack where
        they hold a flow, and read them as the braces that were meant, or what they hold as nothing."""
        from archdsl.syntax.foreign import split

        opened, kinds, starts = self.stack[-1], self.tokens.kinds, self.tokens.starts
        start = starts[opened.index]
        before = kinds[opened.index - 1] if opened.index else "SEP"
        text = self.text[start : start + _LONGEST_GROUP]
        depth = size = commas = 0
        while size < len(text) and text[size] not in "#\"'" and (size == 0 or depth):
            depth += (text[size] in "([{") - (text[size] in ")]}")
            commas += depth == 1 and text[size] == ","
            size += 1
        inside, called = text[1 : size - 1].strip(), before == "NAME"
        if depth or text[size - 1] != ")" or (commas and not called):
            return False
        if not called and before not in ("SEP", "{", "|", "->", "=", "NUMBER"):
            return False
        name = self.text[starts[opened.index - 1] : start] if called else ""
        flows = [given for given in split(inside) if "->" in given[1]]
        if commas and not flows:
            return False
        rest = [f"{key} = {value}" if key else value for key, value in split(inside) if "->" not in value]
        body = inside if not commas else flows[0][1]
        near = reversed(kinds[max(opened.index - 20, 0) : opened.index])
        if "let" in itertools.takewhile(lambda kind: kind not in ("SEP", "{"), near):
            step = f"{name.strip()}({', '.join(rest)})" if commas else name.strip()
            return self.flow_in_let(step, body, start, start + size)
        mended = f"{name.strip()}({', '.join(rest)}) {{ {body} }}" if commas else f"{name.strip()} {{ {body} }}".strip()
        help = "a flow is grouped by braces" + (f": `{mended}`" if len(mended) < 100 and mended.isprintable() else "")
        edits: tuple[tuple[int, int, str], ...]
        if commas:
            certain = len(flows) == 1 and not flows[0][0] and not name[-1:].isspace()
            edits = ((start - len(name), start + size, mended),) if certain else ()
        else:
            edits = ((start, start + 1, " { " if called else "{ "), (start + size - 1, start + size, " }"))
        message = "a flow cannot stand inside parentheses"
        self.reporter.error("E0101", message, start, start + 1, "arguments stand here", help, edits=edits)
        if commas:
            self.skipped_until = start + size
            self.tokens.repaired.append((start - len(name), start + size))
            return True
        kinds[opened.index] = opened.kind = "{"
        opened.fresh = True
        self.read_as_brace.add(start + size - 1)
        return True

    def flow_in_let(self, step: str, inside: str, start: int, end: int) -> bool:
        """`let y = relu(x -> tanh)`: report parentheses at the start of a constant, and read past the flow in them."""
        kinds, starts = self.tokens.kinds, self.tokens.starts
        first = max(at for at in range(max(len(kinds) - 30, 0), len(kinds)) if kinds[at] == "let")
        mended = " -> ".join(part for part in (inside, step) if part)
        line = self.text[starts[first] : end + _LONGEST_GROUP].split("\n")[0]
        plain = kinds[first + 1 : first + 3] == ["NAME", "="] and "\n" not in inside
        written = f"{self.tokens.values[first + 1]} = {mended}" if plain else f"x = {mended}"
        help = f"a flow is named without `let`: `{written if written.isprintable() else 'x = a -> b'}`"
        alone = self.stack[0].kind == "{" and starts[first] + len(line.rstrip()) == end
        edits = ((starts[first], end, written),) if plain and alone else ()
        message = "a flow cannot stand inside parentheses"
        self.reporter.error("E0101", message, start, start + 1, "arguments stand here", help, edits=edits)
        self.skipped_until = end
        self.tokens.repaired.append((starts[first], end))
        return True

    def close(self, text: str, start: int, end: int) -> int:
        """Pair a closer with its opener; `}` may also end an interpolation, after which the string goes
        on."""
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

    def finish(self, end: int) -> None:
        if self.stack:
            self.unclosed(len(self.stack), end, end, "the file ends here")
        self.emit("$END", end, end)

    # ------------------------------------------------------------------------------------------------ strings

    def string(self, token_start: int, position: int, whole: str, part: str) -> int:
        """Read a string from after its quote, or on from the `}` of an interpolation, up to its end or next
        `{`."""
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
            while self.text[end - 1] in ")]} \t\r" and end - 1 > token_start:
                end -= 1
        self.emit(whole, token_start, end, value)
        if whole == "STRING_TAIL":
            self.pop(end)
        return end

    def format(self, start: int) -> int:
        """Report the format in `"{i:02d}"`, and go on from the brace that ends it, or from the end of the line."""
        end = start
        while self.text[end : end + 1] not in ("", "}", "\n", '"'):
            end += 1
        self.tokens.repaired.append((start, end))
        help = "a number is inserted as it is; what stands between the braces is an expression"
        edits = ((start, end, ""),)
        self.reporter.error("E0112", "an interpolation has no format", start, end, "a format", help, edits=edits)
        return end

    def docstring(self, start: int) -> int:
        """Report three quotes of either kind, and skip what stands between them and the next three; returns the offset
        to go on from."""
        quotes = self.text[start : start + 3]
        end = self.text.find(quotes, start + 3) + 3
        if end < 3:
            end = self.line_end(start)
        self.tokens.repaired.append((start, end))
        help = "documentation is written in lines that start with `##`, before the item; other comments start with `#`"
        self.reporter.error("E0113", f"a string does not start with `{quotes}`", start, start + 3, "three quotes", help)
        return end

    def unclosed_string(self, start: int, end: int) -> None:
        self.tokens.repaired.append((start, end))
        self.reporter.error(
            "E0104",
            "a string is not closed on its line",
            start,
            end,
            "this string has no closing quote",
            'close it with `"`; a string cannot span lines, write \\n for a line break',
        )

    def must_end_string(self) -> bool:
        """Whether a quote cannot start a string, but would end the one whose interpolation is open."""
        after_value = self.tokens.kinds[-1:] and self.tokens.kinds[-1] in VALUE_ENDS
        return bool(after_value) and self.pending < 0 and any(opened.kind == '"' for opened in self.stack)

    def end_open_string(self, quote: int) -> None:
        count = 1
        while self.stack[-count].kind != '"':
            count += 1
        self.unclosed(count, quote, quote + 1, "the string ends here")

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

    # --------------------------------------------------------------------------------------- stray characters

    def stray(self, position: int) -> int:
        """Report what no token starts with; read a look-alike as what it looks like."""
        while self.text[position] in " \t\r\f":
            position += 1
        if self.text.startswith("'''", position):
            return self.docstring(position)
        kind, text, end = lexemes.stray(self.reporter, position)
        tokens = self.tokens
        adjacent = bool(tokens.ends) and tokens.ends[-1] == position
        tokens.repaired.append((tokens.starts[-1] if adjacent else position, self.line_end(end)))
        if kind == "MARK":
            return self.mark(text, position, end)
        if kind == "NAME" and adjacent and tokens.kinds[-1] == "NAME":
            tokens.ends[-1] = end
        elif kind:
            self.emit(kind, position, end, text)
        return end
