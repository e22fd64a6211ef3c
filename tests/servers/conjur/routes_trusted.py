"""Logging in with what a service outside of Conjur vouches for. None of it was recorded: it is as documented."""

import json
import re

from .calls import Call
from .messages import RefusedError, Reply
from .replies import empty
from .routes_authn import known_role, token
from .routes_services import authorized, service_of

_ACCESS_KEY = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/")


def oidc(call: Call, service: str, account: str) -> Reply:
    """Give the token of whom an OpenID provider has named in an ID token."""
    return _answer(call, f"authn-oidc/{service}", account, call.request.form().get("id_token"))


def azure(call: Call, service: str, account: str, login: str) -> Reply:
    """Give the token of a host that runs under a managed identity of Azure."""
    return _answer(call, f"authn-azure/{service}", account, call.request.form().get("jwt"), login)


def gcp(call: Call, account: str) -> Reply:
    """Give the token of the host that the audience of Google's token names."""
    return _answer(call, "authn-gcp", account, call.request.form().get("jwt"))


def iam(call: Call, service: str, account: str, login: str) -> Reply:
    """Give the token of a host that has signed a request to AWS, by its access key."""
    try:
        headers = json.loads(call.request.body)
    except ValueError:
        raise RefusedError(empty(401)) from None
    signed = {name.lower(): str(content) for name, content in headers.items()}
    found = _ACCESS_KEY.match(signed.get("authorization", ""))
    return _answer(call, f"authn-iam/{service}", account, found[1] if found else None, login)


def _answer(
    call: Call, authenticator: str, account: str, proof: str | None, login: str | None = None
) -> Reply:
    webservice = service_of(call, *authenticator.partition("/")[::2])
    if not proof:
        raise RefusedError(empty(400))
    named = call.world.credentials.trusted_login(authenticator, proof)
    if named is None or login not in {None, named}:
        raise RefusedError(empty(401))
    return token(call, authorized(call, webservice, known_role(call, account, named)))
