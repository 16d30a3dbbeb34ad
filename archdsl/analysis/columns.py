"""The columns a table can have: one registry for every format, for `--columns` and for `--sort`.

A column says once what it is called, what it counts and how its cell is computed from a row; the formats only lay
cells out.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from archdsl.analysis.figures import Cell, cell_text
from archdsl.analysis.table import Row, network_title, type_text
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS, WeightRole, WorkKind
from archdsl.records import record

if TYPE_CHECKING:
    from archdsl.analysis.field import AxisField


@record
class Column:
    """One column. `name` is its name in `--columns`, in JSON and in CSV; `heading` what tables for people print;
    `unit` what its figures count ("" for text); `doc` one line without a full stop; `value` its cell in a row, None
    where it has nothing to say; `show` that cell in a table for people; `note` says below the table what the figures
    mean.

    The last row of a network's table has level 0 and its whole cost.
    """

    name: str
    heading: str
    unit: str
    doc: str
    value: Callable[[Row], Cell]
    show: Callable[[Cell], str] = cell_text
    note: str = ""

    @property
    def numeric(self) -> bool:
        return bool(self.unit)


def _times(cell: Cell) -> str:
    return f"x{cell:,}" if isinstance(cell, int) and cell > 1 else ""


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""


def _rounded(cell: Cell) -> str:
    """Text in which computed fractions (0.0058823529411764705) have four digits."""
    return re.sub(r"\d+\.\d{7,}(e-\d+)?", lambda number: f"{float(number[0]):.4g}", _text(cell))


def _inputs(row: Row) -> Cell:
    return ", ".join(map(type_text, row.parts.program.inputs)) if row.level == 0 else None


def _model(row: Row) -> Cell:
    return network_title(row.parts.program)


def _role(role: WeightRole) -> Callable[[Row], Cell]:
    return lambda row: row.cost.roles.get(role, 0)


def _work(kind: WorkKind) -> Callable[[Row], Cell]:
    return lambda row: row.cost.work.get(kind, 0)


def _peak(row: Row) -> Cell:
    peak = row.parts.peak(row)
    return repr(peak) if peak.figure is None else peak.figure


def _axes(row: Row, text: "Callable[[AxisField], str]") -> Cell:
    """A text about the axes of the first input that the row's result sees: once where they agree."""
    axes = row.parts.field(row)
    texts = [text(axis) for axis in axes if axis.input == axes[0].input]
    if len(set(texts)) > 1:
        return " x ".join(texts)
    if not texts or texts[0] == "-":
        return None
    return int(texts[0]) if texts[0].lstrip("-").isdecimal() else texts[0]


def _position(cell: Cell) -> str:
    """A position as it is: one of 0 is no lack of one."""
    return f"{cell:,}" if isinstance(cell, int) else cell if isinstance(cell, str) else "-"


def _field(row: Row) -> Cell:
    return _axes(row, lambda axis: "all" if axis.size is None else str(axis.size))


def _stride(axis: "AxisField") -> str:
    if axis.stride is None:
        return "-"
    over, under = axis.stride
    return str(over) if under == 1 else f"{over}/{under}"


_ROLES: tuple[tuple[WeightRole, str, str], ...] = (
    ("weight", "weights", "params of convolutions, linear layers and other products"),
    ("bias", "biases", "params that are added"),
    ("normalisation", "normalisation", "params of normalisation layers"),
    ("embedding", "embeddings", "params of tables that vectors are looked up in"),
)
_KINDS: dict[WorkKind, str] = {
    "conv": "convolutions",
    "linear": "linear layers",
    "matmul": "products of two tensors, attention's among them",
    "recurrent": "recurrent cells",
}

COLUMNS: tuple[Column, ...] = (
    Column("layer", "layer", "", "name of the layer, indented under its block", lambda row: row.indented, _text),
    Column("path", "layer", "", "full path of the layer", lambda row: row.path, _text),
    Column("model", "model", "", "the network with its parameters", _model, _text),
    Column("input", "input", "", "shapes of the network's inputs", _inputs, _text),
    Column("level", "level", "levels", "how many blocks deep; 0 for a whole network", lambda row: row.level, str),
    Column("op", "operator", "", "the operator or block with its arguments", lambda row: row.op, _rounded),
    Column("times", "times", "runs", "how often it runs in one pass", lambda row: row.times, _times),
    Column("output", "output", "", "shape of one result", lambda row: row.output, _text),
    Column("params", "params", "scalars", "trainable scalars, shared ones once", lambda row: row.cost.params),
    *(Column(name, name, "scalars", doc, _role(role)) for role, name, doc in _ROLES),
    Column("buffers", "buffers", "scalars", "untrained state: running statistics", lambda row: row.cost.buffers),
    Column("bytes", "bytes", "bytes", "all state as stored", lambda row: row.cost.weight_bytes),
    Column("macs", "MACs", "MACs", "multiply-accumulates", lambda row: row.cost.macs),
    *(Column(f"{kind}_macs", f"{kind} MACs", "MACs", f"MACs of {_KINDS[kind]}", _work(kind)) for kind in MAC_KINDS),
    Column("flops", "FLOPs", "FLOPs", "2 x MACs, and all other arithmetic", lambda row: row.cost.flops),
    *(Column(f"{kind}_flops", f"{kind} FLOPs", "FLOPs", f"FLOPs of {kind} alone", _work(kind)) for kind in FLOP_KINDS),
    Column("activations", "activations", "scalars", "scalars written", lambda row: row.cost.activations),
    Column(
        "training_macs",
        "training MACs",
        "MACs",
        "multiply-accumulates of forward and backward pass",
        lambda row: row.parts.training_macs(row),
        note="training MACs: forward, and once more for each factor of a product that needs a gradient: weights, and"
        " inputs that depend on a weight",
    ),
    Column(
        "training_flops",
        "training FLOPs",
        "FLOPs",
        "2 x training MACs",
        lambda row: row.parts.training_macs(row) * 2,
        note="training FLOPs: 2 x training MACs, as PyTorch's counter has them; the rest of a step's arithmetic is not"
        " counted",
    ),
    Column(
        "saved",
        "saved",
        "bytes",
        "memory that PyTorch keeps for the backward pass",
        lambda row: row.parts.kept(row),
        note="saved: bytes that autograd keeps for the backward pass on the CPU, of each storage once, where it is kept"
        " first; without weights and inputs",
    ),
    Column(
        "saved_without_recompute",
        "saved without recompute",
        "bytes",
        "the same if nothing were marked for recomputation",
        lambda row: row.parts.plainly_kept(row),
    ),
    Column(
        "peak",
        "peak",
        "bytes",
        "most memory of values at once at inference",
        _peak,
        note="peak: bytes of the values that exist at once at inference, inputs included, weights and workspaces apart;"
        " a value goes after its last use, views take nothing",
    ),
    Column(
        "moved",
        "moved",
        "bytes",
        "memory traffic",
        lambda row: row.cost.moved,
        note="moved: bytes, if every operator reads once what it needs of its inputs and weights, of a look-up the rows"
        " looked up, and writes its results once; views move nothing",
    ),
    Column(
        "intensity",
        "intensity",
        "FLOPs per byte",
        "FLOPs per byte moved",
        lambda row: row.cost.intensity,
        note="intensity: FLOPs per byte moved; - where it depends on symbols, or nothing moves",
    ),
    Column(
        "field",
        "field",
        "positions",
        "receptive field at inference: positions of the input that one position sees",
        _field,
        _position,
        note="field: positions of the input (of several, the first that is read) that one position of the result"
        " depends on, from the first to the last by any path, for each axis where axes differ; the last layer's where a"
        " row stands for several",
    ),
    Column(
        "stride",
        "stride",
        "positions",
        "how far the receptive field moves from position to position",
        lambda row: _axes(row, _stride),
        _position,
        note="stride: positions of the input from one field to the next",
    ),
    Column(
        "start",
        "start",
        "positions",
        "where the first receptive field begins; below 0 in the padding",
        lambda row: _axes(row, lambda axis: "-" if axis.start is None else str(axis.start)),
        _position,
        note="start: first position of the first field; the padding lies below 0",
    ),
)
"""Every column, in the order in which help lists them."""

_ALIASES = {"operator": "op"}


class NoColumn(Exception):
    """There is no column `name`; `known` are those there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name)
        self.name = name
        self.known = known


def find(names: Iterable[str], more: Sequence[Column] = ()) -> list[Column]:
    """Columns by name; `more` are columns of one table alone, which win. Raises `NoColumn`."""
    known = {column.name: column for column in (*COLUMNS, *more)}
    found: list[Column] = []
    for name in names:
        column = known.get(_ALIASES.get(name, name))
        if column is None:
            raise NoColumn(name, list(known))
        found.append(column)
    return found


def help_text() -> str:
    """The columns as `--help` lists them."""
    widest = max(len(column.name) for column in COLUMNS)
    return "\n".join(["columns:", *(f"  {column.name:<{widest}}  {column.doc}" for column in COLUMNS)])
