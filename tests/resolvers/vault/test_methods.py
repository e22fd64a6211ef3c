"""The methods to log in, each at a real OpenBao where that has it: userpass, LDAP, JWT, Kubernetes, TLS certificate."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from secretsource._deadline import Deadline
from secretsource.errors import AccessDenied, ConfigError, ResolverError
from secretsource.resolvers.vault import VaultResolver
from secretsource.resolvers.vault._auth import _jwt
from tests.fakes import FakeClock
from tests.resolvers.vault.logins import READ, clock, newest_token
from tests.resolvers.vault.support import (
    JSON,
    LOGGED_IN,
    no_environment,
    quick_retries,
    read,
    requests,
    resolver_of,
    server,
    together,
)
from tests.servers.faulty import FaultyServer
from tests.servers.jwt import Issuer
from tests.servers.openbao import OpenBao

__all__ = ["clock", "no_environment", "quick_retries", "server"]

USER = "bob.smith"
REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"


class Site:
    """A server with every method set up for one user, and what this user logs in with."""

    def __init__(self, bao: OpenBao, cluster: FaultyServer, folder: Path, authority: trustme.CA) -> None:
        self.bao = bao
        self.cluster = cluster
        self.password = secrets.token_hex()
        self.issuer = Issuer()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        self.cert = folder / "client.pem"
        self._authority = authority
        self.issue(self.cert, "mailer.example")
        self._set_up(authority)

    def issue(self, file: Path, name: str) -> None:
        """Write a certificate of the client, with its key."""
        issued = self._authority.issue_cert(name, common_name=name)
        issued.private_key_and_cert_chain_pem.write_to_path(str(file))

    def must(self, path: str, body: object, namespace: str | None = None) -> None:
        """Write to the server."""
        answer = self.bao.api("POST", path, body, namespace=namespace)
        assert answer.status < 300, (path, answer)

    def _set_up(self, authority: trustme.CA) -> None:
        self.bao.policy("app", READ)
        self.bao.put("secret", "app/x", {"value": "x"})
        tokens = {"token_policies": ["app"], "token_ttl": "60s"}
        # LDAP's login has the same form; OpenBao has no LDAP of its own any more.
        for mount, kind in {
            "userpass": "userpass",
            "ldap": "userpass",
            "jwt": "jwt",
            "oidc": "jwt",
            "kubernetes": "kubernetes",
            "cert": "cert",
        }.items():
            self.must(f"sys/auth/{mount}", {"type": kind})
        for mount in ("userpass", "ldap"):
            self.must(f"auth/{mount}/users/{USER}", tokens | {"password": self.password})
        for mount in ("jwt", "oidc"):
            self.must(
                f"auth/{mount}/config",
                {"jwt_validation_pubkeys": [self.issuer.public_key], "default_role": "ci"},
            )
            role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"]}
            self.must(f"auth/{mount}/role/ci", tokens | role)
        self.must(
            "auth/kubernetes/config",
            {
                "kubernetes_host": self.cluster.url,
                "token_reviewer_jwt": self.issuer.issue(sub="reviewer"),
                "kubernetes_ca_cert": authority.cert_pem.bytes().decode(),
                "disable_local_ca_jwt": True,
            },
        )
        bound = {"bound_service_account_names": ["mailer"], "bound_service_account_namespaces": ["shop"]}
        self.must("auth/kubernetes/role/mailer", tokens | bound)
        pem = authority.cert_pem.bytes().decode()
        for role, name in (("web", "mailer.example"), ("newer", "newer.example")):
            self.must(f"auth/cert/certs/{role}", tokens | {"certificate": pem, "allowed_dns_sans": name})

    def ci_token(self, **claims: object) -> str:
        """Return a JWT of a job that may read."""
        return self.issuer.issue(**{"sub": "job", "aud": "vault", **claims})

    def pod_token(self, name: str = "mailer") -> str:
        """Return what Kubernetes writes into a pod, and have it vouch for that."""
        user = {"username": f"system:serviceaccount:shop:{name}", "uid": "1", "groups": []}
        review = {"status": {"authenticated": True, "user": user}}
        self.cluster.answer(201, JSON, json.dumps(review), path=REVIEW)
        account = {"name": name, "uid": "1"}
        claims = {"kubernetes.io": {"namespace": "shop", "serviceaccount": account}}
        return self.issuer.issue(sub=user["username"], **claims)

    def auth(self, method: str) -> dict[str, object]:
        """Return what the user logs in with."""
        user = {"username": USER, "password": lambda: self.password}
        return {
            "userpass": lambda: user,
            "ldap": lambda: user,
            "jwt": lambda: {"jwt": self.ci_token, "role": "ci"},
            "oidc": lambda: {"jwt": self.ci_token},
            "kubernetes": lambda: {"role": "mailer", "jwt": self.pod_token},
            "cert": dict,
        }[method]() | {"method": method}

    def resolver(self, method: str, **more: object) -> VaultResolver:
        """Return a resolver that logs in with *method*; *more* are keys of ``auth``."""
        self.bao.clear_audit()
        settings: dict[str, object] = {"address": self.bao.url}
        if method == "cert":
            settings = {"address": self.bao.tls_url, "ca_file": str(self.ca), "client_cert": str(self.cert)}
        return VaultResolver(**settings, auth=self.auth(method) | more)

    def logins(self, method: str) -> int:
        """Return how often somebody logged in."""
        return sum(
            count for path, count in requests(self.bao).items() if path.startswith(f"auth/{method}/login")
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, authority = tmp_path_factory.mktemp("site"), trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = folder / "server.pem", folder / "server.key"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    with OpenBao(audit=True, tls=(cert, key)) as bao, FaultyServer(context) as cluster:
        yield Site(bao, cluster, folder, authority)


METHODS = ["userpass", "ldap", "jwt", "oidc", "kubernetes", "cert"]


# What holds for each


@pytest.mark.parametrize("method", METHODS)
def test_one_login_serves_all_threads(site: Site, method: str) -> None:
    vault = site.resolver(method)
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert 1 == site.logins(method)


@pytest.mark.parametrize("method", METHODS)
def test_a_token_that_was_revoked_is_replaced_by_one_login_for_all(site: Site, method: str) -> None:
    vault = site.resolver(method)
    read(vault, "app/x/value")
    site.bao.revoke(newest_token(vault))
    assert ["x"] * 16 == together(lambda: read(vault, "app/x/value"))
    assert 2 == site.logins(method)


@pytest.mark.parametrize("method", METHODS)
def test_its_token_is_renewed_at_two_thirds_of_its_life(site: Site, method: str, clock: FakeClock) -> None:
    vault = site.resolver(method)
    read(vault, "app/x/value")
    clock.now += 41
    read(vault, "app/x/value")
    assert (1, 1) == (site.logins(method), requests(site.bao)["auth/token/renew-self"])


@pytest.mark.parametrize("method", METHODS)
def test_a_denied_path_costs_two_logins_at_most(site: Site, method: str) -> None:
    vault = site.resolver(method)
    with pytest.raises(AccessDenied):
        read(vault, "closed/x/value")
    assert 2 == site.logins(method)


@pytest.mark.parametrize("method", METHODS)
def test_a_mount_that_is_not_there_is_told(site: Site, method: str) -> None:
    with pytest.raises(ResolverError, match="on login"):
        read(site.resolver(method, mount="nowhere"), "app/x/value")


@pytest.mark.parametrize("method", ["approle", "aws", *METHODS])
def test_a_mount_that_is_no_path_is_a_wrong_configuration(site: Site, method: str) -> None:
    keys = {"approle": {"role_id": "x", "secret_id": "y"}, "aws": {}}
    auth = site.auth(method) if method in METHODS else {"method": method} | keys[method]
    with pytest.raises(ConfigError, match="must be a path, such as 'approle'"):
        VaultResolver(address="https://127.0.0.1:1", auth=auth | {"mount": "../sys"})


# What each is refused with


WRONG: dict[str, Callable[[Site], dict[str, object]]] = {
    "userpass": lambda _site: {"password": secrets.token_hex()},
    "ldap": lambda _site: {"username": "nobody"},
    "jwt": lambda site: {"jwt": site.ci_token(aud="somebody else")},
    "oidc": lambda site: {"jwt": Issuer().issue(sub="job", aud="vault")},
    "kubernetes": lambda site: {"jwt": lambda: site.pod_token("other")},
    "cert": lambda _site: {"name": "nobody"},
}


@pytest.mark.parametrize(
    ("method", "refused"),
    [
        ("userpass", "username or password"),
        ("ldap", "username or password"),
        ("jwt", "the JWT or the role"),
        ("oidc", "the JWT or the role"),
        ("kubernetes", "the service account or the role"),
        ("cert", "the client certificate or the role"),
    ],
)
def test_a_refusal_says_what_was_refused_after_one_login(site: Site, method: str, refused: str) -> None:
    with pytest.raises(AccessDenied, match=rf"HTTP 40[03] .* on login; auth/{method} refused {refused}"):
        read(site.resolver(method, **WRONG[method](site)), "app/x/value")
    assert 1 == site.logins(method)


@pytest.mark.parametrize(
    ("method", "key"), [("userpass", "username"), ("ldap", "password"), ("jwt", "jwt"), ("kubernetes", "jwt")]
)
def test_a_credential_that_is_empty_is_not_sent(site: Site, method: str, key: str) -> None:
    with pytest.raises(AccessDenied, match="to log in with is empty"):
        read(site.resolver(method, **{key: lambda: "\n"}), "app/x/value")
    assert 0 == site.logins(method)


# User names


@pytest.mark.parametrize("method", ["userpass", "ldap"])
@pytest.mark.parametrize("name", ["..", "../../../sys/health", "a?b", "a#b", "/", "a/../b"])
def test_a_username_never_leads_to_another_path(site: Site, method: str, name: str) -> None:
    with pytest.raises(ResolverError):
        read(site.resolver(method, username=name), "app/x/value")
    assert site.logins(method) == sum(requests(site.bao).values())


@pytest.mark.parametrize("method", ["userpass", "ldap"])
@pytest.mark.parametrize("name", ["bob smith", "CORP\\bob", "100%", "%2e%2e", "a+b@shop.example", "jürgen"])
def test_a_username_is_sent_as_it_is(server: FaultyServer, method: str, name: str) -> None:
    server.answer(200, JSON, LOGGED_IN, path=f"/v1/auth/{method}/login/{quote(name, safe='')}")
    auth = {"method": method, "username": name, "password": secrets.token_hex}
    assert "good" == read(resolver_of(server, auth=auth), "app/key")


# JWTs


def test_a_jwt_is_read_anew_at_each_login(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "jwt"
    file.write_text(site.ci_token() + "\n")
    vault = site.resolver("jwt", jwt=file.read_text)
    read(vault, "app/x/value")
    file.write_text(site.ci_token(lives=-600))
    site.bao.revoke(newest_token(vault))
    with pytest.raises(AccessDenied, match="refused the JWT"):
        read(vault, "app/x/value")
    file.write_text(site.ci_token())
    assert "x" == read(vault, "app/x/value")


def test_without_a_role_the_default_role_of_the_mount_is_taken(site: Site) -> None:
    auth = {"method": "jwt", "jwt": site.ci_token}
    assert "x" == read(VaultResolver(address=site.bao.url, auth=auth), "app/x/value")


# Kubernetes


def test_the_token_of_the_pod_is_where_kubernetes_writes_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(site.pod_token())
    monkeypatch.setattr(_jwt, "SERVICE_ACCOUNT_TOKEN", str(file))
    auth = {"method": "kubernetes", "role": "mailer"}
    assert "x" == read(VaultResolver(address=site.bao.url, auth=auth), "app/x/value")
    reviewed = json.loads(site.cluster.requests[-1].body)["spec"]["token"]
    assert file.read_text() == reviewed


def test_a_machine_that_is_no_pod_is_told_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "/var/run/secrets/kubernetes.io/serviceaccount/token" == _jwt.SERVICE_ACCOUNT_TOKEN
    monkeypatch.setattr(_jwt, "SERVICE_ACCOUNT_TOKEN", "/nowhere/token")
    auth = {"method": "kubernetes", "role": "mailer"}
    with pytest.raises(AccessDenied, match="there is no /nowhere/token: this is no pod of Kubernetes"):
        read(VaultResolver(address=site.bao.url, auth=auth), "app/x/value")


# Certificates


def test_the_role_of_a_certificate_may_be_named(site: Site) -> None:
    assert "x" == read(site.resolver("cert", name="web"), "app/x/value")


def test_a_certificate_of_somebody_else_is_refused(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("mailer.example").private_key_and_cert_chain_pem.write_to_path(str(other))
    vault = VaultResolver(
        address=site.bao.tls_url, ca_file=str(site.ca), client_cert=str(other), auth={"method": "cert"}
    )
    with pytest.raises(AccessDenied, match="auth/cert refused the client certificate"):
        read(vault, "app/x/value")


def test_a_certificate_that_was_replaced_brings_a_new_login_in_place_of_a_renewal(
    site: Site, tmp_path: Path, clock: FakeClock
) -> None:
    file = tmp_path / "client.pem"
    settings = {"address": site.bao.tls_url, "ca_file": str(site.ca), "client_cert": str(file)}
    site.issue(file, "mailer.example")
    vault = VaultResolver(**settings, auth={"method": "cert"})
    assert vault.check(Deadline(5)).identity.startswith("cert-web ")
    site.issue(file, "newer.example")
    clock.now += 41  # the server renews for the certificate that has logged in, and for no other
    assert vault.check(Deadline(5)).identity.startswith("cert-newer ")


@pytest.mark.parametrize("prefix", ["BAO", "VAULT"])
def test_the_certificate_may_stand_in_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    for name, value in (("ADDR", site.bao.tls_url), ("CACERT", site.ca), ("CLIENT_CERT", site.cert)):
        monkeypatch.setenv(f"{prefix}_{name}", str(value))
    monkeypatch.setenv(f"{prefix}_CLIENT_KEY", str(site.cert))
    assert "x" == read(VaultResolver(auth={"method": "cert"}), "app/x/value")


def test_a_variable_for_the_key_does_not_belong_to_a_certificate_of_the_settings(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_CLIENT_KEY", "/nowhere/key.pem")
    assert "x" == read(site.resolver("cert"), "app/x/value")


def test_a_login_with_a_certificate_needs_one_and_https(site: Site) -> None:
    for settings in (
        {"address": "https://127.0.0.1:1"},
        {"address": site.bao.url, "client_cert": str(site.cert)},
    ):
        with pytest.raises(
            ConfigError, match=r"\[resolvers.vault\] needs client_cert, and an address with https"
        ):
            VaultResolver(**settings, auth={"method": "cert"})


def test_a_key_alone_is_a_wrong_configuration(site: Site) -> None:
    with pytest.raises(ConfigError, match=r"client_key .* is of no use alone"):
        VaultResolver(address=site.bao.tls_url, client_key=str(site.cert))


# Namespaces


def test_a_login_happens_in_the_namespace(site: Site) -> None:
    site.bao.namespace("team")
    site.must("sys/auth/userpass", {"type": "userpass"}, "team")
    site.must("auth/userpass/users/ann", {"password": site.password, "token_policies": ["all"]}, "team")
    site.must("sys/policies/acl/all", {"policy": 'path "kv/*" { capabilities = ["read"] }'}, "team")
    site.must("sys/mounts/kv", {"type": "kv", "options": {"version": "1"}}, "team")
    site.must("kv/x", {"value": "of the team"}, "team")
    auth = {"method": "userpass", "username": "ann", "password": lambda: site.password}
    vault = VaultResolver(address=site.bao.url, namespace="team", mount="kv", auth=auth)
    assert "of the team" == read(vault, "x")
    with pytest.raises(AccessDenied):
        read(VaultResolver(address=site.bao.url, mount="kv", auth=auth), "x")


# No token


def test_without_a_token_no_header_for_one_is_sent(server: FaultyServer) -> None:
    assert "good" == read(resolver_of(server, auth={"method": "none"}), "app/key")
    assert not any("x-vault-token" in received.headers for received in server.requests)


# What no server here does


def test_a_second_factor_that_is_asked_for_is_told(server: FaultyServer) -> None:
    asks = {"auth": {"client_token": "", "mfa_requirement": {"mfa_request_id": "1"}}}
    server.answer(200, JSON, json.dumps(asks), path="/v1/auth/ldap/login/bob")
    auth = {"method": "ldap", "username": "bob", "password": secrets.token_hex}
    with pytest.raises(AccessDenied, match="asks for a second factor"):
        read(resolver_of(server, auth=auth), "app/key")
