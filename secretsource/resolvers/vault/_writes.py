"""Writing one field of a document of a KV engine.

The document is read, changed and written as a whole, with check-and-set: the server refuses what was made from a
version that is not the current one any more. PATCH would change the field at the server, but needs the right ``patch``,
which policies that let a secret be written seldom give, and KV version 1 has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from secretsource._deadline import Deadline
from secretsource._secret import Document, MaskedBytes, MaskedStr
from secretsource.errors import (
    InvalidReference,
    InvalidValue,
    Reason,
    ResolverError,
    WriteConflict,
    resolver_error,
)
from secretsource.resolvers import Location
from secretsource.resolvers._json_object import object_in, with_member
from secretsource.resolvers._oversize import is_larger
from secretsource.resolvers._put import NOT_THE_SAME, check_unversioned
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply, answered
from secretsource.resolvers.vault import _kv
from secretsource.resolvers.vault._auth import Token
from secretsource.resolvers.vault._client import Client, refusal
from secretsource.resolvers.vault._errors import decoded, is_missing
from secretsource.resolvers.vault._mounts import Mount
from secretsource.resolvers.vault._paths import check_path
from secretsource.resolvers.vault._reads import answer_in, read_kv

__all__ = ["Writing"]

_TRIES = 5
_ENVELOPE = 4096  # bytes that the server writes around a document
_RIGHTS = ("read", "create", "update")


@dataclass(frozen=True, slots=True)
class _State:
    """What is there at the moment. Its repr shows no value.

    Attributes:
        version: Its version; 0 if nothing was ever there, or the engine has no versions.
        data: All fields, as JSON.
        reply: The answer it was read from.
    """

    version: int
    data: MaskedStr = field(repr=False)
    reply: Reply


class Writing:
    """One value that is written, however often the server is asked for it.

    Args:
        client: The server.
        location: The document and its field.
        value: What is written.
        expected: The version that is replaced; `None` for whichever is the current one.
        deadline: When it must be done.
    """

    def __init__(
        self, client: Client, location: Location, value: MaskedStr, expected: str | None, deadline: Deadline
    ) -> None:
        self._client = client
        self._path = check_path(location.address)
        self._field = location.field or "value"
        self._value = value
        self._expected = expected
        self._deadline = deadline
        self._sent: int | None = None  # the version that a request makes of which no answer came

    def attempt(self, token: Token) -> Document:
        """Write and read back.

        Raises:
            InvalidReference: The engine is not one that can be written so.
            InvalidValue: The document would be too large.
            WriteConflict: Another version is there than the expected one, or the engine has no versions.
            ResolverError: It is not written, or it is not known whether it is.
        """
        mount = self._client.mount_of(self._path, token, self._deadline)
        if not mount.is_kv:
            raise InvalidReference(
                f"{self._path}: only KV engines can be written; {mount.path} is another one"
            )
        if mount.version == 2:
            return self._replace(mount, token)
        check_unversioned(self._expected, f"KV version 1 at {mount.path}", self._path)
        if not self._client.writing.acquire(timeout=self._deadline.remaining):
            raise resolver_error(Reason.TIMEOUT, "waiting for the writes of other threads")
        try:
            return self._overwrite(mount, token)
        finally:
            self._client.writing.release()

    def _replace(self, mount: Mount, token: Token) -> Document:
        """Write to KV version 2, until nobody else writes in between."""
        for _ in range(_TRIES):
            state = self._state(mount, token)
            if state.version == self._sent and (document := self._ours(mount, state.reply)) is not None:
                return document
            if self._expected is not None and self._expected != str(state.version):
                raise WriteConflict(f"the current version is {state.version}, not the one that was expected")
            body = _enveloped(self._changed(state), state.version)
            self._sent = state.version + 1
            reply = answered(self._send(mount, token, body))
            if not _lost_the_race(reply):
                self._check(reply, mount)
                return self._read_back(mount, token, str(self._sent))
            self._sent = None
        raise WriteConflict(f"others wrote it {_TRIES} times in between")

    def _overwrite(self, mount: Mount, token: Token) -> Document:
        """Write to KV version 1, which cannot tell whether another process writes in between."""
        changed = self._changed(self._state(mount, token))
        self._check(answered(self._send(mount, token, MaskedBytes(changed, "utf-8"))), mount)
        return self._read_back(mount, token, None)

    def _state(self, mount: Mount, token: Token) -> _State:
        reply = read_kv(self._client, self._path, token, self._deadline, mount=mount, version=None)
        if reply.status == 404 and (is_missing(reply.body) or _kv.not_there(reply) is not None):
            return _State(_version_in(reply) if mount.version == 2 else 0, MaskedStr("{}"), reply)
        self._check(reply, mount)
        data = object_in(reply.body, *(("data", "data") if mount.version == 2 else ("data",)))
        version = _version_in(reply) if mount.version == 2 else 0
        if data is None or (mount.version == 2 and version == 0):
            raise resolver_error(
                Reason.BROKEN, f"{reply.said} holds no document of KV version {mount.version}"
            )
        return _State(version, data, reply)

    def _changed(self, state: _State) -> MaskedStr:
        changed = with_member(state.data, self._field, self._value)
        if changed is None:
            raise resolver_error(Reason.BROKEN, f"{state.reply.said} holds what cannot be written again")
        limit = self._client.transport.settings.max_bytes + MAX_BODY_OVERHEAD - _ENVELOPE
        if is_larger(changed, limit):
            raise InvalidValue(
                f"{self._path} cannot hold it: the document would have more than {limit:,} bytes"
            )
        return changed

    def _send(self, mount: Mount, token: Token, body: MaskedBytes) -> Reply | ResolverError:
        return self._client.send("POST", mount.url_path(self._path), token, self._deadline, body)

    def _read_back(self, mount: Mount, token: Token, version: str | None) -> Document:
        reply = read_kv(self._client, self._path, token, self._deadline, mount=mount, version=version)
        document = self._ours(mount, reply)
        if document is not None:
            return document
        if reply.status == 404:
            raise WriteConflict("it was written, and taken away by somebody else before it was read back")
        raise resolver_error(Reason.BROKEN, NOT_THE_SAME)

    def _ours(self, mount: Mount, reply: Reply) -> Document | None:
        """Return the document if it has our value."""
        answer = answer_in(self._client, reply, mount, self._path)
        return answer if isinstance(answer, Document) and answer.pick(self._field) == self._value else None

    def _check(self, reply: Reply, mount: Mount) -> None:
        failure = refusal(reply, mount.url_path(self._path), rights=_RIGHTS)
        if failure is not None and not (mount.version == 1 and reply.status == 204):
            raise failure


def _enveloped(data: MaskedStr, version: int) -> MaskedBytes:
    """Return the body that writes *data* to KV version 2 if *version* is the current one."""
    return MaskedBytes(f'{{"options":{{"cas":{version}}},"data":{data}}}', "utf-8")


def _version_in(reply: Reply) -> int:
    """Return the version that an answer speaks of, also one that says that this version is deleted."""
    data = (decoded(reply.body) or {}).get("data")
    metadata = data.get("metadata") if isinstance(data, dict) else None
    version = metadata.get("version") if isinstance(metadata, dict) else None
    return version if isinstance(version, int) else 0


def _lost_the_race(reply: Reply) -> bool:
    """Whether the server says that the version is not the current one any more."""
    errors = (decoded(reply.body) or {}).get("errors") if reply.status == 400 else None
    return isinstance(errors, list) and any(
        isinstance(text, str) and "check-and-set" in text for text in errors
    )
