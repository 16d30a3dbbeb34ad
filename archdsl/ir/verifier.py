"""The verifier: what every pass may take for granted about a program, checked. Tests run it on every spec."""

from archdsl.ir.operator import Rejection, WeightRef
from archdsl.ir.printer import function_names, segment_text
from archdsl.ir.program import Call, Function, Node, Op, Program, Recompute, Repeat, Value, walk


def verify(program: Program) -> list[str]:
    """Every broken promise of the program, in words; empty for a sound one.

    Checked: functions are distinct, listed callees first, `entry` last; every value is defined once, before its use,
    and visible where it is used; operator results have the types that `infer` gives; calls fit their callees; values
    carried through a `repeat` keep their types and it runs at least twice; every parameter path is unambiguous; a
    recomputed region is one run of nodes; borrowed weights exist, belong to an operator that runs before, and have the
    shape they claim; a shared instance is an earlier node over the same definition; outputs are values of the entry.

    A shared instance and the owner of a borrowed weight may belong to an enclosing function (a body passed to
    a combinator may use what its author shared): then only "not later in this function" can be seen from
    here.
    """
    problems: list[str] = []
    names = function_names(program)
    listed: set[int] = set()
    for function in program.functions:
        check = _FunctionCheck(function, f"@{names[id(function)]}", listed)
        problems.extend(check.run())
        if id(function) in listed:
            problems.append(f"{check.where}: listed twice")
        listed.add(id(function))
    if not program.functions or program.functions[-1] is not program.entry:
        problems.append("the entry is not the last function")
    results = {id(value) for value in program.entry.outputs}
    for output in program.outputs:
        if id(output.value) not in results:
            problems.append(f"output `{output.name}` is no result of the entry")
    return problems


class _FunctionCheck:
    def __init__(self, function: Function, where: str, listed: set[int]) -> None:
        self.function = function
        self.where = where
        self.listed = listed
        self.problems: list[str] = []
        self.visible: set[int] = set()
        self.ever: set[int] = set()
        self.ran: set[int] = set()
        self.paths: dict[str, set[int | None]] = {}
        self.lists: dict[str, tuple[int, int]] = {}
        self.regions: dict[Recompute, tuple[list[Node], int]] = {}
        """Where each recomputed region was seen last: the list and the position in it."""
        self.own = {id(node) for node, _ in walk(function.nodes)}

    def is_later(self, node: object) -> bool:
        return id(node) in self.own and id(node) not in self.ran

    def say(self, text: str) -> None:
        self.problems.append(f"{self.where}: {text}")

    def define(self, values: tuple[Value, ...], what: str) -> None:
        for value in values:
            if id(value) in self.ever:
                self.say(f"{what} defines a value that is defined already")
            self.ever.add(id(value))
            self.visible.add(id(value))

    def use(self, values: tuple[Value, ...], what: str) -> None:
        for value in values:
            if id(value) not in self.visible:
                self.say(f"{what} uses a value of type {value.type} that is not defined before it")

    def region(self, nodes: list[Node], position: int, around: Recompute | None) -> None:
        """A recomputed region is one run of nodes: of one list, inside the region `around` that list."""
        region = nodes[position].recompute
        while region is not None and region is not around:
            if self.regions.setdefault(region, (nodes, position - 1)) != (nodes, position - 1):
                self.say("a recomputed region is no run of nodes")
            self.regions[region] = (nodes, position)
            region = region.outer
        if region is not around:
            self.say("a node of a repeat leaves the recomputed region around it")

    def run(self) -> list[str]:
        self.define(self.function.inputs, "the head")
        stack: list[tuple[list[Node], int, Repeat | None, set[int]]] = [(self.function.nodes, 0, None, set())]
        while stack:
            nodes, position, repeat, outside = stack.pop()
            if position < len(nodes):
                node = nodes[position]
                self.region(nodes, position, repeat.recompute if repeat else None)
                stack.append((nodes, position + 1, repeat, outside))
                if isinstance(node, Repeat):
                    before = set(self.visible)
                    self.open_repeat(node)
                    stack.append((node.nodes, 0, node, before))
                else:
                    self.node(node, [frame[2] for frame in stack if frame[2]])
            elif repeat is not None:
                self.use(repeat.results, "the end of a repeat")
                self.visible = outside
                self.define(repeat.outputs, "a repeat")
        self.use(self.function.outputs, "the return")
        self.dense()
        return self.problems

    def open_repeat(self, node: Repeat) -> None:
        if node.times < 2:
            self.say(f"a repeat runs {node.times} times; a single run needs no repeat")
        self.use(node.inputs, "a repeat")
        self.define(node.parameters, "a repeat")
        lists = (node.inputs, node.parameters, node.results, node.outputs)
        if len({tuple(value.type for value in values) for values in lists}) != 1:
            shown = " / ".join(types_text(values) for values in lists)
            self.say(f"a repeat changes the types of what it carries: {shown}")

    def node(self, node: Op | Call, repeats: list[Repeat]) -> None:
        what = f"`{segment_text(node.segment)}`"
        self.use(node.inputs, what)
        self.define(node.outputs, what)
        self.path(node, repeats, what)
        if node.instance is not None and self.is_later(node.instance):
            self.say(f"{what} shares an instance that has not run before it")
        if isinstance(node, Op):
            self.op(node, what)
        else:
            self.call(node, what)
        self.ran.add(id(node))

    def op(self, node: Op, what: str) -> None:
        found = tuple(value.type for value in node.outputs)
        try:
            inferred = node.op.infer(*(value.type for value in node.inputs))
        except Rejection as rejection:
            self.say(f"{what}: {node.op!r} refuses its inputs: {rejection.message}")
        else:
            if inferred != found:
                self.say(f"{what}: {node.op!r} gives {inferred}, its results are typed {found}")
        if node.instance is not None and type(node.instance.op) is not type(node.op):
            self.say(f"{what} shares an instance of another operator")
        for reference in node.op.borrowed():
            self.borrowed(reference, what)

    def borrowed(self, reference: WeightRef, what: str) -> None:
        owner = reference.owner
        if not isinstance(owner, Op) or self.is_later(owner):
            self.say(f"{what} borrows `{reference!r}` from a node that has not run before it")
            return
        shapes = {weight.name: weight.shape for weight in (owner.instance or owner).owned_weights}
        if reference.name not in shapes:
            self.say(f"{what} borrows `{reference!r}`, which its owner has not")
        elif shapes[reference.name] != reference.shape:
            self.say(f"{what} borrows `{reference!r}` as {reference.shape}, it is {shapes[reference.name]}")

    def call(self, node: Call, what: str) -> None:
        callee = node.callee
        if id(callee) not in self.listed:
            self.say(f"{what} calls {callee.block}, which is not listed before this function")
        if node.instance is not None and node.instance.callee.origin is not callee.origin:
            self.say(f"{what} shares an instance of another block")
        for kind, given, wanted in (
            ("inputs", node.inputs, callee.inputs),
            ("outputs", node.outputs, callee.outputs),
        ):
            if [value.type for value in given] != [value.type for value in wanted]:
                self.say(f"{what}: {kind} {types_text(given)} do not fit {callee!r}: {types_text(wanted)}")

    def path(self, node: Op | Call, repeats: list[Repeat], what: str) -> None:
        """Record a node's segment. Of the indices it takes in repeats, the first, the second and the last of every loop
        are compared with those of other nodes; `dense` counts them all."""
        segment = node.segment
        if node.instance is not None:
            return
        if segment.index is not None and len(segment.strides) != len(repeats):
            self.say(f"{what} has {len(segment.strides)} strides inside {len(repeats)} repeats")
            return
        taken = self.paths.setdefault(segment.name, set())
        if (segment.index is None and taken) or None in taken:
            self.say(f"{what} is a plain segment and used several times")
        indices: set[int | None] = {segment.index}
        if segment.index is not None:
            count, last = 1, segment.index
            for repeat, stride in zip(repeats, segment.strides, strict=True):
                indices |= {segment.index + stride, segment.index + (repeat.times - 1) * stride}
                last += (repeat.times - 1) * stride
                count *= repeat.times if stride else 1
            indices.add(last)
            total, highest = self.lists.get(segment.name, (0, 0))
            self.lists[segment.name] = (total + count, max(highest, last))
        if taken & indices:
            self.say(f"{what} is used several times")
        taken |= indices

    def dense(self) -> None:
        for name, (count, highest) in self.lists.items():
            if count != highest + 1:
                self.say(f"`{name}` has {count} elements numbered up to {highest}")


def types_text(values: tuple[Value, ...]) -> str:
    """`(f32[N, 64], i64[N])`."""
    return f"({', '.join(str(value.type) for value in values)})"
