from __future__ import annotations

import posixpath
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsource import InvalidReference, Store, secret
from secretsource._reference import (
    MAX_NAME,
    MAX_REFERENCE,
    Reference,
    check_name,
    check_resolver_name,
    is_reference,
    parse_reference,
    shown,
    split_name,
)
from secretsource._secret import MaskedStr
from secretsource.resolvers.env import EnvResolver

SEGMENT = "ABCXYZabcxyz0189_.@+=-"
GRAMMAR = re.compile(r"\A[A-Za-z0-9_.@+=-]+(/[A-Za-z0-9_.@+=-]+)*\Z")
NASTY = st.text(
    st.one_of(st.sampled_from("/.%\\?#:&~ \0\r\n\t\x1b\x7f\u202e\ufeff\u2044\uff0f\u0130"), st.characters()),
    max_size=40,
)


def is_name(text: str) -> bool:
    """The grammar of the design, written a second time."""
    return (
        len(text) <= 512 and bool(GRAMMAR.match(text)) and not any(s in {".", ".."} for s in text.split("/"))
    )


@given(st.one_of(NASTY, st.text(SEGMENT + "/", max_size=60)))
def test_a_name_is_accepted_exactly_when_the_grammar_has_it(text: str) -> None:
    if is_name(text):
        assert text == check_name(text)
    else:
        with pytest.raises(InvalidReference):
            check_name(text)


@given(st.text(SEGMENT + "/", max_size=60))
def test_a_name_that_is_accepted_never_climbs(text: str) -> None:
    try:
        name = check_name(text)
    except InvalidReference:
        return
    assert f"/base/{name}" == posixpath.normpath(f"/base/{name}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "a/..",
        "../a",
        "a/./b",
        "a\n",
        "a\0b",
        "a b",
        "a%2e",
        "a,b",
        "ä",
        "a\u202eb",
    ],
)
def test_what_could_lead_elsewhere_is_no_name(text: str) -> None:
    with pytest.raises(InvalidReference):
        check_name(text)


@pytest.mark.parametrize("text", ["a", "...", "..data/x", "a/b/c", "user@example.com", "x=y+z-1._"])
def test_what_only_looks_odd_is_a_name(text: str) -> None:
    assert text == check_name(text)


@pytest.mark.parametrize("value", [None, 5, b"a/b", ["a"], object()])
def test_what_is_no_text_is_no_name(value: object) -> None:
    with pytest.raises(InvalidReference):
        check_name(value)
    with pytest.raises(InvalidReference):
        secret(value)


def test_a_name_of_512_characters_is_accepted_and_one_more_is_not() -> None:
    assert "a" * MAX_NAME == check_name("a" * MAX_NAME)
    with pytest.raises(InvalidReference, match="513 characters"):
        check_name("a" * 513)


def test_a_reference_of_2048_characters_is_accepted_and_one_more_is_not() -> None:
    start = "vault://"
    text = start + "a" * (MAX_REFERENCE - len(start))
    assert "a" * (2048 - len(start)) == parse_reference(text).path
    with pytest.raises(InvalidReference, match="more than 2048"):
        parse_reference(text + "a")


def test_a_message_escapes_what_a_terminal_would_obey() -> None:
    with pytest.raises(InvalidReference) as caught:
        check_name("\x1b[2J\u202e\r\n\x9b")
    text = str(caught.value)
    assert "\\x1b[2J\\u202e\\r\\n\\x9b" in text
    assert text.replace("…", "").isprintable()


@pytest.mark.parametrize("text", ["\x1b" * 100_000, "vault://" + "\x1b" * 100_000, "vault://a/" + "ö" * 2000])
def test_a_message_is_short_however_long_the_name_is(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text) if is_reference(text) else check_name(text)
    assert len(str(caught.value)) < 3000


def test_a_message_shows_200_characters_at_most() -> None:
    assert "'" + "a" * 200 + "'…" == shown("a" * 201)


def test_a_masked_value_that_is_taken_for_a_name_stays_masked() -> None:
    with pytest.raises(InvalidReference) as caught:
        check_name(MaskedStr("cana ry"))
    assert "cana" not in str(caught.value)


def test_all_parts_of_a_reference_are_found() -> None:
    assert Reference(scheme="aws", path="prod/email", version="v1", stage="AWSPREVIOUS", field="key") == (
        parse_reference("aws://prod/email?stage=AWSPREVIOUS&version=v1#key")
    )


def test_an_absolute_path_keeps_its_slash() -> None:
    assert "/run/secrets/x" == parse_reference("file:///run/secrets/x").path


def test_a_reference_is_decoded_once() -> None:
    reference = parse_reference("conjur://lob/My%20Account/100%2525#a%23b")
    assert ("lob/My Account/100%25", "a#b") == (reference.path, reference.field)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a/",
        "//a",
        "a//b",
        ".",
        "..",
        "a/..",
        "%2e%2e/a",
        "a/%2E",
        ".%2e",
        "a%2fb",
        "a%2F..",
        "a%00",
        "a%0a",
        "a%1b",
        "a%7f",
        "a%C2%9b",
        "a%E2%80%AE",  # right-to-left override
        "a%E2%80%A8",  # line separator
        "a%C2%A0",
        "a%FF",
        "a%ED%A0%80",  # a surrogate
        "a%C0%AE",  # an overlong dot
        "a%EF%BF%BD",
        "a%",
        "a%2",
        "a%zz",
        "a b",
        "a,b",
        "ä",
        "a:b",
    ],
)
def test_what_could_lead_elsewhere_is_no_path_of_a_reference(path: str) -> None:
    with pytest.raises(InvalidReference):
        parse_reference(f"vault://{path}")


@given(st.text(st.one_of(st.sampled_from("./%\\25eEfF"), st.characters(exclude_categories=["Cs"]))))
def test_a_path_that_is_accepted_never_climbs(text: str) -> None:
    for written in (text, quote(text), quote(text, safe="")):
        try:
            path = parse_reference(f"vault://{written}").path
        except InvalidReference:
            continue
        assert f"/base/{path.removeprefix('/')}" == posixpath.normpath(f"/base/{path}".replace("//", "/"))
        assert path.isprintable()


@given(NASTY)
def test_whatever_follows_the_scheme_is_parsed_or_refused(text: str) -> None:
    message = ""
    try:
        parse_reference(f"vault://{text}")
    except InvalidReference as error:
        message = str(error)
    assert message.replace("…", "").isprintable()


@given(st.lists(st.text(min_size=1).filter(lambda text: text not in {".", ".."}), min_size=1, max_size=4))
def test_what_is_written_percent_encoded_comes_back(segments: list[str]) -> None:
    def encoded(text: str) -> str:
        return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))

    try:
        path = parse_reference("vault://" + "/".join(map(encoded, segments))).path
    except InvalidReference:
        return
    assert "/".join(segments) == path


@pytest.mark.parametrize(
    "query",
    [
        "",
        "stag=x",
        "Version=1",
        "version",
        "version=",
        "version=1&version=2",
        "version=1&",
        "&version=1",
        "version=1?stage=x",
        "version=a%0ab",
        "version=a b",
    ],
)
def test_an_unknown_or_repeated_or_empty_query_key_is_refused(query: str) -> None:
    with pytest.raises(InvalidReference):
        parse_reference(f"vault://a?{query}#b")


@pytest.mark.parametrize("text", ["vault://a#", "vault://a#b#c", "vault://a#b?version=1", "vault://a#b/c"])
def test_a_field_that_is_empty_or_not_plain_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_reference(text)


@pytest.mark.parametrize("scheme", ["", "1a", "a b", "a/b", "ä", "a\n", "a" * 65, "-a"])
def test_what_cannot_name_a_resolver_is_no_scheme(scheme: str) -> None:
    with pytest.raises(InvalidReference):
        parse_reference(f"{scheme}://a")
    with pytest.raises(InvalidReference):
        check_resolver_name(scheme)


@pytest.mark.parametrize("name", ["vault-eu", "aws_2", "a.b", "A" * 64])
def test_what_can_name_a_resolver_is_a_scheme(name: str) -> None:
    assert name == check_resolver_name(name) == parse_reference(f"{name}://a").scheme


@pytest.mark.parametrize(
    ("name", "parts"), [("a", ("a", None)), ("a/b", ("a", "b")), ("a/b/c", ("a/b", "c"))]
)
def test_the_last_segment_of_a_name_is_the_field(name: str, parts: tuple[str, str | None]) -> None:
    assert parts == split_name(name)


def test_references_config_lets_an_application_ask_for_names_alone() -> None:
    store = Store([EnvResolver()], references="config")
    with pytest.raises(InvalidReference, match="references = 'config'"):
        store.get("env://HOME")
