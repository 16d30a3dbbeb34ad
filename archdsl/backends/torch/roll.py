"""Straight lines folded back into what the author wrote: chains of list items and `for` loops.

*Chains.* Applications of `layer1.0`, `layer1.1`, ... of which each reads the one before, and which together are the
whole list, become one step: the list is an `nn.Sequential`.

*Loops.* Items know the rounds of written-out loops that they belong to. Rounds that follow each other and are alike, in
code and in the flow of values, become one loop; the innermost loops come first."""

from collections import Counter
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from functools import partial
from itertools import chain, groupby

from archdsl.backends.torch.items import Body, Item, Loop, Region, Step, copied, free, makes, places, substitute, walk
from archdsl.backends.torch.lower import needed
from archdsl.backends.torch.packs import carries_pack, grow
from archdsl.backends.torch.records import Built, Input, Leaf, Place, Run, fresh, signature
from archdsl.ir.program import Function, Value
from archdsl.records import replace

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
        self._level = 0
        """How many written-out loops are around the one that is being folded."""

    def run(self) -> None:
        self._body.items = needed(self._body.items, self._body.outputs)
        self._count()
        self._body.items = self._nested(self._body.items, self._chains)
        deepest = max((len(item.rounds) for item in walk(self._body.items)), default=0)
        for level in reversed(range(deepest)):
            self._count()
            self._body.items = self._nested(self._body.items, partial(self._loops, level))
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
                rounds = tuple(a for a, b in zip(item.rounds, last.rounds, strict=False) if a is b)
                folded.append(Step(last.outputs, code, "heavy", place, item.span, item.train_only, rounds))
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

    def _loops(self, level: int, items: list[Item], depth: int) -> list[Item]:
        """Fold the written-out loops that have `level` others around them; `depth` loops are open in the code."""
        self._level = level
        folded: list[Item] = []
        for loop, run in groupby(items, lambda item: item.rounds[level].loop if len(item.rounds) > level else None):
            if loop is None:
                folded += run
            else:
                rounds = [list(each) for _, each in groupby(run, lambda item: item.rounds[level])]
                folded += self._folded(self._joined(rounds, level, depth), depth)
        return folded

    def _joined(self, rounds: list[list[Item]], level: int, depth: int) -> list[list[Item]]:
        """The rounds of a `repeat` with its loop, which stands for all rounds but the first ones, made longer by those
        that do the same on other types."""
        loop = rounds[-1][0]
        if isinstance(loop, Step | Region) or len(loop.rounds) > level + 1:
            return rounds
        opened, results = _opened(loop, depth)
        mark = list(map(_mark, opened[0]))
        start = len(rounds) - 1
        while start and list(map(_mark, rounds[start - 1])) == mark:
            start -= 1
        before = rounds[start:-1]
        whole = self._loop([*before, *opened], depth, [*chain.from_iterable(before), loop]) if before else None
        if whole is None:
            return rounds
        handed_on = dict(zip(results, loop.outputs, strict=True))
        outputs = tuple(handed_on[value] for value in whole.outputs if value in handed_on)
        if len(outputs) < len(whole.outputs) or any(self._reads[value] for value in {*loop.outputs} - {*outputs}):
            return rounds
        return [*rounds[:start], [replace(whole, times=len(before) + loop.times, outputs=outputs)]]

    def _folded(self, rounds: Sequence[Sequence[Item]], depth: int) -> list[Item]:
        """The rounds of one loop, as loops where they follow each other and are alike."""
        marks = [tuple(map(_mark, each)) for each in rounds]
        folded: list[Item] = []
        position = 0
        while position < len(rounds):
            end = position + 1
            while end < len(rounds) and marks[end] == marks[position]:
                end += 1
            times, loop = end - position, None
            # What three rounds cannot do more cannot; a tail that does not fit is left out by halving.
            if times > 1 and self._loop(rounds[position : position + min(times, 3)], depth):
                while times > 1 and loop is None:
                    loop = self._loop(rounds[position : position + times], depth)
                    times //= 2
            folded += [loop] if loop else rounds[position]
            position += loop.times if loop else 1
        return folded

    def _loop(self, rounds: Sequence[Sequence[Item]], depth: int, items: Sequence[Item] | None = None) -> Loop | None:
        """A loop that does what some rounds do, or None where values flow otherwise than from each to the next. `items`
        are what the rounds stand for, if it is not the items of them."""
        times, first = len(rounds), rounds[0][0]
        strides = _strides(rounds)
        if strides is None:
            return None
        made = [[value for item in each for value in item.outputs] for each in rounds]
        where = {value: (k, slot) for k, values in enumerate(made) for slot, value in enumerate(values)}
        reads = [[value for item in each for value in free([item])] for each in rounds]
        carried: dict[tuple[Value, int], Value] = {}
        """The parameter for what a round is given at first and which output of the round before it is given then."""
        read: list[Value] = []
        for slot, value in enumerate(reads[0]):
            if value in where:
                if any(where.get(reads[k][slot]) != (k, where[value][1]) for k in range(1, times)):
                    return None
            elif any(reads[k][slot] is not value for k in range(1, times)):
                source = where.get(reads[1][slot])
                if source is None or any(where.get(reads[k][slot]) != (k - 1, source[1]) for k in range(1, times)):
                    return None
                if (value, source[1]) not in carried:
                    carried[value, source[1]] = fresh(value)
                value = carried[value, source[1]]
            read.append(value)
        results = {slot for _, slot in carried}
        if len(results) < len(carried) or not carried:
            return None
        inner = Counter(value for item in items or chain.from_iterable(rounds) for value in free([item]))
        for k, values in enumerate(made):
            for slot, value in enumerate(values):
                escapes = self._reads[value] > inner[value]
                if escapes and (k < times - 1 or slot not in results):
                    return None
        moved = iter(strides)

        def shifted(place: Place) -> Place:
            """The loop's strides go after those of the loops around it and before those of the loops inside."""
            stride = next(moved)
            if place.index is None:
                return place
            around = (*place.strides[:depth], *[0] * (depth - len(place.strides)))
            return Place(place.name, place.index, (*around, stride, *place.strides[depth:]))

        steps = copied(rounds[0])
        following = iter(read)
        for step in steps:
            own = set(makes([step]))
            substitute([step], lambda value, own=own: value if value in own else next(following), shifted)
        said = first.rounds[self._level].loop.times
        return Loop(
            times if said is None or said != times else said,
            tuple(carried.values()),
            steps,
            tuple(made[0][slot] for _, slot in carried),
            tuple(value for value, _ in carried),
            tuple(made[-1][slot] for _, slot in carried),
            first.span,
            first.train_only,
            first.rounds,
        )


def _opened(loop: Loop, depth: int) -> tuple[list[list[Item]], list[Value]]:
    """The first two rounds of a loop, written out, and what the second hands on; `depth` loops are around it."""
    given: Sequence[Value] = loop.inputs
    rounds: list[list[Item]] = []
    for number in range(2):
        names = {value: fresh(value) for item in walk(loop.steps) for value in item.outputs}
        names.update(zip(loop.parameters, given, strict=True))

        def named(value: Value, names: Mapping[Value, Value] = names) -> Value:
            return names.get(value, value)

        def moved(place: Place, number: int = number) -> Place:
            if place.index is None or len(place.strides) <= depth:
                return place
            index = place.index + number * place.strides[depth]
            return Place(place.name, index, (*place.strides[:depth], *place.strides[depth + 1 :]))

        steps = copied(loop.steps)
        substitute(steps, named, moved)
        rounds.append(steps)
        given = list(map(named, loop.results))
    return rounds, list(given)


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


def _mark(item: Item, known: dict[Value, int] | None = None) -> Hashable:
    """What two iterations of a loop have in common at this item. `known` tells apart the values that are made in a loop
    of it; which values of its surroundings it reads is left to `_Roller._loop`."""
    known = {} if known is None else known
    if isinstance(item, Loop):
        inputs = tuple(map(known.get, item.inputs))
        for value in item.parameters:
            known[value] = len(known)
        inner = tuple(_mark(step, known) for step in item.steps)
        name = item.name if isinstance(item, Region) else None
        key: Hashable = (name, item.times, inputs, inner, tuple(map(known.get, item.results)), len(item.outputs))
    else:
        leaves: list[Leaf | Built] = []
        code = signature(item.code, known.get, leaves, lambda place: (place.name, place.strides))
        values = tuple(leaf.value if isinstance(leaf, Leaf) else leaf.function for leaf in leaves)
        key = (code, values, tuple(map(type, values)), len(item.outputs), item.train_only)
    for value in item.outputs:
        known[value] = len(known)
    return key


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
