"""What one process holds of a Vault server, its connections, token and mounts; and how one document is read with it."""

from __future__ import annotations

import json

from secretsource import _clock
from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, Reason, ResolverError, resolver_error
from secretsource.resolvers import Answer, Location
from secretsource.resolvers._oversize import is_larger
from secretsource.resolvers._reply import Reply, answered
from secretsource.resolvers._tokens import Tokens
from secretsource.resolvers.vault._auth import Method, Token
from secretsource.resolvers.vault._errors import failure_of, is_missing, reason_of_hvac
from secretsource.resolvers.vault._kv import Mount, Mounts, document_of, mount_of, not_there
from secretsource.resolvers.vault._paths import check_path, encoded
from secretsource.resolvers.vault._settings import Settings
from secretsource.resolvers.vault._transport import Transport

__all__ = ["Client", "Reading"]

_LOOK_UP = "/v1/sys/internal/ui/mounts/"


class Client:
    """Connections, token and mounts.

    Args:
        settings: Where the server is.
        method: How to log in.
        mount: The mount of names; look-ups below it are shared.
        clock: Measures the lives of tokens.
    """

    def __init__(
        self, settings: Settings, method: Method, mount: str, clock: _clock.Clock = _clock.now
    ) -> None:
        self.transport = Transport(settings)
        self.tokens = Tokens(lambda deadline: method.login(self.transport, deadline, clock), clock)
        self._mounts = Mounts()
        self._usual = Mount(mount, 0)

    def read(self, location: Location, token: Token, deadline: Deadline) -> Answer:
        """Read one document with one token.

        Raises:
            ResolverError: It could not be read.
        """
        path = check_path(location.address)
        mount = self._mount(path, token, deadline)
        if location.version is not None and mount.version == 1:
            raise resolver_error(Reason.BROKEN, "the mount is KV version 1, which keeps no versions")
        return self._answer(self._ask(mount, path, location.version, token, deadline), mount, path)

    def _mount(self, path: str, token: Token, deadline: Deadline) -> Mount:
        key = (self._usual.path if self._usual.holds(path) else path, id(token))
        return self._mounts.find(path, key, lambda: self._look_up(path, token, deadline), deadline)

    def _look_up(self, path: str, token: Token, deadline: Deadline) -> Mount:
        from secretsource.resolvers.vault._adapter import CallAdapter

        adapter = CallAdapter(self.transport, _LOOK_UP + path, token.value, deadline)
        reply = answered(adapter.get(encoded(_LOOK_UP + path)))
        # Until the mount is known, version 2 is the better guess for what the hint says.
        usual = self._usual.path if self._usual.holds(path) else path.partition("/")[0]
        failure = _failure(reply, Mount(usual, 2).url_path(path))
        if failure is not None and not (reply.status == 404 and is_missing(reply.body)):
            raise failure
        found = mount_of(reply, path)
        if isinstance(found, Mount):
            return found
        raise resolver_error(Reason.BROKEN, found)

    def _ask(self, mount: Mount, path: str, version: str | None, token: Token, deadline: Deadline) -> Reply:
        """Read through hvac."""
        from hvac.api.secrets_engines import KvV1, KvV2
        from hvac.exceptions import VaultError

        from secretsource.resolvers.vault._adapter import CallAdapter

        adapter = CallAdapter(self.transport, mount.url_path(path), token.value, deadline)
        rest = path.removeprefix(f"{mount.path}/")
        outcome: Reply | ResolverError
        try:
            if mount.version == 1:
                outcome = KvV1(adapter).read_secret(rest, mount_point=mount.path)
            else:
                outcome = KvV2(adapter).read_secret_version(
                    rest,
                    version=None if version is None else int(version),
                    mount_point=mount.path,
                    raise_on_deleted_version=True,
                )
        except VaultError as error:
            outcome = resolver_error(reason_of_hvac(error), f"hvac: {type(error).__name__}")
        return answered(outcome)

    def _answer(self, reply: Reply, mount: Mount, path: str) -> Answer:
        if reply.status == 404:
            absent = not_there(reply)
            if absent is not None:
                return absent
            self._mounts.forget(mount)  # A mount that was upgraded answers so to its old paths.
        failure = _failure(reply, mount.url_path(path))
        if failure is not None:
            raise failure
        document = document_of(reply, mount.version)
        if document is None:
            raise resolver_error(
                Reason.BROKEN, f"{reply.said} holds no document of KV version {mount.version}"
            )
        limit = self.transport.settings.max_bytes
        if any(is_larger(value, limit) for value in document.fields.values()):
            raise resolver_error(Reason.BROKEN, f"{reply.where}: a value of more than {limit} bytes")
        return document

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


class Reading:
    """One read of one document: the token is replaced once at most, however often the read is retried."""

    def __init__(self, client: Client, location: Location, deadline: Deadline) -> None:
        self._client = client
        self._location = location
        self._deadline = deadline
        self._may_replace = True

    def attempt(self) -> Answer:
        """Ask once, and once more with another token if this one is refused."""
        tokens = self._client.tokens
        token = tokens.current(self._deadline)
        try:
            return self._client.read(self._location, token, self._deadline)
        except AccessDenied as error:
            if not self._may_replace:
                raise
            denied = error.copy()
        self._may_replace = False
        other = tokens.replace(token, self._deadline)
        if other is None:
            raise denied
        return self._client.read(self._location, other, self._deadline)


def _failure(reply: Reply, url_path: str) -> ResolverError | None:
    policy = f'path {json.dumps(url_path.removeprefix("/v1/"))} {{ capabilities = ["read"] }}'
    return failure_of(reply, hint=f"check the token, the mount, and the policy: {policy}")
