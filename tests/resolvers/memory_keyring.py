"""Key stores of keyring for tests: there is none of an operating system on the machines that run them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import ClassVar

import keyring.backend
from keyring.errors import KeyringError

__all__ = ["Broken", "Forgetful", "Hanging", "Memory"]


class Memory(keyring.backend.KeyringBackend):
    """Keeps values in this process. What it holds is for all objects of the class, as with a real store."""

    priority = -1.0  # never chosen by keyring itself
    held: ClassVar[dict[tuple[str, str], object]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))  # type: ignore[return-value]  # tests put anything there

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


class Hanging(Memory):
    """Asks its user, who does not answer before `answered` is set."""

    answered: ClassVar[threading.Event] = threading.Event()
    calls: ClassVar[list[str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.calls.append(username)
        self.answered.wait(30)
        return super().get_password(service, username)


class Broken(Memory):
    """Raises what `error` makes, with a value in its frame."""

    error: ClassVar[Callable[[], Exception]] = KeyringError
    canary: ClassVar[str] = secrets.token_hex()

    def get_password(self, service: str, username: str) -> str | None:
        value = str(self.canary)
        raise type(self).error() from ValueError(value)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise type(self).error() from ValueError(password)


class Forgetful(Memory):
    """Says that it has taken a value, and has not."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass
