"""From an exception of botocore to what a read ended in: "not there", or a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from secretsource._reference import shown
from secretsource._secret import NotThere
from secretsource.errors import ConfigError, Reason, ResolverError
from secretsource.resolvers import Location
from secretsource.resolvers._aws._codes import CODES, of_status
from secretsource.resolvers._aws._exceptions import LOCAL, SETUP, TLS, WIRE, meaning_of
from secretsource.resolvers._aws._failure import Failure, Meaning
from secretsource.resolvers._retry import number_of, retry_after

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

__all__ = ["explained"]

_READS = {"GetSecretValue", "BatchGetSecretValue"}
_DELETED = re.compile(r"\b(marked|scheduled|was)\b.{0,8}\bdelet(ed|ion)\b", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
# With any other status, a proxy or a broken server repeats words of AWS. In a batch, errors come in a 200.
_ABSENT = {200, 400, 404}
_PORTS = {"http": 80, "https": 443}
_SHORTEST_VERSION = 32  # characters; botocore refuses to ask for less


def explained(
    error: Exception, location: Location, endpoint: str | None, outside: BaseException | None = None
) -> NotThere | Failure:
    """Say what *error* means for the secret at *location*.

    Args:
        error: What the client raised, or what came up while it was built.
        location: What was asked for.
        endpoint: The client's address; `None` if it could not be built.
        outside: What was handled before the client was called; see `chain_of`.
    """
    from botocore.exceptions import ClientError, ParamValidationError

    if isinstance(error, ResolverError):
        return Failure(error.reason, _joined(error.detail, _server(error, endpoint)))
    if isinstance(error, ClientError):
        return _refused(error, location)
    short = location.version is not None and len(location.version) < _SHORTEST_VERSION
    if short and isinstance(error, ParamValidationError):
        return NotThere(Reason.MISSING, f"no version has an id of less than {_SHORTEST_VERSION} characters")
    return _failed(error, endpoint, outside)


def _refused(error: ClientError, location: Location) -> NotThere | Failure:
    """Read an answer of AWS with an error in it."""
    said: Mapping[str, object] = error.response.get("Error", {})
    code, words = str(said.get("Code", "")), str(said.get("Message", ""))
    if error.operation_name not in _READS:
        return _login_refused(error, code)
    absent = _status(error) in _ABSENT
    if absent and code == "InvalidRequestException" and _DELETED.search(words):
        return NotThere(Reason.DELETED, "scheduled for deletion")
    meaning = CODES.get(code) or of_status(_status(error))
    if meaning.reason is Reason.MISSING:
        if absent:
            return NotThere(Reason.MISSING, _missing_part(location, words))
        meaning = of_status(_status(error))
    advice = meaning.advice
    if code == "AccessDeniedException" and "KMS" in words:
        advice = CODES["DecryptionFailure"].advice
    return _failure(error, code, meaning, advice.format(secret=shown(location.address)))


def _login_refused(error: ClientError, code: str) -> Failure:
    """Read an answer to a call of boto3's for credentials, such as AssumeRole: whatever it refuses is a denial."""
    meaning = CODES.get(code) or of_status(_status(error))
    if meaning.reason in {Reason.THROTTLED, Reason.SERVER}:
        return _failure(error, code, meaning, f"while boto3 called {error.operation_name} for credentials")
    advice = f"boto3 got no credentials from {error.operation_name}: check the role of the profile and who may take it"
    return _failure(error, code, Meaning(Reason.DENIED, login=True), advice)


def _failure(error: ClientError, code: str, meaning: Meaning, advice: str) -> Failure:
    known = code if code in CODES else ""
    answer = _joined(f"HTTP {_status(error)} {known}".strip(), _request_id(error))
    return Failure(
        meaning.reason,
        "; ".join(part for part in (answer, advice) if part),
        retry_after=_wait(error),
        login=meaning.login,
        ask_again=meaning.again,
    )


def _failed(error: Exception, endpoint: str | None, outside: BaseException | None) -> Failure:
    """Read an exception that is no answer of AWS: the network, the credentials, the configuration."""
    from urllib3.exceptions import HTTPError

    from secretsource.resolvers._reasons import chain_of, reason_of, why_tls_failed

    if isinstance(error, ConfigError):
        return Failure(None, str(error))
    meaning = _innermost_meaning(error, outside)
    # It was no certificate that failed, but the file of authorities that AWS_CA_BUNDLE names.
    lacks_file = meaning is TLS and any(
        isinstance(inner, FileNotFoundError) for inner in chain_of(error, outside)
    )
    if lacks_file or (meaning is None and endpoint is None):
        meaning = SETUP
    if meaning in {WIRE, TLS} or (meaning is None and isinstance(error, HTTPError | OSError)):
        untold = Reason.TLS if meaning is TLS else Reason.REFUSED
        why, server = why_tls_failed(error, outside), _server(error, endpoint)
        return Failure(reason_of(error, outside, untold), f"{server}: {why}" if why else server)
    meaning = meaning or LOCAL
    return Failure(meaning.reason, meaning.advice or _server(error, endpoint), login=meaning.login)


def _innermost_meaning(error: BaseException, outside: BaseException | None) -> Meaning | None:
    """Return the meaning of *error*, or that of the outage behind it if it says that credentials were not to be had.

    A role whose credentials cannot be fetched because their source is down is no denial.
    """
    meaning, context = meaning_of(error), error.__context__
    if meaning is None or not meaning.login or context is None or context is outside:
        return meaning
    inner = _innermost_meaning(context, outside)
    return meaning if inner is None or inner.reason is None or inner.reason is Reason.BROKEN else inner


def _missing_part(location: Location, words: str) -> str:
    """Say what of the secret is missing, as far as AWS says it: the stage, the version, or all of it."""
    if "staging label" in words:
        return f"no version has the stage {shown(location.stage or 'AWSCURRENT')}"
    if location.version is not None or location.stage is not None:
        return "no such secret, version or stage"
    return ""


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _request_id(error: ClientError) -> str:
    """Return the request id for support, if it looks like one."""
    found = str(error.response.get("ResponseMetadata", {}).get("RequestId", ""))
    return f"request id {found}" if _REQUEST_ID.fullmatch(found) else ""


def _wait(error: ClientError) -> float | None:
    """Return the seconds the server asks us to wait, in the header of HTTP or in that of AWS (milliseconds)."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    milliseconds = number_of(headers.get("x-amz-retry-after"))
    return retry_after(headers.get("retry-after")) if milliseconds is None else milliseconds / 1000


def _server(error: Exception, endpoint: str | None) -> str:
    """Return host and port of whom we spoke to, which may be a proxy or the source of credentials."""
    said: Mapping[str, object] = getattr(error, "kwargs", {})
    proxy = said.get("proxy_url")
    try:
        parts = urlsplit(str(proxy or said.get("endpoint_url") or endpoint or ""))
        where = f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, 443)}" if parts.hostname else ""
    except ValueError:
        return ""
    return f"proxy {where}" if proxy and where else where


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
