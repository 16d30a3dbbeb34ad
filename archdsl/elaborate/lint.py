"""What a file says to no effect: parameters, constants, loop names, blocks and imports that nothing reads, `default`s
that hold for no call, and labels that are a word where a value was meant.

These are warnings of `archdsl check`. They go by names and places alone, so they say the same whatever the parameters
are. A name that begins with `_` is meant to be unread, and is left alone. One walk over the file notes where each name
is mentioned; every question after that is a search in a sorted list.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from archdsl.diagnostics.model import Label, Sink
from archdsl.elaborate.free_names import free_names
from archdsl.elaborate.module import Module
from archdsl.elaborate.names import parts
from archdsl.elaborate.report import Reporter, as_written, elaboration
from archdsl.elaborate.resolve import Resolver
from archdsl.limits import Limits
from archdsl.source import Span
from archdsl.syntax import ast


def lint(module: Module, sink: Sink, limits: Limits) -> None:
    """Warn about what a file says to no effect. What a file without models defines is there for others to import."""
    resolver = module.resolver
    if isinstance(resolver, Resolver) and module.tree is not None:
        with elaboration(sink, limits, module.ledger) as report:
            _Lint(report, resolver, module.tree).check()


class _Mentions:
    """Where names stand in a file: `reads` all that read one, `calls` those that apply it, by what it stands for;
    `values` are the names that are mentioned without being applied. Places are offsets, in order."""

    def __init__(self, tree: ast.File, resolver: Resolver) -> None:
        self.reads: dict[str, list[int]] = defaultdict(list)
        self.calls: dict[object, list[int]] = defaultdict(list)
        self.values: set[str] = set()
        self.resolver = resolver
        pending: list[Any] = [*tree.items]
        while pending:
            pending.extend(self._note(pending.pop()))
        for places in [*self.reads.values(), *self.calls.values()]:
            places.sort()

    def meant(self, name: str) -> object:
        """What a name stands for where nothing in the file hides it: operators have several."""
        found = self.resolver.find(name)
        return name if found is None else found.key

    def _note(self, node: Any) -> Iterable[Any]:
        """Note what one node mentions; what is to be looked at after it."""
        if isinstance(node, ast.Name):
            self.reads[node.id].append(node.span.start)
            self.values.add(node.id)
            return ()
        if isinstance(node, (ast.Apply, ast.FanOutFor, ast.CallExpr)):
            self.reads[node.callee.id].append(node.callee.span.start)
            self.calls[self.meant(node.callee.id)].append(node.callee.span.start)
            return [part for part in parts(node) if part is not node.callee]
        if isinstance(node, ast.Argument) and node.value is None and node.name is not None:
            self.reads[node.name.id].append(node.name.span.start)
            return ()
        if isinstance(node, ast.Input):
            for name in {name for dim in node.shape.dims for name in free_names(ast.ListExpr([dim], node.span))}:  # pyright: ignore[reportArgumentType]
                self.reads[name].append(node.shape.span.start)
            return ()
        if isinstance(node, (ast.Block, ast.Model)):
            signature = node.signature if isinstance(node, ast.Block) else None
            return [*node.parameters, signature, node.body] if signature else [*node.parameters, node.body]
        if isinstance(node, ast.Preset):
            return [node.base]
        if isinstance(node, ast.Default):
            return [argument for call in node.calls for argument in call.arguments]
        if isinstance(node, ast.Use):
            return ()
        return parts(node)


class _Lint:
    def __init__(self, report: Reporter, resolver: Resolver, tree: ast.File) -> None:
        self.report = report
        self.items = tree.items
        self.mentions = _Mentions(tree, resolver)
        self.end = len(tree.source.text)

    def check(self) -> None:
        library = not any(isinstance(item, (ast.Model, ast.Preset)) for item in self.items)
        for item in self.items:
            if isinstance(item, (ast.Block, ast.Model)):
                self._parameters(item)
                self._body(item)
            elif isinstance(item, ast.Default):
                self._default(item, self.end)
            if not library:
                self._item(item)

    def _item(self, item: ast.Item) -> None:
        """Names that an item gives to the file."""
        if isinstance(item, ast.Block):
            before, after = (0, item.span.start), (item.span.end, self.end)
            self._unread([item.name], "block", before, after, help="it is elaborated only where something calls it")
        elif isinstance(item, ast.Let):
            self._unread(item.targets, "constant", (item.span.end, self.end))
        elif isinstance(item, ast.Use):
            self._unread([entry.alias or entry.name for entry in item.imports], "import", (0, self.end))

    def _parameters(self, item: ast.Block | ast.Model) -> None:
        if isinstance(item, ast.Block) and item.name.id in self.mentions.values:
            return  # blocks that are chosen among (`basic` or `bottleneck`) have their parameters in common
        for parameter in item.parameters:
            what = "flag" if parameter.is_flag else "parameter"
            self._unread([parameter.name], what, (item.span.start, item.span.end))

    def _body(self, item: ast.Block | ast.Model) -> None:
        """The constants, loops, labels and `default`s of a block or model."""
        constants: list[ast.Let] = []
        loops: list[ast.For | ast.FanOutFor] = []
        labels: list[ast.String] = []
        pending: list[Any] = [item.body]
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Let):
                constants.append(node)
            elif isinstance(node, (ast.For, ast.FanOutFor)):
                loops.append(node)
            elif isinstance(node, ast.Body):
                for statement in node.statements:
                    if isinstance(statement, ast.Default):
                        self._default(statement, node.span.end)
            if isinstance(node, ast.Step) and node.label is not None and not node.label.span.text.startswith('"'):
                labels.append(node.label)
            pending.extend(parts(node))
        words = {let.targets[0].id: let.targets[0].span for let in constants if isinstance(let.value, ast.String)}
        words |= {target.id: target.span for loop in loops for target in loop.targets}
        mistaken = {label.span.text for label in labels if self._word(label, words)}
        for let in constants:
            self._unread([t for t in let.targets if t.id not in mistaken], "constant", (item.span.start, item.span.end))
        for loop in loops:
            self._loop(loop, mistaken)

    def _word(self, label: ast.String, words: Mapping[str, Span]) -> bool:
        """Whether `as n` was written where `n` is a loop's name or a string, and warned about: the label is the word,
        not what it stands for."""
        name = label.span.text
        if name in words:
            self.report.error(
                "W0203",
                f"the label is the word `{name}`, not what `{name}` stands for",
                label.span,
                f"the path is `{name}`",
                related=(Label(words[name], "defined here"),),
                help=f'write `as "{{{name}}}"` for the value',
                severity="warning",
            )
        return name in words

    def _loop(self, loop: ast.For | ast.FanOutFor, mistaken: set[str]) -> None:
        help = "a name that begins with `_` is not missed"
        over = loop.iterable
        if isinstance(loop, ast.For) and isinstance(over, ast.Range) and isinstance(over.start, ast.Int):
            times = as_written(over.stop.span)
            help = f"without it: `repeat {times} {{ ... }}`" if over.start.value == 0 else help
        names = [target for target in loop.targets if target.id not in mistaken]
        self._unread(names, "loop name", (loop.body.span.start, loop.body.span.end), help=help)

    def _unread(self, names: Iterable[ast.Name], what: str, *ranges: tuple[int, int], help: str = "") -> None:
        """Warn about names that no place in these ranges mentions."""
        for name in names:
            places = self.mentions.reads.get(name.id, [])
            if not name.id.startswith("_") and not any(_any_within(places, *within) for within in ranges):
                self._warn("W0201", f"nothing reads the {what} `{name.id}`", name.span, "never read", help)

    def _default(self, statement: ast.Default, end: int) -> None:
        """Warn where nothing below a `default`, as far as it holds, calls what it is about."""
        for call in statement.calls:
            name = call.callee.id
            calls = self.mentions.calls.get(self.mentions.meant(name), [])
            values = self.mentions.reads.get(name, [])
            if not _any_within(calls, statement.span.end, end) and not _any_within(values, statement.span.end, end):
                help = (
                    "a `default` holds for calls written below it in the same braces or file, not inside blocks defined"
                    f" elsewhere: write it where `{name}` is called"
                )
                message = f"nothing that this `default` holds for calls `{name}`"
                self._warn("W0204", message, call.span, "holds for no call", help)

    def _warn(self, code: str, message: str, span: Span, label: str, help: str) -> None:
        self.report.error(code, message, span, label, help=help, severity="warning")


def _any_within(places: list[int], start: int, end: int) -> bool:
    """Whether a sorted list has something from `start` up to `end`."""
    index = bisect_left(places, start)
    return index < len(places) and places[index] < end
