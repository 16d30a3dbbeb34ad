"""The words of a table in LaTeX: titles, captions and labels, and its cells before they are set."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.analysis.cost import per_sample_text
from archdsl.analysis.latex import NOTHING, Math, TableFloat, is_balanced, text
from archdsl.analysis.table import type_text
from archdsl.ir.printer import title_text, value_text
from archdsl.ir.program import Program

if TYPE_CHECKING:
    from archdsl.analysis.columns import Column
    from archdsl.analysis.conventions import Convention
    from archdsl.analysis.figures import Cell
    from archdsl.analysis.table import Row

_MOST_NAMED = 4
"""Networks that a caption names; of more it says how many they are."""


def title(program: Program, without: Sequence[str] = ()) -> str:
    """`resnet (depth = 50)`: the model, and of its parameters those that were set; all that were not are as the spec
    says."""
    chosen = {name: program.entry.arguments[name] for name in program.chosen if name not in without}
    return title_text(program.name, chosen).replace("(", " (", 1)


def cell(column: "Column", row: "Row") -> "Cell":
    """A cell of a table, names and repetitions set as LaTeX has them."""
    value = column.value(row)
    if column.name == "times":
        return Math(rf"$\times {value}$") if isinstance(value, int) and value > 1 else None
    if column.name == "model" or (column.name in ("layer", "path") and row.level == 0 and row.path != "total"):
        return title(row.parts.program)
    if column.name == "layer":
        return Math(r"\quad " * row.indent + text(row.name))
    if not column.numeric:
        return column.show(value)
    is_total = row.level == 0 and value == 0
    return value if is_total else NOTHING if column.show(value) == "-" else value


def around(
    programs: Sequence[Program],
    varied: Sequence[str],
    convention: "Convention | None",
    caption: str | None,
    label: str | None,
) -> TableFloat:
    """Caption and label of a table of networks that differ in the parameters `varied`, if they are of one model: those
    that the author gives, else what the table is of."""
    first = programs[0]
    inputs = {", ".join(map(type_text, program.inputs)) for program in programs}
    if len(programs) == 1:
        subject, name = title(first), _slug([first.name, *_values(first)])
    elif varied:
        subject = f"{title(first, varied)} by {' and '.join(varied)}"
        name = _slug([first.name, "by", *varied])
    else:
        titles = list(dict.fromkeys(map(title, programs)))
        named = " and ".join([", ".join(titles[:-1]), titles[-1]]) if len(titles) > 1 else titles[0]
        subject = f"Comparison of {named}" if len(titles) <= _MOST_NAMED else f"Comparison of {len(titles)} networks"
        name = "comparison"
    shape = f" Input: {inputs.pop()}." if len(inputs) == 1 else ""
    per = " or ".join(sorted({per_sample_text(program) for program in programs}))
    by = "archdsl" if convention is None else convention.tool
    return _given(f"{subject}.{shape} Counted by {by}, {per}.", name, caption, label)


def around_formulas(program: Program, names: Sequence[str], caption: str | None, label: str | None) -> TableFloat:
    """The same of a table of formulas in some parameters."""
    inputs = ", ".join(map(type_text, program.inputs))
    subject = f"{title(program, names)}: formulas in {' and '.join(names)}. Input: {inputs}."
    return _given(f"{subject} Counted by archdsl, {per_sample_text(program)}.", _slug([program.name, "in", *names]),
                  caption, label)  # fmt: skip


def wrong(what: str, given: str | None) -> str:
    """The part that LaTeX could not read of a caption or a label that an author gives; "" for one that is fine."""
    if given is not None and not isinstance(given, str):  # pyright: ignore[reportUnnecessaryIsInstance]: callers differ
        return f"{what} is a text, not {given!r}"
    if given and what == "label" and not re.fullmatch(r"[\w:./+-]+", given, re.ASCII):
        return "label takes letters, digits and the signs : . / + - _"
    if given and what == "caption" and not (given.isprintable() and is_balanced(given)):
        return "caption takes LaTeX in one line, its braces in pairs and \\% for a percent sign"
    return ""


def _given(own_caption: str, name: str, caption: str | None, label: str | None) -> TableFloat:
    return TableFloat(text(own_caption) if caption is None else caption, f"tab:{name}" if label is None else label)


def _values(program: Program) -> list[str]:
    """The values that were set, a flag by its name."""
    found: list[str] = []
    for name in program.chosen:
        value = program.entry.arguments[name]
        found.append((name if value else f"no-{name}") if isinstance(value, bool) else value_text(value))
    return found


def _slug(parts: Sequence[str]) -> str:
    """A label's name: what is no letter or digit becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9]+", "-", " ".join(parts)).strip("-").lower()[:60].strip("-")
