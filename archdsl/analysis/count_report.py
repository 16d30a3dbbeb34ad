"""The report that `archdsl count` prints: one table for one network or for several, for each kind of reader.

Figures that depend on unbound symbols are printed as expressions (`27*H*W`); in JSON they are strings, all
others raw integers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.analysis.columns import COLUMNS, Column, find
from archdsl.analysis.cost import CONVENTIONS, OWN_CONVENTION, Cost, CostModel, per_sample_text
from archdsl.analysis.effort import Effort
from archdsl.analysis.figures import Cell, number_text, raw
from archdsl.analysis.grid import grid
from archdsl.analysis.parts import Parts
from archdsl.analysis.table import Row, TooManyRows, model_arguments, network_row, network_title, table_rows
from archdsl.analysis.totals import recount_lines, totals_lines, totals_record
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.terminal import printable
from archdsl.diagnostics.wrapping import WIDTH, packed, prose
from archdsl.ir.printer import title_text, value_text
from archdsl.ir.program import Program
from archdsl.limits import Ledger, Limits
from archdsl.records import record
from archdsl.types.dims import Dim, Expr, substitute, symbols

if TYPE_CHECKING:
    from archdsl.analysis.conventions import Convention
    from archdsl.analysis.recount import Recount

SCHEMA = 1
FORMATS = ("text", "json", "csv", "markdown", "latex")
ALL_LEVELS = 1 << 62
"""A depth that opens every block."""

_FIGURES = ("params", "buffers", "macs", "flops", "activations")


@record
class Report:
    """One network as it is printed: its costs, and its rows down to some depth (none for depth 0)."""

    parts: Parts
    rows: list[Row]

    @property
    def program(self) -> Program:
        return self.parts.program

    @property
    def total(self) -> Cost:
        return self.parts.costs.total

    @property
    def title(self) -> str:
        return network_title(self.program)


def report(program: Program, depth: int, limits: Limits, file: Ledger | None = None) -> Report:
    """Count a program and lay its rows out, blocks opened `depth` levels deep.

    Raises `ArchError`: E0911 where a block would be opened past `limits.nodes` rows (the model's own rows, depth 1, are
    never too many: each is a node that was elaborated), E0611 as `CostModel` does, E0914 where it takes too long
    (on the accounts of the file and of the command, if any).
    """
    parts = Parts(CostModel(program, Effort(program, file, limits.command)))
    try:
        rows = table_rows(parts, depth, limits.nodes) if depth else []
    except TooManyRows as found:
        shown = "" if depth == ALL_LEVELS else f" at depth {depth}"
        diagnostic = Diagnostic(
            "E0911",
            f"the table has more than {limits.nodes:_} rows{shown}",
            found.node.span,
            "the rows ran out here",
            help=f"ask for fewer levels, or raise the limit: --limit nodes={4 * limits.nodes}",
        )
        raise ArchError([diagnostic]) from None
    return Report(parts, rows)


@record
class Style:
    """How to print: the columns by name (those of the format if None), the column to sort by, the width of the
    terminal, and whose convention to count by (`conventions.find`). Of LaTeX: its caption and label (those of the model
    if None, "" for none), and whether figures are printed to the unit."""

    columns: Sequence[str] | None = None
    sort: str = ""
    width: int = WIDTH
    convention: str = OWN_CONVENTION
    caption: str | None = None
    label: str | None = None
    exact: bool = False


def render(reports: Sequence[Report], kind: str, style: Style | None = None) -> str:
    """One network, or several in one table, in one of `FORMATS`. Raises `columns.NoColumn`."""
    return _RENDERERS[kind](_lay_out(reports, kind, style or Style()))


def cells(found: Report, style: Style) -> list[dict[str, Cell]]:
    """The rows of one network as data, by the names of the columns. Raises `columns.NoColumn`."""
    table = _lay_out([found], "json", style)
    names = [column.name for column in table.columns]
    rows = [row for row in table.body if row.level]
    return [dict(zip(names, row, strict=True)) for row in table.cells(rows)]


# ------------------------------------------------------------------------------------------------------ laying out


@record
class _Table:
    """A table before it gets its form. `foot` holds the total of one network; of several, each is a row.

    `common` says what holds for all networks and is said once. `recounts` holds what another convention than ours says
    of each network.
    """

    reports: Sequence[Report]
    columns: list[Column]
    body: list[Row]
    foot: list[Row]
    common: list[str]
    style: Style
    convention: "Convention | None"
    recounts: "dict[Parts, Recount]"

    @property
    def head(self) -> list[str]:
        return [column.heading for column in self.columns]

    @property
    def numeric(self) -> list[bool]:
        return [column.numeric for column in self.columns]

    def texts(self, rows: Sequence[Row]) -> list[list[str]]:
        """Cells as people read them. A total of nothing is 0, where a layer's is a dash."""
        return [[self._text(column, row) for column in self.columns] for row in rows]

    def _text(self, column: Column, row: Row) -> str:
        value = column.value(row)
        return (
            "0" if row.level == 0 and value == 0 and column.numeric and column.name != "level" else column.show(value)
        )

    def cells(self, rows: Sequence[Row]) -> list[list[Cell]]:
        return [[column.value(row) for column in self.columns] for row in rows]

    @property
    def sentence(self) -> str:
        """Whose figures these are, and per what: the second line of every table."""
        per = " or ".join(sorted({per_sample_text(report.program) for report in self.reports}))
        if self.convention is None:
            return f"counted by archdsl's own convention, {per}"
        return f"counted as by {self.convention.tool}, {per}: {self.convention.meaning}"

    def notes(self, totals: bool = False) -> list[str]:
        """The meaning of the figures that are shown, one thing a line; `totals` are all of a network's, below its
        table."""
        stated = [column.note for column in self.columns if column.note]
        names = None if totals else {column.name for column in self.columns}
        return [*_notes(self.reports, self.convention, self.recounts, names), *stated]


_PARAMS = frozenset(("params", "weights", "biases", "normalisation", "embeddings"))


def _is_shown(figure: str, names: set[str]) -> bool:
    """Whether a column shows a figure, or a part of it, that `CONVENTIONS` explain by its heading."""
    if figure == "params":
        return not _PARAMS.isdisjoint(names)
    return any(name == figure.lower() or name.endswith(f"_{figure.lower()}") for name in names)


def _legends(names: set[str] | None) -> list[str]:
    """`CONVENTIONS`, those of figures that no column shows left out; all of them where no names are given."""
    if names is None:
        return list(CONVENTIONS)
    lines = [
        "; ".join(part for part in line.split("; ") if _is_shown(part.partition(":")[0], names)) for line in CONVENTIONS
    ]
    return [line for line in lines if line]


def _notes(
    reports: Sequence[Report],
    convention: "Convention | None",
    recounts: "Mapping[Parts, Recount]",
    names: set[str] | None = None,
) -> list[str]:
    free = sorted({name for report in reports for name in _free_symbols(report.total)})
    formulas = [f"figures that depend on {' and '.join(free)} are formulas, exact for every size"] if free else []
    if convention is None:
        return [*formulas, *_legends(names)]
    unseen: dict[str, Dim] = {}
    unknown: set[str] = set()
    for report in reports:
        total = recounts[report.parts].total
        unknown |= total.unknown
        for name, amount in total.unseen.items():
            unseen[name] = amount
    one = len(reports) == 1
    ignored = [f"{name} ({number_text(amount)} MACs)" if one else name for name, amount in unseen.items()]
    return [
        *formulas,
        *([f"{convention.name} counts nothing for {', '.join(ignored)}"] if ignored else []),
        *([f"not known: {convention.name}'s figure for {', '.join(sorted(unknown))}"] if unknown else []),
        f"all figures but {convention.heading} are archdsl's own; {convention.name}'s rule is applied to the network"
        " written with modules (nn.ReLU, not F.relu)",
    ]


def _free_symbols(total: Cost) -> set[str]:
    return symbols(total.flops) | symbols(total.activations)


def _lay_out(reports: Sequence[Report], kind: str, style: Style) -> _Table:
    names = _varied(reports)
    varied = [_parameter(reports, name) for name in names]
    counted, convention, recounts = _recounted(reports, style.convention)
    own = [*varied, *counted]
    own_names = {"counted": counted[0].name} if counted else {}
    key = find([own_names.get(style.sort, style.sort)], own)[0] if style.sort else None
    if len(reports) == 1:
        (only,) = reports
        total = network_row(only.parts, "total")
        if kind not in ("json", "csv"):
            total.op = total.output = ""  # the title says it
        body, foot = _sorted(only.rows, key), [total]
        common = [only.title, _inputs(only.program)]
    else:
        body, foot = _together(reports, key), []
        common = _common(reports, names)
    if style.columns is not None:
        columns = find([own_names.get(name, name) for name in style.columns], own)
        columns += [column for column in counted if column not in columns]  # the header speaks of it
        named = any(not column.numeric or column in varied for column in columns)
        if not named and kind not in ("json", "csv"):  # people cannot tell what figures alone are of
            columns = [*_naming(kind, reports, varied), *columns]
    else:
        columns = _default(kind, reports, body, varied, counted)
    return _Table(reports, columns, body, foot, common, style, convention, recounts)


def _recounted(reports: Sequence[Report], name: str) -> "tuple[list[Column], Convention | None, dict[Parts, Recount]]":
    """The networks counted by another convention than ours, and the column of that."""
    if name == OWN_CONVENTION:
        return [], None, {}
    from archdsl.analysis import conventions, recount

    convention = conventions.find(name)
    recounts = {report.parts: recount.Recount(report.parts.costs, convention) for report in reports}
    return [recount.column(convention, recounts)], convention, recounts


def _naming(kind: str, reports: Sequence[Report], varied: Sequence[Column]) -> list[Column]:
    """The columns that say what a row is of."""
    if len(reports) > 1 and not any(report.rows for report in reports):
        return list(varied) or find(["model"])
    return find(["layer" if kind == "text" else "path"])


def _default(
    kind: str, reports: Sequence[Report], body: Sequence[Row], varied: Sequence[Column], counted: Sequence[Column]
) -> list[Column]:
    """The columns of a format that is asked for none."""
    several = len(reports) > 1
    if several and not any(report.rows for report in reports):
        inputs = [] if varied and len(_all_inputs(reports)) == 1 else find(["input"])
        figures = [*find(["params", "buffers"]), *counted] if counted else find(_FIGURES)
        return [*_naming(kind, reports, varied), *inputs, *figures]
    if kind in ("json", "csv"):
        which = ["model"] if several else []
        return [*find([*which, "path", "level", "op", "times", "output", *_FIGURES]), *counted]
    repeated = ["times"] if any(row.times > 1 for row in body) else []
    first = [*_naming(kind, reports, varied), *find(["op", *repeated, "output", "params"])]
    return [*first, *(counted or find(["macs"]))]


def _together(reports: Sequence[Report], key: Column | None) -> list[Row]:
    """A row for each network, followed by those of its layers."""
    layers = {id(report.parts): report.rows for report in reports}
    found: list[Row] = []
    for network in _sorted([network_row(report.parts, report.title) for report in reports], key):
        network.op = ""
        found.append(network)
        for row in _sorted(layers[id(network.parts)], key):
            row.indent = row.level
            found.append(row)
    return found


def _varied(reports: Sequence[Report]) -> list[str]:
    """The parameters in which the networks of one model differ; none for different models."""
    entries = [report.program.entry for report in reports]
    if len({(entry.block, entry.span.source.name, tuple(entry.arguments)) for entry in entries}) > 1:
        return []
    return [name for name in entries[0].arguments if len(_settings(reports, name)) > 1]


def _settings(reports: Sequence[Report], name: str) -> set[tuple[type, object]]:
    """The values of one parameter; true and 1 are two."""
    values = [report.program.entry.arguments[name] for report in reports]
    return {(type(value), value_text(value)) for value in values}


def _parameter(reports: Sequence[Report], name: str) -> Column:
    def value(row: Row) -> Cell:
        found = row.parts.program.entry.arguments[name]
        return found if isinstance(found, int) and not isinstance(found, bool) else value_text(found)

    numbers = all(kind in (int, float) for kind, _ in _settings(reports, name))
    taken = any(column.name == name for column in COLUMNS)
    column = f"{name}_parameter" if taken else name
    heading = printable(name) + " parameter" * taken
    return Column(column, heading, "setting" if numbers else "", f"the parameter `{name}`", value, str)


def _common(reports: Sequence[Report], varied: Sequence[str]) -> list[str]:
    """Lines about all networks of one model together; none for different models."""
    if not varied:
        return []
    program = reports[0].program
    same = {name: value for name, value in program.entry.arguments.items() if name not in varied}
    title = title_text(program.name, same)
    return [title, _inputs(program)] if len(_all_inputs(reports)) == 1 else [title]


def _all_inputs(reports: Sequence[Report]) -> set[str]:
    return {_inputs(report.program) for report in reports}


def _inputs(program: Program) -> str:
    return ", ".join(f"{printable(value.name)}: {value.type}" for value in program.inputs)


def _sorted(rows: list[Row], key: Column | None) -> list[Row]:
    """Rows by one column, figures from the largest, texts from A; the rows of a block stay below it. Rows that are
    equal keep their order."""
    if key is None:
        return rows
    below: dict[int, list[int]] = {-1: []}
    path = [(-1, -1)]
    for index, row in enumerate(rows):
        while path[-1][0] >= row.level:
            path.pop()
        below[path[-1][1]].append(index)
        below[index] = []
        path.append((row.level, index))
    ranks = [_rank(key.value(row)) for row in rows]
    ordered: list[Row] = []
    pending = sorted(below[-1], key=ranks.__getitem__)[::-1]
    while pending:
        index = pending.pop()
        ordered.append(rows[index])
        pending.extend(sorted(below[index], key=ranks.__getitem__)[::-1])
    return ordered


_TYPICAL = 1024
"""The size of each symbol where formulas are put in order."""


def _rank(cell: Cell) -> tuple[Any, ...]:
    """Figures from the largest down, then words, then cells that say nothing."""
    if isinstance(cell, Expr):
        cell = substitute(cell, dict.fromkeys(symbols(cell), _TYPICAL))
    if cell is None or isinstance(cell, str):
        return (2,) if cell is None else (1, cell)
    return (0, -cell)


# ------------------------------------------------------------------------------------------------------------ text


def _text(table: _Table) -> str:
    """The aligned table, its totals and the conventions behind them. Long cells wrap; nothing is cut."""
    most = table.style.width
    lines = [*packed(table.common, most), *prose(table.sentence, most)]
    summed = len(table.reports) == 1 and table.style.columns is None
    if table.body or not summed:
        rows = table.texts(table.body), table.texts(table.foot)
        lines += ["", *grid(table.head, *rows, table.numeric, most)]
    if summed:
        (only,) = table.reports
        recount = table.recounts.get(only.parts)
        lines += ["", *(recount_lines(recount, only.total, most) if recount else totals_lines(only.total, most))]
    notes = [line for note in table.notes(totals=summed) for line in prose(note, most)]
    return "\n".join([*lines, *([""] if notes else []), *notes])


# ------------------------------------------------------------------------------------------------------------ json


def _json(table: _Table) -> str:
    import json

    records = [_record(table, report) for report in table.reports]
    if len(records) == 1:
        return json.dumps({"schema": SCHEMA, **records[0]}, indent=2)
    return json.dumps({"schema": SCHEMA, "models": records}, indent=2)


def _record(table: _Table, report: Report) -> dict[str, object]:
    """The JSON object of one network."""
    program = report.program
    rows = [row for row in table.body if row.parts is report.parts and row.level]
    network = network_row(report.parts, "total")
    asked = {column.name: raw(column.value(network)) for column in table.columns if column.numeric}
    found: dict[str, object] = {
        "model": program.name,
        "parameters": model_arguments(program),
        "inputs": [{"name": value.name, "type": str(value.type)} for value in program.inputs],
        "outputs": [
            {"name": output.name, "type": str(output.value.type), "train": output.train} for output in program.outputs
        ],
        "convention": table.convention.name if table.convention else OWN_CONVENTION,
        "conventions": [table.sentence, *_notes([report], table.convention, table.recounts)],
        "symbolic": sorted(_free_symbols(report.total)),
        "totals": {**asked, **totals_record(report.total)},
    }
    if report.parts in table.recounts:
        tally = table.recounts[report.parts].total
        found["recount"] = {
            "by_module": {name: raw(amount) for name, amount in tally.counted.items()},
            "ignored_macs": {name: raw(amount) for name, amount in tally.unseen.items()},
            "not_known": sorted(tally.unknown),
        }
    if rows or len(table.reports) == 1:
        found["columns"] = [{"name": each.name, "unit": each.unit, "doc": each.doc} for each in table.columns]
        found["rows"] = [{column.name: raw(column.value(row)) for column in table.columns} for row in rows]
    return found


# --------------------------------------------------------------------------------------------- csv, markdown, latex


def _csv(table: _Table) -> str:
    from archdsl.analysis.documents import csv_text

    head = [column.name for column in table.columns]
    rows = [[raw(cell) for cell in row] for row in table.cells([*table.body, *table.foot])]
    return csv_text(head, rows)


def _markdown(table: _Table) -> str:
    from archdsl.analysis.documents import markdown_escaped, markdown_text

    grid = markdown_text(table.head, [*table.texts(table.body), *table.texts(table.foot)], table.numeric)
    title = [f"**{markdown_escaped('   '.join(table.common))}**"] if table.common else []
    return "\n\n".join([*title, markdown_escaped(table.sentence), grid, *map(markdown_escaped, table.notes())])


def _latex(table: _Table) -> str:
    from archdsl.analysis import latex, paper

    notes = [f"% {printable(line)}" for line in ("   ".join(table.common), table.sentence, *table.notes()) if line]
    programs = [report.program for report in table.reports]
    rows = [[paper.cell(column, row) for column in table.columns] for row in (*table.body, *table.foot)]
    around = paper.around(programs, _varied(table.reports), table.convention, table.style.caption, table.style.label)
    units = [column.unit for column in table.columns]
    text = latex.latex_text(table.head, rows, units, around, bool(table.foot), table.style.exact)
    return "\n".join([*notes, text])


_RENDERERS: dict[str, Callable[[_Table], str]] = {
    "text": _text,
    "json": _json,
    "csv": _csv,
    "markdown": _markdown,
    "latex": _latex,
}
