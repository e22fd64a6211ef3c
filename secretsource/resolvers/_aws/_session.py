"""botocore's session, in which boto3's chain of credentials lives, with our bounds on all that it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.session
from botocore.httpsession import URLLib3Session

from secretsource.resolvers._address import parse_address
from secretsource.resolvers._aws._connections import secure
from secretsource.resolvers._aws._wire import bound

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.credentials import Credentials

__all__ = ["Session"]

_SOURCES = ("_fetcher", "_role_fetcher")  # of the providers for containers and for instances


class Session(botocore.session.Session):
    """Makes clients whose answers are bounded and whose addresses are safe, those of the chain of credentials too.

    Args:
        profile: A profile of the shared files, or `None`.
        max_bytes: The most bytes that a value may have.
    """

    def __init__(self, *, profile: str | None, max_bytes: int) -> None:
        super().__init__(profile=profile)
        self._max_bytes = max_bytes

    def create_client(self, *args: object, **more: object) -> BaseClient:
        """Make a client.

        Raises:
            ConfigError: Its address is http, and not on this machine: tokens and values would cross the network.
        """
        client: BaseClient = super().create_client(*args, **more)  # type: ignore[arg-type]
        service = client.meta.service_model.service_name
        parse_address(client.meta.endpoint_url, f"the endpoint for AWS ({service})")
        bound(client, self._max_bytes)
        return client

    def get_credentials(self) -> Credentials | None:
        """Return the credentials; what is asked for them without a client is bounded first."""
        chain = self.get_component("credential_provider")
        for provider in getattr(chain, "providers", ()):
            for name in _SOURCES:
                source = getattr(getattr(provider, name, None), "_session", None)
                if isinstance(source, URLLib3Session):
                    secure(source)
        return super().get_credentials()
