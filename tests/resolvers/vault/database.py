"""A real OpenBao that issues users of a real PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from secretsource.resolvers.vault import VaultResolver
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres

__all__ = ["Database", "until"]

ADMIN = "openbao"
POLICY = "\n".join(
    f'path "database/{kind}/*" {{ capabilities = ["read"] }}' for kind in ("creds", "static-creds")
)
REVOKING = 'path "sys/leases/revoke" { capabilities = ["update"] }'
_CREATE = (
    """CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE readers""",
)


class Database:
    """Start both; a user that is issued may read the table ``orders``, in which there is one row."""

    def __init__(self) -> None:
        with ExitStack() as stack:
            self.postgres = stack.enter_context(Postgres())
            self.bao = stack.enter_context(OpenBao(audit=True))
            self._prepare()
            self._stack = stack.pop_all()

    def _prepare(self) -> None:
        self.postgres.query("CREATE TABLE orders AS SELECT 1 AS id")
        self.postgres.query("CREATE ROLE readers")
        self.postgres.query("GRANT SELECT ON orders TO readers")
        password = self.postgres.create_admin(ADMIN)
        address = f"127.0.0.1:{self.postgres.port}/postgres?sslmode=disable"
        self.bao.mount("database", "database")
        self.bao.policy("app", POLICY)
        self.bao.policy("revoking", REVOKING)
        config = {
            "plugin_name": "postgresql-database-plugin",
            "allowed_roles": "*",
            "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@{address}",
            "username": ADMIN,
            "password": password,
        }
        assert 204 == self.bao.api("POST", "database/config/shop", config).status
        self.usual = set(self.postgres.roles())

    def role(self, name: str, *, default: int, most: int) -> None:
        """Let OpenBao issue users for *default* seconds, and renew them up to *most*."""
        role = {"db_name": "shop", "default_ttl": default, "max_ttl": most, "creation_statements": _CREATE}
        assert 204 == self.bao.api("POST", f"database/roles/{name}", role).status

    def resolver(self, **settings: object) -> VaultResolver:
        """Build a resolver whose token may read users, and revoke leases."""
        token = self.bao.token(["app", "revoking"])
        return VaultResolver(
            **{"address": self.bao.url, "auth": {"method": "token", "token": token}, **settings}
        )

    def issued(self) -> set[str]:
        """Return the users that OpenBao has issued and not yet dropped."""
        return set(self.postgres.roles()) - self.usual

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()


def until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until *is_so*, for so many seconds at most."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
