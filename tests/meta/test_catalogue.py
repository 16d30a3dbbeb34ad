"""Every operator says everything that the contract asks of it."""

import importlib
from pathlib import Path

import pytest

import archdsl.ops
from archdsl.ir.operator import Operator
from archdsl.ops import catalogue

OPERATORS = sorted({catalogue.lookup(name) for name in catalogue.names()} - {None}, key=lambda cls: cls.name)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda cls: cls.name)
def test_an_operator_defines_every_rule(operator: type[Operator]) -> None:
    for rule in ("infer", "work", "reach", "autograd", "torch", "onnx"):
        assert getattr(operator, rule) is not getattr(Operator, rule), f"{operator.name} has no `{rule}`"


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda cls: cls.name)
def test_an_operator_is_documented(operator: type[Operator]) -> None:
    assert operator.summary.strip()
    assert not operator.summary.endswith(".")
    assert operator.work.__doc__, "the cost rule is not stated"
    assert operator.examples
    for spec in operator.arguments():
        assert spec.doc, f"{operator.name}: the argument {spec.name} has no doc"


def test_names_and_aliases_lead_to_their_operators() -> None:
    for name in catalogue.names():
        operator = catalogue.lookup(name)
        assert operator is not None, name
        assert name == operator.name or name in operator.aliases
    for operator in OPERATORS:
        for name in (operator.name, *operator.aliases):
            assert catalogue.lookup(name) is operator


def test_every_family_file_is_in_the_table() -> None:
    folder = Path(archdsl.ops.__file__).parent
    families = {
        path.stem
        for path in folder.glob("*.py")
        if hasattr(importlib.import_module(f"archdsl.ops.{path.stem}"), "OPERATORS")
    }
    assert families == set(catalogue.FAMILIES)


def test_an_unknown_name_is_none() -> None:
    assert catalogue.lookup("cnov") is None
