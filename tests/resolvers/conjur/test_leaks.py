"""No value, key or token is in a message, a repr, a log or a traceback that shows local variables."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator

import pytest

from secretsource.errors import SecretSourceError
from secretsource.resolvers.conjur import ConjurResolver
from tests.resolvers.conjur.conftest import SteppingClock
from tests.resolvers.conjur.support import read, resolver_for
from tests.servers.conjur import ConjurServer

NAME = "pepipost/api_key"


class Hidden:
    """Holds canaries without showing them, or the frames of the test would leak them."""

    def __init__(self, *canaries: str) -> None:
        self._canaries = canaries

    def found_in(self, text: str) -> list[int]:
        return [number for number, canary in enumerate(self._canaries) if canary[:24] in text]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger says, from DEBUG on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def hidden(server: ConjurServer, canary: str, monkeypatch: pytest.MonkeyPatch) -> Hidden:
    """The value, the key, and the signature that each token of the server holds."""
    from secretsource.resolvers.conjur import _session

    known = Hidden(canary, server.api_key("alice"))
    real = _session.token_of

    def remembering(*args: object, **named: object) -> object:
        token = real(*args, **named)
        known._canaries += (getattr(token, "header", "x" * 60)[20:],)
        return token

    monkeypatch.setattr(_session, "token_of", remembering)
    return known


def raised(call: Callable[[], object]) -> SecretSourceError:
    try:
        call()
    except SecretSourceError as error:
        return error
    raise AssertionError("nothing was raised")


def everything_about(error: SecretSourceError) -> str:
    shown = traceback.TracebackException.from_exception(error, capture_locals=True, compact=False)
    assert error.__cause__ is None
    assert error.__context__ is None
    return "".join(
        [*shown.format(), str(error), repr(error), repr(error.__dict__), repr(pickle.dumps(error))]
    )


FAULTS = [
    *((kind, "read") for kind in ("status:401", "status:403", "status:500", "status:404", "html200", "204")),
    *((kind, "read") for kind in ("truncated", "close", "hang", "drip", "redirect:307:http://127.0.0.1:1/")),
    *((kind, "authenticate") for kind in ("status:401", "status:500", "html200", "login-not-a-token")),
    *((kind, "authenticate") for kind in ("truncated", "close", "hang", "redirect:307:http://127.0.0.1:1/")),
]


@pytest.mark.parametrize("fault", FAULTS, ids=" of ".join)
def test_a_failure_shows_nothing(
    server: ConjurServer, resolver: ConjurResolver, hidden: Hidden, log: io.StringIO, fault: tuple[str, str]
) -> None:
    server.fault(fault[0], times=5, match=fault[1])

    error = raised(lambda: read(resolver, NAME, seconds=0.5))

    assert [] == hidden.found_in(everything_about(error))
    assert [] == hidden.found_in(log.getvalue())


def test_a_value_over_the_limit_shows_nothing(server: ConjurServer, hidden: Hidden, log: io.StringIO) -> None:
    error = raised(lambda: read(resolver_for(server, max_bytes=30), NAME))

    assert [] == hidden.found_in(everything_about(error) + log.getvalue())


@pytest.mark.parametrize("fault", ["html200", "status:403", "truncated", "status:500"])
def test_a_failing_batch_shows_nothing(
    server: ConjurServer, resolver: ConjurResolver, hidden: Hidden, log: io.StringIO, fault: str
) -> None:
    server.fault(fault, times=9, match="batch")
    server.fault("status:500", times=9, match="read")

    error = raised(lambda: read(resolver, "pepipost", document=True))

    assert [] == hidden.found_in(everything_about(error) + log.getvalue())


def test_a_refused_renewal_shows_nothing(
    server: ConjurServer, resolver: ConjurResolver, hidden: Hidden, log: io.StringIO, clock: SteppingClock
) -> None:
    read(resolver, NAME)
    server.rotate_api_key("alice")
    clock.ahead = 500

    error = raised(lambda: read(resolver, NAME))

    assert [] == hidden.found_in(everything_about(error) + log.getvalue())


def test_success_shows_nothing(
    server: ConjurServer, resolver: ConjurResolver, hidden: Hidden, log: io.StringIO
) -> None:
    found = read(resolver, NAME)
    session = resolver._sessions.get()
    inside = [found, found.value, resolver, resolver._auth, session, session._tokens, session._tokens._token]

    assert [] == hidden.found_in("".join(map(repr, inside)) + log.getvalue())
    assert "Token(login='alice'" in repr(session._tokens._token)


def test_the_canaries_would_be_found(
    server: ConjurServer, resolver: ConjurResolver, hidden: Hidden, canary: str
) -> None:
    read(resolver, NAME)
    header = resolver._sessions.get()._tokens._token
    assert header is not None

    assert [0, 1, 2] == hidden.found_in(canary + server.api_key("alice") + header.header)
