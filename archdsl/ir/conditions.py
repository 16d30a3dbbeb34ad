"""The sizes that a program has an answer for.

A symbol stands for a size from 1 on, and shapes are checked for all of them; but `H // 2` is the length of an axis only
where `H` is 2 or more. Whether it is shows when the network runs. PyTorch refuses most of such sizes, onnxruntime some:
a mean over no positions is NaN, and nobody is told. So a program has *conditions*: every length that need not be 1 or
more must be, and so must be what its operators need besides (`Operator.needs`). They are worked out when somebody runs
the program, not when it is counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from archdsl.ir.operator import Need, Operator, reject
from archdsl.ir.program import Call, Node, Op, Program, Value, walk
from archdsl.records import record
from archdsl.types.dims import Dim, Expr, at_least, substitute, symbols
from archdsl.types.tensor import TensorType


def require_sizes(op: Operator, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> None:
    """Reject a setting whose result has an axis of no elements, or that needs what no value of the symbols gives."""
    for output in outputs:
        for dim in output.dims:
            if at_least(dim, 1) is False:
                reject("an axis of its result has no elements", found=str(output), code="E0406")
    for need in op.needs(*inputs):
        if at_least(need.dim, need.least) is False:
            reject(need.reason, at=need.at, expected=f"{need.least} or more", found=str(need.dim), code="E0406")


def of_indices(nodes: Iterable[Node]) -> Iterator[tuple[Op, Need, Dim]]:
    """Needs of operators of one function because others of it count, and how far: a table of positions is as long as
    a sequence."""
    counted: dict[Value, Dim] = {}
    for node in nodes:
        if isinstance(node, Op):
            count = node.op.counts_to(*[value.type for value in node.inputs])
            if count is not None:
                counted[node.outputs[0]] = count
            for value in node.inputs if counted else ():
                if value in counted:
                    yield from ((node, need, counted[value]) for need in node.op.needs_of_indices(counted[value]))


def _needs(
    op: Operator, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...], training: bool
) -> Iterator[Need]:
    for output in outputs:
        for axis, dim in enumerate(output.dims):
            yield Need(dim, 1, f"axis {axis} of its result has no elements")
    yield from op.needs(*inputs)
    if training:
        yield from op.training_needs(*inputs)


def conditions(program: Program, training: bool = False) -> tuple[Need, ...]:
    """The conditions that the symbols must meet beyond that each is 1 or more, in the order in which the network runs;
    every dimension once, with the most that is asked of it. Parts for training only ask for nothing, unless it is
    `training` that is asked about."""
    found: dict[Dim, Need] = {}

    def add(op: Operator, need: Need) -> None:
        before = found.get(need.dim)
        if at_least(need.dim, need.least) is not True and (before is None or before.least < need.least):
            found[need.dim] = Need(need.dim, need.least, f"`{op.name}`: {need.reason}")

    seen = {program.entry: None}
    stack: list[Iterator[tuple[Node, int]]] = [walk(program.entry.nodes)]
    while stack:
        node = next(stack[-1], (None, 0))[0]
        if node is None:
            stack.pop()
        elif node.train_only and not training:
            continue
        elif isinstance(node, Call) and node.callee not in seen:
            seen[node.callee] = None
            stack.append(walk(node.callee.nodes))
        elif isinstance(node, Op):
            inputs, outputs = (tuple([value.type for value in values]) for values in (node.inputs, node.outputs))
            for need in _needs(node.op, inputs, outputs, training):
                add(node.op, need)
    for function in seen:
        nodes = [node for node, _ in walk(function.nodes) if training or not node.train_only]
        for reader, need, _ in of_indices(nodes):
            add(reader.op, need)
    return tuple(found.values())


STATED = 8
"""Conditions that are written out at most."""


def stated(program: Program) -> str:
    """The conditions in a sentence, `It has an answer where H // 4 >= 1, and trains where N >= 2.`; empty for none."""
    always = conditions(program)
    known = {need.dim: need.least for need in always}
    besides = [need for need in conditions(program, training=True) if known.get(need.dim, 0) < need.least]
    parts = [
        f"{words} where {_listed(needs)}" for words, needs in (("has an answer", always), ("trains", besides)) if needs
    ]
    return f"It {', and '.join(parts)}." if parts else ""


def _listed(needs: Sequence[Need]) -> str:
    shown = [_bound(need) for need in needs[:STATED]]
    more = [f"{len(needs) - STATED} more conditions hold"] if len(needs) > STATED else []
    *first, last = [*shown, *more]
    return f"{', '.join(first)} and {last}" if first else last


def _bound(need: Need) -> str:
    """`H >= 5` for H - 4 >= 1, `T <= 1024` for 1024 - T >= 0; other dimensions as they are."""
    line = _linear(need.dim)
    if line is None:
        return f"{need.dim} >= {need.least}"
    name, factor, offset = line
    if factor > 0:
        return f"{name} >= {-((offset - need.least) // factor)}"
    return f"{name} <= {(offset - need.least) // -factor}"


@record
class Broken:
    """A condition that sizes do not meet: the size that is wrong, and what it breaks."""

    sizes: str
    reason: str


def broken(
    inputs: Mapping[str, Sequence[Dim]], shapes: Mapping[str, Sequence[int]], needs: Sequence[Need]
) -> Broken | None:
    """The first thing that is wrong with the shapes of a network's inputs, None if they have an answer. `inputs` are
    the shapes as declared. Axes that are declared as numbers, and numbers of axes, are the engine's to check."""
    sizes: dict[str, int] = {}
    pairs = [
        (name, axis, dim, length)
        for name, dims in inputs.items()
        if name in shapes and len(shapes[name]) == len(dims)
        for axis, (dim, length) in enumerate(zip(dims, shapes[name], strict=True))
        if isinstance(dim, Expr)
    ]
    for name, axis, dim, length in pairs:
        solved = solve(dim, length)
        if solved is None:
            continue
        symbol, size = solved
        if size is None or size < 1:
            reason = f"axis {axis} of `{name}` is {length} long, and {dim} is that for no {symbol} from 1 on"
            return Broken(f"{dim} = {length}", reason)
        if sizes.setdefault(symbol, size) != size:
            reason = f"axis {axis} of `{name}` says {symbol} = {size}, and another input {sizes[symbol]}"
            return Broken(f"{symbol} = {size}", reason)
    for name, axis, dim, length in pairs:
        value = substitute(dim, sizes)
        if isinstance(value, int) and value != length:
            reason = f"axis {axis} of `{name}` is {length} long, and {dim} is {value}"
            return Broken(_sizes(dim, sizes), reason)
    for need in needs:
        value = substitute(need.dim, sizes)
        if isinstance(value, int) and value < need.least:
            return Broken(_sizes(need.dim, sizes), f"{need.reason}; {_in_words(need, sizes)}")
    return None


def _in_words(need: Need, sizes: Mapping[str, int]) -> str:
    """A sentence about sizes that do not meet a need: `T must be 1024 or less, and is 2048`."""
    dim, limit = need.dim, f"{need.least} or more"
    if isinstance(dim, Expr) and all(factor < 0 for names, factor in dim.terms if names):
        most = dict(dim.terms).get((), 0)
        dim, limit = most - dim, f"{most - need.least} or less"
    return f"{dim} must be {limit}, and is {substitute(dim, sizes)}"


def _sizes(dim: Dim, sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {sizes[name]}" for name in sorted(symbols(dim)) if name in sizes)


def solve(dim: Dim, length: int) -> tuple[str, int | None] | None:
    """The symbol of a dimension `a*s + b`, and what it is where that dimension is `length` long: None for no whole
    number. None for any other dimension."""
    line = _linear(dim)
    if line is None:
        return None
    name, factor, offset = line
    size, rest = divmod(length - offset, factor)
    return name, None if rest else size


def _linear(dim: Dim) -> tuple[str, int, int] | None:
    """The symbol, factor and offset of `a*s + b`; None for any other dimension."""
    names = symbols(dim)
    if len(names) != 1 or not isinstance(dim, Expr):
        return None
    (name,) = names
    terms = dict(dim.terms)
    factor = terms.pop((name,), 0)
    offset = terms.pop((), 0)
    return None if not factor or terms else (name, factor, offset)
