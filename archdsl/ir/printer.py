"""A program as text: every distinct function once, callees first, with a type on every value.

```
program resnet

func @basic(%0: f32[N, 64, 56, 56]) -> f32[N, 64, 56, 56] {  # out = 64, stride = 1
  %1: f32[N, 64, 56, 56] = conv(64, kernel = 3) %0  # conv.0
  ...
  return %9
}
```

`@basic.1` is the second specialisation of `basic`. The comment after a node is its path segment; inside a
`repeat` a segment that moves with the loop is `layer[0 + 2i]` (`j`, `k` for inner loops). Values are numbered
within their function.
"""

from collections.abc import Mapping

from archdsl.diagnostics.terminal import printable
from archdsl.internal import InternalError
from archdsl.ir.program import Call, Function, Node, Op, Program, Recompute, Repeat, Segment, Value
from archdsl.records import record

_LOOPS = "ijkmnpqr"


@record
class _Namer:
    """Numbers the values of one function in the order in which they are printed."""

    numbers: dict[int, int]

    def define(self, values: tuple[Value, ...]) -> str:
        for value in values:
            self.numbers.setdefault(id(value), len(self.numbers))
        return ", ".join(f"{self.use(value)}: {value.type}" for value in values)

    def use(self, value: Value) -> str:
        number = self.numbers.get(id(value))
        return "%undefined" if number is None else f"%{number}"

    def uses(self, values: tuple[Value, ...]) -> str:
        return ", ".join(map(self.use, values))


def print_program(program: Program) -> str:
    """The whole program, ending in a line break. Equal programs print equally, whatever the memory
    addresses."""
    names = function_names(program)
    chunks = [f"program {printable(program.name)}\n"]
    chunks.extend(_function(function, names) for function in program.functions)
    outputs = [
        f"{'train output' if o.train else 'output'} {printable(o.name)}: {o.value.type}\n" for o in program.outputs
    ]
    chunks.append("".join(outputs))
    return "\n".join(chunks)


def function_names(program: Program) -> dict[int, str]:
    """A name for every function, by `id`: its block's name, numbered from the second specialisation on."""
    used: dict[str, int] = {}
    taken: set[str] = set()
    names: dict[int, str] = {}
    for function in program.functions:
        base = printable(function.block)
        count = used.get(base, 0)
        name = f"{base}.{count}" if count else base
        used[base] = count + 1
        if name in taken:
            raise InternalError(f"two functions are called {name}, though names of blocks hold no dots")
        taken.add(name)
        names[id(function)] = name
    return names


def arguments_text(function: Function, bound: bool = False) -> str:
    """`out = 64, !bias`: the block's parameters, flags that are not set apart; with `bound` all of them and the names
    that its signature binds."""
    given = list(function.arguments.items())[: None if bound else function.declared]
    if not bound:
        given = [(name, value) for name, value in given if value is not False or name not in function.flags]
    return ", ".join(_argument_text(name, value) for name, value in given)


def title_text(name: str, arguments: Mapping[str, object]) -> str:
    """`resnet(depth = 50, classes = 1000)`; the name alone where there are no arguments."""
    given = ", ".join(_argument_text(key, value) for key, value in arguments.items())
    return printable(name) + (f"({given})" if given else "")


def _argument_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"!{name}"
    return f"{name} = {value_text(value)}"


def value_text(value: object) -> str:
    """A static value as a spec would write it. Lists nest no deeper than expressions may, so recursion is
    bounded."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        return f"[{', '.join(value_text(item) for item in items)}]"
    return "none" if value is None else printable(str(value))


def _function(function: Function, names: dict[int, str]) -> str:
    namer = _Namer({})
    arguments = arguments_text(function, bound=True)
    results = ", ".join(str(value.type) for value in function.outputs)
    head = f"func @{names[id(function)]}({namer.define(function.inputs)}) -> {results} {{"
    lines = [f"{head}  # {arguments}" if arguments else head]
    # An explicit stack of bodies: repeats nest as deep as the author nests them.
    stack: list[tuple[list[Node], int, Repeat | None]] = [(function.nodes, 0, None)]
    marked: list[Recompute] = []
    while stack:
        nodes, position, repeat = stack.pop()
        opened = False
        while position < len(nodes):
            node = nodes[position]
            position += 1
            _mark(node.recompute, marked, lines, len(stack) + 1)
            indent = "  " * (len(stack) + 1 + len(marked))
            if isinstance(node, Repeat):
                lines.append(indent + _open_repeat(node, namer))
                stack.append((nodes, position, repeat))
                stack.append((node.nodes, 0, node))
                opened = True
                break
            lines.append(indent + _node(node, namer, names, len(stack)))
        if opened:
            continue
        _mark(repeat.recompute if repeat else None, marked, lines, len(stack) + 1)
        indent = "  " * (len(stack) + 1 + len(marked))
        if repeat is None:
            lines.append(f"  return {namer.uses(function.outputs)}".rstrip())
        else:
            lines.append(f"{indent}yield {namer.uses(repeat.results)}")
            lines.append(f"{indent[:-2]}}} -> {namer.define(repeat.outputs)}")
    return "\n".join([*lines, "}\n"])


def _mark(region: Recompute | None, marked: list[Recompute], lines: list[str], depth: int) -> None:
    """Close the `recompute` braces that the next node is not in, and open those it is in. `depth` counts the braces
    around them."""
    wanted: list[Recompute] = []
    while region is not None:
        wanted.append(region)
        region = region.outer
    wanted.reverse()
    while marked != wanted[: len(marked)]:
        marked.pop()
        lines.append("  " * (depth + len(marked)) + "}")
    for each in wanted[len(marked) :]:
        lines.append("  " * (depth + len(marked)) + "recompute {")
        marked.append(each)


def _open_repeat(node: Repeat, namer: _Namer) -> str:
    given = [namer.use(value) for value in node.inputs]
    carried = [namer.define((value,)) for value in node.parameters]
    pairs = ", ".join(f"{left} = {right}" for left, right in zip(carried, given, strict=False))
    return f"{_train(node)}repeat {node.times} ({pairs}) {{"


def _node(node: Op | Call, namer: _Namer, names: dict[int, str], depth: int) -> str:
    if isinstance(node, Op):
        what = printable(repr(node.op))
    else:
        what = f"@{names.get(id(node.callee), 'unlisted')}"
    inputs = namer.uses(node.inputs)
    shared = f", shares {segment_text(node.instance.segment, depth)}" if node.instance else ""
    defined = namer.define(node.outputs)
    return f"{_train(node)}{defined} = {what} {inputs}".rstrip() + f"  # {segment_text(node.segment, depth)}{shared}"


def _train(node: Node) -> str:
    return "train " if node.train_only else ""


def segment_text(segment: Segment, depth: int = 0) -> str:
    """`conv`, `conv.2`, `layer[0 + 2i]`: the segment with its movement through `depth` enclosing repeats."""
    name = printable(segment.name)
    if segment.index is None:
        return name
    moving = [
        f"{'' if stride == 1 else stride}{_LOOPS[loop % len(_LOOPS)]}"
        for loop, stride in enumerate(segment.strides[:depth] if depth else segment.strides)
        if stride
    ]
    if not moving:
        return f"{name}.{segment.index}"
    return f"{name}[{' + '.join([str(segment.index), *moving])}]"
