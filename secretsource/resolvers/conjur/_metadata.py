"""Tokens of the machine's own identity, from the metadata service of a cloud.

It listens on one link-local address, which no router passes on, and speaks plain http: the one exception to the rule
that nothing leaves the machine in the clear. No proxy and no redirect is used, and no credential is sent.

Imported when the first request is made, as it imports urllib3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from secretsource._deadline import Deadline
from secretsource._secret import MaskedStr
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers._address import Address
from secretsource.resolvers._authority import SYSTEM
from secretsource.resolvers._http import Connections, Request
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply
from secretsource.resolvers.conjur._answers import decide

__all__ = ["azure_token", "gcp_token"]

_SERVICE = Address(scheme="http", host="169.254.169.254", port=80)
_SECONDS = 3.0  # it is on this machine; elsewhere nobody answers
_AZURE = "/metadata/identity/oauth2/token"
_GOOGLE = "/computeMetadata/v1/instance/service-accounts/default/identity"
_TOKEN = re.compile(r"[A-Za-z0-9_.=-]+", re.ASCII)


def azure_token(audience: str, client_id: str | None, deadline: Deadline) -> MaskedStr:
    """Return a token of the managed identity.

    Args:
        audience: What it is for.
        client_id: Which identity, where the machine has several.
        deadline: When it is wanted.

    Raises:
        ResolverError: There is none.
    """
    query = {"api-version": "2018-02-01", "resource": audience}
    if client_id:
        query["client_id"] = client_id
    outcome = _asked(f"{_AZURE}?{urlencode(query)}", {"Metadata": "true"}, deadline)
    return _found(outcome, "Azure", "is a managed identity assigned to this machine?")


def gcp_token(audience: str, deadline: Deadline) -> MaskedStr:
    """Return an identity token of the service account.

    Raises:
        ResolverError: There is none.
    """
    headers = {"Host": "metadata.google.internal", "Metadata-Flavor": "Google"}
    query = urlencode({"audience": audience, "format": "full"})
    outcome = _asked(f"{_GOOGLE}?{query}", headers, deadline)
    return _found(outcome, "Google Cloud", "is a service account assigned to this machine?")


def _asked(path: str, headers: Mapping[str, str], deadline: Deadline) -> Reply | ResolverError:
    request = Request(method="GET", path=path, headers=headers, limit=MAX_BODY_OVERHEAD)
    connections = Connections(_SERVICE, SYSTEM)
    try:
        return connections.exchange(request, Deadline(min(deadline.remaining, _SECONDS)))
    finally:
        connections.close()


def _found(outcome: Reply | ResolverError, cloud: str, hint: str) -> MaskedStr:
    service = f"the metadata service of {cloud}"
    if isinstance(outcome, ResolverError):
        raise resolver_error(outcome.reason, f"{service}, {outcome.detail}")
    if outcome.status != 200:
        reason, _ = decide(outcome.status)
        # It forgets its identities for a moment while they are changed, and says so with 410.
        reason = Reason.SERVER if outcome.status == 410 else reason
        denied = outcome.status in {400, 404} or reason is Reason.DENIED
        raise resolver_error(
            Reason.DENIED if denied else reason,
            f"HTTP {outcome.status} from {service}" + (f": {hint}" if denied else ""),
            retry_after=outcome.retry_after,
        )
    token = _token_in(outcome)
    if token is None:
        raise resolver_error(Reason.BROKEN, f"{service} answered with no token")
    return token


def _token_in(reply: Reply) -> MaskedStr | None:
    """Return the token: Google's is the body, Azure's a member of it."""
    text = MaskedStr(reply.body.decode("utf-8", "replace").strip())
    if text.startswith("{"):
        try:
            found = json.loads(text).get("access_token")
        except (ValueError, RecursionError):
            return None
        text = MaskedStr(found if isinstance(found, str) else "")
    return text if _TOKEN.fullmatch(text) else None
