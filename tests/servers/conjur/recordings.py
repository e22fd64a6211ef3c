"""The recorded exchanges with a real Conjur, and the state each group of them begins with."""

import base64
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .database import DatabaseError
from .server import ConjurServer

_FILE = Path(__file__).parents[2] / "data" / "conjur" / "exchanges.json"

Step = Callable[[ConjurServer], object]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded exchange; what was a credential is a placeholder such as `<api key of alice>`."""

    id: str
    method: str
    target: str
    headers: dict[str, str]
    body: str | None
    response: dict[str, Any] = field(repr=False)
    decoded: dict[str, Any] | None

    @property
    def group(self) -> str:
        """The first part of the id; a group is replayed as a whole, in order."""
        return self.id.partition(".")[0]

    @property
    def answer(self) -> bytes:
        """The recorded body."""
        if "body_base64" in self.response:
            return base64.b64decode(self.response["body_base64"])
        if "body_repeated" in self.response:
            repeated = self.response["body_repeated"]
            return str(repeated["text"] * repeated["times"]).encode()
        return str(self.response["body"]).encode()


def _exchange(recorded: dict[str, Any]) -> Exchange:
    request = recorded["request"]
    sent = (request["method"], request["target"], request.get("headers", {}), request.get("body"))
    return Exchange(recorded["id"], *sent, recorded["response"], recorded.get("decoded"))


EXCHANGES = [_exchange(one) for one in json.loads(_FILE.read_text(encoding="utf-8"))["exchanges"]]

_ODD_NAMES = ("a b", "user@example.org", "a+b=c", "50%", "nested/deep/name", "café")
_VALUES: dict[str, list[bytes]] = {
    "db/primary/username": [b"app"],
    "db/primary/password": [b"s3cret-one"],
    "pepipost/api_key": [b"pp-live-0001"],
    "pepipost/templates/welcome": [b"<p>Hello</p>"],
    "pepipost/config": [b'{"region": "eu"}'],
    "pepipost/binary": [bytes(range(256))],
    "pepipost/unicode": ["pässwörd-✓".encode()],
    "pepipost/newline": [b"line one\nline two\n"],
    "pepipost/html_text": [b"<!DOCTYPE html><html><body>not an error page</body></html>"],
    "pepipost/long": [b"x" * 200_000],
    "pepipost/versions": [b"v1", b"v2", b"v3"],
    "pepipost/many_versions": [f"m{number}".encode() for number in range(1, 26)],
    **{f"pepipost/{name}": [f"value of {name}".encode()] for name in _ODD_NAMES},
}

_FACTORY = """
- !policy
  id: factory
  body:
  - !layer workers
  - !host-factory { id: make, layers: [ !layer workers ] }
"""


def set_values(server: ConjurServer) -> None:
    """Give the variables of the recorded policy the values they had."""
    for name, values in _VALUES.items():
        for value in values:
            server.set(name, value)


def _set_again(server: ConjurServer) -> None:
    server.set("pepipost/api_key", b"pp-live-0002")
    server.set("pepipost/api_key", b"pp-live-0001")


def _let_alice_load(server: ConjurServer) -> None:
    server.permit("alice", ("create",), "demo:policy:pepipost")
    server.permit("alice", ("read",), "demo:policy:db")


def _open_directory(server: ConjurServer) -> None:
    server.enable_ldap("corp", {"alice": "ldap-pass-1"})


def _live_for_three_seconds(server: ConjurServer) -> None:
    server.token_life = 3.0


def _stop_database(server: ConjurServer) -> None:
    server.database_down = True


def _restart_database(server: ConjurServer) -> None:
    server.database_down = True
    server.database_down = False
    with contextlib.suppress(DatabaseError):
        server.database.use()  # The one connection of the pool fails once more.


# What was done before a group, beside the policy and the values; tokens are taken after it.
GROUP_STEPS: dict[str, Step] = {
    "authn-ldap": _open_directory,
    "policy": _let_alice_load,
    "expirations": _set_again,
    "host-factory": lambda server: server.load_policy(_FACTORY),
    "expiry": _live_for_three_seconds,
    "db-down": _stop_database,
    "db-back": _restart_database,
}

# What happened between two exchanges.
STEPS: dict[str, Step] = {"expiry.over": lambda server: server.advance(3)}

# The claims are not in the recordings. The host `app/ci` has an annotation that asks for its repository.
_MAILER = {"workload": "ci", "repository": "pepipost/mailer"}
JWTS: dict[str, Callable[[ConjurServer], str]] = {
    "authn-jwt.ok": lambda server: server.issue_jwt(_MAILER),
    "authn-jwt.ok.json": lambda server: server.issue_jwt(_MAILER),
    "authn-jwt.expired": lambda server: server.issue_jwt(_MAILER, life=-60),
    "authn-jwt.wrong-claim": lambda server: server.issue_jwt({**_MAILER, "repository": "pepipost/other"}),
    "authn-jwt.unknown-host": lambda server: server.issue_jwt({**_MAILER, "workload": "nobody"}),
}
