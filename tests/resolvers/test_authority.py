"""Certificates to trust: loaded when a resolver is built, in place of the system's."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from secretsource.errors import ConfigError
from secretsource.resolvers._authority import SYSTEM, authority_of


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


def test_a_file_or_text_holds_the_only_certificates_that_are_trusted(pem: Path) -> None:
    text = "Größe: 1\n" + pem.read_text()
    for authority in (authority_of("ca_file", file=pem), authority_of("the variable X", pem=text)):
        assert 1 == len(authority.context().get_ca_certs())
        assert authority.context().check_hostname


def test_without_one_the_systems_store_is_trusted(monkeypatch: pytest.MonkeyPatch, pem: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))

    assert 1 <= len(SYSTEM.context().get_ca_certs())


def test_a_path_may_start_at_home(monkeypatch: pytest.MonkeyPatch, pem: Path) -> None:
    monkeypatch.setenv("HOME", str(pem.parent))

    assert str(pem) == authority_of("ca_file", file="~/ca.pem").file


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (b"", "holds no certificates in PEM form"),
        (b"no certificate", "holds no certificates in PEM form"),
        (b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", "holds no certificates in PEM form"),
    ],
)
def test_a_file_without_certificates_is_named_with_its_setting(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "bad.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        authority_of("the ca_file under [resolvers.vault]", file=path)
    assert f"the ca_file under [resolvers.vault] '{path}' {problem}" == str(caught.value)


@pytest.mark.parametrize("text", ["plain text", "käse"])
def test_a_text_without_certificates_is_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        authority_of("the variable X", pem=text)
    assert str(caught.value).startswith("the variable X ")
    assert text not in str(caught.value)


def test_a_file_that_vanished_later_is_told_when_it_is_loaded_again(pem: Path) -> None:
    authority = authority_of("ca_file", file=pem)
    pem.unlink()

    with pytest.raises(ConfigError, match=r"ca_file .* cannot be read"):
        authority.context()
