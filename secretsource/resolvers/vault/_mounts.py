"""Mounts: which engine answers below a path, and where in a URL it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from secretsource._deadline import Deadline
from secretsource.resolvers._reply import Reply
from secretsource.resolvers._single_flight import SingleFlight
from secretsource.resolvers.vault._errors import decoded
from secretsource.resolvers.vault._paths import RESERVED

__all__ = ["Mount", "Mounts", "holder_of", "mount_of"]


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount.

    Attributes:
        path: Without slashes at its ends.
        version: 1 or 2 for a KV secrets engine, 0 for any other engine.
    """

    path: str
    version: int

    @property
    def is_kv(self) -> bool:
        """Whether it is a KV secrets engine."""
        return self.version != 0

    def holds(self, path: str) -> bool:
        """Whether *path* lies below this mount."""
        return path.startswith(f"{self.path}/")

    def rest(self, path: str) -> str:
        """Return what of *path* lies below this mount."""
        return path.removeprefix(f"{self.path}/")

    def url_path(self, path: str) -> str:
        """Return the decoded path of the URL at which *path* is read; it lies below this mount."""
        return f"/v1/{self.path}/data/{self.rest(path)}" if self.version == 2 else f"/v1/{path}"


class Mounts:
    """The mounts that are known to this process; each is looked up once. Vault allows no mount inside another."""

    def __init__(self) -> None:
        self.known: tuple[Mount, ...] = ()
        self._flight: SingleFlight[Mount] = SingleFlight()

    def find(self, path: str, key: object, look_up: Callable[[], Mount], deadline: Deadline) -> Mount:
        """Return the mount that holds *path*.

        Args:
            path: The path of a secret, mount included.
            key: Who asks for what: equal keys share a look-up and its failure.
            look_up: Asks the server.
            deadline: How long to wait for the look-up of another thread.
        """
        return holder_of(path, self.known) or self._flight.run(
            key, lambda: holder_of(path, self.known) or self._add(look_up()), deadline
        )

    def forget(self, mount: Mount) -> None:
        """Look *mount* up again next time: it has changed."""
        self.known = tuple(known for known in self.known if known != mount)

    def _add(self, mount: Mount) -> Mount:
        self.known = (*(known for known in self.known if known.path != mount.path), mount)
        return mount


def holder_of(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    """Return the one of *mounts* that holds *path*, or `None`."""
    return next((mount for mount in mounts if mount.holds(path)), None)


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
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("path"), str)
        or not isinstance(data.get("type"), str)
    ):
        return "the answer to the look-up of the mount is none"
    is_kv = data["type"] in {"kv", "generic"}
    mount = Mount(data["path"].strip("/"), _version(data.get("options")) if is_kv else 0)
    if is_kv and mount.version not in {1, 2}:
        return "the mount is no KV secrets engine of version 1 or 2"
    if not is_kv and not RESERVED.isdisjoint(mount.path.split("/")):  # that of a namespace, such as team/sys
        return "the mount is none of a secrets engine"
    if not mount.path or not mount.holds(path):
        return "the path names a mount, and no secret below it"
    return mount


def _version(options: object) -> int:
    version = options.get("version", "1") if isinstance(options, dict) else "1"
    return {"": 1, "1": 1, "2": 2}.get(str(version), -1) if isinstance(version, str | int) else -1
