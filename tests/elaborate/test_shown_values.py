"""Values as messages show them: as the language writes them, and cut where a reader would lose the thread."""

import pytest

from archdsl.elaborate.values import MAX_SHOWN_CHARACTERS, MAX_SHOWN_DEPTH, MAX_SHOWN_ITEMS, a_type, show


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (False, "false"),
        (None, "none"),
        (3, "3"),
        (0.5, "0.5"),
        (range(1, 4), "1..4"),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ((1, (True, None), "x"), '[1, [true, none], "x"]'),
        ((), "[]"),
    ],
)
def test_a_value_is_shown_as_the_language_writes_it(value: object, written: str) -> None:
    assert show(value) == written


def test_texts_are_cut_only_where_they_are_longer_than_the_bound() -> None:
    whole = "x" * MAX_SHOWN_CHARACTERS
    assert show(whole) == f'"{whole}"'
    assert show(whole + "y") == f'"{whole[:-3]}..."'
    number = 10 ** (MAX_SHOWN_CHARACTERS - 1)
    assert show(number) == str(number)
    assert show(10 * number) == f"{str(number)[:-3]}..."


def test_lists_say_how_many_they_hold_only_where_some_are_left_out() -> None:
    items = tuple(range(MAX_SHOWN_ITEMS))
    whole = ", ".join(map(str, items))
    assert show(items) == f"[{whole}]"
    assert show((*items, 7)) == f"[{whole}, ... {MAX_SHOWN_ITEMS + 1} items]"


def test_lists_inside_lists_are_left_out_below_the_bound_where_they_hold_something() -> None:
    deep: object = (1,)
    for _ in range(MAX_SHOWN_DEPTH - 1):
        deep = (deep,)
    assert show(deep) == "[" * MAX_SHOWN_DEPTH + "1" + "]" * MAX_SHOWN_DEPTH
    assert show((deep,)) == "[" * MAX_SHOWN_DEPTH + "[...]" + "]" * MAX_SHOWN_DEPTH
    hollow: object = ()
    for _ in range(MAX_SHOWN_DEPTH):
        hollow = (hollow,)
    assert show(hollow) == "[" * MAX_SHOWN_DEPTH + "[]" + "]" * MAX_SHOWN_DEPTH


@pytest.mark.parametrize(
    ("value", "called"),
    [(None, "none"), (3, "an int"), (0.5, "a float"), ("x", "a string"), ((1,), "a list"), (True, "a bool")],
)
def test_a_kind_of_value_is_named_with_its_article(value: object, called: str) -> None:
    assert a_type(value) == called
