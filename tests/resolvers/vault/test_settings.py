"""Settings of the Vault resolver, and where it looks: all of it without a server."""

from __future__ import annotations

import pickle
import secrets
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import trustme

from secretsource.errors import ConfigError, InvalidReference
from secretsource.resolvers import Location, Resolver, SupportsClose
from secretsource.resolvers.vault import VaultResolver

ADDRESS = "https://vault.example:8200"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADDR", "NAMESPACE", "CACERT", "CLIENT_CERT", "CLIENT_KEY", "TOKEN"):
        monkeypatch.delenv(f"VAULT_{name}", raising=False)
        monkeypatch.delenv(f"BAO_{name}", raising=False)


def _resolver(**settings: object) -> VaultResolver:
    return VaultResolver(**{"address": ADDRESS, **settings})


def test_it_is_a_resolver_that_can_be_closed() -> None:
    resolver = _resolver()
    assert isinstance(resolver, Resolver)
    assert isinstance(resolver, SupportsClose)
    resolver.close()


# Settings


def test_a_missing_address_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match=r"set address under \[resolvers\.vault-eu\] or VAULT_ADDR"):
        VaultResolver("vault-eu")


@pytest.mark.parametrize(
    ("setting", "bao", "vault", "expected"),
    [
        ("https://a:1", "https://b:2", "https://c:3", "https://a:1"),
        (None, "https://b:2", "https://c:3", "https://b:2"),
        (None, None, "https://c:3", "https://c:3"),
        (None, "", "https://c:3", "https://c:3"),
    ],
)
def test_the_setting_wins_over_bao_and_that_over_vault(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, bao: str | None, vault: str | None, expected: str
) -> None:
    for name, value in (("BAO_ADDR", bao), ("VAULT_ADDR", vault)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert f"VaultResolver('vault', address='{expected}')" == repr(VaultResolver(address=setting))


@pytest.mark.parametrize(
    "address",
    [
        "vault.example:8200",
        "ftp://vault.example",
        "https://",
        "https://vault.example:port",
        "https://vault.example:0",
        "https://vault.example/?x=1",
        "https://vault.example/#x",
        "https://vault.example/../x",
        "https://vault.example/%2e%2e",
        "https://vault.example/a b",
        "https://vault.example\n",
        "unix:///run/vault.sock",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"\[resolvers\.vault\]"):
        VaultResolver(address=address)


@pytest.mark.parametrize(
    "host", ["vault.example", "10.0.0.1", "127.0.0.1.example", "localhost.example", "0.0.0.0"]
)
def test_plain_http_is_refused_for_other_machines(host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        VaultResolver(address=f"http://{host}:8200")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_plain_http_is_accepted_for_loopback(host: str) -> None:
    assert f"http://{host}:8200" in repr(VaultResolver(address=f"http://{host}:8200/"))


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    password = secrets.token_hex(8)
    with pytest.raises(ConfigError) as caught:
        VaultResolver(address=f"https://user:{password}@vault.example:8200")
    assert password not in str(caught.value)


@pytest.mark.parametrize("namespace", ["a\nb", "ä", "../x"])
def test_a_namespace_that_is_none_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigError, match="namespace"):
        _resolver(namespace=namespace)


@pytest.mark.parametrize("mount", ["", "/", "../x", "a//b", "sys", "auth/token", "ä"])
def test_a_mount_that_is_none_is_refused(mount: str) -> None:
    with pytest.raises(ConfigError, match="mount"):
        _resolver(mount=mount)


@pytest.mark.parametrize("prefix", ["/prod/", "../", "a//", "ä/", "a/./"])
def test_a_prefix_that_cannot_stand_before_a_name_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        _resolver(prefix=prefix)


def test_a_ca_file_that_is_missing_or_no_pem_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        _resolver(ca_file=str(tmp_path / "none.pem"))
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="no certificates"):
        _resolver(ca_file=str(tmp_path / "bad.pem"))


def test_a_ca_file_of_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match="ca_file"):
        _resolver()
    good = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(good))
    monkeypatch.setenv("BAO_CACERT", str(good))
    assert "vault.example" in repr(_resolver())


@pytest.mark.parametrize("path", ["/ui", "/ui/vault/secrets", "/v1", "/v1/", "/proxy/v1/secret"])
def test_an_address_of_the_browser_or_of_the_api_says_what_to_write(path: str) -> None:
    with pytest.raises(ConfigError, match=r"'/(ui|v1)' in it: write only what stands before that"):
        _resolver(address=ADDRESS + path)


def test_a_private_key_in_the_variable_for_its_path_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    canary = secrets.token_hex(8)
    monkeypatch.setenv("VAULT_CLIENT_CERT", "client.pem")
    monkeypatch.setenv("VAULT_CLIENT_KEY", f"-----BEGIN PRIVATE KEY-----\n{canary}")
    with pytest.raises(ConfigError, match=r"the key of the client_cert .* is no path") as caught:
        _resolver()
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if "/tests/" not in frame.f_code.co_filename]
    assert ours
    assert canary not in str(caught.value) + "".join(repr(frame.f_locals) for frame in ours)


@pytest.mark.parametrize("limit", [0, "1", True])
def test_a_size_limit_must_be_a_number_above_zero(limit: object) -> None:
    with pytest.raises(ConfigError, match=r"max_bytes under \[resolvers\.vault\]"):
        _resolver(max_bytes=limit)


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({}, "known are: approle, aws, cert, jwt, kubernetes, ldap, none, oidc, token, userpass"),
        ({"method": "aprole"}, "did you mean 'approle'?"),
        ({"method": "github"}, "known are: approle, aws, .*, userpass"),
        ({"method": "ldap"}, "needs 'username' and 'password'"),
        ({"method": "none", "token": "x"}, "unknown key 'token'"),
        ({"method": "token"}, "needs 'token'"),
        ({"method": "token", "tokn": "x"}, "unknown key 'tokn'.*did you mean 'token'?"),
        ({"method": "approle"}, "needs 'role_id' and 'secret_id'"),
        ({"method": "approle", "role_id": "x", "secret": "y"}, "did you mean 'secret_id'?"),
        ({"method": "approle", "role_id": "", "secret_id": "y"}, "'role_id' .* not empty"),
        ({"method": "approle", "role_id": 1, "secret_id": "y"}, "'role_id' .* text"),
        ({"method": "approle", "role_id": "x", "secret_id": "y", "mount": "../x"}, "mount"),
        ("token", "must be a table"),
    ],
)
def test_auth_that_is_wrong_says_what_is_known(auth: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _resolver(auth=auth)


@pytest.mark.parametrize("mount", ["../sys", "a//b", lambda: "approle"])
def test_the_mount_of_an_auth_method_is_a_path_and_no_reference(mount: object) -> None:
    auth = {"method": "approle", "role_id": "x", "secret_id": "y", "mount": mount}
    with pytest.raises(ConfigError, match="the mount of an auth method must be a path"):
        _resolver(auth=auth)


def test_credentials_are_not_asked_for_when_it_is_built() -> None:
    def never() -> str:
        raise AssertionError

    _resolver(auth={"method": "token", "token": never})
    _resolver(auth={"method": "approle", "role_id": never, "secret_id": never})


def test_repr_shows_no_credential_and_pickling_is_refused() -> None:
    token = secrets.token_hex(8)
    resolver = _resolver(auth={"method": "token", "token": token})
    assert token not in repr(resolver)
    with pytest.raises(TypeError, match="credentials"):
        pickle.dumps(resolver)


def test_building_one_imports_neither_hvac_nor_urllib3() -> None:
    code = (
        "import sys\n"
        "from secretsource.resolvers.vault import VaultResolver\n"
        f"VaultResolver(address={ADDRESS!r}).locate('a/b')\n"
        "print([name for name in ('hvac', 'requests', 'urllib3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


# Locations


@pytest.mark.parametrize(
    ("name", "address", "field"),
    [
        ("pepipost/api_key", "secret/pepipost", "api_key"),
        ("a/b/c", "secret/a/b", "c"),
        ("stripe_key", "secret/stripe_key", "value"),
    ],
)
def test_the_last_segment_of_a_name_is_the_field(name: str, address: str, field: str) -> None:
    assert Location(address=address, field=field) == _resolver().locate(name)


def test_a_document_is_the_whole_name() -> None:
    assert Location(address="secret/db/primary", document=True) == _resolver().locate(
        "db/primary", document=True
    )


def test_mount_and_prefix_stand_before_a_name() -> None:
    resolver = _resolver(mount="/team/kv/", prefix="prod/")
    assert "team/kv/prod/pepipost#api_key" == str(resolver.locate("pepipost/api_key"))
    assert "team/kv/prod-x#value" == str(_resolver(mount="team/kv", prefix="prod-").locate("x"))


def test_a_reference_names_mount_and_path_itself() -> None:
    resolver = _resolver(mount="team/kv", prefix="prod/")
    assert "kv/email/pepipost#api_key" == str(resolver.locate("vault://kv/email/pepipost#api_key"))
    assert "kv/email#value" == str(resolver.locate("vault://kv/email"))
    assert "kv/my account#value" == str(resolver.locate("vault://kv/my%20account"))
    assert Location(address="kv/email", document=True) == resolver.locate("vault://kv/email", document=True)


def test_a_version_is_a_whole_number() -> None:
    assert "3" == _resolver().locate("vault://kv/x?version=3").version
    assert "kv/x?version=3#value" == str(_resolver().locate("vault://kv/x?version=03"))


@pytest.mark.parametrize(
    "reference",
    [
        "vault://kv/x?stage=AWSCURRENT",
        "vault://kv/x?version=0",
        "vault://kv/x?version=-1",
        "vault://kv/x?version=1.5",
        "vault://kv/x?version=latest",
        "vault://kv/x?version=" + "9" * 30,
        "vault://kv",
        "vault:///kv/x",
        "vault://kv/",
        "vault://kv//x",
        "vault://kv/../sys/mounts",
        "vault://kv/%2e%2e/x",
        "vault://kv/%252e%252e/x",
        "vault://kv/a%252fb",
        "vault://kv/a%5c..",
        "vault://sys/mounts",
        "vault://auth/token/lookup-self",
        "vault://identity/x",
        "vault://cubbyhole/x",
        "vault://kv/" + "x" * 1100,
        "other://kv/x",
    ],
)
def test_a_reference_that_vault_cannot_answer_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference):
        _resolver().locate(reference)


def test_a_field_of_a_whole_document_is_refused() -> None:
    with pytest.raises(InvalidReference, match="whole document"):
        _resolver().locate("vault://kv/x#field", document=True)


@pytest.mark.parametrize(
    "name", ["", "..", "a/../b", "a//b", "/a", "a/", "a b", "a%2fb", "a?b", "a#b", "ä", "a\0b"]
)
def test_a_name_outside_the_grammar_is_refused(name: str) -> None:
    for document in (False, True):
        with pytest.raises(InvalidReference):
            _resolver(prefix="prod/").locate(name, document=document)
