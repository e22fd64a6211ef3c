"""Writing a parameter: what it holds now is read, changed and written, and what was written is read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from secretsource._deadline import Deadline
from secretsource._fork import PerProcess
from secretsource._reference import shown
from secretsource._secret import Document, MaskedStr, NotThere, Value
from secretsource.errors import InvalidReference, InvalidValue, Reason, WriteConflict
from secretsource.resolvers import Location
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._client import Clients
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._json_object import with_changes, with_member
from secretsource.resolvers._put import NO_TEXT, NOT_THE_SAME, is_text
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.ssm._document import document_of
from secretsource.resolvers.ssm._known import SECURE, Known, key_of, known_of
from secretsource.resolvers.ssm._location import is_arn, is_possible, selector
from secretsource.resolvers.ssm._requests import Refused, request_for, write
from secretsource.resolvers.ssm._service import SERVICE
from secretsource.resolvers.ssm._settings import Settings

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

__all__ = ["Writing"]

T = TypeVar("T")

_ROUNDS = 10  # of reading and writing, before others who write all the time are called a conflict
_SIZES = {"standard": 4096, "advanced": 8192}  # bytes


class Writing:
    """One write of one parameter."""

    def __init__(
        self, name: str, clients: PerProcess[Clients[SSMClient]], settings: Settings, deadline: Deadline
    ) -> None:
        """Remember with what to ask.

        Args:
            name: The configured name of the resolver.
            clients: Its clients.
            settings: Its settings.
            deadline: When it must be done.
        """
        self._name = name
        self._clients = clients
        self._settings = settings
        self._deadline = deadline

    def put(self, location: Location, value: Value, expected: str | None) -> Document:
        """Write *value*; see `SupportsPut.put`."""
        _check_location(location)
        text = _as_text(location, value)
        known = self._known(location)
        current = None if known is None else known.version
        if expected is not None and expected != current:
            raise WriteConflict(f"the current version is {current or 'none'}", location=str(location))
        key_id = self._key(location, known)
        content = self._content(location, text, known)
        for _ in range(_ROUNDS):
            written = self._written(location, content, known, key_id)
            if written is None:  # somebody else has made it meanwhile
                known = self._known(location)
                key_id = self._key(location, known)
                content = self._content(location, text, known)
                continue
            found = self._read_back(location, content, written)
            between = self._between(location, known, written)
            if between is None or between.value == content:
                return found
            if expected is not None:
                raise WriteConflict(
                    f"somebody else wrote version {between.version} at the same moment, "
                    f"and version {written} with this value over it",
                    location=str(location),
                )
            wanted = (
                content if location.field is None else self._merged(location, text, known, content, between)
            )
            if wanted == content:
                return found
            known, content = between.__replace__(version=written, value=content), wanted
        raise WriteConflict("others write it all the time", location=str(location))

    def _known(self, location: Location, version: str | None = None) -> Known | None:
        """Return what the parameter holds, now or in a certain version; `None` if it is not there."""
        place = Location(address=location.address, version=version, text=str(location))
        most = self._settings.client.max_bytes
        return self._asked(place, lambda client: known_of(client, place, most))

    def _key(self, location: Location, known: Known | None) -> str:
        """Return the key to encrypt with, an empty text for AWS's own."""
        if self._settings.key_id is not None:
            return self._settings.key_id
        if known is None or known.type != SECURE:
            return ""
        return self._asked(location, lambda client: key_of(client, location)) or ""

    def _content(self, location: Location, text: MaskedStr, known: Known | None) -> MaskedStr:
        """Return what the whole parameter is to hold."""
        content: MaskedStr | None = text
        if location.field is not None:
            content = with_member("{}" if known is None else known.value, location.field, text)
        if content is None:
            raise InvalidValue(
                f"{location} cannot be written: the parameter is no JSON object, so it has no keys"
            )
        most = _SIZES[self._settings.tier]
        if len(content.encode()) > most:
            more = "; set tier = 'advanced' for up to 8,192" if self._settings.tier == "standard" else ""
            raise InvalidValue(f"{location} cannot hold more than {most:,} bytes{more}")
        return content

    def _merged(
        self, location: Location, text: MaskedStr, known: Known | None, content: MaskedStr, between: Known
    ) -> MaskedStr:
        """Return their change with ours, and with those of others that ours had put back before.

        Args:
            location: The member.
            text: Its value.
            known: What was read, or written, before.
            content: What was made of it, and has gone over their change.
            between: Their change.
        """
        merged = with_changes(between.value, "{}" if known is None else known.value, content)
        return self._content(location, text, between if merged is None else between.__replace__(value=merged))

    def _written(
        self, location: Location, content: MaskedStr, known: Known | None, key_id: str
    ) -> str | None:
        """Write; return the new version, `None` if there was to be none before and is one."""
        request = request_for(location, known, key_id, self._settings)
        said = self._asked(location, lambda client: write(client, request, content))
        if isinstance(said, Refused):
            raise InvalidValue(f"{location} cannot hold this value: {said.why}")
        return said if isinstance(said, str) else None

    def _read_back(self, location: Location, content: MaskedStr, version: str) -> Document:
        place = Location(address=location.address, version=version, text=str(location))
        found = self._asked(place, lambda client: self._document(client, place))
        if found is None or found.value != content:
            raise Failure(Reason.BROKEN, NOT_THE_SAME).error(self._name, str(location))
        return found

    def _between(self, location: Location, known: Known | None, written: str) -> Known | None:
        """Return the version before the one that was written, if it is not the one that was read."""
        before = int(written) - 1
        if before == (int(known.version) if known else 0):
            return None
        return self._known(location, str(before))

    def _document(self, client: SSMClient, place: Location) -> Document | Failure:
        answer = client.get_parameter(Name=selector(place), WithDecryption=True)
        return document_of(answer.get("Parameter"), place, self._settings.client.max_bytes)

    def _asked(self, location: Location, call: Callable[[SSMClient], T | Failure]) -> T | None:
        """Return what *call* makes of the client, `None` for "not there"; asked again where that may help."""
        return with_retries(lambda: self._attempt(location, call), self._deadline)

    def _attempt(self, location: Location, call: Callable[[SSMClient], T | Failure]) -> T | None:
        said = asked(self._clients, call, SERVICE, location)
        if isinstance(said, Failure):
            raise said.error(self._name, str(location))
        return None if isinstance(said, NotThere) else said


def _check_location(location: Location) -> None:
    if location.document or location.version is not None or location.stage is not None:
        raise InvalidReference(f"{location} cannot be written: it is a path, a version or a stage")
    if is_arn(location.address) or not is_possible(location.address) or location.address.startswith("/aws/"):
        raise InvalidReference(
            f"{shown(location.address)} cannot be written: write one by its own name, of A-Z a-z 0-9 . - _ and /"
        )


def _as_text(location: Location, value: Value) -> MaskedStr:
    if not isinstance(value, MaskedStr):
        raise InvalidValue(f"{location} cannot hold bytes: a parameter is text")
    if not value and location.field is None:
        raise InvalidValue(f"{location} cannot hold an empty value")
    if not is_text(value):
        raise InvalidValue(f"{location} cannot hold {NO_TEXT}")
    return value
