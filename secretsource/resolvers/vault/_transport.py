"""The connections to one Vault server, with the settings that its requests need."""

from __future__ import annotations

from secretsource.resolvers._http import Connections
from secretsource.resolvers.vault._settings import Settings

__all__ = ["Transport"]


class Transport(Connections):
    """The connections of one process to one server.

    Args:
        settings: Where the server is, and what each request to it says.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.address, settings.authority)
        self.settings = settings
