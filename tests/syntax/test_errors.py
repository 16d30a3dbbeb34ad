"""What is said about a text that is wrong: one diagnostic for one slip, at its place, in human words."""

import re
from collections.abc import Callable

import pytest

from archdsl.diagnostics.codes import AREAS, all_codes, find
from archdsl.diagnostics.codes.syntax_codes import CODES
from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.syntax import ast
from archdsl.syntax.driver import tables
from archdsl.syntax.parser import parse

Found = Callable[..., list[Diagnostic]]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_example_of_each_code_triggers_it(found: Found, code):
    assert code.code in {d.code for d in found(code.example)}


@pytest.mark.parametrize("code", [c for c in CODES if "right:" in c.explanation], ids=lambda code: code.code)
def test_explanation_of_each_code_shows_wrong_and_right(found: Found, code):
    wrong = re.search("^wrong:  (.*)$", code.explanation, re.MULTILINE)
    right = re.search("^right:  (.*)$", code.explanation, re.MULTILINE)
    assert wrong and right
    assert {d.code for d in found(wrong[1])} == {code.code}
    assert found(right[1]) == []


def test_codes_are_found_by_number_and_name():
    code = find("e0102")
    assert code is not None and find("unclosed-bracket") is code
    assert find("E9999") is None
    assert len({c.name for c in all_codes()}) == len(all_codes())


def test_every_module_of_codes_is_listed():
    from pathlib import Path

    import archdsl.diagnostics.codes as codes

    modules = {path.stem for path in Path(codes.__path__[0]).glob("*.py")} - {"__init__"}
    assert modules == {f"{area}_codes" for area in AREAS}


@pytest.mark.parametrize(
    ("text", "code", "at", "words"),
    [
        ("model m {\n  conv(64 3)\n}", "E0108", "2:10", "expected `,` or `)`, found the number `3`"),
        ("model m {\n  relu ->\n}", "E0109", "2:8", "ends with `->`"),
        ("model m { relu as block }", "E0107", "1:19", "`block` is a keyword"),
        ("block block { relu }", "E0107", "1:7", "`block` is a keyword"),
        ("block b(input) { relu }", "E0107", "1:9", "`input` is a keyword"),
        ("model m { if a = 3 { relu } }", "E0106", "1:16", "does not compare"),
        ("let a == 3", "E0106", "1:7", "does not give a name"),
        ("let a = 1, 2", "E0101", "1:10", "expected the end of the line, found `,`"),
        ("let a = b -> c", "E0101", "1:11", "found `->`"),
        ("let = 3", "E0107", "1:1", "") if False else ("let = 3", "E0101", "1:5", "expected a name, found `=`"),
        ("model m { x = }", "E0101", "1:15", "expected a step of the flow"),
        ("model m\n{ relu }", "E0101", "1:8", "found the end of the line"),
        ("model m { for i 0..4 { relu } }", "E0101", "1:17", "expected `,` or `in`"),
        ("model m { else { relu } }", "E0101", "1:11", "found the keyword `else`"),
        ("relu -> conv", "E0101", "1:1", "expected an item"),
        ("import torch", "E0113", "1:1", "`import` is not a word"),
        ("model m { return x }", "E0113", "1:11", "`return` is not a word"),
        ("// comment", "E0113", "1:1", "found `//`"),
        ("let a = f(1 2)", "E0108", "1:12", "found the number `2`"),
        ("let a = 1.", "E0101", "1:11", "expected a name"),
        ('let a = "x{}"', "E0112", "1:11", "an interpolation is empty"),
        ('let a = "x}y"', "E0112", "1:11", "closes nothing"),
        ("let größe = 3", "E0105", "1:5", "`größe` has letters outside A-Z"),
        ("model m { conv(64, \u22121) }", "E0105", "1:20", "U+2212 MINUS SIGN) looks like `-`"),
        ("model m { relu as \u201cabc\u201d }", "E0105", "1:19", 'looks like `"`'),
        ("model m { relu\u00a0-> relu }", "E0105", "1:15", "looks like a space"),
        ("model m { a \u2192 b }", "E0105", "1:13", "looks like `->`"),
        ("let a = 1\narchdsl 1", "E0114", "2:1", "the version stands at the start"),
        ("let a = b && c", "E0105", "1:11", "`&` is not used"),
    ],
)
def test_slip_is_one_diagnostic_at_its_place(found: Found, text: str, code: str, at: str, words: str):
    diagnostics = found(text)
    assert [d.code for d in diagnostics] == [code]
    assert repr(diagnostics[0].span) == f"test.arch:{at}"
    assert words in diagnostics[0].message


@pytest.mark.parametrize(
    ("text", "opener", "noticed"),
    [
        ("model m {\n  conv(64, 3 -> bn\n  relu\n}", "2:7", "2:14"),
        ("model m {\n  conv(64, 3\n}\nlet a = 1", "2:7", "3:1"),
        ("block a { relu\n\nmodel b { relu }", "1:9", "3:1"),
        ("let a = [1, 2\nlet b = 3", "1:9", "2:1"),
        ("model m { relu\n", "1:9", "2:1"),
        ('let a = "x{f(3}"', "1:13", "1:15"),
        ('let a = f("x{y", 3)', "1:13", "1:15"),
    ],
)
def test_unclosed_bracket_shows_opener_and_where_it_was_missed(found: Found, text: str, opener: str, noticed: str):
    (diagnostic,) = found(text)
    assert diagnostic.code == "E0102"
    assert repr(diagnostic.span) == f"test.arch:{opener}"
    assert repr(diagnostic.related[0].span) == f"test.arch:{noticed}"


def test_brace_that_was_likely_left_open_is_shown(found: Found):
    (diagnostic,) = found("block a {\n  if x {\n    relu\n}\nblock b { relu }")
    assert [label.span.line for label in diagnostic.related] == [5, 2, 4]


def test_nested_definition_is_explained(found: Found):
    first = found("model m {\n  block b { relu }\n  b\n}")[0]
    assert first.code == "E0102" and "cannot be defined inside" in first.notes[0]


def test_errors_in_several_places_are_all_found(found: Found):
    text = """
      block a { conv(1 2) }
      block b {
        if x = 1 { relu }
        add { relu -> | conv(3 4) }
        good -> relu
      }
      let = 3
      test m { params = 1; macs near 2% of 1; depth == 2 }
      model ok { relu }
    """
    codes = [(d.code, d.span.line) for d in found(text) if d.span]
    assert codes == [
        ("E0108", 2),
        ("E0106", 4),
        ("E0109", 5),
        ("E0108", 5),
        ("E0101", 8),
        ("E0106", 9),
        ("E0118", 9),
    ]


def test_what_could_be_read_is_kept():
    file = parse(Source("x", "block a { b; c d; e }\nlet = 1\nmodel m { f }"), sink := Sink())
    assert sink.has_errors and file is not None
    block, model = file.items
    assert isinstance(block, ast.Block) and len(block.body.statements) == 2
    assert isinstance(model, ast.Model)


@pytest.mark.parametrize(
    "text",
    [
        'model m { relu } "x"',
        "model m { relu }\nmodel k { a } 3\nlet b = 1",
        "block b { if a { b } c }",
        "test m { a } b",
    ],
)
def test_mistake_after_a_closed_body_does_not_stop_the_reading(found: Found, text: str):
    (diagnostic,) = found(text)
    assert diagnostic.code == "E0101"


def test_no_message_names_a_terminal_of_the_grammar(found: Found):
    internal = {kind for row in tables().actions for kind in row if kind.isupper()} | {"$END", "_SEP"}
    texts = [
        "let a = {}",
        "model m {{ {} }}",
        "block b({}) {{ a }}",
        "{}",
        "test m {{ {} }}",
        "block b [{}] {{ a }}",
    ]
    pieces = [
        ") ",
        "1 2",
        "= =",
        "as",
        "-> ->",
        '"a" "b"',
        "in",
        "a,",
        "| |",
        "%",
        "=>",
        "if",
        "...",
        "~",
        ";",
        "a.",
    ]
    for text in texts:
        for piece in pieces:
            for d in found(text.format(piece)):
                said = " ".join([d.message, d.label, d.help, *d.notes])
                assert not internal & set(re.findall(r"[A-Z_$]{2,}", said)), said
                assert d.message and not d.message.endswith(".")


MODEL = "model m {\n  %s\n  output z\n}"


@pytest.mark.parametrize(
    ("text", "code", "at", "help"),
    [
        (MODEL % "ouput y", "E0101", "2:3", "did you mean `output`?"),
        (MODEL % "inptu x: f32[N]", "E0101", "2:3", "did you mean `input`?"),
        (MODEL % "reapeat 3 { relu }", "E0101", "2:3", "did you mean `repeat`?"),
        (MODEL % "fro i in 0..3 { relu }", "E0101", "2:3", "did you mean `for`?"),
        ("modle m(n) {\n  relu\n}\nmodel k { relu }", "E0101", "1:1", "did you mean `model`?"),
        ("bolck b { relu }", "E0101", "1:1", "did you mean `block`?"),
        (MODEL % "x = nn.Conv2d(3, 64, 3)", "E0113", "2:9", "write `conv(64, 3, padding = 0)`"),
        (MODEL % "self.conv1(x)", "E0113", "2:7", "there is no `self`"),
        (MODEL % "F.relu(x)", "E0113", "2:4", "write `x -> relu`"),
        (MODEL % "x.relu()", "E0113", "2:4", "without dots: `x -> relu`"),
        (MODEL % "conv(64, 3).relu()", "E0113", "2:14", "without dots"),
        (MODEL % "conv(64, 3)(x)", "E0113", "2:14", "`x -> conv(64, 3)`"),
        (MODEL % "y = x + conv(64, 3)", "E0113", "2:9", "`[x, conv(64, 3)] -> add`"),
        (MODEL % "x * gate", "E0113", "2:5", "`[x, gate] -> mul`"),
        (MODEL % "add { a, b }", "E0101", "2:10", "write `|` between them"),
        (MODEL % "add(3, f(4)) { a | conv(3), b }", "E0101", "2:29", "write `|` between them"),
        (MODEL % "a, b -> concat", "E0101", "2:4", "write `[a, b]`"),
        ("block b { conv(3, 3), relu }", "E0101", "1:21", "`conv(3, 3) -> relu`"),
        (MODEL % "output a, b", "E0101", "2:11", "`output a`, then `output b`"),
        (MODEL % "input x = f32[N, 3]", "E0101", "2:11", "write `input x: f32[N, 3]`"),
        (MODEL % "input x: [N, 3]", "E0101", "2:12", "write `input x: f32[N, 3]`"),
        (MODEL % "input f32[N, 3]", "E0101", "2:12", "write `input x: f32[N, 3]`"),
        (MODEL % "conv(16, 3) ->", "E0109", "2:15", "remove the arrow"),
        ('"""A network,\nof {layers}."""\nmodel m { relu }', "E0113", "1:1", "start with `##`"),
        (MODEL % '"""A network."""', "E0113", "2:3", "start with `##`"),
        ('model m { relu }\n"""never closed', "E0113", "2:1", "start with `##`"),
        (MODEL % "'''A network.'''", "E0113", "2:3", "start with `##`"),
        ("'''A network,\nof layers.'''\nmodel m { relu }", "E0113", "1:1", "start with `##`"),
        (MODEL % "x[0] -> relu", "E0113", "2:4", "`slice` or `select`"),
        (MODEL % "y = x[:, 0] -> relu", "E0113", "2:8", "`slice` or `select`"),
        (MODEL % "split(2)[0]", "E0113", "2:11", "`a, b = split(2)`"),
        (MODEL % "concat [a, b]", "E0113", "2:10", "`[a, b] -> concat`"),
        (MODEL % "input = relu", "E0101", "2:9", "such as `input_`"),
        ("let a = [2*k for k in 0..3]", "E0113", "1:14", "`for k in 0..3 { ... }`, with `2*k` inside"),
        (MODEL % "x += conv(64, 3)", "E0113", "2:5", "`x = [x, conv(64, 3)] -> add`"),
        (MODEL % "n -= 1", "E0113", "2:5", "`let next = n - 1`"),
        (MODEL % "exepct [N, 3]", "E0101", "2:3", "`expect`"),
        ("-- note\nmodel m { relu }", "E0113", "1:1", "comments start with `#`"),
        (MODEL % "relu -- note", "E0113", "2:8", "comments start with `#`"),
        (MODEL % "relu // note", "E0113", "2:8", "comments start with `#`"),
        ("test m { macs within 5% 12 }", "E0118", "1:25", "`macs within 2% of 3.8G`"),
        ("test m { macs within 5 of 12 }", "E0118", "1:24", "`macs within 2% of 3.8G`"),
        ("test m { params == 3, macs == 4 }", "E0101", "1:21", "each check has its line"),
        ("let k: int = 3", "E0101", "1:6", "without its type: `let k = 3`"),
        (MODEL % "conv 64", "E0101", "2:8", "`conv(64)`"),
        ("block b(c) [N, d] -> [N, c] { relu }", "E0101", "1:19", "after `=>`"),
    ],
)
def test_a_habit_from_python_or_a_misspelt_word_gets_the_help_it_needs(
    found: Found, text: str, code: str, at: str, help: str
):
    (diagnostic,) = found(text)
    assert (diagnostic.code, repr(diagnostic.span)) == (code, f"test.arch:{at}")
    assert help in diagnostic.help


def test_a_limit_proposes_a_value_that_lets_the_text_pass(found: Found):
    text = "model m { relu }\n# é\n"
    (diagnostic,) = found(text, Limits(source_bytes=10))
    assert diagnostic.help == "raise it with --limit source_bytes=42"
    assert found(text, Limits(source_bytes=42)) == []
