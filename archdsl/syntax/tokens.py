"""Tokens as data, and the sets of them that more than one pass asks about."""

from typing import Final


def marks(text: str) -> frozenset[str]:
    """The space-separated kinds of token in `text`."""
    return frozenset(text.split())


KEYWORDS: Final = marks(
    "archdsl use block model test let default input output shared if else for in repeat recompute match expect"
    " require and or not true false none as flag"
)
ITEM_WORDS: Final = marks("use block model test")
"""Keywords that only ever start an item of a file: seen inside brackets, one was left open."""
ITEM_STARTS: Final = ITEM_WORDS | marks("archdsl let default")
STATEMENT_WORDS: Final = ITEM_STARTS | marks("input output shared for repeat expect require")

OPENS: Final = marks("( [ { STRING_HEAD")
CLOSES: Final = marks(") ] } STRING_TAIL")
CLOSER: Final = {"(": ")", "[": "]", "{": "}", '"': "}"}
OPENER: Final = {")": "(", "]": "[", "}": "{"}

NOWHERE: Final = -1
"""The position of a token that is not there."""
VALUE_ENDS: Final = marks("NAME NUMBER STRING STRING_TAIL ) ] true false none")


class Tokens:
    """The tokens of a source, ended by one of kind `$END`.

    `kinds[i]` is the text itself for fixed tokens, else a class (`NAME NUMBER STRING ...`); `values[i]` the
    text of a name or operator, a number's value, a string's text with escapes resolved. A token without width
    (other than `$END`) stands for a bracket the author left out. `docs` maps the offset of an item's first
    token to its doc comment. `repaired` are the stretches of text whose tokens were guessed, having been
    reported: errors there are consequences.
    """

    __slots__ = ("comments", "docs", "ends", "kinds", "repaired", "starts", "values")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.values: list[str | int | float] = []
        self.docs: dict[int, str] = {}
        self.comments: list[tuple[int, int]] = []
        self.repaired: list[tuple[int, int]] = []
