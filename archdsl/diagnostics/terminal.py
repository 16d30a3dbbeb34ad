"""Text on a terminal: control characters made visible, display widths, tabs.

Whatever a spec's author typed may end up on somebody's screen, so escape sequences, bidirectional overrides
and other invisible characters are printed as `\\x1b` or `\\u202e`, never sent.
"""

TAB = 4
"""Cells a tab is printed as, wherever it stands: a fixed width keeps carets right under any terminal
setting."""

_BOLD = "\x1b[1m"
_RESET = "\x1b[0m"
_STYLES = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "frame": "\x1b[1;34m",
    "bold": _BOLD,
    "good": "\x1b[32m",
    "bad": "\x1b[31m",
    "dim": "\x1b[2m",
}


def styled(text: str, style: str, color: bool) -> str:
    """`text` between the escape sequences of a style, or as it is without colour."""
    return f"{_STYLES[style]}{text}{_RESET}" if color and text else text


def printable(text: str) -> str:
    """The text with everything a terminal might obey or hide written as an escape. Line breaks are escaped
    too."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_cell(character)[0] for character in text)


def width(text: str) -> int:
    """Terminal cells that `printable(text)` takes up."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(_cell(character)[1] for character in text)


def cells(text: str) -> tuple[list[str], list[int]]:
    """Printable form of every character, with tabs as spaces, and the cell at which each starts (one entry
    more than characters: the end)."""
    forms: list[str] = []
    starts = [0]
    for character in text:
        form, size = (" " * TAB, TAB) if character == "\t" else _cell(character)
        forms.append(form)
        starts.append(starts[-1] + size)
    return forms, starts


def _cell(character: str) -> tuple[str, int]:
    if character.isascii():
        if character.isprintable():
            return character, 1
        return _escape(character)
    import unicodedata  # a megabyte that only non-ASCII text needs

    category = unicodedata.category(character)
    if category[0] == "C" or category in ("Zl", "Zp"):
        return _escape(character)
    if category in ("Mn", "Me"):
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _escape(character: str) -> tuple[str, int]:
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(character)
    if character in known:
        text = known[character]
    elif code < 0x100:
        text = f"\\x{code:02x}"
    elif code < 0x10000:
        text = f"\\u{code:04x}"
    else:
        text = f"\\U{code:08x}"
    return text, len(text)
