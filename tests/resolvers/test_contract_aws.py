"""AWS Secrets Manager, as moto plays it, keeps the contract of every resolver."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secretsource.errors import ConfigError
from secretsource.resolvers.aws import AwsResolver
from secretsource.testing import ResolverContract
from tests.resolvers.aws.agent import Agent
from tests.resolvers.aws.support import Login, login, moto, refusal, server
from tests.servers._process import free_port
from tests.servers.faulty import FaultyServer
from tests.servers.moto import REGION, Moto

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["login", "moto", "server"]


@pytest.fixture(scope="module")
def client(moto: Moto) -> Iterator[SecretsManagerClient]:
    client = moto.client()
    yield client
    client.close()


class TestAws(ResolverContract):
    versions = writes = compares = checks = policies = True
    prefix = ""

    @pytest.fixture(autouse=True)
    def _servers(self, moto: Moto, client: SecretsManagerClient, login: Login, server: FaultyServer) -> None:
        self.url, self.client, self.login, self.refusing = moto.url, client, login, server

    @pytest.fixture(autouse=True)
    def _sts(self, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
        self.environ = monkeypatch

    def make_resolver(self) -> AwsResolver:
        return AwsResolver(endpoint_url=self.url, prefix=self.prefix)

    def make_resolver_at(self, url: str) -> AwsResolver:
        self.environ.setenv("AWS_ENDPOINT_URL_STS", url)
        return AwsResolver(endpoint_url=url, prefix=self.prefix)

    def play(self, server: FaultyServer, name: str, value: str) -> str:
        field = name.rpartition("/")[2]
        server.answer(body=json.dumps({"SecretString": json.dumps({field: value})}))
        return "/"

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
    make_resolver_at = ResolverContract.make_resolver_at  # proved above


class TestAwsWithBatches(TestAws):
    batches = True
    make_resolver_at = ResolverContract.make_resolver_at

    def make_resolver(self) -> AwsResolver:
        return AwsResolver(endpoint_url=self.url, batch=True)


class TestAwsWithRoles(TestAws):
    """With a role that is taken with another one."""

    make_resolver_at = ResolverContract.make_resolver_at

    def make_resolver(self) -> AwsResolver:
        roles = [f"arn:aws:iam::123456789012:role/{name}" for name in ("hub", "app")]
        return AwsResolver(endpoint_url=self.url, role_arn=roles)


class TestAwsWithRegions(TestAws):
    """With replicas in a region where nothing answers: they are not needed, and not asked."""

    make_resolver_at = ResolverContract.make_resolver_at

    def make_resolver(self) -> AwsResolver:
        return AwsResolver(
            region=[REGION, "eu-west-1"], endpoint_url=[self.url, f"http://127.0.0.1:{free_port()}"]
        )


class TestAwsThroughAnAgent(TestAws):
    """Through the AWS Secrets Manager Agent, as a stand-in plays it that reads from moto."""

    fresh = True
    writes = compares = False

    @pytest.fixture(autouse=True)
    def _agent(self, client: SecretsManagerClient, tmp_path: Path) -> Iterator[None]:
        with Agent(client) as agent:
            self.agent = agent
            self.address = agent.url
            self.token_file = tmp_path / "awssmatoken"
            self.token_file.write_text(agent.token)
            yield

    def make_resolver(self) -> AwsResolver:
        return AwsResolver(
            transport="agent", endpoint_url=self.address, token_file=str(self.token_file), prefix=self.prefix
        )

    def make_resolver_at(self, url: str) -> AwsResolver:
        return AwsResolver(transport="agent", endpoint_url=url, token_file=str(self.token_file))

    def test_plain_http_where_tls_is_expected_is_loud(self) -> None:
        """An agent speaks no TLS."""
        with pytest.raises(ConfigError):
            self.make_resolver_at("https://127.0.0.1:1")

    def play(self, server: FaultyServer, name: str, value: str) -> str:
        super().play(server, name, value)
        return "/secretsmanager/get"

    def deny(self, name: str) -> None:
        self.refusing.answer(400, {}, refusal("AccessDeniedException", "User is not authorized"))
        self.address = self.refusing.url

    def credentials(self) -> Iterable[str]:
        return [self.agent.token]
