"""A secret's string is taken apart without rewriting it, whatever stands in it."""

from __future__ import annotations

import json

import pytest

from secretsource._secret import Document
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._json_object import members
from secretsource.resolvers.aws._document import document_of
from tests.resolvers.aws.support import Canary, canary

__all__ = ["canary"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "1", "a": "2"}', {"a": "2"}),
        ('{"a": "1", "a": null}', {}),
        ('{"a": 1.10}', {"a": "1.10"}),
        ('{"a": 1e400, "b": -0}', {"a": "1e400", "b": "-0"}),
        ('{"a": ' + "9" * 5000 + "}", {"a": "9" * 5000}),
        ('{"a": [ 1, {"b" : 2.0}]}', {"a": '[ 1, {"b" : 2.0}]'}),
        ('{"a": true, "b": false, "c": null}', {"a": "true", "b": "false"}),
        ('{"": "x"}', {"": "x"}),
        ('{"a": ""}', {"a": ""}),
        ('{"ä\\n\\u00e9": "\\ud83d\\ude00"}', {"ä\né": "😀"}),
        (' \n{ "a" : "x" }\t', {"a": "x"}),
        ("{}", {}),
        ("{ }", {}),
    ],
)
def test_the_members_of_an_object(text: str, expected: dict[str, str]) -> None:
    assert expected == members(text)


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", '"a"', "1", "{", "{]", '{"a"}', '{"a":}', '{"a": 1,}', '{"a": 1} x', '{"a": 1 "b": 2}',
     "{1: 2}", '{"a": NaN}', '{"a": Infinity}', '{"a": "x', "{'a': 1}", '\ufeff{"a": 1}', '{"a": {"b": 1}',
     '{"a": "\n"}'],
)  # fmt: skip
def test_what_is_no_object_has_none(text: str) -> None:
    assert {} == members(text)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a": ' + "[" * 200_000, '{"a":' * 100_000])
def test_huge_nesting_has_none(text: str) -> None:
    assert {} == members(text)


def test_it_finds_what_the_json_module_finds() -> None:
    written = {f"key {number}": "x" * number for number in range(200)}

    assert (
        written
        == members(json.dumps(written, indent=2))
        == members(json.dumps(written, separators=(",", ":")))
    )


@pytest.mark.parametrize(
    "answer", [{}, {"SecretString": None}, {"SecretString": 5}, {"SecretBinary": b""}, {"VersionId": "x"}]
)
def test_an_answer_without_a_value_is_a_failure(answer: dict[str, object]) -> None:
    said = document_of(answer, 100)

    assert isinstance(said, Failure)
    assert Reason.BROKEN == said.reason


def test_an_empty_string_is_a_value() -> None:
    said = document_of({"SecretString": ""}, 100)

    assert isinstance(said, Document)
    assert "" == said.value


@pytest.mark.parametrize(
    ("value", "fits"), [("x" * 100, True), ("x" * 101, False), ("é" * 50, True), ("é" * 51, False)]
)
def test_the_limit_is_counted_in_bytes(value: str, *, fits: bool) -> None:
    assert [fits, fits] == [
        isinstance(document_of(answer, 100), Document)
        for answer in ({"SecretString": value}, {"SecretBinary": value.encode()})
    ]


def test_a_value_beyond_the_limit_is_not_shown(canary: Canary) -> None:
    said = document_of({"SecretString": canary.text}, 10)

    assert isinstance(said, Failure)
    assert "more than 10 bytes" == said.detail
    assert canary.text not in repr(said)


ASKED = Location(address="app", version="a" * 32, stage="AWSPREVIOUS")


@pytest.mark.parametrize(
    "said", [{"Name": "other"}, {"VersionId": "b" * 32}, {"VersionStages": ["AWSCURRENT"]}]
)
def test_an_answer_about_something_else_is_none(said: dict[str, object]) -> None:
    right = {"SecretString": "x", "Name": "app", "VersionId": "a" * 32, "VersionStages": ["AWSPREVIOUS"]}

    assert isinstance(document_of(right, 100, ASKED), Document)
    failure = document_of(right | said, 100, ASKED)
    assert isinstance(failure, Failure)
    assert "another secret or version" in failure.detail


def test_what_is_asked_for_by_its_arn_may_have_any_name() -> None:
    asked = Location(address="arn:aws:secretsmanager:eu-central-1:123456789012:secret:app")

    assert isinstance(document_of({"SecretString": "x", "Name": "app"}, 100, asked), Document)
