"""Names of other frameworks: what they are called here is said after a mistake."""

import pytest

from archdsl.api import load
from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.report import is_certain
from archdsl.ir.operator import Operator
from archdsl.ops import catalogue
from archdsl.ops.synonyms import (
    AMBIGUOUS,
    ARGUMENTS,
    DTYPES,
    FUNCTIONS,
    GUESSES,
    LEFT_OUT,
    MEANINGS,
    READ_OFF,
    SYNONYMS,
    VALUES,
)
from archdsl.std import INDEX
from archdsl.types.tensor import DTYPE_BYTES


def test_every_synonym_leads_to_an_operator_or_a_standard_block() -> None:
    assert [name for name in SYNONYMS.values() if name not in catalogue.names() and name not in INDEX] == []


def test_a_word_for_one_thing_is_mended_and_one_for_several_is_only_explained() -> None:
    """Who writes `bilinear` may want its interpolation or another layer; who writes `swish` wants `silu`."""
    known = [*catalogue.names(), *INDEX]
    assert {name for name, ours in SYNONYMS.items() if not is_certain(name, ours, known)} == GUESSES


def test_what_may_mean_several_things_means_operators_or_standard_blocks() -> None:
    assert [each for several in AMBIGUOUS.values() for each in several if not _known(each)] == []
    assert [name for name in {*AMBIGUOUS, *FUNCTIONS, *MEANINGS} if _known(name)] == []


def test_number_formats_and_words_for_values_lead_to_ours() -> None:
    assert set(DTYPES.values()) <= set(DTYPE_BYTES)
    assert not set(DTYPES) & set(DTYPE_BYTES)
    assert set(VALUES.values()) == {"true", "false", "none"}


def _known(name: str) -> bool:
    return name in catalogue.names() or name in INDEX


def _operator(name: str) -> type[Operator]:
    found = catalogue.lookup(name)
    assert found is not None
    return found


def test_every_foreign_argument_leads_to_one_that_some_operator_has_and_hides_none() -> None:
    ours = {spec.name for op in catalogue.names() for spec in _operator(op).arguments()}
    assert [name for names in ARGUMENTS.values() for name in names if name not in ours] == []
    assert (READ_OFF | set(LEFT_OUT)) & ours == set()


@pytest.mark.parametrize(
    ("step", "help"),
    [
        ("conv(out_channels = 8, kernel = 3)", "it is called `out` here"),
        ("conv(8, kernel_size = 3)", "it is called `kernel` here"),
        ("conv(8, 3, in_channels = 3)", "read off the input"),
        ("softmax(dim = 1)", "it is called `axis` here"),
        ("relu(inplace = true)", "leave it out"),
        ("flatten(2) -> transpose(1, 2) -> lstm(8, batch_first = true)", "[N, T, features]"),
        ("relu(x)", "`x -> relu`"),
        ("permute(0, 2, 3, 1)", "`permute([0, 2, 3, 1])`"),
        ("for i in range(3) { relu }", "count with `0..3`"),
        ("x + relu", "`[x, relu] -> add`"),
    ],
)
def test_a_habit_of_pytorch_is_answered_with_what_is_written_here(step: str, help: str) -> None:
    with pytest.raises(ArchError) as caught:
        load(f"model m {{\n  input x: f32[N, 3, 8, 8]\n  {step}\n  output y\n}}\n")
    assert help in caught.value.diagnostics[0].help
