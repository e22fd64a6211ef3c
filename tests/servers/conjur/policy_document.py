"""Turns a policy document into statements with full ids."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from .names import full_id
from .policy_yaml import PolicyText

_KINDS = {
    "!" + kind.replace("_", "-"): kind
    for kind in ("user", "host", "group", "layer", "variable", "webservice", "policy", "host_factory")
}


@dataclass(frozen=True, slots=True)
class Record:
    """Something to be made."""

    id: str
    owner: str
    annotations: dict[str, str] = field(default_factory=dict)
    restricted_to: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A membership to be made."""

    role: str
    member: str


@dataclass(frozen=True, slots=True)
class Permit:
    """Privileges to be given."""

    role: str
    privileges: tuple[str, ...]
    resource: str


Statement = Record | Grant | Permit


def statements(account: str, policy: str, owner: str, text: str) -> list[Statement]:
    """Read the document *text* to be loaded at a policy.

    Args:
        account: the account.
        policy: the policy's identifier; empty at the root.
        owner: the full id of the role that owns what the document makes.
        text: YAML.

    Raises:
        PolicyError: when it cannot be understood.
    """
    document = PolicyText(text)
    if document.root is None:
        return []
    return list(_Reader(account, document).read(document.root, policy, owner))


class _Reader:
    def __init__(self, account: str, document: PolicyText) -> None:
        self._account = account
        self._document = document

    def read(self, node: yaml.Node, policy: str, owner: str) -> Iterator[Statement]:
        if isinstance(node, yaml.SequenceNode) and not node.tag.startswith("!"):
            for item in node.value:
                yield from self.read(item, policy, owner)
        elif node.tag == "!grant":
            yield from self._grants(_fields(node), policy)
        elif node.tag == "!permit":
            yield from self._permits(_fields(node), policy)
        else:
            yield from self._records(node, policy, owner)

    def _grants(self, fields: dict[str, yaml.Node], policy: str) -> Iterator[Grant]:
        for role in self._ids(fields, "role", policy):
            for member in self._ids(fields, "member", policy):
                yield Grant(role, member)

    def _permits(self, fields: dict[str, yaml.Node], policy: str) -> Iterator[Permit]:
        privileges = _words(_field(fields, "privilege"))
        for role in self._ids(fields, "role", policy):
            for resource in self._ids(fields, "resource", policy):
                yield Permit(role, privileges, resource)

    def _records(self, node: yaml.Node, policy: str, owner: str) -> Iterator[Statement]:
        fields = _fields(node)
        full = self._id(node, policy)
        owners = self._ids(fields, "owner", policy)
        annotations = {name: str(value.value) for name, value in _pairs(fields.get("annotations"))}
        restricted = _words(fields.get("restricted_to"))
        layers = self._ids(fields, "layer", policy)
        yield Record(full, owners[0] if owners else owner, annotations, restricted, layers)
        if "body" in fields:
            yield from self.read(fields["body"], full.split(":", 2)[2], full)

    def _ids(self, fields: dict[str, yaml.Node], name: str, policy: str) -> tuple[str, ...]:
        return tuple(self._id(node, policy) for node in _flat(_field(fields, name)))

    def _id(self, node: yaml.Node, policy: str) -> str:
        kind = _KINDS.get(node.tag)
        if kind is None:
            raise self._document.error(node, f"Unrecognized data type '{node.tag}'")
        name = _fields(node).get("id") if isinstance(node, yaml.MappingNode) else node
        return full_id(self._account, kind, _qualify(kind, str(name.value) if name else "", policy))


def _qualify(kind: str, name: str, policy: str) -> str:
    if name.startswith("/"):
        return name[1:]
    if kind == "user" and policy:
        return f"{name}@{policy.replace('/', '-')}"
    return "/".join(part for part in (policy, name) if part)


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield str(name.value), value


def _fields(node: yaml.Node) -> dict[str, yaml.Node]:
    return dict(_pairs(node))


def _field(fields: dict[str, yaml.Node], name: str) -> yaml.Node | None:
    return fields.get(name) or fields.get(f"{name}s")


def _flat(node: yaml.Node | None) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _flat(item)
    elif node is not None:
        yield node


def _words(node: yaml.Node | None) -> tuple[str, ...]:
    return tuple(str(word.value) for word in _flat(node))
