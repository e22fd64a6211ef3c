"""One rule for the addresses of all backends."""

from __future__ import annotations

import secrets

import pytest

from secretsource.errors import ConfigError
from secretsource.resolvers._address import parse_address

SETTING = "the address under [resolvers.vault]"


@pytest.mark.parametrize(
    ("text", "origin", "where", "path"),
    [
        ("https://host", "https://host:443", "host:443", ""),
        ("https://HOST:8200/", "https://host:8200", "host:8200", ""),
        ("https://host/api", "https://host:443", "host:443", "/api"),
        ("https://host/a/b//", "https://host:443", "host:443", "/a/b"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]:443", "[2001:db8::1]:443", ""),
        ("http://localhost", "http://localhost:80", "localhost:80", ""),
        ("http://[::1]:8200", "http://[::1]:8200", "[::1]:8200", ""),
    ],
)
def test_an_address_is_taken_apart(text: str, origin: str, where: str, path: str) -> None:
    address = parse_address(text, SETTING)

    assert (origin, where, path, origin + path) == (address.origin, address.where, address.path, str(address))


@pytest.mark.parametrize(
    "text",
    [
        None, 1, "", " ", "host", "host:443", "ftp://host", "unix:///run/x", "https://", "https:///x", "//host",
        "https://host:port", "https://host:0", "https://host:65536", "https://[::1", "https://ho st", "https://host\n",
        "https://ho\tst", "https://host/a b", "https://host/../x", "https://host/a/..", "https://host/./x",
        "https://host/a//b", "https://host/%2e%2e",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_the_setting_and_an_example(text: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address(text, SETTING)
    assert f"{SETTING} is no address: write it like https://host or https://host:port" == str(caught.value)


@pytest.mark.parametrize(
    "form", ["https://user:{}@host", "https://{}@host", "user:{}@host", "https://host?{}", "https://host#{}",
             "https://host/x?{}", "http://{}@example.com", "https://host\\@{}", "ftp://host:{}/\n", "http://host:{}"],
)  # fmt: skip
def test_what_may_be_a_password_is_never_quoted(form: str) -> None:
    password = secrets.token_hex(8)
    with pytest.raises(ConfigError) as caught:
        parse_address(form.format(password), SETTING)
    assert password not in str(caught.value)


@pytest.mark.parametrize("mark", ["@", "?", "#"])
def test_credentials_query_and_fragment_are_refused_also_where_they_are_empty(mark: str) -> None:
    with pytest.raises(ConfigError, match="must not hold credentials, a query or a fragment"):
        parse_address(f"https://{mark}host", SETTING)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_http_goes_to_loopback(host: str) -> None:
    assert not parse_address(f"http://{host}:1", SETTING).tls


@pytest.mark.parametrize(
    "host",
    ["example.com", "10.0.0.1", "0.0.0.0", "[::]", "127.0.0.1.example.com", "localhost.example.com", "127.1",
     "2130706433", "x.localhost", "localhost."],
)  # fmt: skip
def test_http_goes_nowhere_else_and_the_host_is_named(host: str) -> None:
    with pytest.raises(
        ConfigError, match=r"is http on '.+': secrets would cross the network in the clear; use https"
    ):
        parse_address(f"http://{host}:1", SETTING)
