"""FractalNet's join and its drop-path: local, where every join draws for itself, and global, one draw for a network."""

from functools import reduce
from typing import TYPE_CHECKING

from archdsl.ir.operator import FREE, Example, Operator, TensorArgument, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

JOIN = '''
class Join(nn.Module):
    """The mean of the branches; in training each is dropped with probability `drop`,
    never all of them."""

    def __init__(self, drop):
        super().__init__()
        self.drop = drop

    def forward(self, *branches):
        stacked = torch.stack(branches)
        if not self.training:
            return stacked.mean(0)
        draws = torch.rand(len(branches), device=stacked.device)
        kept = (draws >= self.drop) | (draws == draws.max())
        share = (kept / kept.sum()).to(stacked.dtype)
        return torch.tensordot(share, stacked, dims=1)
'''

COLUMN_JOIN = '''
class ColumnJoin(nn.Module):
    """The mean of the branches. In training only branch number `column`, if there is
    one; else each is dropped with probability `drop`, never all of them."""

    def __init__(self, drop):
        super().__init__()
        self.drop = drop

    def forward(self, column, *branches):
        stacked = torch.stack(branches)
        if not self.training:
            return stacked.mean(0)
        draws = torch.rand(len(branches), device=stacked.device)
        kept = (draws >= self.drop) | (draws == draws.max())
        chosen = torch.arange(len(branches), device=stacked.device) == column
        kept = torch.where(chosen.any(), chosen, kept)
        share = (kept / kept.sum()).to(stacked.dtype)
        return torch.tensordot(share, stacked, dims=1)
'''

DRAW_COLUMN = '''
class DrawColumn(nn.Module):
    """In training one of `columns` with probability `p`, as a scalar on the device of
    `x`; else -1, which is none."""

    def __init__(self, columns, p):
        super().__init__()
        self.columns = columns
        self.p = p

    def forward(self, x):
        if not self.training:
            return torch.full((), -1, device=x.device)
        column = torch.randint(self.columns, (), device=x.device)
        return torch.where(torch.rand((), device=x.device) < self.p, column, -1)
'''

COLUMN = TensorType((), "i64")


class Join(Operator):
    """FractalNet's join. Local drop-path: every join draws once per batch which of its branches drop, and at least one
    survives. Global drop-path: with a `column` that `draw_column` drew, only the branch of that number survives. In a
    fractal the branches of every join are the network's first columns, the deepest first, so one number means the same
    column everywhere; a join that does not reach the column draws for itself, and nothing on the column's path reads
    it. At inference it is the mean."""

    name = "join"
    summary = "Mean of the branches, some of them dropped in training"
    source = "Larsson et al., 2016"
    arity = None
    examples = (
        Example(
            "join",
            ("f32[N, 3, 4]", "f32[N, 3, 4]"),
            "f32[N, 3, 4]",
            work="24*N elementwise",
            reach="[a, b, c], [a, b, c]",
        ),
        Example(
            "join(0.15)",
            ("f32[2, 3]", "f32[2, 3]", "f32[2, 3]"),
            "f32[2, 3]",
            work="18 elementwise",
            reach="[a, b], [a, b], [a, b]",
        ),
        Example(
            "join(0.15, column = x2)",
            ("f32[N, 3]", "f32[N, 3]", "i64[]"),
            "f32[N, 3]",
            work="6*N elementwise",
            reach="[a, b], [a, b], -",
        ),
    )

    drop: float = arg("float", "probability that a branch drops in training", default=0.0, minimum=0, maximum=1)
    column: TensorArgument | None = arg("tensor", "the branch that alone survives, from `draw_column`", default=None)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        branches = inputs
        if self.column is not None:
            *branches, column = inputs
            if column != COLUMN:
                reject(
                    "a column is one whole number",
                    at="column",
                    expected=str(COLUMN),
                    found=str(column),
                    help="draw it: `column = draw_column(columns)`",
                    code="E0403",
                )
        rules.require_f32(*branches)
        for x in branches:
            rules.require_rank(x, branches[0].rank, branches[0].rank, f"like the first, {branches[0]}")
            for axis in range(x.rank):
                rules.require_equal(branches[0].dims[axis], x.dims[axis], f"axis {axis}", branches)
        return (branches[0],)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Branches - 1 additions and one division per output element; nothing for a single branch."""
        branches = len(inputs) - (self.column is not None)
        return {"elementwise": branches * outputs[0].elements} if branches > 1 else FREE

    def reads(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> tuple[Dim, ...]:
        """A column matters in training only."""
        reads = super().reads(inputs, outputs)
        return reads if self.column is None else (*reads[:-1], 0)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        branches = inputs if self.column is None else inputs[:-1]
        if len(branches) == 1:
            return branches[0]
        if self.column is not None:
            return t.module(t.helper(COLUMN_JOIN), self.drop)(inputs[-1], *branches)
        if self.drop > 0:
            return t.module(t.helper(JOIN), self.drop)(*branches)

        def plus(left: "TorchExpr", right: "TorchExpr") -> "TorchExpr":
            return t.infix("+", left, right)

        return t.infix("/", reduce(plus, branches[1:], branches[0]), len(branches))

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """At inference the same position of every branch; a column matters in training only."""
        branches = inputs if self.column is None else inputs[:-1]
        ((*reads,),) = reaches.pointwise(branches, outputs)
        return ((*reads, *[None] * (len(inputs) - len(branches))),)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A mean keeps nothing; one that drops branches keeps the share of each."""
        branches = inputs if self.column is None else inputs[:-1]
        if len(branches) == 1:
            return branches[0]
        if self.column is None and self.drop == 0:
            return traces.scaled(tape, traces.fold(tape, branches, traces.add))
        y = tape.new(branches[0].type, *branches)
        if y.needs_grad:
            tape.keep(tape.new(TensorType((len(branches),))))
        return y

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        branches = inputs if self.column is None else inputs[:-1]
        if len(branches) == 1:
            return branches[0]

        def plus(left: "OnnxValue", right: "OnnxValue") -> "OnnxValue":
            return o.node("Add", left, right)

        return o.node("Div", reduce(plus, branches[1:], branches[0]), o.constant(float(len(branches))))


class DrawColumn(Operator):
    """The draw of global drop-path, one for a whole network: what flows in is looked at for its device only, and the
    result goes to every `join` as its `column`. The paper trains with half of the batches drawn globally, which is the
    default `p`; the other half leaves the choice to the joins. In evaluation it is -1, and ONNX leaves it out."""

    name = "draw_column"
    summary = "Choose one column of a fractal for the whole network, in training only"
    training_only = True
    source = "Larsson et al., 2016"
    examples = (
        Example("draw_column(3)", ("f32[N, 3, 4]",), "i64[]", reach="-"),
        Example("draw_column(2, p = 1.0)", ("f32[2, 3]",), reach="-"),
    )

    columns: int = arg("int", "how many columns there are to choose from", minimum=1)
    p: float = arg("float", "probability that a column is chosen at all", default=0.5, minimum=0, maximum=1)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return (COLUMN,)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """None at inference."""
        return FREE

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        return t.module(t.helper(DRAW_COLUMN), self.columns, self.p)(inputs[0])

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        return reaches.nothing(inputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """A draw has no gradient."""
        return tape.new(COLUMN)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        return o.constant(-1, "i64")


OPERATORS = (Join, DrawColumn)
