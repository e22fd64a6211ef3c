"""The contract finds resolvers that believe a server that goes wrong, wait for it, or tell what it repeats."""

from __future__ import annotations

import json
import logging
import secrets
import ssl
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
import trustme
import urllib3

from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers import Deadline, Document, Location
from secretsource.testing import FaultyServer, ResolverContract
from secretsource.testing._contract.served import ServedTests
from tests.testing.http_resolver import HttpResolver
from tests.testing.test_contract import failing


class Following(HttpResolver):
    follows = True


class Trusting(HttpResolver):
    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self._pool = urllib3.PoolManager(retries=False, cert_reqs="CERT_NONE")


class Insistent(HttpResolver):
    def asked(self, location: Location, deadline: Deadline) -> Any:
        said = super().asked(location, deadline)
        again = isinstance(said, ResolverError) and said.reason is Reason.TLS
        return super().asked(location, deadline) if again else said


class Patient(HttpResolver):
    def asked(self, location: Location, deadline: Deadline) -> Any:
        return super().asked(location, Deadline(3.0))


class Dripped(HttpResolver):
    """Looks at the time only once the body is whole."""

    def body(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> Any:
        return super().body(response, Deadline(2.0))


class Devouring(HttpResolver):
    def body(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> Any:
        body = b"".join(response.stream(65536))
        return resolver_error(Reason.TIMEOUT) if deadline.expired else body


class Meaning(HttpResolver):
    """Takes an answer otherwise, as `read` says."""

    def read(self, status: int, headers: Any, body: bytes) -> Any:
        raise NotImplementedError

    def meaning(self, status: int, headers: Any, body: bytes) -> Any:
        said = self.read(status, headers, body)
        return super().meaning(status, headers, body) if said is ... else said


class MissingByStatus(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        return None if status == 404 else ...


class MissingIfDenied(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        return None if status == 403 else ...


class BrokenIfDown(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        return resolver_error(Reason.BROKEN) if status >= 500 else ...


class AnyJson(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        return None if status == 200 and body in {b"null", b"{}", b"[]"} else ...


class AnyText(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        return Document(fields={"field": body.decode()}) if body.startswith(b"<") and status == 200 else ...


class WithoutWait(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        return resolver_error(Reason.THROTTLED) if status == 429 else ...


class Telling(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        return resolver_error(Reason.SERVER, body.decode()) if status == 500 else ...


class Logging(Meaning):
    def read(self, status: int, headers: Any, body: bytes) -> Any:
        logging.getLogger("http").debug("answered %r", body)
        return ...


class InFrames(HttpResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        plain = str(self._token)
        assert plain
        return super().fetch(location, deadline)


class Chained(HttpResolver):
    def fetch(self, location: Location, deadline: Deadline) -> Any:
        try:
            return super().fetch(location, deadline)
        except ResolverError as error:
            raise error.copy() from error


class Closed(HttpResolver):
    def reason_of(self, error: Any) -> Reason:
        return Reason.BROKEN


class Short(HttpResolver):
    def body(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> Any:
        try:
            return super().body(response, deadline)
        except urllib3.exceptions.HTTPError:
            return b'{"fields": {}}'


class Unreachable(HttpResolver):
    def asked(self, location: Location, deadline: Deadline) -> Any:
        said = super().asked(location, deadline)
        again = isinstance(said, ResolverError) and said.reason is Reason.REFUSED
        return resolver_error(Reason.SERVER) if again else said


class Forgetful(HttpResolver):
    def asked(self, location: Location, deadline: Deadline) -> Any:
        return None


def served_contract_of(resolver: type[HttpResolver]) -> type[ResolverContract]:
    """Return the part of the contract about a server, for a resolver."""

    class Contract(ResolverContract):
        token: ClassVar[str] = secrets.token_hex(16)

        def setup_method(self) -> None:
            """Nothing is kept."""

        def make_resolver_at(self, url: str) -> HttpResolver:
            return resolver(url, self.token)

        def play(self, server: FaultyServer, name: str, value: str) -> str:
            path, _, field = name.rpartition("/")
            server.answer(body=json.dumps({"fields": {field: value}}), path=f"/{path}")
            return f"/{path}"

        def untrusted_context(self) -> ssl.SSLContext:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
            return context

        def credentials(self) -> Iterable[str]:
            return [self.token]

    for name in dir(Contract):
        if name.startswith("test_") and name not in vars(ServedTests):
            setattr(Contract, name, None)
    return Contract


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (Following, "no_redirect_is_followed"),
        (Trusting, "a_certificate_that_is_not_trusted_is_loud"),
        (Insistent, "a_certificate_that_is_not_trusted_is_loud"),
        (Insistent, "plain_http_where_tls_is_expected_is_loud"),
        (Patient, "a_hang_ends_at_the_deadline"),
        (Dripped, "a_drip_ends_at_the_deadline"),
        (Devouring, "an_answer_without_end_is_not_read_whole"),
        (MissingByStatus, "a_404_of_somebody_else_is_not_taken_for_not_there"),
        (MissingIfDenied, "a_refusal_is_an_error"),
        (BrokenIfDown, "a_server_in_trouble_is_unavailable"),
        (AnyJson, "an_answer_that_holds_no_value_is_broken"),
        (AnyText, "an_answer_that_holds_no_value_is_broken"),
        (WithoutWait, "a_wait_that_does_not_fit_ends_at_once"),
        (Telling, "no_fault_shows_a_secret"),
        (Logging, "no_fault_shows_a_secret"),
        (InFrames, "no_fault_shows_a_secret"),
        (Chained, "no_fault_shows_a_secret"),
        (Closed, "a_connection_that_is_closed_without_an_answer_is_unavailable"),
        (Short, "an_answer_that_is_cut_is_broken"),
        (Unreachable, "where_nobody_listens_it_is_unavailable"),
        (Forgetful, "a_server_that_is_well_is_read"),
    ],
)
def test_a_resolver_that_a_server_leads_astray_is_found(resolver: type[HttpResolver], expected: str) -> None:
    contract = served_contract_of(resolver)
    for name in dir(contract):
        if name.startswith("test_") and name != f"test_{expected}":
            setattr(contract, name, None)
    assert {expected} == failing(contract)


def test_a_resolver_that_keeps_the_contract_is_not_blamed() -> None:
    assert set() == failing(served_contract_of(HttpResolver))


def test_each_test_about_a_server_finds_somebody() -> None:
    marks: Any = test_a_resolver_that_a_server_leads_astray_is_found
    found = {f"test_{expected}" for _, expected in marks.pytestmark[0].args[1]}
    assert {name for name in vars(ServedTests) if name.startswith("test_")} == found


def test_without_its_hooks_nothing_is_served() -> None:
    class Plain(ResolverContract):
        """Speaks no HTTP."""

    assert [None] == list({getattr(Plain, name) for name in vars(ServedTests) if name.startswith("test_")})
