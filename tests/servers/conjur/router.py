"""Finds the route of a request, after its token and the database were looked at."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from . import (
    routes_authn,
    routes_hosts,
    routes_policies,
    routes_resources,
    routes_secrets,
    routes_services,
    routes_status,
    routes_trusted,
)
from .calls import Call, identify
from .database import DatabaseError
from .messages import RefusedError, Reply, Request
from .replies import crash
from .world import World

_PIECE = "([^/]+)"
_REST = "(.+)"

# What can be asked without a token; a path that no route knows is not among it.
_OPEN = re.compile(r"/(authn(-[^/]+)?/.*|authenticators|host_factories/hosts)?")

_ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", "/", routes_status.root),
    ("GET", "/whoami", routes_status.whoami),
    ("GET", "/authenticators", routes_status.authenticators),
    ("GET", f"/authn/{_PIECE}/login", routes_authn.login),
    ("POST", f"/authn/{_PIECE}/{_PIECE}/authenticate", routes_authn.authenticate),
    ("PUT", f"/authn/{_PIECE}/api_key", routes_authn.rotate),
    ("PUT", f"/authn/{_PIECE}/password", routes_authn.set_password),
    ("GET", f"/authn-ldap/{_PIECE}/{_PIECE}/login", routes_services.ldap_login),
    ("POST", f"/authn-ldap/{_PIECE}/{_PIECE}/{_PIECE}/authenticate", routes_services.ldap_authenticate),
    ("POST", f"/authn-jwt/{_PIECE}/{_PIECE}/authenticate", routes_services.jwt_authenticate),
    (
        "POST",
        f"/authn-jwt/{_PIECE}/{_PIECE}/{_PIECE}/authenticate",
        routes_services.jwt_authenticate_host,
    ),
    ("POST", f"/authn-oidc/{_PIECE}/{_PIECE}/authenticate", routes_trusted.oidc),
    ("POST", f"/authn-azure/{_PIECE}/{_PIECE}/{_PIECE}/authenticate", routes_trusted.azure),
    ("POST", f"/authn-iam/{_PIECE}/{_PIECE}/{_PIECE}/authenticate", routes_trusted.iam),
    ("POST", f"/authn-gcp/{_PIECE}/authenticate", routes_trusted.gcp),
    ("POST", r"/authn-[^/]+(?:/[^/]+){2,3}/authenticate", routes_services.not_enabled),
    ("GET", f"/(authn-[^/]+)/{_PIECE}/{_PIECE}/status", routes_status.authenticator_status),
    ("GET", "/secrets", routes_secrets.batch),
    ("GET", f"/secrets/{_PIECE}/variable/{_REST}", routes_secrets.read),
    ("POST", f"/secrets/{_PIECE}/variable/{_REST}", routes_secrets.write),
    ("GET", f"/resources/{_PIECE}", routes_resources.listing),
    ("GET", f"/resources/{_PIECE}/{_PIECE}/{_REST}", routes_resources.show),
    ("POST", f"/policies/{_PIECE}/policy/{_REST}", routes_policies.append),
    ("PATCH", f"/policies/{_PIECE}/policy/{_REST}", routes_policies.update),
    ("PUT", f"/policies/{_PIECE}/policy/{_REST}", routes_policies.replace),
    ("POST", "/host_factory_tokens", routes_hosts.issue_token),
    ("POST", "/host_factories/hosts", routes_hosts.make_host),
)
_COMPILED = [(method, re.compile(pattern), route) for method, pattern, route in _ROUTES]


def answer(world: World, request: Request) -> Reply:
    """Answer one request."""
    accept = request.headers.get("accept", "")
    try:
        sender = None if _OPEN.fullmatch(request.path) else identify(world, request)
        world.database.use()
        return _routed(Call(world, request, sender)) or crash(404, accept)
    except RefusedError as refused:
        return refused.reply
    except DatabaseError:
        return crash(500, accept)


def _routed(call: Call) -> Reply | None:
    for method, pattern, route in _COMPILED:
        match = pattern.fullmatch(call.request.path)
        if match and method == call.request.method:
            return route(call, *map(unquote, match.groups()))
    return None
