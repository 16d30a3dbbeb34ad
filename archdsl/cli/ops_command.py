"""`archdsl ops`: the reference of operators and standard blocks, printed from the catalogue itself."""

import inspect
import re
import sys
from typing import TYPE_CHECKING

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.diagnostics.terminal import printable, width
from archdsl.diagnostics.wrapping import listed, packed, reflowed, wrapped
from archdsl.ir.operator import REQUIRED, ArgumentSpec, Operator
from archdsl.records import replace

if TYPE_CHECKING:
    from archdsl.elaborate.values import BlockDef

_WIDTH = 100
"""Cells of a page where no terminal is narrower."""
_BESIDE = 24


def _page() -> int:
    return min(opts.terminal_width(_WIDTH), _WIDTH)


def main(arguments: list[str]) -> int:
    p = opts.parser("ops", "List the operators and the standard blocks, or describe one of them.")
    p.add_argument("name", nargs="?", metavar="NAME", help="an operator or a standard block")
    name: str | None = p.parse_args(arguments).name
    from archdsl.ops import catalogue

    if name is None:
        _print(_everything())
        return exits.FINE
    operator = catalogue.lookup(name)
    if operator is not None:
        _print(_operator(operator))
        return exits.FINE
    block = _standard_blocks().get(name)
    if block is not None:
        _print(_block(block))
        return exits.FINE
    ours = _elsewhere(name)
    if ours:
        print(f"note: `{printable(name)}` is called `{ours}` here", file=sys.stderr)
        operator, block = catalogue.lookup(ours), _standard_blocks().get(ours)
        _print(_operator(operator) if operator is not None else _block(block) if block is not None else "")
        return exits.FINE
    from archdsl.elaborate.report import did_you_mean
    from archdsl.std import INDEX

    suggestion = did_you_mean(name, {*catalogue.names(), *INDEX}) or "`archdsl ops` lists all of them"
    print(f"error: no operator or standard block `{printable(name)}`\n  = help: {suggestion}", file=sys.stderr)
    return exits.USAGE


def _print(text: str) -> None:
    """Print a page, wrapped where it is wider than the terminal."""
    most = opts.terminal_cells(sys.stdout)
    print("\n".join(_fitted(line, most) for line in text.split("\n")) if most else text)


def _fitted(line: str, most: int) -> str:
    """A line of a page. What stands in columns goes on below its last one, anything else below where it begins."""
    if width(line) <= most:
        return line
    column = next((found.end() for found in reversed([*re.finditer(r"(?<=\S) {2,}(?=\S)", line)])), 0)
    if column and "  ->  " in line:
        return "\n".join(packed(re.split(r"(?<!->) {2,}(?!->)|(?<=\S) {2,}(?=->)", line.strip()), most, "  "))
    if column:
        return "\n".join(listed(line[:column].rstrip(), line[column:], column, most))
    return "\n".join(wrapped(line, most, hang=0 if line.startswith("  ") else 4))


def _elsewhere(name: str) -> str:
    """The operator or block that has this name in PyTorch, Keras or a paper: `nn.Conv2d`."""
    from archdsl.ops import catalogue
    from archdsl.ops.synonyms import GUESSES, SYNONYMS
    from archdsl.std import INDEX
    from archdsl.syntax.foreign import LAYERS, MODULES

    *modules, last = name.split(".")
    if not set(modules) <= MODULES:
        return ""
    lowered = last.lower()
    found = LAYERS[last][0] if last in LAYERS else "" if lowered in GUESSES else SYNONYMS.get(lowered, "")
    known = {*catalogue.names(), *INDEX}
    return found if found in known else lowered if modules and lowered in known else ""


def _everything() -> str:
    from archdsl.ops import catalogue

    lines: list[str] = []
    for family, names in catalogue.FAMILIES.items():
        lines.append(f"{family.replace('_', ' ')}")
        seen: list[type[Operator]] = []
        for name in names:
            operator = catalogue.lookup(name)
            assert operator is not None
            if operator not in seen:
                seen.append(operator)
                shown = ", ".join([operator.name, *operator.aliases])
                lines.append(f"  {shown:<28}  {operator.summary}")
        lines.append("")
    blocks = _standard_blocks()
    if blocks:
        lines.append("standard blocks, written in archdsl")
    for name, block in blocks.items():
        # The first sentence, wherever its lines break; "et al." ends none.
        summary = re.split(r"(?<! al)\. ", " ".join(block.syntax.doc.split()))[0].rstrip(".")
        lines.append(f"  {name:<28}  {printable(summary)}".rstrip())
    lines.append("")
    lines.append("`archdsl ops NAME` describes one of them.")
    return "\n".join(lines)


def _standard_blocks() -> "dict[str, BlockDef]":
    from archdsl.diagnostics.model import Sink
    from archdsl.elaborate.resolve import Resolver
    from archdsl.elaborate.values import BlockDef
    from archdsl.limits import Limits
    from archdsl.std import INDEX

    sink = Sink()
    resolver = Resolver(sink, Limits())
    found = {name: resolver.find(name) for name in INDEX}
    sink.raise_errors()
    return {name: block for name, block in found.items() if isinstance(block, BlockDef)}


def _operator(operator: type[Operator]) -> str:
    specs = operator.arguments()
    head = ", ".join(_parameter(spec) for spec in specs)
    counts = operator.arities() or ()
    words: dict[tuple[int, ...], str] = {(): "one or more tensors", (0,): "no input", (1,): "one tensor"}
    inputs = words.get(counts) or f"{' or '.join(map(str, counts))} tensors"
    lines = [f"{operator.name}({head})" if head else operator.name, f"  {operator.summary}; takes {inputs}"]
    if operator.aliases:
        lines.append(f"  also called {', '.join(operator.aliases)}")
    if operator.source:
        lines.append(f"  {operator.source}")
    if operator.__doc__ and not operator.__doc__.startswith(f"{operator.__name__}("):
        lines += ["", *_indented(operator.__doc__)]
    if specs:
        lines += ["", "arguments", *_arguments(specs)]
    for title, method in (("shapes", "infer"), ("weights", "weights"), ("cost", "work")):
        rule = _rule(operator, method)
        lines += ["", title, *rule] if rule else []
    if operator.examples:
        lines += ["", "examples", *_examples(operator)]
    return "\n".join(lines)


def _examples(operator: type[Operator]) -> list[str]:
    calls = [example.call for example in operator.examples]
    inputs = [", ".join(example.inputs) for example in operator.examples]
    widest, widest_input = max(map(len, calls)), max(map(len, inputs))
    lines: list[str] = []
    for example, given in zip(operator.examples, inputs, strict=True):
        result = f"  ->  {example.output}" if example.output else ""
        lines.append(f"  {example.call:<{widest}}  {given:<{widest_input}}{result}".rstrip())
        if example.work:
            lines.append(f"      {example.work}")
    return lines


def _parameter(spec: ArgumentSpec) -> str:
    if spec.kind == "lengths":
        return "name = length, ..."
    return spec.name if spec.default is REQUIRED else f"{spec.name} = {_value(spec.default)}"


def _value(value: object) -> str:
    from archdsl.ir.printer import value_text

    return f'"{value}"' if isinstance(value, str) and value != "same" else value_text(value)


def _arguments(specs: tuple[ArgumentSpec, ...]) -> list[str]:
    specs = tuple(replace(spec, name="name", default=REQUIRED) if spec.kind == "lengths" else spec for spec in specs)
    widest = max(len(spec.name) for spec in specs)
    kinds = {spec.name: _kind(spec) for spec in specs}
    widest_kind = max(map(len, kinds.values()))
    lines: list[str] = []
    for spec in specs:
        default = "" if spec.default is REQUIRED else f" (default {_value(spec.default)})"
        left = f"  {spec.name:<{widest}}  {kinds[spec.name]:<{widest_kind}}  "
        most = _page()
        if most - len(left) < _BESIDE:
            lines.extend(listed(left.rstrip(), f"{spec.doc}{default}", len(left), most))
            continue
        first, *rest = _filled(f"{spec.doc}{default}", most - len(left)) or [""]
        lines.append(f"{left}{first}".rstrip())
        lines.extend(" " * len(left) + line for line in rest)
    return lines


def _kind(spec: ArgumentSpec) -> str:
    if spec.choices:
        return " | ".join(f'"{choice}"' for choice in spec.choices)
    kind = "dim" if spec.kind == "lengths" else spec.kind
    low, high = spec.minimum, spec.maximum
    if low is not None and high is not None:
        return f"{kind} {low:g}..{high:g}"
    if low is not None:
        return f"{kind} >= {low:g}"
    return f"{kind} <= {high:g}" if high is not None else kind


def _rule(operator: type[Operator], method: str) -> list[str]:
    """The docstring of the operator's own rule; nothing where it has none of its own."""
    own = getattr(operator, method).__doc__
    return _indented(own) if own and own != getattr(Operator, method).__doc__ else []


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in reflowed(inspect.cleandoc(text), _page() - 2)]


def _filled(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def _block(block: "BlockDef") -> str:
    syntax = block.syntax
    doc = [f"## {line}".rstrip() for line in syntax.doc.strip().split("\n")] if syntax.doc.strip() else []
    where = f"# {syntax.span.source.name}, line {syntax.span.line}"
    return "\n".join([where, *doc, syntax.span.text])
