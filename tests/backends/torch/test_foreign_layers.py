"""The table of PyTorch's layers, which mends rely on, says what PyTorch's own signatures say."""

import inspect
import re

import pytest
import torch

from archdsl.ops import catalogue
from archdsl.std import INDEX
from archdsl.syntax.foreign import LAYERS

EXACT = {name: (ours, rows) for name, (ours, rows, exact) in LAYERS.items() if exact}
MODULES = sorted(name for name in EXACT if hasattr(torch.nn, name))


def _rows(name: str) -> list[tuple[str, str, str, str]]:
    """PyTorch's name, ours, the mark, and PyTorch's default where it is another than ours."""
    found = [re.fullmatch(r"(\w+)(?:=(\w+))?([-!<>*+]?)(?:number)?(?:\|(\w+))?", row) for row in EXACT[name][1]]
    return [(row[1], row[2] or row[1], row[3], row[4] or "") for row in found if row]


def test_every_row_can_be_read_and_leads_to_a_name_of_ours() -> None:
    for name, (ours, rows, _) in LAYERS.items():
        assert ours in catalogue.names() or ours in INDEX or ours in ("bn", "activation_of"), name
        for row in rows:
            assert re.fullmatch(r"\w+(=\w+)?([-!<>*+]?)(number)?(\|\w+)?", row), (name, row)


@pytest.mark.parametrize("name", sorted(EXACT))
def test_every_argument_that_a_row_names_is_one_of_ours(name: str) -> None:
    operator = catalogue.lookup(EXACT[name][0])
    if operator is None:
        assert EXACT[name][0] in INDEX
        return
    ours = {spec.name for spec in operator.arguments()}
    assert {argument for _, argument, mark, _ in _rows(name) if mark in ("", "+")} <= ours


@pytest.mark.parametrize("name", MODULES)
def test_a_layer_takes_its_arguments_in_the_order_of_pytorch(name: str) -> None:
    theirs = [p for p in inspect.signature(getattr(torch.nn, name)).parameters if p not in ("device", "dtype")]
    named = [row[0] for row in _rows(name)]
    assert theirs[: len(named)] == named


@pytest.mark.parametrize("name", MODULES)
def test_what_is_not_given_is_the_same_here_and_there(name: str) -> None:
    operator = catalogue.lookup(EXACT[name][0])
    if operator is None:
        return
    theirs = inspect.signature(getattr(torch.nn, name)).parameters
    ours = {spec.name: spec.default for spec in operator.arguments()}
    for there, here, mark, other in _rows(name):
        default = theirs[there].default
        if mark or default is inspect.Parameter.empty:
            continue
        assert str(default) == other or default == ours[here], (there, default, ours[here])
