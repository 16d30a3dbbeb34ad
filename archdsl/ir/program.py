"""The program: a graph of specialised functions that every analysis and both backends fold over.

A `Function` is one block under given static arguments and input types. Its body is a straight line of nodes in
execution order; a node is an `Op` (one operator), a `Call` (of another function) or a `Repeat` (a type-preserving
body run `times` times). A block that is used a thousand times with the same arguments is one `Function` and a
thousand `Call`s, or one `Call` in one `Repeat`; nothing ever depends on the number of layers unless it asks for
`flatten`. Nodes may be marked as ones that training computes again (`Recompute`).

A program can be had once more with what its author wrote (`Program.remembering`): its numbers then know the formulas
over the parameters of their block that made them (`types.derivations`), a node the `condition` that it exists under and
how its label is `numbered` (`as "layer{i}"`), a call the caller's formulas of what it is `given`. Where nothing is
remembered these are None.

Nodes and values are compared by identity.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from archdsl.ir.operator import Operator, Weight
from archdsl.records import field, record
from archdsl.source import Source, Span
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.types.derivations import Derivation


@record
class Value:
    """One tensor. `name` is the author's name for it (a label, an input's name), or "" for an unnamed one."""

    type: TensorType
    name: str = ""


@record
class Segment:
    """One step of a parameter path (`layer1.0`): a name and, where the name occurs several times in its function, an
    index.

    Inside `Repeat` nodes the index moves with the loop: iteration numbers i, j, ... of the enclosing repeats,
    outermost first, give `index + i * strides[0] + j * strides[1] + ...`.
    """

    name: str
    index: int | None = None
    strides: tuple[int, ...] = ()

    def at(self, iterations: tuple[int, ...] = ()) -> str:
        """The path segment in one iteration of the enclosing repeats (a prefix of zeros may be left out)."""
        if self.index is None:
            return self.name
        moved = sum(i * stride for i, stride in zip(iterations, self.strides, strict=False))
        return f"{self.name}.{self.index + moved}"


@record
class Recompute:
    """One `recompute { ... }` of a function: a run of its nodes whose intermediate values training does not keep.

    The nodes in the braces stand in a row in one list of nodes, and each of them points here through `recompute` (a
    `Repeat` does, and so do the nodes of its body). They stay nodes of their function: paths, costs, inference and
    flattening do not depend on the mark.

    How to read it: of what the nodes of one region save for backward, nothing is kept, and neither is anything inside
    the functions they call. Kept are the values from outside that the region reads, and of the values it makes those
    that somebody outside reads, where the reader keeps them. Backward first runs the region again and so holds
    what one region saves at a time. `outer` is the region around this one in the same function, `name` its label or "",
    `round` the round of a written-out loop that the region stands in.
    """

    span: Span
    outer: "Recompute | None" = None
    name: str = ""
    round: "Round | None" = None


@record
class Unrolled:
    """One run of a loop whose rounds are written out: a `for`, or a `repeat` whose rounds are not alike. `times` is how
    many rounds the author asked for, where that is remembered."""

    span: Span
    times: int | None = None


@record
class Round:
    """One round of a loop that is written out. Each of its nodes points here through `round`, those of a `Repeat` among
    them too; `index` counts from 0, and `outer` is the round around this one in the same function. What was a loop to
    its author need so not be guessed from nodes that look alike."""

    loop: Unrolled
    index: int
    outer: "Round | None" = None

    @property
    def chain(self) -> "tuple[Round, ...]":
        """The rounds around, the outermost first, and this one."""
        found: list[Round] = []
        each: Round | None = self
        while each is not None:
            found.append(each)
            each = each.outer
        return tuple(reversed(found))


@record
class Op:
    """One application of an operator. A `shared` instance is the first application; later ones point to it through
    `instance` and own no weights."""

    op: Operator
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    segment: Segment
    span: Span
    instance: "Op | None" = None
    train_only: bool = False
    recompute: Recompute | None = None
    round: Round | None = None
    condition: "Derivation | None" = None
    numbered: tuple[str, int] | None = None
    given: "Mapping[str, Derivation] | None" = None

    @property
    def owned_weights(self) -> tuple[Weight, ...]:
        """Weights this node adds to the state dict; none when it uses a shared instance again."""
        return () if self.instance else self.op.weights(*(value.type for value in self.inputs))


@record
class Call:
    """One application of a function. `instance` as for `Op`: a later use of a `shared` block."""

    callee: "Function"
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    segment: Segment
    span: Span
    instance: "Call | None" = None
    train_only: bool = False
    recompute: Recompute | None = None
    round: Round | None = None
    condition: "Derivation | None" = None
    numbered: tuple[str, int] | None = None
    given: "Mapping[Derivation, Derivation] | None" = None


@record
class Repeat:
    """`repeat n { ... }` with a type-preserving body, kept as one node however large `times` is (always >= 2).

    `parameters` are the loop-carried values as the body sees them, `results` what the body makes of them, of the same
    types; iteration 0 gets `inputs`, the last one gives `outputs`. The body may also read any earlier value of the
    enclosing function. It opens no path scope: its nodes' segments carry a stride for this loop. Every iteration has
    its own weights; shared instances declared outside the body are the exception.
    """

    times: int
    parameters: tuple[Value, ...]
    nodes: "list[Node]"
    results: tuple[Value, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span
    train_only: bool = False
    recompute: Recompute | None = None
    round: Round | None = None
    condition: "Derivation | None" = None


Node = Op | Call | Repeat


def rounds(node: Node) -> tuple[Round, ...]:
    """The rounds of written-out loops that a node belongs to, the outermost first."""
    return node.round.chain if node.round else ()


@record
class Function:
    """A block under given static arguments and input types.

    `block` is the block's (or model's) name; `arguments` its static arguments and signature-bound dimensions by name,
    in declaration order, as plain values (ints, floats, bools, strings, `Dim`s, tuples of these, or the name of a
    block); a body passed by braces is called by its parameter's name and has none. `input_names` are the signature's
    names. `labels` maps each label of the body to its value (the last one, where a label is used several times).
    `origin` identifies the block definition: two functions with the same origin are specialisations of one block.
    """

    block: str
    arguments: dict[str, object]
    inputs: tuple[Value, ...]
    nodes: list[Node]
    outputs: tuple[Value, ...]
    origin: object
    span: Span
    doc: str = ""
    labels: dict[str, Value] = field(default_factory=dict[str, Value])
    declared: int | None = None
    """How many of `arguments`, from the first, the block declares as parameters (all of them for None); its signature
    binds the others."""
    flags: frozenset[str] = frozenset()
    """Those of `arguments` that are false unless set."""
    defaults: Mapping[str, object] = {}
    """The values of parameters that a call leaves out, of those whose default is a plain number."""

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.block}({given})"


@record
class Output:
    """A model output. A `train` output exists in training mode only."""

    name: str
    value: Value
    train: bool


@record
class Program:
    """A compiled model. `functions` lists every distinct function, callees before callers, `entry` last.

    `inputs` are the entry's inputs, each with its name; `outputs` in declaration order. Nodes that only train outputs
    depend on are marked `train_only`.
    """

    name: str
    entry: Function
    functions: list[Function]
    outputs: list[Output]
    sources: tuple[Source, ...] = ()
    """The texts it was made from, the spec's own first; the standard library is none of them."""
    chosen: tuple[str, ...] = ()
    """The parameters that whoever asked for the program set; a preset's own are in its name."""
    remembering: "Callable[[Mapping[str, object]], Program | None] | None" = None
    """Makes the program once more, with what its author wrote, and with other values of some of its parameters (None
    where the model does not take them); None for a program that no text says."""

    def __repr__(self) -> str:
        return f"<archdsl program {self.entry!r}, {len(self.functions)} functions>"

    @property
    def inputs(self) -> tuple[Value, ...]:
        return self.entry.inputs

    @property
    def batch_symbol(self) -> str | None:
        """The symbol that counts samples: the first dimension of the first input, if that is a bare symbol which no
        other dimension of an input depends on, but for the first of further inputs, or the second of three or more
        (recurrent states and caches, `[layers, N, hidden]`) where samples do not meet in what is made of them. The
        matrix `[H, H]` holds none."""
        from archdsl.types.dims import Expr, symbols

        if not self.inputs or not self.inputs[0].type.dims:
            return None
        first = self.inputs[0].type.dims[0]
        if not isinstance(first, Expr) or first.terms != (((str(first),), 1),):
            return None
        name = str(first)
        moved = False
        for value in self.inputs:
            places = [axis for axis, dim in enumerate(value.type.dims) if name in symbols(dim)]
            if len(places) > 1 or any(value.type.dims[axis] != first for axis in places):
                return None
            if places not in ([], [0]):
                moved = True
                if places != [1] or value.type.rank < 3:
                    return None
        return None if moved and self._twice(name) else name

    def _twice(self, symbol: str) -> bool:
        """Whether two axes of some value depend on a symbol."""
        from archdsl.types.dims import symbols

        values = (value for each in self.functions for node, _ in walk(each.nodes) for value in node.outputs)
        return any(sum(symbol in symbols(dim) for dim in value.type.dims) > 1 for value in values)


@record
class FlatOp:
    """One operator application of the flattened program: full path, and values that are unique across the whole
    program.

    `owner_path` is the path under which the weights live: `path`, or that of the shared instance. `borrowed` holds
    the full path of each weight in `op.borrowed()`, in that order.
    """

    path: str
    owner_path: str
    op: Operator
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    node: Op
    train_only: bool
    borrowed: tuple[str, ...] = ()


def walk(nodes: list[Node]) -> Iterator[tuple[Node, int]]:
    """Every node of a function body with the number of times it runs per call, repeats opened, in execution order."""
    stack: list[tuple[Iterator[Node], int]] = [(iter(nodes), 1)]
    while stack:
        iterator, times = stack[-1]
        node = next(iterator, None)
        if node is None:
            stack.pop()
            continue
        yield node, times
        if isinstance(node, Repeat):
            stack.append((iter(node.nodes), times * node.times))
