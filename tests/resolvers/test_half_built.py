"""A resolver that was refused while it was built, in a traceback that shows local variables."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable

import pytest

from secretsource.errors import ConfigError
from secretsource.resolvers import Resolver
from secretsource.resolvers.aws import AwsResolver
from secretsource.resolvers.conjur import ConjurResolver
from secretsource.resolvers.keyring import KeyringResolver
from secretsource.resolvers.ssm import SsmResolver
from secretsource.resolvers.vault import VaultResolver
from tests.resolvers.aws.support import Canary

KINDS = pytest.mark.parametrize(
    "kind", [AwsResolver, VaultResolver, ConjurResolver, SsmResolver, KeyringResolver]
)


def _aws(url: str) -> Resolver:
    return AwsResolver(endpoint_url=url)


def _ssm(url: str) -> Resolver:
    return SsmResolver(endpoint_url=url)


def _vault(url: str) -> Resolver:
    return VaultResolver(address=url)


def _conjur(url: str) -> Resolver:
    return ConjurResolver(url=url, account="demo")


def _conjurs(url: str) -> Resolver:
    return ConjurResolver(url=["https://fine.example", url], account="demo")


def shown_by(build: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        build()
    return "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())


@KINDS
def test_it_has_a_repr(kind: type[Resolver]) -> None:
    assert kind.__name__ in repr(kind.__new__(kind))


@pytest.mark.parametrize("make", [_aws, _ssm, _vault, _conjur, _conjurs])
@pytest.mark.parametrize(
    "form", ["https://user:{}@host", "user:{}@host", "https://host/?token={}", "{} not-an-address"]
)
def test_a_password_in_an_address_is_not_shown(make: Callable[[str], Resolver], form: str) -> None:
    password = Canary()

    class Address(str):
        """Is not shown by the frames of the test itself."""

        __slots__ = ()

        def __repr__(self) -> str:
            return "Address()"

    address = Address(form.format(password.text))

    assert password.text not in shown_by(lambda: make(address))


@pytest.mark.parametrize(
    ("variable", "make"),
    [
        ("VAULT_ADDR", VaultResolver),
        ("BAO_ADDR", VaultResolver),
        ("CONJUR_APPLIANCE_URL", lambda: ConjurResolver(account="demo")),
    ],
)
def test_a_password_in_a_variable_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, make: Callable[[], Resolver]
) -> None:
    password = Canary()
    monkeypatch.setenv(variable, f"https://user:{password.text}@host")

    assert password.text not in shown_by(make)


def test_a_password_in_a_proxy_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from secretsource.resolvers._address import parse_address
    from secretsource.resolvers._authority import SYSTEM
    from secretsource.resolvers._http import Connections

    password = Canary()
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("https_proxy", f"ftp://user:{password.text}@host")

    assert password.text not in shown_by(
        lambda: Connections(parse_address("https://host.invalid", "url"), SYSTEM)
    )


def test_a_password_that_is_not_hidden_would_be_seen() -> None:
    def build() -> None:
        password = secrets.token_hex(8)
        raise ConfigError(password[:0])

    assert "password = '" in shown_by(build)
