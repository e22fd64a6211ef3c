"""What fills the caches whose memory is measured is what the page says."""

from __future__ import annotations

import sys

import pytest

from bench._memory_caches import CHARACTERS, MemberResolver, ValueResolver
from secretsource import Deadline, Document, MaskedStr
from secretsource.resolvers import Location

NAME = "app/key000001"


def answer(resolver: ValueResolver | MemberResolver) -> tuple[Location, Document]:
    location = resolver.locate(NAME)
    return location, resolver.fetch(location, Deadline(1))


def test_a_plain_value_has_an_address_and_nothing_else() -> None:
    location, document = answer(ValueResolver())

    assert (18, None) == (len(location.address), location.field)
    assert (None, {}) == (document.version, dict(document.fields))
    assert CHARACTERS == len(document.value or "")


def test_a_member_has_an_address_a_name_and_a_version() -> None:
    location, document = answer(MemberResolver())

    assert (13, 9, 32) == (len(location.address), len(location.field or ""), len(document.version or ""))
    assert document.value is None
    assert {location.field: CHARACTERS} == {name: len(value) for name, value in document.fields.items()}


@pytest.mark.parametrize("text", ["", "a" * CHARACTERS])
def test_a_string_takes_41_to_49_bytes_more_than_its_characters_and_a_masked_one_still_more(
    text: str,
) -> None:
    assert 41 <= sys.getsizeof(text) - len(text) <= 49
    assert sys.getsizeof(text) < sys.getsizeof(MaskedStr(text))
