"""Where a password is used and where it is kept, and how it is rotated: at the one place first, then at the other."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from bench.rotation._service import Service
from secretsource import Store
from secretsource.resolvers.vault import VaultResolver
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

GAP = 0.2  # seconds between the two steps: whoever logs in meanwhile has the old password, and so has the backend
DATABASE, USERS = "shop", ("shop_a", "shop_b")
PASSWORD, USER = "db/primary/password", "db/primary/username"


class Place(Protocol):
    """Where a password is used."""

    def set_password(self, user: str, password: str) -> object:
        """Give a user another password."""
        ...


class PostgresPlace:
    """A real PostgreSQL server. Open connections stay open when a password changes."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        for user in USERS:
            server.query(f"CREATE ROLE {user} LOGIN")

    def set_password(self, user: str, password: str) -> object:
        return self.server.query(f"ALTER ROLE {user} PASSWORD '{password}'")


class RedisPlace:
    """A real Redis server, which closes the connections of a user whose password changes."""

    def __init__(self, server: Redis) -> None:
        self.server = server

    def set_password(self, user: str, password: str) -> object:
        self.server.set_password(password, user=user, kill=True)
        return None


class HttpPlace:
    """A service with an API key. The two "users" are two keys: the one of before is good until the next rotation."""

    def __init__(self, server: Service, *, overlap: bool) -> None:
        self.server = server
        self._overlap = overlap

    def set_password(self, user: str, password: str) -> object:
        del user
        return self.server.rotate(password, overlap=self._overlap)


class Rotation:
    """One document in OpenBao, and who rotates it.

    Args:
        place: Where the password is used.
        bao: Where it is kept.
        alternating: Whether two users take turns: the one that nobody uses gets a new password, and then its turn.

    Attributes:
        store: What the application reads from; with the default ttl of 300 s, so that only refusals tell of a rotation.
    """

    def __init__(self, place: Place, bao: OpenBao, *, alternating: bool) -> None:
        self._place = place
        self._bao = bao
        self._alternating = alternating
        self._turn = 0
        self._gap = 0.0
        self.store = Store(
            [VaultResolver(address=bao.url, auth={"method": "token", "token": bao.root_token})]
        )
        self.rotate()
        self._gap = GAP

    def rotate(self) -> None:
        """Change the password at both places."""
        if self._alternating:
            self._turn = 1 - self._turn
        user, password = USERS[self._turn], secrets.token_urlsafe(16)
        self._place.set_password(user, password)
        time.sleep(self._gap)
        self._bao.put("secret", "db/primary", {"username": user, "password": password})


@contextmanager
def rotation(place: Place, bao: OpenBao, *, alternating: bool) -> Iterator[Rotation]:
    """Make the document, and close the store in the end."""
    rotation = Rotation(place, bao, alternating=alternating)
    with rotation.store:
        yield rotation
