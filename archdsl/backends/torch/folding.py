"""Which steps of a forward pass are written inside the lines that read them."""

from collections.abc import Callable, Container, Mapping, Sequence

from archdsl.backends.torch.items import Item, Loop, Region, Step, places, walk
from archdsl.backends.torch.records import Infix
from archdsl.ir.program import Value

LINE = 3
"""Applications that one line chains, at most."""

BRANCHES = 9
"""Applications in all the branches that meet on one line, at most."""


def loop_lists(loop: Loop, lengths: Callable[[str], int], families: Container[str]) -> list[str] | None:
    """Names of the lists that a loop walks through from end to end, in order of use; None where it needs a
    counter."""
    lists: dict[str, None] = {}
    for item in loop.steps:
        if isinstance(item, Loop):
            if not _stands(item):
                return None
            continue
        for place in item.code.places:
            if not place.strides or not any(place.strides):
                continue
            whole = place.index == 0 and place.strides == (1,) and lengths(place.name) == loop.times
            if not whole or place.name in families:
                return None
            lists[place.name] = None
    return list(lists) or None


def _stands(loop: Loop) -> bool:
    """Whether a loop is a region that needs no counter of the loops around it."""
    regions = all(isinstance(item, Step | Region) for item in walk([loop]))
    return regions and not any(any(place.strides) for place in places([loop]))


def branches(items: Sequence[Item], total: Mapping[Value, int], named: Container[Value]) -> set[Step]:
    """Steps that are written inside the step where their chain meets others. `total` tells how often values are read,
    `named` which ones keep a name of their own."""
    inside: set[Step] = set()
    pending: list[Sequence[Item]] = [items]
    while pending:
        line = pending.pop()
        made: dict[Value, Step] = {}
        chain: dict[Step, list[Step]] = {}
        for item in line:
            if isinstance(item, Loop):
                pending.append(item.steps)
                made.clear()
                continue
            values = item.code.values
            chains = [_branch(value, made, chain, total, named) for value in dict.fromkeys(values)]
            several = len(set(values)) > 1
            infix = isinstance(item.code, Infix)
            if several:
                merged = [step for part in _meeting(chains, infix) for step in part]
                inside.update(merged)
                chain[item] = [*merged, item] if merged else [item] * (BRANCHES + 1)  # begins a line
            elif len(set(values)) == 1:
                chain[item] = [*chains[0], item]
            else:
                chain[item] = [item]
            for value in item.outputs:
                made[value] = item
    return inside


def _branch(
    value: Value,
    made: dict[Value, Step],
    chain: dict[Step, list[Step]],
    total: Mapping[Value, int],
    named: Container[Value],
) -> list[Step]:
    """The steps that make a value which is read once, back to where it forks or is named."""
    step = made.get(value)
    if step is None or total[value] != 1 or value in named or len(step.outputs) != 1:
        return []
    return chain[step]


def _meeting(chains: Sequence[list[Step]], infix: bool) -> list[list[Step]]:
    """The chains that are written where they meet: all of them if they are short, else the short ones of an
    operation."""

    kept = [chain for chain in chains if _is_short(chain, infix, wide=sum(map(bool, chains)) > 2)]
    if infix:
        return kept if sum(map(len, kept)) <= LINE + 1 else []
    if len(kept) < len(chains):
        return []
    tiny = all(len(chain) <= LINE - 1 for chain in chains)
    return kept if tiny or sum(map(len, kept)) <= BRANCHES else []


def _is_short(chain: Sequence[Step], infix: bool, *, wide: bool) -> bool:
    """Whether a chain may be written where it meets others; a bit longer where many meet, each on its own line."""
    heavy = sum(step.weight == "heavy" for step in chain)
    if infix:
        return len(chain) <= LINE and heavy <= 1
    return len(chain) <= (LINE if wide else LINE - 1) and heavy <= (2 if wide else 1)
