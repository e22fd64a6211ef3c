"""The reason behind an exception: told by what it wraps, and not by what its caller was doing."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
from collections.abc import Callable

import botocore.exceptions
import pytest
from urllib3 import HTTPConnectionPool, exceptions

from secretsource.errors import Reason
from secretsource.resolvers._reasons import chain_of, reason_of

POOL = HTTPConnectionPool("127.0.0.1")
UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
ENDED = ssl.SSLEOFError(8, "UNEXPECTED_EOF_WHILE_READING")


def chained(outer: BaseException, inner: BaseException, *, named: bool) -> BaseException:
    """Return *outer*, raised while *inner* was handled, or from it."""
    try:
        raise inner
    except Exception:  # noqa: BLE001 - whatever the test gives
        return caught(lambda: raised(outer, inner if named else None))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UNTRUSTED, Reason.TLS),
        (exceptions.SSLError(UNTRUSTED), Reason.TLS),
        (exceptions.SSLError(ssl.SSLError(1, "WRONG_VERSION_NUMBER")), Reason.TLS),
        (exceptions.SSLError(ssl.CertificateError("hostname mismatch")), Reason.TLS),
        (exceptions.SSLError(ENDED), Reason.REFUSED),
        (exceptions.SSLError(ssl.SSLZeroReturnError(6, "closed")), Reason.REFUSED),
        (exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")), Reason.REFUSED),
        (exceptions.ProtocolError("x", http.client.RemoteDisconnected("closed")), Reason.REFUSED),
        (exceptions.ProtocolError("x", http.client.BadStatusLine("SSH")), Reason.BROKEN),
        (exceptions.IncompleteRead(1, 2), Reason.BROKEN),
        (exceptions.ReadTimeoutError(POOL, "/", "slow"), Reason.TIMEOUT),
        (exceptions.NewConnectionError(POOL, "refused"), Reason.REFUSED),
        (exceptions.MaxRetryError(POOL, "/", exceptions.SSLError(UNTRUSTED)), Reason.TLS),
        (exceptions.MaxRetryError(POOL, "/", exceptions.SSLError(ENDED)), Reason.REFUSED),
        (exceptions.ProxyError("x", exceptions.SSLError(UNTRUSTED)), Reason.TLS),
        (socket.gaierror(-2, "unknown"), Reason.DNS),
        (TimeoutError(), Reason.TIMEOUT),
        (ConnectionRefusedError(), Reason.REFUSED),
        (OSError(), Reason.REFUSED),
        (botocore.exceptions.SSLError(endpoint_url="x", error=exceptions.SSLError(UNTRUSTED)), Reason.TLS),
        (botocore.exceptions.SSLError(endpoint_url="x", error=exceptions.SSLError(ENDED)), Reason.REFUSED),
    ],
)  # fmt: skip
def test_the_innermost_telling_exception_decides(error: BaseException, reason: Reason) -> None:
    assert reason is reason_of(error, None)


def test_where_nothing_is_told_the_reason_is_the_one_that_is_given() -> None:
    assert Reason.TLS is reason_of(OSError(), None, Reason.TLS)
    assert Reason.REFUSED is reason_of(ENDED, None, Reason.TLS)


@pytest.mark.parametrize("named", [True, False])
def test_what_a_client_handled_or_named_itself_is_followed(named: bool) -> None:
    assert Reason.TLS is reason_of(chained(OSError(), UNTRUSTED, named=named), None)


def test_what_an_exception_names_tells_more_than_what_was_handled() -> None:
    error = chained(exceptions.MaxRetryError(POOL, "/", TimeoutError()), UNTRUSTED, named=False)

    assert Reason.TIMEOUT is reason_of(error, None)


@pytest.mark.parametrize(
    "handled", [UNTRUSTED, TimeoutError(), socket.gaierror(), http.client.IncompleteRead(b"")]
)
@pytest.mark.parametrize("depth", [1, 2])
def test_what_the_caller_was_handling_is_no_reason(handled: BaseException, depth: int) -> None:
    try:
        raise handled
    except Exception:  # noqa: BLE001 - whatever the test gives
        outside = sys.exception()
        if depth == 1:
            error = caught(lambda: raised(ConnectionRefusedError()))
        else:
            error = chained(exceptions.HTTPError(), ConnectionRefusedError(), named=False)

    assert handled is chain_of(error, None)[-1]
    assert handled not in chain_of(error, outside)
    assert Reason.REFUSED is reason_of(error, outside)


def test_exceptions_that_name_each_other_end() -> None:
    one, other = OSError(), OSError()
    one.args, other.args = (other,), (one,)

    assert [one, other] == chain_of(one, None)


def raised(error: BaseException, cause: BaseException | None = None) -> None:
    if cause is not None:
        raise error from cause
    raise error


def caught(work: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as found:
        work()
    return found.value
