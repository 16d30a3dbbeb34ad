"""Straight lines folded back into what the author wrote: chains of list items and `for` loops.

*Chains.* Applications of `layer1.0`, `layer1.1`, ... of which each reads the one before, and which together are the
whole list, become one step: the list is an `nn.Sequential`.

*Loops.* The nodes of a `for` body come from the same places of the source in every iteration, so a run of items
whose spans, code and flow of values repeat is a loop. The innermost loops are found first; later passes find the
loops around them. Each pass looks at every item a bounded number of times."""

from collections import Counter
from collections.abc import Callable, Container, Hashable, Sequence

from archdsl.backends.torch.items import Body, Item, Loop, Region, Step, copied, free, places, substitute
from archdsl.backends.torch.lower import needed
from archdsl.backends.torch.packs import carries_pack, grow
from archdsl.backends.torch.records import Built, Input, Leaf, Place, Run, fresh, signature
from archdsl.ir.program import Function, Value

MAX_PERIOD = 256
"""Items of a loop body, at most, for straight-line code to be folded; longer bodies stay written out."""

PASSES = 4

Fold = Callable[[list[Item], int], list[Item]]


def roll(body: Body, packed: Container[Function] = ()) -> None:
    """Fold chains and loops of a body, in place. `packed` are the functions that take any number of tensors."""
    items = body.items
    grown = grow(body, packed)
    if grown is not None:
        body.items = grown
        _Roller(body).run()
        if carries_pack(body.items):
            return
        body.items = items
    _Roller(body).run()


class _Roller:
    def __init__(self, body: Body) -> None:
        self._body = body

    def run(self) -> None:
        self._body.items = needed(self._body.items, self._body.outputs)
        self._count()
        self._body.items = self._nested(self._body.items, self._chains)
        self._strict = True
        for _ in range(PASSES):
            self._count()
            self._rolled = 0
            self._body.items = self._nested(self._body.items, self._loops)
            if not self._rolled and not self._strict:
                break
            self._strict = self._strict and bool(self._rolled)
        self._count()
        self._body.items = self._nested(self._body.items, self._chains)

    def _nested(self, items: list[Item], fold: Fold, depth: int = 0) -> list[Item]:
        """Fold the bodies of loops first. As deep as loops nest."""
        for item in items:
            if isinstance(item, Loop):
                item.steps = self._nested(item.steps, fold, depth if isinstance(item, Region) else depth + 1)
        return fold(items, depth)

    def _count(self) -> None:
        """How often each value is read and each segment name is used, in the whole body."""
        self._reads = self._body.reads()
        self._users = Counter(place.name for place in places(self._body.items))

    # -------------------------------------------------------------------------------------------------- chains

    def _chains(self, items: list[Item], depth: int) -> list[Item]:
        folded: list[Item] = []
        position = 0
        while position < len(items):
            length, source = self._chain(items, position)
            item = items[position]
            if length:
                last = items[position + length - 1]
                first = _link(item)
                assert first is not None
                place = Place(first[0].name)
                code = Run(place, (Input(source),), chain=True)
                folded.append(Step(last.outputs, code, "heavy", place, item.span, item.train_only))
                position += length
            else:
                folded.append(item)
                position += 1
        return folded

    def _chain(self, items: Sequence[Item], start: int) -> tuple[int, Value]:
        """How many items from `start` on are the whole of one list applied in turn, and what the first one reads."""
        link = _link(items[start])
        if link is None or link[0].index != 0:
            return 0, items[start].outputs[0]
        place, source, covered = link
        position = start + 1
        while position < len(items):
            following = _link(items[position])
            previous = items[position - 1].outputs[0]
            if (
                following is None
                or (following[0].name, following[0].index) != (place.name, covered)
                or following[1] is not previous
                or self._reads[previous] > 1
                or items[position].train_only != items[start].train_only
            ):
                break
            covered += following[2]
            position += 1
        if place.name in self._body.families:
            return 0, source
        complete = self._users[place.name] == position - start and covered == _list_length(self._body, place.name)
        return (position - start if complete else 0), source

    # --------------------------------------------------------------------------------------------------- loops

    def _loops(self, items: list[Item], depth: int) -> list[Item]:
        keys: dict[Hashable, int] = {}
        marks = [keys.setdefault(_mark(item), len(keys)) for item in items]
        following = [0] * len(items)
        last: dict[int, int] = {}
        for position in range(len(items) - 1, -1, -1):
            following[position] = last.get(marks[position], 0)
            last[marks[position]] = position
        folded: list[Item] = []
        position = 0
        while position < len(items):
            period = following[position] - position
            loop = None
            # A mark that comes twice in a period is a loop inside: that one first, unless it turned out to be none.
            inner = self._strict and len(set(marks[position : position + period])) < period
            if 0 < period <= MAX_PERIOD and not inner:
                times = _repetitions(marks, position, period, 3)
                # What three rounds cannot do more cannot; a tail that does not fit is left out by halving.
                if times > 1 and self._loop(items[position : position + times * period], period, depth):
                    times = _repetitions(marks, position, period, len(items))
                    while times > 1 and loop is None:
                        loop = self._loop(items[position : position + times * period], period, depth)
                        times //= 2
            if loop is None:
                folded.append(items[position])
                position += 1
            else:
                folded.append(loop)
                position += period * loop.times
                self._rolled += 1
        return folded

    def _loop(self, items: Sequence[Item], period: int, depth: int) -> Loop | None:
        """A loop that does what `items` do, or None where values do not flow from one iteration to the next alone."""
        times = len(items) // period
        rounds = [items[start : start + period] for start in range(0, len(items), period)]
        strides = _strides(rounds)
        if strides is None:
            return None
        made = [[value for item in each for value in item.outputs] for each in rounds]
        where = {value: (k, slot) for k, values in enumerate(made) for slot, value in enumerate(values)}
        reads = [[value for item in each for value in free([item])] for each in rounds]
        carried: dict[Value, int] = {}
        for slot, value in enumerate(reads[0]):
            if value in where:
                if any(where.get(reads[k][slot]) != (k, where[value][1]) for k in range(1, times)):
                    return None
            elif any(reads[k][slot] is not value for k in range(1, times)):
                source = where.get(reads[1][slot])
                if source is None or source[0] != 0 or carried.setdefault(value, source[1]) != source[1]:
                    return None
                if any(where.get(reads[k][slot]) != (k - 1, source[1]) for k in range(1, times)):
                    return None
        for slot, value in enumerate(reads[0]):
            if value in carried and any(where.get(reads[k][slot]) != (k - 1, carried[value]) for k in range(1, times)):
                return None
        results = {slot: value for value, slot in carried.items()}
        if len(results) < len(carried) or not carried:
            return None
        inner = Counter(value for each in reads for value in each)
        for k, values in enumerate(made):
            for slot, value in enumerate(values):
                escapes = self._reads[value] > inner[value]
                if escapes and (k < times - 1 or slot not in results):
                    return None
        moved = iter(strides)
        parameters = {value: fresh(value) for value in carried}

        def shifted(place: Place) -> Place:
            """The loop's strides go after those of the loops around it and before those of the loops inside."""
            stride = next(moved)
            if place.index is None:
                return place
            around = (*place.strides[:depth], *[0] * (depth - len(place.strides)))
            return Place(place.name, place.index, (*around, stride, *place.strides[depth:]))

        steps = copied(rounds[0])
        substitute(steps, lambda value: parameters.get(value, value), shifted)
        return Loop(
            times,
            tuple(parameters.values()),
            steps,
            tuple(made[0][slot] for slot in carried.values()),
            tuple(carried),
            tuple(made[-1][slot] for slot in carried.values()),
            items[0].span,
            items[0].train_only,
        )


def _link(item: Item) -> tuple[Place, Value, int] | None:
    """An item that applies one list entry, or a run of them, to one value: the place, the value, how many entries."""
    times = 1
    step = item
    if isinstance(item, Loop):
        if len(item.steps) != 1 or len(item.parameters) != 1 or isinstance(item, Region):
            return None
        step, times = item.steps[0], item.times
    if not isinstance(step, Step) or not isinstance(step.code, Run) or len(step.outputs) != 1:
        return None
    place, args = step.code.place, step.code.args
    if place.index is None or len(args) != 1 or not isinstance(args[0], Input) or step.code.chain:
        return None
    value = args[0].value
    if isinstance(item, Loop):
        if place.strides != (1,) or value is not item.parameters[0] or item.results != step.outputs:
            return None
        value = item.inputs[0]
    elif place.strides:
        return None
    return place, value, times


def _list_length(body: Body, name: str) -> int:
    """Entries of a list, those that loops make included."""
    total = 0
    for entry in body.entries.get(name, ()):
        count = 1
        for times in entry.times:
            count *= times
        total += count
    return total


def _mark(item: Item) -> Hashable:
    """What two iterations of a loop have in common at this item."""
    if isinstance(item, Loop):
        inner = tuple(map(_mark, item.steps))
        name = item.name if isinstance(item, Region) else None
        return (name, item.times, len(item.parameters), inner, _position(item))
    leaves: list[Leaf | Built] = []
    key = signature(item.code, lambda value: None, leaves, lambda place: (place.name, place.strides))
    values = tuple(leaf.value if isinstance(leaf, Leaf) else leaf.function for leaf in leaves)
    return (key, values, tuple(map(type, values)), len(item.outputs), item.train_only, _position(item))


def _position(item: Item) -> Hashable:
    return (id(item.span.source), item.span.start, item.span.end)


def _repetitions(marks: Sequence[int], start: int, period: int, limit: int) -> int:
    """How often the `period` marks from `start` on stand there in a row, counted up to `limit`."""
    position = start + period
    end = min(len(marks), start + period * limit)
    while position < end and marks[position] == marks[position - period]:
        position += 1
    return (position - start) // period


def _strides(rounds: Sequence[Sequence[Item]]) -> list[int] | None:
    """By how much each place's index grows with each iteration; None if some index does not move evenly."""
    mentioned = [list(places(each)) for each in rounds]
    strides: list[int] = []
    for column in zip(*mentioned, strict=True):
        first = column[0].index
        if first is None:
            strides.append(0)
            continue
        step = (column[1].index or 0) - first
        if step < 0 or any(place.index != first + k * step for k, place in enumerate(column)):
            return None
        strides.append(step)
    return strides
