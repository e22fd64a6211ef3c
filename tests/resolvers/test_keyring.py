from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.errors
import pytest
from keyring.backends import chainer, fail, null
from keyrings.alt.file import EncryptedKeyring, PlaintextKeyring

from secretsource import (
    AccessDenied,
    BackendUnavailable,
    ConfigError,
    Deadline,
    DeadlineExceeded,
    Document,
    InvalidReference,
    InvalidResponse,
    InvalidValue,
    MissingDependency,
    Reason,
    Store,
    WriteConflict,
)
from secretsource.errors import SecretSourceError
from secretsource.resolvers.keyring import KeyringResolver
from secretsource.resolvers.keyring._failure import failure_of
from tests.resolvers.memory_keyring import Broken, Forgetful, Hanging, Memory

NAME = "pepipost/api_key"
PLACE = ("secretsource", NAME)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No key store is chosen yet, and none has anything."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    monkeypatch.setattr(Memory, "held", {})
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setattr(Hanging, "answered", threading.Event())
    monkeypatch.setattr(Hanging, "calls", [])
    yield
    Hanging.answered.set()


def resolver(kind: type = Memory, **settings: str) -> KeyringResolver:
    return KeyringResolver(backend=f"{kind.__module__}.{kind.__qualname__}", **settings)


def read(asked: KeyringResolver, name: str = NAME, seconds: float = 5) -> object:
    answer = asked.fetch(asked.locate(name), Deadline(seconds))
    return answer.value if isinstance(answer, Document) else answer


def put(asked: KeyringResolver, value: str | bytes, name: str = NAME) -> Document:
    return asked.put(asked.locate(name), value, Deadline(5))


def of_the_system(module: str = "keyring.backends.SecretService") -> Memory:
    """Return what passes for a key store of the operating system, with values of its own."""
    return type("Keyring", (Memory,), {"__module__": module, "held": {}})()  # type: ignore[no-any-return]


def chained(monkeypatch: pytest.MonkeyPatch, *members: object) -> None:
    monkeypatch.setattr(chainer.ChainerBackend, "backends", list(members))
    keyring.set_keyring(chainer.ChainerBackend())


# Names and references


def test_a_name_is_a_user_of_the_service() -> None:
    value = secrets.token_hex()
    keyring.set_keyring(of_the_system())
    keyring.set_password("secretsource", NAME, value)
    assert value == read(KeyringResolver())
    assert "secretsource/pepipost/api_key" == str(KeyringResolver().locate(NAME))


def test_service_and_prefix_are_those_of_names_and_not_of_references() -> None:
    asked = resolver(service="shop", prefix="prod/")
    assert "shop/prod/stripe_key" == asked.locate("stripe_key").address
    assert "mail/key" == asked.locate("keyring://mail/key").address


def test_a_reference_says_service_and_user() -> None:
    value = secrets.token_hex()
    Memory.held["my mail", "me@example.com/x"] = value
    assert value == read(resolver(), "keyring://my%20mail/me@example.com/x")


@pytest.mark.parametrize(
    "reference",
    [
        "keyring://service",
        "keyring:///service/user",
        "keyring://service/user?version=1",
        "keyring://service/user?stage=x",
        "keyring://service/user#field",
        "other://service/user",
    ],
)
def test_a_reference_to_what_a_key_store_does_not_have_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference):
        resolver().locate(reference)


def test_a_whole_document_is_refused_because_a_key_store_is_not_listed() -> None:
    with pytest.raises(InvalidReference, match="cannot list"):
        resolver().locate("db/primary", document=True)


@pytest.mark.parametrize(
    "settings",
    [
        {"service": ""},
        {"service": "a/b"},
        {"service": "a\n"},
        {"prefix": "a b"},
        {"backend": ""},
        {"backend": "NoModule"},
        {"backend": "os;evil.X"},
        {"backend": "keyrings.alt.file.PlaintextKeyring"},
        {"backend": "keyring.backends.null.Keyring"},
        {"backend": "shop.PlaintextStore"},
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_when_the_resolver_is_built(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="for the keyring"):
        KeyringResolver(**settings)


def test_without_keyring_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(MissingDependency, match=r"secretsource\[keyring\]"):
        KeyringResolver()


def test_keyring_is_imported_with_the_first_read() -> None:
    code = (
        "import sys; from secretsource.resolvers.keyring import KeyringResolver; from secretsource import Deadline\n"
        f"r = KeyringResolver(backend='{Memory.__module__}.Memory'); l = r.locate('a')\n"
        "print('keyring' in sys.modules)\n"
        "r.fetch(l, Deadline(5)); print('keyring' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "False\nTrue\n" == run.stdout


# Which key stores are asked


@pytest.mark.parametrize("kind", [PlaintextKeyring, EncryptedKeyring])
def test_a_file_of_keyrings_alt_is_refused_before_it_is_asked(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "get_password", lambda *_: pytest.fail("it was asked"))
    keyring.set_keyring(object.__new__(kind))
    with pytest.raises(ConfigError, match=r"uninstall keyrings\.alt") as caught:
        read(KeyringResolver())
    assert kind.__name__ in str(caught.value)


def test_nothing_is_written_to_a_file_in_plain_text(tmp_path: Path) -> None:
    keyring.set_keyring(PlaintextKeyring())
    with pytest.raises(ConfigError):
        put(KeyringResolver(), secrets.token_hex())
    assert not (tmp_path / "data").exists()


class Disguised(PlaintextKeyring):
    """A file in plain text under another name."""


def test_what_is_derived_from_a_store_in_plain_text_is_refused_also_where_the_setting_names_it() -> None:
    with pytest.raises(ConfigError, match="Disguised keeps values in files"):
        read(resolver(Disguised))


@pytest.mark.parametrize("kind", [fail.Keyring, null.Keyring])
def test_no_key_store_is_an_outage_and_not_an_absence(kind: type) -> None:
    keyring.set_keyring(kind())
    with pytest.raises(BackendUnavailable, match="leave this resolver out of the chain") as caught:
        read(KeyringResolver())
    assert caught.value.reason is Reason.REFUSED


def test_a_store_that_is_not_known_is_refused_until_the_setting_allows_it() -> None:
    keyring.set_keyring(Memory())
    with pytest.raises(ConfigError, match=r"memory_keyring.Memory is not known .* with the setting backend"):
        read(KeyringResolver())
    assert read(resolver(Memory)) is None


def test_what_is_derived_from_a_store_of_the_system_is_not_taken_for_it() -> None:
    kind = type("Keyring", (type(of_the_system()),), {"__module__": "evil"})
    keyring.set_keyring(kind())
    with pytest.raises(ConfigError, match=r"evil\.Keyring is not known"):
        read(KeyringResolver())


def test_the_store_is_looked_at_with_each_read() -> None:
    asked = KeyringResolver()
    keyring.set_keyring(of_the_system())
    assert read(asked) is None
    keyring.set_keyring(PlaintextKeyring())
    with pytest.raises(ConfigError):
        read(asked)


def test_a_chain_of_stores_of_the_system_is_asked_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = of_the_system(), of_the_system("keyring.backends.libsecret")
    chained(monkeypatch, first, second)
    first.held["secretsource", "a"] = "1"
    second.held["secretsource", "a"] = "2"
    second.held["secretsource", "b"] = "2"
    found = [read(KeyringResolver(), name) for name in ("a", "b", "c")]
    assert ["1", "2", None] == found


def test_a_chain_with_one_store_in_plain_text_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    chained(monkeypatch, of_the_system(), PlaintextKeyring())
    with pytest.raises(ConfigError, match="PlaintextKeyring"):
        read(KeyringResolver())


def test_a_chain_that_the_setting_names_is_looked_through_too(monkeypatch: pytest.MonkeyPatch) -> None:
    chained(monkeypatch, Memory())
    with pytest.raises(ConfigError, match="is not known"):
        read(resolver(chainer.ChainerBackend))


def test_a_chain_without_members_is_no_key_store(monkeypatch: pytest.MonkeyPatch) -> None:
    chained(monkeypatch)
    with pytest.raises(BackendUnavailable):
        read(KeyringResolver())


def test_a_variable_that_names_no_class_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no.such.Class", "keyring.backends.null.Nothing"):
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
        with pytest.raises(ConfigError, match="PYTHON_KEYRING_BACKEND") as caught:
            read(KeyringResolver())
        assert caught.value.__context__ is None


def test_a_setting_that_names_no_class_is_a_config_error_with_the_first_read() -> None:
    with pytest.raises(ConfigError, match="check the setting backend"):
        read(KeyringResolver(backend="tests.resolvers.memory_keyring.Nothing"))


def test_a_store_of_the_system_that_is_not_on_this_machine_is_an_outage() -> None:
    with pytest.raises(BackendUnavailable, match="no key store of the operating system"):
        read(KeyringResolver(backend="keyring.backends.Windows.WinVaultKeyring"))


def test_what_keyring_itself_chooses_on_a_machine_without_a_desktop_is_refused(tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("DBUS_", "XDG_"))}
    code = (
        "import keyring; from secretsource import Store; from secretsource.resolvers.keyring import KeyringResolver\n"
        "keyring.set_password('secretsource', 'a', 'x'); print(keyring.get_password('secretsource', 'a'))\n"
        "Store([KeyringResolver()]).get('a')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "x\n" == run.stdout
    assert "ConfigError" in run.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_connection_that_a_process_shares_is_not_used_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "secretsource.resolvers.keyring._stores._first_use", {"keyring.backends.libsecret": os.getppid()}
    )
    keyring.set_keyring(of_the_system("keyring.backends.libsecret"))
    with pytest.raises(BackendUnavailable, match="does not survive a fork"):
        read(KeyringResolver())
    keyring.set_keyring(of_the_system())
    assert read(KeyringResolver()) is None


# What a key store answers


def test_an_empty_value_is_a_value() -> None:
    Memory.held[PLACE] = ""
    assert "" == read(resolver())


@pytest.mark.parametrize("answer", [b"bytes", 7, ["x"]])
def test_what_is_no_text_is_no_answer(answer: object) -> None:
    Memory.held[PLACE] = answer
    with pytest.raises(InvalidResponse, match="which is no text"):
        read(resolver())


def test_a_value_over_one_mebibyte_is_refused() -> None:
    Memory.held[PLACE] = "x" * 1_048_577
    with pytest.raises(InvalidResponse, match="more than"):
        read(resolver())


def every_error_of_keyring() -> list[type[Exception]]:
    kinds = [kind for kind in vars(keyring.errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", every_error_of_keyring())
def test_each_error_of_keyring_has_a_meaning(kind: type[Exception]) -> None:
    assert "raised" not in failure_of(kind()).detail


@pytest.mark.parametrize(
    ("error", "expected", "reason"),
    [
        (keyring.errors.KeyringLocked, BackendUnavailable, Reason.SEALED),
        (keyring.errors.NoKeyringError, BackendUnavailable, Reason.REFUSED),
        (keyring.errors.InitError, BackendUnavailable, Reason.REFUSED),
        (keyring.errors.KeyringError, BackendUnavailable, Reason.SERVER),
        (OSError, BackendUnavailable, Reason.SERVER),
        (lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), InvalidResponse, Reason.BROKEN),
    ],
)
def test_an_error_says_what_it_means_and_leads_to_no_value(
    error: object, expected: type[SecretSourceError], reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broken, "error", error)
    with pytest.raises(expected) as caught:
        read(resolver(Broken))
    assert reason is getattr(caught.value, "reason", None)
    assert (None, None) == (caught.value.__context__, caught.value.__cause__)
    assert Broken.canary not in with_locals(caught.value)


def test_in_the_macos_keychain_a_locked_store_means_that_somebody_said_no(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = type("Keyring", (Broken,), {"__module__": "keyring.backends.macOS"})
    monkeypatch.setattr(kind, "error", keyring.errors.KeyringLocked, raising=False)
    keyring.set_keyring(kind())
    with pytest.raises(AccessDenied):
        read(KeyringResolver())


# A question to the user


def test_a_store_that_waits_for_its_user_does_not_hold_the_reader_past_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="does it wait for its password"):
        read(resolver(Hanging), seconds=0.1)
    assert time.monotonic() - started < 2


def test_readers_wait_for_their_turn_and_get_their_value_when_the_user_has_answered() -> None:
    asked = resolver(Hanging)
    value = secrets.token_hex()
    Memory.held["secretsource", "b"] = value
    for _ in range(3):
        with pytest.raises(DeadlineExceeded):
            read(asked, "a", seconds=0.05)
    assert ["a"] == Hanging.calls
    Hanging.answered.set()
    assert value == read(asked, "b")


def test_no_more_than_one_thread_is_left_behind() -> None:
    asked = resolver(Hanging)
    for _ in range(5):
        with pytest.raises(DeadlineExceeded):
            read(asked, seconds=0.05)
    left = [each for each in threading.enumerate() if each.name == "secretsource-keyring"]
    until = time.monotonic() + 2  # those that waited for their turn end soon
    while len(left) > 1 and time.monotonic() < until:
        left = [each for each in left if each.is_alive()]
    assert 1 == len(left)
    assert left[0].daemon


def test_without_time_nothing_is_asked() -> None:
    with pytest.raises(DeadlineExceeded):
        read(resolver(Hanging), seconds=0)
    assert [] == Hanging.calls


# Writing


@pytest.mark.parametrize("value", ["x", "", "ä€🔑\u202e", "one\ntwo\n", " blanks ", "'\"$#\\"])
def test_what_is_put_is_read(value: str) -> None:
    asked = resolver()
    assert value == put(asked, value).value
    assert value == read(asked)
    assert {PLACE: value} == Memory.held


def test_a_reference_can_be_put() -> None:
    value = secrets.token_hex()
    put(resolver(), value, "keyring://mail/key")
    assert {("mail", "key"): value} == Memory.held


@pytest.mark.parametrize(
    "value", [b"bytes", "nu\0ll", "\ud800", "x" * 1_048_577], ids=["bytes", "null", "half", "long"]
)
def test_a_value_that_a_key_store_cannot_hold_is_refused_before_anything_is_written(
    value: str | bytes,
) -> None:
    with pytest.raises(InvalidValue, match="secretsource/pepipost/api_key cannot hold"):
        put(resolver(), value)
    assert {} == Memory.held


def test_the_windows_credential_locker_takes_short_values_only() -> None:
    store = of_the_system("keyring.backends.Windows")
    keyring.set_keyring(store)
    put(KeyringResolver(), "x" * 1280)
    with pytest.raises(InvalidValue, match="2,560 bytes"):
        put(KeyringResolver(), "x" * 1281)
    assert {PLACE: "x" * 1280} == store.held


def test_a_version_that_is_expected_is_a_conflict_because_there_are_none() -> None:
    asked = resolver()
    with pytest.raises(WriteConflict, match="no versions"):
        asked.put(asked.locate(NAME), secrets.token_hex(), Deadline(5), expected="1")
    assert {} == Memory.held


def test_what_was_not_kept_is_noticed() -> None:
    with pytest.raises(InvalidResponse, match="is not what was written"):
        put(resolver(Forgetful), secrets.token_hex())


def test_a_value_is_put_into_the_first_store_of_a_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = of_the_system(), of_the_system()
    chained(monkeypatch, first, second)
    value = secrets.token_hex()
    put(KeyringResolver(), value)
    assert ({PLACE: value}, {}) == (first.held, second.held)


def test_a_write_that_fails_leads_to_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "error", keyring.errors.PasswordSetError)
    with pytest.raises(BackendUnavailable, match="did not take the value") as caught:
        put(resolver(Broken), Broken.canary)
    assert Broken.canary not in with_locals(caught.value, above=put)


# What is told


def test_check_says_which_store_would_be_asked() -> None:
    keyring.set_keyring(of_the_system())
    assert "keyring.backends.SecretService.Keyring" == KeyringResolver().check(Deadline(5)).detail


def test_check_refuses_what_a_read_refuses() -> None:
    keyring.set_keyring(PlaintextKeyring())
    with pytest.raises(ConfigError):
        KeyringResolver().check(Deadline(5))


def test_nothing_is_logged_or_printed(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        put(resolver(), secrets.token_hex())
    assert ([], ("", "")) == (caplog.records, tuple(capfd.readouterr()))


def test_the_repr_shows_the_settings() -> None:
    assert "service='shop'" in repr(resolver(service="shop"))


def test_a_store_reads_it_like_any_other_link() -> None:
    value = secrets.token_hex()
    Memory.held[PLACE] = value
    found = Store([resolver()]).get(NAME)
    assert (value, "keyring", "secretsource/pepipost/api_key") == (found.value, found.source, found.location)


def with_locals(error: BaseException, above: object = None) -> str:
    """Return the traceback with local variables, without the frames of this file."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True)
    lines.stack = traceback.StackSummary.from_list(
        [frame for frame in lines.stack if frame.filename != __file__]
    )
    return "".join(lines.format())


class Panicking(Memory):
    """Raises what is no `Exception`, as code in Rust does that panics."""

    def get_password(self, service: str, username: str) -> str | None:
        raise BaseException(str(Broken.canary))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise BaseException(password)


@pytest.mark.filterwarnings("error")
def test_a_store_that_panics_is_an_error_at_once_and_is_shown_to_no_hook_of_threads() -> None:
    with pytest.raises(BackendUnavailable, match="raised BaseException"):
        read(resolver(Panicking), seconds=30)
    with pytest.raises(BackendUnavailable, match="raised BaseException"):
        put(resolver(Panicking), secrets.token_hex())
