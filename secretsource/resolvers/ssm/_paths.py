"""The parameters below a path, page by page, as the fields of one document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._secret import Document, NotThere
from secretsource.errors import Reason
from secretsource.resolvers import Location
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.ssm._document import parameters_in, value_of
from secretsource.resolvers.ssm._service import SERVICE

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = ["gathered"]

_MOST_PAGES = 1000  # of ten parameters each; an account holds 10,000 of them


class _Page:
    """One page: the values by field, kept in a document so that no frame shows them, and where it goes on."""

    def __init__(self, document: Document, following: str | None) -> None:
        self.document = document
        self.following = following


def gathered(
    name: str, clients: PerProcess[Clients[SSMClient]], location: Location, deadline: Deadline, max_bytes: int
) -> Document | None:
    """Return the parameters right below a path, `None` if there are none.

    Args:
        name: The configured name of the resolver.
        clients: Its clients.
        location: The path, with a slash at its end.
        deadline: When all pages are wanted.
        max_bytes: The most bytes that a value may have.
    """
    found = Document()
    following: str | None = None
    for _ in range(_MOST_PAGES):
        page = with_retries(lambda: _attempt(name, clients, location, following, max_bytes), deadline)  # noqa: B023
        found = Document(fields={**found.fields, **page.document.fields})
        following = page.following
        if following is None:
            return found if found.has_fields else None
    raise Failure(Reason.BROKEN, f"more than {_MOST_PAGES} pages").error(name, str(location))


def _attempt(
    name: str,
    clients: PerProcess[Clients[SSMClient]],
    location: Location,
    following: str | None,
    max_bytes: int,
) -> _Page:
    """Ask for one page; what fails is raised here, where no local holds a value."""
    said = asked(clients, lambda client: _ask(client, location, following, max_bytes), SERVICE, location)
    if isinstance(said, NotThere) and following is not None:
        said = Failure(Reason.BROKEN, "the list of parameters ends in the middle")
    if isinstance(said, NotThere):
        return _Page(Document(), None)
    if isinstance(said, Failure):
        raise said.error(name, str(location))
    return said


def _ask(client: SSMClient, location: Location, following: str | None, max_bytes: int) -> _Page | Failure:
    path = location.address.rstrip("/") or "/"
    more = {} if following is None else {"NextToken": following}
    answer = client.get_parameters_by_path(Path=path, Recursive=False, WithDecryption=True, **more)  # type: ignore[arg-type]
    parameters = parameters_in(answer)
    if isinstance(parameters, Failure):
        return parameters
    fields: dict[str, str] = {}
    for parameter in parameters:
        full, value = parameter.get("Name"), value_of(parameter, max_bytes)
        if isinstance(value, Failure):
            return value
        field = full.removeprefix(location.address) if isinstance(full, str) else ""
        if not field or field == full or "/" in field:
            return Failure(Reason.BROKEN, "HTTP 200 with a parameter that is not right below the path")
        fields[field] = value
    token: object = answer.get("NextToken")
    if token is not None and not isinstance(token, str):  # what follows would be missing
        return Failure(Reason.BROKEN, "HTTP 200 that does not say where the list goes on")
    return _Page(Document(fields=fields), token or None)
