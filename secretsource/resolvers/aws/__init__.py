"""AWS Secrets Manager, through boto3's default chain of credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._reference import check_resolver_name, is_reference
from secretsource._secret import Document, NotThere
from secretsource.resolvers import Answer, Location
from secretsource.resolvers._address import hidden
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._installed import check_installed
from secretsource.resolvers._not_pickled import NotPickled
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.aws._document import document_of
from secretsource.resolvers.aws._location import locate_name, locate_reference, request_for, with_region
from secretsource.resolvers.aws._settings import Settings

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

__all__ = ["AwsResolver"]

# All that a first read imports.
_MODULES = (
    "botocore.config",
    "botocore.exceptions",
    "encodings.idna",
    "pkgutil",
    "secretsource.resolvers._aws._session",
)


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
    """

    def __init__(
        self,
        name: str = "aws",
        *,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        prefix: str = "",
        max_bytes: int = 1_048_576,
        batch: bool = False,
    ) -> None:
        """Check the settings; nothing is imported or asked yet.

        Args:
            name: The configured name, which is also the scheme of references.
            region: Such as ``eu-central-1``.
            profile: A profile of the shared configuration files.
            endpoint_url: Another address of the service, such as a VPC endpoint; http only on loopback.
            prefix: Written before each mapped name as it stands, such as ``prod/``; not before references.
            max_bytes: The most bytes that a value may have.
            batch: Read several secrets at once with BatchGetSecretValue.

        Raises:
            ConfigError: A setting is wrong.
            MissingDependency: boto3 is not installed.
        """
        endpoint_url = hidden(endpoint_url)
        self.name = check_resolver_name(name)
        check_installed(name, "boto3", modules=("botocore",), extra="aws")
        self._settings = Settings(
            region=region,
            profile=profile,
            endpoint_url=endpoint_url,
            prefix=prefix,
            max_bytes=max_bytes,
            batch=batch,
        )
        self._clients = PerProcess(lambda: Clients(self._settings), modules=_MODULES)
        if batch:
            from secretsource.resolvers.aws._batches import Batches

            # Of the object and not of the class: without the setting, it must not look as if it had batches.
            self.fetch_many = Batches(name, self._clients, self.fetch, max_bytes=max_bytes).fetch_many

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
        return with_region(found, self._settings.region)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the secret at *location*; see `Resolver.fetch` for what is returned and raised.

        Raises:
            ConfigError: No region is configured anywhere, or boto3's own configuration is wrong.
        """
        with own_call(deadline):
            return with_retries(lambda: self._attempt(location), deadline)

    def close(self) -> None:
        """Close the connections; the next fetch opens new ones, with credentials looked for anew."""
        clients = self._clients.pop()
        if clients is not None:
            clients.close()

    def __repr__(self) -> str:
        """Return the name and the settings, none of which is a credential."""
        try:
            asked = self._settings
        except AttributeError:  # a traceback shows what was refused while it was built
            return object.__repr__(self)
        return (
            f"AwsResolver(name={self.name!r}, region={asked.region!r}, profile={asked.profile!r}, "
            f"endpoint_url={asked.endpoint_url!r}, prefix={asked.prefix!r})"
        )

    def _attempt(self, location: Location) -> Document | NotThere:
        """Ask once, and once more with new credentials; what fails is raised here, where no local holds a value."""
        said = asked(self._clients, lambda client: self._ask(client, location), location)
        if isinstance(said, Failure):
            raise said.error(self.name, str(location))
        return said

    def _ask(self, client: SecretsManagerClient, location: Location) -> Document | Failure:
        return document_of(client.get_secret_value(**request_for(location)), self._settings.max_bytes)
