"""Any text gives a result or coded diagnostics inside the file."""

import pytest
from hypothesis import given, settings
from strategies.mutations import near_programs, readable
from strategies.texts import anything

from properties.loading import check_syntax, check_text


@settings(max_examples=2_000)
@given(near_programs())
def test_a_spec_with_a_few_tokens_changed_gives_a_result_or_coded_diagnostics_inside_the_file(text: str) -> None:
    check_text(text)


def test_more_than_a_tenth_of_the_specs_with_a_few_tokens_changed_reach_elaboration() -> None:
    reached: list[bool] = []

    @settings(max_examples=400)
    @given(near_programs())
    def collect(text: str) -> None:
        reached.append(check_text(text))

    collect()
    assert sum(reached) > len(reached) // 10


@settings(max_examples=500)
@given(anything())
def test_any_text_gives_a_result_or_coded_diagnostics_inside_the_file(text: str) -> None:
    check_text(text)


@settings(max_examples=600)
@given(anything())
def test_what_the_parser_reads_of_any_text_prints_as_a_text_that_reads_as_the_same_tree(text: str) -> None:
    check_syntax(text)


@pytest.mark.parametrize("text", readable(), ids=lambda text: text.strip().split("\n")[0][:40])
def test_a_spec_prints_as_a_text_that_reads_as_the_same_tree(text: str) -> None:
    assert check_syntax(text)
