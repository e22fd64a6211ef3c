"""How one document is read with one token."""

from __future__ import annotations

import secrets

from secretsource._deadline import Deadline
from secretsource._secret import Document
from secretsource.errors import AccessDenied, Reason, ResolverError, resolver_error
from secretsource.resolvers import Answer, Location
from secretsource.resolvers._oversize import is_larger
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers._retry import number_of
from secretsource.resolvers.vault import _engines, _kv
from secretsource.resolvers.vault._auth import Token
from secretsource.resolvers.vault._client import Client, refusal
from secretsource.resolvers.vault._errors import reason_of_hvac
from secretsource.resolvers.vault._leases import Lease, lease_of
from secretsource.resolvers.vault._mounts import Mount
from secretsource.resolvers.vault._paths import check_path
from secretsource.resolvers.vault._renewals import look_up

__all__ = ["read", "read_kv"]


def read(
    client: Client, location: Location, token: Token, deadline: Deadline, *, fresh: bool = False
) -> Answer:
    """Read one document.

    Args:
        client: The server.
        location: Where.
        token: The login.
        deadline: When the answer is wanted.
        fresh: Whether to go past the cache of a proxy or an agent. It is gone past from then on: what it still has may
            be what was refused.

    Raises:
        ResolverError: It could not be read.
    """
    path = check_path(location.address)
    mount = client.mount_of(path, token, deadline)
    if location.version is not None and mount.version != 2:
        engine = "KV version 1" if mount.is_kv else "of an engine"
        raise resolver_error(Reason.BROKEN, f"the mount is {engine}, which keeps no versions")
    started = client.clock()
    if mount.is_kv:
        reply = read_kv(client, path, token, deadline, mount=mount, version=location.version)
    else:
        if fresh:
            client.nonces[path] = secrets.token_hex(8)
        nonce = client.nonces.get(path, "")
        reply = answered(client.send("GET", mount.url_path(path), token, deadline, nonce=nonce))
    answer = answer_in(client, reply, mount, path)
    if isinstance(answer, Document) and location.version not in {None, answer.version}:
        raise resolver_error(
            Reason.BROKEN, f"{reply.said} holds another version than the one that was asked for"
        )
    lease = lease_of(reply, token, started=started) if isinstance(answer, Document) else None
    if not isinstance(answer, Document) or lease is None:
        return answer
    seconds = _left_of(client, lease, reply, deadline)
    if seconds is None and not fresh:
        return read(client, location, token, deadline, fresh=True)
    if seconds is None:
        raise resolver_error(Reason.BROKEN, f"{reply.said} holds a lease that the server does not know")
    lease.ends_at = started + seconds
    client.leases.add(lease, started)
    return Document(
        fields=answer.fields,
        version=lease.version,
        lease=min(seconds, max(0.0, token.ends_at - started)),
    )


def _left_of(client: Client, lease: Lease, reply: Reply, deadline: Deadline) -> float | None:
    """Return the seconds that a lease lasts; of one that an agent has kept, the answer tells what it was at first."""
    if reply.header("X-Cache") != "hit":
        return lease.duration
    try:
        return look_up(client, lease, lease.token, deadline)
    except AccessDenied:
        return max(0.0, lease.duration - (number_of(reply.header("Age")) or 0))


def read_kv(
    client: Client, path: str, token: Token, deadline: Deadline, *, mount: Mount, version: str | None
) -> Reply:
    """Read a document of a KV engine through hvac."""
    from hvac.api.secrets_engines import KvV1, KvV2
    from hvac.exceptions import VaultError

    from secretsource.resolvers.vault._adapter import CallAdapter

    adapter = CallAdapter(client.transport, mount.url_path(path), token.value, deadline)
    outcome: Reply | ResolverError
    try:
        if mount.version == 1:
            outcome = KvV1(adapter).read_secret(mount.rest(path), mount_point=mount.path)
        else:
            outcome = KvV2(adapter).read_secret_version(
                mount.rest(path),
                version=None if version is None else int(version),
                mount_point=mount.path,
                raise_on_deleted_version=True,
            )
    except VaultError as error:
        outcome = resolver_error(reason_of_hvac(error), f"hvac: {type(error).__name__}")
    return answered(outcome)


def answer_in(client: Client, reply: Reply, mount: Mount, path: str) -> Answer:
    """Return what a reply says of the document at *path*.

    Raises:
        ResolverError: It says nothing of it.
    """
    if reply.status in {400, 404}:
        absent = _absent(reply, mount)
        if absent is not None:
            return absent
        if reply.status == 404:
            client.mounts.forget(mount)  # A mount that was upgraded answers so to its old paths.
    failure = refusal(reply, mount.url_path(path))
    if failure is not None:
        advice = "" if mount.is_kv else _engines.ADVICE.get(reply.status, "")
        raise failure if not advice else resolver_error(failure.reason, f"{failure.detail}: {advice}")
    document = _document(reply, mount)
    if isinstance(document, str):
        raise resolver_error(Reason.BROKEN, f"{reply.said} {document}")
    limit = client.transport.settings.max_bytes
    if any(is_larger(value, limit) for value in document.fields.values()):
        raise resolver_error(Reason.BROKEN, f"{reply.where}: a value of more than {limit} bytes")
    return document


def _absent(reply: Reply, mount: Mount) -> Answer:
    if not mount.is_kv:
        return _engines.not_there(reply)
    return _kv.not_there(reply) if reply.status == 404 else None


def _document(reply: Reply, mount: Mount) -> Document | str:
    if not mount.is_kv:
        return _engines.document_of(reply)
    return _kv.document_of(reply, mount.version) or f"holds no document of KV version {mount.version}"
