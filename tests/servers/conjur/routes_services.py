"""Logging in through an authenticator with a service of its own: LDAP and JWT."""

from . import jwts
from .calls import Call
from .messages import RefusedError, Reply
from .replies import empty, error, text
from .routes_authn import known_role, token
from .store import Resource


def ldap_login(call: Call, service: str, account: str) -> Reply:
    """Give the API key for the directory's password."""
    service_of(call, "authn-ldap", service)
    login, password = call.request.basic() or ("", "")
    role = known_role(call, account, login)
    if not call.world.credentials.directory_fits(service, login, password):
        raise RefusedError(empty(401))
    return text(call.world.credentials.key(role))


def ldap_authenticate(call: Call, service: str, account: str, login: str) -> Reply:
    """Give a token for the directory's password or the API key."""
    webservice = service_of(call, "authn-ldap", service)
    role = authorized(call, webservice, known_role(call, account, login))
    offered = call.request.body.decode(errors="replace")
    credentials = call.world.credentials
    if not credentials.directory_fits(service, login, offered) and not credentials.key_fits(role, offered):
        raise RefusedError(empty(401))
    return token(call, role)


def jwt_authenticate(call: Call, service: str, account: str) -> Reply:
    """Give the token of the host that a claim of the JWT names."""
    webservice = service_of(call, "authn-jwt", service)
    sent = call.request.form().get("jwt")
    if not sent:
        raise RefusedError(empty(400))
    claims = _trusted_claims(call, service, sent)
    host = known_role(call, account, _host_login(call, service, claims))
    _check_annotations(call.world.store.resources[host], service, claims)
    return token(call, authorized(call, webservice, host))


def jwt_authenticate_host(call: Call, service: str, account: str, login: str) -> Reply:
    """Give the token of the host in the path, where no claim names one; this was not recorded, but documented."""
    webservice = service_of(call, "authn-jwt", service)
    sent = call.request.form().get("jwt")
    if not sent:
        raise RefusedError(empty(400))
    claims = _trusted_claims(call, service, sent)
    host = known_role(call, account, login)
    _check_annotations(call.world.store.resources[host], service, claims)
    return token(call, authorized(call, webservice, host))


def not_enabled(_call: Call) -> Reply:
    """Refuse an authenticator that the stand-in does not have."""
    return empty(401)


def service_of(call: Call, authenticator: str, service: str) -> Resource:
    """Return the web service of an authenticator that is switched on.

    Raises:
        RefusedError: when it is not, or no policy made its web service.
    """
    name = f"{authenticator}/{service}" if service else authenticator
    webservice = call.world.find("webservice", f"conjur/{name}")
    if webservice is None or name not in call.world.enabled:
        raise RefusedError(empty(401))
    return webservice


def authorized(call: Call, webservice: Resource, role: str) -> str:
    """Return the role if it may use the authenticator.

    Raises:
        RefusedError: when it may not.
    """
    if not call.world.store.allowed(role, "authenticate", webservice):
        raise RefusedError(empty(403))
    return role


def _setting(call: Call, service: str, name: str) -> str:
    return call.world.variable_text(f"conjur/authn-jwt/{service}/{name}")


def _trusted_claims(call: Call, service: str, sent: str) -> jwts.Claims:
    try:
        claims = jwts.read(_setting(call, service, "public-keys"), sent)
    except (jwts.InvalidJwtError, ValueError):
        raise RefusedError(empty(401)) from None
    expiry = claims.get("exp")
    if not isinstance(expiry, int) or call.world.clock.now() >= expiry:
        raise RefusedError(error(401, "unauthorized", "CONJ00016E Token expired"))
    wanted = {"iss": _setting(call, service, "issuer"), "aud": _setting(call, service, "audience")}
    if any(claims.get(name) != content for name, content in wanted.items()):
        raise RefusedError(empty(401))
    return claims


def _host_login(call: Call, service: str, claims: jwts.Claims) -> str:
    name = claims.get(_setting(call, service, "token-app-property"))
    if not isinstance(name, str):
        raise RefusedError(empty(401))
    path = _setting(call, service, "identity-path")
    return "/".join(part for part in ("host", path, name) if part)


def _check_annotations(host: Resource, service: str, claims: jwts.Claims) -> None:
    prefix = f"authn-jwt/{service}/"
    wanted = [(name, value) for name, value in host.annotations.items() if name.startswith(prefix)]
    if not wanted or any(claims.get(name.removeprefix(prefix)) != value for name, value in wanted):
        raise RefusedError(empty(401))
