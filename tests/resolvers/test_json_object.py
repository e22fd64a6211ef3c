"""One member of a JSON object is replaced, and the rest of the text is not touched."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsource._secret import MaskedStr
from secretsource.resolvers._json_object import members, object_in, with_changes, with_member

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", '{"a": "x"}'),
        (" { } ", ' {"a": "x"} '),
        ('{"b":1}', '{"b":1, "a": "x"}'),
        ('{"b": 1 }', '{"b": 1, "a": "x" }'),
        ('{\n\t"b": 1\n}', '{\n\t"b": 1,\n\t"a": "x"\n}'),
        ('{"a" : null}', '{"a" : "x"}'),
        ('{"a":1.10,"b":2}', '{"a":"x","b":2}'),
        ('{"a": 1, "a": {"a": 2}}', '{"a": 1, "a": "x"}'),
        ('{"\\u0061": 1}', '{"\\u0061": "x"}'),
        ('{"b": "}\\"", "a": []}', '{"b": "}\\"", "a": "x"}'),
    ],
)
def test_a_member_is_replaced_or_added(text: str, expected: str) -> None:
    assert expected == with_member(text, "a", "x")


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '"{}"', "{", '{"a"}', '{"a":1,}', "{} x", '{"a": NaN}', "[" * 99_999]
)
def test_what_is_no_json_object_has_no_members(text: str) -> None:
    assert (None, {}) == (with_member(text, "a", "x"), members(text))


@settings(max_examples=200, deadline=None)
@given(
    before=st.dictionaries(st.text(), VALUES, max_size=4),
    key=st.text(),
    value=st.text(alphabet=st.characters()),
    indent=st.sampled_from([None, 0, 2]),
    plain=st.booleans(),
)
def test_the_result_says_the_same_but_for_one_member(
    before: dict[str, object], key: str, value: str, indent: int | None, plain: bool
) -> None:
    text = json.dumps(before, indent=indent, ensure_ascii=plain)

    changed = with_member(text, key, value)

    assert isinstance(changed, MaskedStr)
    assert list((before | {key: value}).items()) == list(json.loads(changed).items())
    assert value == members(changed)[key]


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.sampled_from([None, 2]))
def test_an_object_is_found_below_its_keys(document: dict[str, object], indent: int | None) -> None:
    body = json.dumps({"data": {"data": document, "metadata": {"version": 1}}}, indent=indent).encode()

    found = object_in(body, "data", "data")

    assert document == json.loads(found or "null")
    assert (found or "").encode() in body


@pytest.mark.parametrize(
    "number", ["1.10", "1E5", "-0", "-0.0", "1e400", "9" * 4000, "0.1000000000000000055"]
)
def test_a_number_keeps_its_digits(number: str) -> None:
    assert f'{{"n":{number}, "f": "x"}}' == with_member(f'{{"n":{number}}}', "f", "x")


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"a":NaN}', '{"a":Infinity}', '"{}"', "[" * 100_000]
)
def test_what_is_no_object_is_not_found_below_a_key(text: str) -> None:
    assert object_in(f'{{"data":{text}}}'.encode(), "data") is None


@pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b'{"Data":{}}'])
def test_what_has_not_the_key_has_no_object_below_it(body: bytes) -> None:
    assert object_in(body, "data") is None


@pytest.mark.parametrize("depth", [100, 5000])
def test_what_is_nested_too_deep_is_none_or_whole(depth: int) -> None:
    text = '{"a":' + "[" * depth + "]" * depth + "}"
    assert with_member(text, "f", "x") in {None, text[:-1] + ', "f": "x"}'}


def test_nothing_that_comes_of_it_is_shown() -> None:
    data = object_in(b'{"data":{"key":"canary"}}', "data")
    assert "canary" not in repr(data)
    assert "canary" not in repr(with_member(data or "{}", "other", "canary"))


@pytest.mark.parametrize(
    ("text", "before", "after", "expected"),
    [
        ('{"a": 1, "b": 2}', '{"a": 1, "b": 2}', '{"a": 1.50, "b": 2}', '{"a": 1.50, "b": 2}'),
        ('{"a": 1, "b": 3}', '{"a": 1, "b": 2}', '{"a": [5], "b": 2}', '{"a": [5], "b": 3}'),
        ('{"a": 3}', '{"a": 1}', '{"a": 2}', '{"a": 3}'),
        ('{"a": 1}', '{"a": 1}', '{"a": 1, "c": "x"}', '{"a": 1, "c": "x"}'),
        ('{"a": 1}', '{"a": 1, "b": 2}', '{"a": 1, "b": 2}', '{"a": 1}'),
    ],
)
def test_changes_are_taken_over_where_nothing_else_was_changed(
    text: str, before: str, after: str, expected: str
) -> None:
    assert expected == with_changes(text, before, after)


def test_of_what_is_no_object_no_changes_are_taken_over() -> None:
    assert [None] * 3 == [
        with_changes(*texts) for texts in (("x", "{}", "{}"), ("{}", "x", "{}"), ("{}", "{}", "x"))
    ]
