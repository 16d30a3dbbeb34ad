"""Mutants: every small change of a source file that a good suite should notice, as data.

A mutant is a span of the text and what stands there instead. They are found on the syntax tree, so declarations,
decorated functions and class bodies are reached like any other code. Left out are places without behaviour: docstrings,
type annotations, imports, `assert` (a guard for us, never for users), `if TYPE_CHECKING`, and prose: the messages,
summaries and help of diagnostics and arguments are compared word for word by other tests, one by one.
"""

import ast
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip

ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Div: "*", ast.Mod: "//", ast.Pow: "*",
    ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip

SPELLING: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Add: "+", ast.Sub: "-", ast.Mult: "*",
    ast.FloorDiv: "//", ast.Div: "/", ast.Mod: "%", ast.Pow: "**", ast.BitAnd: "&", ast.BitOr: "|",
    ast.LShift: "<<", ast.RShift: ">>", ast.And: "and", ast.Or: "or",
}  # fmt: skip

OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}

GENERIC = {
    "dict", "list", "tuple", "set", "frozenset", "type", "Callable", "Generator", "Iterable", "Iterator", "Mapping",
    "Sequence", "Literal",
}  # fmt: skip
"""Names whose subscripts are types: `field(default_factory=dict[str, int])`."""

STATED = {"strict", "default_factory"}
"""Arguments that state what is so anyway: lengths that are equal, the type of what is made."""

PROSE_ARGUMENTS = {"doc", "summary", "source", "help", "label", "notes", "expected", "found", "message"}
PROSE_NAMES = {"summary", "source", "examples", "__doc__", "__all__", "__slots__"}


@dataclass(frozen=True)
class Mutant:
    """`path` is relative to the package's parent; lines and columns are those of the syntax tree (columns in bytes of
    UTF-8). `place` is the class and function around it; `code` the line that it begins in, and `turn` how many with the
    same change in a line like that, of that place, come before it."""

    path: str
    place: str
    kind: str
    line: int
    column: int
    end_line: int
    end_column: int
    before: str
    after: str
    code: str = ""
    turn: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What mutants are alike in when lines move and change: file, place, what stood there and stands there now."""
        return self.path, self.place, self.before, self.after

    @property
    def name(self) -> tuple[str, ...]:
        """What no other mutant has, and this one keeps as long as its own line stays as it is."""
        return self.path, self.place, self.code, str(self.turn), self.before, self.after

    def apply(self, text: str) -> str:
        """The file's text with the change in it."""
        lines = text.encode().splitlines(keepends=True)
        start = sum(map(len, lines[: self.line - 1])) + self.column
        end = sum(map(len, lines[: self.end_line - 1])) + self.end_column
        data = text.encode()
        return (data[:start] + self.after.encode() + data[end:]).decode()


def mutants(path: Path, relative: str) -> list[Mutant]:
    """All mutants of a file, in the order of its text; a few are no valid Python (`valid`)."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    finder = _Finder(text, relative)
    finder.visit(ast.parse(text))
    found: list[Mutant] = []
    turns = Counter[tuple[str, ...]]()
    for mutant in sorted(finder.mutants, key=lambda mutant: (mutant.line, mutant.column)):
        named = replace(mutant, code=lines[mutant.line - 1].strip())
        found.append(replace(named, turn=turns[named.name]))
        turns[named.name] += 1
    return found


def valid(mutant: Mutant, text: str) -> bool:
    """Whether the file is still Python with the change in it."""
    try:
        compile(mutant.apply(text), "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    def __init__(self, text: str, path: str) -> None:
        self.lines = text.splitlines(keepends=True)
        self.path = path
        self.places: list[str] = []
        self.functions = 0
        self.mutants: list[Mutant] = []

    # ------------------------------------------------------------------------------------------------- bookkeeping

    def add(self, kind: str, node: ast.expr | ast.stmt, after: str) -> None:
        assert node.end_lineno is not None and node.end_col_offset is not None
        self._span(kind, (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset), after)

    def _span(self, kind: str, start: tuple[int, int], end: tuple[int, int], after: str) -> None:
        before = self._between(start, end)
        if before != after:
            place = ".".join(self.places)
            self.mutants.append(Mutant(self.path, place, kind, *start, *end, before, after))

    def _between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        data = "".join(self.lines[start[0] - 1 : end[0]]).encode()
        last = len("".join(self.lines[start[0] - 1 : end[0] - 1]).encode())
        return data[start[1] : last + end[1]].decode()

    def source(self, node: ast.expr | ast.stmt) -> str:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._between((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))

    def between(self, kind: str, left: ast.expr, right: ast.expr, old: str, new: str) -> None:
        """Change an operator, which has no place of its own in the tree: it stands between its operands."""
        assert left.end_lineno is not None and left.end_col_offset is not None
        start, end = (left.end_lineno, left.end_col_offset), (right.lineno, right.col_offset)
        gap = self._between(start, end)
        if gap.count(old) == 1 and "#" not in gap:
            self._span(kind, start, end, gap.replace(old, new))

    # --------------------------------------------------------------------------------------- what is walked, and not

    def visit_Import(self, node: ast.Import) -> None: ...

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None: ...

    def visit_Assert(self, node: ast.Assert) -> None: ...

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Of a text with values in it, the values."""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.places.append(node.name)
        for default in [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]:
            self.visit(default)
        self.functions += 1
        self._body(node.body)
        self.functions -= 1
        self.places.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any("Protocol" in self.source(base) for base in node.bases):
            return  # a protocol's bodies are `...`
        self.places.append(node.name)
        self._body(node.body)
        self.places.pop()

    def visit_Module(self, node: ast.Module) -> None:
        self._body(node.body)

    def _body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and self.source(node.target) not in PROSE_NAMES:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if self.source(node.targets[0]) in PROSE_NAMES or "TypeVar" in self.source(node.value):
            return
        if self.places and isinstance(node.targets[0], (ast.Attribute, ast.Subscript)):
            self.add("statement dropped", node, "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.add("statement dropped", node, "pass")
        old, new = SPELLING.get(type(node.op)), ARITHMETIC.get(type(node.op))
        if old and new:
            self.between("arithmetic", node.target, node.value, f"{old}=", f"{new}=")
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, (ast.Yield, ast.YieldFrom, ast.Await)):
            self.visit(node.value)
        elif isinstance(node.value, ast.Call):
            self.add("statement dropped", node, "pass")
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" in self.source(node.test) or "version_info" in self.source(node.test):
            return
        self._condition(node.test)
        self._body(node.body)
        self._body(node.orelse)

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._body(node.body)
        self._body(node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.visit(node.body)
        self.visit(node.orelse)

    def _condition(self, test: ast.expr) -> None:
        if not isinstance(test, ast.Compare):  # whose operator is turned anyway
            self.add("condition negated", test, f"(not ({self.source(test)}))")
        self.visit(test)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Continue(self, node: ast.Continue) -> None:
        self.add("jump", node, "break")

    def visit_Break(self, node: ast.Break) -> None:
        self.add("jump", node, "continue")

    def visit_Raise(self, node: ast.Raise) -> None:
        if node.exc is not None:
            self.add("statement dropped", node, "pass")

    # ------------------------------------------------------------------------------------------------- expressions

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self.between("comparison", left, right, SPELLING[type(operator)], COMPARISONS[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.BitOr) and not self.functions:
            return  # a union of types
        new = ARITHMETIC.get(type(node.op))
        if new:
            self.between("arithmetic", node.left, node.right, SPELLING[type(node.op)], new)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old = SPELLING[type(node.op)]
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between("and/or", left, right, old, "or" if old == "and" else "and")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, (ast.Not, ast.USub)):
            self.add("sign or not dropped", node, f"({self.source(node.operand)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.add("constant", node, str(not value))
        elif isinstance(value, int):
            self.add("constant", node, str(value + 1))
        elif isinstance(value, float):
            self.add("constant", node, repr(value + 1.0))
        elif isinstance(value, str) and value.isidentifier() and self.places:
            self.add("word", node, f'"{value}_"')

    def visit_Call(self, node: ast.Call) -> None:
        name = self.source(node.func)
        if name in OPPOSITES and node.args:
            self.add("opposite", node.func, OPPOSITES[name])
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg not in PROSE_ARGUMENTS | STATED:
                self._without(node, keyword)
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in PROSE_ARGUMENTS | STATED:
                self.visit(keyword.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self.source(node.value) not in GENERIC:
            self.generic_visit(node)

    def _without(self, call: ast.Call, dropped: ast.keyword) -> None:
        """The call without one keyword argument."""
        items = [self.source(item) for item in call.args]
        for keyword in call.keywords:
            if keyword is not dropped:
                name = f"{keyword.arg}=" if keyword.arg else "**"
                items.append(name + self.source(keyword.value))
        self.add("argument dropped", call, f"{self.source(call.func)}({', '.join(items)})")

    def _elements(self, node: ast.Tuple | ast.List | ast.Set) -> None:
        if isinstance(node.ctx if not isinstance(node, ast.Set) else None, ast.Store):
            return
        if not self.functions and len(node.elts) > 1:  # a table: each entry has a reason to be there
            for element in node.elts:
                rest = [self.source(other) for other in node.elts if other is not element]
                opened, closed = {ast.Tuple: "()", ast.List: "[]", ast.Set: "{}"}[type(node)]
                comma = "," if isinstance(node, ast.Tuple) else ""
                self.add("entry dropped", node, f"{opened}{', '.join(rest)}{comma}{closed}")
        self.generic_visit(node)

    visit_Tuple = visit_List = visit_Set = _elements

    def visit_Dict(self, node: ast.Dict) -> None:
        if not self.functions and len(node.keys) > 1:
            pairs = [
                f"**{self.source(value)}" if key is None else f"{self.source(key)}: {self.source(value)}"
                for key, value in zip(node.keys, node.values, strict=True)
            ]
            for index in range(len(pairs)):
                self.add("entry dropped", node, f"{{{', '.join(pairs[:index] + pairs[index + 1 :])}}}")
        self.generic_visit(node)
