"""Closed forms, for each kind of reader."""

from collections.abc import Sequence

from archdsl.analysis.closed_form import CHECKS, FIGURES, ClosedForm, Formula, FoundFormula
from archdsl.analysis.cost import per_sample_text
from archdsl.analysis.documents import csv_text, markdown_escaped, markdown_text
from archdsl.analysis.figures import raw
from archdsl.analysis.latex import Math, TableFloat, formula_text, latex_text
from archdsl.diagnostics.terminal import printable
from archdsl.diagnostics.wrapping import WIDTH, packed, prose, wrapped
from archdsl.ir.printer import title_text
from archdsl.ir.program import Program

SCHEMA = 1
_HEADINGS = {"params": "params", "buffers": "buffers", "macs": "MACs", "flops": "FLOPs", "activations": "activations"}


def render(form: ClosedForm, program: Program, kind: str, most: int = WIDTH, around: TableFloat | None = None) -> str:
    """The formulas of a network; `program` is the network at the values that the parameters had. `kind` is one of
    `report.FORMATS`; `around` what is around a table in LaTeX."""
    if kind == "json":
        return _json(form, program)
    lines = [(name, _words(form, found)) for name, found in form.findings.items()]
    if kind == "csv":
        rows = [[name, str(formula), condition] for name, parts in lines for condition, formula in parts]
        return csv_text(["figure", "formula", "values"], rows)
    head = ["figure", "formula", "values"]
    notes = [_sentence(form, program), *_notes(form)]
    if kind == "latex":
        cells = [[_HEADINGS[name], _latex(formula), condition] for name, parts in lines for condition, formula in parts]
        comments = [f"% {printable(line)}" for line in ("   ".join(_title(form, program)), *notes)]
        return "\n".join([*comments, latex_text(head, cells, [""] * 3, around or TableFloat())])
    if kind == "markdown":
        texts = [[_HEADINGS[name], str(formula), condition] for name, parts in lines for condition, formula in parts]
        title = f"**{markdown_escaped('   '.join(_title(form, program)))}**"
        return "\n\n".join([title, *map(markdown_escaped, notes[:1]), markdown_text(head, texts, [False] * 3),
                            *map(markdown_escaped, notes[1:])])  # fmt: skip
    text = [*packed(_title(form, program), most), *prose(notes[0], most), ""]
    for name, parts in lines:
        for index, (condition, formula) in enumerate(parts):
            aside = f"   for {condition}" if condition else ""
            label = _HEADINGS[name] if index == 0 else ""
            text += wrapped(f"{label:<11}  {formula}{aside}", most, 13)
    return "\n".join([*text, "", *(line for note in notes[1:] for line in prose(note, most))])


def _title(form: ClosedForm, program: Program) -> list[str]:
    names = [axis.name for axis in form.axes]
    same = {name: value for name, value in program.entry.arguments.items() if name not in names}
    inputs = ", ".join(f"{printable(value.name)}: {value.type}" for value in program.inputs)
    return [title_text(program.name, same), inputs]


def _sentence(form: ClosedForm, program: Program) -> str:
    names = " and ".join(axis.name for axis in form.axes)
    return f"formulas in {names}, counted by archdsl's own convention, {per_sample_text(program)}"


def _words(form: ClosedForm, found: FoundFormula) -> list[tuple[str, Formula | str]]:
    """Each formula with the values that it holds for, where they are not all."""
    if found.pieces:
        return [(str(values), formula) for values, formula in found.pieces.items()]
    if found.formula is None:
        few = [axis.name for axis in form.axes if len(axis.values) <= CHECKS]
        if few:
            return [("", f"too few values of {' and '.join(few)} found to tell")]
        return [("", f"no polynomial in {' and '.join(axis.name for axis in form.axes)} fits")]
    late = [
        f"{axis.name} >= {start}"
        for axis, start in zip(form.axes, found.start, strict=True)
        if start > axis.values[0] and not found.formula_is_constant
    ]
    return [(" and ".join(late), found.formula)]


def _notes(form: ClosedForm) -> list[str]:
    """For which values the formulas stand, and at which they were verified."""
    taken = [f"{axis} ({len(axis.values)} tried)" if not axis.step else str(axis) for axis in form.axes]
    lines = [f"for {' and '.join(taken)}"]
    if len(form.axes) == 1:
        values = [point[0] for point in form.counted]
        lines.append(f"counted and compared at {form.axes[0].name} = {_runs(values, form.axes[0].step or 1)}")
    else:
        ranges = [
            f"{axis.name} from {min(point[index] for point in form.counted)} to "
            f"{max(point[index] for point in form.counted)}"
            for index, axis in enumerate(form.axes)
        ]
        lines.append(f"counted and compared at {len(form.counted)} settings, {', '.join(ranges)}")
    if any(found.formula is None and not found.pieces for found in form.findings.values()):
        lines.append(f"a polynomial is believed where it gives {CHECKS} values more than determine it")
        if len(form.axes) > 1:
            lines.append("for one parameter alone, a formula for each remainder is tried too, as rounding needs it")
    if any(found.pieces for found in form.findings.values()):
        lines.append(
            f"no single polynomial in {form.axes[0].name} fits: each remainder has its own, as where sizes are rounded"
        )
    return lines


def _runs(values: Sequence[int], step: int) -> str:
    """`1 to 16, 25, 41`: values with stretches `step` apart drawn together."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + step:
            runs[-1].append(value)
        else:
            runs.append([value])
    apart = f" in steps of {step}" if step > 1 else ""
    return ", ".join(f"{run[0]} to {run[-1]}{apart}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def _latex(formula: Formula | str) -> str:
    if isinstance(formula, str):
        return formula
    whole = formula_text(formula.whole)
    return Math(f"${whole}$" if formula.denominator == 1 else rf"$\frac{{{whole}}}{{{formula.denominator}}}$")


def _json(form: ClosedForm, program: Program) -> str:
    import json

    from archdsl.analysis.table import model_arguments

    names = [axis.name for axis in form.axes]
    record = {
        "schema": SCHEMA,
        "model": program.name,
        "parameters": {key: value for key, value in model_arguments(program).items() if key not in names},
        "convention": _sentence(form, program),
        "values": {axis.name: {"counted": axis.values, "step": axis.step, "ends": axis.ends} for axis in form.axes},
        "formulas": {name: _formula_record(form, form.findings[name]) for name in FIGURES},
        "counted": [dict(zip(names, point, strict=True)) for point in form.counted],
    }
    return json.dumps(record, indent=2)


def _formula_record(form: ClosedForm, found: FoundFormula) -> dict[str, object]:
    """A formula as JSON holds it: text, numerator and denominator; null where none fits."""

    def one(formula: Formula) -> dict[str, object]:
        return {"text": str(formula), "numerator": raw(formula.whole), "denominator": formula.denominator}

    if found.pieces:
        return {"single": None, "pieces": {str(values): one(formula) for values, formula in found.pieces.items()}}
    if found.formula is None:
        return {"single": None, "pieces": {}}
    start = dict(zip([axis.name for axis in form.axes], found.start, strict=True))
    return {"single": one(found.formula), "from": start, "verified_at": found.checked, "pieces": {}}
