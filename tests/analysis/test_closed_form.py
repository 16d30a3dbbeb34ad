"""Formulas in parameters: found where there are any, and refused where there are none."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest

from archdsl.analysis.closed_form import FIGURES, MOST_COUNTED, ClosedForm, TooManyCounted, closed_form
from archdsl.types.dims import Dim, symbol

Figure = Callable[..., Dim | None]


def counting(figure: Figure) -> Callable[[Mapping[str, int]], Mapping[str, Dim] | None]:
    def count(values: Mapping[str, int]) -> Mapping[str, Dim] | None:
        found = figure(**values)
        return None if found is None else dict.fromkeys(FIGURES, found)

    return count


def found(figure: Figure, choices: Mapping[str, list[int]] | None = None, **base: int) -> ClosedForm:
    return closed_form(counting(figure), base, choices or {})


def text(form: ClosedForm) -> str:
    return str(form.findings["params"].formula)


@pytest.mark.parametrize(
    ("figure", "formula"),
    [
        (lambda k: 7, "7"),
        (lambda k: 0, "0"),
        (lambda k: 3 * k + 1, "3*k + 1"),
        (lambda k: 3 * k**4 - 2_000 * k, "3*k**4 - 2,000*k"),
        (lambda k: k * (k + 1) // 2, "(k**2 + k) / 2"),
        (lambda k: k * (k + 1) * (2 * k + 1) // 6, "(2*k**3 + 3*k**2 + k) / 6"),
        (lambda k: 4 * k * symbol("T") * symbol("T") + k, "4*T**2*k + k"),
    ],
)
def test_a_polynomial_is_found_exactly(figure: Figure, formula: str) -> None:
    assert text(found(figure, k=5)) == formula


def test_values_that_a_parameter_does_not_take_are_left_out() -> None:
    form = found(lambda depth: (depth - 4) // 6 * 10 if depth > 4 and depth % 6 == 4 else None, depth=40)
    assert text(form) == "(5*depth - 20) / 3"
    assert (form.axes[0].values[:3], form.axes[0].step) == ([10, 16, 22], 6)
    assert (4 + 6 * 1001,) in form.counted


def test_values_apart_are_followed_until_there_are_enough() -> None:
    axis = found(lambda k: 3 * k if k % 5 == 2 else None, k=7).axes[0]
    assert (axis.values, axis.step, axis.ends) == ([2 + 5 * i for i in range(16)], 5, False)


def test_values_far_from_one_are_found_around_the_one_that_is_set() -> None:
    form = found(lambda width: 3 * width if width % 20 == 0 and width >= 200 else None, width=200)
    assert text(form) == "3*width"
    assert form.axes[0].values[:2] == [200, 220]


def test_a_figure_that_is_no_polynomial_gets_no_formula() -> None:
    assert found(lambda k: 2**k, k=3).findings["params"].formula is None
    assert found(lambda k: 2**k, k=3).findings["params"].pieces == {}


def test_a_formula_that_fails_at_a_far_value_is_not_believed() -> None:
    assert found(lambda k: k if k < 500 else k + 1, k=3).findings["params"].formula is None


def test_few_choices_prove_no_polynomial_of_high_degree() -> None:
    choices = {"depth": [18, 34, 50, 101, 152]}
    square = found(lambda depth: depth**2 if depth in choices["depth"] else None, choices, depth=50)
    assert square.findings["params"].formula is None
    line = found(lambda depth: 2 * depth if depth in choices["depth"] else None, choices, depth=50)
    assert text(line) == "2*depth"
    assert line.counted == [(value,) for value in choices["depth"]]


def test_a_formula_says_from_which_value_it_holds() -> None:
    form = found(lambda k: max(k, 4) * 10, k=6)
    finding = form.findings["params"]
    assert (text(form), finding.start) == ("10*k", (4,))


def test_a_formula_that_begins_late_is_one_formula() -> None:
    form = found(lambda k: 4 * max(k, 10), k=3)
    finding = form.findings["params"]
    assert (text(form), finding.start, finding.pieces) == ("4*k", (10,), {})
    assert finding.checked > 20


def test_no_formula_misses_the_value_that_is_set() -> None:
    assert found(lambda k: 5 if k == 100 else 3 * k, k=100).findings["params"].formula is None
    assert not found(lambda k: 5 if k == 100 else k // 2, k=100).findings["params"].pieces


def test_values_that_come_to_an_end_are_listed_to_the_last() -> None:
    form = found(lambda k: 3 * k if k < 8 else None, k=2)
    assert (text(form), str(form.axes[0])) == ("3*k", "k = 1, 2, 3, 4, 5, 6, 7")
    assert str(found(lambda k: 3 * k, k=2).axes[0]) == "k = 1, 2, 3, ..."


def test_rounding_gives_a_formula_for_each_remainder() -> None:
    pieces = found(lambda k: 10 * k + k // 3, k=6).findings["params"].pieces
    assert {str(values): str(formula) for values, formula in pieces.items()} == {
        "k = 1, 4, 7, ...": "(31*k - 1) / 3",
        "k = 2, 5, 8, ...": "(31*k - 2) / 3",
        "k = 3, 6, 9, ...": "(31*k) / 3",
    }


@pytest.mark.parametrize("period", [2, 3, 4, 6, 8])
def test_remainders_of_usual_divisors_are_told_apart(period: int) -> None:
    pieces = found(lambda k: 5 * k + k // period, k=period).findings["params"].pieces
    assert len(pieces) == period
    assert all(values.step == period for values in pieces)


def test_remainders_of_other_divisors_get_no_formula() -> None:
    for period in (5, 7, 9):
        finding = found(lambda k, period=period: 5 * k + k // period, k=period).findings["params"]
        assert (finding.formula, finding.pieces) == (None, {})


def test_several_parameters_give_one_formula_verified_off_its_grid() -> None:
    form = found(lambda k, n: k * k * n + 5 * n * (n - 1) // 2 + 3, k=4, n=3)
    assert text(form) == "(2*k**2*n + 5*n**2 - 5*n + 6) / 2"
    formula, checked = form.findings["params"].formula, form.findings["params"].checked
    assert checked > 10
    assert formula is not None
    assert formula.at((10, 20)) == {(): Fraction(100 * 20 + 5 * 190 + 3)}


def test_parameters_that_do_not_go_together_everywhere_give_no_formula() -> None:
    form = found(lambda k, n: k * n if k % n == 0 else None, k=6, n=1)
    assert form.findings["params"].formula is None


def test_an_interaction_that_shows_only_off_the_axes_is_noticed() -> None:
    form = found(lambda k, n: k + n + (k - 2) * (n - 2) * (k - 1) * (n - 1) * 2**k, k=2, n=2)
    assert form.findings["params"].formula is None


def test_the_number_of_networks_counted_is_bounded() -> None:
    seen: list[Mapping[str, int]] = []

    def count(values: Mapping[str, int]) -> Mapping[str, Dim] | None:
        seen.append(values)
        total = 1
        for value in values.values():
            total *= value**3
        return dict.fromkeys(FIGURES, total)

    with pytest.raises(TooManyCounted):
        closed_form(count, dict.fromkeys("abcdef", 2), {})
    assert len(seen) <= MOST_COUNTED
