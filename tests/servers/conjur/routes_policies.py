"""Loading policies."""

from collections.abc import Callable

from .calls import Call
from .messages import Reply
from .names import full_id
from .policy_document import Statement
from .policy_loading import Loaded, MissingRecordError
from .policy_yaml import PolicyError
from .replies import data, error, no_record


def append(call: Call, account: str, identifier: str) -> Reply:
    """Add to a policy."""
    return _change(call, _authorized(call, account, identifier, "create"), call.world.policies.load)


def update(call: Call, account: str, identifier: str) -> Reply:
    """Change a policy, which asks for another privilege than adding to it."""
    return _change(call, _authorized(call, account, identifier, "update"), call.world.policies.load)


def replace(call: Call, account: str, identifier: str) -> Reply:
    """Replace a policy: what it made and the document does not name is dropped."""
    return _change(call, _authorized(call, account, identifier, "update"), call.world.policies.replace)


def _authorized(call: Call, account: str, identifier: str, privilege: str) -> str:
    policy = call.require(account, "policy", identifier)
    call.authorize(privilege, policy)
    return policy.id


def _change(call: Call, policy: str, load: Callable[[str, list[Statement]], Loaded]) -> Reply:
    try:
        document = call.world.policies.read(policy, call.request.body.decode(errors="replace"))
        if call.request.query.get("dryRun") == "true":
            return _dry_run(call, policy, document)
        return _loaded(load(policy, document))
    except PolicyError as problem:
        return _invalid(problem)
    except MissingRecordError as missing:
        return no_record(missing.id)


def _loaded(loaded: Loaded) -> Reply:
    roles = {full: {"id": full, "api_key": key} for full, key in loaded.roles.items()}
    return data({"created_roles": roles, "version": loaded.version}, status=201)


def _dry_run(call: Call, policy: str, document: list[Statement]) -> Reply:
    # Only who is a member of the policy's role owns, and so sees, what the policy makes.
    open_to = policy in call.world.store.roles_of(call.caller.role)
    items = [_dry_item(full, hidden=not open_to) for full in call.world.policies.new_ids(document)]
    nothing: dict[str, list[str]] = {"items": []}
    created, updated = {"items": items}, {"before": nothing, "after": nothing}
    return data({"status": "Valid YAML", "created": created, "updated": updated, "deleted": nothing})


def _dry_item(full: str, *, hidden: bool) -> dict[str, object]:
    account, kind, identifier = full.split(":", 2)
    shown = full_id(account, kind, "[REDACTED]" if hidden else identifier)
    return {"identifier": {"identifier": shown, "type": kind}, "type": None}


def _invalid(problem: PolicyError) -> Reply:
    if problem.line is None:
        return error(422, "policy_invalid", problem.message)
    message = f"Error at line {problem.line}, column {problem.column} in policy : {problem.message}"
    where = {"filename": "policy", "line": problem.line, "column": problem.column}
    return error(422, "policy_invalid", message, innererror={"code": "policy_invalid", **where})
