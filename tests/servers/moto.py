"""AWS Secrets Manager as moto plays it: a process of its own on loopback, reached with boto3's own client."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.servers._http import request
from tests.servers._process import LOOPBACK, Process, free_port

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

REGION = "eu-central-1"
_PROGRAM = Path(__file__).with_name("_moto_server.py")
_OK = 200


class Moto:
    """Start a moto server and wait until it answers.

    It does not enforce sizes, permissions or throttling.
    """

    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        command = [sys.executable, "-P", str(_PROGRAM), "-H", LOOPBACK, "-p", str(port)]
        self._process = Process(command, environ=self._own_environ(port))
        self._process.wait_until(lambda: request("GET", f"{self.url}/moto-api/data.json").status == _OK)

    @staticmethod
    def _own_environ(port: int) -> dict[str, str]:
        # An endpoint or a profile of the person who runs the tests must not reach moto's own boto3.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
        return kept | {"MOTO_PORT": str(port), "PYTHONWARNINGS": "ignore"}

    @property
    def environ(self) -> dict[str, str]:
        """The variables with which boto3, left to itself, talks to this server and to nothing else."""
        return {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url,
            "AWS_ENDPOINT_URL_SSM": self.url,
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self) -> SecretsManagerClient:
        """Return a Secrets Manager client for preparing a test; close it when done."""
        import boto3

        return boto3.client(
            "secretsmanager",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def reset(self) -> None:
        """Forget every secret."""
        request("POST", f"{self.url}/moto-api/reset")

    def stop(self) -> None:
        """End the server. Safe to call twice."""
        self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
