"""KV secrets engines: which version a mount has, and what its answers hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from secretsource._deadline import Deadline
from secretsource._secret import Document, NotThere
from secretsource.errors import Reason
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._single_flight import SingleFlight
from secretsource.resolvers.vault._errors import Number, decoded, is_missing

__all__ = ["Mount", "Mounts", "document_of", "mount_of", "not_there"]


@dataclass(frozen=True, slots=True)
class Mount:
    """One KV mount.

    Attributes:
        path: Without slashes at its ends.
        version: 1 or 2.
    """

    path: str
    version: int

    def holds(self, path: str) -> bool:
        """Whether *path* lies below this mount."""
        return path.startswith(f"{self.path}/")

    def url_path(self, path: str) -> str:
        """Return the decoded path of the URL at which *path* is read; it lies below this mount."""
        rest = path.removeprefix(f"{self.path}/")
        return f"/v1/{self.path}/data/{rest}" if self.version == 2 else f"/v1/{self.path}/{rest}"


class Mounts:
    """The mounts that are known to this process; each is looked up once. Vault allows no mount inside another."""

    def __init__(self) -> None:
        self._known: tuple[Mount, ...] = ()
        self._flight: SingleFlight[Mount] = SingleFlight()

    def find(self, path: str, key: object, look_up: Callable[[], Mount], deadline: Deadline) -> Mount:
        """Return the mount that holds *path*.

        Args:
            path: The path of a secret, mount included.
            key: Who asks for what: equal keys share a look-up and its failure.
            look_up: Asks the server.
            deadline: How long to wait for the look-up of another thread.
        """
        return self._get(path) or self._flight.run(
            key, lambda: self._get(path) or self._add(look_up()), deadline
        )

    def forget(self, mount: Mount) -> None:
        """Look *mount* up again next time: it has changed."""
        self._known = tuple(known for known in self._known if known != mount)

    def _get(self, path: str) -> Mount | None:
        return next((mount for mount in self._known if mount.holds(path)), None)

    def _add(self, mount: Mount) -> Mount:
        self._known = (*(known for known in self._known if known.path != mount.path), mount)
        return mount


def mount_of(reply: Reply, path: str) -> Mount | str:
    """Read the answer to a mount look-up; a text says what is wrong with it.

    Args:
        reply: An answer with status 200, or a 404 of a server without this endpoint.
        path: The path that was asked for.
    """
    if reply.status != 200:
        # A server older than 0.10.2: Vault's own command goes on with version 1.
        return Mount(path.partition("/")[0], 1)
    data = (decoded(reply.body) or {}).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("path"), str):
        return "the answer to the look-up of the mount is none"
    mount = Mount(data["path"].strip("/"), _version(data.get("options")))
    if data.get("type") not in {"kv", "generic"} or mount.version not in {1, 2}:
        return "the mount is no KV secrets engine of version 1 or 2"
    if not mount.path or not mount.holds(path):
        return "the path names a mount, and no secret below it"
    return mount


def _version(options: object) -> int:
    version = options.get("version", "1") if isinstance(options, dict) else "1"
    return {"": 1, "1": 1, "2": 2}.get(str(version), 0) if isinstance(version, str | int) else 0


def not_there(reply: Reply) -> NotThere | None:
    """Return what a 404 says if it is Vault's own, or `None` if it is not: a proxy's, or a wrong route."""
    if is_missing(reply.body):
        return NotThere(Reason.MISSING)
    _, metadata = _parts(reply, 2)
    if metadata.get("destroyed") is True:
        return NotThere(Reason.DELETED, "this version is destroyed")
    return NotThere(Reason.DELETED, "this version is deleted") if metadata.get("deletion_time") else None


def document_of(reply: Reply, version: int) -> Document | None:
    """Return the document in an answer with status 200, or `None` if there is none in it.

    Nothing is raised from here, as the local variables show values.
    """
    fields, metadata = _parts(reply, version)
    if fields is None:
        return None
    number = metadata.get("version")
    try:
        texts = {key: text for key, value in fields.items() if (text := _text(value)) is not None}
    except RecursionError:  # nested just deep enough to be read and not to be written
        return None
    return Document(
        fields=texts,
        version=str(number) if isinstance(number, int) else None,
        created=_moment(metadata.get("created_time")),
    )


def _parts(reply: Reply, version: int) -> tuple[dict[str, object] | None, dict[str, object]]:
    """Return fields and metadata of an answer."""
    data = (decoded(reply.body) or {}).get("data")
    if not isinstance(data, dict):
        return None, {}
    if version == 1:
        return data, {}
    fields, metadata = data.get("data"), data.get("metadata")
    return fields if isinstance(fields, dict) else None, metadata if isinstance(metadata, dict) else {}


def _text(value: object) -> str | None:
    """Return a value as text: strings as they are, `null` as `None`, all else as its JSON."""
    if value is None or isinstance(value, str):
        return value
    return (
        value.text
        if isinstance(value, Number)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
