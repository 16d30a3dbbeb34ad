"""Tuples of tensors in one variable.

A block that takes however many tensors and only ever hands all of them on (`concat`, or another such block) has one
class whatever their number: `def forward(self, *xs)`. Where a loop makes a tuple longer in each iteration, as in a
dense block that never keeps its concatenation, the tuple becomes what the loop carries: `xs = (*xs, layer(*xs))`."""

from collections.abc import Callable, Container, Iterator, Sequence

from archdsl.backends.torch.items import Body, Item, Loop, Region, Step, reads
from archdsl.backends.torch.records import (
    Built,
    Code,
    Input,
    Pack,
    Place,
    Run,
    Series,
    Spread,
)
from archdsl.ir.program import Function, Round, Value
from archdsl.records import replace

SHORTEST = 3
"""Lengths, at least, that a tuple has in a loop that makes it longer."""


def pack_inputs(blocks: Sequence[Sequence[Body]]) -> set[Function]:
    """Give the blocks that take any number of tensors one pack as their input, in place; returns their functions."""
    packed: set[Function] = set()
    for bodies in blocks:
        if len({len(body.inputs) for body in bodies}) < 2:
            continue
        items = [_packed(body) for body in bodies]
        if all(each is not None for each in items):
            for body, (pack, changed) in zip(bodies, filter(None, items), strict=True):
                body.inputs, body.items = (pack,), changed
                packed.add(body.function)
    for bodies in blocks:
        for body in bodies:
            for entries in body.entries.values():
                for entry in entries:
                    if isinstance(entry.code, Built) and entry.code.function in packed:
                        entry.code.packed = True
    return packed


def _packed(body: Body) -> tuple[Pack, list[Item]] | None:
    if not body.inputs or not set(body.outputs).isdisjoint(body.inputs):
        return None
    pack = Pack(body.inputs[0].type)
    items: list[Item] = []
    for item in body.items:
        changed = _handed_on(item, body.inputs, pack)
        if changed is None:
            return None
        items.append(changed)
    return pack, items


def _handed_on(item: Item, tensors: tuple[Value, ...], pack: Pack) -> Item | None:
    """The item reading a pack where it is handed all of some tensors; None if it reads one of them alone."""

    def all_of_them(codes: Sequence[Code]) -> bool:
        return [code.value for code in codes if isinstance(code, Input)] == [*tensors] and len(codes) == len(tensors)

    def swap(code: Code) -> Code:
        if isinstance(code, Series) and all_of_them(code.items):
            return replace(code, items=(Spread(Input(pack)),))
        if isinstance(code, Run) and all_of_them(code.args):
            return replace(code, args=(Spread(Input(pack)),))
        return code.with_parts([swap(part) for part in code.parts])

    if isinstance(item, Step):
        step = replace(item, code=swap(item.code))
        return step if set(step.code.values).isdisjoint(tensors) else None
    if isinstance(item, Region) and item.inputs == tensors:
        inner = Pack(pack.type)
        steps = [_handed_on(step, item.parameters, inner) for step in item.steps]
        if any(step is None for step in steps) or not set(item.results).isdisjoint(item.parameters):
            return None
        return replace(item, inputs=(pack,), parameters=(inner,), steps=[step for step in steps if step])
    return item if set(reads([item])).isdisjoint(tensors) else None


# ------------------------------------------------------------------------------------------------------ growing tuples


def grow(body: Body, packed: Container[Function]) -> list[Item] | None:
    """The items of a body with the tuple that grows in it as a pack, or None if none does."""
    taking = {
        (entry.place.name, entry.place.index)
        for entries in body.entries.values()
        for entry in entries
        if isinstance(entry.code, Built) and entry.code.function in packed
    }

    def handed(item: Item) -> list[tuple[Value, ...]]:
        """The tuples that an item is handed whole."""
        if isinstance(item, Region):
            return [item.inputs]
        return (
            []
            if isinstance(item, Loop)
            else list(_tuples(item.code, lambda place: (place.name, place.index) in taking))
        )

    if any(isinstance(value, Pack) for value in body.inputs):
        return None
    everything = [tensors for item in body.items for tensors in handed(item)]
    longest = max(everything, key=len, default=())
    lengths = sorted({len(tensors) for tensors in everything if tensors == longest[: len(tensors)]})
    if len(lengths) < SHORTEST or len(set(longest)) < len(longest):
        return None
    return _grown(body, longest, lengths, handed)


def _tuples(code: Code, takes: Callable[[Place], bool]) -> Iterator[tuple[Value, ...]]:
    for each in code.trees():
        if isinstance(each, Series) or (isinstance(each, Run) and takes(each.place)):
            tensors = tuple(part.value for part in each.parts if isinstance(part, Input))
            if tensors and len(tensors) == len(each.parts):
                yield tensors


def _grown(
    body: Body, longest: tuple[Value, ...], lengths: list[int], handed: Callable[[Item], list[tuple[Value, ...]]]
) -> list[Item] | None:
    """Items that read packs of the first tensors of `longest`, for every number in `lengths`. None if one of them is
    read after the next longer one is made."""
    known = set(body.inputs)
    items: list[Item] = []
    packs: list[Pack] = []

    def extend(after: Item, rounds: tuple[Round, ...]) -> None:
        """Make the packs whose tensors there are by now."""
        while len(packs) < len(lengths) and known.issuperset(longest[: lengths[len(packs)]]):
            before = lengths[len(packs) - 1] if packs else 0
            start: list[Code] = [Spread(Input(packs[-1]))] if packs else []
            code = Series((*start, *map(Input, longest[before : lengths[len(packs)]])))
            packs.append(Pack(longest[0].type))
            items.append(Step((packs[-1],), code, "light", Place(""), after.span, after.train_only, rounds))

    extend(body.items[0], ())
    for item in body.items:
        current: Item | None = item
        for tensors in handed(item):
            if len(tensors) in lengths and tensors == longest[: len(tensors)]:
                if not packs or len(tensors) != lengths[len(packs) - 1] or current is None:
                    return None
                current = _handed_on(current, tensors, packs[-1]) or (None if len(tensors) > 1 else current)
        if current is None:
            return None
        items.append(current)
        known.update(item.outputs)
        extend(item, item.rounds)
    return items


def carries_pack(items: Sequence[Item]) -> bool:
    """Whether a loop among the items makes a pack longer."""
    return any(
        isinstance(v, Pack)
        for item in items
        if isinstance(item, Loop)
        for v in item.parameters
        if not isinstance(item, Region)
    )
