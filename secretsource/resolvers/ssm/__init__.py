"""AWS Systems Manager Parameter Store, through boto3's default chain of credentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._reference import check_resolver_name, is_reference
from secretsource._secret import Document, NotThere, masked
from secretsource.errors import Reason, ResolverError
from secretsource.resolvers import Answer, Health, Location
from secretsource.resolvers._address import hidden
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._health import health_of
from secretsource.resolvers._aws._modules import MODULES
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._aws._settings import ClientSettings, Roles
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._not_pickled import NotPickled
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.ssm._document import document_of
from secretsource.resolvers.ssm._location import (
    is_possible,
    locate_name,
    locate_reference,
    selector,
    with_region,
)
from secretsource.resolvers.ssm._paths import gathered
from secretsource.resolvers.ssm._policy import policy_for
from secretsource.resolvers.ssm._service import SERVICE
from secretsource.resolvers.ssm._settings import Settings, Tier

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = ["SsmResolver"]

_MODULES = (*MODULES, "secretsource.resolvers.ssm._batches", "secretsource.resolvers.ssm._writes")


class SsmResolver(NotPickled):
    """Reads parameters of Parameter Store, decrypted: SecureString, String and StringList.

    The name ``pepipost/api_key`` is the parameter ``/pepipost/api_key``. A reference says more:
    ``ssm://prod/email?version=3``, ``?stage=LABEL``, and ``#key`` for one member of a parameter that is a JSON object.
    `get_fields` gathers the parameters below a path; no version joins them.

    Credentials and the region are found as the resolver ``aws`` finds them. The identity needs ``ssm:GetParameter``,
    ``ssm:GetParameters`` for several names at once, ``ssm:GetParametersByPath`` for `get_fields`, and ``kms:Decrypt``
    where a parameter has a key of its own.
    """

    def __init__(
        self,
        name: str = "ssm",
        *,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        prefix: str = "",
        max_bytes: int = 1_048_576,
        role_arn: str | list[str] | None = None,
        external_id: str | None = None,
        role_session_name: str | None = None,
        role_duration: int | None = None,
        key_id: str | None = None,
        tier: Tier = "standard",
    ) -> None:
        """Check the settings; nothing is imported or asked yet.

        Args:
            name: The configured name, which is also the scheme of references.
            region: Such as ``eu-central-1``.
            profile: A profile of the shared configuration files.
            endpoint_url: Another address of the service, such as a VPC endpoint; http only on loopback.
            prefix: Written before each name, such as ``prod/``; not before references.
            max_bytes: The most bytes that a value may have.
            role_arn: A role to take with the credentials that are found; of several, each is taken with the one before.
            external_id: What the owner of the last role asks for.
            role_session_name: What CloudTrail shows of who took the roles; without it ``AWS_ROLE_SESSION_NAME``, or
                ``secretsource@`` and the name of this machine.
            role_duration: Seconds that the credentials of the roles live; AWS gives an hour.
            key_id: The key of KMS that `put` encrypts with; without it, a new parameter gets AWS's own key and a known
                one keeps its key.
            tier: ``advanced`` lets `put` write values of up to 8 KiB, which AWS charges for; ``standard`` up to 4 KiB.

        Raises:
            ConfigError: A setting is wrong.
            MissingDependency: boto3 is not installed.
        """
        endpoint_url, external_id = hidden(endpoint_url), hidden(external_id)
        self.name = check_resolver_name(name)
        check_installed(name, "boto3", modules=("botocore",), extra="aws")
        client = ClientSettings(
            region=region,
            profile=profile,
            endpoint_url=endpoint_url,
            max_bytes=max_bytes,
            roles=Roles.of(role_arn, external_id, role_session_name, role_duration),
        )
        self._settings = Settings(client=client, prefix=prefix, key_id=key_id, tier=tier)
        self._clients = PerProcess(self._new_clients, modules=_MODULES)

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which parameter, version and label *name* stands for; no I/O.

        Args:
            name: A name, or a reference whose scheme is this resolver.
            document: The parameters below the path are wanted.

        Raises:
            InvalidReference: It is malformed, belongs to another resolver, or asks for what Parameter Store does not
                have.
        """
        if is_reference(name):
            found = locate_reference(name, resolver=self.name, document=document)
        else:
            found = locate_name(name, prefix=self._settings.prefix, document=document)
        return with_region(found, self._settings.client.region)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the parameter at *location*, or those below a path; see `Resolver.fetch`.

        Raises:
            ConfigError: No region is configured anywhere, or boto3's own configuration is wrong.
        """
        if not is_possible(location.address):
            return NotThere(Reason.MISSING, "no parameter can have this name")
        with own_call(deadline):
            if location.document:
                return gathered(self.name, self._clients, location, deadline, self._settings.client.max_bytes)
            return with_retries(lambda: self._attempt(location), deadline)

    def fetch_many(self, locations: Sequence[Location], deadline: Deadline) -> list[Answer | ResolverError]:
        """Read all *locations*, ten in one request; see `SupportsFetchMany`.

        Versions, labels, ARNs and paths are read by themselves, and so is every batch that fails as a whole for what
        may be the fault of one parameter in it.

        Raises:
            ConfigError: No region is configured anywhere, or boto3's own configuration is wrong.
        """
        self._clients.get()  # first, as it imports all that is needed
        from secretsource.resolvers.ssm._batches import Batches

        batches = Batches(self.name, self._clients, self.fetch, max_bytes=self._settings.client.max_bytes)
        return batches.fetch_many(locations, deadline)

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        """Write *value*, read it back and compare; see `SupportsPut`.

        A new parameter is a SecureString; a known one keeps its type and its key. AWS cannot compare versions: they are
        looked at just before, and just after, when somebody else's change to another member is put back.

        Raises:
            ConfigError: No region is configured anywhere, or boto3's own configuration is wrong.
        """
        value = masked(value)
        self._clients.get()
        from secretsource.resolvers.ssm._writes import Writing

        with own_call(deadline):
            return Writing(self.name, self._clients, self._settings, deadline).put(location, value, expected)

    def check(self, deadline: Deadline) -> Health:
        """Ask AWS who we are; see `SupportsCheck`."""
        return health_of(self.name, self._clients, deadline)

    def policy_for(self, locations: Sequence[Location]) -> str:
        """Return the IAM policy that lets all *locations* be read; see `SupportsPolicy`."""
        return policy_for(locations, self._settings.client.region)

    def close(self) -> None:
        """Close the connections; the next fetch opens new ones, with credentials looked for anew."""
        clients = self._clients.pop()
        if clients is not None:
            clients.close()

    def __repr__(self) -> str:
        """Return the name and the settings, none of which is a credential."""
        try:
            asked, client = self._settings, self._settings.client
        except AttributeError:  # a traceback shows what was refused while it was built
            return object.__repr__(self)
        return (
            f"SsmResolver(name={self.name!r}, region={client.region!r}, profile={client.profile!r}, "
            f"endpoint_url={client.endpoint_url!r}, prefix={asked.prefix!r})"
        )

    def _attempt(self, location: Location) -> Document | NotThere:
        """Ask once, and once more with new credentials; what fails is raised here, where no local holds a value."""
        said = asked(self._clients, lambda client: self._ask(client, location), SERVICE, location)
        if isinstance(said, Failure):
            raise said.error(self.name, str(location))
        return said

    def _ask(self, client: SSMClient, location: Location) -> Document | Failure:
        answer = client.get_parameter(Name=selector(location), WithDecryption=True)
        return document_of(answer.get("Parameter"), location, self._settings.client.max_bytes)

    def _new_clients(self) -> Clients[SSMClient]:
        return Clients(SERVICE.name, self._settings.client)
