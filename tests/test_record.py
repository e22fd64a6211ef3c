from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping

import pytest

from secretsource._record import Record


class Place(Record, hidden=("note",), uncompared=("text",)):
    """Has every kind of field."""

    address: str
    note: str = ""
    text: str = ""
    more: Mapping[str, int] = {}

    def __post_init__(self) -> None:
        if not self.address:
            raise ValueError("no address")


class Pair(Record, kw_only=False):
    left: int
    right: int = 0


class Nested(Place):
    depth: int = 0


class Same(Record, eq=False):
    field: int


def test_the_fields_are_the_annotated_attributes_with_their_defaults() -> None:
    place = Place(address="a", text="t")
    assert ("a", "", "t", {}) == (place.address, place.note, place.text, place.more)


def test_a_dict_as_default_is_not_shared() -> None:
    assert Place(address="a").more is not Place(address="a").more


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({}, "missing the argument 'address'"),
        ({"address": "a", "adress": "b"}, "unexpected keyword argument 'adress'"),
    ],
)
def test_arguments_that_are_missing_or_not_known_are_refused(
    arguments: dict[str, object], wrong: str
) -> None:
    with pytest.raises(TypeError, match=wrong):
        Place(**arguments)  # type: ignore[arg-type]


def test_fields_are_given_by_keyword_unless_the_class_says_otherwise() -> None:
    assert Pair(left=1, right=2) == Pair(1, 2) == Pair(1, right=2)
    with pytest.raises(TypeError, match="takes 0 positional arguments, but 1 were given"):
        Place("a")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes 2 positional arguments, but 3 were given"):
        Pair(1, 2, 3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="multiple values for argument 'left'"):
        Pair(1, left=1)  # type: ignore[misc]


def test_the_fields_are_checked_when_the_object_is_made() -> None:
    with pytest.raises(ValueError, match="no address"):
        Place(address="")


def test_nothing_can_be_changed_added_or_taken_away() -> None:
    pair = Pair(1)
    for field in ("left", "other"):
        with pytest.raises(AttributeError, match="Pair cannot be changed"):
            setattr(pair, field, 2)
    with pytest.raises(AttributeError, match="Pair cannot be changed"):
        del pair.left
    assert not hasattr(pair, "__dict__")


def test_equal_fields_make_equal_objects_of_the_same_class() -> None:
    assert (Pair(1, 2), hash(Pair(1, 2))) == (Pair(1, 2), hash(Pair(1, 2)))
    assert Pair(1, 2) != Pair(2, 1)
    assert Place(address="a") != Nested(address="a")
    assert Pair(1, 2) != (1, 2)


def test_an_uncompared_field_does_not_count() -> None:
    assert Place(address="a", text="x") == Place(address="a", text="y")
    assert Place(address="a", note="x") != Place(address="a", note="y")
    assert hash(Pair(1, 0)) == hash(Pair(1))


def test_without_equality_an_object_equals_only_itself() -> None:
    one = Same(field=1)
    assert {one} == {one}
    assert one != Same(field=1)


def test_repr_shows_the_fields_but_the_hidden_ones() -> None:
    assert "Place(address='a', text='t', more={})" == repr(Place(address="a", note="n", text="t"))


def test_a_subclass_adds_fields() -> None:
    nested = Nested(address="a", depth=2)
    assert ("a", "", 2) == (nested.address, nested.note, nested.depth)
    with pytest.raises(ValueError, match="no address"):
        Nested(address="", depth=1)


def test_it_can_be_copied_and_pickled() -> None:
    place = Place(address="a", text="t", more={"x": 1})
    for twin in (copy.copy(place), copy.deepcopy(place), pickle.loads(pickle.dumps(place))):
        assert (place, "t") == (twin, twin.text)


def test_a_copy_with_changes_is_checked_too() -> None:
    changed = Pair(1, 2).__replace__(right=3)
    assert Pair(1, 3) == changed
    with pytest.raises(ValueError, match="no address"):
        Place(address="a").__replace__(address="")


def test_its_signature_is_told() -> None:
    assert "(*, address, note='', text='', more={})" == str(inspect.signature(Place))
    assert "(left, right=0)" == str(inspect.signature(Pair))
