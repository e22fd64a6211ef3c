"""One member of a JSON object is replaced, and the rest of the text is not touched."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsource._secret import MaskedStr
from secretsource.resolvers._aws._json import members, with_member

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
