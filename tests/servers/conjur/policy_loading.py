"""Loads policy documents into the store."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .clock import Clock
from .credentials import Credentials
from .names import full_id, kind_of
from .policy_document import Grant, Permit, Record, Statement, statements
from .store import Resource, Store


class MissingRecordError(Exception):
    """A statement speaks of something that does not exist."""

    def __init__(self, full: str) -> None:
        super().__init__(full)
        self.id = full


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did.

    Attributes:
        version: the policy's version, counted from 1.
        roles: new users and hosts with their API keys.
    """

    version: int
    roles: dict[str, str] = field(repr=False)


class PolicyLoader:
    """Loads documents at the policies of one account."""

    def __init__(self, account: str, store: Store, credentials: Credentials, clock: Clock) -> None:
        self.root = full_id(account, "policy", "root")
        self._account = account
        self._store = store
        self._credentials = credentials
        self._clock = clock
        self._versions: dict[str, int] = {}

    def bootstrap(self) -> None:
        """Make what every account begins with: the user `admin` and the root policy."""
        admin = full_id(self._account, "user", "admin")
        for full in (admin, self.root):
            self._store.add(Resource(full, admin, self._clock.now()))
        self._credentials.rotate(admin)

    def read(self, policy: str, text: str) -> list[Statement]:
        """Read a document for the policy with the full id *policy*; see `statements` for the errors."""
        if policy == self.root:
            return statements(self._account, "", full_id(self._account, "user", "admin"), text)
        return statements(self._account, policy.split(":", 2)[2], policy, text)

    def new_ids(self, document: Iterable[Statement]) -> list[str]:
        """List what loading *document* would make."""
        records = (statement for statement in document if isinstance(statement, Record))
        return [record.id for record in records if record.id not in self._store.resources]

    def load(self, policy: str, document: list[Statement]) -> Loaded:
        """Add what *document* says.

        Raises:
            MissingRecordError: when it speaks of a role or resource that neither it nor the account has.
        """
        self._check(document)
        roles: dict[str, str] = {}
        for record in document:
            if isinstance(record, Record):
                self._make(record, policy, roles)
        for statement in document:
            self._relate(statement, policy)
        self._versions[policy] = self._versions.get(policy, 0) + 1
        return Loaded(self._versions[policy], roles)

    def replace(self, policy: str, document: list[Statement]) -> Loaded:
        """Load *document* and drop what the policy made before and the document does not name."""
        named = {statement.id for statement in document if isinstance(statement, Record)}
        resources = list(self._store.resources.values())
        for resource in resources:
            if resource.policy == policy and resource.id not in named:
                self._store.remove(resource.id)
                self._credentials.forget(resource.id)
        return self.load(policy, document)

    def _check(self, document: list[Statement]) -> None:
        known = set(self._store.resources)
        known.update(statement.id for statement in document if isinstance(statement, Record))
        for full in (full for statement in document for full in _named(statement)):
            if full not in known:
                raise MissingRecordError(full)

    def _make(self, record: Record, policy: str, roles: dict[str, str]) -> None:
        made = Resource(record.id, record.owner, self._clock.now(), policy, dict(record.annotations))
        made.restricted_to, made.layers = record.restricted_to, record.layers
        if self._store.add(made) and kind_of(record.id) in {"user", "host"}:
            roles[record.id] = self._credentials.rotate(record.id)

    def _relate(self, statement: Statement, policy: str) -> None:
        if isinstance(statement, Grant):
            self._store.grant(statement.role, statement.member)
        elif isinstance(statement, Permit):
            self._store.permit(statement.role, statement.privileges, statement.resource, policy)


def _named(statement: Statement) -> tuple[str, ...]:
    if isinstance(statement, Grant):
        return (statement.role, statement.member)
    if isinstance(statement, Permit):
        return (statement.role, statement.resource)
    return statement.layers
