"""Single operations are counted as each operator's rule says, and no rule can be wrong without being noticed."""

from typing import Any

import pytest
from contract_cases import CASES, IDS, Case, operators, work_text
from operations import TABLE, operations, singles

from archdsl.ir.operator import FLOP_KINDS, Operator, Work

BUSY = [case for case in CASES if any(kind in case.example.work for kind in FLOP_KINDS)]


def test_the_rule_of_every_operator_is_said_twice() -> None:
    assert set(TABLE) == {operator.name for operator in operators()}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_an_operator_takes_the_single_operations_that_its_rule_says(case: Case) -> None:
    op, inputs, outputs = case.op()
    assert singles(op.work(inputs, outputs)) == operations(op, inputs, outputs)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_work_is_what_the_example_states(case: Case) -> None:
    op, inputs, outputs = case.declared()
    assert work_text(op.work(inputs, outputs)) == case.example.work


@pytest.mark.parametrize("case", BUSY, ids=str)
def test_three_times_the_single_operations_or_a_kind_too_few_are_noticed(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = case.operator.work
    op, inputs, outputs = case.op()

    def tripled(self: Operator, *types: Any) -> Work:
        return {kind: 3 * amount if kind in FLOP_KINDS else amount for kind, amount in honest(self, *types).items()}

    def without(gone: str) -> Any:
        return lambda self, *types: {kind: amount for kind, amount in honest(self, *types).items() if kind != gone}

    for wrong in (tripled, *map(without, singles(op.work(inputs, outputs)))):
        monkeypatch.setattr(case.operator, "work", wrong)
        with pytest.raises(AssertionError):
            test_an_operator_takes_the_single_operations_that_its_rule_says(case)
        with pytest.raises(AssertionError):
            test_the_work_is_what_the_example_states(case)
