"""The insides of single tokens: numbers, the text of strings, and characters that belong to no token."""

import re
from typing import Final

from archdsl.syntax.reporter import SyntaxReporter

_SUFFIX: Final = {"K": 3, "M": 6, "G": 9, "T": 12}
_NUMBER: Final = r"([0-9]+(?:_[0-9]+)*)(?:\.([0-9]+(?:_[0-9]+)*))?(?:[eE]([+-]?[0-9]+)|([KMGT]))?"
_TEXT: Final = r'[^"\\\n{}]*'
"""Compiled (and kept by `re`) when a text has such a number or string: compiling takes a millisecond."""
_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}

_LOOK_ALIKES: Final = {
    "-": "\u2212\u2010\u2011\u2012\u2013\u2014\uff0d",
    "*": "\u00d7\u22c5\u00b7\u2217",
    "/": "\u00f7\u2215",
    "->": "\u2192\u27f6\u279c",
    "=>": "\u21d2\u27f9",
    "<=": "\u2264",
    ">=": "\u2265",
    "!=": "\u2260",
    "==": "\u2261",
    "...": "\u2026",
    "..": "\u2025",
    "~": "\u223c\u2248\u02dc",
    "|": "\u2223\u00a6",
    ",": "\u201a\u3001",
    ";": "\u037e",
    ":": "\u2236",
    "<": "\u3008",
    ">": "\u3009",
}
"""For each mark of the language, characters easily taken for it, or put in its place by an editor."""
_SPACES: Final = frozenset(
    "\u00a0\u2007\u2009\u200a\u202f\u3000\u2002\u2003\u200b\u2060\ufeff\u00ad\u000b\u2028\u2029\u0085"
)
_QUOTES: Final = frozenset("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02'\u2018\u2019\u2032\uff07`")
_STRINGS: Final = "strings stand in straight double quotes"
_ASCII_HELP: Final = {
    "&": "write `and`",
    "^": "the power operator is `**`",
    "?": "write `a if condition else b`",
    "\\": "a statement goes on inside ( ) and [ ] and after an operator; no continuation mark is needed",
    "@": "there are no decorators; matrix products are the operator `matmul`",
    "$": "names are letters, digits and `_`",
}
_WORD_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def number(reporter: SyntaxReporter, text: str, start: int) -> int | float:
    """The exact value of a number. Lengths are compared before anything is computed from attacker-sized
    digits."""
    limit = reporter.limits.integer_bits
    if len(text) <= 18 and text.isdigit():
        value = int(text)
        return value if value >> limit == 0 else _too_large(reporter, start, len(text))
    shape = re.fullmatch(_NUMBER, text)
    if shape is None:
        _bad_number(reporter, text, start)
        return 1
    whole, fraction, exponent, suffix = shape.groups()
    whole = whole.replace("_", "").lstrip("0")
    if exponent is None and (fraction is None or suffix is not None):
        shift = _SUFFIX.get(suffix, 0)
        fraction = (fraction or "").replace("_", "").rstrip("0")
        if len(whole) + shift > min(limit // 3 + 1, 4300):
            return _too_large(reporter, start, len(text))
        if len(fraction) <= shift:
            value = int((whole + fraction.ljust(shift, "0")) or "0")
            return value if value >> limit == 0 else _too_large(reporter, start, len(text))
        return float(f"{whole or '0'}.{fraction}e{shift}")
    floating = float(text.replace("_", ""))
    if floating == float("inf"):
        reporter.error("E0904", "a number is too large for a float", start, start + len(text), "beyond 1.8e308")
        return 1.0
    return floating


def _too_large(reporter: SyntaxReporter, start: int, length: int) -> int:
    bits = reporter.limits.integer_bits
    reporter.error(
        "E0904",
        f"an integer is not below 2**{bits}",
        start,
        start + length,
        "too large",
        f"write a float (`1e30`) if it need not be exact, or raise it with --limit integer_bits={2 * bits}",
    )
    return 1


def _bad_number(reporter: SyntaxReporter, text: str, start: int) -> None:
    help = "numbers are written 25_557_032, 0.9, 1e-5 or with a suffix K, M, G, T: 25.6M"
    tail = text.lstrip("0123456789_.")
    digits = text[: len(text) - len(tail)]
    mended = ""
    square = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    if text[:2].lower() in ("0x", "0b", "0o"):
        mended = _decimal(text)
        help = f"write it in decimal: `{mended}`" if mended else "write it in decimal"
    elif square and square[1] == square[2]:
        mended = square[1]
        help = f"a window with equal sides is one number: `{mended}`"
    elif square:
        mended = f"[{square[1]}, {square[2]}]"
        help = f"a window with two sides is a list: `{mended}`"
    elif tail in ("k", "m", "g", "t", "B", "b"):
        help = f"the suffixes are K, M, G, T; write `{digits}{'G' if tail in 'bB' else tail.upper()}`"
    elif text.endswith("_") or "__" in text or "_." in text:
        help = "underscores stand singly between digits: 25_557_032"
    elif tail and len(text) < 40:
        help = f"names do not start with a digit; for a product write `{digits}*{tail}`"
    message = f"`{shown(text)}` is not a number"
    if tail in ("k", "m", "g", "t", "B", "b"):
        mended = digits + ("G" if tail in "bB" else tail.upper())
    edits = ((start, start + len(text), mended),) if mended else ()
    reporter.error("E0110", message, start, start + len(text), "cannot be read", help, edits=edits)


def _decimal(text: str) -> str:
    try:
        return str(int(text, 0)) if len(text) <= 18 else ""
    except ValueError:
        return ""


def string_text(reporter: SyntaxReporter, position: int) -> tuple[str, int, str]:
    """Read string text: its value, the offset after it, and what ended it: a quote, `{`, or "" for the end of
    the line."""
    text = reporter.source.text
    parts: list[str] = []
    lonely = -1
    match_text = re.compile(_TEXT).match
    while True:
        piece = match_text(text, position)
        assert piece is not None
        parts.append(piece[0])
        position = piece.end()
        mark = text[position : position + 1]
        following = text[position + 1 : position + 2]
        if lonely >= 0 and (mark == '"' or (mark == "{" and following != "{")):
            _lonely_brace(reporter, lonely)
            lonely = -1
        if mark == '"':
            return "".join(parts), position + 1, mark
        if mark == "" or mark == "\n":
            return "".join(parts), position, ""
        if mark == "\\":
            if following in _ESCAPES:
                parts.append(_ESCAPES[following])
            elif following in ("", "\n", "\r"):
                return "".join(parts), position + 1, ""
            else:
                reporter.error(
                    "E0111",
                    f"`\\{shown(following)}` is not an escape",
                    position,
                    position + 2,
                    "unknown escape",
                    'the escapes are \\n, \\t, \\" and \\\\; braces are doubled: {{ and }}',
                )
            position += 2
        elif following == mark:
            parts.append(mark)
            position += 2
        elif mark == "{":
            return "".join(parts), position + 1, mark
        else:
            lonely = position if lonely < 0 else lonely
            position += 1


def _lonely_brace(reporter: SyntaxReporter, position: int) -> None:
    """Reported once the string is known to be closed: else the brace more likely closes something outside
    it."""
    reporter.error(
        "E0112",
        "`}` in a string closes nothing",
        position,
        position + 1,
        "no `{` is open here",
        "write `}}` for a brace in the text",
    )


def stray(reporter: SyntaxReporter, position: int) -> tuple[str, str, int]:
    """Report a character outside the language. Returns a kind and text to read in its place ("" for nothing:
    skip it; `MARK` for punctuation), and the offset to go on from."""
    text = reporter.source.text
    character = text[position]
    if character in _QUOTES:
        closers = "\"'\u201d\u2019\u201c\u2018\u00bb\u00ab\u2033\u2032\uff02\uff07`"
        end = position + 1
        while end < len(text) and text[end] not in closers and text[end] != "\n":
            end += 1
        value = text[position + 1 : end]
        closed = end < len(text) and text[end] != "\n"
        end += closed
        plain = closed and not re.search(r'["\\]', value)
        help = f'strings stand in straight double quotes: `"{shown(value)}"`' if plain else _STRINGS
        edits = ((position, end, f'"{value}"'),) if plain else ()
        _report_look_alike(reporter, position, position + 1, '"', help, edits)
        return "STRING", value.replace("{", "").replace("}", ""), end
    if character in _SPACES:
        end = position + 1
        while end < len(text) and text[end] in _SPACES:
            end += 1
        edits = ((position, end, " "),)
        _report_look_alike(reporter, position, end, " ", "replace it with an ordinary space", edits)
        return "", "", end
    meant = next((mark for mark, alike in _LOOK_ALIKES.items() if character in alike), None)
    if meant is None and "\uff01" <= character <= "\uff5e":
        meant = chr(ord(character) - 0xFEE0)
        if not re.fullmatch(r"[()\[\]{}<>+\-*/%=,:;|.!~]", meant):
            meant = None
    if meant is not None:
        edits = ((position, position + 1, meant),)
        _report_look_alike(reporter, position, position + 1, meant, f"write `{meant}`", edits)
        return "MARK", meant, position + 1
    word = re.compile(r"\w+").match(text, position)
    if word is not None:
        start = position
        while start and text[start - 1] in _WORD_CHARACTERS and position - start < 100:
            start -= 1
        reporter.error(
            "E0105",
            f"`{shown(text[start : word.end()])}` has letters outside A-Z",
            start,
            word.end(),
            "not a name of this language",
            "names are ASCII letters, digits and `_`",
        )
        return "NAME", "_", word.end()
    end = position + 1
    while end < len(text) and text[end] == character:
        end += 1
    if character == "&":
        before = "" if text[max(position - 1, 0)].isspace() else " "
        edits = ((position, end, before + ("and" if text[end : end + 1].isspace() else "and ")),)
        help = _ASCII_HELP["&"]
        reporter.error("E0105", "`&` is not used here", position, end, "stray character", help, edits=edits)
        return "and", "and", end
    from archdsl.syntax.foreign import without_mark

    help, edits = without_mark(text, position) or (_ASCII_HELP.get(character, "remove it"), ())
    if character == "\\" and re.compile(r"\\[ \t]*\r?\n\s*(?:->|\|)").match(text, position):
        help, edits = "a line that starts with an arrow goes on: remove the mark", ((position, position + 1, ""),)
    message = f"{_named(character)} is not used in this language"
    reporter.error("E0105", message, position, end, "stray character", help, edits=edits)
    return "", "", end


def _report_look_alike(
    reporter: SyntaxReporter, start: int, end: int, meant: str, help: str, edits: tuple[tuple[int, int, str], ...] = ()
) -> None:
    shown = "a space" if meant == " " else f"`{meant}`"
    message = f"{_named(reporter.source.text[start])} looks like {shown} but is another character"
    reporter.error("E0105", message, start, end, "stray character", help, edits=edits)


def _named(character: str) -> str:
    """A character with its number and name, printable whatever it is."""
    import unicodedata

    number = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    if " " < character <= "~":
        return f"`{character}`"
    shown = f"`{character}` " if character.isprintable() and character != " " else ""
    return f"{shown}({number} {name})" if name and shown else f"{number} {name}".strip()


def shown(text: str) -> str:
    """User text for a message: short, and printable."""
    text = "".join(c if c.isprintable() else "\ufffd" for c in text[:41])
    return text if len(text) <= 40 else text[:37] + "..."
