"""Numbers that remember the formula which made them are numbers to everyone else."""

import copy
import math
import operator
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.types.derivations import (
    MAX_SIZE,
    Derivation,
    Undecided,
    bare,
    combined,
    constant,
    equal_formulas,
    formula_of,
    kind,
    localised,
    spelled,
    substituted,
    traced,
    value_of,
)
from archdsl.types.dims import symbol

C, K = Derivation("name", "c", 0), Derivation("name", "k", 0)


def number(value: float, formula: Derivation) -> float:
    return traced(value, formula)


def text(value: object) -> str:
    return repr(formula_of(value))


def test_a_traced_number_is_the_number_wherever_it_is_used() -> None:
    c = traced(16, C)
    assert c == 16 and hash(c) == hash(16) and str(c) == "16" and f"{c}" == "16" and isinstance(c, int)
    assert {16: "found"}[c] == "found" and [*range(20)][c] == 16
    assert type(bare(c)) is int and kind(c) is int and kind(traced(0.5, C)) is float
    assert type(copy.deepcopy(c)) is int and type(pickle.loads(pickle.dumps(traced(0.5, C)))) is float


NUMBERS = st.integers(-50, 50)
OPERATIONS = st.sampled_from([operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod])


@given(NUMBERS, NUMBERS, st.lists(st.tuples(OPERATIONS, st.sampled_from(["c", "k", 1, 2, 3, 7]), st.booleans())))
def test_arithmetic_gives_the_plain_number_and_a_formula_that_comes_to_it(
    c: int, k: int, steps: list[tuple[object, object, bool]]
) -> None:
    atoms = {C: c, K: k}
    known = {"c": (c, traced(c, C)), "k": (k, traced(k, K))}
    plain, total = known["c"]
    for operate, operand, turned in steps:
        bare_operand, operand = known.get(operand, (operand, operand))  # type: ignore[call-overload]
        try:
            plain = operate(bare_operand, plain) if turned else operate(plain, bare_operand)  # type: ignore[operator]
        except ZeroDivisionError:
            with pytest.raises(ZeroDivisionError):
                operate(operand, total) if turned else operate(total, operand)  # type: ignore[operator]
            return
        total = operate(operand, total) if turned else operate(total, operand)  # type: ignore[operator]
        assert total == plain and type(bare(total)) is int
        formula = formula_of(total)
        assert formula is not None and formula.size <= MAX_SIZE
        if not formula.is_constant:
            assert value_of(formula, atoms) == plain


@pytest.mark.parametrize(
    ("made", "formula"),
    [
        (lambda c, k: c + k + k, "+(name('c', 0), *(constant(2), name('k', 0)))"),
        (lambda c, k: 4 * k - k, "*(constant(3), name('k', 0))"),
        (lambda c, k: sum([c, k, 3]), "+(+(name('c', 0), name('k', 0)), constant(3))"),
        (lambda c, k: 3 * c // 3, "name('c', 0)"),
        (lambda c, k: -(-c // 1), "name('c', 0)"),
        (lambda c, k: c // 2, "//(name('c', 0), constant(2))"),
        (lambda c, k: math.floor(c * 0.5), "floor(*(name('c', 0), constant(0.5)))"),
        (lambda c, k: c**-0.5, "**(name('c', 0), constant(-0.5))"),
    ],
)
def test_a_formula_reads_as_one_would_write_it(made: object, formula: str) -> None:
    assert text(made(traced(16, C), traced(12, K))) == formula  # type: ignore[operator]


def test_what_cancels_out_or_grows_without_end_is_a_plain_number() -> None:
    c, k = traced(16, C), traced(12, K)
    assert type(c - c) is int and type(k + c - c - k) is int
    for step in range(100):
        c = (c + k) // (step + 2) + 1000 * (step + 1)
    assert formula_of(c) is None or formula_of(c).size <= MAX_SIZE  # type: ignore[union-attr]


def test_a_symbolic_size_makes_no_formula() -> None:
    assert str(symbol("N") * traced(3, C)) == "3*N"


def test_equal_sums_are_equal_formulas_however_they_are_written() -> None:
    assert equal_formulas(Derivation("+", C, K), Derivation("+", K, C))
    assert equal_formulas(
        Derivation("*", constant(2), Derivation("+", C, K)),
        Derivation("+", Derivation("+", C, K), Derivation("+", C, K)),
    )
    assert not equal_formulas(Derivation("-", C, K), Derivation("-", K, C))
    assert Derivation("constant", 1) != Derivation("constant", True) != Derivation("constant", 1.0)


def test_only_the_arm_that_a_condition_chooses_is_worked_out() -> None:
    formula = Derivation("if", Derivation("==", K, constant(0)), C, Derivation("//", C, K))
    assert value_of(formula, {C: 8, K: 0}) == 8 and value_of(formula, {C: 8, K: 2}) == 4


@pytest.mark.parametrize(
    "formula",
    [K, Derivation("//", C, constant(0)), Derivation("/", C, constant(3)), Derivation("sqrt", constant(-1))],
)
def test_what_has_no_value_is_undecided(formula: Derivation) -> None:
    with pytest.raises(Undecided):
        value_of(formula, {C: 8})


def test_conditions_on_constants_are_decided() -> None:
    yes, no, unknown = constant(True), constant(False), Derivation(">", C, constant(1))
    assert combined("if", no, C, K) is K and combined("and", yes, unknown) is unknown
    assert combined("or", yes, unknown) == yes and combined("and", unknown, no) == no
    assert combined("or", no, no) == no and combined("+", constant(1), constant(2)) == constant(3)


def test_the_atoms_of_one_block_are_local_to_it() -> None:
    mine, theirs = Derivation("name", "c", 7), Derivation("name", "c", 8)
    assert localised(Derivation("+", mine, constant(1)), 7) == Derivation("+", C, constant(1))
    assert localised(Derivation("+", mine, theirs), 7) is None


def test_an_atom_is_replaced_by_what_a_caller_knows_of_it() -> None:
    assert substituted(Derivation("*", constant(4), C), {C: constant(16)}) == constant(64)
    assert spelled(Derivation("*", constant(4), C), {C: constant(16)}) == Derivation("*", constant(4), constant(16))
    assert substituted(C, {}) is C and substituted(C, {}, strict=True) is None and substituted(C, {C: None}) is None
