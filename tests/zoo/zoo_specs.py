"""What the tests of the zoo share: specs by name, instances by argument, counted figures by row."""

import csv
from functools import cache
from pathlib import Path

from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.loader import load_file
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.module import Module
from archdsl.ir.program import Program
from archdsl.limits import Limits

ROOT = Path(__file__).parents[2]
SPECS = sorted(path.stem for path in (ROOT / "specs").glob("*.arch"))


@cache
def spec(name: str) -> Module:
    """A spec by name, which must load without so much as a warning."""
    sink = Sink()
    module = load_file(ROOT / "specs" / f"{name}.arch", sink, Limits())
    assert not sink.found, render_text(sink.found)
    assert module is not None
    return module


def program(spec_name: str, model: str, **arguments: object) -> Program:
    """One instance of a model, which must elaborate without so much as a warning."""
    sink = Sink()
    found = elaborate(spec(spec_name), model, arguments, {}, sink, Limits())
    assert not sink.found, render_text(sink.found)
    assert found is not None
    return found


def arguments(text: str) -> dict[str, object]:
    """`depth=20 option=B bottleneck=true` as a column of the table writes it."""
    pairs = (item.split("=") for item in text.split())
    return {name: value == "true" if value in ("true", "false") else _number(value) for name, value in pairs}


def _number(text: str) -> object:
    return int(text) if text.isdigit() else text


def rows() -> list[dict[str, str]]:
    """The published and re-derived figures, one row per instance of a spec."""
    with open(Path(__file__).with_name("seed_models.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def instances() -> list[tuple[str, str, dict[str, object]]]:
    """Every model of every spec as it stands, and every row of the figures, each once."""
    found = [(name, model, {}) for name in SPECS for model in spec(name).models]
    found += [(row["spec"], row["instance"], arguments(row["arguments"])) for row in rows()]
    return list({f"{name}:{model} {given}": (name, model, given) for name, model, given in found}.values())
