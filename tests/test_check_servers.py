"""Checks against real servers: the policy that is told is enough, and no more than that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from secrets import token_hex

import pytest

from secretsource import AccessDenied, BackendUnavailable, LinkCheck, SecretNotFound, Store
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.vault import VaultResolver
from tests.servers.conjur import ConjurServer
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao

NAMES = ["pepipost/api_key", "pepipost/other", "db/primary/password"]


def only(links: tuple[LinkCheck, ...]) -> LinkCheck:
    (link,) = links
    return link


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.put("secret", "pepipost", {"api_key": token_hex(8), "other": token_hex(8)})
        server.put("secret", "db/primary", {"password": token_hex(8)})
        server.put("secret", "private", {"value": token_hex(8)})
        yield server


@pytest.fixture
def mailer(bao: OpenBao) -> Iterator[Store]:
    bao.policy("mailer", "# nothing yet")
    auth = {"method": "token", "token": bao.token(["mailer"])}
    with Store([VaultResolver(address=bao.url, auth=auth)]) as store:
        yield store


def test_vault_the_login_is_told(mailer: Store) -> None:
    health = only(mailer.check(()).links).health
    assert health is not None
    assert "mailer" in health.identity
    assert health.expires_in is not None
    assert 3500 < health.expires_in <= 3600


def test_vault_the_policy_is_enough_and_opens_nothing_else(bao: OpenBao, mailer: Store) -> None:
    link = only(mailer.check(NAMES).links)
    assert tuple(NAMES) == link.policy_names
    assert 2 == link.policy.count("capabilities")
    bao.policy("mailer", link.policy)
    assert () == mailer.check(NAMES).errors
    assert [AccessDenied] == [type(error) for error in mailer.check([*NAMES, "private"]).errors]


def test_vault_what_is_there_has_its_version_and_moment(bao: OpenBao, mailer: Store) -> None:
    bao.policy("mailer", 'path "secret/data/pepipost" { capabilities = ["read"] }')
    found = mailer.check(["pepipost/api_key", "pepipost/never"])
    name, missing = found.names
    assert name.found is not None
    assert ("vault", "1") == (name.found.link, name.found.version)
    assert name.created is not None
    assert name.created.tzinfo is not None
    assert isinstance(missing.error, SecretNotFound)
    assert "" == only(found.links).policy


def test_vault_a_refused_login_asks_for_no_policy(bao: OpenBao) -> None:
    role, _ = bao.approle("mailer", ["default"])
    auth = {"method": "approle", "role_id": role, "secret_id": token_hex(8)}
    with Store([VaultResolver(address=bao.url, auth=auth)]) as store:
        found = store.check(["pepipost/api_key"])
    assert [AccessDenied, AccessDenied] == [type(error) for error in found.errors]
    assert "" == only(found.links).policy


def test_vault_one_that_is_away_is_told_as_unavailable() -> None:
    with Store(
        [VaultResolver(address="http://127.0.0.1:9", auth={"method": "token", "token": "t"})]
    ) as store:
        assert [BackendUnavailable] * 2 == [type(error) for error in store.check(["a/b"], timeout=2).errors]


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moto]:
    with Moto() as server:
        for variable, given in server.environ.items():
            monkeypatch.setenv(variable, given)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        yield server


def test_aws_the_caller_and_the_version_are_told(moto: Moto) -> None:
    client = moto.client()
    version = client.create_secret(Name="pepipost", SecretString=json.dumps({"api_key": token_hex(8)}))[
        "VersionId"
    ]
    client.close()
    with Store([AwsResolver()]) as store:
        found = store.check(["pepipost/api_key", "pepipost/never", "never"])
    health = only(found.links).health
    assert health is not None
    assert health.identity.startswith("arn:aws:sts::")
    there = found.names[0]
    assert there.found is not None
    assert (version, True) == (there.found.version, there.created is not None)
    assert [SecretNotFound, SecretNotFound] == [type(error) for error in found.errors]
    assert "" == only(found.links).policy


@pytest.fixture
def conjur() -> Iterator[ConjurServer]:
    with ConjurServer() as server:
        for variable in ("pepipost/api_key", "pepipost/hidden", "db/primary/password"):
            server.set(variable, token_hex(8).encode())
        yield server
        assert [] == server.problems


def reader(server: ConjurServer, login: str) -> Store:
    auth = {"method": "api_key", "login": login, "api_key": server.api_key(login)}
    return Store([ConjurResolver(url=server.url, account=server.account, auth=auth)])


def test_conjur_the_login_is_told(conjur: ConjurServer) -> None:
    with reader(conjur, "host/app/web") as store:
        health = only(store.check(()).links).health
    assert health is not None
    assert "host/app/web" in health.identity
    assert health.expires_in is not None
    assert 0 < health.expires_in <= 480


@pytest.mark.parametrize(
    ("login", "names"),
    [
        ("carol", ["pepipost/api_key"]),  # who may see it and not use it: denied
        ("alice", ["pepipost/hidden"]),  # who may not even see it: not there, they say
        ("host/app/web", ["pepipost/hidden"]),
        ("bob", ["pepipost/api_key", "pepipost/hidden"]),
    ],
)
def test_conjur_the_policy_is_enough_and_opens_nothing_else(
    conjur: ConjurServer, login: str, names: list[str]
) -> None:
    with reader(conjur, login) as store:
        found = store.check(names)
        assert len(names) == len(found.errors)
        link = only(found.links)
        assert tuple(names) == link.policy_names
        conjur.load_policy(link.policy)
        assert () == store.check(names).errors
    with reader(conjur, "bob" if login != "bob" else "carol") as others:
        assert len(names) == len(others.check(names).errors)
