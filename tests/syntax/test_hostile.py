"""No text makes the parser raise, hang or swell."""

import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.syntax.parser import parse
from archdsl.syntax.tokens import KEYWORDS

Found = Callable[..., list[Diagnostic]]
KIB = 1024
FULL = 256 * KIB


def fill(head: str, piece: str, tail: str) -> str:
    return head + piece * ((FULL - len(head) - len(tail)) // len(piece)) + tail


def codes(diagnostics: list[Diagnostic]) -> set[str]:
    return {d.code for d in diagnostics}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let a = " + "(" * 100_000 + "1" + ")" * 100_000, "E0902"),
        ("let a = " + "(" * 100_000, "E0902"),
        ('let a = "' + '{"' * 1000, "E0902"),
        ("let a = " + " + ".join(["1"] * 60_000), "E0903"),
        ("let a = " + "-" * 100_000 + "1", "E0903"),
        ("let a = " + "not " * 10_000 + "b", "E0903"),
        ("let a = b" + "[0]" * 10_000, "E0903"),
        ("let a = b" + ".c" * 10_000, "E0903"),
        ("let a = " + "b ** " * 10_000 + "c", "E0903"),
        ("let a = " + "b if c else " * 10_000 + "d", "E0903"),
        ("let a = " + "9" * 100_000, "E0904"),
        ("let a = 9.5" + "0" * 100_000 + "T", ""),
        ("let a = " + "9" * 5000 + "K", "E0904"),
        ("let a = 1e400", "E0904"),
        ("x" * 10_000_000, "E0901"),
        ("# " + "\u00e9" * (FULL // 2), "E0901"),
    ],
)
def test_limit_is_a_diagnostic(found: Found, text: str, code: str):
    diagnostics = found(text)
    assert codes(diagnostics) == ({code} if code else set())
    assert all("--limit" in d.help for d in diagnostics if d.code != "E0904")


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("let a = " + "(" * 300 + "1" + ")" * 300, Limits(nesting=400)),
        ("let a = 1" + " + 1" * 1500, Limits(terms=2000)),
        ("let a = 9223372036854775808", Limits(integer_bits=126)),
        ("#" * FULL + "#", Limits(source_bytes=2 * FULL)),
    ],
)
def test_raised_limit_lets_the_text_pass(found: Found, text: str, limits: Limits):
    assert found(text, limits) == []
    assert found(text) != []


def test_raised_limits_need_no_deep_stack(found: Found):
    limits = Limits(nesting=10**6, terms=10**6)
    assert found("let a = " + "(" * 50_000 + "-" * 50_000 + "1" + ")" * 50_000, limits) == []


@pytest.mark.parametrize(
    "text",
    [
        "let a = 1" + " + 1" * 999,
        "let a = " + "(" * 200 + "1" + ")" * 200,
        "let a = [" + "1 + 1, " * 5000 + "]",
        "let a = f(" + "x = 1 + 1, " * 5000 + ")",
        "model m { if a == 0 { b }" + " else if a == 1 { b }" * 2000 + " }",
        "model m { " + "a -> " * 5000 + "b }",
        "let a = match b {" + "1 + 1 => 2 * 3; " * 2000 + "}",
    ],
)
def test_text_within_the_limits_passes(found: Found, text: str):
    assert found(text) == []


BULK = {
    "list": fill("let a = [", "1,", "]"),
    "statements": fill("model m { ", "a\n", "}"),
    "flow": fill("model m { a", "->a", "}"),
    "branches": fill("model m { add {", "|", "}}"),
    "groups": fill("model m {", "{};", "}"),
    "items": fill("", "let a=1\n", ""),
    "sums": fill("", "let a = b*c+d//2-e**2\n", ""),
    "interpolations": fill('let a = "', "{a}", '"'),
    "commas": "," * FULL,
    "quotes": '"' * FULL,
    "arrows": "->" * (FULL // 2),
    "nothing": "\n" * FULL,
    "zeros": "\0" * FULL,
    "controls": "\1\2" * (FULL // 2),
    "errors": fill("model m { ", "a b\n", "}"),
    "unclosed": fill("", "f(\nlet a=1\n", ""),
    "versions": fill("", "archdsl 1\n", ""),
    "one line of braces": fill("model m { ", "{}", "}"),
}


@pytest.mark.parametrize("name", BULK)
def test_largest_source_is_read_to_the_end_or_given_up_with_few_findings(found: Found, name: str):
    assert len(found(BULK[name])) <= 51


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_largest_source_takes_bounded_memory():
    # Not `ru_maxrss`: across exec Linux carries the peak of the process that forked over into it.
    code = (
        "import re, archdsl.syntax.parser as p, archdsl.source as s, archdsl.diagnostics.model as m\n"
        "text = 'model m { ' + 'a\\n' * 130000 + '}'\n"
        "assert p.parse(s.Source('x', text), m.Sink())\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert int(output) < 200 * KIB


WORDS = [
    *sorted(KEYWORDS),
    *[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        "+",
        "-",
        "*",
        "/",
        "%",
        "=",
        ",",
        ":",
        ";",
        "|",
        ".",
        "!",
        "~",
        "#",
        '"',
        "'",
        "->",
        "=>",
        "**",
        "..",
        "...",
        "==",
        "\n",
        "\r\n",
        "\\",
        "&",
        "_",
        "a",
        "b",
        "conv",
        "1",
        "2.5",
        "1K",
    ],
    '"x"',
    '"a{',
    '}"',
    "## d\n",
    "\u2212",
    "\0",
    "\u00e9",
    "\u201c",
    "\ud800",
    "\U0001f600",
    "\u2028",
    "\ufeff",
]


@pytest.mark.parametrize("seed", range(10))
def test_token_soup_never_raises(seed: int):
    chance = random.Random(seed)
    examples = [path.read_text() for path in sorted((Path(__file__).parent / "examples").glob("*.arch"))]
    for number in range(100):
        if number % 2:
            words = [chance.choice(WORDS) + chance.choice(["", " ", "\n"]) for _ in range(chance.randrange(200))]
        else:
            words = re.findall(r"\w+|\s|[^\w\s]+", chance.choice(examples))
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(words))
                words[at : at + chance.randrange(3)] = chance.sample(WORDS, chance.randrange(3))
        text = "".join(words)
        file = parse(Source("soup", text), sink := Sink())
        assert file is not None or sink.has_errors
        for diagnostic in sink.found:
            span = diagnostic.span
            assert span is not None and 0 <= span.start <= span.end <= len(text)
            assert re.fullmatch(r"E0[19]\d\d", diagnostic.code) and diagnostic.message


def test_random_characters_never_raise():
    chance = random.Random(7)
    for _ in range(300):
        text = "".join(chr(chance.choice([chance.randrange(128), chance.randrange(0x11000)])) for _ in range(100))
        parse(Source("noise", text), Sink())


@pytest.mark.parametrize("mark", ["#", "\u00e9", "\U0001f600"])
def test_a_text_of_as_many_bytes_as_the_limit_is_read_and_one_of_more_is_not(mark: str) -> None:
    text = "# " + mark * 10
    size = len(text.encode())
    for most in (size - 1, size, size + 1):
        sink = Sink()
        parse(Source("limit.arch", text), sink, Limits(source_bytes=most))
        assert ("E0901" in [found.code for found in sink.found]) == (most < size)
