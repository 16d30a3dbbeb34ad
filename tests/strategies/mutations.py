"""Specs a token or two away from one that means something: from the corpus, the zoo's small specs, the standard library
and generated programs. Most of them still parse, so that elaboration is reached."""

import re
from functools import cache, lru_cache
from pathlib import Path

from hypothesis import strategies as st

from strategies.programs import below, specs

TESTS = Path(__file__).parents[1]
TOKEN = re.compile(r'"[^"\n]*"|\w+|\n|[^\S\n]+|\.\.\.?|->|=>|\*\*|//|[=!<>]=|\S')
LARGEST = 1_500
"""Characters of a text that is mutated: short ones fail as well, and are quicker."""

EDGES = [
    "0", "-1", "1", "2", "3", "9223372036854775807", "9223372036854775808", "1e39", "1e308", "1e-320", "0.5",
    "none", "true", "[]", "()",
    '""', "[1, 2]", "(1,)", "x", "y", "m", "id", "N", "T", "_", "...", "same", "f32[N, 3]", "i64[]", "f32[]",
    "bool[N]", "as", "1_000_000_000",
    "1_000_000", '"a{1}"', "transpose(a.weight)", "a.weight", "0..3", "3..0", "[[1], [2]]", "-0.0", "4294967296",
    "!bias", "keepdim",
]  # fmt: skip
"""Values and names at the boundaries of what is expected anywhere."""


@cache
def texts() -> tuple[str, ...]:
    """Whole specs, bad ones among them, the shortest first."""
    root = TESTS.parent
    corpus = [text for path in sorted((TESTS / "corpus").glob("*.arch")) for text in path.read_text().split("\n---\n")]
    pages = re.findall(r"```arch[^\n]*\n(.*?)```", (root / "archdsl/LANGUAGE.md").read_text(), re.DOTALL)
    folders = ["specs", "archdsl/std", "tests/contract/micro", "tests/syntax/examples"]
    files = [path.read_text() for folder in folders for path in sorted((root / folder).glob("*.arch"))]
    found = {text.strip() + "\n" for text in [*corpus, *pages, *files]}
    return tuple(sorted((text for text in found if len(text) <= LARGEST), key=lambda text: (len(text), text)))


@cache
def readable() -> tuple[str, ...]:
    """Those of them that parse."""
    from archdsl.diagnostics.model import Sink
    from archdsl.source import Source
    from archdsl.syntax.parser import parse

    return tuple(text for text in texts() if parse(Source("text", text), sink := Sink()) and not sink.has_errors)


@lru_cache(maxsize=1_000)
def tokens(text: str) -> tuple[str, ...]:
    return tuple(TOKEN.findall(text))


@cache
def pool() -> tuple[str, ...]:
    """Every token there is, once."""
    from archdsl.ops import catalogue
    from archdsl.std import INDEX
    from archdsl.syntax.tokens import KEYWORDS

    written = {token for text in texts() for token in tokens(text) if not token.isspace() and token[0] not in "#"}
    names = {*catalogue.names(), *INDEX, *KEYWORDS}
    names |= {
        spec.name for name in catalogue.names() for spec in getattr(catalogue.lookup(name), "_specs", {}).values()
    }
    return tuple(sorted(written | names)) + tuple(EDGES) * 8 + ("\n", " ", ";", "(", ")", "{", "}", "|", "->", ",")


@cache
def words() -> tuple[str, ...]:
    return tuple(token for token in pool() if token[:1].isalnum())


@st.composite
def near_programs(draw: st.DrawFn) -> str:
    """A spec with one to three tokens dropped, doubled, exchanged or replaced."""
    kind = draw(below(8))
    if kind == 7:
        return mutated(draw, draw(specs(4)).text)
    known = texts() if kind == 6 else readable()
    return mutated(draw, known[draw(below(len(known)))])


def mutated(draw: st.DrawFn, text: str) -> str:
    """A text with a few tokens changed."""
    parts = list(tokens(text))
    visible = places(text)
    if not visible:
        return text
    for _ in range((1, 1, 1, 2, 3)[draw(below(5))]):
        at = visible[draw(below(len(visible)))]
        kind = draw(below(16))
        if kind >= 7:
            # A word for a word: the likeliest to parse.
            known = words() if parts[at][:1].isalnum() else pool()
            parts[at] = known[draw(below(len(known)))]
        elif kind == 6:
            other = visible[draw(below(len(visible)))]
            parts[at], parts[other] = parts[other], parts[at]
        elif kind == 5:
            parts[at] = ""
        elif kind == 4:
            parts[at] = f"{pool()[draw(below(len(pool())))]} {parts[at]}"
        else:
            # A piece of the text once more, or gone.
            start = visible[draw(below(len(visible)))]
            piece = parts[start : start + 1 + draw(below(16))]
            if kind == 3:
                parts[start : start + len(piece)] = [""] * len(piece)
            else:
                parts[at] = f"{parts[at]} {''.join(piece)}"
    return "".join(parts)


@lru_cache(maxsize=1_000)
def places(text: str) -> tuple[int, ...]:
    """Where tokens stand that are seen."""
    return tuple(i for i, token in enumerate(tokens(text)) if not token.isspace())
