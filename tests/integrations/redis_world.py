"""A Redis server and the store that has its password, which change together or one after the other."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

from secretsource import Store
from secretsource.testing import MemoryResolver
from tests.servers._process import LOOPBACK
from tests.servers.redis import Redis

__all__ = ["DOCUMENT", "NAME", "USER", "World", "tls_in_front_of"]

DOCUMENT = "redis"
NAME = f"{DOCUMENT}/password"
USER = f"{DOCUMENT}/user"


class World:
    """What an application finds: the server, and a store whose backend is memory.

    Args:
        server: It is given a new password.
    """

    def __init__(self, server: Redis) -> None:
        self.server = server
        self.memory = MemoryResolver()
        self.store = Store([self.memory])
        self.both(self.change_server(), user="default")
        self._later: threading.Timer | None = None

    def change_server(self, *, user: str = "default", kill: bool = False) -> str:
        """Let the server take another password, and return it."""
        password = secrets.token_urlsafe(12)
        self.server.set_password(password, user=user, kill=kill)
        return password

    def both(self, password: str, *, user: str) -> None:
        """Let the backend have user and password, as a new version."""
        self.memory.put(DOCUMENT, {"user": user, "password": password})

    def rotate(self, *, user: str = "default", later: float = 0.0, kill: bool = True) -> None:
        """Change the password at the server, and in the backend at once or so many seconds later."""
        password = self.change_server(user=user, kill=kill)
        if later:
            self._later = threading.Timer(later, self.both, [password], {"user": user})
            self._later.start()
        else:
            self.both(password, user=user)

    def close(self) -> None:
        if self._later is not None:
            self._later.join()
        self.store.close()


@contextlib.contextmanager
def tls_in_front_of(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """Pass connections on to a server that has no TLS."""
    threads: list[threading.Thread] = []

    def begin(work: Callable[..., None], *arguments: object) -> None:
        threads.append(threading.Thread(target=work, args=arguments))
        threads[-1].start()

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError), source, target:
            while piece := source.recv(4096):
                target.sendall(piece)
            target.shutdown(socket.SHUT_RDWR)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listener.accept()
                try:
                    outer = context.wrap_socket(raw, server_side=True)
                except OSError:  # the client does not trust us
                    raw.close()
                    continue
                inner = socket.create_connection((LOOPBACK, port))
                begin(pass_on, inner, outer)
                begin(pass_on, outer, inner)

    with socket.create_server((LOOPBACK, 0)) as listener:
        begin(accept, listener)
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(5)
