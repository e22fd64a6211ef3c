"""Every way to log in, against the stand-in: who is let in, what is asked anew, and what a refusal says."""

from __future__ import annotations

import io
import secrets
from typing import Any

import pytest

from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import AccessDenied, BackendUnavailable, ConfigError, InvalidResponse, Reason
from secretsource.resolvers.conjur import _metadata
from secretsource.resolvers.conjur._login_request import Auth
from tests.resolvers.conjur.support import read, resolver_for, value
from tests.resolvers.conjur.test_leaks import everything_about, log, raised
from tests.servers.conjur import ConjurServer

__all__ = ["log"]

NAME = "pepipost/api_key"
HOST = "host/app/web"
CLAIMS = {"workload": "ci", "repository": "pepipost/mailer"}
METHODS = ["ldap", "jwt", "jwt of a host", "oidc", "azure", "gcp", "gcp with a service"]


class Proofs:
    """What each method proves itself with, made at run time, and the table ``auth`` of each."""

    def __init__(self, server: ConjurServer) -> None:
        self.password = MaskedStr(secrets.token_hex(12))
        self.cloud = MaskedStr(f"{secrets.token_hex(8)}.{secrets.token_urlsafe(8)}.x")
        server.enable_ldap("corp", {"alice": self.password})
        server.enable_trusted("authn-oidc/okta", {self.cloud: "alice"})
        server.enable_trusted("authn-azure/prod", {self.cloud: HOST})
        server.enable_trusted("authn-gcp", {self.cloud: HOST})
        self._server = server

    def jwt(self) -> MaskedStr:
        return MaskedStr(self._server.issue_jwt(CLAIMS))

    def auth(self, method: str) -> dict[str, Any]:
        tables: dict[str, dict[str, Any]] = {
            "api_key": {"login": "alice", "api_key": MaskedStr(self._server.api_key("alice"))},
            "ldap": {"service_id": "corp", "login": "alice", "password": self.password},
            "jwt": {"service_id": "ci", "jwt": self.jwt},
            "jwt of a host": {"method": "jwt", "service_id": "ci", "login": "host/app/ci", "jwt": self.jwt},
            "oidc": {"service_id": "okta", "jwt": self.cloud},
            "azure": {"service_id": "prod", "login": HOST, "jwt": self.cloud},
            "gcp": {"login": HOST, "jwt": self.cloud},
            "gcp with a service": {
                "method": "gcp",
                "service_id": "ci",
                "login": "host/app/ci",
                "jwt": self.jwt,
            },
        }
        return {"method": method, **tables[method]}


@pytest.fixture
def proofs(server: ConjurServer) -> Proofs:
    return Proofs(server)


@pytest.fixture
def no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks a metadata service where a JWT is given."""

    def asked(*_: object) -> None:
        raise AssertionError("the metadata service was asked")

    monkeypatch.setattr(_metadata, "_asked", asked)


@pytest.mark.usefixtures("no_metadata")
@pytest.mark.parametrize("method", METHODS)
def test_a_login_reads(server: ConjurServer, proofs: Proofs, canary: str, method: str) -> None:
    assert canary == value(resolver_for(server, auth=proofs.auth(method)), NAME)
    assert 1 == server.count("authenticate")


@pytest.mark.parametrize("method", METHODS)
def test_a_token_that_is_refused_leads_to_one_new_login(
    server: ConjurServer, proofs: Proofs, canary: str, method: str
) -> None:
    resolver = resolver_for(server, auth=proofs.auth(method))
    value(resolver, NAME)
    server.revoke_tokens()

    assert canary == value(resolver, NAME)
    assert 2 == server.count("authenticate")


@pytest.mark.parametrize("method", METHODS)
def test_a_refused_login_is_a_denial_that_is_not_repeated(
    server: ConjurServer, proofs: Proofs, method: str
) -> None:
    auth = proofs.auth(method)
    wrong = "password" if method == "ldap" else "jwt"
    auth[wrong] = secrets.token_hex(20)
    said = r"'alice'|'host/app/(web|ci)'|this login to 'authn-(jwt/ci|oidc/okta)'|'authn-gcp'"

    with pytest.raises(AccessDenied, match=rf"HTTP 401 from .*; (a JWT that|wrong password).* to ({said})"):
        read(resolver_for(server, auth=auth), NAME)
    assert 1 == server.count("authenticate")


def test_who_may_not_use_the_authenticator_is_told_which_one(server: ConjurServer, proofs: Proofs) -> None:
    server.enable_trusted("authn-azure/prod", {proofs.cloud: HOST})
    server.deny(HOST, ["authenticate"], f"{server.account}:webservice:conjur/authn-azure/prod")

    with pytest.raises(
        AccessDenied, match="no login for 'host/app/web': may it authenticate at 'authn-azure/prod'"
    ):
        read(resolver_for(server, auth=proofs.auth("azure")), NAME)


def test_a_jwt_that_ran_out_is_told_by_conjurs_own_code(server: ConjurServer) -> None:
    auth = {"method": "jwt", "service_id": "ci", "jwt": lambda: server.issue_jwt(CLAIMS, life=-10)}

    with pytest.raises(AccessDenied, match="CONJ00016E; a JWT that ran out"):
        read(resolver_for(server, auth=auth), NAME)


def test_a_jwt_is_read_anew_at_each_login(server: ConjurServer, canary: str) -> None:
    given: list[str] = []

    def jwt() -> str:
        given.append(server.issue_jwt({**CLAIMS, "jti": len(given)}) + "\n")
        return given[-1]

    resolver = resolver_for(server, auth={"method": "jwt", "service_id": "ci", "jwt": jwt})
    value(resolver, NAME)
    server.revoke_tokens()

    assert canary == value(resolver, NAME)
    assert 2 == len(set(given))


def test_whoever_a_jwt_is_for_is_named_in_messages(server: ConjurServer, proofs: Proofs) -> None:
    said = read(resolver_for(server, auth=proofs.auth("jwt")), "pepipost/nope")

    assert "missing, or not visible to 'host/app/ci'" == said.detail


@pytest.mark.parametrize("brought", ["", " \n", "two words", "a\tb", "é"])
@pytest.mark.parametrize("method", ["jwt", "oidc", "azure", "gcp"])
def test_what_is_no_jwt_is_not_sent(server: ConjurServer, proofs: Proofs, method: str, brought: str) -> None:
    auth = {**proofs.auth(method), "jwt": lambda: brought}

    with pytest.raises(
        ConfigError, match=f"method '{method}': what 'jwt' brings is empty, or no JWT"
    ) as caught:
        read(resolver_for(server, auth=auth), NAME)
    assert [] == server.requests
    assert not brought.strip() or brought not in str(caught.value)


@pytest.mark.parametrize("method", [*METHODS, "api_key"])
@pytest.mark.parametrize("fault", ["status:500", "close", "status:503"])
def test_an_authenticator_that_is_down_is_unavailable(
    server: ConjurServer, proofs: Proofs, method: str, fault: str
) -> None:
    server.fault(fault, times=9, match="authenticate")

    with pytest.raises(BackendUnavailable) as caught:
        read(resolver_for(server, auth=proofs.auth(method)), NAME)
    assert caught.value.reason in {Reason.SERVER, Reason.REFUSED}
    assert 3 == server.count("authenticate")


@pytest.mark.parametrize("method", [*METHODS, "api_key"])
def test_no_login_follows_a_redirect(server: ConjurServer, proofs: Proofs, method: str) -> None:
    with ConjurServer() as elsewhere:
        server.fault(f"redirect:307:{elsewhere.url}/", times=9, match="authenticate")
        with pytest.raises(InvalidResponse, match="redirect not followed"):
            read(resolver_for(server, auth=proofs.auth(method)), NAME)

        assert [] == elsewhere.requests


@pytest.mark.parametrize("method", [*METHODS, "api_key"])
@pytest.mark.parametrize(
    "fault", ["status:401", "status:403", "status:400", "status:500", "html200", "truncated", "close", "hang"]
)
def test_a_login_that_fails_shows_nothing(
    server: ConjurServer, proofs: Proofs, log: io.StringIO, method: str, fault: str
) -> None:
    given: list[MaskedStr] = [proofs.password, proofs.cloud, MaskedStr(server.api_key("alice"))]
    auth = proofs.auth(method)
    if auth.get("jwt") == proofs.jwt:
        auth["jwt"] = lambda: given.append(proofs.jwt()) or given[-1]
    server.fault(fault, times=9, match="authenticate")

    error = raised(lambda: read(resolver_for(server, auth=auth), NAME, seconds=0.4))

    told = everything_about(error) + log.getvalue()
    assert [] == [number for number, proof in enumerate(given) if proof[-24:].reveal() in told]


@pytest.mark.parametrize("method", METHODS)
def test_a_login_shows_what_proves_it_nowhere(server: ConjurServer, proofs: Proofs, method: str) -> None:
    resolver = resolver_for(server, auth=proofs.auth(method))
    auth: Auth = resolver._auth
    request = auth(server.account, Deadline(1))

    assert "body" not in repr(request)
    assert "MaskedBytes(b'********')" == repr(request.body)
