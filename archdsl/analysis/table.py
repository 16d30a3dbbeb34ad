"""The table of a network: one row per operator or block, repetitions folded, blocks opened down to a depth.

A row stands for everything that is alike in a stretch: `layer1[1..2]`, run twice, is one row with the counts
of both. A loop the author unrolled (`for`) and one kept whole (`repeat`) look the same here: nodes know the rounds of
loops they belong to.
"""

from collections.abc import Iterator, Sequence

from archdsl.analysis.cost import Cost, Occurrence, occurrences
from archdsl.analysis.effort import Effort
from archdsl.analysis.parts import Parts
from archdsl.diagnostics.terminal import printable
from archdsl.ir.printer import arguments_text, title_text
from archdsl.ir.program import Call, Function, Op, Program, Round, Value, rounds
from archdsl.records import record
from archdsl.types.tensor import TensorType, shape_text

MAX_PERIOD = 8
"""The longest stretch of rows, outside loops, that is recognised when it was written several times."""


@record
class Row:
    """One line. `path` is the full path, `name` its last part, with ranges where several are folded
    (`layer1[1..2]`).

    `times` counts executions in one pass of the network, enclosing blocks included; `cost` is the sum over
    all of them. `output` is the type of one result, as text. `level` is 1 for the model's own nodes, 0 for the network
    as a whole. `nodes` are those that it stands for, none for a whole network, and `parent` is the row of the block
    they are in. `indent` is how far its name is set in.
    """

    level: int
    path: str
    name: str
    op: str
    times: int
    output: str
    cost: Cost
    parts: Parts
    nodes: tuple[Op | Call, ...]
    parent: "Row | None"
    indent: int

    @property
    def indented(self) -> str:
        """The name, set in."""
        return "  " * self.indent + self.name


class TooManyRows(Exception):
    """The table would have more rows than asked for; opening `node` was one too many."""

    def __init__(self, node: Call) -> None:
        super().__init__(node)
        self.node = node


def table_rows(parts: Parts, depth: int, most: int = 200_000) -> list[Row]:
    """Rows in execution order, a block's own row before those of its body.

    Raises `TooManyRows` where a block would be opened past `most` rows: a deep recursion opened to its ground has
    more than anyone reads.
    """
    model = parts.costs
    rows: list[Row] = []
    folds: dict[Function, list[_Group]] = {}
    pending = [_Level(_fold_body(model.program.entry, folds, model.effort), None, 1, "", 1, 1)]
    while pending:
        level = pending[-1]
        group = level.next()
        if group is None:
            pending.pop()
            continue
        node, _, times, copies = group.occurrence
        total = Cost()
        total.add(model.of(node), times * group.count * level.times, copies * group.count * level.copies)
        name = group.name()
        path = level.prefix + name
        runs = times * group.count * level.times
        indent = level.depth - 1
        row = Row(
            level.depth, path, name, _what(node), runs, _output(node), total, parts, group.nodes, level.row, indent
        )
        rows.append(row)
        if isinstance(node, Call) and level.depth < depth:
            if len(rows) > most:
                raise TooManyRows(node)
            inner = _fold_body(node.callee, folds, model.effort)
            own = copies * group.count * level.copies
            pending.append(_Level(inner, row, level.depth + 1, f"{path}.", row.times, own))
    return rows


def network_row(parts: Parts, name: str) -> Row:
    """The row of a whole network."""
    program = parts.program
    output = ", ".join(type_text(output.value) for output in program.outputs)
    return Row(0, name, name, network_title(program), 1, output, parts.costs.total, parts, (), None, 0)


def network_title(program: Program) -> str:
    """`resnet(depth = 50, classes = 1000)`."""
    return title_text(program.name, program.entry.arguments)


@record
class _Group:
    """A node that stands for alike ones, itself the first of `nodes`. `moves` says how they follow each other: for each
    loop, the outermost first, how many rounds there are and by how much an index grows from one to the next; those of
    repeats come last."""

    occurrence: Occurrence
    nodes: tuple[Op | Call, ...]
    moves: tuple[tuple[int, int], ...]
    kind: object
    """All that a row shows of one node, but for its index."""

    @property
    def count(self) -> int:
        return len(self.nodes)

    @property
    def first(self) -> int:
        return self.occurrence[0].segment.index or 0

    @property
    def key(self) -> object:
        """Groups with equal keys differ in nothing a row shows but where their indices start."""
        return (self.kind, self.moves)

    def name(self) -> str:
        node = self.occurrence[0]
        segment = node.segment
        name = printable(segment.name)
        if segment.index is None:
            return name
        moves = [(length, stride) for length, stride in self.moves if length > 1 and stride]
        first = segment.index
        last = first + sum((length - 1) * stride for length, stride in moves)
        if not moves:
            return f"{name}.{first}"
        distinct = 1
        for length, _ in moves:
            distinct *= length
        if last - first + 1 == distinct:
            return f"{name}[{first}..{last}]"
        if len(moves) == 1:
            return f"{name}[{first}, {first + moves[0][1]} .. {last}]"
        return f"{name}[{first} ... {last}]"


@record
class _Level:
    """A function body whose rows are being written."""

    groups: "list[_Group]"
    row: Row | None
    depth: int
    prefix: str
    times: int
    copies: int
    position: int = 0

    def next(self) -> "_Group | None":
        self.position += 1
        return self.groups[self.position - 1] if self.position <= len(self.groups) else None


def _fold_body(function: Function, folds: "dict[Function, list[_Group]]", effort: Effort) -> "list[_Group]":
    if function not in folds:
        found = occurrences(function.nodes)
        around = [rounds(node) for node, _, _, _ in found]
        effort.spend(sum(map(len, around)))  # every loop looks through what is inside it
        folds[function] = _periods(_loops(found, around, 0))
    return folds[function]


def _loops(found: Sequence[Occurrence], rounds: "Sequence[tuple[Round, ...]]", depth: int) -> list[_Group]:
    """Gather the rounds of each loop that follow each other and are alike; `depth` loops are around. As deep as loops
    nest in the source."""
    groups: list[_Group] = []
    position = 0
    while position < len(found):
        if len(rounds[position]) == depth:
            groups.append(_single(found[position]))
            position += 1
            continue
        loop = rounds[position][depth].loop
        each: list[list[_Group]] = []
        while position < len(found) and len(rounds[position]) > depth and rounds[position][depth].loop is loop:
            end, here = position, rounds[position][depth]
            while end < len(found) and len(rounds[end]) > depth and rounds[end][depth] is here:
                end += 1
            each.append(_loops(found[position:end], rounds[position:end], depth + 1))
            position = end
        start = 0
        while start < len(each):
            count = _alike(each[at] for at in range(start, len(each)))
            groups.extend(_together(slot) for slot in zip(*each[start : start + count], strict=True))
            start += count
    return groups


def _single(occurrence: Occurrence) -> _Group:
    node, loops, _, _ = occurrence
    strides = node.segment.strides if node.segment.index is not None else (0,) * len(loops)
    what = node.op if isinstance(node, Op) else id(node.callee)
    types: tuple[TensorType, ...] = tuple(value.type for value in (*node.inputs, *node.outputs))
    kind = (what, types, node.segment.name, node.instance is None, node.train_only)
    return _Group(occurrence, (node,), tuple(zip(loops, strides, strict=False)), kind)


def _alike(rounds: Iterator[Sequence[_Group]]) -> int:
    """How many rounds, from the first on, are alike, with evenly spaced indices."""
    before = next(rounds)
    keys = [group.key for group in before]
    steps: list[int] | None = None
    count = 1
    for each in rounds:
        if [group.key for group in each] != keys:
            break
        moved = [b.first - a.first for a, b in zip(before, each, strict=True)]
        if steps is not None and moved != steps:
            break
        before, steps, count = each, moved, count + 1
    return count


def _together(groups: Sequence[_Group]) -> _Group:
    """One group for alike ones, evenly apart."""
    first = groups[0]
    if len(groups) == 1:
        return first
    nodes = tuple(node for group in groups for node in group.nodes)
    return _Group(first.occurrence, nodes, ((len(groups), groups[1].first - first.first), *first.moves), first.kind)


def _periods(found: Sequence[_Group]) -> list[_Group]:
    """Gather stretches of up to `MAX_PERIOD` groups that follow each other several times, the widest cover first: what
    somebody wrote several times over."""
    keys = [group.key for group in found]
    groups: list[_Group] = []
    position = 0
    while position < len(found):
        period, count = 1, 1
        for length in range(1, min(MAX_PERIOD, (len(found) - position) // 2) + 1):
            if keys[position] != keys[position + length]:
                continue
            repeats = _alike(found[at : at + length] for at in range(position, len(found) - length + 1, length))
            if repeats > 1 and repeats * length > period * count:
                period, count = length, repeats
        for offset in range(position, position + period):
            groups.append(_together(found[offset : offset + period * count : period]))
        position += period * count
    return groups


def _what(node: Op | Call) -> str:
    if isinstance(node, Op):
        text = printable(repr(node.op))
    else:
        arguments = arguments_text(node.callee)
        text = printable(node.callee.block) + (f"({arguments})" if arguments else "")
    notes = ["shared"] if node.instance else []
    notes += ["train"] if node.train_only else []
    return f"{text} [{', '.join(notes)}]" if notes else text


def _output(node: Op | Call) -> str:
    texts = [type_text(value) for value in node.outputs]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"{len(texts)} x {texts[0]}"
    return ", ".join(texts)


def type_text(value: Value) -> str:
    """`[N, 64, 56, 56]`; the dtype in front unless it is f32."""
    return shape_text(value.type.dims) if value.type.dtype == "f32" else str(value.type)


def model_arguments(program: Program) -> dict[str, object]:
    """The model's parameters and their values, as JSON can hold them (symbolic dimensions as text)."""
    return {name: _plain(value) for name, value in program.entry.arguments.items()}


def _plain(value: object) -> object:
    if isinstance(value, tuple | list):
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        return [_plain(item) for item in items]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
