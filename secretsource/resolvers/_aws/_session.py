"""botocore's session, in which boto3's chain of credentials lives, with our bounds on all that it asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, cast

import botocore.session

from secretsource import _clock
from secretsource.resolvers._address import parse_address
from secretsource.resolvers._aws._roles import RoleCredentials
from secretsource.resolvers._aws._settings import Roles
from secretsource.resolvers._aws._sources import bound_source
from secretsource.resolvers._aws._wire import bound

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.credentials import Credentials
    from types_boto3_sts import STSClient

__all__ = ["Session"]

_SOURCES = ("_fetcher", "_role_fetcher")  # of the providers for containers and for instances
_NO_ROLES = Roles()
# Of the time that is left, what a call for credentials may take: those that are renewed may still be good.
_SHARE = 0.5

# Whose client is made: `None` for that of the chain and its roles, else the credentials, which may be none.
_acting: ContextVar[tuple[Credentials | None] | None] = ContextVar("secretsource_aws_acting", default=None)


class Session(botocore.session.Session):
    """Makes clients whose answers are bounded and whose addresses are safe, those of the chain of credentials too.

    Args:
        profile: A profile of the shared files, or `None`.
        max_bytes: The most bytes that a value may have.
        roles: The roles to take with what the chain finds, each with the one before.

    Attributes:
        region: Where the clients are; it is known when the session has read the files.
    """

    def __init__(
        self,
        *,
        profile: str | None,
        max_bytes: int,
        roles: Roles = _NO_ROLES,
    ) -> None:
        super().__init__(profile=profile)
        self.region: str | None = None
        self._max_bytes = max_bytes
        self._roles = roles
        self._taken: RoleCredentials | None = None
        # Nothing says that botocore's sessions make clients on several threads; making one may make others.
        self._making = threading.RLock()

    def client(self, service: str, *, endpoint_url: str | None = None) -> BaseClient:
        """Make a client of ours, which may use all the time that is left.

        Raises:
            ConfigError: Its address is http, and not on this machine: tokens and values would cross the network.
        """
        return self._made(1.0, service, region_name=self.region, endpoint_url=endpoint_url)

    def create_client(self, *args: object, **more: object) -> BaseClient:
        """Make a client, as botocore does for its calls for credentials.

        Raises:
            ConfigError: As for `client`.
        """
        return self._made(_SHARE, *args, **more)

    def get_credentials(self) -> Credentials | None:
        """Return the credentials; what is asked for them without a client is bounded first."""
        acting = _acting.get()
        if acting is not None:
            return acting[0]
        if self._taken is not None:
            return self._taken
        chain = self.get_component("credential_provider")
        for provider in getattr(chain, "providers", ()):
            for name in _SOURCES:
                bound_source(getattr(provider, name, None))
        return self._with_roles(super().get_credentials())

    def _with_roles(self, found: Credentials | None) -> Credentials | None:
        arns = self._roles.arns
        for number, arn in enumerate(arns, 1):
            last = number == len(arns)
            client = partial(self._sts_client, found)
            found = RoleCredentials(
                arn, client, self._roles, profile=self.profile, is_last=last, clock=_clock.now
            )
            self._taken = found
        return found

    def _sts_client(self, credentials: Credentials | None) -> STSClient:
        with _as(credentials):
            return cast("STSClient", self.client("sts"))

    def _made(self, share: float, *args: object, **more: object) -> BaseClient:
        with self._making:
            client: BaseClient = super().create_client(*args, **more)  # type: ignore[arg-type]
        service = client.meta.service_model.service_name
        parse_address(client.meta.endpoint_url, f"the endpoint for AWS ({service})")
        bound(client, self._max_bytes, share=share)
        return client


@contextmanager
def _as(credentials: Credentials | None) -> Iterator[None]:
    token = _acting.set((credentials,))
    try:
        yield
    finally:
        _acting.reset(token)
