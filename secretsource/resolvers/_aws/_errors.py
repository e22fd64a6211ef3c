"""From an exception of botocore to what a read ended in: "not there", or a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from secretsource._reference import shown
from secretsource._secret import NotThere
from secretsource.errors import ConfigError, Reason, ResolverError
from secretsource.resolvers import Location
from secretsource.resolvers._aws._codes import CODES, KMS_ADVICE, of_status
from secretsource.resolvers._aws._exceptions import FILE, LOCAL, SETUP, TLS, WIRE, meaning_of
from secretsource.resolvers._aws._failure import Failure, Meaning
from secretsource.resolvers._aws._role_errors import LoginDenied, LoginStale
from secretsource.resolvers._aws._service import Service
from secretsource.resolvers._retry import number_of, retry_after

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

__all__ = ["Answered", "explained", "refusal"]

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
# With any other status, a proxy or a broken server repeats words of AWS. In a batch, errors come in a 200.
_ABSENT = {200, 400, 404}
_PORTS = {"http": 80, "https": 443}


class Answered(NamedTuple):
    """The answer that an error was in.

    Attributes:
        status: Its HTTP status.
        request_id: What support asks for, as messages show it, or empty.
        wait: Seconds that the server asks us to wait, or `None`.
    """

    status: int
    request_id: str = ""
    wait: float | None = None


def explained(
    error: Exception,
    service: Service,
    location: Location,
    endpoint: str | None,
    outside: BaseException | None = None,
    *,
    profile: str | None = None,
) -> NotThere | Failure:
    """Say what *error* means for what was asked of *service*.

    Args:
        error: What the client raised, or what came up while it was built.
        service: What was asked.
        location: What it was asked for.
        endpoint: The client's address; `None` if it could not be built.
        outside: What was handled before the client was called; see `chain_of`.
        profile: Whose credentials they are, if of a profile of the shared files; messages say how to log in.
    """
    from botocore.exceptions import ClientError

    if isinstance(error, ResolverError):
        return _own(error, endpoint)
    if isinstance(error, ClientError):
        return _refused(error, service, location)
    return _failed(error, endpoint, outside, profile)


def _own(error: ResolverError, endpoint: str | None) -> Failure:
    """Read an error of ours that crossed the frames of botocore; one of a login says itself whom it spoke to."""
    return Failure(
        error.reason,
        error.detail if error.location else _joined(error.detail, _server(error, endpoint)),
        retry_after=error.retry_after,
        login=isinstance(error, LoginDenied),
        ask_again=isinstance(error, LoginStale),
    )


def _refused(error: ClientError, service: Service, location: Location) -> NotThere | Failure:
    """Read an answer of AWS with an error in it."""
    said: Mapping[str, object] = error.response.get("Error", {})
    code, words = str(said.get("Code", "")), str(said.get("Message", ""))
    if error.operation_name not in service.reads | service.writes:
        return _login_refused(error, code)
    return refusal(
        service,
        location,
        operation=error.operation_name,
        code=code,
        words=words,
        answer=Answered(_status(error), _request_id(error), _wait(error)),
    )


def refusal(
    service: Service, location: Location, *, operation: str, code: str, words: str, answer: Answered
) -> NotThere | Failure:
    """Say what an error of AWS means for what was asked of *service*; needs no botocore.

    Args:
        service: What was asked.
        location: What it was asked for.
        operation: How, such as ``GetSecretValue``.
        code: The error code that AWS gave.
        words: Its message; nothing of it is shown.
        answer: Which answer it was in.
    """
    if answer.status in _ABSENT and (absent := service.is_missing(code, words, location)) is not None:
        return absent
    meaning = service.codes.get(code) or of_status(answer.status)
    if meaning.reason is Reason.MISSING:
        meaning = of_status(answer.status)
    advice = KMS_ADVICE if code == "AccessDeniedException" and "KMS" in words else meaning.advice
    known = code if code in service.codes else ""
    name = shown(location.address) if location.address else ""
    return _failure(answer, known, meaning, service.advice(advice, operation, name))


def _login_refused(error: ClientError, code: str) -> Failure:
    """Read an answer to a call of boto3's for credentials, such as AssumeRole: whatever it refuses is a denial."""
    known = code if code in CODES else ""
    answer = Answered(_status(error), _request_id(error), _wait(error))
    meaning = CODES.get(code) or of_status(answer.status)
    if meaning.reason in {Reason.THROTTLED, Reason.SERVER}:
        return _failure(answer, known, meaning, f"while boto3 called {error.operation_name} for credentials")
    advice = f"boto3 got no credentials from {error.operation_name}: check the role of the profile and who may take it"
    return _failure(answer, known, Meaning(Reason.DENIED, login=True), advice)


def _failure(answer: Answered, known: str, meaning: Meaning, advice: str) -> Failure:
    """Return the failure; *known* is the code if it is one of our tables, else it may be anything."""
    told = _joined(f"HTTP {answer.status} {known}".strip(), answer.request_id)
    return Failure(
        meaning.reason,
        "; ".join(part for part in (told, advice) if part),
        retry_after=answer.wait,
        login=meaning.login,
        ask_again=meaning.again,
    )


def _failed(
    error: Exception, endpoint: str | None, outside: BaseException | None, profile: str | None
) -> Failure:
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
    if meaning is None and isinstance(error, OSError) and error.filename is not None:
        meaning = FILE
    if meaning in {WIRE, TLS} or (meaning is None and isinstance(error, HTTPError | OSError)):
        untold = Reason.TLS if meaning is TLS else Reason.REFUSED
        why, server = why_tls_failed(error, outside), _server(error, endpoint)
        return Failure(reason_of(error, outside, untold), f"{server}: {why}" if why else server)
    meaning = meaning or LOCAL
    advice = meaning.advice.replace("{profile}", _option(profile))
    return Failure(meaning.reason, advice or _server(error, endpoint), login=meaning.login)


def _option(profile: str | None) -> str:
    """Return the option of AWS's own command; none for a profile that a shell would read otherwise."""
    return f" --profile {profile}" if profile and _PLAIN.fullmatch(profile) else ""


def _innermost_meaning(error: BaseException, outside: BaseException | None) -> Meaning | None:
    """Return the meaning of *error*, or that of the outage behind it if it says that credentials were not to be had.

    A role whose credentials cannot be fetched because their source is down is no denial.
    """
    meaning, context = meaning_of(error), error.__context__
    if meaning is None or not meaning.login or context is None or context is outside:
        return meaning
    inner = _innermost_meaning(context, outside)
    return meaning if inner is None or inner.reason is None or inner.reason is Reason.BROKEN else inner


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
