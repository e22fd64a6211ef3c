"""What is text, for what can hold no bytes."""

from __future__ import annotations

import traceback

import pytest

from secretsource import InvalidValue, Store
from secretsource.integrations._text import text_of
from secretsource.testing import MemoryResolver


@pytest.mark.parametrize("value", ["", "text", "Grüße, 鍵 🔑"])
def test_text_is_given_as_it_is(value: str) -> None:
    assert value == text_of(Store([MemoryResolver({"a": value})]).get("a"))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"canary\xff", "is binary"),
        ("canary\ud83d", "half a surrogate pair"),
        ("canary\udce9", "no UTF-8"),
    ],
    ids=["binary", "half a pair", "a byte of a variable"],
)
def test_anything_else_is_an_error_that_names_it_and_shows_nothing(value: str | bytes, fault: str) -> None:
    found = Store([MemoryResolver({"a": value})]).get("a")

    with pytest.raises(InvalidValue, match=f"^'a' .*{fault}") as raised:
        text_of(found)

    assert (None, None) == (raised.value.__cause__, raised.value.__context__)
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert "canary" not in told
