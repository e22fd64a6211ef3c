"""Listing and describing resources."""

import re

from .calls import Call
from .clock import iso
from .messages import RefusedError, Reply
from .names import identifier_of
from .replies import argument, data, empty, error
from .store import Resource

_HIGHEST_LIMIT = 1000


def listing(call: Call, account: str) -> Reply:
    """List what the caller sees."""
    query = call.request.query
    limit, offset = _number(call, "limit"), _number(call, "offset") or 0
    if limit is not None and limit > _HIGHEST_LIMIT:
        message = f"'Limit' parameter must not exceed {_HIGHEST_LIMIT}"
        return error(422, "unprocessable_entity", message)
    found = sorted((one for one in _visible(call, account) if _wanted(one, call)), key=lambda one: one.id)
    if query.get("count") == "true":
        return data({"count": len(found)})
    return data([describe(one) for one in found[offset : offset + (limit or _HIGHEST_LIMIT)]])


def show(call: Call, account: str, kind: str, identifier: str) -> Reply:
    """Describe one resource, or say whether the caller has a privilege on it."""
    resource = call.require(account, kind, identifier)
    if call.request.query.get("check") != "true":
        return data(describe(resource))
    privilege = call.request.query.get("privilege", "")
    return empty(204 if call.world.store.allowed(call.caller.role, privilege, resource) else 404)


def describe(resource: Resource) -> dict[str, object]:
    """Describe a resource as Conjur does."""
    about: dict[str, object] = {
        "created_at": iso(resource.created_at),
        "id": resource.id,
        "owner": resource.owner,
    }
    if resource.policy:
        about["policy"] = resource.policy
    about["permissions"] = _permissions(resource)
    about["annotations"] = _annotations(resource)
    if resource.kind == "variable":
        about["secrets"] = resource.versions.describe()
    if resource.kind in {"user", "host"}:
        about["restricted_to"] = list(resource.restricted_to)
    return about


def _annotations(resource: Resource) -> list[dict[str, object]]:
    pairs = resource.annotations.items()
    return [{"name": name, "value": value, "policy": resource.policy} for name, value in pairs]


def _permissions(resource: Resource) -> list[dict[str, object]]:
    return [
        {"privilege": privilege, "role": role, **({"policy": policy} if policy else {})}
        for (role, privilege), policy in sorted(resource.permissions.items(), key=lambda item: item[0])
    ]


def _visible(call: Call, account: str) -> list[Resource]:
    store = call.world.store
    mine = [one for full, one in store.resources.items() if full.startswith(f"{account}:")]
    return [one for one in mine if store.visible(call.caller.role, one)]


def _wanted(resource: Resource, call: Call) -> bool:
    query = call.request.query
    searchable = " ".join([identifier_of(resource.id), *resource.annotations.values()])
    found = _words(query.get("search", "")) <= _words(searchable)
    return found and query.get("kind", resource.kind) == resource.kind


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _number(call: Call, name: str) -> int | None:
    text = call.request.query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise RefusedError(argument(f"invalid type for parameter '{name}'"))
    return int(text)
