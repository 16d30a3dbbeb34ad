"""Each construct becomes the node that the tree's documentation promises."""

from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.syntax import ast
from archdsl.syntax.dump import dump

Shape = Callable[[str], str]
Tree = Callable[[str], ast.File]

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.arch"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_parses(tree: Tree, path: Path):
    assert tree(path.read_text()).items


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_span_lies_in_that_of_the_node_above(tree: Tree, path: Path):
    stack: list[tuple[object, int, int]] = [(tree(path.read_text()), 0, len(path.read_text()))]
    while stack:
        node, first, last = stack.pop()
        span = getattr(node, "span", None)
        if span is not None:
            assert first <= span.start <= span.end <= last
            first, last = span.start, span.end
        parts = node if isinstance(node, list | tuple) else [getattr(node, s) for s in getattr(node, "__slots__", ())]
        stack.extend((part, first, last) for part in parts if type(part).__module__ == ast.__name__)
        stack.extend((part, first, last) for part in parts if isinstance(part, list | tuple))


def expression(tree: Tree, text: str) -> ast.Expr:
    item = tree(f"let a = {text}").items[0]
    assert isinstance(item, ast.Let)
    assert item.value.span.text == text
    return item.value


def statements(tree: Tree, text: str) -> list[ast.Statement]:
    item = tree(f"block b {{ {text} }}").items[0]
    assert isinstance(item, ast.Block)
    return item.body.statements


def brief(node: object) -> str:
    """An expression fully bracketed."""
    match node:
        case ast.Int() | ast.Float():
            return str(node.value)
        case ast.Name():
            return node.id
        case ast.Arithmetic() | ast.Comparison():
            parts = [brief(node.operands[0])]
            for operator, operand in zip(node.operators, node.operands[1:], strict=True):
                parts += [operator, brief(operand)]
            return f"({' '.join(parts)})"
        case ast.Boolean():
            return f"({f' {node.operator} '.join(brief(o) for o in node.operands)})"
        case ast.Negative():
            return f"(-{brief(node.operand)})"
        case ast.Not():
            return f"(not {brief(node.operand)})"
        case ast.Conditional():
            return f"({brief(node.then)} if {brief(node.condition)} else {brief(node.otherwise)})"
        case ast.Range():
            return f"({brief(node.start)}..{brief(node.stop)})"
        case ast.Index():
            return f"{brief(node.base)}[{brief(node.index)}]"
        case ast.Attribute():
            return f"{brief(node.base)}.{node.name.id}"
        case ast.ListExpr():
            return f"[{', '.join(map(brief, node.items))}]"
        case ast.TupleExpr():
            return f"<{', '.join(map(brief, node.items))}>"
        case ast.CallExpr():
            return f"{node.callee.id}{{{', '.join(map(brief, node.arguments))}}}"
        case ast.Argument(name=name, value=argument):
            if name is None:
                return brief(argument)
            return f"!{name.id}" if argument is None else f"{name.id}={brief(argument)}"
        case ast.Bool():
            return str(node.value).lower()
        case ast.NoneLiteral():
            return "none"
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b - c + d", "(a + b - c + d)"),
        ("a + b * c // d % e / f", "(a + (b * c // d % e / f))"),
        ("-a ** b", "(-(a ** b))"),
        ("a ** -b", "(a ** (-b))"),
        ("a ** b ** c", "(a ** (b ** c))"),
        ("-a * b", "((-a) * b)"),
        ("- -a", "(-(-a))"),
        ("not a == b", "(not (a == b))"),
        ("not a and not b or c", "(((not a) and (not b)) or c)"),
        ("a < b <= c", "(a < b <= c)"),
        ("a if b else c if d else e", "(a if b else (c if d else e))"),
        ("0..a + 1", "(0..(a + 1))"),
        ("a[b][c + 1].d", "a[b][(c + 1)].d"),
        ("(a + b) * c", "((a + b) * c)"),
        ("(a, b)", "<a, b>"),
        ("(a,)", "<a>"),
        ("[a, (b, c), []]", "[a, <b, c>, []]"),
        ("f(a, !b, c = d if e else g,)", "f{a, !b, c=(d if e else g)}"),
        ("f()", "f{}"),
        ("true == none", "(true == none)"),
        ("-1..-a", "((-1)..(-a))"),
    ],
)
def test_operators_group_as_documented(tree: Tree, text: str, expected: str):
    assert brief(expression(tree, text)) == expected


def test_ten_thousand_entries_are_one_flat_list(tree: Tree):
    found = expression(tree, "[" + ", ".join(["1"] * 10_000) + "]")
    assert isinstance(found, ast.ListExpr)
    assert len(found.items) == 10_000


def test_match_has_its_arms_and_a_catch_all(tree: Tree):
    found = expression(tree, "match a { 18 | 34 => b; _ => c }")
    assert isinstance(found, ast.Match)
    assert [[brief(p) for p in arm.patterns] for arm in found.arms] == [["18", "34"], []]


def test_parameters_have_type_choices_default_and_flag(tree: Tree):
    text = "a, n = 1, s: string, t: int = 2, c: 18 | 34 = 34, d: x | y = x, e: 3, body: block = id, flag f"
    block = tree(f"block b({text}) {{ a }}").items[0]
    assert isinstance(block, ast.Block)
    rows = [
        (
            p.name.id,
            p.type.id if p.type else None,
            [brief(c) for c in p.choices],
            brief(p.default) if p.default else None,
            p.is_flag,
        )
        for p in block.parameters
    ]
    assert rows == [
        ("a", None, [], None, False),
        ("n", None, [], "1", False),
        ("s", "string", [], None, False),
        ("t", "int", [], "2", False),
        ("c", None, ["18", "34"], "34", False),
        ("d", None, ["x", "y"], "x", False),
        ("e", None, ["3"], None, False),
        ("body", "block", [], "id", False),
        ("f", "bool", [], "false", True),
    ]


def test_signature_names_several_inputs(tree: Tree):
    block = tree("block b(d) q: [N, T, d], m: [N, _, ...S] => [N, T, 2*d], [...] { a }").items[0]
    assert isinstance(block, ast.Block) and block.signature is not None
    assert [i.name and i.name.id for i in block.signature.inputs] == ["q", "m"]
    dims = block.signature.inputs[1].shape.dims
    assert isinstance(dims[1], ast.Wildcard)
    assert isinstance(dims[2], ast.Rest) and dims[2].name is not None
    rest = block.signature.outputs[1].dims[0]
    assert isinstance(rest, ast.Rest) and rest.name is None


def test_flow_steps_keep_arguments_branches_and_labels_apart(tree: Tree):
    text = 'a -> b() -> c(1) as x -> add { d | | e; f } as "y{i}" -> { g } as z -> [a, b -> c] as w'
    statement = statements(tree, text)[0]
    assert isinstance(statement, ast.FlowStatement)
    a, b, c, add, group, both = statement.flow.steps
    assert isinstance(a, ast.Apply) and a.arguments is None and a.branches is None and a.label is None
    assert isinstance(b, ast.Apply) and b.arguments == []
    assert isinstance(c, ast.Apply) and c.label is not None and c.label.parts == ["x"]
    assert isinstance(add, ast.Apply) and add.branches is not None and add.label is not None
    assert [len(branch.statements) for branch in add.branches] == [1, 0, 2]
    assert len(add.label.parts) == 2
    assert isinstance(group, ast.Group) and group.label is not None
    assert isinstance(both, ast.TupleStep) and both.label is not None
    assert [len(flow.steps) for flow in both.flows] == [1, 2]


def test_fan_out_over_a_list(tree: Tree):
    statement = statements(tree, "concat(1) for a, b in table { select(a) -> conv(b, 5) } as x")[0]
    assert isinstance(statement, ast.FlowStatement)
    step = statement.flow.steps[0]
    assert isinstance(step, ast.FanOutFor)
    assert [t.id for t in step.targets] == ["a", "b"] and step.arguments and step.label


def test_each_statement_has_its_node(tree: Tree):
    text = """
      let a, b = (1, 2)
      default conv(!bias), bn(eps = 1e-3)
      x = id
      q, k, v = linear(3) -> split(3)
      for i, j in c { relu }
      repeat 3 { relu }
      if a { b } else if c { d } else { e }
      shared t = embedding(v, d) { x | y }
      input ids: i64[N, T]
      output y
      output z(train, aux) = x -> relu
      expect [N, _, 7], []
      require a == b, "no {a}"
      require a
      relu
    """
    names = [type(s).__name__ for s in statements(tree, text)]
    assert " ".join(names) == (
        "Let Default Bind Bind For Repeat If Shared Input Output Output Expect Require Require FlowStatement"
    )


def test_items_have_their_nodes(tree: Tree):
    text = """archdsl 1
      use "lib/a.arch" (a, b as c)
      use std.vision.small (d,)
      let n = 3
      default conv(!bias)
      model m = base(depth = 3)
      model k = base
      test m(x) { shape(y) == [1, 2]  "Table 1"; params ~ -1.7M; macs within 0.5% of 2 * 4.1G "Table 2" }
      test k {}
    """
    use, module, _, _, preset, bare, test, empty = tree(text).items
    assert isinstance(use, ast.Use) and use.path == "lib/a.arch" and use.module is None
    assert [(i.name.id, i.alias and i.alias.id) for i in use.imports] == [("a", None), ("b", "c")]
    assert use.target.text == '"lib/a.arch"'
    assert isinstance(module, ast.Use) and module.module == "std.vision.small"
    assert isinstance(preset, ast.Preset) and brief(preset.base) == "base{depth=3}"
    assert isinstance(bare, ast.Preset) and brief(bare.base) == "base{}"
    assert isinstance(test, ast.Test) and brief(test.target) == "m{x}"
    kinds = [(c.kind, c.citation, c.tolerance) for c in test.checks]
    assert kinds == [("expr", "Table 1", 0.0), ("round", "", 0.0), ("within", "Table 2", 0.5)]
    assert test.checks[1].right is not None and test.checks[1].right.span.text == "-1.7M"
    assert isinstance(empty, ast.Test) and empty.checks == []


def test_recompute_is_a_step_with_a_body_and_perhaps_a_condition(tree: Tree):
    block = tree("block b(e) { a -> recompute { b -> c } -> d; recompute if e { f } as g }").items[0]
    assert isinstance(block, ast.Block)
    first, second = (s.flow.steps for s in block.body.statements if isinstance(s, ast.FlowStatement))
    assert isinstance(first[1], ast.Recompute) and first[1].condition is None and first[1].label is None
    (alone,) = second
    assert isinstance(alone, ast.Recompute) and alone.condition is not None and brief(alone.condition) == "e"
    assert alone.label is not None and alone.label.parts == ["g"]


@pytest.mark.parametrize("name", ["within", "of", "conv", "int", "import", "_", "Block", "repeats"])
def test_word_that_is_not_reserved_is_a_name(tree: Tree, name: str):
    tree(f"block {name}({name} = 1) {{ {name} = id; {name}({name} = {name}) as {name} }}")


def test_dump_of_deep_tree_needs_no_deep_stack(tree: Tree):
    text = "let a = " + "-" * 800 + "(" * 190 + "b" + ")" * 190
    assert dump(tree(text)).count("Negative") == 800
