"""Stands for the key store of a desktop, in every Python that a page starts: machines that run tests have none."""

from __future__ import annotations

import json
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend

_FILE = Path.home() / "keystore.json"


class Keyring(KeyringBackend):
    """Keeps values in a file of the test, under the name that the Secret Service has in keyring."""

    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        value: str | None = self._held().get(f"{service}\n{username}")
        return value

    def set_password(self, service: str, username: str, password: str) -> None:
        _FILE.write_text(json.dumps({**self._held(), f"{service}\n{username}": password}), encoding="utf-8")

    def _held(self) -> dict[str, str]:
        held: dict[str, str] = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() else {}
        return held


Keyring.__module__ = "keyring.backends.SecretService"
keyring.set_keyring(Keyring())
