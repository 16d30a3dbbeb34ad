"""Tokens in human words: what was found, and a set of possible ones as a reader thinks of it."""

from typing import Final

from archdsl.syntax.lexemes import shown
from archdsl.syntax.tokens import KEYWORDS, Tokens

_BINARY: Final = frozenset(("CMP", "MUL", "+", "-", "%", "**", "..", "and", "or", "if", "[", "."))
_STEP: Final = frozenset(("(", "{", "as", "for"))

_STARTS: Final = (
    ("an item (`block`, `model`, `test`, `use`, `let`, `default`)", frozenset(("model",))),
    ("a statement", frozenset(("output",))),
    ("a check", frozenset(("ERROR",))),
    ("an expression", frozenset(("NUMBER", "("))),
    ("a step of the flow", frozenset(("NAME", "{"))),
    ("a string", frozenset(("STRING_HEAD",))),
)
"""The expectation in words, and tokens of which all are possible exactly there; the first that fits is meant."""

_PLAIN: Final = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "SEP": "the end of the line",
    "$END": "the end of the file",
    "STRING_TAIL": "the `}` that ends the interpolation",
    "CMP": "a comparison",
    "MUL": "an operator",
}


def found(tokens: Tokens, position: int, text: str) -> str:
    """The token at `position` as a reader sees it."""
    kind = tokens.kinds[position]
    if kind == "$END":
        return "the end of the file"
    written = text[tokens.starts[position] : tokens.ends[position]]
    if kind == "SEP":
        return "`;`" if written == ";" else "the end of the line"
    if kind in ("STRING_MIDDLE", "STRING_TAIL"):
        return "the `}` that ends the interpolation"
    if kind in ("STRING", "STRING_HEAD"):
        return "a string"
    if kind in KEYWORDS:
        return f"the keyword `{kind}`"
    if kind == "NUMBER":
        return f"the number `{shown(written)}`"
    return f"`{shown(written)}`"


def expected(kinds: set[str]) -> str:
    """A set of possible tokens in few words: `` `,` or `)` ``, `a statement`, `a name`."""
    for words, all_of in _STARTS:
        if all_of <= kinds:
            closers = [f"`{kind}`" for kind in (")", "]", "}") if kind in kinds]
            return " or ".join([words, *closers])
    left = kinds - {"ERROR", "STRING_HEAD", "STRING_MIDDLE"}
    after_value = len(left & _BINARY) > 3
    if after_value:
        left -= _BINARY
    if "->" in left and left & {"SEP", "}", "|"}:
        left -= _STEP
    if "}" in left and "SEP" in left:
        left -= {"|", "}"}
    if "SEP" in left:
        left.discard("$END")
    words = [_PLAIN.get(kind) or f"`{kind}`" for kind in sorted(left, key=_rank)][:4]
    if after_value and not words:
        words = ["an operator"]
    if len(words) < 2:
        return "".join(words) or "something else"
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _rank(kind: str) -> tuple[int, str]:
    """Commas and closers first, the end of a line last."""
    order = (",", ")", "]", "}", "=", "{", "NAME", "STRING", "NUMBER")
    return (order.index(kind) if kind in order else 20 + (kind in ("SEP", "$END")), kind)
