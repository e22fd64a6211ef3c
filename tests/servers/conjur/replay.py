"""Replays recorded exchanges and puts both sides into a form that can be compared."""

import base64
import contextlib
import functools
import http.client
import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .names import role_of
from .recordings import EXCHANGES, GROUP_STEPS, JWTS, STEPS, Exchange, Step, set_values
from .server import ConjurServer
from .tokens import InvalidTokenError, MalformedTokenError

_LOGINS = ("admin", "alice", "bob", "carol", "dave", "erin", "host/app/web", "host/app/ci")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
# How the recordings call a key that came with the answer.
_NEW_KEYS = {"dave": "<new api key of dave>", "host/worker-1": "<api key of host/factory worker-1>"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is compared of an answer: credentials are placeholders, times are `<time>`."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: str | bytes


@dataclass(slots=True)
class Replayed:
    """One exchange: what was recorded and what the stand-in did."""

    recorded: Outcome
    answered: Outcome
    raw: bytes = field(repr=False)


class Actors:
    """The credentials of everybody at the beginning of a group."""

    def __init__(self, server: ConjurServer) -> None:
        self._server = server
        self._keys = {login: server.api_key(login) for login in _LOGINS}
        self._texts = {f"api key of {login}": key for login, key in self._keys.items()}
        self._texts.update({f"token of {login}": server.token(login) for login in _LOGINS})
        token = json.loads(base64.b64decode(self._texts["token of alice"]))
        forged = json.dumps({**token, "signature": token["signature"][::-1]}).encode()
        self._texts["token with a broken signature"] = base64.b64encode(forged).decode()

    def fill(self, exchange: Exchange, text: str) -> str:
        """Put credentials in the place of the placeholders of a request."""
        if exchange.id in JWTS:
            text = text.replace("<jwt>", JWTS[exchange.id](self._server))
        text = re.sub("<([a-z]+):api key>", lambda match: self._basic(match[1]), text)
        return re.sub("<([^<>]+)>", lambda match: self._texts[match[1]], text)

    def hide(self, body: bytes) -> str | bytes:
        """Put placeholders in the place of the credentials of an answer, which must be good ones."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return body
        for key, placeholder in self._present_keys().items():
            text = text.replace(key, placeholder)
        return _TIME.sub("<time>", self._hide_factory_token(self._hide_token(text)))

    def _basic(self, login: str) -> str:
        return base64.b64encode(f"{login}:{self._keys[login]}".encode()).decode()

    def _present_keys(self) -> dict[str, str]:
        known = {key: f"<api key of {login}>" for login, key in self._keys.items()}
        credentials, account = self._server.world.credentials, self._server.account
        roles = {role_of(account, login): placeholder for login, placeholder in _NEW_KEYS.items()}
        new = {credentials.key(role): name for role, name in roles.items() if credentials.knows(role)}
        return new | known

    def _hide_token(self, text: str) -> str:
        as_json = text.startswith('{"protected":')
        try:
            encoded = base64.b64encode(text.encode()).decode() if as_json else text
            login, _ = self._server.world.tokens.verify(encoded)
        except (MalformedTokenError, InvalidTokenError):
            return text
        return f"<token of {login} as JSON>" if as_json else f"<token of {login}>"

    def _hide_factory_token(self, text: str) -> str:
        token = re.search('"token":"([0-9a-f]+)"', text)
        if token is None or self._server.world.factory_tokens.find(token[1]) is None:
            return text
        self._texts["host factory token"] = token[1]
        return text.replace(token[1], "<host factory token>")


@functools.cache
def replay(group: str) -> dict[str, Replayed]:
    """Replay a group over one connection to a server of its own, by exchange."""
    with ConjurServer() as server:
        set_values(server)
        _take(GROUP_STEPS.get(group), server)
        actors = Actors(server)
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        with contextlib.closing(connection):
            exchanges = [one for one in EXCHANGES if one.group == group]
            return {one.id: _replay_one(server, actors, connection, one) for one in exchanges}


def _take(step: Step | None, server: ConjurServer) -> None:
    if step is not None:
        step(server)


def _replay_one(
    server: ConjurServer, actors: Actors, connection: http.client.HTTPConnection, exchange: Exchange
) -> Replayed:
    _take(STEPS.get(exchange.id), server)
    body = None if exchange.body is None else actors.fill(exchange, exchange.body).encode()
    connection.putrequest(exchange.method, exchange.target, skip_accept_encoding=True)
    for name, content in exchange.headers.items():
        connection.putheader(name, actors.fill(exchange, content))
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    raw = response.read()
    headers = _headers(response.getheaders(), exchange)
    answered = Outcome(response.status, response.reason, headers, actors.hide(raw))
    return Replayed(_recorded(exchange), answered, raw)


def _recorded(exchange: Exchange) -> Outcome:
    response = exchange.response
    headers = _headers([(name, content) for name, content in response["headers"]], exchange)
    return Outcome(response["status"], response["reason"], headers, _recorded_body(exchange))


def _recorded_body(exchange: Exchange) -> str | bytes:
    try:
        text = exchange.answer.decode()
    except UnicodeDecodeError:
        return exchange.answer
    if text.startswith('{"protected":') and exchange.decoded:
        return f"<token of {exchange.decoded['payload']['sub']} as JSON>"
    return _TIME.sub("<time>", text)


def _headers(headers: list[tuple[str, str]], exchange: Exchange) -> tuple[tuple[str, str], ...]:
    # Keys differ in length from server to server; tokens do not.
    varies = b"api key of" in exchange.answer
    return tuple((name, "…" if varies and name == "Content-Length" else content) for name, content in headers)
