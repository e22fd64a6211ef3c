"""The reason behind an exception of the socket, of TLS, or of a client that speaks HTTP, however it is wrapped."""

from __future__ import annotations

import http.client
import socket
import ssl

from urllib3 import exceptions

from secretsource.errors import Reason

__all__ = ["chain_of", "reason_of", "why_tls_failed"]

# The connection ended while TLS was being agreed on, as it does when a server restarts: nothing failed to verify.
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

# X509_V_ERR_… of OpenSSL, in the words that say what to do about it.
_VERIFY = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate's authority is not known here",
    19: "the certificate's authority is not known here",
    20: "the certificate's authority is not known here",
    21: "the certificate's authority is not known here",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}
# Alerts of the server, by OpenSSL's names of them.
_ALERTS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server wants a client certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server refuses the handshake; it may want a client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the server refuses the client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the client certificate is revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the server refuses the client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "the client certificate's authority is not known to the server",
}
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})

# The first class that matches decides, so the special ones stand before their bases.
_REASONS: tuple[tuple[type[BaseException], Reason], ...] = (
    (exceptions.NameResolutionError, Reason.DNS),
    (exceptions.NewConnectionError, Reason.REFUSED),  # for compatibility, urllib3 calls it a timeout too
    (socket.gaierror, Reason.DNS),
    (exceptions.SSLError, Reason.TLS),
    (ssl.SSLError, Reason.TLS),
    (ssl.CertificateError, Reason.TLS),
    (exceptions.IncompleteRead, Reason.BROKEN),
    (http.client.IncompleteRead, Reason.BROKEN),
    (exceptions.InvalidChunkLength, Reason.BROKEN),
    (exceptions.DecodeError, Reason.BROKEN),
    (http.client.RemoteDisconnected, Reason.REFUSED),
    (http.client.HTTPException, Reason.BROKEN),
    (exceptions.TimeoutError, Reason.TIMEOUT),
    (TimeoutError, Reason.TIMEOUT),
)


def reason_of(error: BaseException, outside: BaseException | None, untold: Reason = Reason.REFUSED) -> Reason:
    """Return the reason behind *error*, which a client raised.

    The wrappers are followed inwards, and the first telling reason wins: a refused connection inside a
    ``MaxRetryError`` is `REFUSED`, a certificate that does not verify is `TLS`.

    Args:
        error: The exception.
        outside: See `chain_of`.
        untold: The reason if nothing tells one.
    """
    chain = chain_of(error, outside)
    if any(isinstance(inner, _ENDED) for inner in chain):
        return Reason.REFUSED
    told = (next((reason for kind, reason in _REASONS if isinstance(inner, kind)), None) for inner in chain)
    return next((reason for reason in told if reason not in {None, Reason.REFUSED}), None) or untold


def why_tls_failed(error: BaseException, outside: BaseException | None) -> str:
    """Return what failed to verify, in fixed words, or an empty text if OpenSSL does not tell.

    Args:
        error: The exception.
        outside: See `chain_of`.
    """
    for inner in chain_of(error, outside):
        if isinstance(inner, ssl.SSLCertVerificationError) and (why := _VERIFY.get(inner.verify_code)):
            return why
        if isinstance(inner, ssl.SSLError) and inner.reason in _NO_TLS:
            return "the server does not speak TLS on this port"
        if isinstance(inner, ssl.SSLError) and (why := _ALERTS.get(inner.reason or "")):
            return why
    return ""


def chain_of(error: BaseException, outside: BaseException | None) -> list[BaseException]:
    """Return *error* and what it wraps: first what it names as its reason, last what was handled when it was raised.

    Args:
        error: What a call raised.
        outside: What ``sys.exception()`` was before the call. Python hangs it on whatever the call raises, but it is
            the business of our caller, who may be handling another failure by asking us.
    """
    chain: list[BaseException] = []
    named: list[object] = [error]
    handled: list[object] = []
    while named or handled:
        inner = (named or handled).pop(0)
        if isinstance(inner, BaseException) and inner is not outside and inner not in chain:
            chain.append(inner)
            named += [
                getattr(inner, "reason", None),
                _wrapped_by_botocore(inner),
                inner.__cause__,
                *inner.args,
            ]
            handled.append(inner.__context__)
    return chain


def _wrapped_by_botocore(error: BaseException) -> object:
    known = getattr(error, "kwargs", None)
    return known.get("error") if isinstance(known, dict) else None
