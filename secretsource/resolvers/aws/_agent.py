"""A cache of AWS's own on this machine in the place of the service: the Secrets Manager Agent, the Lambda extension.

Both answer over HTTP on loopback in the words of GetSecretValue, and keep what they read for a time of their own. They
hold the credentials of AWS, so no botocore is needed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._secret import Document, MaskedStr, NotThere
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers import Answer, Health, Location
from secretsource.resolvers._authority import SYSTEM
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._reply import MAX_BODY_OVERHEAD, Reply
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.aws._agent_answers import answer_of
from secretsource.resolvers.aws._agent_settings import AgentSettings
from secretsource.resolvers.aws._agent_token import AgentToken
from secretsource.resolvers.aws._location import impossible

if TYPE_CHECKING:
    from secretsource.resolvers._http import Connections

__all__ = ["AgentReads"]

_HEADER = "X-Aws-Parameters-Secrets-Token"
_SWELLS = 6  # times that a value may be longer in JSON, if each of its characters is escaped
_NO_TOKEN = {401, 403}

# All that a first read imports.
_MODULES = ("encodings.idna", "secretsource.resolvers._http")


class AgentReads:
    """Reads secrets through an agent, for one resolver.

    Args:
        name: The configured name of the resolver.
        settings: Where the agent is, and which one.
        max_bytes: The most bytes that a value may have.
    """

    def __init__(self, name: str, settings: AgentSettings, *, max_bytes: int) -> None:
        self._name = name
        self._settings = settings
        self._max_bytes = max_bytes
        self._token = AgentToken(settings)
        self._connections = PerProcess(self._open, modules=_MODULES)

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Read the secret at *location*, which may come out of the agent's cache; see `Resolver.fetch`."""
        return with_retries(lambda: self._attempt(location, deadline, ""), deadline)

    def fetch_fresh(self, location: Location, deadline: Deadline) -> Answer:
        """Let the agent read it anew; see `SupportsFetchFresh`."""
        return with_retries(lambda: self._attempt(location, deadline, "true"), deadline)

    def check(self, deadline: Deadline) -> Health:
        """Ask whether it answers, and look whether its token is there; see `SupportsCheck`. It tells no identity."""
        token = self._token.current()
        if isinstance(token, Failure):
            raise token.error(self._name, "")
        return with_retries(lambda: self._ping(deadline), deadline)

    def close(self) -> None:
        """Close the connections."""
        connections = self._connections.pop()
        if connections is not None:
            connections.close()

    def _open(self) -> Connections:
        from secretsource.resolvers._http import Connections

        return Connections(self._settings.address, SYSTEM)

    def _attempt(self, location: Location, deadline: Deadline, refresh: str) -> Document | NotThere:
        """Ask once, and once more with a newer token; what fails is raised here, where no local holds a value."""
        said = impossible(location) or self._asked(location, deadline, refresh)
        if isinstance(said, Failure):
            raise said.error(self._name, str(location))
        return said

    def _asked(self, location: Location, deadline: Deadline, refresh: str) -> Document | NotThere | Failure:
        asked = {"secretId": location.address, "versionId": location.version, "versionStage": location.stage}
        query = urlencode({key: value for key, value in (asked | {"refreshNow": refresh}).items() if value})
        token = self._token.current()
        if isinstance(token, Failure):
            return token
        said = self._exchange(f"/secretsmanager/get?{query}", token, deadline)
        if isinstance(said, Reply) and said.status in _NO_TOKEN:
            newer = self._token.newer(token)
            if newer is not None:
                said = self._exchange(f"/secretsmanager/get?{query}", newer, deadline)
        if isinstance(said, ResolverError):
            return Failure(said.reason, said.detail, retry_after=said.retry_after)
        return answer_of(said, location, self._settings, self._max_bytes)

    def _exchange(self, path: str, token: MaskedStr | None, deadline: Deadline) -> Reply | ResolverError:
        connections = self._connections.get()  # first, as that imports with no fork meanwhile
        from secretsource.resolvers._http import Request

        headers = {"Accept": "application/json"} | ({} if token is None else {_HEADER: token})
        limit = _SWELLS * self._max_bytes + MAX_BODY_OVERHEAD
        request = Request(method="GET", path=path, headers=headers, limit=limit)
        return connections.exchange(request, deadline)

    def _ping(self, deadline: Deadline) -> Health:
        said = self._exchange("/ping", None, deadline)
        if isinstance(said, ResolverError):
            raise said
        # The extension has no such path; that it refuses shows that it is there.
        if said.status >= 500 or (said.status != 200 and self._settings.has_ping):
            raise resolver_error(Reason.SERVER, said.said)
        return Health(detail=f"{self._settings.what} at {self._settings.address.where}")
