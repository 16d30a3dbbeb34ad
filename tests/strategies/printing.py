"""A syntax tree written back as text, in any layout that the language allows.

Reading the text gives the tree again: `parse` and this are each other's oracle. Parentheses stand where the grammar
needs them, or everywhere.
"""

from collections.abc import Callable, Iterable, Sequence

from archdsl.syntax import ast

Pick = Callable[[Sequence[str]], str]
"""Chooses among ways to write the same thing; the first is the plain one."""

CONDITIONAL, OR, AND, NOT, COMPARISON, RANGE, SUM, PRODUCT, UNARY, POWER, POSTFIX = range(11)
"""Levels of the grammar, the weakest first."""


def plainly(ways: Sequence[str]) -> str:
    """Always the plain way."""
    return ways[0]


def source(file: ast.File, pick: Pick = plainly, loops: str = "repeat") -> str:
    """The text of a file. `loops` is how a `repeat` is written: as it is, as `for`, or "out" where its count is a
    number."""
    return _Printer(pick, loops).file(file.items)


class _Printer:
    def __init__(self, pick: Pick, loops: str = "repeat") -> None:
        self.pick = pick
        self.loops = loops

    # ------------------------------------------------------------------------------------------------------- layout

    def apart(self) -> str:
        """Between two statements, checks or arms."""
        return self.pick(["\n", ";", "; ", "\n\n", " # and so on\n", "\n  \n", ";\n", "\r\n", "\n# a line\n"])

    def after(self) -> str:
        """Where a line may break because something must follow."""
        return self.pick([" ", "\n", "", "  ", " # goes on\n"])

    def inside(self) -> str:
        """Inside brackets that keep lines together."""
        return self.pick(["", " ", "\n", "# here\n"])

    def listed(self, parts: Iterable[str]) -> str:
        return ("," + self.after()).join(parts)

    def braces(self, parts: Sequence[str]) -> str:
        inner = self.apart().join(parts)
        return "{" + self.after() + inner + self.pick([" ", "\n", "", "\n\n"]) + "}"

    # -------------------------------------------------------------------------------------------------------- items

    def file(self, items: Sequence[ast.Item]) -> str:
        return "\n".join(self.doc(item) + self.item(item) for item in items) + "\n"

    def doc(self, item: ast.Item) -> str:
        if isinstance(item, ast.Use | ast.Let | ast.Default) or not item.doc:
            return ""
        return "".join(f"## {line}\n" if line else "##\n" for line in item.doc.split("\n"))

    def item(self, item: ast.Item) -> str:
        match item:
            case ast.Use():
                where = item.module if item.path is None else quoted(item.path)
                names = [i.name.id + (f" as {i.alias.id}" if i.alias else "") for i in item.imports]
                return f"use {where} ({self.inside()}{self.listed(names)}{self.inside()})"
            case ast.Let() | ast.Default():
                return self.statement(item)
            case ast.Block():
                signature = "" if item.signature is None else " " + self.signature(item.signature)
                return f"block {item.name.id}{self.parameters(item.parameters)}{signature} {self.body(item.body)}"
            case ast.Model():
                return f"model {item.name.id}{self.parameters(item.parameters)} {self.body(item.body)}"
            case ast.Preset():
                return f"model {item.name.id} ={self.after()}{self.call(item.base)}"
            case ast.Test():
                return f"test {self.call(item.target)} {self.braces([self.check(c) for c in item.checks])}"

    def parameters(self, parameters: Sequence[ast.Parameter]) -> str:
        if not parameters:
            return self.pick(["", "()"])
        return f"({self.inside()}{self.listed(map(self.parameter, parameters))}{self.inside()})"

    def parameter(self, it: ast.Parameter) -> str:
        text = f"flag {it.name.id}" if it.is_flag else it.name.id
        if it.type is not None and not it.is_flag:
            text += f": {it.type.id}"
        elif it.choices:
            text += ": " + " | ".join(self.expression(choice, SUM) for choice in it.choices)
        implied = it.is_flag and isinstance(it.default, ast.Bool) and it.default.span.text not in ("true", "false")
        return text if it.default is None or implied else f"{text} = {self.expression(it.default)}"

    def signature(self, it: ast.Signature) -> str:
        inputs = ", ".join(f"{i.name.id}: {self.shape(i.shape)}" if i.name else self.shape(i.shape) for i in it.inputs)
        return inputs + (f" => {', '.join(map(self.shape, it.outputs))}" if it.outputs else "")

    def shape(self, it: ast.ShapePattern) -> str:
        return f"[{self.listed(map(self.dim, it.dims))}]"

    def dim(self, it: ast.Expr | ast.Rest | ast.Wildcard) -> str:
        if isinstance(it, ast.Wildcard):
            return "_"
        if isinstance(it, ast.Rest):
            return "..." + (it.name.id if it.name else "")
        return self.expression(it)

    def check(self, it: ast.Check) -> str:
        text = self.expression(it.left)
        if it.kind == "round" and it.right is not None:
            text += f" ~ {it.right.span.text}"
        elif it.kind == "within" and it.right is not None:
            text += f" within {it.tolerance!r}% of {self.expression(it.right)}"
        return f"{text} {quoted(it.citation)}" if it.citation else text

    # --------------------------------------------------------------------------------------------------- statements

    def body(self, it: ast.Body) -> str:
        return self.braces([self.statement(each) for each in it.statements])

    def names(self, targets: Sequence[ast.Name]) -> str:
        return ", ".join(target.id for target in targets)

    def statement(self, it: ast.Statement) -> str:
        match it:
            case ast.FlowStatement():
                return self.flow(it.flow)
            case ast.Bind():
                return f"{self.names(it.targets)} ={self.after()}{self.flow(it.flow)}"
            case ast.Let():
                return f"let {self.names(it.targets)} ={self.after()}{self.expression(it.value)}"
            case ast.Default():
                return f"default {', '.join(map(self.call, it.calls))}"
            case ast.For():
                return f"for {self.names(it.targets)} in {self.expression(it.iterable)} {self.body(it.body)}"
            case ast.Repeat():
                return self.repeat(it)
            case ast.If():
                arms = [f"if {self.expression(condition)} {self.body(body)}" for condition, body in it.arms]
                between = self.pick([" ", "\n"])
                text = f"{between}else ".join(arms)
                return text if it.otherwise is None else f"{text}{between}else {self.body(it.otherwise)}"
            case ast.Shared():
                return f"shared {it.name.id} = {self.step(it.application)}"
            case ast.Input():
                return f"input {it.name.id}: {it.dtype.id}{self.shape(it.shape)}"
            case ast.Output():
                modifiers = f"({self.names(it.modifiers)})" if it.modifiers else ""
                text = f"output {it.name.id}{modifiers}"
                return text if it.flow is None else f"{text} ={self.after()}{self.flow(it.flow)}"
            case ast.Expect():
                return f"expect {', '.join(map(self.shape, it.patterns))}"
            case ast.Require():
                message = "" if it.message is None else f", {self.string(it.message)}"
                return f"require {self.expression(it.condition)}{message}"

    def repeat(self, it: ast.Repeat) -> str:
        if self.loops == "out" and isinstance(it.count, ast.Int):
            return self.apart().join(self.body(it.body) for _ in range(it.count.value))
        if self.loops == "for":
            return f"for each_{it.span.start} in 0..{self.expression(it.count, SUM)} {self.body(it.body)}"
        return f"repeat {self.expression(it.count)} {self.body(it.body)}"

    def flow(self, it: ast.Flow) -> str:
        arrow = self.pick([" -> ", "->", "\n-> ", " ->\n", " -> # so\n"])
        return arrow.join(map(self.step, it.steps))

    def step(self, it: ast.Step) -> str:
        label = "" if it.label is None else f" as {self.label(it.label)}"
        match it:
            case ast.Apply():
                text = it.callee.id + self.arguments(it.arguments)
                if it.branches is not None:
                    bodies = [self.apart().join(map(self.statement, body.statements)) for body in it.branches]
                    bar = self.pick([" | ", "|", "\n| ", " |\n"])
                    text += " {" + self.after() + bar.join(bodies) + " }"
                return text + label
            case ast.FanOutFor():
                head = it.callee.id + self.arguments(it.arguments)
                text = f"{head} for {self.names(it.targets)} in {self.expression(it.iterable)} {self.body(it.body)}"
                return text + label
            case ast.TupleStep():
                return f"[{self.inside()}{self.listed(map(self.flow, it.flows))}]{label}"
            case ast.Group():
                return self.body(it.body) + label
            case ast.Recompute():
                condition = "" if it.condition is None else f" if {self.expression(it.condition)}"
                return f"recompute{condition} {self.body(it.body)}{label}"

    def label(self, it: ast.String) -> str:
        # A bare name is a string whose span has no quotes.
        return self.string(it) if it.span.text[:1] == '"' else str(it.parts[0])

    # -------------------------------------------------------------------------------------------------- expressions

    def call(self, it: ast.CallExpr) -> str:
        bare = not it.arguments and it.span.text == it.callee.id
        return it.callee.id if bare else it.callee.id + self.arguments(it.arguments)

    def arguments(self, given: Sequence[ast.Argument] | None) -> str:
        if given is None:
            return ""
        return f"({self.inside()}{self.listed(map(self.argument, given))}{self.inside()})"

    def argument(self, it: ast.Argument) -> str:
        if it.value is None:
            return f"!{it.name.id}" if it.name else ""
        text = self.expression(it.value)
        return f"{it.name.id} = {text}" if it.name else text

    def expression(self, it: ast.Expr, wanted: int = CONDITIONAL) -> str:
        """The text of an expression where the grammar takes one of a level."""
        text, level = self.leveled(it)
        if level < wanted or self.pick(["", "("]):
            return f"({self.inside()}{text}{self.inside()})"
        return text

    def leveled(self, it: ast.Expr) -> tuple[str, int]:
        match it:
            case ast.Int() | ast.Float():
                return it.span.text, POSTFIX
            case ast.Bool():
                return "true" if it.value else "false", POSTFIX
            case ast.NoneLiteral():
                return "none", POSTFIX
            case ast.String():
                return self.string(it), POSTFIX
            case ast.Name():
                return it.id, POSTFIX
            case ast.ListExpr():
                return f"[{self.inside()}{self.listed(map(self.expression, it.items))}{self.inside()}]", POSTFIX
            case ast.TupleExpr():
                comma = "," if len(it.items) == 1 else ""
                return f"({self.inside()}{self.listed(map(self.expression, it.items))}{comma})", POSTFIX
            case ast.Arithmetic():
                return self.arithmetic(it)
            case ast.Comparison():
                return self.chain(it.operands, it.operators, RANGE), COMPARISON
            case ast.Boolean():
                level = AND if it.operator == "and" else OR
                return self.chain(it.operands, [it.operator] * (len(it.operands) - 1), level + 1), level
            case ast.Not():
                return f"not {self.expression(it.operand, NOT)}", NOT
            case ast.Negative():
                return f"-{self.expression(it.operand, UNARY)}", UNARY
            case ast.Conditional():
                arms = [self.expression(each, OR) for each in (it.then, it.condition)]
                return f"{arms[0]} if {arms[1]} else {self.expression(it.otherwise)}", CONDITIONAL
            case ast.Range():
                return f"{self.expression(it.start, SUM)}..{self.expression(it.stop, SUM)}", RANGE
            case ast.Index():
                return f"{self.expression(it.base, POSTFIX)}[{self.expression(it.index)}]", POSTFIX
            case ast.Attribute():
                return f"{self.expression(it.base, POSTFIX)}.{it.name.id}", POSTFIX
            case ast.CallExpr():
                return it.callee.id + self.arguments(it.arguments), POSTFIX
            case ast.Match():
                arms = [self.arm(arm) for arm in it.arms]
                return f"match {self.expression(it.subject)} {self.braces(arms)}", POSTFIX

    def arm(self, it: ast.MatchArm) -> str:
        patterns = " | ".join(map(self.expression, it.patterns)) or "_"
        return f"{patterns} =>{self.after()}{self.expression(it.value)}"

    def arithmetic(self, it: ast.Arithmetic) -> tuple[str, int]:
        if it.operators == ["**"]:
            base, exponent = it.operands
            return f"{self.expression(base, POSTFIX)} ** {self.expression(exponent, UNARY)}", POWER
        level = SUM if it.operators[0] in "+-" else PRODUCT
        return self.chain(it.operands, it.operators, level + 1), level

    def chain(self, operands: Sequence[ast.Expr], operators: Sequence[str], level: int) -> str:
        text = self.expression(operands[0], level)
        for operator, operand in zip(operators, operands[1:], strict=True):
            text += f" {operator}{self.after() or ' '}{self.expression(operand, level)}"
        return text

    def string(self, it: ast.String) -> str:
        # A string stays on its line, with all that is inside it.
        plain = _Printer(plainly)
        parts = (escaped(p) if isinstance(p, str) else f"{{{plain.expression(p)}}}" for p in it.parts)
        return f'"{"".join(parts)}"'


def quoted(text: str) -> str:
    """A string without interpolations."""
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("{", "{{"), ("}", "}}")):
        text = text.replace(plain, written)
    return text
