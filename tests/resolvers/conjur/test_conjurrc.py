"""``.conjurrc``: as the CLIs leave it, and only where nothing else says where Conjur is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsource.errors import BackendUnavailable, ConfigError
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.conjur._cli_settings import NOTHING, Conjurrc
from secretsource.resolvers.conjur._conjurrc import read_conjurrc
from tests.resolvers.conjur.support import read, value
from tests.resolvers.conjur.test_leaks import everything_about, raised
from tests.servers.conjur import ConjurServer

NAME = "pepipost/api_key"
GO = """\
account: myorg
appliance_url: https://conjur.example.com
netrc_path: /home/alice/.netrc
cert_file: /home/alice/conjur-server.pem
authn_type: ldap
service_id: corp
credential_storage: file
"""
PYTHON = """\
---
authn_type: authn
cert_file: '/home/alice/it''s.pem'
conjur_account: myorg
conjur_url: https://conjur.example.com
file_keystore: 'True'
"""
RUBY = """\
# written by conjur init
---
account: "myorg"    # ours
plugins: []
appliance_url: https://conjur.example.com/api
cert_file: ~
nested:
  account: another
  - list
"""


@pytest.fixture
def home() -> Path:
    return Path(os.environ["HOME"])


def written(home: Path, text: str) -> Conjurrc:
    (home / ".conjurrc").write_text(text)
    return read_conjurrc()


def test_what_the_go_cli_leaves_is_understood(home: Path) -> None:
    assert Conjurrc(
        path=str(home / ".conjurrc"),
        url="https://conjur.example.com",
        account="myorg",
        cert_file="/home/alice/conjur-server.pem",
        authn_type="ldap",
        service_id="corp",
        netrc_path="/home/alice/.netrc",
    ) == written(home, GO)


def test_what_the_python_cli_leaves_is_understood(home: Path) -> None:
    assert Conjurrc(
        path=str(home / ".conjurrc"),
        url="https://conjur.example.com",
        account="myorg",
        cert_file="/home/alice/it's.pem",
        authn_type="authn",
    ) == written(home, PYTHON)


def test_what_the_ruby_cli_leaves_is_understood_and_what_does_not_count_is_passed_over(home: Path) -> None:
    found = written(home, RUBY)

    assert ("https://conjur.example.com/api", "myorg", "") == (found.url, found.account, found.cert_file)


def test_without_a_file_nothing_is_said(home: Path) -> None:
    assert NOTHING is read_conjurrc()


@pytest.mark.parametrize(
    "line",
    [
        "account: [myorg]",
        "account: {a: b}",
        "account: &anchor myorg",
        "account: *anchor",
        "account: !!str myorg",
        "account: |",
        "account: >-",
        r'account: "my\x6frg"',
        'account: "myorg',
        "account: 'myorg' and more",
        "account: my: org",
        "account: myorg:",
        "account: @myorg",
        "account: - myorg",
        "account:\n  myorg",
        "account myorg",
        "account:myorg",
        "- account: myorg",
        "<html>",
    ],
)
def test_what_is_more_than_the_clis_write_is_refused_and_not_shown(home: Path, line: str) -> None:
    with pytest.raises(
        ConfigError, match=r"\.conjurrc', line [23]: only 'key: value' is understood"
    ) as caught:
        written(home, f"appliance_url: https://conjur.example.com\n{line}\n")
    assert "myorg" not in str(caught.value)


def test_a_hash_without_a_blank_before_it_is_no_comment(home: Path) -> None:
    assert "my#org" == written(home, "account: my#org # ours").account


def test_the_variable_names_another_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(home, GO)
    other = tmp_path / "rc"
    other.write_text("account: other\n")
    monkeypatch.setenv("CONJURRC", str(other))

    assert Conjurrc(path=str(other), account="other") == read_conjurrc()


def test_a_file_that_the_variable_names_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONJURRC", "/nonexistent/rc")

    with pytest.raises(
        ConfigError, match="the variable CONJURRC names '/nonexistent/rc', which is not there"
    ):
        read_conjurrc()


def test_a_file_that_everybody_may_write_is_refused(home: Path) -> None:
    written(home, GO)
    (home / ".conjurrc").chmod(0o666)

    with pytest.raises(ConfigError, match=r"\.conjurrc' is writable by everybody"):
        read_conjurrc()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused(home: Path) -> None:
    written(home, GO)
    os.chown(home / ".conjurrc", 12_345, 12_345)

    with pytest.raises(ConfigError, match=r"belongs to another user \(id 12345\)"):
        read_conjurrc()


def test_what_is_no_file_is_refused(home: Path) -> None:
    os.mkfifo(home / ".conjurrc")

    with pytest.raises(ConfigError, match="is no regular file"):
        read_conjurrc()


def test_a_file_in_the_working_directory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".conjurrc").write_text(GO)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match="Conjur's address is missing"):
        ConjurResolver()


# In use


@pytest.fixture
def logged_in(server: ConjurServer, home: Path) -> Path:
    """A home directory after ``conjur init`` and ``conjur login``."""
    written(home, f"account: {server.account}\nappliance_url: {server.url}\n")
    netrc = home / ".netrc"
    netrc.write_text(f"machine {server.url}/authn\nlogin alice\npassword {server.api_key('alice')}\n")
    netrc.chmod(0o600)
    return home


@pytest.mark.usefixtures("logged_in")
def test_after_init_and_login_nothing_is_to_be_set(canary: str) -> None:
    assert canary == value(ConjurResolver(), NAME)


@pytest.mark.usefixtures("logged_in")
def test_variables_win_over_it(server: ConjurServer, canary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONJUR_ACCOUNT", "other")

    assert "account='other'" in repr(ConjurResolver())
    assert "account='third'" in repr(ConjurResolver(account="third"))


@pytest.mark.parametrize("by", ["setting", "variable"])
def test_where_the_address_is_given_it_is_not_read(
    logged_in: Path, server: ConjurServer, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    (logged_in / ".conjurrc").write_text("neither understood nor asked for")
    if by == "variable":
        monkeypatch.setenv("CONJUR_APPLIANCE_URL", server.url)
    url = server.url if by == "setting" else None

    assert server.url in repr(ConjurResolver(url=url, account=server.account))
    with pytest.raises(ConfigError, match="Conjur's account is missing"):
        ConjurResolver(url=url)


def test_its_certificate_replaces_the_system_store(
    tls_server: ConjurServer, home: Path, ca_file: Path, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = {"method": "api_key", "login": "alice", "api_key": tls_server.api_key("alice")}
    text = f"account: demo\nappliance_url: {tls_server.url}\n"
    written(home, f"{text}cert_file: {ca_file}\n")
    assert canary == value(ConjurResolver(auth=auth), NAME)

    written(home, text)
    with pytest.raises(BackendUnavailable):
        read(ConjurResolver(auth=auth), NAME)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cert_file: conjur.pem", "must be an absolute path"),
        ("cert_file: /nonexistent.pem", "the cert_file in '.*conjurrc' '/nonexistent.pem' cannot be read"),
        ("authn_type: oidc", "type 'oidc' needs auth"),
        ("authn_type: ldap", "'ldap' needs its service"),
    ],
)
@pytest.mark.usefixtures("logged_in")
def test_what_cannot_be_used_is_told_when_the_resolver_is_built(home: Path, line: str, words: str) -> None:
    with (home / ".conjurrc").open("a") as file:
        file.write(line + "\n")

    with pytest.raises(ConfigError, match=words):
        ConjurResolver()


@pytest.mark.parametrize("url", ["http://conjur.example.com", "https://user:pw@conjur.example.com"])
def test_an_address_that_no_key_may_be_sent_to_is_told_with_its_file(home: Path, url: str) -> None:
    written(home, f"account: myorg\nappliance_url: {url}\n")

    error = raised(ConjurResolver)

    assert ".conjurrc" in str(error)
    assert "user:pw" not in everything_about(error).partition("/secretsource/")[2]


def test_a_line_that_is_not_understood_is_not_shown_nor_are_its_neighbours(home: Path) -> None:
    (home / ".conjurrc").write_text("appliance_url: https://user:pw@conjur.example.com\naccount: [pw]\n")

    assert "pw" not in everything_about(raised(ConjurResolver)).partition("/secretsource/")[2]
