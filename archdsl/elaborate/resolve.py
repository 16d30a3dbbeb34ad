"""Names that no scope binds: the standard library and the operators."""

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.module import Module
from archdsl.elaborate.report import elaboration
from archdsl.elaborate.values import BlockDef, OperatorRef
from archdsl.limits import Limits
from archdsl.ops import catalogue
from archdsl.source import Source
from archdsl.std import INDEX, text
from archdsl.syntax import ast
from archdsl.syntax.parser import parse


class Resolver:
    """Finds standard blocks and operators by name; a standard file is parsed when a name in it is first used."""

    def __init__(self, sink: Sink, limits: Limits) -> None:
        self.sink = sink
        self.limits = limits
        self._files: dict[str, Module] = {}
        self._found: dict[str, OperatorRef | BlockDef | None] = {}

    def find(self, name: str) -> OperatorRef | BlockDef | None:
        """The standard block or operator of this name, or None."""
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def names(self) -> set[str]:
        """Every name `find` knows."""
        return {*INDEX, *catalogue.names()}

    def standard_file(self, stem: str) -> Module:
        """One file of the standard library, elaborated up to its items."""
        known = self._files.get(stem)
        if known is None:
            source = Source(f"std/{stem}.arch", text(stem), standard=True)
            known = self._files[stem] = Module(source)
            tree = parse(source, self.sink, self.limits)
            if tree is not None:
                self._run(tree, known)
        return known

    def _run(self, tree: ast.File, module: Module) -> None:
        """Run a standard file's own `use std...`, `let` and `default`, under budgets of their own."""
        from archdsl.elaborate.calls import Elaborator
        from archdsl.elaborate.items import run_items

        def use(item: ast.Use) -> None:
            assert item.module is not None  # a standard file uses standard files only
            found = self.standard_file(item.module.removeprefix("std.")).scope.names
            for entry in item.imports:
                module.scope.names[(entry.alias or entry.name).id] = found[entry.name.id]

        with elaboration(self.sink, self.limits) as report:
            run_items(tree, module, Elaborator(report, self), use)

    def _look_up(self, name: str) -> OperatorRef | BlockDef | None:
        stem = INDEX.get(name)
        if stem is not None:
            found = self.standard_file(stem).scope.names.get(name)
            return found if isinstance(found, BlockDef) else None
        cls = catalogue.lookup(name)
        return None if cls is None else OperatorRef(cls)
