"""A network's table and totals, for each kind of reader: text, JSON, CSV, Markdown, LaTeX. One escaper per
sink.

Figures that depend on unbound symbols are printed as expressions (`27*H*W`); in JSON they are strings, all
others raw integers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archdsl.analysis.cost import CONVENTIONS, Cost, CostModel, per_sample_text
from archdsl.analysis.latex import latex_text
from archdsl.analysis.table import Row, TooManyRows, model_arguments, table_rows, type_text
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.terminal import printable, width
from archdsl.ir.printer import arguments_text
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.types.dims import Dim

SCHEMA = 1
FORMATS = ("text", "json", "csv", "markdown", "latex")
_WIDEST = {"layer": 40, "operator": 48, "output": 40}
_WIDEST_NUMBER = 40


@dataclass(slots=True, eq=False, repr=False)
class Report:
    """What is printed about one network: its program, its total, its rows."""

    program: Program
    total: Cost
    rows: list[Row]

    @property
    def title(self) -> str:
        """`resnet(depth = 50, classes = 1000)`."""
        arguments = arguments_text(self.program.entry)
        return printable(self.program.name) + (f"({arguments})" if arguments else "")


def report(program: Program, depth: int, limits: Limits) -> Report:
    """Count a program and lay its rows out, blocks opened `depth` levels deep.

    Raises `ArchError`: E0911 where a block would be opened past `limits.nodes` rows (the model's own rows, depth 1, are
    never too many: each is a node that was elaborated), E0611 as `CostModel` does.
    """
    model = CostModel(program)
    try:
        rows = table_rows(model, depth, limits.nodes)
    except TooManyRows as found:
        diagnostic = Diagnostic(
            "E0911",
            f"the table has more than {limits.nodes:_} rows at depth {depth}",
            found.node.span,
            "the rows ran out here",
            help=f"ask for fewer levels, or raise the limit: --limit nodes={4 * limits.nodes}",
        )
        raise ArchError([diagnostic]) from None
    return Report(program, model.total, rows)


def number_text(value: Dim) -> str:
    """`25,557,032`; a symbolic figure as its expression (`4,096*H*W + 10`)."""
    if isinstance(value, int):
        return f"{value:,}"
    import re

    return re.sub(r"\b\d{4,}\b", lambda found: f"{int(found.group()):,}", str(value))


def human(value: Dim) -> str:
    """`25.56M`: four digits and a decimal unit, as papers print; the exact text below 1 000 and for symbolic
    figures."""
    if not isinstance(value, int) or abs(value) < 1000:
        return number_text(value)
    for power, unit in ((3, "K"), (6, "M"), (9, "G"), (12, "T"), (15, "P")):
        scaled = value / 10**power
        digits = 2 if scaled < 99.995 else 1 if scaled < 999.95 else 0
        if abs(scaled) < 999.95 or unit == "P":
            break
    return f"{scaled:,.{digits}f}{unit}"  # pyright: ignore[reportPossiblyUnboundVariable]


# ------------------------------------------------------------------------------------------------------- text


def render_text(report: Report) -> str:
    """The aligned table, its totals and the conventions behind them. Long cells wrap; nothing is cut."""
    repeated = any(row.times > 1 for row in report.rows)
    head = ["layer", "operator", *(["times"] if repeated else []), "output", "params", "MACs"]
    numeric = {"times", "params", "MACs"}
    body: list[list[str]] = []
    for row in report.rows:
        times = [f"x{row.times:,}" if row.times > 1 else ""] if repeated else []
        cells = ["  " * (row.level - 1) + row.name, row.op, *times, row.output]
        body.append([*cells, _count(row.cost.params), _count(row.cost.macs)])
    total = ["total", "", *([""] if repeated else []), ""]
    total += [number_text(report.total.params), number_text(report.total.macs)]
    inputs = ", ".join(f"{printable(value.name)}: {value.type}" for value in report.program.inputs)
    lines = [f"{report.title}   {inputs}", "", *_grid(head, body, numeric, [total]), ""]
    return "\n".join([*lines, *totals_lines(report.program, report.total), "", *conventions(report.program)])


def totals_lines(program: Program, total: Cost) -> list[str]:
    """The totals, exact and rounded, with what they are made of."""
    parts: dict[str, tuple[Dim, list[str]]] = {
        "params": (
            total.params,
            [f"{_ROLES[role]} {number_text(count)}" for role, count in total.roles.items() if count],
        ),
        "buffers": (total.buffers, []),
        "MACs": (
            total.macs,
            [f"{kind} {number_text(count)}" for kind, count in total.macs_by_kind.items() if count != 0],
        ),
        "FLOPs": (total.flops, []),
        "activations": (total.activations, []),
    }
    numbers = {name: number_text(value) for name, (value, _) in parts.items()}
    widest = max(map(len, numbers.values()))
    lines: list[str] = []
    for name, (value, made_of) in parts.items():
        short = human(value)
        rounded = f"{short:>8}" if short != numbers[name] else " " * 8
        detail = (
            f"   {', '.join(made_of)}" if len(made_of) > 1 else f"   all {made_of[0].split()[0]}" if made_of else ""
        )
        lines.append(f"{name:<11}  {numbers[name]:>{widest}}  {rounded}{detail}".rstrip())
    lines.append(f"{'state bytes':<11}  {total.weight_bytes:>{widest},}")
    return lines


_ROLES = {
    "weight": "weights",
    "bias": "biases",
    "normalisation": "normalisation",
    "embedding": "embeddings",
}


def conventions(program: Program) -> list[str]:
    """What the figures mean, one convention a line."""
    return [f"{per_sample_text(program)}", *CONVENTIONS]


def _count(value: Dim) -> str:
    return number_text(value) if value != 0 else "-"


def _grid(head: list[str], body: list[list[str]], numeric: set[str], foot: list[list[str]]) -> list[str]:
    wrapped = [[_wrap(cell, _WIDEST.get(name, _WIDEST_NUMBER)) for name, cell in zip(head, row, strict=True)]
               for row in (*body, *foot)]  # fmt: skip
    widths = [
        max([len(name), *(width(line) for row in wrapped for line in row[column])]) for column, name in enumerate(head)
    ]
    rule = "  ".join("-" * size for size in widths)
    lines = [_line(head, widths, head, numeric), rule]
    for position, row in enumerate(wrapped):
        if position == len(body):
            lines.append(rule)
        for level in range(max(map(len, row))):
            texts = [cell[level] if level < len(cell) else "" for cell in row]
            lines.append(_line(texts, widths, head, numeric))
    return lines


def _line(texts: list[str], widths: list[int], head: list[str], numeric: set[str]) -> str:
    cells: list[str] = []
    for text, size, name in zip(texts, widths, head, strict=True):
        pad = " " * (size - width(text))
        cells.append(pad + text if name in numeric else text + pad)
    return "  ".join(cells).rstrip()


def _wrap(text: str, most: int) -> list[str]:
    """Lines of at most `most` cells, broken after a comma, else after a space, else anywhere; indents are kept."""
    if width(text) <= most:
        return [text]
    indent = text[: len(text) - len(text.lstrip())]
    lines: list[str] = []
    rest = text
    while width(rest) > most:
        fits = most
        while width(rest[:fits]) > most:
            fits -= 1
        floor = len(indent) + 2
        cut = rest.rfind(", ", floor, fits - 1) + 2
        if cut < 2:
            cut = rest.rfind(" ", floor, fits) + 1 or fits
        lines.append(rest[:cut].rstrip())
        rest = f"{indent}  {rest[cut:]}"
    return [*lines, rest]


# ------------------------------------------------------------------------------------------------------- json


def totals_record(total: Cost) -> dict[str, object]:
    """The totals as JSON holds them: integers, or expressions as strings."""
    return {
        "params": total.params,
        "buffers": total.buffers,
        "macs": _raw(total.macs),
        "flops": _raw(total.flops),
        "activations": _raw(total.activations),
        "weight_bytes": total.weight_bytes,
        "params_by_role": dict(total.roles),
        "macs_by_kind": {kind: _raw(count) for kind, count in total.macs_by_kind.items()},
    }


def record(report: Report) -> dict[str, object]:
    """The JSON object of one network."""
    return {
        "schema": SCHEMA,
        "model": report.program.name,
        "parameters": model_arguments(report.program),
        "inputs": [{"name": value.name, "type": str(value.type)} for value in report.program.inputs],
        "outputs": [
            {"name": output.name, "type": str(output.value.type), "train": output.train}
            for output in report.program.outputs
        ],
        "conventions": conventions(report.program),
        "totals": totals_record(report.total),
        "rows": [
            {
                "path": row.path,
                "level": row.level,
                "op": row.op,
                "times": row.times,
                "output": row.output,
                "params": row.cost.params,
                "buffers": row.cost.buffers,
                "macs": _raw(row.cost.macs),
                "flops": _raw(row.cost.flops),
                "activations": _raw(row.cost.activations),
            }
            for row in report.rows
        ],
    }


def render_json(report: Report) -> str:
    import json

    return json.dumps(record(report), indent=2)


def _raw(value: Dim) -> int | str:
    return value if isinstance(value, int) else str(value)


# --------------------------------------------------------------------------------------- csv, markdown, latex


_COLUMNS = ("path", "level", "op", "times", "output", "params", "buffers", "macs", "flops", "activations")


def _records(report: Report) -> list[list[object]]:
    rows: list[list[object]] = []
    for row in report.rows:
        part = row.cost
        figures = [part.params, part.buffers, part.macs, part.flops, part.activations]
        rows.append([row.path, row.level, row.op, row.times, row.output, *figures])
    total = report.total
    figures = [total.params, total.buffers, total.macs, total.flops, total.activations]
    return [*rows, ["total", 0, report.title, 1, "", *figures]]


def csv_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """RFC 4180 with line feeds. Text that a spreadsheet would take for a formula gets an apostrophe in
    front."""
    lines = [",".join(head)]
    lines.extend(",".join(_csv(cell) for cell in row) for row in rows)
    return "\n".join(lines)


def _csv(cell: object) -> str:
    if isinstance(cell, int):
        return str(cell)
    text = printable(str(cell))
    if text[:1] in ("=", "+", "-", "@"):
        text = "'" + text
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(sign in text for sign in ',"') or text != text.strip() else text


def markdown_text(head: Sequence[str], rows: Sequence[Sequence[object]], numeric: set[str]) -> str:
    """A GitHub-flavoured table."""
    marks = ["---:" if name in numeric else "---" for name in head]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(marks)} |"]
    lines.extend(f"| {' | '.join(_shown(cell, _markdown) for cell in row)} |" for row in rows)
    return "\n".join(lines)


def _markdown(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~$&" else sign for sign in printable(text))


def _shown(cell: object, escape: Callable[[str], str]) -> str:
    return escape(number_text(cell) if isinstance(cell, Dim) else str(cell))


def _document_rows(report: Report) -> list[list[object]]:
    rows: list[list[object]] = [
        [row.path, row.op, row.times, row.output, row.cost.params, row.cost.macs] for row in report.rows
    ]
    return [*rows, ["total", "", "", "", report.total.params, report.total.macs]]


_HEAD = ("layer", "operator", "times", "output", "params", "MACs")
_NUMERIC = {"times", "params", "MACs", "buffers", "FLOPs", "activations"}


def render_csv(report: Report) -> str:
    return csv_text(_COLUMNS, _records(report))


def render_markdown(report: Report) -> str:
    table = markdown_text(_HEAD, _document_rows(report), _NUMERIC)
    return "\n\n".join([f"**{_markdown(report.title)}**", table, *map(_markdown, conventions(report.program))])


def render_latex(report: Report) -> str:
    notes = "\n".join(f"% {printable(line)}" for line in (report.title, *conventions(report.program)))
    return f"{notes}\n{latex_text(_HEAD, _document_rows(report), _NUMERIC, has_total=True)}"


RENDERERS: dict[str, Callable[[Report], str]] = {
    "text": render_text,
    "json": render_json,
    "csv": render_csv,
    "markdown": render_markdown,
    "latex": render_latex,
}


# ------------------------------------------------------------------------------------------- several networks


def render_comparison(reports: Sequence[Report], kind: str) -> str:
    """One row per network, in the order given, in any of `FORMATS`."""
    if kind == "json":
        import json

        models = [{key: value for key, value in record(r).items() if key not in ("schema", "rows")} for r in reports]
        return json.dumps({"schema": SCHEMA, "models": models}, indent=2)
    head = ["model", "input", "params", "buffers", "MACs", "FLOPs", "activations"]
    rows: list[list[object]] = []
    for report in reports:
        total = report.total
        inputs = ", ".join(type_text(value) for value in report.program.inputs)
        figures = [total.params, total.buffers, total.macs, total.flops, total.activations]
        rows.append([report.title, inputs, *figures])
    if kind == "csv":
        return csv_text(head, rows)
    if kind == "markdown":
        return markdown_text(head, rows, _NUMERIC)
    if kind == "latex":
        return latex_text(head, rows, _NUMERIC)
    shown = [[number_text(cell) if isinstance(cell, Dim) else str(cell) for cell in row] for row in rows]
    per = sorted({per_sample_text(report.program) for report in reports})
    return "\n".join([*_grid(head, shown, _NUMERIC, []), "", *per, *CONVENTIONS])
