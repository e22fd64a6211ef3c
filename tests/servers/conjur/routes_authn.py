"""Logging in with an API key or a password, and changing them."""

import base64
import ipaddress

from .calls import Call
from .credentials import strong
from .messages import RefusedError, Reply
from .names import full_id, login_of, role_of
from .replies import BASE64, JSON, REVALIDATE, TEXT, empty, error, text

_WEAK = (
    "CONJ00046E The password you have chosen does not meet the complexity requirements. "
    "Choose a password that includes: 12-128 characters, 2 uppercase letters, 2 lowercase letters, "
    "1 digit and 1 special character"
)


def login(call: Call, account: str) -> Reply:
    """Give the API key for a password."""
    return text(call.world.credentials.key(_basic_role(call, account)))


def authenticate(call: Call, account: str, login_name: str) -> Reply:
    """Give a token for an API key."""
    role = known_role(call, account, login_name)
    if not call.world.credentials.key_fits(role, call.request.body.decode(errors="replace")):
        raise RefusedError(empty(401))
    return token(call, role)


def rotate(call: Call, account: str) -> Reply:
    """Give a new API key: one's own with HTTP Basic, another role's with a token."""
    if "role" not in call.request.query:
        return text(call.world.credentials.rotate(_basic_role(call, account)))
    kind, _, identifier = call.request.query["role"].rpartition(":")
    full = full_id(account, kind.rpartition(":")[2], identifier)
    resource = call.world.store.resources.get(full)
    if resource is None or not call.world.store.allowed(call.caller.role, "update", resource):
        message = f"CONJ00123E Resource '{full}' requested by role '{call.caller.role}' not found"
        raise RefusedError(error(404, "not_found", message))
    return text(call.world.credentials.rotate(full))


def set_password(call: Call, account: str) -> Reply:
    """Set one's own password."""
    role = _basic_role(call, account)
    password = call.request.body.decode(errors="replace")
    if not strong(password):
        details = [{"code": "validation_failed", "target": "password", "message": _WEAK}]
        return error(422, "validation_failed", f"password {_WEAK}", details=details)
    call.world.credentials.set_password(role, password)
    return empty(204)


def known_role(call: Call, account: str, login_name: str) -> str:
    """Return the role that logs in under a name, from where the caller is.

    Raises:
        RefusedError: one and the same for every reason.
    """
    role = role_of(account, login_name)
    resource = call.world.store.resources.get(role)
    if resource is None or not call.world.credentials.knows(role):
        raise RefusedError(empty(401))
    address = ipaddress.ip_address(call.request.client_ip)
    networks = [ipaddress.ip_network(network) for network in resource.restricted_to]
    if networks and not any(address in network for network in networks):
        raise RefusedError(empty(401))
    return role


def token(call: Call, role: str) -> Reply:
    """Answer with a new token, as JSON or ready for the header."""
    content = call.world.tokens.issue(login_of(role)).encode()
    encodings = call.request.headers.get("accept-encoding", "").lower().split(",")
    if "base64" in (encoding.strip() for encoding in encodings):
        return Reply(200, (BASE64, TEXT, REVALIDATE), base64.b64encode(content))
    return Reply(200, (JSON, REVALIDATE), content)


def _basic_role(call: Call, account: str) -> str:
    login_name, password = call.request.basic() or ("", "")
    role = known_role(call, account, login_name)
    credentials = call.world.credentials
    if not credentials.key_fits(role, password) and not credentials.password_fits(role, password):
        raise RefusedError(empty(401))
    return role
