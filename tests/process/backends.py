"""Backends behind TLS, and the variables with which a program reads from one of them and from nothing else."""

from __future__ import annotations

import secrets
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.servers.conjur import ConjurServer
from tests.servers.front import Front
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao

NAMES = tuple(f"fork{number}/key" for number in range(8))


@dataclass(frozen=True, slots=True)
class Backend:
    """A running server with some secrets.

    Attributes:
        environ: The variables of a program that reads from it.
        values: What each name has.
        reads: Returns how often each secret was read since the start.
    """

    environ: Mapping[str, str]
    values: Mapping[str, str] = field(repr=False)
    reads: Callable[[], Counter[str]]


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority of the tests' own, and a certificate for loopback."""

    authority: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return the context of a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificates(folder: Path) -> Certificates:
    """Write new certificates into *folder*."""
    made = Certificates(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(made.authority))
    issued.cert_chain_pems[0].write_to_path(str(made.certificate))
    issued.private_key_pem.write_to_path(str(made.key))
    return made


def new_values(names: tuple[str, ...] = NAMES) -> dict[str, str]:
    """Return a value for each name."""
    return {name: secrets.token_hex(16) for name in names}


@contextmanager
def aws(folder: Path) -> Iterator[Backend]:
    """Start moto, with TLS and kept connections in front of it."""
    certificates, values = make_certificates(folder), new_values()
    with Moto() as moto, Front(moto.url, certificates.context()) as front:
        client = moto.client()
        for name, value in values.items():
            secret, _, key = name.partition("/")
            client.create_secret(Name=secret, SecretString=f'{{"{key}": "{value}"}}')
        client.close()

        def reads() -> Counter[str]:
            asked = b"".join(body for _, _, body in front.requests)
            return Counter({name: asked.count(b'"%b"' % name.partition("/")[0].encode()) for name in values})

        environ = {
            **moto.environ,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": front.url,
            "AWS_CA_BUNDLE": str(certificates.authority),
            "SECRETSOURCE_CHAIN": "aws",
        }
        yield Backend(environ, values, reads)


@contextmanager
def vault(folder: Path) -> Iterator[Backend]:
    """Start OpenBao, which speaks TLS itself."""
    certificates, values = make_certificates(folder), new_values()
    with OpenBao(audit=True, tls=(certificates.certificate, certificates.key)) as bao:
        for name, value in values.items():
            path, _, key = name.partition("/")
            bao.put("secret", path, {key: value})
        bao.clear_audit()

        def reads() -> Counter[str]:
            asked = Counter(record["request"]["path"] for record in bao.audit_records(type="request"))
            return Counter({name: asked[f"secret/data/{name.partition('/')[0]}"] for name in values})

        environ = {
            "BAO_ADDR": bao.tls_url,
            "BAO_TOKEN": bao.root_token,
            "BAO_CACERT": str(certificates.authority),
            "SECRETSOURCE_CHAIN": "vault",
        }
        yield Backend(environ, values, reads)


def fill_conjur(server: ConjurServer, values: Mapping[str, str]) -> dict[str, str]:
    """Give *server* the values; return the variables of a program that reads from it."""
    for name, value in values.items():
        server.add_variable(name, value=value.encode(), readers=["alice"])
    return {
        "CONJUR_APPLIANCE_URL": server.url,
        "CONJUR_ACCOUNT": server.account,
        "CONJUR_AUTHN_LOGIN": "alice",
        "CONJUR_AUTHN_API_KEY": server.api_key("alice"),
        "SECRETSOURCE_CHAIN": "conjur",
    }


@contextmanager
def conjur(folder: Path) -> Iterator[Backend]:
    """Start the stand-in for Conjur, with TLS."""
    certificates, values = make_certificates(folder), new_values()
    with ConjurServer(ssl_context=certificates.context()) as server:
        environ = fill_conjur(server, values) | {"CONJUR_CERT_FILE": str(certificates.authority)}

        def reads() -> Counter[str]:
            asked = Counter(target for _, target in server.requests)
            path = f"/secrets/{server.account}/variable/"
            return Counter({name: asked[path + name.replace("/", "%2F")] for name in values})

        yield Backend(environ, values, reads)
        assert [] == server.problems
