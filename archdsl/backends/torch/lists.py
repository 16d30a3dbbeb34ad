"""What stands under one segment name of a body: a single submodule, or a list of them as rows and cycles.

A list is kept run-length coded, so a `repeat 1_000_000` is one row however it is read.
"""

from collections.abc import Hashable, Sequence
from itertools import groupby

from archdsl.backends.torch.items import Entry
from archdsl.backends.torch.parameters import ABSENT
from archdsl.backends.torch.records import Apply, Built, Code, Leaf, Submodule, signature
from archdsl.ir.operator import Init
from archdsl.ir.program import Round, Unrolled
from archdsl.records import record, replace
from archdsl.types.derivations import Derivation, kind


@record
class Row:
    """`count` equal submodules in a row. `values` is what the leaves of the code hold."""

    code: Code
    leaves: list[Leaf | Built]
    key: Hashable
    starts: tuple[tuple[str, Init], ...]
    count: int
    values: tuple[object, ...]
    loop: Unrolled | None = None
    """The innermost written-out loop that they were made in."""

    def times(self, count: int) -> "Row":
        """The same submodules, `count` of them; as many as a loop has rounds are as many as its author said."""
        return replace(self, count=_as_said(count, self.loop))

    def and_(self, other: "Row") -> "Row":
        """These submodules and more of the same."""
        together = self if self.loop is other.loop else replace(self, loop=None)
        return together.times(self.count + other.count)


@record
class Cycle:
    """Rows and cycles repeated `times` times."""

    elements: "list[Row | Cycle]"
    times: int


Element = Row | Cycle


@record
class Listing:
    """Everything under one name. `single` is a name that occurs once, which makes no list. `family` is the first
    number of a list whose items are registered as `name1`, `name2`, ... `absent` marks a part that a specialisation
    goes without."""

    name: str
    single: bool
    elements: list[Element]
    family: int | None = None
    absent: bool = False
    condition: Derivation | None = None
    """Under which condition the author has it built, where that is one for all of it."""

    @property
    def length(self) -> int:
        loops = {row.loop if isinstance(row, Row) else None for row in self.elements}
        return _as_said(sum(map(_length, self.elements)), loops.pop() if len(loops) == 1 else None)

    @property
    def parameters(self) -> set[bool]:
        """Whether the items are weights themselves (True) or submodules (False); both, for a mixed list."""
        found: set[bool] = set()
        pending: list[Element] = list(self.elements)
        while pending:
            element = pending.pop()
            if isinstance(element, Cycle):
                pending.extend(element.elements)
            else:
                found.add(isinstance(element.code, Apply) and element.code.target == "nn.Parameter")
        return found

    @property
    def uniform(self) -> bool:
        """Whether every item is built alike but for its numbers."""
        rows = [each for each in self.elements if isinstance(each, Row)]
        return not self.single and len(rows) == len(self.elements) and len({row.key for row in rows}) == 1

    @property
    def runs(self) -> list[Row]:
        """The rows of a uniform list, equal neighbours put together."""
        merged: list[Row] = []
        for row in self.elements:
            assert isinstance(row, Row)
            if merged and _alike(merged[-1], row):
                merged[-1] = merged[-1].and_(row)
            else:
                merged.append(row)
        return merged

    @property
    def key(self) -> Hashable:
        """What two specialisations of one class have in common here."""
        if self.uniform:
            first = self.elements[0]
            assert isinstance(first, Row)
            return (self.name, self.family, "uniform", first.key)
        return (self.name, self.family, self.single, tuple(map(_key, self.elements)))

    def without(self) -> "Listing":
        """The same part where it is left out: everything it holds is `ABSENT`."""
        rows = [row for row in self.elements if isinstance(row, Row)]
        absent = [
            Row(row.code, row.leaves, row.key, row.starts, row.count, (ABSENT,) * len(row.values)) for row in rows
        ]
        return Listing(self.name, self.single, list(absent), self.family, absent=True)

    @property
    def optional(self) -> bool:
        """Whether this may be a part that some specialisations go without."""
        rows = [row for row in self.elements if isinstance(row, Row)]
        plain = len(rows) == len(self.elements) and not any(row.starts for row in rows)
        return plain and self.family is None and (self.single or not self.uniform)


def listing(name: str, entries: Sequence[Entry], family: int | None = None) -> Listing:
    """Order what was registered under a name. Holes (items without state) are filled with `nn.Identity()`."""
    conditions = {entry.condition for entry in entries}
    condition = next(iter(conditions)) if len(conditions) == 1 else None
    if len(entries) == 1 and entries[0].place.index is None:
        return Listing(name, True, [_row(entries[0])], condition=condition)
    ordered = sorted(entries, key=lambda entry: entry.place.index or 0)
    return Listing(name, False, _elements(ordered, 0, 0), family, condition=condition)


_Marked = tuple[Element, tuple[Round, ...]]
"""An element with the rounds of written-out loops that it belongs to."""


def _elements(entries: Sequence[Entry], level: int, start: int) -> list[Element]:
    """Rows and cycles of entries in index order; `level` loops have been opened. As deep as loops nest."""
    found: list[_Marked] = []
    at = start
    position = 0
    while position < len(entries):
        entry = entries[position]
        index = entry.place.index or 0
        found.extend((_hole(), ()) for _ in range(index - at))
        if len(entry.times) == level:
            found.append((_row(entry), entry.rounds))
            at = index + 1
            position += 1
            continue
        stride, times = entry.place.strides[level], entry.times[level]
        end = position
        while end < len(entries) and (entries[end].place.index or 0) < index + stride:
            end += 1
        inner = _elements(entries[position:end], level + 1, index)
        inner.extend(_hole() for _ in range(stride - sum(map(_length, inner))))
        first = inner[0]
        whole: Element = Cycle(inner, times)
        if isinstance(first, Row) and all(isinstance(each, Row) and _alike(first, each) for each in inner):
            whole = first.times(times * sum(map(_length, inner)))
        found.append((whole, entry.rounds))
        at = index + stride * times
        position = end
    return _cycles(found, 0)


def _cycles(marked: Sequence[_Marked], depth: int) -> list[Element]:
    """Elements, with cycles where the rounds of a loop that is written out are alike; `depth` loops are around. As deep
    as loops nest."""
    found: list[Element] = []
    for loop, run in groupby(marked, lambda each: each[1][depth].loop if len(each[1]) > depth else None):
        if loop is None:
            found += [element for element, _ in run]
            continue
        rounds = [_cycles(list(each), depth + 1) for _, each in groupby(run, lambda each: each[1][depth])]
        start = 0
        while start < len(rounds):
            first, end = rounds[start], start + 1
            while end < len(rounds) and _equal(first, rounds[end]):
                end += 1
            if end == start + 1 or all(_equal(first[:1], [each]) for each in first):
                found += [element for each in rounds[start:end] for element in each]
            else:
                found.append(Cycle(first, end - start))
            start = end
    return found


def _equal(left: Sequence[Element], right: Sequence[Element]) -> bool:
    """Whether two stretches of a list build the same. As deep as loops nest."""
    if len(left) != len(right):
        return False
    for a, b in zip(left, right, strict=True):
        if isinstance(a, Cycle) and isinstance(b, Cycle):
            if a.times != b.times or not _equal(a.elements, b.elements):
                return False
        elif not (isinstance(a, Row) and isinstance(b, Row)) or a.count != b.count or not _alike(a, b):
            return False
    return True


def _row(entry: Entry) -> Row:
    leaves: list[Leaf | Built] = []
    key = (signature(entry.code, id, leaves), tuple((weight, init.kind) for weight, init in entry.starts))
    values = tuple(leaf.value if isinstance(leaf, Leaf) else Submodule(leaf.function, leaf.given) for leaf in leaves)
    return Row(entry.code, leaves, key, entry.starts, 1, values, entry.rounds[-1].loop if entry.rounds else None)


def _as_said(count: int, loop: Unrolled | None) -> int:
    """A number of submodules that a loop made, one in each round, with the formula of its rounds."""
    said = None if loop is None else loop.times
    return count if said is None or said != count or kind(count) is not type(count) else said


def _hole() -> Row:
    return Row(Apply("nn.Identity", ()), [], "hole", (), 1, ())


def _length(element: Element) -> int:
    """Items of an element; inner cycles are opened with an explicit stack."""
    total = 0
    pending: list[tuple[Element, int]] = [(element, 1)]
    while pending:
        current, times = pending.pop()
        if isinstance(current, Row):
            total += current.count * times
        else:
            pending.extend((inner, times * current.times) for inner in current.elements)
    return total


def _alike(left: Row, right: Row) -> bool:
    if left.key != right.key or len(left.values) != len(right.values):
        return False
    starts = [(init.low, init.high) for _, init in left.starts] == [(init.low, init.high) for _, init in right.starts]
    return starts and all(kind(a) is kind(b) and a == b for a, b in zip(left.values, right.values, strict=True))


def _key(element: Element) -> Hashable:
    if isinstance(element, Row):
        return (element.key, element.count > 1)
    return ("cycle", tuple(map(_key, element.elements)))
