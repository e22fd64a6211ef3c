"""Roles, resources and who may do what."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .names import kind_of
from .variables import Versions

ROLE_KINDS = frozenset({"user", "host", "group", "layer", "policy", "host_factory"})


@dataclass(slots=True)
class Resource:
    """Anything that has an id: a variable, a user, a policy, a web service.

    Attributes:
        policy: the policy whose document made it, if one did.
        layers: of a host factory, what the hosts it makes become members of.
        permissions: pairs of role and privilege, each with the policy that gave it.
    """

    id: str
    owner: str
    created_at: float
    policy: str | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    restricted_to: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    permissions: dict[tuple[str, str], str | None] = field(default_factory=dict)
    versions: Versions = field(default_factory=Versions)

    @property
    def kind(self) -> str:
        """The second part of the id."""
        return kind_of(self.id)


class Store:
    """The resources in the order they were made, and the roles' memberships."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self._grants: dict[str, set[str]] = {}

    def add(self, resource: Resource) -> bool:
        """Keep *resource* unless its id is taken; say whether it is new."""
        if resource.id in self.resources:
            return False
        self.resources[resource.id] = resource
        if resource.kind in ROLE_KINDS:
            self.grant(resource.id, resource.owner)
        return True

    def remove(self, full: str) -> None:
        """Forget a resource, with the memberships and permissions of its role."""
        del self.resources[full]
        self._grants.pop(full, None)
        for roles in self._grants.values():
            roles.discard(full)
        for resource in self.resources.values():
            for pair in [pair for pair in resource.permissions if pair[0] == full]:
                del resource.permissions[pair]

    def grant(self, role: str, member: str) -> None:
        """Make *member* a member of *role*."""
        self._grants.setdefault(member, set()).add(role)

    def permit(self, role: str, privileges: Iterable[str], full: str, policy: str | None = None) -> None:
        """Give *role* privileges on a resource."""
        for privilege in privileges:
            self.resources[full].permissions.setdefault((role, privilege), policy)

    def deny(self, role: str, privileges: Iterable[str], full: str) -> None:
        """Take from *role* what it was given itself; what a group gives it stays."""
        for privilege in privileges:
            self.resources[full].permissions.pop((role, privilege), None)

    def roles_of(self, role: str) -> set[str]:
        """Return the role with all it is a member of, directly or through others."""
        found: set[str] = set()
        todo = [role]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo.extend(self._grants.get(one, ()))
        return found

    def allowed(self, role: str, privilege: str, resource: Resource) -> bool:
        """Say whether a role has a privilege: as owner, by its own right or by a membership."""
        roles = self.roles_of(role)
        return resource.owner in roles or any((one, privilege) in resource.permissions for one in roles)

    def visible(self, role: str, resource: Resource) -> bool:
        """Say whether a role sees a resource: it does with any privilege at all."""
        roles = self.roles_of(role)
        return resource.owner in roles or any(one in roles for one, _ in resource.permissions)
