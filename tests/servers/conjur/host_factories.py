"""Tokens with which machines enrol themselves."""

import datetime
import secrets
from dataclasses import dataclass

from .clock import Clock


@dataclass(frozen=True, slots=True)
class FactoryToken:
    """What a token is good for."""

    factory: str
    expiration: datetime.datetime
    networks: tuple[str, ...]


class FactoryTokens:
    """The tokens of all host factories."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, FactoryToken] = {}

    def issue(self, factory: str, expiration: datetime.datetime, networks: tuple[str, ...]) -> str:
        """Make a token for the factory with the full id *factory*."""
        text = secrets.token_hex(27)
        self._issued[text] = FactoryToken(factory, expiration, networks)
        return text

    def find(self, text: str) -> FactoryToken | None:
        """Return what is known of a token, unless it ran out."""
        token = self._issued.get(text)
        return token if token and token.expiration.timestamp() > self._clock.now() else None
