"""The program written out: every operator application once, with its full path, repeats and calls opened.

Only readers that must name every node (ONNX, weight initialisation, state-dict keys) flatten; counting never
does. The walk is lazy, keeps an explicit stack, and is refused up front, by a fold over the distinct
functions, when it would be longer than `limits.nodes`.
"""

from collections.abc import Iterator

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.ir.operator import Weight
from archdsl.ir.program import Call, FlatOp, Function, Node, Op, Program, Repeat, Value, walk
from archdsl.limits import Limits
from archdsl.records import record


@record
class FlatCall:
    """One call of a function whose body is written out elsewhere (`unroll`). Paths are as in `FlatOp`."""

    path: str
    owner_path: str
    node: Call
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


class Flattening(Iterator[FlatOp]):
    """The iterator `flatten` returns. Once it is exhausted, `outputs` holds the flat values of the program's
    outputs, in declaration order; a train output is None unless training was asked for."""

    def __init__(self, program: Program, training: bool) -> None:
        self.outputs: tuple[Value | None, ...] = ()
        self._walk = self._run(program, training)

    def __next__(self) -> FlatOp:
        return next(self._walk)

    def _run(self, program: Program, training: bool) -> Iterator[FlatOp]:
        scope = _Scope(None, None, "", "", False)
        scope.bind(program.inputs, program.inputs)
        stack = [_Body(scope, program.entry.nodes, None, ())]
        while stack:
            body = stack[-1]
            node = body.next_node()
            if node is None:
                stack.pop()
            elif node.train_only and not training:
                body.scope.skip(node)
            elif isinstance(node, Op):
                yield body.scope.apply(node, body.iterations)
            elif isinstance(node, Call):
                stack.append(_Body(body.scope.enter(node, body.iterations), node.callee.nodes, None, ()))
            else:
                body.scope.bind(node.parameters, body.scope.read(node.inputs))
                stack.append(_Body(body.scope, node.nodes, node, body.iterations))
        known = scope.values
        self.outputs = tuple(
            known.get(output.value) if training or not output.train else None for output in program.outputs
        )


class Unrolling(Iterator[FlatOp | FlatCall]):
    """The iterator `unroll` returns. Once it is exhausted, `outputs` holds the values of `results`."""

    def __init__(self, function: Function, results: tuple[Value, ...]) -> None:
        self._scope = _Scope(None, None, "", "", False)
        self._results = results
        self.outputs: tuple[Value, ...] = ()
        self._walk = self._run(function)

    def __next__(self) -> FlatOp | FlatCall:
        return next(self._walk)

    def _run(self, function: Function) -> Iterator[FlatOp | FlatCall]:
        scope = self._scope
        scope.bind(function.inputs, function.inputs)
        stack = [_Body(scope, function.nodes, None, ())]
        while stack:
            body = stack[-1]
            node = body.next_node()
            if node is None:
                stack.pop()
            elif node.train_only:
                scope.skip(node)
            elif isinstance(node, Op):
                yield scope.apply(node, body.iterations)
            elif isinstance(node, Call):
                yield scope.call_closed(node, body.iterations)
            else:
                scope.bind(node.parameters, scope.read(node.inputs))
                stack.append(_Body(scope, node.nodes, node, body.iterations))
        self.outputs = scope.read(self._results)


def flatten(program: Program, limits: Limits, training: bool = True) -> Flattening:
    """Every operator application in execution order. Inputs keep their identity; every other value is fresh,
    so no two applications share an output. With `training=False` nodes that only train outputs need are left
    out.

    Raises `ArchError` (E0910) before the first step when the program has more than `limits.nodes` nodes.
    """
    check_size(program, limits)
    return Flattening(program, training)


def unroll(function: Function, results: tuple[Value, ...] | None = None) -> Unrolling:
    """One function's body in inference mode, repeats opened and calls left as calls, paths relative to the
    function. The caller has checked the size of the whole program (`check_size`)."""
    return Unrolling(function, function.outputs if results is None else results)


def weights(program: Program, limits: Limits) -> Iterator[tuple[str, Weight]]:
    """Every weight with its path, in order of first use. A shared instance's weights are named once."""
    owned: dict[Op, tuple[Weight, ...]] = {}
    seen: set[str] = set()
    for flat in flatten(program, limits):
        node = flat.node
        if node.instance is not None:
            continue
        own = owned.get(node)
        if own is None:
            own = owned[node] = node.owned_weights
        if not own or flat.owner_path in seen:
            continue
        seen.add(flat.owner_path)
        for weight in own:
            yield weight_path(flat.owner_path, weight.name), weight


def weight_path(owner: str, name: str) -> str:
    """The path of a weight: the owner's path, a dot and the weight's name; the owner's path itself for the
    name ""."""
    return f"{owner}.{name}" if name else owner


def function_weights(function: Function) -> str:
    """A fingerprint of the paths and shapes of the weights that one call of a function owns: functions with equal
    ones can share one instance's weights. A repeat and the same loop written out have different fingerprints. The
    work is proportional to the distinct functions below this one.
    """
    done: dict[Function, str] = {}
    pending = [function]
    while pending:
        current = pending[-1]
        callees = [node.callee for node, _ in walk(current.nodes) if isinstance(node, Call)]
        waiting = [callee for callee in callees if callee not in done]
        if waiting:
            pending.extend(waiting)
            continue
        pending.pop()
        done[current] = _fingerprint(current, done)
    return done[function]


def _fingerprint(function: Function, done: dict[Function, str]) -> str:
    """Empty for a function without weights. A digest, because a text would repeat every callee's."""
    from hashlib import sha256

    parts: list[object] = []
    for node, times in walk(function.nodes):
        if isinstance(node, Repeat) or node.instance is not None:
            continue
        if isinstance(node, Call):
            owned: object = done[node.callee]
        else:
            owned = [(weight.name, weight.shape) for weight in node.owned_weights]
        if owned:
            segment = node.segment
            parts.append((segment.name, segment.index, segment.strides, times, owned))
    return sha256(repr(parts).encode()).hexdigest() if parts else ""


def flat_sizes(program: Program) -> dict[Function, int]:
    """For each distinct function, how many nodes one call of it writes out: operators, calls and
    iterations."""
    sizes: dict[Function, int] = {}
    for function in program.functions:
        total = 0
        for node, times in walk(function.nodes):
            total += times * _own_size(node, sizes)
        sizes[function] = total
    return sizes


def check_size(program: Program, limits: Limits, *, run: bool = False) -> None:
    """Raise `ArchError` (E0910) if writing the program out takes more than `limits.nodes` nodes, or (E0916) more than
    `limits.run_nodes` where it is to be `run`. Work is proportional to the distinct functions."""
    sizes = flat_sizes(program)
    total = sizes[program.entry]
    most, name = (limits.run_nodes, "run_nodes") if run else (limits.nodes, "nodes")
    if total <= most:
        return
    node = _largest(program, sizes, most)
    raise ArchError(
        [
            Diagnostic(
                code="E0916" if run else "E0910",
                message=f"the program has {total:_} nodes when written out, more than {most:_}",
                span=node.span if node else program.entry.span,
                label="most of them are here" if node else "",
                help=f"counting needs no such limit; to write it out all the same, raise it: `--limit {name}={total}`",
            )
        ]
    )


def _own_size(node: Node, sizes: dict[Function, int]) -> int:
    """Nodes written for one visit of a node, those `walk` visits separately left out."""
    if isinstance(node, Call):
        return 1 + sizes[node.callee]
    if isinstance(node, Repeat):
        return node.times
    return 1 + node.op.written(*[value.type for value in node.inputs])


def _largest(program: Program, sizes: dict[Function, int], limit: int) -> Node | None:
    """The innermost construct that is too large on its own, found by following the largest node downwards."""
    found: Node | None = None
    nodes: list[Node] = program.entry.nodes
    for _ in range(1 + 2 * len(program.functions)):
        sized = [(_whole_size(node, sizes), node) for node in nodes if not isinstance(node, Op)]
        size, node = max(sized, key=lambda pair: pair[0], default=(0, None))
        if node is None or size <= limit:
            break
        found = node
        nodes = node.callee.nodes if isinstance(node, Call) else node.nodes
    return found


def _whole_size(node: Node, sizes: dict[Function, int]) -> int:
    if not isinstance(node, Repeat):
        return _own_size(node, sizes)
    return node.times * (1 + sum(times * _own_size(inner, sizes) for inner, times in walk(node.nodes)))


class _Scope:
    """One instance of a function: the flat values of its values, and the paths of its nodes."""

    __slots__ = ("call", "owner", "owners", "parent", "prefix", "train_only", "values")

    def __init__(self, parent: "_Scope | None", call: Call | None, prefix: str, owner: str, train_only: bool) -> None:
        self.parent = parent
        self.call = call
        self.prefix = prefix
        self.owner = owner
        self.train_only = train_only
        self.values: dict[Value, Value] = {}
        self.owners: dict[object, str] = {}

    def bind(self, names: tuple[Value, ...], values: tuple[Value, ...]) -> None:
        self.values.update(zip(names, values, strict=True))

    def read(self, names: tuple[Value, ...]) -> tuple[Value, ...]:
        values = self.values
        return tuple([values[name] for name in names])

    def place(self, node: Op | Call, iterations: tuple[int, ...]) -> tuple[str, str]:
        """A node's path and the path its weights live under."""
        segment = node.segment.at(iterations)
        owner = self.owners[node.instance] if node.instance else f"{self.owner}{segment}"
        self.owners[node] = owner
        return f"{self.prefix}{segment}", owner

    def skip(self, node: Node) -> None:
        """Leave out a node that exists in training only. What runs may use its weights all the same, shared or tied;
        of those inside a repeat nothing outside can."""
        if not isinstance(node, Repeat):
            self.place(node, ())

    def fresh(self, names: tuple[Value, ...]) -> tuple[Value, ...]:
        """New values standing for `names` from here on."""
        values = tuple([Value(name.type, name.name) for name in names])
        self.bind(names, values)
        return values

    def apply(self, node: Op, iterations: tuple[int, ...]) -> FlatOp:
        path, owner = self.place(node, iterations)
        inputs = self.read(node.inputs)
        borrowed = tuple([weight_path(self.owners[ref.owner], ref.name) for ref in node.op.borrowed()])
        train_only = node.train_only or self.train_only
        return FlatOp(path, owner, node.op, inputs, self.fresh(node.outputs), node, train_only, borrowed)

    def call_closed(self, node: Call, iterations: tuple[int, ...]) -> FlatCall:
        path, owner = self.place(node, iterations)
        inputs = self.read(node.inputs)
        return FlatCall(path, owner, node, inputs, self.fresh(node.outputs))

    def enter(self, call: Call, iterations: tuple[int, ...]) -> "_Scope":
        path, owner = self.place(call, iterations)
        scope = _Scope(self, call, f"{path}.", f"{owner}.", call.train_only or self.train_only)
        scope.bind(call.callee.inputs, self.read(call.inputs))
        return scope

    def leave(self) -> None:
        """Hand a finished call's results to the caller."""
        if self.parent is not None and self.call is not None:
            self.parent.bind(self.call.outputs, self.read(self.call.callee.outputs))


class _Body:
    """A list of nodes being walked: a function's, or a repeat's, once per iteration."""

    __slots__ = ("iterations", "nodes", "outer", "repeat", "scope")

    def __init__(self, scope: _Scope, nodes: list[Node], repeat: Repeat | None, outer: tuple[int, ...]) -> None:
        self.scope = scope
        self.nodes = iter(nodes)
        self.repeat = repeat
        self.outer = outer
        self.iterations: tuple[int, ...] = (*outer, 0) if repeat else outer

    def next_node(self) -> Node | None:
        """The next node; None after the last one of the last iteration, when the results have been handed
        on."""
        while (node := next(self.nodes, None)) is None:
            repeat = self.repeat
            if repeat is None:
                self.scope.leave()
                return None
            results = self.scope.read(repeat.results)
            iteration = self.iterations[-1] + 1
            if iteration == repeat.times:
                self.scope.bind(repeat.outputs, results)
                return None
            self.scope.bind(repeat.parameters, results)
            self.iterations = (*self.outer, iteration)
            self.nodes = iter(repeat.nodes)
        return node
