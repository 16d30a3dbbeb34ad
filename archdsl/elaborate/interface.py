"""What binding needs to know of a callee: the names, types and spellings of its parameters, worked out once."""

from typing import Any

from archdsl.elaborate.builtins import BUILTINS
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.values import BlockDef, Interface, Static, type_name
from archdsl.ir.operator import Operator
from archdsl.syntax import ast

BLOCK_TYPES = ("int", "float", "bool", "string", "list", "block", "tensor", "window", "padding")
"""Types a block parameter may declare; the last two are kinds of operators' arguments, for blocks that pass them on."""


class Interfaces:
    """Interfaces of blocks and operators, kept."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.report = evaluator.report
        self._operators: dict[type[Operator], Interface] = {}

    def operator(self, cls: type[Operator]) -> Interface:
        """The interface of an operator."""
        known = self._operators.get(cls)
        if known is None:
            specs = tuple(spec for spec in cls.arguments() if spec.kind != "lengths")
            known = self._operators[cls] = Interface(
                tuple(spec.name for spec in specs),
                frozenset(spec.name for spec in specs if spec.kind == "bool"),
                {spec.name: ("same",) if spec.kind == "padding" else spec.choices for spec in specs},
                (),
                {},
                specs,
                next((spec for spec in cls.arguments() if spec.kind == "lengths"), None),
            )
        return known

    def block(self, definition: BlockDef) -> Interface:
        """The interface of a block or model."""
        if definition.interface is None:
            types: dict[str, str | None] = {}
            for parameter in definition.syntax.parameters:
                types[parameter.name.id] = self._type(parameter, types, definition)
            definition.interface = Interface(
                tuple(types),
                frozenset(name for name, type in types.items() if type == "bool"),
                {
                    parameter.name.id: ("same",) if types[parameter.name.id] == "padding" else _words(parameter)
                    for parameter in definition.syntax.parameters
                },
                tuple(name for name, type in types.items() if type == "block"),
                types,
                (),
            )
        return definition.interface

    def _type(self, parameter: ast.Parameter, earlier: dict[str, str | None], definition: BlockDef) -> str | None:
        """The type a parameter asks for: written, or that of its choices or default; None if anything goes."""
        if parameter.is_flag:
            return "bool"
        if parameter.type is not None:
            name = parameter.type.id
            if name in BLOCK_TYPES:
                return name
            from archdsl.elaborate.advice import foreign_type

            help, edits = foreign_type(self.report, parameter.type.span, name, BLOCK_TYPES)
            told = f"the types are {', '.join(BLOCK_TYPES)}"
            self.report.error("E0304", f"`{name}` is not a type", parameter.type.span, told, help=help, edits=edits)
            return None
        if parameter.default is None or parameter.choices:
            return None
        return self._type_of(parameter.default, earlier, definition)

    def _type_of(self, default: ast.Expr, earlier: dict[str, str | None], definition: BlockDef) -> str | None:
        literal = _LITERAL_TYPES.get(type(default))
        if literal is not None:
            return literal
        if isinstance(default, ast.Negative):
            return self._type_of(default.operand, earlier, definition)
        if isinstance(default, ast.Name):
            return earlier[default.id] if default.id in earlier else self._named(default.id, definition)
        if isinstance(default, ast.CallExpr):
            name = default.callee.id
            return None if name in BUILTINS and definition.scope.lookup(name) is None else "block"
        names = free_names(default)
        if any(name in earlier or definition.scope.lookup(name) is None for name in names):
            # It depends on earlier parameters, which may be anything.
            return None
        return _declarable(self.evaluator.evaluate(default, definition.scope))

    def _named(self, name: str, definition: BlockDef) -> str | None:
        bound = definition.scope.lookup(name)
        if bound is None:
            bound = self.evaluator.resolve_callable(name)
        return _declarable(bound.value if isinstance(bound, Static) else bound)


def _declarable(value: Any) -> str | None:
    found = type_name(value)
    return found if found in BLOCK_TYPES else None


def _words(parameter: ast.Parameter) -> tuple[str, ...]:
    """String choices of a parameter, which may be written without quotes."""
    return tuple(
        choice.parts[0]
        for choice in parameter.choices
        if isinstance(choice, ast.String) and len(choice.parts) == 1 and isinstance(choice.parts[0], str)
    )


_LITERAL_TYPES: dict[type, str] = {
    ast.Int: "int",
    ast.Float: "float",
    ast.Bool: "bool",
    ast.String: "string",
    ast.ListExpr: "list",
    ast.TupleExpr: "list",
    ast.Range: "list",
}
