"""Writing one secret, or one key of its JSON object, in the first region; replicas follow by themselves.

What must not write over others' work is written as a version of its own first, and then made the current one only if
the version that it is made from still is: AWS compares, when it moves the stage AWSCURRENT.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere, Value, masked
from secretsource.errors import InvalidResponse, Reason, ResolverError, WriteConflict
from secretsource.resolvers import Location
from secretsource.resolvers._aws._calls import asked
from secretsource.resolvers._aws._failure import Failure
from secretsource.resolvers._aws._quiet import own_call
from secretsource.resolvers._put import NOT_THE_SAME
from secretsource.resolvers._retry import with_retries
from secretsource.resolvers.aws._reads import Reads
from secretsource.resolvers.aws._region import Region
from secretsource.resolvers.aws._requests import create, move, put
from secretsource.resolvers.aws._service import SERVICE
from secretsource.resolvers.aws._values import check_is_name, check_place, content_of

if TYPE_CHECKING:
    from secretsource.resolvers.aws._requests import Request

__all__ = ["Writes"]

_ROUNDS = 6  # in which others may write at the same time
_RESTORE = "scheduled for deletion: 'aws secretsmanager restore-secret' (RestoreSecret) brings it back"


class Writes:
    """Writes secrets for one resolver.

    Args:
        name: The configured name of the resolver.
        region: What is written to.
        reads: Reads secrets.
    """

    def __init__(self, name: str, region: Region, reads: Reads) -> None:
        self._name = name
        self._region = region
        self._reads = reads

    def put(
        self, location: Location, value: str | bytes, deadline: Deadline, *, expected: str | None = None
    ) -> Document:
        """Write *value* at *location*; see `SupportsPut`.

        What is there already is not written again, so that the version before stays the previous one.
        """
        value = masked(value)
        check_place(location, self._region)
        whole = Location(address=location.address, text=str(location))
        current = self._read(whole, deadline)
        if expected is not None and (current is None or current.version != expected):
            raise WriteConflict("another version is the current one", location=str(location))
        # Of a whole value, who writes last wins.
        compares = expected is not None or location.field is not None
        for _ in range(_ROUNDS):
            if current is not None and current.pick(location.field) == value:
                return current
            content = content_of(current, location, value)
            version = self._write(whole, content, current, deadline, compares=compares)
            seen = self._read(whole, deadline)
            if seen is not None and version is not None:
                return self._compared(seen, version, content, location, value)
            if expected is not None:
                break
            current = seen
        raise WriteConflict("somebody else wrote at the same time", location=str(location))

    def _compared(
        self, seen: Document, version: str, content: Value, location: Location, value: Value
    ) -> Document:
        """Return what was read back, if it is what was written, or came after it and has the value too."""
        if seen.version != version and seen.pick(location.field) != value:
            raise WriteConflict("somebody else wrote right after it", location=str(location))
        if seen.version == version and seen.value != content:
            raise InvalidResponse(NOT_THE_SAME, location=str(location))
        return seen

    def _read(self, location: Location, deadline: Deadline) -> Document | None:
        """Return the current version, or `None` if there is no such secret, or no such version of it."""
        said = self._reads.read(self._region, location, deadline)
        if isinstance(said, NotThere) and said.reason is Reason.DELETED:
            raise InvalidResponse(_RESTORE, location=str(location))
        return said if isinstance(said, Document) else None

    def _write(
        self,
        location: Location,
        content: Value,
        current: Document | None,
        deadline: Deadline,
        *,
        compares: bool,
    ) -> str | None:
        """Make *content* the current version, and return its id; `None` if another one is in the place of *current*."""
        # The same however often it is sent, so what is sent again is not written twice.
        version = os.urandom(16).hex()
        if current is None:
            return self._write_first(location, content, version, deadline)
        if not compares or current.version is None:
            return self._put(location, content, version, deadline)
        self._put(location, content, version, deadline, aside=True)
        failure = self._moved(location, current.version, version, deadline)
        if failure is None:
            return version
        seen = self._read(location, deadline)
        if seen is not None and seen.version == current.version:
            raise failure
        return version if seen is not None and seen.version == version else None

    def _write_first(
        self, location: Location, content: Value, version: str, deadline: Deadline
    ) -> str | None:
        """Create the secret; one that is there, but has no current version, gets one."""
        if not location.address.startswith("arn:"):
            try:
                return self._send(create(location.address, content, version), location, deadline)
            except WriteConflict:
                pass  # somebody has created it
            if self._read(location, deadline) is not None:
                return None
        return self._put(location, content, version, deadline)

    def _put(
        self, location: Location, content: Value, version: str, deadline: Deadline, *, aside: bool = False
    ) -> str:
        return self._send(put(location.address, content, version, aside=aside), location, deadline)

    def _moved(self, location: Location, old: str, new: str, deadline: Deadline) -> ResolverError | None:
        """Make *new* the current version in the place of *old*; return what AWS says against it."""
        try:
            self._send(move(location.address, old, new), location, deadline)
        except InvalidResponse as error:
            return error.copy()
        return None

    def _send(self, request: Request, location: Location, deadline: Deadline) -> str:
        with own_call(deadline):
            return with_retries(lambda: self._attempt(request, location), deadline)

    def _attempt(self, request: Request, location: Location) -> str:
        said = asked(self._region.clients, request, SERVICE, location)
        if isinstance(said, NotThere):
            if said.reason is Reason.MISSING:
                check_is_name(location)
            raise InvalidResponse(_RESTORE, location=str(location))
        if isinstance(said, Failure):
            raise said.error(self._name, str(location))
        return said
