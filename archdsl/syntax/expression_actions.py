"""The AST nodes of expressions; actions.py has the rest and says how these methods are called."""

from __future__ import annotations

from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.syntax.reporter import SyntaxReporter
from archdsl.syntax.tokens import Tokens


class ExpressionActions:
    """Makes the nodes of expressions."""

    def __init__(self, reporter: SyntaxReporter, tokens: Tokens) -> None:
        self.reporter = reporter
        self.source = reporter.source
        self.docs = tokens.docs
        self.first = tokens.starts[0]

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def report(self, code: str, message: str, span: Span, label: str, help: str) -> None:
        self.reporter.error(code, message, span.start, span.end, label, help)

    def make_conditional(
        self, start: int, end: int, then: ast.Expr, condition: ast.Expr, otherwise: ast.Expr
    ) -> ast.Conditional:
        return ast.Conditional(condition, then, otherwise, self.span(start, end))

    def make_disjunction(self, start: int, end: int, *operands: ast.Expr) -> ast.Boolean:
        return ast.Boolean("or", list(operands), self.span(start, end))

    def make_conjunction(self, start: int, end: int, *operands: ast.Expr) -> ast.Boolean:
        return ast.Boolean("and", list(operands), self.span(start, end))

    def make_not_(self, start: int, end: int, operand: ast.Expr) -> ast.Not:
        return ast.Not(operand, self.span(start, end))

    def make_comparison(self, start: int, end: int, *chain: ast.Expr | str) -> ast.Comparison:
        return ast.Comparison(operands_of(chain), operators_of(chain), self.span(start, end))

    def make_range(self, start: int, end: int, first: ast.Expr, stop: ast.Expr) -> ast.Range:
        return ast.Range(first, stop, self.span(start, end))

    def make_sum(self, start: int, end: int, *chain: ast.Expr | str) -> ast.Arithmetic:
        return ast.Arithmetic(operands_of(chain), operators_of(chain), self.span(start, end))

    make_product = make_sum

    def make_power(self, start: int, end: int, base: ast.Expr, exponent: ast.Expr) -> ast.Arithmetic:
        return ast.Arithmetic([base, exponent], ["**"], self.span(start, end))

    def make_negative(self, start: int, end: int, operand: ast.Expr) -> ast.Negative:
        return ast.Negative(operand, self.span(start, end))

    def make_index(self, start: int, end: int, base: ast.Expr, index: ast.Expr) -> ast.Index:
        return ast.Index(base, index, self.span(start, end))

    def make_attribute(self, start: int, end: int, base: ast.Expr, name: ast.Name) -> ast.Attribute:
        return ast.Attribute(base, name, self.span(start, end))

    def make_true(self, start: int, end: int) -> ast.Bool:
        return ast.Bool(True, self.span(start, end))

    def make_false(self, start: int, end: int) -> ast.Bool:
        return ast.Bool(False, self.span(start, end))

    def make_none(self, start: int, end: int) -> ast.NoneLiteral:
        return ast.NoneLiteral(self.span(start, end))

    def make_call(self, start: int, end: int, callee: ast.Name, arguments: list[ast.Argument]) -> ast.CallExpr:
        return ast.CallExpr(callee, arguments, self.span(start, end))

    def make_list(self, start: int, end: int, *items: ast.Expr) -> ast.ListExpr:
        return ast.ListExpr(list(items), self.span(start, end))

    def make_tuple(self, start: int, end: int, *items: ast.Expr) -> ast.TupleExpr:
        return ast.TupleExpr(list(items), self.span(start, end))

    def make_match(self, start: int, end: int, subject: ast.Expr, *arms: ast.MatchArm) -> ast.Match:
        for arm in arms[:-1]:
            if not arm.patterns:
                help = "put `_` last: arms are tried from the top"
                self.report("E0119", "an arm after `_` can never be reached", arm.span, "matches everything", help)
                break
        return ast.Match(subject, list(arms), self.span(start, end))

    def make_arm(self, start: int, end: int, patterns: list[ast.Expr], value: ast.Expr) -> ast.MatchArm:
        wild = [p for p in patterns if isinstance(p, ast.Name) and p.id == "_"]
        if wild and len(patterns) > 1:
            help = "`_` matches everything by itself: write `_ => value`"
            self.report("E0119", "`_` stands beside other patterns", wild[0].span, "already matches everything", help)
        return ast.MatchArm([] if wild else patterns, value, self.span(start, end))

    def make_patterns(self, start: int, end: int, *patterns: ast.Expr) -> list[ast.Expr]:
        return list(patterns)

    def make_string(self, start: int, end: int, *parts: ast.Expr) -> ast.String:
        """Join the pieces of an interpolated string. Pieces of text arrive as strings of their own."""
        if len(parts) == 1 and isinstance(parts[0], ast.String):
            return parts[0]
        joined: list[str | ast.Expr] = []
        for number, part in enumerate(parts):
            if number % 2:
                joined.append(part)
            elif isinstance(part, ast.String):
                joined.extend(part.parts)
        return ast.String(joined, self.span(start, end))


def operands_of(chain: tuple[ast.Expr | str, ...]) -> list[ast.Expr]:
    return [part for part in chain[::2] if not isinstance(part, str)]


def operators_of(chain: tuple[ast.Expr | str, ...]) -> list[str]:
    return [part for part in chain[1::2] if isinstance(part, str)]
