"""Where statements end, what is a comment, what a number, what a string."""

from collections.abc import Callable

import pytest

from archdsl.syntax import ast

Shape = Callable[[str], str]
Tree = Callable[[str], ast.File]


def value(file: ast.File) -> ast.Expr:
    item = file.items[-1]
    assert isinstance(item, ast.Let)
    return item.value


@pytest.mark.parametrize(
    "text",
    [
        "model m {\n  a -> b\n  c\n}\n",
        "model m { a -> b; c }",
        "model m {\n  a\n    -> b\n  c }",
        "model m {\n  a ->\n    b;\n  c;\n}",
        "\n\n# note\nmodel m {   a -> b # why\n\n\n;c\n}\n\n",
        "model m {\r\n  a -> b\r\n  c\r\n}\r\n",
        "\ufeffmodel m { a -> b; ; c }",
    ],
)
def test_layouts_of_one_model_read_the_same(shape: Shape, text: str):
    assert shape(text) == shape("model m { a -> b; c }")


@pytest.mark.parametrize(
    ("spread", "single"),
    [
        ("let a = f(1,\n  2,\n)", "let a = f(1, 2)"),
        ("let a = [\n1\n,\n2\n]", "let a = [1, 2]"),
        ("let a =\n  1 +\n  2", "let a = 1 + 2"),
        ("let a = b and\n not\n c or\n d", "let a = b and not c or d"),
        ("let a = 1 if b\n  else 2", "let a = 1 if b else 2"),
        (
            "model m { if a { b }\n else if c { d }\n else { e } }",
            "model m { if a { b } else if c { d } else { e } }",
        ),
        ("model m { add {\n  a\n| b\n} }", "model m { add { a | b } }"),
        ("model m { add {\n  a |\n\n b } }", "model m { add { a | b } }"),
        ("model m { conv(1)\n  as x }", "model m { conv(1) as x }"),
        ("let a = match b {\n 1 =>\n 2\n 3 | 4 => 5 }", "let a = match b { 1 => 2; 3 | 4 => 5 }"),
        ("let a = match b { 1 => 2,\n 3\n | 4 => 5, }", "let a = match b { 1 => 2; 3 | 4 => 5 }"),
        ("let a = f(match b {\n 1 => 2\n _ => 3\n})", "let a = f(match b { 1 => 2; _ => 3 })"),
        ("test m {\n a == 1\n b ~ 2\n}", "test m { a == 1; b ~ 2 }"),
        ('use "a.arch" (\n a,\n b as c,\n)', 'use "a.arch" (a, b as c)'),
    ],
)
def test_line_breaks_that_do_not_count(shape: Shape, spread: str, single: str):
    assert shape(spread) == shape(single)


def test_line_break_ends_a_statement(tree: Tree):
    block = tree("block b { a\n[c, d] -> e\n{ f } }").items[0]
    assert isinstance(block, ast.Block)
    assert len(block.body.statements) == 3


@pytest.mark.parametrize("text", ["", "\n", "# only\n## comments", " \t\r\n", "\ufeff", ";;\n;"])
def test_file_without_items_is_a_file(tree: Tree, text: str):
    assert tree(text).items == []


def test_hash_in_a_string_is_no_comment(tree: Tree):
    string = value(tree('let a = "b # c" # d'))
    assert isinstance(string, ast.String)
    assert string.parts == ["b # c"]


def test_doc_comment_belongs_to_the_item_that_follows(tree: Tree):
    file = tree("## One\n## two.\nblock a { b } ## not this\n# nor this\nblock c { d }\n\n## Three\n\nmodel e { f }")
    assert [getattr(item, "doc", None) for item in file.items] == ["One\ntwo.", "", "Three"]


def test_doc_comment_after_a_gap_replaces_the_one_before(tree: Tree):
    item = tree("## About the file\n\n## About a\nblock a { b }").items[0]
    assert isinstance(item, ast.Block)
    assert item.doc == "About a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25_557_032", 25557032),
        ("25.6M", 25600000),
        ("1.56G", 1560000000),
        ("0.5K", 500),
        ("2T", 2 * 10**12),
        ("1.000K", 1000),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("0.9", 0.9),
        ("1e-5", 1e-5),
        ("2.5E+3", 2500.0),
        ("1_0.2_5", 10.25),
        ("0.0005K", 0.5),
        ("0." + "1" * 5000 + "K", float("111." + "1" * 20)),
    ],
)
def test_number_has_its_exact_value(tree: Tree, text: str, expected: float):
    number = value(tree(f"let a = {text}"))
    assert isinstance(number, ast.Int if isinstance(expected, int) else ast.Float)
    assert number.value == expected
    assert number.span.text == text


def test_range_after_integer_is_not_a_float(tree: Tree):
    found = value(tree("let a = 0..n"))
    assert isinstance(found, ast.Range)
    assert isinstance(found.start, ast.Int) and isinstance(found.stop, ast.Name)


def test_escapes_and_doubled_braces_stand_for_characters(tree: Tree):
    string = value(tree(r'let a = "q\"b\\n\n\t{{}}"'))
    assert isinstance(string, ast.String)
    assert string.parts == ['q"b\\n\n\t{}']


def test_interpolation_holds_an_expression_with_its_place(tree: Tree):
    file = tree('let a = "layer{i + 1}.{names[j]}"')
    string = value(file)
    assert isinstance(string, ast.String)
    kinds = [part if isinstance(part, str) else part.span.text for part in string.parts]
    assert kinds == ["layer", "i + 1", ".", "names[j]"]
    assert string.span.text == '"layer{i + 1}.{names[j]}"'


def test_interpolation_may_hold_a_string_and_braces(tree: Tree):
    string = value(tree('let a = "{match b { 1 => "x{c}"; _ => f("y") }}!"'))
    assert isinstance(string, ast.String)
    assert isinstance(string.parts[0], ast.Match) and string.parts[1] == "!"
