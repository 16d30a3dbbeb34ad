"""A lowered function as data: steps, loops, what is built at which place; the one walk over them and the one rebuild.

A `Body` is one specialisation of a block. Passes change it in place."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from archdsl.backends.torch.records import Code, Place, rewritten
from archdsl.ir.operator import Init
from archdsl.ir.program import Function, Recompute, Round, Value
from archdsl.records import field, record, replace
from archdsl.source import Span
from archdsl.types.derivations import Derivation

Weight = Literal["heavy", "norm", "light"]
"""How a step reads on a line: `heavy` ones (convolutions, linear layers, blocks) begin it, or end it when a
normalisation came first; the others go along."""


@record
class Step:
    """`outputs = code`. `place` is the path segment of the node, whether or not it has state there; `rounds` are those
    of written-out loops that it belongs to, the outermost first."""

    outputs: tuple[Value, ...]
    code: Code
    weight: Weight
    place: Place
    span: Span
    train_only: bool
    rounds: tuple[Round, ...] = ()


@record
class Loop:
    """Steps that run `times` times, as `ir.program.Repeat`. Its steps have at least its own `rounds`."""

    times: int
    parameters: tuple[Value, ...]
    steps: "list[Step | Loop]"
    results: tuple[Value, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span
    train_only: bool
    rounds: tuple[Round, ...] = ()


@record
class Region(Loop):
    """Steps that training computes again (`ir.program.Recompute`): like a loop that runs once, only that its steps'
    places carry no stride for it. `name` is what the author calls it."""

    name: str = ""


Item = Step | Loop


@record
class Entry:
    """One thing that is built at a place: once, or once per iteration of the loops around it (`times`, outermost
    first). `rounds` are those of written-out loops that it was written in, the outermost first."""

    place: Place
    code: Code
    starts: tuple[tuple[str, Init], ...]
    times: tuple[int, ...]
    rounds: tuple[Round, ...] = ()
    condition: Derivation | None = None
    """Under which condition the author has it built."""
    numbered: tuple[str, int] | None = None
    """The beginning and the number of a label that ends in a number the author computed."""


@record
class Body:
    """A lowered function. `entries` holds what is built under each segment name, in order of first use."""

    function: Function
    inputs: tuple[Value, ...]
    items: list[Item]
    outputs: tuple[Value, ...]
    entries: dict[str, list[Entry]]
    names: dict[Value, str]
    families: dict[str, int] = field(default_factory=dict[str, int])
    """Numbered names that are treated as one list: their common beginning, and their first number."""
    marks: dict[Item, Recompute] = field(default_factory=dict[Item, Recompute])
    """Which items training computes again, as they were lowered."""

    def reads(self) -> Counter[Value]:
        """How often each value is read, as an output too."""
        return Counter([*reads(self.items), *self.outputs])


def walk(items: Iterable[Item]) -> Iterator[Item]:
    """Items and those inside of them, in the order of the source: a loop, then its steps."""
    pending = [*items][::-1]
    while pending:
        item = pending.pop()
        yield item
        if isinstance(item, Loop):
            pending.extend(reversed(item.steps))


def steps(items: Iterable[Item]) -> Iterator[Step]:
    """The steps among items, those inside loops too."""
    return (item for item in walk(items) if isinstance(item, Step))


def reads(items: Iterable[Item]) -> Iterator[Value]:
    """Every value that items read, repetitions included. A loop reads what it is given and what a round hands on."""
    for item in walk(items):
        yield from (*item.inputs, *item.results) if isinstance(item, Loop) else item.code.values


def makes(items: Iterable[Item]) -> Iterator[Value]:
    """Every value that items make, the parameters of loops included."""
    for item in walk(items):
        yield from (*item.outputs, *item.parameters) if isinstance(item, Loop) else item.outputs


def free(items: Sequence[Item]) -> list[Value]:
    """Values of the surroundings that items read, repetitions included."""
    made = set(makes(items))
    return [value for value in reads(items) if value not in made]


def places(items: Iterable[Item]) -> Iterator[Place]:
    """Every place that items mention, repetitions included."""
    return (place for step in steps(items) for place in step.code.places)


def copied(items: Iterable[Item]) -> list[Item]:
    """Items that can be changed without the others; as deep as loops nest."""
    return [replace(item, steps=copied(item.steps)) if isinstance(item, Loop) else replace(item) for item in items]


def substitute(
    items: Iterable[Item],
    value: Callable[[Value], Value] = lambda value: value,
    place: Callable[[Place], Place] = lambda place: place,
) -> None:
    """Change every value and every place that items read or make, in place and in the order of `reads` and `places`;
    the parameters of loops stay."""
    for item in walk(items):
        if isinstance(item, Loop):
            item.inputs = tuple(map(value, item.inputs))
            item.results = tuple(map(value, item.results))
        else:
            item.code = rewritten(item.code, place, value)
        item.outputs = tuple(map(value, item.outputs))
