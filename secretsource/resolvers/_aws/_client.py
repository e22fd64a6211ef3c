"""The Secrets Manager client: built from boto3's own chain of credentials, and built anew when these are refused."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, cast

from secretsource.resolvers._aws._quiet import quiet_loggers
from secretsource.resolvers.aws._settings import Settings

if TYPE_CHECKING:
    from botocore.config import Config
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["CONNECT_TIMEOUT", "READ_TIMEOUT", "Clients"]

CONNECT_TIMEOUT = 3.0  # seconds; three attempts fit into the usual deadline of 10 s
READ_TIMEOUT = 10.0  # seconds, where no shorter deadline says otherwise
_CONNECTIONS = 16  # as many as the store reads at once


class Clients:
    """The client of one process. It keeps the credentials it was built with, or found missing, until it is dropped."""

    def __init__(self, settings: Settings) -> None:
        """Remember the settings; nothing is built yet."""
        self._settings = settings
        self._lock = threading.Lock()
        self._client: SecretsManagerClient | None = None

    def get(self) -> SecretsManagerClient:
        """Return the client; the first caller builds it, the others wait for it."""
        client = self._client
        if client is not None:
            return client
        with self._lock:
            if self._client is None:
                self._client = _build(self._settings)
            return self._client

    def drop(self, used: SecretsManagerClient) -> None:
        """Forget *used*, so that the next `get` asks for credentials anew; nothing if another has done so already."""
        with self._lock:
            if self._client is used:
                self._client = None

    def close(self) -> None:
        """Close the connections of the client, if there is one."""
        client = self._client
        if client is not None:
            client.close()


def _build(settings: Settings) -> SecretsManagerClient:
    """Build a client from a session of our own.

    It is one of botocore's: boto3's own would add nothing but the time to import it. ``AWS_REGION``, which boto3 leaves
    out and all other SDKs of AWS read, is the last resort.
    """
    from secretsource.resolvers._aws._session import Session

    quiet_loggers()
    session = Session(profile=settings.profile, max_bytes=settings.max_bytes)
    # As the default, it bounds the calls for credentials (AssumeRole and the like) too.
    session.set_default_client_config(_config())
    region = settings.region or session.get_config_variable("region") or os.environ.get("AWS_REGION")
    return cast(
        "SecretsManagerClient",
        session.create_client("secretsmanager", region_name=region, endpoint_url=settings.endpoint_url),
    )


def _config() -> Config:
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
        user_agent_extra="secretsource",
    )
