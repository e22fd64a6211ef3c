from __future__ import annotations

import copy
import io
import json
import logging
import marshal
import pickle
import pprint
import reprlib
import secrets
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from types import MappingProxyType
from typing import Any

import pytest
import rich.console
import rich.pretty
import rich.traceback
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from secretsource import Document, MaskedBytes, MaskedStr, Secret
from secretsource._secret import masked, text_or_bytes


class Canary:
    """A value that no source line holds, and whose own repr does not show it."""

    def __init__(self, length: int = 0) -> None:
        self.text = secrets.token_hex(max(16, length))

    def __repr__(self) -> str:
        return "Canary()"

    def is_in(self, text: str) -> bool:
        """Whether any piece of 8 characters shows."""
        return any(self.text[i : i + 8] in text for i in range(len(self.text) - 7))


@pytest.fixture(params=[16, 200], ids=["short", "long"])
def canary(request: pytest.FixtureRequest) -> Canary:
    return Canary(request.param)


def made(canary: Canary) -> dict[str, object]:
    """Return everything of ours that holds the value."""
    text, raw = MaskedStr(canary.text), MaskedBytes(canary.text.encode())
    document = Document(value=text, fields={"a": text, "b": raw}, version="7")
    return {
        "text": text,
        "raw": raw,
        "secret": Secret(name="a/b", source="env", location="A_B", masked_value=text, fetched_at=0.0),
        "document": document,
        "fields": document.fields,
        "nested": [{"key": (text, raw)}, MappingProxyType({text: raw})],
        "slice": (text[:80], text[1:], text[::-1], text[0], raw[:80], raw[2:]),
        "decoded": raw.decode(),
    }


WAYS: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "ascii": ascii,
    "percent r": lambda value: "%r" % (value,),  # noqa: UP031
    "f-string with conversion and width": lambda value: f"{value!r:>10} {[value]!s} {value!a}",
    "pprint": pprint.pformat,
    "reprlib": reprlib.repr,
    "rich": rich.pretty.pretty_repr,
    "rich, cut": lambda value: rich.pretty.pretty_repr(value, max_string=80),
    "rich, expanded": lambda value: rich.pretty.pretty_repr(value, expand_all=True, max_width=20),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_showing_shows_the_value(canary: Canary, way: str) -> None:
    for what, value in made(canary).items():
        assert not canary.is_in(WAYS[way](value)), what


def test_the_mask_does_not_tell_the_length() -> None:
    assert repr(MaskedStr("a")) == repr(MaskedStr("a" * 1000))
    assert rich.pretty.pretty_repr(MaskedStr("a")) == rich.pretty.pretty_repr(
        MaskedStr("a" * 1000), max_string=10
    )


def test_a_rich_traceback_with_locals_shows_no_value(canary: Canary) -> None:
    def fail() -> None:
        kept = made(canary)  # noqa: F841
        text = MaskedStr(canary.text)  # noqa: F841
        raise RuntimeError

    output = io.StringIO()
    try:
        fail()
    except RuntimeError:
        console = rich.console.Console(file=output, width=200)
        console.print_exception(show_locals=True)
    assert "MaskedStr" in output.getvalue()
    assert not canary.is_in(output.getvalue())


def test_a_traceback_that_captures_locals_shows_no_value(canary: Canary) -> None:
    def fail() -> None:
        kept = made(canary)  # noqa: F841
        raise RuntimeError

    try:
        fail()
    except RuntimeError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "MaskedStr" in text
    assert not canary.is_in(text)


class KeepsEnvelopes(Transport):
    """Sends nothing."""

    def __init__(self) -> None:
        super().__init__({"dsn": "http://key@127.0.0.1:9/1"})
        self.sent = b""

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent += envelope.serialize()


@pytest.fixture
def sentry() -> Iterator[KeepsEnvelopes]:
    transport = KeepsEnvelopes()
    client = sentry_sdk.Client(
        dsn="http://key@127.0.0.1:9/1", transport=transport, default_integrations=False
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        yield transport
    client.close()


# A value that is the key of a dictionary is sent as it stands: Sentry calls `str` on keys.
def test_sentry_sends_no_value_of_a_frame(canary: Canary, sentry: KeepsEnvelopes) -> None:
    def fail() -> None:
        things = {key: value for key, value in made(canary).items() if key != "nested"}  # noqa: F841
        plain_name, raw = MaskedStr(canary.text), MaskedBytes(canary.text.encode())
        nested = [{"key": (plain_name, raw)}]  # noqa: F841
        raise RuntimeError

    try:
        fail()
    except RuntimeError as error:
        sentry_sdk.capture_exception(error)
    sent = sentry.sent.decode()
    assert "plain_name" in sent
    assert not canary.is_in(sent)


def test_logging_with_percent_r_shows_no_value(canary: Canary, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("app").warning("got %r and %r", MaskedStr(canary.text), made(canary))
    assert "MaskedStr" in caplog.text
    assert not canary.is_in(caplog.text)


@pytest.mark.parametrize(
    "misuse",
    [int, float, open, lambda value: {}[value], datetime.fromisoformat],
    ids=["int", "float", "open", "dict", "fromisoformat"],
)
def test_an_error_of_python_that_quotes_the_value_quotes_the_mask(
    misuse: Callable[[str], object], canary: Canary
) -> None:
    with pytest.raises((ValueError, OSError, KeyError)) as caught:
        misuse(MaskedStr("/" + canary.text))
    assert not canary.is_in(repr(caught.value) + str(caught.value))


def test_bytes_that_are_no_text_stay_masked_in_the_error(canary: Canary) -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        MaskedBytes(canary.text.encode() + b"\xff").decode()
    assert not canary.is_in(repr(caught.value) + str(caught.value) + repr(caught.value.__context__))


def test_half_of_a_surrogate_pair_which_json_may_hold_becomes_bytes_without_an_error() -> None:
    assert b"a\xed\xa0\x80" == one(MaskedStr("a\ud800")).value_bytes


def test_a_document_whose_making_failed_can_be_shown() -> None:
    assert "Document(version=None, fields=[])" == repr(Document.__new__(Document))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("what", ["text", "raw", "secret", "document", "nested", "decoded"])
def test_what_holds_a_value_is_not_pickled_and_the_message_says_what_to_do(what: str, protocol: int) -> None:
    with pytest.raises(TypeError, match=r"\.reveal\(\)"):
        pickle.dumps(made(Canary())[what], protocol)


def test_marshal_does_not_write_a_value_either() -> None:
    with pytest.raises(ValueError, match="unmarshallable"):
        marshal.dumps(MaskedStr("x"))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("value", [MaskedStr("x"), MaskedBytes(b"x"), Document(fields={"a": "x"})])
def test_a_copy_is_the_object_itself(copied: Callable[[object], object], value: object) -> None:
    assert value is copied(value)


def test_a_deep_copy_of_a_container_keeps_the_mask() -> None:
    again = copy.deepcopy({"a": [MaskedStr("x")]})
    assert MaskedStr is type(again["a"][0])


def test_it_is_a_real_string(canary: Canary) -> None:
    value, plain = MaskedStr(canary.text), canary.text
    assert plain == value
    assert (hash(plain), len(plain), True) == (hash(value), len(value), isinstance(value, str))
    assert "found" == {plain: "found"}[value]
    assert plain == {value: value}[plain].reveal()
    assert plain == f"{value}" == "%s" % value == str(value) == format(value) == "".join([value])  # noqa: UP031
    assert f"{plain:>300}" == f"{value:>300}"
    assert json.dumps({"key": plain}) == json.dumps({"key": value})


def test_what_is_made_from_it_is_plain_as_drivers_need_it(canary: Canary) -> None:
    value = MaskedStr(canary.text)
    assert str is type(value + "x") is type(value * 2) is type(value.strip("x")) is type(str(value))
    assert str is type("Bearer " + value) is type(f"Bearer {value}") is type(value.reveal())
    assert bytes is type(value.encode())


def test_a_header_gets_the_value(canary: Canary) -> None:
    message = Message()
    message["api_key"] = MaskedStr(canary.text)
    assert f"api_key: {canary.text}" in message.as_string()


def test_masked_bytes_are_real_bytes(canary: Canary) -> None:
    plain = canary.text.encode()
    value = MaskedBytes(plain)
    assert plain == value == value.reveal() == bytes(value) == b"".join([value]) == b"%b" % value
    assert bytes is type(value.reveal())
    assert (hash(plain), plain[0], plain.hex()) == (hash(value), value[0], value.hex())


def test_masked_bytes_shown_as_text_are_masked(canary: Canary) -> None:
    value = MaskedBytes(canary.text.encode())
    assert not canary.is_in(f"{value} {value!s} {value!r}" + str(value))


def test_slices_are_masked_too() -> None:
    assert MaskedStr is type(MaskedStr("abc")[1:]) is type(MaskedStr("abc")[0])
    assert MaskedBytes is type(MaskedBytes(b"abc")[1:])
    assert ("bc", b"bc", 97) == (MaskedStr("abc")[1:], MaskedBytes(b"abc")[1:], MaskedBytes(b"abc")[0])


def test_decoded_bytes_are_masked_text() -> None:
    assert MaskedStr is type(MaskedBytes("ä".encode("latin-1")).decode("latin-1"))
    assert "ä" == MaskedBytes("ä".encode("latin-1")).decode("latin-1")


def test_text_or_bytes_tells_text_by_its_encoding() -> None:
    assert MaskedStr("ä") == text_or_bytes("ä".encode())
    assert MaskedBytes is type(text_or_bytes(b"\xff\x00"))


def test_masking_twice_changes_nothing() -> None:
    value = MaskedStr("x")
    assert value is masked(value)


@pytest.mark.parametrize("wrong", [5, None, 1.5, ["x"], True])
def test_what_is_neither_text_nor_bytes_is_no_value(wrong: object) -> None:
    with pytest.raises(TypeError, match="str or bytes"):
        Document(fields={"a": wrong})


def test_a_bytearray_is_copied_so_that_a_document_cannot_change() -> None:
    raw = bytearray(b"abc")
    document = Document(value=raw)
    raw[:] = b"xyz"
    assert b"abc" == document.value


def test_a_document_cannot_be_changed() -> None:
    document = Document(fields={"a": "x"})
    with pytest.raises(AttributeError):
        document.value = None
    with pytest.raises(TypeError):
        document.fields["a"] = MaskedStr("y")


def test_a_document_does_not_share_the_mapping_it_was_made_from() -> None:
    fields = {"a": "x"}
    document = Document(fields=fields)
    fields["a"] = "y"
    assert "x" == document.pick("a")


def test_a_document_gives_a_field_or_the_whole_value_or_nothing() -> None:
    document = Document(value="whole", fields={"a": ""})
    assert ("whole", "", None) == (document.pick(None), document.pick("a"), document.pick("b"))


def test_the_fields_of_a_document_are_a_mapping_that_cannot_be_changed() -> None:
    fields: Any = Document(fields={"user": "any", "key": b"\x00"}).fields
    assert {"user": "any", "key": b"\x00"} == fields
    with pytest.raises(TypeError):
        fields["user"] = "another"
    assert {} == Document(value="any").fields


@pytest.mark.parametrize("lease", [-1, float("nan"), "60", True, timedelta(seconds=60)])
def test_a_lease_that_is_no_number_of_seconds_is_refused(lease: Any) -> None:
    with pytest.raises(ValueError, match="lease must be a number of seconds"):
        Document(value="any", lease=lease)


def test_a_document_keeps_what_the_backend_said_of_it() -> None:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    document = Document(value="x", version="7", lease=60, created=created)
    assert ("7", 60, created) == (document.version, document.lease, document.created)


def one(value: MaskedStr | MaskedBytes, *, now: float = 12.0) -> Secret:
    return Secret(
        name="a/b", source="env", location="A_B", masked_value=value, fetched_at=10.0, clock=lambda: now
    )


def test_a_secret_tells_its_age_on_its_own_clock() -> None:
    assert 2.0 == one(MaskedStr("x")).age


def test_an_age_is_never_negative() -> None:
    assert 0.0 == one(MaskedStr("x"), now=9.0).age


def test_a_secret_shows_everything_but_the_value() -> None:
    assert (
        "Secret(name='a/b', source='env', location='A_B', version=None, age=2.0, stale=False, lease=None)"
        == repr(one(MaskedStr("x")))
    )


def test_a_secret_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        one(MaskedStr("x")).name = "b"


def test_binary_content_as_text_is_a_type_error_without_it(canary: Canary) -> None:
    with pytest.raises(TypeError, match="get_secret_bytes") as caught:
        one(MaskedBytes(canary.text.encode() + b"\xff")).value  # noqa: B018
    assert not canary.is_in(str(caught.value))


def test_text_as_bytes_is_utf_8() -> None:
    assert "ä".encode() == one(MaskedStr("ä")).value_bytes
    assert b"\xff" == one(MaskedBytes(b"\xff")).value_bytes
