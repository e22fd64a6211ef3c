"""A stand-in for the AWS Secrets Manager Agent, without its cache: it reads from moto and answers as the agent does."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_secretsmanager.type_defs import GetSecretValueResponseTypeDef

__all__ = ["Agent"]

_HEADER = "X-Aws-Parameters-Secrets-Token"
_ARGUMENTS = {"secretId": "SecretId", "versionId": "VersionId", "versionStage": "VersionStage"}


class Agent:
    """Serve on a free loopback port while the ``with`` block runs.

    Args:
        client: What it reads with; it is used by one thread at a time.

    Attributes:
        url: Where it listens.
        token: What a request must show.
    """

    def __init__(self, client: SecretsManagerClient) -> None:
        self.token = secrets.token_hex(20)
        self._client = client
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, token: str | None) -> tuple[int, str]:
        """Return status and body for a request."""
        parts = urlsplit(path)
        if parts.path == "/ping":
            return 200, "healthy"
        if not secrets.compare_digest(token or "", self.token):
            return 403, "Bad Token"
        if parts.path != "/secretsmanager/get":
            return 404, "Not found"
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        query.pop("refreshNow", None)
        unknown = set(query) - set(_ARGUMENTS)
        return (400, f"unknown parameter: {unknown.pop()}") if unknown else self._read(query)

    def _read(self, query: dict[str, str]) -> tuple[int, str]:
        asked = {_ARGUMENTS[key]: value for key, value in query.items()}
        try:
            with self._lock:
                found = self._client.get_secret_value(**asked)  # type: ignore[arg-type]  # as it was asked
        except ClientError as error:
            said = error.response["Error"]
            return 400, f'{{"__type":"{said["Code"]}", "message":"{said["Message"]}"}}'
        return 200, _written(found)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                status, text = owner.answer(self.path, self.headers.get(_HEADER))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _written(found: GetSecretValueResponseTypeDef) -> str:
    answer: dict[str, object] = {
        key: found[key]  # type: ignore[literal-required]
        for key in ("ARN", "Name", "VersionId", "SecretString", "VersionStages")
        if key in found
    }
    if "SecretBinary" in found:
        answer["SecretBinary"] = base64.b64encode(found["SecretBinary"]).decode()
    return json.dumps(answer | {"CreatedDate": str(found["CreatedDate"].timestamp())})
