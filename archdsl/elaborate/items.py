"""Running the items of a file that need evaluation: `use`, `let` and `default`, in order."""

from collections.abc import Callable

from archdsl.elaborate.builder import Builder
from archdsl.elaborate.calls import Elaborator
from archdsl.elaborate.frame import Frame
from archdsl.elaborate.module import Module, define_items
from archdsl.elaborate.values import BlockDef
from archdsl.syntax import ast


def run_items(tree: ast.File, module: Module, elaborator: Elaborator, use: Callable[[ast.Use], None]) -> None:
    """Define the items of a file in its module and run those that need it; what stands below a `default` sees it. `use`
    brings in what a `use` names. Everything wrong is reported by the elaborator."""
    rest = {id(item) for item in define_items(tree, module)}
    frame = Frame(Builder(), module.scope, None)
    for item in tree.items:
        if id(item) not in rest:
            _give_defaults(item, module)
        elif isinstance(item, ast.Use):
            use(item)
        elif isinstance(item, (ast.Let, ast.Default)):
            elaborator.run(ast.Body([item], item.span), frame)


def _give_defaults(item: ast.Item, module: Module) -> None:
    defaults = module.scope.defaults
    if isinstance(item, (ast.Block, ast.Model)):
        definition = module.scope.names.get(item.name.id)
        if isinstance(definition, BlockDef) and definition.syntax is item:
            definition.scope.defaults = defaults
