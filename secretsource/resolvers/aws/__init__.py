"""AWS Secrets Manager, through boto3's default chain of credentials, or a cache of AWS's own on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from secretsource._deadline import Deadline
from secretsource._reference import check_resolver_name, is_reference
from secretsource.resolvers import Answer, Health, Location
from secretsource.resolvers._address import hidden
from secretsource.resolvers._aws._settings import Roles
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._not_pickled import NotPickled
from secretsource.resolvers.aws._location import locate_name, locate_reference, with_regions
from secretsource.resolvers.aws._settings import Settings, check_direct, clients_of, hidden_all

if TYPE_CHECKING:
    from secretsource.resolvers.aws._agent import AgentReads
    from secretsource.resolvers.aws._agent_settings import AgentSettings
    from secretsource.resolvers.aws._direct import Direct

__all__ = ["AwsResolver"]


class AwsResolver(NotPickled):
    """Reads secrets from AWS Secrets Manager; one GetSecretValue brings a secret with all its JSON keys.

    The name ``pepipost/api_key`` is the key ``api_key`` of the secret ``pepipost``; a name of one segment is a whole
    secret. A reference says it outright: ``aws://prod/email?stage=AWSPREVIOUS#pepipost``.

    Credentials are found as boto3 finds them: variables, the shared files, SSO, web identity, the container, the
    instance. When AWS says that they are expired or unknown, they are looked for once more. The identity needs
    ``secretsmanager:GetSecretValue``, and ``kms:Decrypt`` where the secret has a key of its own.

    A client needs a region: that of the configuration, of ``AWS_DEFAULT_REGION``, of the profile, or of ``AWS_REGION``.
    Without any, and with a profile that does not exist, the first read raises `ConfigError`.

    With ``batch=True`` it has a method more, ``fetch_many`` of `SupportsFetchMany`: several secrets at once are read
    with BatchGetSecretValue, 20 in a call. That needs ``secretsmanager:BatchGetSecretValue`` too; where it is not
    allowed, secrets are read one by one. AWS takes 100 such calls a second of an account, and 10,000 single reads.

    It also has ``put`` of `SupportsPut`. With ``transport="agent"`` or ``"lambda"`` it asks a cache of AWS's own on
    this machine in the place of the service: then it reads only, and with the agent has ``fetch_fresh`` of
    `SupportsFetchFresh`.
    """

    def __init__(
        self,
        name: str = "aws",
        *,
        region: str | list[str] | None = None,
        profile: str | None = None,
        endpoint_url: str | list[str] | None = None,
        prefix: str = "",
        max_bytes: int = 1_048_576,
        batch: bool = False,
        role_arn: str | list[str] | None = None,
        external_id: str | None = None,
        role_session_name: str | None = None,
        role_duration: int | None = None,
        transport: Literal["agent", "lambda"] | None = None,
        token_file: str | None = None,
    ) -> None:
        """Check the settings; nothing is imported or asked yet.

        Args:
            name: The configured name, which is also the scheme of references.
            region: Such as ``eu-central-1``. Of a list, the first has all secrets, and the others replicas, which are
                asked where it is unavailable.
            profile: A profile of the shared configuration files.
            endpoint_url: Another address of the service, such as a VPC endpoint; http only on loopback. With several
                regions, one for each.
            prefix: Written before each mapped name as it stands, such as ``prod/``; not before references.
            max_bytes: The most bytes that a value may have.
            batch: Read several secrets at once with BatchGetSecretValue.
            role_arn: A role to take with the credentials that are found; of several, each is taken with the one before.
            external_id: What the owner of the last role asks for.
            role_session_name: What CloudTrail shows of who took the roles; without it ``AWS_ROLE_SESSION_NAME``, or
                ``secretsource@`` and the name of this machine.
            role_duration: Seconds that the credentials of the roles live; AWS gives an hour.
            transport: Ask the AWS Secrets Manager Agent or the AWS Parameters and Secrets Lambda Extension, which keep
                what they read for a time of their own.
            token_file: The file with the agent's token; without it that of ``AWS_TOKEN``, or ``/var/run/awssmatoken``.

        Raises:
            ConfigError: A setting is wrong.
            MissingDependency: boto3 is not installed.
        """
        endpoint_url, external_id = hidden_all(endpoint_url), hidden(external_id)
        self.name = check_resolver_name(name)
        roles = Roles.of(role_arn, external_id, role_session_name, role_duration)
        if transport is None:
            check_direct(token_file)
            check_installed(name, "boto3", modules=("botocore",), extra="aws")
            clients = clients_of(region, endpoint_url, profile=profile, max_bytes=max_bytes, roles=roles)
            self._settings = Settings(clients=clients, prefix=prefix, batch=batch)
            self._ask_service(max_bytes)
            return
        check_installed(name, "urllib3", modules=("urllib3",), extra="aws")
        from secretsource.resolvers.aws._agent_settings import agent_settings, check_alone

        check_alone(region=region, profile=profile, role_arn=role_arn, batch=batch)
        agent = agent_settings(transport, endpoint_url, token_file)
        clients = clients_of(None, None, profile=None, max_bytes=max_bytes, roles=roles)
        self._settings = Settings(clients=clients, prefix=prefix, batch=False, agent=agent)
        self._ask_agent(agent, max_bytes)

    # What can be done only by some of them is an attribute of the object and not of the class: what cannot do it must
    # not look as if it could.

    _backend: Direct | AgentReads

    def _ask_service(self, max_bytes: int) -> None:
        from secretsource.resolvers.aws._direct import Direct

        self._backend = backend = Direct(self.name, self._settings, max_bytes)
        self.put = backend.put
        if self._settings.batch:
            self.fetch_many = backend.batches()

    def _ask_agent(self, agent: AgentSettings, max_bytes: int) -> None:
        from secretsource.resolvers.aws._agent import AgentReads

        self._backend = backend = AgentReads(self.name, agent, max_bytes=max_bytes)
        if agent.has_refresh:
            self.fetch_fresh = backend.fetch_fresh

    def locate(self, name: str, *, document: bool = False) -> Location:
        """Say which secret, key, version and stage *name* stands for; no I/O.

        Args:
            name: A name, or a reference whose scheme is this resolver.
            document: The whole secret with all its fields is wanted.

        Raises:
            InvalidReference: It is malformed, belongs to another resolver, or asks for a field of a whole document.
        """
        if is_reference(name):
            found = locate_reference(name, resolver=self.name, document=document)
        else:
            found = locate_name(name, prefix=self._settings.prefix, document=document)
        agent = self._settings.agent
        if agent is not None:
            return found.__replace__(text=f"{found} through {agent.address.where}")
        return with_regions(found, self._settings.regions, self.name)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the secret at *location*; see `Resolver.fetch` for what is returned and raised.

        Raises:
            ConfigError: No region is configured anywhere, or boto3's own configuration is wrong.
        """
        return self._backend.fetch(location, deadline)

    def close(self) -> None:
        """Close the connections; the next fetch opens new ones, with credentials looked for anew."""
        self._backend.close()

    def check(self, deadline: Deadline) -> Health:
        """Ask AWS who we are, with GetCallerIdentity, or the agent whether it is well; see `SupportsCheck`."""
        return self._backend.check(deadline)

    def policy_for(self, locations: Sequence[Location]) -> str:
        """Return the smallest IAM policy that lets *locations* be read; see `SupportsPolicy`.

        A secret with a key of its own needs ``kms:Decrypt`` on that key, too, which only its owner knows.
        """
        from secretsource.resolvers.aws._policy import policy_for

        return policy_for(locations, self._settings)

    def __repr__(self) -> str:
        """Return the name and the settings, none of which is a credential."""
        try:
            first, *others = self._settings.clients
            agent = self._settings.agent
        except AttributeError:  # a traceback shows what was refused while it was built
            return object.__repr__(self)
        if agent is not None:
            return (
                f"AwsResolver(name={self.name!r}, transport={agent.transport!r}, "
                f"endpoint_url={str(agent.address)!r}, prefix={self._settings.prefix!r})"
            )
        region = [each.region for each in self._settings.clients] if others else first.region
        addresses = [each.endpoint_url for each in self._settings.clients if each.endpoint_url]
        endpoint_url = addresses if others and addresses else first.endpoint_url
        return (
            f"AwsResolver(name={self.name!r}, region={region!r}, profile={first.profile!r}, "
            f"endpoint_url={endpoint_url!r}, prefix={self._settings.prefix!r})"
        )
