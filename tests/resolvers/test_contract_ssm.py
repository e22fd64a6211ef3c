"""Parameter Store, as moto plays it, keeps the contract of every resolver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest

from secretsource.resolvers.ssm import SsmResolver
from secretsource.testing import ResolverContract
from tests.resolvers.ssm.support import Login, login, moto, refusal, server, ssm_client, write
from tests.servers.faulty import FaultyServer
from tests.servers.moto import Moto

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = ["login", "moto", "server"]


@pytest.fixture(scope="module")
def client(moto: Moto) -> Iterator[SSMClient]:
    client = ssm_client(moto)
    yield client
    client.close()


class TestSsm(ResolverContract):
    binary = False
    stores_empty = False  # a parameter has at least one character
    versions = True
    batches = True
    writes = checks = policies = True
    prefix = ""

    @pytest.fixture(autouse=True)
    def _servers(self, moto: Moto, client: SSMClient, login: Login, server: FaultyServer) -> None:
        self.url, self.client, self.login, self.refusing = moto.url, client, login, server

    @pytest.fixture(autouse=True)
    def _sts(self, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)

    def make_resolver(self) -> SsmResolver:
        return SsmResolver(endpoint_url=self.url, prefix=self.prefix)

    def put(self, name: str, value: str | bytes) -> None:
        assert isinstance(value, str)
        write(self.client, f"/{self.prefix}{name}", value)

    def remove(self, name: str) -> None:
        self.client.delete_parameter(Name=f"/{self.prefix}{name}")

    def deny(self, name: str) -> None:
        """Moto has no permissions: another server says no."""
        self.refusing.answer(400, {}, refusal("AccessDeniedException", "User is not authorized"))
        self.url = self.refusing.url

    def reference(self, name: str, *, version: str | None = None) -> str:
        return f"ssm://{self.prefix}{name}{f'?version={version}' if version else ''}"

    def credentials(self) -> Iterable[str]:
        return [self.login.secret_key.text, self.login.session_token.text]


class TestSsmWithPrefix(TestSsm):
    prefix = "prod/app-"
