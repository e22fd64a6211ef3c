"""One field of a JSON object is replaced, whatever else stands in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsource._secret import MaskedStr
from secretsource.resolvers.vault._splice import object_in, with_field

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def _dumped(value: object) -> MaskedStr:
    return MaskedStr(json.dumps(value, separators=(",", ":")))


@given(st.dictionaries(TEXTS, VALUES, max_size=5), TEXTS, TEXTS)
def test_the_other_fields_stay_as_they_were_written(
    document: dict[str, object], field: str, value: str
) -> None:
    assert _dumped(document | {field: value}) == with_field(_dumped(document), field, MaskedStr(value))


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_an_object_is_found_below_its_keys(document: dict[str, object]) -> None:
    body = json.dumps({"data": {"data": document, "metadata": {"version": 1}}}).encode()
    assert _dumped(document) == object_in(body, "data", "data")


@pytest.mark.parametrize(
    "number", ["1.10", "1E5", "-0", "-0.0", "1e400", "9" * 4000, "0.1000000000000000055"]
)
def test_a_number_keeps_its_digits(number: str) -> None:
    assert f'{{"n":{number},"f":"x"}}' == with_field(MaskedStr(f'{{"n":{number}}}'), "f", MaskedStr("x"))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"a":NaN}', '{"a":Infinity}', '"x"', "[" * 100_000])
def test_what_is_no_object_is_none(text: str) -> None:
    assert with_field(MaskedStr(text), "f", MaskedStr("x")) is None
    assert object_in(f'{{"data":{text}}}'.encode(), "data") is None


@pytest.mark.parametrize("depth", [100, 5000])
def test_what_is_nested_too_deep_is_none_or_whole(depth: int) -> None:
    text = '{"a":' + "[" * depth + "]" * depth + "}"
    assert with_field(MaskedStr(text), "f", MaskedStr("x")) in {None, text[:-1] + ',"f":"x"}'}


def test_nothing_that_comes_of_it_is_shown() -> None:
    data = object_in(b'{"data":{"key":"canary"}}', "data")
    assert "canary" not in repr(data)
    assert "canary" not in repr(with_field(data or MaskedStr(), "other", MaskedStr("canary")))
