"""Records behave as the dataclasses they stand in for."""

import copy
import pickle
from typing import ClassVar

import pytest

from archdsl.records import described, field, field_names, record, replace


@record
class Point:
    """Two numbers."""

    unit: ClassVar[str] = "m"
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.x + self.y


@record
class Place(Point):
    name: str = ""

    __repr__ = described


def test_fields_are_given_by_position_or_by_name_and_have_defaults() -> None:
    point = Point(1, y=5)
    assert (point.x, point.y, point.tags, point.total) == (1, 5, [], 6)
    assert Point(1).y == 2


def test_a_default_factory_makes_a_new_value_for_every_instance() -> None:
    first, second = Point(1), Point(1)
    first.tags.append("a")
    assert second.tags == []
    assert Point(1, 2, ["b"]).tags == ["b"]


def test_a_missing_and_an_unknown_field_are_type_errors_that_name_them() -> None:
    with pytest.raises(TypeError, match="'x'"):
        Point()  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="'z'"):
        Point(1, z=3)  # pyright: ignore[reportCallIssue]


def test_records_have_slots_and_no_other_attributes() -> None:
    assert not hasattr(Point(1), "__dict__")
    with pytest.raises(AttributeError):
        Point(1).z = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_fields_of_a_base_come_first_and_class_variables_are_none() -> None:
    assert field_names(Place) == ("x", "y", "tags", "name")
    assert (Place(1, 2, [], "here").name, Place(1).unit) == ("here", "m")
    match Place(1, 5):
        case Place(x, y):
            assert (x, y) == (1, 5)


def test_a_subclass_that_is_no_record_is_made_like_its_base_even_before_it() -> None:
    @record
    class Base:
        x: int

    class Child(Base):
        def double(self) -> int:
            return 2 * self.x

    assert Child(3).double() == 6
    assert Base(4).x == 4


def test_records_are_equal_when_they_are_the_same_object() -> None:
    point = Point(1)
    assert point == point and point != Point(1) and len({point, Point(1)}) == 2


def test_replace_changes_some_fields_of_a_copy() -> None:
    point = Point(1, 2, ["a"])
    moved = replace(point, x=9)
    assert (moved.x, moved.y, moved.tags) == (9, 2, ["a"]) and point.x == 1
    with pytest.raises(TypeError, match="'z'"):
        replace(point, z=1)


def test_a_described_record_prints_its_fields() -> None:
    assert repr(Place(1, name="here")) == "Place(x=1, y=2, tags=[], name='here')"


def test_records_can_be_copied_and_pickled() -> None:
    for made in (copy.deepcopy(Point(1, 5)), pickle.loads(pickle.dumps(Point(1, 5)))):
        assert (made.x, made.y) == (1, 5)
