"""A file after its names are defined: what importing it, elaborating its models and running its tests start from."""

from archdsl.elaborate.values import BlockDef, ModelPreset, Scope
from archdsl.limits import Ledger, Limits
from archdsl.records import field, record
from archdsl.source import Source, Span
from archdsl.syntax import ast


@record
class TestItem:
    """A `test` item with the scope it stands in."""

    __test__ = False  # the name would make pytest collect it

    syntax: ast.Test
    scope: Scope


@record
class Module:
    """One `.arch` file. `scope.names` holds constants, blocks, models and imports; `models` what can be elaborated, in
    source order, presets included and imported models not."""

    source: Source
    scope: Scope = field(default_factory=lambda: Scope(None))
    models: dict[str, BlockDef | ModelPreset] = field(default_factory=dict[str, BlockDef | ModelPreset])
    tests: list[TestItem] = field(default_factory=list[TestItem])
    places: dict[str, Span] = field(default_factory=dict[str, Span])
    """Where each name is defined."""
    sound: bool = True
    """Whether loading it, imports included, found no mistake. What is wrong in a module that is not is still looked
    for, but none of its models can be built."""
    sources: tuple[Source, ...] = ()
    """The text of the spec that was asked for and those of the files that it imports, each once, in the order in which
    they are read; the standard library is none of them."""
    tree: ast.File | None = None
    """What the file says; None for a file of the standard library."""
    resolver: object = None
    """The `Resolver` shared by everything that elaborates this module."""
    ledger: Ledger = field(default_factory=Ledger)
    """What was spent where all models and tests of the file were asked for."""

    def closed(self, limits: Limits) -> bool:
        """Whether the file, or the command that looks at it, has spent its budget."""
        return self.ledger.spent or (limits.command is not None and limits.command.spent)


def define_items(tree: ast.File, module: Module) -> list[ast.Item]:
    """Define the blocks, models and tests of a file; returns the items that need evaluation (`use`, `let`, `default`).

    Blocks and models see every name of the file, whatever the order. Items that need evaluation are left to the loader.
    """
    rest: list[ast.Item] = []
    for item in tree.items:
        if isinstance(item, (ast.Block, ast.Model)):
            # A scope of its own per block, sharing the file's names: `default` statements hold from where they stand.
            definition = BlockDef(item, Scope(None, module.scope.names))
            module.scope.names[item.name.id] = definition
            module.places[item.name.id] = item.name.span
            if isinstance(item, ast.Model):
                module.models[item.name.id] = definition
        elif isinstance(item, ast.Preset):
            preset = ModelPreset(item, Scope(None, module.scope.names))
            module.scope.names[item.name.id] = preset
            module.models[item.name.id] = preset
            module.places[item.name.id] = item.name.span
        elif isinstance(item, ast.Test):
            module.tests.append(TestItem(item, Scope(None, module.scope.names)))
        else:
            rest.append(item)
    return rest


__all__ = ["ModelPreset", "Module", "TestItem", "define_items"]
