"""One rule for the ``auth`` of all backends."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from secretsource._secret import MaskedStr
from secretsource.errors import ConfigError
from secretsource.resolvers._auth_table import AuthMethod, build_method

METHODS = {
    "key": AuthMethod(dict, ("login", "key"), ("mount",)),
    "token": AuthMethod(dict, ("token",)),
    "flag": AuthMethod(dict, ("key",), flags=("wrapped",)),
}


def built(auth: Any) -> object:
    return build_method(auth, METHODS)


def test_a_method_is_built_of_its_keys() -> None:
    assert {"login": "a", "key": "b", "mount": "c"} == built(
        {"method": "key", "login": "a", "key": "b", "mount": "c"}
    )


def test_a_key_that_is_optional_may_be_left_out() -> None:
    assert {"login": "a", "key": "b"} == built({"method": "key", "login": "a", "key": "b"})


def test_a_flag_is_given_on_where_it_is_true() -> None:
    assert {"key": "x", "wrapped": "true"} == built({"method": "flag", "key": "x", "wrapped": True})
    assert {"key": "x"} == built({"method": "flag", "key": "x", "wrapped": False})


def test_a_method_that_takes_no_key_says_so() -> None:
    with pytest.raises(ConfigError, match="unknown key 'token' in auth of method 'none': it takes none"):
        build_method({"method": "none", "token": "x"}, {"none": AuthMethod(dict, ())})


@pytest.mark.parametrize("value", ["true", "", 1, 0, None])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(ConfigError, match="'wrapped' in auth of method 'flag' must be true or false"):
        built({"method": "flag", "key": "x", "wrapped": value})


@pytest.mark.parametrize("value", [True, False])
def test_a_credential_is_no_flag(value: object) -> None:
    with pytest.raises(ConfigError, match="'key' in auth of method 'key' must be a text"):
        built({"method": "key", "login": "a", "key": value})


def test_a_callable_is_taken_and_not_called() -> None:
    def never() -> str:
        raise AssertionError

    assert {"token": never} == built({"method": "token", "token": never})


def test_a_table_that_changes_later_changes_nothing() -> None:
    auth = {"method": "token", "token": "x"}
    kept = built(auth)
    auth["token"] = "y"

    assert {"token": "x"} == kept


def test_a_method_that_is_given_masked_is_named() -> None:
    with pytest.raises(ConfigError, match="auth of method 'token' needs 'token'"):
        built({"method": MaskedStr("token")})


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ("token", "auth must be a table such as { method = 'key', … }, not str"),
        ({}, "auth needs a known method: known are: flag, key, token"),
        ({"method": 1}, "auth needs a known method: known are: flag, key, token"),
        ({"method": ["token"]}, "auth needs a known method: known are: flag, key, token"),
        ({"method": "tokn"}, "auth needs a known method: did you mean 'token'?"),
        ({"method": "token"}, "auth of method 'token' needs 'token'"),
        ({"method": "key", "mount": "x"}, "auth of method 'key' needs 'login' and 'key'"),
        (
            {"method": "token", "tokn": "x"},
            "unknown key 'tokn' in auth of method 'token': did you mean 'token'?",
        ),
        (
            {"method": "token", 5: "x"},
            "unknown key a value of type int in auth of method 'token': known are: token",
        ),
        *(
            (
                {"method": "token", "token": wrong},
                "'token' in auth of method 'token' must be a text that is not empty, or a callable that returns one",
            )
            for wrong in ("", None, 5, b"x")
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_is_known(auth: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        built(auth)
    assert message == str(caught.value)


@pytest.mark.parametrize(
    "misplaced",
    [
        lambda value: value,
        lambda value: {"method": value},
        lambda value: {"method": [value]},
        lambda value: {"method": "token", "tokn": value},
        lambda value: {"method": "token", "token": [value]},
        lambda value: {"method": "key", "key": value},
    ],
)
def test_a_credential_is_not_shown_wherever_it_stands(misplaced: Any) -> None:
    value = secrets.token_hex(16)

    with pytest.raises(ConfigError) as caught:
        built(misplaced(value))
    assert value not in str(caught.value)


def test_what_is_built_shows_no_text_that_it_was_given() -> None:
    key = secrets.token_hex()

    assert key not in repr(built({"method": "key", "login": "a", "key": key}))
