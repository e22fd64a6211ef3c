"""The clients of one process: built from boto3's own chain of credentials, and built anew when these are refused."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from secretsource.resolvers._aws._quiet import quiet_loggers
from secretsource.resolvers._aws._settings import ClientSettings

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from types_boto3_sts import STSClient

    from secretsource.resolvers._aws._session import Session

__all__ = ["CONNECT_TIMEOUT", "READ_TIMEOUT", "Clients"]

CONNECT_TIMEOUT = 3.0  # seconds; three attempts fit into the usual deadline of 10 s
READ_TIMEOUT = 10.0  # seconds, where no shorter deadline says otherwise
_CONNECTIONS = 16  # as many as the store reads at once

C = TypeVar("C")


class Clients(Generic[C]):
    """The client of one service and region.

    It keeps the credentials it was built with, or found missing, until it is dropped.

    Args:
        service: What botocore calls the service, such as ``secretsmanager``.
        settings: What to build it from.
    """

    def __init__(self, service: str, settings: ClientSettings) -> None:
        self._service = service
        self._settings = settings
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._client: C | None = None
        self._identity: STSClient | None = None

    def get(self) -> C:
        """Return the client; the first caller builds it, the others wait for it."""
        client = self._client
        if client is not None:
            return client
        with self._lock:
            if self._client is None:
                self._session = _session(self._settings)
                made = self._session.client(self._service, endpoint_url=self._settings.endpoint_url)
                self._client = cast(C, made)
            return self._client

    def identity(self) -> STSClient:
        """Return a client of STS that asks with the same credentials."""
        self.get()
        with self._lock:
            if self._identity is None:
                self._session = self._session or _session(self._settings)
                self._identity = cast("STSClient", self._session.client("sts"))
            return self._identity

    @property
    def profile(self) -> str | None:
        """The profile of the shared files whose credentials are used, if one is named."""
        named = (os.environ.get(name) for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))
        return self._settings.profile or next(filter(None, named), None)

    def session(self) -> Session | None:
        """Return the session of the client, or `None` if none is built."""
        return self._session

    def drop(self, used: object) -> None:
        """Forget *used*, so that the next `get` asks for credentials anew; nothing if another has done so already."""
        with self._lock:
            if used is not None and (used is self._client or used is self._identity):
                self._client = self._identity = self._session = None

    def close(self) -> None:
        """Close the connections of the clients, if there are any."""
        for client in (self._client, self._identity):
            if client is not None:
                cast("BaseClient", client).close()


def _session(settings: ClientSettings) -> Session:
    """Return a session of our own.

    It is one of botocore's: boto3's own would add nothing but the time to import it. ``AWS_REGION``, which boto3 leaves
    out and all other SDKs of AWS read, is the last resort.
    """
    from secretsource.resolvers._aws._session import Session

    quiet_loggers()
    session = Session(profile=settings.profile, max_bytes=settings.max_bytes, roles=settings.roles)
    # As the default, it bounds the calls for credentials (AssumeRole and the like) too.
    session.set_default_client_config(_config(session.get_config_variable("defaults_mode")))
    session.region = settings.region or session.get_config_variable("region") or os.environ.get("AWS_REGION")
    return session


def _config(mode: object) -> Config:
    """Return what bounds the clients.

    Args:
        mode: What ``AWS_DEFAULTS_MODE`` says. ``auto`` would ask the service of the instance for its region, with no
            bound of ours and through a proxy; what it then chooses, timeouts alone, is set here anyway.
    """
    from botocore.config import Config

    return Config(
        defaults_mode="standard" if mode == "auto" else None,  # type: ignore[arg-type]  # the stubs are wrong
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
        user_agent_extra="secretsource",
    )
