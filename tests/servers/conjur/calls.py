"""One request together with the state it is about and the role it comes from."""

import re
from dataclasses import dataclass

from .messages import RefusedError, Request
from .names import full_id, role_of
from .replies import empty, no_record, token_refused
from .store import Resource
from .tokens import InvalidTokenError, MalformedTokenError
from .world import World

_HEADER = re.compile(r'Token token="(.*)"')


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a token."""

    role: str
    login: str
    issued_at: int


@dataclass(frozen=True, slots=True)
class Call:
    """What a route works on."""

    world: World
    request: Request
    sender: Caller | None = None

    @property
    def caller(self) -> Caller:
        """The owner of the token that was sent.

        Raises:
            RefusedError: when there was none.
        """
        return self.sender or identify(self.world, self.request)

    def seen(self, account: str, kind: str, identifier: str) -> Resource | None:
        """Return a resource if it exists and the caller sees it."""
        resource = self.world.store.resources.get(full_id(account, kind, identifier))
        return resource if resource and self.world.store.visible(self.caller.role, resource) else None

    def require(self, account: str, kind: str, identifier: str) -> Resource:
        """Return a resource the caller sees.

        Raises:
            RefusedError: when it is missing or not visible.
        """
        resource = self.seen(account, kind, identifier)
        if resource is None:
            raise RefusedError(no_record(full_id(account, kind, identifier)))
        return resource

    def authorize(self, privilege: str, resource: Resource) -> None:
        """Check a privilege of the caller.

        Raises:
            RefusedError: when it is not held.
        """
        if not self.world.store.allowed(self.caller.role, privilege, resource):
            raise RefusedError(empty(403))


def header_token(request: Request) -> str:
    """Return the token in the header, as sent.

    Raises:
        RefusedError: when there is none, or not in the one form that is taken.
    """
    match = _HEADER.match(request.headers.get("authorization", ""))
    if match is None:
        raise RefusedError(token_refused("Authorization missing"))
    return match[1]


def identify(world: World, request: Request) -> Caller:
    """Return the owner of the token that was sent.

    Raises:
        RefusedError: when the token is missing or bad.
    """
    try:
        login, issued_at = world.tokens.verify(header_token(request))
    except MalformedTokenError:
        raise RefusedError(token_refused("Malformed authorization token")) from None
    except InvalidTokenError:
        raise RefusedError(token_refused("Unauthorized: Invalid token")) from None
    return Caller(role_of(world.account, login), login, issued_at)
