from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from secretsource._entries import Entry, Hit, Whole, entry_of
from secretsource._secret import Document, NotThere, masked


def kept(answer: Document | NotThere) -> Entry:
    return entry_of(answer, fetched_at=100.0, number=7)


class Special(Document):
    """One that may know more."""


@pytest.mark.parametrize("value", ["a text", ""])
def test_a_text_alone_is_kept_as_a_hit(value: str) -> None:
    assert isinstance(kept(Document(value=value)), Hit)


@pytest.mark.parametrize(
    "answer",
    [
        NotThere(),
        Document(),
        Document(value=b"bytes"),
        Document(value="x", version="7"),
        Document(value="x", version=""),
        Document(value="x", lease=0),
        Document(value="x", created=datetime.now(UTC)),
        Document(value="x", fields={"a": "x"}),
        Document(fields={"a": "x"}),
        Special(value="x"),
    ],
)
def test_everything_else_is_kept_as_it_came(answer: Document | NotThere) -> None:
    entry = kept(answer)
    assert isinstance(entry, Whole)
    assert answer is entry.answer


@pytest.mark.parametrize(
    "more", [{}, {"version": "7"}, {"lease": 10}, {"fields": {"a": "of a"}}, {"value": b"bytes"}]
)
def test_what_it_says_is_what_the_document_says(more: dict[str, Any]) -> None:
    document = Document(**{"value": "any", **more})
    entry = kept(document)
    told = [
        each.pick(None)
        for each in (document, entry, entry.answer)
        if isinstance(each, Document | Hit | Whole)
    ]
    assert [document.pick(None)] * 3 == told
    assert (document.pick("a"), document.has_fields) == (entry.pick("a"), entry.has_fields)
    assert (document.version, document.lease, True) == (entry.version, entry.lease, entry.is_there)
    assert isinstance(entry.answer, Document)
    assert dict(document.fields) == dict(entry.answer.fields)


def test_what_is_not_there_says_nothing() -> None:
    entry = kept(NotThere())
    assert (False, False, None, None) == (entry.is_there, entry.has_fields, entry.version, entry.lease)
    assert entry.pick(None) is None


def test_the_text_of_a_hit_is_the_very_object_of_the_document() -> None:
    document = Document(value="any")
    entry = kept(document)
    assert isinstance(entry, Hit)
    assert document.value is entry.text


def test_a_direct_entry_of_bytes_has_no_text() -> None:
    entry = kept(Document(value=b"bytes"))
    entry.add_name("a")
    assert entry.hit_for("a", masked(b"bytes"), 9.0).text is None


def test_a_direct_entry_of_a_member_is_told_from_that_of_another_answer_by_its_number() -> None:
    entry = kept(Document(fields={"a": "of a"}))
    entry.add_name("n")
    hit = entry.hit_for("n", masked("of a"), 9.0)
    assert ("of a", 9.0, 7, 100.0) == (hit.text, hit.until, hit.number, hit.fetched_at)


def test_nobody_is_answered_from_what_has_just_come() -> None:
    entry = kept(Document(value="any"))
    assert isinstance(entry, Hit)
    assert float("-inf") == entry.until


def test_there_is_room_for_seven_things_in_one_and_no_more() -> None:
    hit = kept(Document(value="any"))
    assert sys.getsizeof(object()) + 16 + 7 * 8 == sys.getsizeof(hit)  # 16 are of the garbage collector
    assert not hasattr(hit, "__dict__")
