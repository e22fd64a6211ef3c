"""Logins without ``auth``: of the variables of Conjur's clients, and as Conjur's CLI has stored them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from secretsource.errors import ConfigError
from secretsource.resolvers._address import parse_address
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.conjur._netrc import machines_of
from tests.resolvers.conjur.support import value
from tests.resolvers.conjur.test_leaks import everything_about, raised
from tests.servers.conjur import ConjurServer

NAME = "pepipost/api_key"


class Home:
    """A home directory with a ``.netrc``."""

    def __init__(self, server: ConjurServer) -> None:
        self.netrc = Path(os.environ["HOME"]) / ".netrc"
        self._server = server

    def store(self, machine: str, login: str = "alice", key: str = "", *, more: str = "") -> None:
        key = key or self._server.api_key(login)
        self.netrc.write_text(f"{more}machine {machine}\n  login {login}\n  password {key}\n")
        self.netrc.chmod(0o600)


@pytest.fixture
def home(server: ConjurServer) -> Home:
    return Home(server)


def unset(server: ConjurServer) -> ConjurResolver:
    return ConjurResolver(url=server.url, account=server.account)


@pytest.mark.parametrize("machine", ["{url}/authn", "{url}", "127.0.0.1"])
def test_a_stored_login_is_found_as_each_cli_names_it(
    server: ConjurServer, home: Home, canary: str, machine: str
) -> None:
    home.store(machine.format(url=server.url))

    assert canary == value(unset(server), NAME)


def test_the_names_are_those_of_the_address() -> None:
    saas = parse_address("https://acme.secretsmgr.cyberark.cloud/api", "url")

    assert [
        "https://acme.secretsmgr.cyberark.cloud/api/authn",
        "https://acme.secretsmgr.cyberark.cloud/authn",
        "https://acme.secretsmgr.cyberark.cloud:443/api/authn",
        "https://acme.secretsmgr.cyberark.cloud:443/authn",
    ] == machines_of([saas], "authn")[:4]


def test_the_most_exact_entry_wins(server: ConjurServer, home: Home, canary: str) -> None:
    wrong = f"machine 127.0.0.1\n login bob\n password {secrets.token_hex(8)}\n"
    home.store(f"{server.url}/authn", more=wrong)

    assert canary == value(unset(server), NAME)


@pytest.mark.parametrize("machine", ["https://other.example.com/authn", "127.0.0.10", "{url}/authn-ldap/x"])
def test_the_login_of_another_server_is_not_sent(server: ConjurServer, home: Home, machine: str) -> None:
    home.store(machine.format(url=server.url), more=f"default login alice password {secrets.token_hex(8)}\n")

    with pytest.raises(ConfigError, match=r"the variable CONJUR_AUTHN_LOGIN, or auth .*, or one .* stored"):
        unset(server)
    assert [] == server.requests


def test_variables_win_over_a_stored_login(
    server: ConjurServer, home: Home, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.store(f"{server.url}/authn", "bob")
    monkeypatch.setenv("CONJUR_AUTHN_LOGIN", "alice")
    monkeypatch.setenv("CONJUR_AUTHN_API_KEY", server.api_key("alice"))

    assert canary == value(unset(server), NAME)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("CONJUR_AUTHN_LOGIN", "CONJUR_AUTHN_API_KEY"),
        ("CONJUR_AUTHN_API_KEY", "CONJUR_AUTHN_LOGIN"),
    ],
)
def test_half_of_the_variables_is_not_completed_by_a_stored_login(
    server: ConjurServer, home: Home, monkeypatch: pytest.MonkeyPatch, given: str, missing: str
) -> None:
    home.store(f"{server.url}/authn")
    monkeypatch.setenv(given, "x")

    with pytest.raises(ConfigError, match=f"the variable {missing}"):
        unset(server)


def test_the_file_is_read_anew_at_each_login(server: ConjurServer, home: Home, canary: str) -> None:
    home.store(f"{server.url}/authn")
    resolver = unset(server)
    value(resolver, NAME)
    server.rotate_api_key("alice")
    server.revoke_tokens()
    home.store(f"{server.url}/authn")

    assert canary == value(resolver, NAME)


def test_a_file_that_vanished_is_told_at_the_login(server: ConjurServer, home: Home) -> None:
    home.store(f"{server.url}/authn")
    resolver = unset(server)
    home.netrc.unlink()

    with pytest.raises(ConfigError, match="needs the variable CONJUR_AUTHN_LOGIN"):
        value(resolver, NAME)


def test_a_variable_names_another_file(
    server: ConjurServer, home: Home, canary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.netrc = tmp_path / "netrc"
    home.store(f"{server.url}/authn")
    monkeypatch.setenv("CONJUR_NETRC_PATH", str(home.netrc))

    assert canary == value(unset(server), NAME)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
def test_a_file_that_others_may_read_or_write_is_refused(server: ConjurServer, home: Home, mode: int) -> None:
    home.store(f"{server.url}/authn")
    home.netrc.chmod(mode)

    with pytest.raises(
        ConfigError, match=r"\.netrc' holds a key, and others may read or write it: chmod 600"
    ):
        unset(server)


def test_the_mode_that_the_python_cli_sets_is_taken(server: ConjurServer, home: Home, canary: str) -> None:
    home.store(server.url)
    home.netrc.chmod(0o700)

    assert canary == value(unset(server), NAME)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused(server: ConjurServer, home: Home) -> None:
    home.store(f"{server.url}/authn")
    os.chown(home.netrc, 12_345, 12_345)

    with pytest.raises(ConfigError, match=r"belongs to another user \(id 12345\): its key is not used"):
        unset(server)


@pytest.mark.parametrize(
    "text", ["machine {url}/authn login alice pasword {key}\n", "{key}\n", "machine {url}\n"]
)
def test_what_is_no_netrc_is_refused_and_not_shown(server: ConjurServer, home: Home, text: str) -> None:
    key = server.api_key("alice")
    home.netrc.write_text(text.format(url=server.url, key=key))
    home.netrc.chmod(0o600)

    error = raised(lambda: unset(server))

    assert "cannot be understood: write 'machine" in str(error)
    assert key not in everything_about(error).partition("/secretsource/")[2]


def test_a_refused_file_shows_no_key(server: ConjurServer, home: Home) -> None:
    home.store(f"{server.url}/authn-ldap/other")

    inside = everything_about(raised(lambda: unset(server))).partition("/secretsource/")[2]
    assert "in read" in inside
    assert server.api_key("alice") not in inside


# Other kinds of logins


def test_a_login_of_the_directory_is_stored_as_its_key(
    server: ConjurServer, home: Home, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.enable_ldap("corp", {"alice": secrets.token_hex(8)})
    home.store(f"{server.url}/authn-ldap/corp")
    monkeypatch.setenv("CONJUR_AUTHN_TYPE", "ldap")
    monkeypatch.setenv("CONJUR_SERVICE_ID", "corp")

    assert canary == value(unset(server), NAME)
    assert "/authn-ldap/corp/demo/alice/authenticate" == server.requests[0][1]


@pytest.mark.parametrize("named", ["CONJUR_AUTHN_JWT_SERVICE_ID", "CONJUR_SERVICE_ID"])
@pytest.mark.parametrize("host", ["", "host/app/ci"])
def test_a_pod_logs_in_with_the_token_that_lies_in_it(
    server: ConjurServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, host: str
) -> None:
    path = tmp_path / "token"
    path.write_text(server.issue_jwt({"workload": "ci", "repository": "pepipost/mailer"}) + "\n")
    monkeypatch.setenv(named, "ci")
    monkeypatch.setenv("CONJUR_AUTHN_TYPE", "jwt")
    monkeypatch.setenv("JWT_TOKEN_PATH", str(path))
    monkeypatch.setenv("CONJUR_AUTHN_JWT_HOST_ID", host)

    assert value(unset(server), NAME)
    assert ("host%2Fapp%2Fci" in server.requests[0][1]) == bool(host)


def test_a_jwt_can_stand_in_a_variable(
    server: ConjurServer, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONJUR_AUTHN_JWT_SERVICE_ID", "ci")
    monkeypatch.setenv(
        "CONJUR_AUTHN_JWT_TOKEN", server.issue_jwt({"workload": "ci", "repository": "pepipost/mailer"})
    )

    assert canary == value(unset(server), NAME)


def test_a_token_that_is_not_there_is_told_when_the_resolver_is_built(
    server: ConjurServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONJUR_AUTHN_JWT_SERVICE_ID", "ci")
    for path, words in ((tmp_path / "token", "nothing is at"), (tmp_path, "nothing is at")):
        monkeypatch.setenv("JWT_TOKEN_PATH", str(path))
        with pytest.raises(ConfigError, match=f"CONJUR_AUTHN_JWT_TOKEN, or JWT_TOKEN_PATH: {words}"):
            unset(server)


@pytest.mark.parametrize("kind", ["oidc", "iam", "azure", "gcp", "cert", "nonsense"])
def test_other_kinds_want_a_table(server: ConjurServer, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("CONJUR_AUTHN_TYPE", kind)

    with pytest.raises(ConfigError, match=f"type '{kind}' needs auth"):
        unset(server)
