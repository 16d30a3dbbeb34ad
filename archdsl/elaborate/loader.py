"""Loading files: reading, parsing, imports, constants.

Imports are resolved against the importing file and never leave the project root: the folder the caller names, else the
working directory when the main file lies in it, else the main file's own folder. Symbolic links are followed before
that is checked."""

import os
import stat
from pathlib import Path

from archdsl.diagnostics.model import Diagnostic, Label, Sink
from archdsl.elaborate.calls import Elaborator
from archdsl.elaborate.items import run_items
from archdsl.elaborate.module import Module
from archdsl.elaborate.report import FILE_STEPS, Reporter, elaboration, nearest
from archdsl.elaborate.resolve import Resolver
from archdsl.elaborate.values import UNKNOWN, Static
from archdsl.files import open_input, real_path
from archdsl.limits import Ledger, Limits
from archdsl.source import Source, Span
from archdsl.syntax import ast
from archdsl.syntax.parser import parse


def load_file(path: str | os.PathLike[str], sink: Sink, limits: Limits, root: str | None = None) -> Module | None:
    """Read and load a spec file; None when it cannot be read or parsed. Everything wrong is in `sink`."""
    real = _real(path)
    text = _read(real, str(path), sink, limits)
    if text is None:
        return None
    return _load(Source(str(path), text), real, sink, limits, _root(real, root))


def read_source(path: str | os.PathLike[str], sink: Sink, limits: Limits) -> Source | None:
    """The text of a spec file without its imports; None after a report to `sink`."""
    text = _read(_real(path), str(path), sink, limits)
    return None if text is None else Source(str(path), text)


def load_text(text: str, sink: Sink, limits: Limits, name: str = "<string>", root: str | None = None) -> Module | None:
    """Load a spec from a string; relative imports are resolved against `root`, else the working directory."""
    base = os.path.realpath(root) if root else _here()
    return _load(Source(name, text), os.path.join(base, "<string>"), sink, limits, base)


def load_source(source: Source, sink: Sink, limits: Limits) -> Module | None:
    """Load a text as if it stood in the file that the source names, imports included."""
    real = _real(source.name)
    return _load(source, real, sink, limits, _root(real, None))


def _load(source: Source, real: str, sink: Sink, limits: Limits, root: str) -> Module | None:
    before = len(sink.found)
    file = Ledger()
    module = None
    sources: list[Source] = []
    with elaboration(sink, limits, file) as report:
        module = _Loader(report, root, sources).load(source, real)
    if module is not None:
        module.sources = tuple(sources)
        module.ledger = file
        module.sound = not report.errors and not any(found.severity == "error" for found in sink.found[before:])
    return module


def _real(path: str | os.PathLike[str]) -> str:
    """The path with symbolic links followed; as it is where the system cannot even look at it."""
    try:
        return real_path(path)
    except OSError:
        return str(path)


def _here() -> str:
    """The working directory; a place that holds nothing where it has been removed."""
    try:
        return os.path.realpath(os.getcwd())
    except OSError:
        return os.devnull


def _root(real: str, root: str | None) -> str:
    if root is not None:
        return os.path.realpath(root)
    here = _here()
    return here if _inside(real, here) else os.path.dirname(real)


def _is_path(path: str) -> bool:
    """Whether a system may have a file of this name: not with a NUL, nor with half of a character."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _read(real: str, shown: str, sink: Sink, limits: Limits, span: Span | None = None) -> str | None:
    """The text of a file, or None after a report. Never reads more than the limit allows."""
    try:
        with open_input(real) as stream:
            data = stream.read(limits.source_bytes + 1)
            is_pipe = stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except IsADirectoryError:
        return _unreadable(sink, "E0602", f"`{shown}` is a folder, not a file", span)
    except FileNotFoundError:
        return _unreadable(sink, "E0601", f"there is no file `{shown}`", span, _similar(real, shown))
    except OSError as error:
        return _unreadable(sink, "E0603", f"`{shown}` cannot be read: {error.strerror or error}", span)
    if is_pipe and not data:
        return _unreadable(sink, "E0603", f"`{shown}` is a pipe that nothing writes into", span)
    if len(data) > limits.source_bytes:
        sink.add(
            Diagnostic(
                "E0901",
                f"`{shown}` is larger than {limits.source_bytes} bytes",
                span,
                help="raise it with --limit source_bytes=...",
            )
        )
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unreadable(sink, "E0604", f"`{shown}` is not UTF-8 text: byte {error.start} is wrong", span)


def _unreadable(sink: Sink, code: str, message: str, span: Span | None, help: str = "") -> None:
    sink.add(Diagnostic(code, message, span, help=help))


def _similar(real: str, shown: str) -> str:
    """A file beside the one that is missing whose name without the ending is nearly the same; endings always are."""
    stem, suffix = os.path.splitext(os.path.basename(real))
    try:
        names = [entry.name for entry in os.scandir(os.path.dirname(real)) if os.path.splitext(entry.name)[1] == suffix]
    except OSError:
        return ""
    if shown.isidentifier():
        if os.path.isfile(f"{real}.arch"):
            return f"did you mean `{shown}.arch`?"
        from archdsl.elaborate.zoo_names import network_meant

        return network_meant(shown) or "`archdsl specs` lists the networks that are named without a path"
    stems = [os.path.splitext(name)[0] for name in names]
    swapped = next((name for name in stems if sorted(name) == sorted(stem)), None)
    found = swapped or nearest(stem, stems)
    return f"did you mean `{os.path.join(os.path.dirname(shown), found + suffix)}`?" if found else ""


class _Loader:
    """Loads one file and everything it imports, each file once."""

    def __init__(self, report: Reporter, root: str, sources: list[Source]) -> None:
        self.report = report
        self.sink = report.sink
        self.limits = report.limits
        self.root = root
        self.resolver = Resolver(report.sink, report.limits)
        self.elaborator = Elaborator(report, self.resolver)
        self.modules: dict[str, Module | None] = {}
        self.open: list[str] = []
        self.sources = sources
        self.bytes = 0

    def load(self, source: Source, real: str) -> Module | None:
        self.bytes += len(source.text.encode("utf-8", "surrogatepass"))
        if self.bytes > self.limits.import_bytes:
            limit = self.limits.import_bytes
            span = Span(source, 0, 0)
            message = f"the spec and its imports are larger than {limit} bytes"
            raise self.report.limit("E0909", message, span, "import_bytes")
        self.sources.append(source)
        before = len(self.sink.found)
        tree = parse(source, self.sink, self.limits)
        if tree is None or any(found.severity == "error" for found in self.sink.found[before:]):
            # Names that could not be read would be missed all over the rest.
            return None
        module = Module(source)
        module.resolver = self.resolver
        module.tree = tree
        self.report.open(tree.items[0].span if tree.items else Span(source, 0, 0))
        self.open.append(real)
        self._duplicates(tree)
        run_items(tree, module, self.elaborator, lambda item: self._use(item, module, real))
        self.open.pop()
        self.report.level -= 1
        return module

    def _duplicates(self, tree: ast.File) -> None:
        seen: dict[str, Span] = {}
        for item in tree.items:
            if isinstance(item, (ast.Block, ast.Model, ast.Preset)):
                names = [item.name]
            elif isinstance(item, ast.Let):
                names = item.targets
            elif isinstance(item, ast.Use):
                names = [entry.alias or entry.name for entry in item.imports]
            else:
                continue
            for name in names:
                if name.id in seen:
                    self.report.error(
                        "E0204",
                        f"`{name.id}` is defined twice in this file",
                        name.span,
                        "defined again",
                        related=(Label(seen[name.id], "first defined here"),),
                    )
                else:
                    seen[name.id] = name.span

    # ----------------------------------------------------------------------------------------------------- imports

    def _use(self, item: ast.Use, module: Module, real: str) -> None:
        target = self._standard(item) if item.module is not None else self._file(item, real)
        for entry in item.imports:
            name = (entry.alias or entry.name).id
            found = target.scope.names.get(entry.name.id) if target is not None else None
            if found is None:
                if target is not None:
                    self.report.error(
                        "E0205",
                        f"`{item.path or item.module}` defines no `{entry.name.id}`",
                        entry.name.span,
                        "not found there",
                        help=self.report.did_you_mean(entry.name.id, target.scope.names),
                    )
                found = Static(UNKNOWN)
            module.scope.names[name] = found

    def _standard(self, item: ast.Use) -> Module | None:
        from archdsl.std import stems

        assert item.module is not None
        head, _, stem = item.module.partition(".")
        if head == "std" and stem in stems():
            return self.resolver.standard_file(stem)
        self.report.error(
            "E0208",
            f"there is no library `{item.module}`",
            item.target,
            "unknown library",
            help=self.report.did_you_mean(item.module, [f"std.{name}" for name in stems()])
            or 'a file is named in quotes: use "file.arch" (...)',
        )
        return None

    def _file(self, item: ast.Use, real: str) -> Module | None:
        assert item.path is not None
        path = os.path.realpath(os.path.join(os.path.dirname(real), item.path)) if _is_path(item.path) else ""
        if not path or not _inside(path, self.root):
            self.report.error(
                "E0207",
                f'"{item.path}" lies outside the project',
                item.target,
                f"the project root is {self.root}",
                help="imports stay inside the root; run from a folder that holds both files",
            )
            return None
        if path in self.open:
            chain = " -> ".join(Path(step).name for step in [*self.open[self.open.index(path) :], path])
            self.report.error("E0206", f"the files import each other: {chain}", item.target, "closes the circle")
            return None
        self.report.spend(FILE_STEPS, item.target)
        if path not in self.modules:
            self.modules[path] = self._import(item.path, path, item.target)
        return self.modules[path]

    def _import(self, written: str, path: str, span: Span) -> Module | None:
        # Opening a pipe or a device could wait for ever.
        if os.path.exists(path) and not os.path.isfile(path):
            what = "a folder" if os.path.isdir(path) else "no regular file"
            self.report.error("E0208", f"`{written}` is {what}", span, "imported here")
            return None
        before = len(self.sink.found)
        text = _read(path, written, self.sink, self.limits, span)
        if text is None:
            for found in self.sink.found[before:]:
                if found.code == "E0601":
                    found.code = "E0208"
            return None
        return self.load(Source(os.path.relpath(path, _here()), text), path)
