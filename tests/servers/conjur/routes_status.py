"""What the server says about itself and about the caller."""

from .calls import Call
from .clock import iso
from .messages import Reply
from .names import full_id, identifier_of
from .replies import JSON, NO_CACHE, REVALIDATE, data, to_json

_INSTALLED = ["authn", *(f"authn-{name}" for name in ("azure", "gcp", "iam", "jwt", "k8s", "ldap", "oidc"))]


def root(call: Call) -> Reply:
    """Give the version; as JSON it holds a line feed that JSON does not allow."""
    vary = ("Vary", "Accept")
    if "application/json" in call.request.headers.get("accept", ""):
        return Reply(200, (JSON, vary, REVALIDATE), b'{"version":"1.24.0\n"}')
    page = b"<!DOCTYPE html><html><body><h1>Status</h1><p>Your Conjur server is running!</p></body></html>"
    return Reply(200, (("Content-Type", "text/html; charset=utf-8"), vary, REVALIDATE), page)


def authenticators(call: Call) -> Reply:
    """List what can be logged in with."""
    configured = sorted({"authn", *_configured(call)})
    return data({"installed": _INSTALLED, "configured": configured, "enabled": sorted(call.world.enabled)})


def whoami(call: Call) -> Reply:
    """Say whose token was sent."""
    return data(
        {
            "client_ip": call.request.client_ip,
            "user_agent": call.request.headers.get("user-agent"),
            "account": call.world.account,
            "username": call.caller.login,
            "token_issued_at": iso(call.caller.issued_at),
        }
    )


def authenticator_status(call: Call, authenticator: str, service: str, account: str) -> Reply:
    """Say whether an authenticator works."""
    full = full_id(account, "webservice", f"conjur/{authenticator}/{service}/status")
    resource = call.world.store.resources.get(full)
    if resource and call.world.store.allowed(call.caller.role, "read", resource):
        return data({"status": "ok"})
    problem = f"CONJ00006E '{call.caller.login}' does not have 'read' privilege on {full}"
    described = f"#<Errors::Authentication::Security::RoleNotAuthorizedOnResource: {problem}>"
    return Reply(403, (JSON, NO_CACHE), to_json({"status": "error", "error": described}))


def _configured(call: Call) -> list[str]:
    services = [full for full in call.world.store.resources if ":webservice:conjur/authn-" in full]
    names = [identifier_of(full).removeprefix("conjur/") for full in services]
    return [name for name in names if name.count("/") == 1]
