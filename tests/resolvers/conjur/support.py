"""What the tests of the Conjur resolver share."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.resolvers.conjur import ConjurResolver
from tests.servers.conjur import ConjurServer

T = TypeVar("T")

SECONDS = 5.0


def resolver_for(server: ConjurServer, login: str = "alice", **settings: Any) -> ConjurResolver:
    """Return a resolver that logs in to *server* with the present key of *login*."""
    auth = {"method": "api_key", "login": login, "api_key": server.api_key(login)}
    return ConjurResolver(**{"url": server.url, "account": server.account, "auth": auth, **settings})


def resolver_at(url: str, **settings: Any) -> ConjurResolver:
    """Return a resolver for a server that takes any key."""
    auth = {"method": "api_key", "login": "alice", "api_key": secrets.token_hex(26)}
    return ConjurResolver(**{"url": url, "account": "demo", "auth": auth, **settings})


def read(resolver: ConjurResolver, name: str, *, seconds: float = SECONDS, document: bool = False) -> Any:
    """Return what the resolver says of *name*."""
    return resolver.fetch(resolver.locate(name, document=document), Deadline(seconds))


def value(resolver: ConjurResolver, name: str, *, seconds: float = SECONDS) -> str | bytes:
    """Return the plain value of *name*."""
    found = read(resolver, name, seconds=seconds)
    assert isinstance(found, Document)
    assert found.value is not None
    return found.value.reveal()


def token_body(life: float = 480) -> bytes:
    """Return an answer to a login that looks like a token; no Conjur would take it."""
    claims = {"iat": int(time.time()), "sub": "alice", "exp": int(time.time() + life)}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    parts = {"protected": "e30=", "payload": payload, "signature": secrets.token_hex(32)}
    return base64.b64encode(json.dumps(parts).encode())


def at_once(count: int, call: Callable[[], T]) -> list[T | BaseException]:
    """Make *count* calls in as many threads, started together; return what each returned or raised."""
    outcomes: list[T | BaseException] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        try:
            outcome: T | BaseException = call()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            outcome = error
        outcomes.append(outcome)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
