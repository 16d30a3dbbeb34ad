"""Texts that may be no spec at all: characters, words of the language in any order, and what editors leave behind."""

from hypothesis import strategies as st

from archdsl.syntax.tokens import KEYWORDS
from strategies.mutations import EDGES, texts, tokens
from strategies.programs import below

MARKS = [
    "(", ")", "[", "]", "{", "}", "<", ">", "+", "-", "*", "/", "%", "=", ",", ":", ";", "|", ".", "!", "~", "#",
    '"', "'", "->", "=>",
    "**", "..", "...", "==", "\n", "\r\n", "\\", "&", "_", '"x"', '"a{', '}"', "## d\n",
]  # fmt: skip
ODD = [
    "\u2212", "\0", "\u00e9", "\u201c", "\ud800", "\U0001f600", "\u2028", "\ufeff", "\u00a0", "\u200b", "\u202e",
    "\x1b[31m", "\x7f", "\u0660",
    "\uff11", "\u2192", "\u00d7", "\u037e", "\u0130", "\u212a", "\x85", "\x0b", "\u0301", "\U0010ffff",
]  # fmt: skip
"""Characters that look like others, that no font shows, or that are no characters."""
WORDS = [*sorted(KEYWORDS), "a", "b", "conv", "1", "2.5", "1K", *MARKS, *EDGES]

_words = st.lists(st.integers(0, len(WORDS) * 3 - 1), max_size=40)


@st.composite
def soups(draw: st.DrawFn) -> str:
    """Words in any order, some of them apart."""
    parts: list[str] = []
    for drawn in draw(_words):
        parts.append(WORDS[drawn % len(WORDS)])
        parts.append(["", " ", "\n"][drawn // len(WORDS)])
    return "".join(parts)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """A text of the language with odd characters in it, cut short, or with a piece of another inside."""
    known = texts()
    text = known[draw(below(len(known)))]
    at = draw(below(len(text) + 1))
    kind = draw(below(4))
    if kind == 0:
        return text[:at]
    if kind == 1:
        other = tokens(known[draw(below(len(known)))])
        start = draw(below(len(other)))
        return text[:at] + "".join(other[start : start + 1 + draw(below(20))]) + text[at:]
    odd = ODD[draw(below(len(ODD)))]
    return text[:at] + odd * (1 if kind == 2 else 1 + draw(below(3))) + text[at + draw(below(2)) :]


def anything() -> st.SearchStrategy[str]:
    """Any text."""
    return st.one_of(
        soups(), spoiled(), st.text(max_size=60), st.binary(max_size=60).map(lambda b: b.decode("latin-1"))
    )
