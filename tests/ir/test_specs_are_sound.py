"""Every model of `specs/` elaborates to a sound program whose fold agrees with counting every application."""

from pathlib import Path

import pytest

from archdsl.analysis.cost import CostModel
from archdsl.analysis.parts import Parts
from archdsl.analysis.table import table_rows
from archdsl.api import load_module
from archdsl.diagnostics.model import Sink
from archdsl.elaborate.model import elaborate
from archdsl.ir.flatten import flatten
from archdsl.ir.operator import MAC_KINDS
from archdsl.ir.printer import print_program
from archdsl.ir.program import Program
from archdsl.ir.verifier import verify
from archdsl.limits import Limits

SPECS = Path(__file__).parents[2] / "specs"


def models() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for path in sorted(SPECS.glob("*.arch")):
        found += [(path.name, model) for model in load_module(str(path), Sink(), Limits()).models]
    return found


def program(file: str, model: str) -> Program:
    sink = Sink()
    module = load_module(str(SPECS / file), sink, Limits())
    found = elaborate(module, model, {}, {}, sink, Limits())
    assert found is not None, sink.found
    return found


def test_there_are_specs() -> None:
    assert len(models()) > 10


@pytest.mark.parametrize(("file", "model"), models())
def test_a_spec_is_sound_and_its_fold_exact(file: str, model: str) -> None:
    found = program(file, model)
    assert verify(found) == []
    assert print_program(found).count("\nfunc @") == len(found.functions)
    costs = CostModel(found)
    params: dict[str, int] = {}
    macs: object = 0
    activations: object = 0
    for flat in flatten(found, Limits()):
        inputs, outputs = costs.sample(flat.inputs), costs.sample(flat.outputs)
        if flat.owner_path not in params:
            params[flat.owner_path] = sum(w.elements for w in flat.op.weights(*inputs) if w.trainable)
        work = flat.op.work(inputs, outputs)
        for kind in MAC_KINDS:
            macs = macs + work.get(kind, 0)  # type: ignore[operator]
        if not flat.op.view and not flat.op.training_only:
            for output in outputs:
                activations = activations + output.elements  # type: ignore[operator]
    assert costs.total.params == sum(params.values())
    assert costs.total.macs == macs
    assert costs.total.activations == activations


@pytest.mark.parametrize(("file", "model"), models())
def test_the_rows_of_a_table_add_up_at_every_depth(file: str, model: str) -> None:
    costs = CostModel(program(file, model))
    for depth in (1, 2, 4):
        rows = table_rows(Parts(costs), depth)
        for level in range(1, depth + 1):
            opened = [row for row in rows if row.level == level]
            above = [row for row in rows if row.level == level - 1 and _has_children(row.path, opened)]
            total = sum(row.cost.params for row in opened)
            assert total == (sum(row.cost.params for row in above) if level > 1 else costs.total.params)


def _has_children(path: str, rows: list) -> bool:  # type: ignore[type-arg]
    return any(row.path.startswith(f"{path}.") for row in rows)
