"""What a first read imports is imported before, where no fork can come in between."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.resolvers.vault.support import (
    JSON,
    LOGGED_IN,
    no_environment,
    quick_retries,
    server,
)
from tests.servers.faulty import FaultyServer

__all__ = ["no_environment", "quick_retries", "server"]

_READ = """
import json, sys
from secretsource.resolvers import Deadline
from secretsource.resolvers.vault import VaultResolver
vault = VaultResolver(address=sys.argv[1], auth=json.loads(sys.argv[2]))
vault._client.get()
before = set(sys.modules)
vault.fetch(vault.locate("app/key"), Deadline(10))
print(sorted(set(sys.modules) - before))
"""
_USER = {"username": "bob", "password": "x"}
_ROLE = {"role_id": "x", "secret_id": "x"}


@pytest.mark.parametrize(
    "auth",
    [
        {"method": "approle", **_ROLE},
        {"method": "approle", **_ROLE, "secret_id_wrapped": True},
        {"method": "aws"},
        {"method": "jwt", "jwt": "x"},
        {"method": "kubernetes", "role": "r", "jwt": "x"},
        {"method": "ldap", **_USER},
        {"method": "none"},
        {"method": "token", "token": "x"},
        {"method": "userpass", **_USER},
    ],
    ids=lambda auth: "-".join(["wrapped"] * ("secret_id_wrapped" in auth) + [auth["method"]]),
)
def test_a_login_imports_nothing_more(
    server: FaultyServer, auth: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    made_by = {"data": {"creation_path": "auth/approle/role/r/secret-id", "secret_id": "x"}}
    for path in ("lookup", "unwrap"):
        server.answer(200, JSON, json.dumps(made_by), path=f"/v1/sys/wrapping/{path}")
    server.answer(200, JSON, LOGGED_IN)
    done = subprocess.run(
        [sys.executable, "-c", _READ, server.url, json.dumps(auth)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[]" == done.stdout.strip()
