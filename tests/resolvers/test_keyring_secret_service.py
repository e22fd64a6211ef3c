"""The resolver with keyring's real client of the Secret Service, over a real D-Bus."""

from __future__ import annotations

import gc
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from secretsource import (
    BackendUnavailable,
    ConfigError,
    Deadline,
    DeadlineExceeded,
    Document,
    InvalidResponse,
    Reason,
)
from secretsource.resolvers.keyring import KeyringResolver
from secretsource.testing._contract.forked import Child

if sys.platform != "linux":
    pytest.skip("there is no Secret Service", allow_module_level=True)

from tests.servers.secret_service import DAEMON, SecretService

pytestmark = [
    # On a build server it must be there.
    pytest.mark.skipif(
        DAEMON is None and "CI" not in os.environ, reason="there is no dbus-daemon (Debian: dbus-daemon)"
    ),
    # keyring leaves its connection open where the store is locked or gone.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CLASS = "keyring.backends.SecretService.Keyring"


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    with SecretService() as service:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", service.address)
        yield service
    gc.collect()  # here, and not in a test that has no part in it


@pytest.fixture
def resolver(desktop: SecretService) -> KeyringResolver:
    return KeyringResolver(backend=CLASS)


def read(resolver: KeyringResolver, name: str = "pepipost/api_key", seconds: float = 5) -> object:
    answer = resolver.fetch(resolver.locate(name), Deadline(seconds))
    return answer.value if isinstance(answer, Document) else answer


def test_what_is_put_is_there_for_others_and_read_again(
    desktop: SecretService, resolver: KeyringResolver
) -> None:
    for value in (secrets.token_hex(), "ä€🔑\n ", ""):
        resolver.put(resolver.locate("pepipost/api_key"), value, Deadline(5))
        assert value == read(resolver)
    ((attributes, secret),) = desktop.items
    assert ("secretsource", "pepipost/api_key", b"") == (
        attributes["service"],
        attributes["username"],
        secret,
    )


def test_what_is_not_stored_is_not_there(resolver: KeyringResolver) -> None:
    assert read(resolver) is None


def test_what_another_program_has_stored_is_read_by_a_reference(
    desktop: SecretService, resolver: KeyringResolver
) -> None:
    value = secrets.token_hex()
    desktop.add("mail", "me@example.com", value.encode())
    assert value == read(resolver, "keyring://mail/me@example.com")


def test_bytes_that_are_no_text_are_no_answer_and_are_not_shown(
    desktop: SecretService, resolver: KeyringResolver
) -> None:
    desktop.add("secretsource", "pepipost/api_key", b"\xff\xfe")
    with pytest.raises(InvalidResponse, match="no UTF-8 text"):
        read(resolver)


def test_a_locked_store_that_nobody_opens_ends_with_the_deadline_and_is_open_for_the_next_read(
    desktop: SecretService, resolver: KeyringResolver
) -> None:
    value = secrets.token_hex()
    desktop.add("secretsource", "pepipost/api_key", value.encode())
    desktop.locked = True
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="does it wait for its password"):
        read(resolver, seconds=0.5)
    assert time.monotonic() - started < 2
    assert desktop.asked.is_set()
    desktop.answer(dismissed=False)
    assert value == read(resolver)


def test_a_question_that_is_dismissed_is_an_outage_of_a_sealed_store(
    desktop: SecretService, resolver: KeyringResolver
) -> None:
    desktop.locked, desktop.dismissed = True, True
    with pytest.raises(BackendUnavailable, match="unlock it") as caught:
        read(resolver)
    assert Reason.SEALED is caught.value.reason


def test_a_question_that_is_answered_in_time_ends_in_the_value(
    desktop: SecretService, resolver: KeyringResolver
) -> None:
    value = secrets.token_hex()
    desktop.add("secretsource", "pepipost/api_key", value.encode())
    desktop.locked, desktop.dismissed = True, False
    assert value == read(resolver)


def test_a_service_that_has_gone_is_an_outage(desktop: SecretService, resolver: KeyringResolver) -> None:
    assert read(resolver) is None
    desktop.stop()
    with pytest.raises(BackendUnavailable):
        read(resolver)


def test_threads_and_forked_children_get_their_own_values(
    desktop: SecretService, resolver: KeyringResolver
) -> None:
    for number in range(8):
        desktop.add("secretsource", f"k{number}", f"v{number}".encode())

    def wrong(number: int) -> str:
        found = [read(resolver, f"k{number}", 20) for _ in range(5)]
        return "" if found == [f"v{number}"] * 5 else f"k{number} is wrong"

    assert "" == wrong(0)
    children = [Child(lambda number=number: wrong(number)) for number in (1, 2)]  # type: ignore[misc]
    verdicts: list[str] = []
    threads = [
        threading.Thread(target=lambda number=number: verdicts.append(wrong(number)))
        for number in range(3, 8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ([""] * 5, ["", ""]) == (verdicts, [child.verdict(30) for child in children])


def test_what_keyring_chooses_by_itself_is_refused_as_long_as_a_file_in_plain_text_is_chained(
    desktop: SecretService,
) -> None:
    """Keyring chains every store that it finds, and keyrings.alt is installed here."""
    code = (
        "import keyring; from secretsource import Store; from secretsource.resolvers.keyring import KeyringResolver\n"
        "print(type(keyring.get_keyring()).__name__); Store([KeyringResolver()]).get('a')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert "ChainerBackend\n" == run.stdout
    assert f"{ConfigError.__name__}: " in run.stderr
    assert "PlaintextKeyring" in run.stderr


def test_check_says_which_store_it_is(resolver: KeyringResolver) -> None:
    assert CLASS == resolver.check(Deadline(5)).detail
