"""Reading and setting the values of variables."""

import base64
import re

from .calls import Call
from .messages import RefusedError, Reply
from .names import full_id
from .replies import BASE64, argument, crash, data, empty, error, no_value, value
from .store import Resource

_LINE = 60
_NOT_TEXT = (
    "CONJ00074E Issue encoding secret into JSON format, "
    "try including 'Accept-Encoding: base64' header in request."
)


def read(call: Call, account: str, identifier: str) -> Reply:
    """Give a value, of the newest version or of the one asked for."""
    full = full_id(account, "variable", identifier)
    variable = call.seen(account, "variable", identifier)
    if variable is None:
        return no_value(full)
    call.authorize("execute", variable)
    content = variable.versions.get(_version(call))
    if content is None:
        return no_value(full)
    return value(content, variable.annotations.get("conjur/mime_type", "application/octet-stream"))


def write(call: Call, account: str, identifier: str) -> Reply:
    """Set a value, or mark the variable as expired."""
    variable = call.require(account, "variable", identifier)
    call.authorize("update", variable)
    if "expirations" not in call.request.query:
        if not call.request.body.strip():
            return argument("'value' may not be empty")
        variable.versions.set(call.request.body)
    return empty(201)


def batch(call: Call) -> Reply:
    """Give many values, or none when there is anything wrong with one of them."""
    variables = _batched(call)
    for variable in variables:
        call.authorize("execute", variable)
    contents = {variable.id: _newest(variable) for variable in variables}
    if call.request.headers.get("accept-encoding", "").lower() == "base64":
        reply = data({full: _base64(content) for full, content in contents.items()})
        return Reply(reply.status, (BASE64, *reply.headers), reply.body)
    try:
        return data({full: content.decode() for full, content in contents.items()})
    except UnicodeDecodeError:
        return error(406, "not_acceptable", _NOT_TEXT)


def _version(call: Call) -> int | None:
    version = call.request.query.get("version")
    if version is None:
        return None
    if not re.fullmatch(r"-?[0-9]+", version):
        raise RefusedError(argument("invalid type for parameter 'version'"))
    return int(version)


def _batched(call: Call) -> list[Resource]:
    asked = call.request.query.get("variable_ids", "").rstrip(",").split(",")
    if "" in asked:
        raise RefusedError(argument("variable_ids"))
    if len(set(asked)) < len(asked):
        raise RefusedError(crash(500, call.request.headers.get("accept", "")))
    resources = call.world.store.resources
    for full in asked:
        if full not in resources:
            raise RefusedError(no_value(full))
    # The database gives them in the order they were made, not as asked.
    return [resource for full, resource in resources.items() if full in asked]


def _newest(variable: Resource) -> bytes:
    content = variable.versions.get()
    if content is None:
        raise RefusedError(no_value(variable.id))
    return content


def _base64(content: bytes) -> str:
    encoded = base64.b64encode(content).decode()
    return "".join(f"{encoded[start : start + _LINE]}\n" for start in range(0, len(encoded), _LINE))
