"""AWS Secrets Manager, as moto plays it, keeps the contract of every resolver."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from secretsource.resolvers.aws import AwsResolver
from secretsource.testing import ResolverContract
from tests.resolvers.aws.support import Login, login, moto, refusal, server
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["login", "moto", "server"]


@pytest.fixture(scope="module")
def client(moto: Moto) -> Iterator[SecretsManagerClient]:
    client = moto.client()
    yield client
    client.close()


class TestAws(ResolverContract):
    versions = True
    prefix = ""

    @pytest.fixture(autouse=True)
    def _servers(self, moto: Moto, client: SecretsManagerClient, login: Login, server: FaultyServer) -> None:
        self.url, self.client, self.login, self.refusing = moto.url, client, login, server

    def make_resolver(self) -> AwsResolver:
        return AwsResolver(endpoint_url=self.url, prefix=self.prefix)

    def put(self, name: str, value: str | bytes) -> None:
        path, _, field = name.rpartition("/")
        if not path:
            self._write(field, value)
            return
        assert isinstance(value, str)
        self._write(path, json.dumps({**self._members(path), field: value}))

    def remove(self, name: str) -> None:
        """The secret with this only field is from then on pending deletion."""
        self.client.delete_secret(SecretId=self.prefix + name.rpartition("/")[0])

    def deny(self, name: str) -> None:
        """Moto has no permissions: another server says no."""
        self.refusing.answer(400, {}, refusal("AccessDeniedException", "User is not authorized"))
        self.url = self.refusing.url

    def reference(self, name: str, *, version: str | None = None) -> str:
        path, _, field = name.rpartition("/")
        return f"aws://{self.prefix}{path}{f'?version={version}' if version else ''}#{field}"

    def credentials(self) -> Iterable[str]:
        return [self.login.secret_key.text, self.login.session_token.text]

    def _members(self, path: str) -> dict[str, str]:
        try:
            text = self.client.get_secret_value(SecretId=self.prefix + path)["SecretString"]
        except self.client.exceptions.ResourceNotFoundException:
            return {}
        members: dict[str, str] = json.loads(text)
        return members

    def _write(self, path: str, value: str | bytes) -> None:
        secret = self.prefix + path
        with suppress(self.client.exceptions.ResourceExistsException):
            self.client.create_secret(Name=secret)
        if isinstance(value, str):
            self.client.put_secret_value(SecretId=secret, SecretString=value)
        else:
            self.client.put_secret_value(SecretId=secret, SecretBinary=value)


class TestAwsWithPrefix(TestAws):
    prefix = "prod/app-"


class TestAwsWithBatches(TestAws):
    batches = True

    def make_resolver(self) -> AwsResolver:
        return AwsResolver(endpoint_url=self.url, batch=True)
