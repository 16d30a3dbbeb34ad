"""What training computes again: runs of steps become regions, and regions become methods of the class.

`regions` puts the items of every `recompute { ... }` together, `Outline` takes each region out of `forward` into a
method of its own, which `forward` hands to the helper `recompute`. The method runs the submodules of the class it is
in, so that the paths of weights are as without."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from archdsl.backends.torch.items import Body, Item, Loop, Region, Step, free, makes, places, reads, substitute
from archdsl.backends.torch.names import identifier
from archdsl.backends.torch.records import Input, Pack, Place, Recomputed, Spread, fresh
from archdsl.ir.program import Op, Program, Recompute, Value, walk
from archdsl.records import record, replace

STATISTICS = '''
class StatisticsKept:
    """A context that keeps the running statistics of batch normalisation as they are.
    It may be entered again: each backward pass through a graph is one more run."""

    def __init__(self, module):
        batch_norm = nn.modules.batchnorm._BatchNorm
        self.norms = [each for each in module.modules() if isinstance(each, batch_norm)]
        self.settings = []

    def __enter__(self):
        self.settings.append(
            [(norm.momentum, norm.num_batches_tracked) for norm in self.norms]
        )
        for norm in self.norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None

    def __exit__(self, *error):
        for norm, (momentum, batches) in zip(self.norms, self.settings.pop()):
            norm.momentum, norm.num_batches_tracked = momentum, batches
'''

RECOMPUTE = '''
def recompute(method, *inputs):
    """What a module's method makes of its inputs; training keeps the inputs only and
    runs it again in backward.

    That second run counts for nothing: it must not move the statistics of batch
    normalisation once more.
    """
    module = method.__self__
    if not (module.training and torch.is_grad_enabled()):
        return method(*inputs)
    if torch.compiler.is_compiling():
        # The compiler knows what only the first run does, and takes no `context_fn`.
        return checkpoint(method, *inputs, use_reentrant=False)
    return checkpoint(
        method,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), StatisticsKept(module)),
    )
'''
"""Why not simply `checkpoint`: it runs batch normalisation twice in one step of training. With a momentum of 0 and no
count the second run saves the same tensors as the first, as `checkpoint` demands, and leaves the statistics alone."""

RECOMPUTE_WITHOUT_STATISTICS = '''
def recompute(method, *inputs):
    """What a module's method makes of its inputs; training keeps the inputs only and
    runs it again in backward."""
    if not (method.__self__.training and torch.is_grad_enabled()):
        return method(*inputs)
    return checkpoint(method, *inputs, use_reentrant=False)
'''


def helpers(program: Program) -> tuple[str, ...]:
    """What the file of a program with regions defines."""
    operators = [node for function in program.functions for node, _ in walk(function.nodes) if isinstance(node, Op)]
    statistics = any(weight.role == "statistic" for node in operators for weight in node.owned_weights)
    return (STATISTICS, RECOMPUTE) if statistics else (RECOMPUTE_WITHOUT_STATISTICS,)


@record
class Outlined:
    """A method that holds one region. `counters` tells for each loop around the region whether the method needs to know
    how far it is."""

    name: str
    body: Body
    counters: tuple[bool, ...]


# ----------------------------------------------------------------------------------------------------------- regions


def regions(body: Body) -> None:
    """Put the items of every region of a body together, in place. What exists in training only comes last, as
    `forward` has it: where it stands between other items of its region, these are one region all the same."""
    if body.marks:
        items = sorted(body.items, key=lambda item: item.train_only)
        body.items = _grouped(body, items, body.outputs, None)


def _grouped(body: Body, items: list[Item], results: Sequence[Value], around: Recompute | None) -> list[Item]:
    """Items with those of each region in one. As deep as regions and loops nest in the source."""

    def key(item: Item) -> tuple[Recompute | None, bool]:
        region = body.marks.get(item)
        while region is not None and region is not around and region.outer is not around:
            region = region.outer
        return (None if region is around else region), item.train_only

    read = Counter([*reads(items), *results])
    found: list[Item] = []
    for (mark, train_only), run in groupby(items, key):
        members = list(run)
        if mark is not None:
            region = _region(body, members, mark, train_only, read)
            region.steps = _grouped(body, region.steps, region.results, mark)
            found.append(region)
            continue
        for item in members:
            if isinstance(item, Loop):
                item.steps = _grouped(body, item.steps, item.results, around)
        found += members
    return found


def _region(body: Body, items: list[Item], mark: Recompute, train_only: bool, read: Counter[Value]) -> Region:
    inside = Counter(reads(items))
    made = dict.fromkeys(value for item in items for value in item.outputs)
    inputs = dict.fromkeys(free(items))
    outputs = [value for value in made if read[value] > inside[value]]
    names = {value: fresh(value) for value in (*inputs, *outputs)}
    for value, inner_value in names.items():
        if value in body.names:
            body.names[inner_value] = body.names[value]
    substitute(items, lambda value: names.get(value, value))
    parameters, results = ([names[value] for value in values] for values in (inputs, outputs))
    return Region(
        1,
        tuple(parameters),
        items,
        tuple(results),
        tuple(inputs),
        tuple(outputs),
        mark.span,
        train_only,
        mark.round.chain if mark.round else (),
        mark.name or "recomputed",
    )


# ----------------------------------------------------------------------------------------------------------- methods


class Outline:
    """A rolled body whose regions are methods. `body` is what is left for `forward`: a step that runs the method in
    the place of each region. `original` finds the loop of the rolled body that a loop of `body` or of a method is."""

    def __init__(self, body: Body, taken: set[str]) -> None:
        self._whole = body
        self._taken = taken
        self.methods: list[Outlined] = []
        self.original: dict[Loop, Loop] = {}
        self.body = self._part(body.inputs, self._outlined(body.items, 0), body.outputs)

    def _part(self, inputs: tuple[Value, ...], items: list[Item], outputs: tuple[Value, ...]) -> Body:
        """Some items as a body of its own, with the author's names of the values that it has."""
        known = {*makes(items), *inputs}
        names = {value: name for value, name in self._whole.names.items() if value in known}
        return replace(self._whole, inputs=inputs, items=items, outputs=outputs, names=names)

    def _outlined(self, items: list[Item], depth: int) -> list[Item]:
        """Items with methods for regions; `depth` loops are open."""
        found: list[Item] = []
        for item in items:
            if not isinstance(item, Loop):
                found.append(item)
            elif isinstance(item, Region):
                found.append(self._method(item, depth))
            else:
                steps = self._outlined(item.steps, depth + 1)
                loop = replace(item, steps=steps)
                self.original[loop] = item
                found.append(loop)
        return found

    def _method(self, region: Region, depth: int) -> Step:
        name = identifier(region.name, self._taken)
        self._taken.add(name)
        strides = [place.strides for place in places(region.steps)]
        counters = tuple(any(sum(each[level : level + 1]) for each in strides) for level in range(depth))
        steps = self._outlined(region.steps, depth)
        body = self._part(region.parameters, steps, region.results)
        self.methods.append(Outlined(name, body, counters))
        code = Recomputed(name, tuple(map(_argument, region.inputs)), counters)
        return Step(region.outputs, code, "heavy", Place(region.name), region.span, region.train_only, region.rounds)


def _argument(value: Value) -> Input | Spread:
    return Spread(Input(value)) if isinstance(value, Pack) else Input(value)
