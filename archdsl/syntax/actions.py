"""From what the grammar recognised to AST nodes: one `make_` method for each rule or alias of grammar.lark.

Called while the parser runs, so the only tree there ever is is the AST. A method gets the offsets of the text
it covers (brackets included) and the values of its children, without punctuation. Rules that a grammar states
clumsily (a flag with a default, two rests in a shape) are checked here, where both parts are at hand.

Annotations stay text: evaluating the unions in them would cost 3 ms of every command's start.
"""

from __future__ import annotations

from archdsl.syntax import ast
from archdsl.syntax.expression_actions import ExpressionActions


class Actions(ExpressionActions):
    """Makes the nodes of one file."""

    # -------------------------------------------------------------------------------------------------- items

    def make_file(self, start: int, end: int, *items: ast.Item | None) -> ast.File:
        return ast.File(self.source, [item for item in items if item is not None])

    def make_version(self, start: int, end: int, number: ast.Int | ast.Float) -> None:
        """Checked and forgotten: there is one version."""
        if start != self.first:
            message = "the version stands at the start of the file"
            self.report("E0114", message, self.span(start, end), "not the first item", "move it up")
        elif number.value != 1 or not isinstance(number, ast.Int):
            message = f"version {number.span.text} of the language is not known"
            self.report("E0114", message, number.span, "unknown version", "this archdsl reads version 1: `archdsl 1`")

    def make_use_path(self, start: int, end: int, path: ast.String, imports: list[ast.Import]) -> ast.Use:
        return ast.Use(plain_text(path), None, imports, path.span, self.span(start, end))

    def make_use_module(self, start: int, end: int, path: list[ast.Name], imports: list[ast.Import]) -> ast.Use:
        target = path[0].span.to(path[-1].span)
        return ast.Use(None, ".".join(part.id for part in path), imports, target, self.span(start, end))

    def make_dotted(self, start: int, end: int, *parts: ast.Name) -> list[ast.Name]:
        return list(parts)

    def make_imports(self, start: int, end: int, *imports: ast.Import) -> list[ast.Import]:
        return list(imports)

    def make_import_(self, start: int, end: int, name: ast.Name, alias: ast.Name | None) -> ast.Import:
        return ast.Import(name, alias)

    def make_let(self, start: int, end: int, targets: list[ast.Name], value: ast.Expr) -> ast.Let:
        return ast.Let(targets, value, self.span(start, end))

    def make_names(self, start: int, end: int, *names: ast.Name) -> list[ast.Name]:
        return list(names)

    def make_default(self, start: int, end: int, *calls: ast.CallExpr) -> ast.Default:
        return ast.Default(list(calls), self.span(start, end))

    def make_block(
        self,
        start: int,
        end: int,
        name: ast.Name,
        parameters: list[ast.Parameter] | None,
        signature: ast.Signature | None,
        body: ast.Body,
    ) -> ast.Block:
        doc = self.docs.get(start, "")
        return ast.Block(name, parameters or [], signature, body, doc, self.span(start, end))

    def make_model(
        self, start: int, end: int, name: ast.Name, parameters: list[ast.Parameter] | None, body: ast.Body
    ) -> ast.Model:
        return ast.Model(name, parameters or [], body, self.docs.get(start, ""), self.span(start, end))

    def make_preset(self, start: int, end: int, name: ast.Name, base: ast.CallExpr) -> ast.Preset:
        return ast.Preset(name, base, self.docs.get(start, ""), self.span(start, end))

    def make_test(self, start: int, end: int, target: ast.CallExpr, *checks: ast.Check | None) -> ast.Test:
        kept = [check for check in checks if check is not None]
        return ast.Test(target, kept, self.docs.get(start, ""), self.span(start, end))

    def make_bare_call(self, start: int, end: int, name: ast.Name) -> ast.CallExpr:
        return ast.CallExpr(name, [], name.span)

    def make_parameters(self, start: int, end: int, *parameters: ast.Parameter) -> list[ast.Parameter]:
        return list(parameters)

    def make_parameter(self, start: int, end: int, name: ast.Name, default: ast.Expr | None) -> ast.Parameter:
        return ast.Parameter(name, None, [], default, False, self.span(start, end))

    def make_typed_parameter(
        self, start: int, end: int, name: ast.Name, choices: list[ast.Expr], default: ast.Expr | None
    ) -> ast.Parameter:
        """`n: int` has one alternative that is a name: a type. Anything else is a list of choices."""
        kind = choices[0]
        if len(choices) == 1 and isinstance(kind, ast.Name):
            return ast.Parameter(name, kind, [], default, False, self.span(start, end))
        return ast.Parameter(name, None, choices, default, False, self.span(start, end))

    def make_flag(self, start: int, end: int, name: ast.Name, default: ast.Expr | None) -> ast.Parameter:
        if default is not None:
            help = f"write `{name.id}: bool = true` for a bool parameter with another default"
            self.report(
                "E0115",
                f"the flag `{name.id}` has a default",
                default.span,
                "a flag is false unless set",
                help,
            )
        span = self.span(start, end)
        return ast.Parameter(name, ast.Name("bool", span), [], ast.Bool(False, span), True, span)

    def make_choices(self, start: int, end: int, *choices: ast.Expr) -> list[ast.Expr]:
        return list(choices)

    def make_block_type(self, start: int, end: int) -> ast.Name:
        return ast.Name("block", self.span(start, end))

    def make_signature(
        self, start: int, end: int, inputs: list[ast.SignatureInput], outputs: list[ast.ShapePattern] | None
    ) -> ast.Signature:
        if len(inputs) > 1:
            for one in inputs:
                if one.name is None:
                    message = "one of several inputs has no name"
                    self.report("E0116", message, one.span, "unnamed", "name it: `query: [N, T, d]`")
        return ast.Signature(inputs, outputs or [], self.span(start, end))

    def make_signature_inputs(self, start: int, end: int, *inputs: ast.SignatureInput) -> list[ast.SignatureInput]:
        return list(inputs)

    def make_signature_input(
        self, start: int, end: int, name: ast.Name | None, shape: ast.ShapePattern
    ) -> ast.SignatureInput:
        return ast.SignatureInput(name, shape, self.span(start, end))

    def make_shapes(self, start: int, end: int, *shapes: ast.ShapePattern) -> list[ast.ShapePattern]:
        return list(shapes)

    def make_shape(self, start: int, end: int, *dims: ast.Expr | ast.Rest) -> ast.ShapePattern:
        kept: list[ast.Expr | ast.Rest | ast.Wildcard] = []
        rest: ast.Rest | None = None
        for dim in dims:
            if isinstance(dim, ast.Rest):
                if rest is not None:
                    help = "only one part of a shape can take however many dimensions are left"
                    self.report("E0117", "a shape has two rests", dim.span, "the second one", help)
                    continue
                rest = dim
            is_wildcard = isinstance(dim, ast.Name) and dim.id == "_"
            kept.append(ast.Wildcard(dim.span) if is_wildcard else dim)
        return ast.ShapePattern(kept, self.span(start, end))

    def make_rest(self, start: int, end: int, name: ast.Name | None) -> ast.Rest:
        return ast.Rest(name, self.span(start, end))

    def make_check(self, start: int, end: int, left: ast.Expr, citation: ast.String | None) -> ast.Check:
        return ast.Check("expr", left, None, 0.0, plain_text(citation), self.span(start, end))

    def make_check_round(
        self, start: int, end: int, left: ast.Expr, right: ast.Expr, citation: ast.String | None
    ) -> ast.Check:
        return ast.Check("round", left, right, 0.0, plain_text(citation), self.span(start, end))

    def make_check_within(
        self,
        start: int,
        end: int,
        left: ast.Expr,
        within: ast.Name,
        tolerance: ast.Int | ast.Float,
        percent: str,
        of: ast.Name,
        right: ast.Expr,
        citation: ast.String | None,
    ) -> ast.Check:
        for word, meant in ((within, "within"), (of, "of")):
            if word.id != meant:
                help = "a tolerance is written `macs within 2% of 3.8G`"
                self.report("E0118", f"expected `{meant}`, found `{word.id}`", word.span, "not known here", help)
        tolerance_value = float(tolerance.value)
        return ast.Check("within", left, right, tolerance_value, plain_text(citation), self.span(start, end))

    def make_lost(self, start: int, end: int, nothing: None) -> None:
        """Stands where a check could not be read."""

    # --------------------------------------------------------------------------------------------- statements

    def make_body(self, start: int, end: int, *statements: ast.Statement | None) -> ast.Body:
        return ast.Body([s for s in statements if s is not None], self.span(start, end))

    make_branch = make_body

    def make_flow_statement(self, start: int, end: int, flow: ast.Flow) -> ast.FlowStatement:
        return ast.FlowStatement(flow, flow.span)

    def make_bind(self, start: int, end: int, targets: list[ast.Name], flow: ast.Flow) -> ast.Bind:
        return ast.Bind(targets, flow, self.span(start, end))

    def make_for(self, start: int, end: int, targets: list[ast.Name], iterable: ast.Expr, body: ast.Body) -> ast.For:
        return ast.For(targets, iterable, body, self.span(start, end))

    def make_repeat(self, start: int, end: int, count: ast.Expr, body: ast.Body) -> ast.Repeat:
        return ast.Repeat(count, body, self.span(start, end))

    def make_if(
        self,
        start: int,
        end: int,
        condition: ast.Expr,
        body: ast.Body,
        *rest: tuple[ast.Expr, ast.Body] | ast.Body | None,
    ) -> ast.If:
        arms = [(condition, body)]
        otherwise: ast.Body | None = None
        for part in rest:
            if isinstance(part, tuple):
                arms.append(part)
            else:
                otherwise = part
        return ast.If(arms, otherwise, self.span(start, end))

    def make_else_if(self, start: int, end: int, condition: ast.Expr, body: ast.Body) -> tuple[ast.Expr, ast.Body]:
        return condition, body

    def make_shared(self, start: int, end: int, name: ast.Name, application: ast.Apply) -> ast.Shared:
        return ast.Shared(name, application, self.span(start, end))

    def make_input(self, start: int, end: int, name: ast.Name, dtype: ast.Name, shape: ast.ShapePattern) -> ast.Input:
        return ast.Input(name, dtype, shape, self.span(start, end))

    def make_output(
        self, start: int, end: int, name: ast.Name, modifiers: list[ast.Name] | None, flow: ast.Flow | None
    ) -> ast.Output:
        return ast.Output(name, modifiers or [], flow, self.span(start, end))

    def make_modifiers(self, start: int, end: int, *names: ast.Name) -> list[ast.Name]:
        return list(names)

    def make_expect(self, start: int, end: int, *patterns: ast.ShapePattern) -> ast.Expect:
        return ast.Expect(list(patterns), self.span(start, end))

    def make_require(self, start: int, end: int, condition: ast.Expr, message: ast.String | None) -> ast.Require:
        return ast.Require(condition, message, self.span(start, end))

    # --------------------------------------------------------------------------------------------------- flow

    def make_flow(self, start: int, end: int, *steps: ast.Step) -> ast.Flow:
        return ast.Flow(list(steps), self.span(start, end))

    def make_apply(
        self,
        start: int,
        end: int,
        callee: ast.Name,
        arguments: list[ast.Argument] | None,
        branches: list[ast.Body] | None,
        label: ast.String | None,
    ) -> ast.Apply:
        return ast.Apply(callee, arguments, branches, label, self.span(start, end))

    def make_application(
        self,
        start: int,
        end: int,
        callee: ast.Name,
        arguments: list[ast.Argument] | None,
        branches: list[ast.Body] | None,
    ) -> ast.Apply:
        return ast.Apply(callee, arguments, branches, None, self.span(start, end))

    def make_fan_out_for(
        self,
        start: int,
        end: int,
        callee: ast.Name,
        arguments: list[ast.Argument] | None,
        targets: list[ast.Name],
        iterable: ast.Expr,
        body: ast.Body,
        label: ast.String | None,
    ) -> ast.FanOutFor:
        return ast.FanOutFor(callee, arguments, targets, iterable, body, label, self.span(start, end))

    def make_tuple_step(self, start: int, end: int, *parts: ast.Flow | ast.String) -> ast.TupleStep:
        label = parts[-1] if isinstance(parts[-1], ast.String) else None
        flows = [part for part in parts if isinstance(part, ast.Flow)]
        return ast.TupleStep(flows, label, self.span(start, end))

    def make_group(self, start: int, end: int, body: ast.Body, label: ast.String | None) -> ast.Group:
        return ast.Group(body, label, self.span(start, end))

    def make_recompute(
        self, start: int, end: int, condition: ast.Expr | None, body: ast.Body, label: ast.String | None
    ) -> ast.Recompute:
        return ast.Recompute(condition, body, label, self.span(start, end))

    def make_branches(self, start: int, end: int, *branches: ast.Body) -> list[ast.Body]:
        return list(branches)

    def make_label(self, start: int, end: int, text: ast.String) -> ast.String:
        return text

    def make_name_label(self, start: int, end: int, name: ast.Name) -> ast.String:
        return ast.String([name.id], name.span)

    def make_arguments(self, start: int, end: int, *arguments: ast.Argument) -> list[ast.Argument]:
        return list(arguments)

    def make_argument(self, start: int, end: int, value: ast.Expr) -> ast.Argument:
        return ast.Argument(None, value, self.span(start, end))

    def make_named_argument(self, start: int, end: int, name: ast.Name, value: ast.Expr) -> ast.Argument:
        return ast.Argument(name, value, self.span(start, end))

    def make_negated_argument(self, start: int, end: int, name: ast.Name) -> ast.Argument:
        return ast.Argument(name, None, self.span(start, end))


def plain_text(string: ast.String | None) -> str:
    """The text of a string that the grammar allows no interpolation in."""
    return "".join(part for part in string.parts if isinstance(part, str)) if string else ""
