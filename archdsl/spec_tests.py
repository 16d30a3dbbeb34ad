"""Running the `test` items of a spec: published figures beside computed ones.

A check names totals (`params`, `buffers`, `macs`, `flops`, `activations`, `depth`), parts (`stem.params`) and shapes
(`shape(logits)`). The names are bound on top of the file's constants and of the model's symbolic dimensions.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from archdsl.analysis.cost import Cost, CostModel
from archdsl.analysis.depth import depth
from archdsl.analysis.effort import Effort
from archdsl.diagnostics.model import ArchError, Sink
from archdsl.elaborate.binding import Binder
from archdsl.elaborate.claims import PART_FIGURES, label_of, no_figure, no_label, no_part, no_shape
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.model import elaborate, tested_arguments
from archdsl.elaborate.module import Module, TestItem
from archdsl.elaborate.report import Reporter, elaboration
from archdsl.elaborate.values import Scope, Static, Unknown, show, type_name
from archdsl.ir.program import Program
from archdsl.limits import TEST_ANALYSIS_STEPS, Limits
from archdsl.records import described, record
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Expr, symbol, symbols

_UNITS = {"K": 3, "M": 6, "G": 9, "T": 12}


@record
class CheckResult:
    """One check: its text, its source if it cites one, what was published, what was computed."""

    text: str
    citation: str
    expected: str
    computed: str
    passed: bool

    __repr__ = described


@record
class TestResult:
    """One `test` item. `failed_to_build` when the model itself has errors; they are in the sink."""

    __test__ = False

    name: str
    span: Span
    checks: list[CheckResult]
    failed_to_build: bool = False

    __repr__ = described

    @property
    def passed(self) -> bool:
        return not self.failed_to_build and all(check.passed for check in self.checks)


def run_tests(module: Module, sink: Sink, limits: Limits) -> list[TestResult]:
    """Run every test of a module. Mistakes in the tests themselves are diagnostics in `sink`, and so is a budget that
    is spent: the tests after that are left out."""
    results: list[TestResult] = []
    for item in module.tests:
        if module.closed(limits):
            break
        results.append(_run(item, module, sink, limits))
    return results


def _run(item: TestItem, module: Module, sink: Sink, limits: Limits) -> TestResult:
    result = TestResult(_title(item.syntax.target), item.syntax.span, [], failed_to_build=True)
    with elaboration(sink, limits, module.ledger) as report:
        arguments = tested_arguments(item, module, report)
        name = item.syntax.target.callee.id
        program = None if arguments is None else elaborate(module, name, arguments, {}, sink, limits, module.ledger)
        if program is not None:
            try:
                checker = _Checker(program, item, module, report)
                for check in item.syntax.checks:
                    result.checks.append(checker.check(check))
                result.failed_to_build = False
            except ArchError as error:  # figures that cannot be had (E0611, E0914) are missing here and nowhere else
                for found in error.diagnostics:
                    report.error(found.code, found.message, found.span, found.label, help=found.help, notes=found.notes)
    result.failed_to_build = result.failed_to_build or report.errors > 0
    return result


def _title(target: ast.CallExpr) -> str:
    return " ".join(target.span.text.split())


class _Checker(Evaluator):
    """Evaluates the checks of one test against one program."""

    def __init__(self, program: Program, item: TestItem, module: Module, report: Reporter) -> None:
        # A check speaks of figures and labels; a misspelt `param` must not mean the operator of that name.
        super().__init__(report, lambda name: None)
        Binder(self)
        self.program = program
        effort = Effort(program, module.ledger, report.limits.command, TEST_ANALYSIS_STEPS)
        self.costs = CostModel(program, effort)
        self.scope = item.scope.child(
            {
                **{
                    name: Static(symbol(name))
                    for value in program.inputs
                    for dim in value.type.dims
                    for name in symbols(dim)
                },
                **{name: Static(getattr(self.costs.total, name)) for name in PART_FIGURES},
                "depth": Static(depth(program, effort)),
            }
        )

    def check(self, check: ast.Check) -> CheckResult:
        """The outcome of one check."""
        text = " ".join(check.span.text.split())
        if check.citation:
            text = text[: text.rfind('"', 0, -1)].rstrip()
        if check.kind == "expr":
            return self._expression(check, text)
        assert check.right is not None
        left, right = self.evaluate(check.left, self.scope), self.evaluate(check.right, self.scope)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return CheckResult(text, check.citation, check.right.span.text, "?", False)
        for value, side in ((left, check.left), (right, check.right)):
            if isinstance(value, Expr) or not isinstance(value, (int, float)) or isinstance(value, bool):
                self.report.error(
                    "E0310",
                    f"only known numbers can be compared this way, not {type_name(value)}",
                    side.span,
                    show(value),
                )
                return CheckResult(text, check.citation, check.right.span.text, show(value), False)
        if check.kind == "round":
            return self._rounded(check, text, left)
        # Exact, so that exactly 2 % is within 2 %; the tolerance counts as it is written.
        difference, whole = Fraction(left) - Fraction(right), abs(Fraction(right))
        passed = abs(difference) * 100 <= whole * Fraction(str(check.tolerance))
        deviation = f"{float(difference / whole):+.1%}" if whole else "+0.0%" if not difference else "not 0"
        computed = f"{number(left)} ({deviation})"
        return CheckResult(text, check.citation, f"{check.right.span.text} ± {check.tolerance:g}%", computed, passed)

    def _expression(self, check: ast.Check, text: str) -> CheckResult:
        expr = check.left
        if isinstance(expr, ast.Comparison) and len(expr.operands) == 2:
            left, right = (self.evaluate(side, self.scope) for side in expr.operands)
            if isinstance(left, Unknown) or isinstance(right, Unknown):
                return CheckResult(text, check.citation, expr.operands[1].span.text, "?", False)
            holds = self.compare(expr.operators[0], left, right, expr.span)
            symbol_text = "" if expr.operators[0] == "==" else f"{expr.operators[0]} "
            return CheckResult(text, check.citation, symbol_text + number(right), number(left), holds is True)
        holds = self.condition(expr, self.scope)
        return CheckResult(
            text, check.citation, "true", "?" if isinstance(holds, Unknown) else show(holds), holds is True
        )

    def _rounded(self, check: ast.Check, text: str, left: int | float) -> CheckResult:
        """`params ~ 1.7M`: equal after rounding, half up, to the digits written."""
        assert check.right is not None
        written = check.right.span.text.replace("_", "").replace(" ", "")
        unit = _UNITS.get(written[-1], 0)
        digits = Decimal(written[:-1] if unit else written)
        exponent = digits.as_tuple().exponent
        assert isinstance(exponent, int)
        quantum = Fraction(10) ** (exponent + unit)
        # Half away from zero. Fractions: a figure may have more digits than any decimal context.
        steps = (2 * abs(Fraction(left)) + quantum) // (2 * quantum) * (1 if left >= 0 else -1)
        published = Fraction(digits) * 10**unit
        text_of = Decimal(int(steps)).scaleb(exponent)
        computed = f"{text_of:f}{written[-1] if unit else ''} ({number(left)})"
        return CheckResult(text, check.citation, check.right.span.text, computed, steps * quantum == published)

    # ---------------------------------------------------------------------------------------- names of the program

    def attribute(self, expr: ast.Attribute, scope: Scope) -> Any:
        """`label.params`: a figure of a labelled part."""
        label = label_of(expr.base)
        if label is None:
            return no_part(self.report, expr)
        part: Cost | None = self.costs.part(label)
        if part is None:
            return self._no_label(label, expr.base.span)
        return getattr(part, expr.name.id) if expr.name.id in PART_FIGURES else no_figure(self.report, expr.name)

    def _call(self, expr: ast.CallExpr, scope: Scope) -> Any:
        if expr.callee.id != "shape":
            return super()._call(expr, scope)
        only = expr.arguments[0].value if len(expr.arguments) == 1 and expr.arguments[0].name is None else None
        label = label_of(only)
        if only is None or label is None:
            return no_shape(self.report, expr)
        value = self.program.entry.labels.get(label)
        return self._no_label(label, only.span) if value is None else value.type.dims

    def _no_label(self, label: str, span: Span) -> Unknown:
        return no_label(self.report, label, span, {*self.program.entry.labels, *(o.name for o in self.program.outputs)})


def number(value: Any) -> str:
    """A figure with thousands separators; other values as the language writes them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else show(value)
