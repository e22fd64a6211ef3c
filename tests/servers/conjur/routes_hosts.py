"""Host factories: tokens with which machines make their own hosts."""

import datetime

from .calls import Call, header_token
from .messages import RefusedError, Reply
from .names import full_id
from .replies import argument, data, empty, no_record
from .routes_resources import describe
from .store import Resource


def issue_token(call: Call) -> Reply:
    """Make a token for a host factory."""
    form = call.request.form()
    factory = call.world.store.resources.get(form.get("host_factory", ""))
    if factory is None or not call.world.store.visible(call.caller.role, factory):
        raise RefusedError(no_record(form.get("host_factory", "::")))
    call.authorize("execute", factory)
    expiration = _moment(form.get("expiration", ""))
    networks = (form["cidr[]"],) if "cidr[]" in form else ()
    about = {"expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"), "cidr": list(networks)}
    issue = call.world.factory_tokens.issue
    return data([{**about, "token": issue(factory.id, expiration, networks)}])


def make_host(call: Call) -> Reply:
    """Make a host and give its API key."""
    token = call.world.factory_tokens.find(header_token(call.request))
    name = call.request.form().get("id")
    if token is None:
        raise RefusedError(empty(401))
    if not name:
        raise RefusedError(argument("id"))
    host = Resource(full_id(call.world.account, "host", name), token.factory, call.world.clock.now())
    call.world.store.add(host)
    for layer in call.world.store.resources[token.factory].layers:
        call.world.store.grant(layer, host.id)
    return data({**describe(host), "api_key": call.world.credentials.rotate(host.id)}, status=201)


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(argument("expiration")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
