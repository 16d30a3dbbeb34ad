"""Token soup: specs with tokens dropped, doubled, swapped and replaced never make the compiler raise."""

import random
import re
from pathlib import Path

import pytest

from archdsl.diagnostics.codes import all_codes
from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.claims import check_tests
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.names import check_names
from archdsl.limits import Limits
from archdsl.spec_tests import run_tests

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.arch"))
CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.arch"))
TOKEN = re.compile(r'"[^"\n]*"|\w+|\n|[^\S\n]+|\.\.\.?|->|=>|\*\*|//|[=!<>]=|\S')
SMALL = Limits(steps=30_000, nesting=40, depth=40)
"""The same rules, smaller numbers: a case takes milliseconds."""
CASES_PER_SEED = 200


def texts() -> list[str]:
    found = [text for path in CORPUS for text in path.read_text().split("\n---\n")]
    return found + [path.read_text() for path in SPECS if path.stat().st_size < 4000]


def mutated(tokens: list[str], pool: list[str], random: random.Random) -> str:
    """A text with a few tokens changed; mostly still parsed, so that elaboration is reached."""
    tokens = list(tokens)
    words = [token for token in random.sample(pool, 50) if token[:1].isalnum()]
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        at = random.randrange(len(tokens))
        match random.randrange(5):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, random.choice(pool))
            case 2:
                other = random.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case _:
                # A word for a word: the likeliest to parse.
                tokens[at] = random.choice(words if tokens[at][:1].isalnum() else pool)
        if not tokens:
            return ""
    return "".join(tokens)


def check(text: str, known: set[str]) -> bool:
    """Run a text through everything up to its tests; whether elaboration was reached."""
    sink = Sink()
    module = load_text(text, sink, SMALL)
    if module is not None:
        for name in module.models:
            program = elaborate(module, name, {}, {}, sink, SMALL)
            assert program is None or module.sound
        check_names(module, sink, SMALL)
        check_tests(module, sink, SMALL)
        run_tests(module, sink, SMALL)
    for found in sink.found:
        assert found.code in known
        assert found.message
        assert found.span is None or 0 <= found.span.start <= found.span.end <= len(found.span.source.text)
    render_text(sink.found[:5])
    return module is not None


@pytest.mark.parametrize("seed", range(10))
def test_soup_gives_a_result_or_coded_diagnostics_inside_the_file(seed: int) -> None:
    source = random.Random(seed)
    known = {code.code for code in all_codes()}
    originals = [TOKEN.findall(text) for text in texts()]
    pool = [token for tokens in originals for token in tokens]
    reached = 0
    for _ in range(CASES_PER_SEED):
        text = mutated(source.choice(originals), pool, source)
        try:
            reached += check(text, known)
        except Exception as error:
            raise AssertionError(f"seed {seed}:\n{text}") from error
    assert reached > CASES_PER_SEED // 10
